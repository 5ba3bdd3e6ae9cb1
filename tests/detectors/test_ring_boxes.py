"""A box of cards of which a few are drawn each time: one ring, where two rings of one shop keep their own runs."""

from __future__ import annotations

from datetime import timedelta
from pathlib import Path

import numpy as np
import pytest
from factories.city import START, City

from ringtrace.detectors import detect
from ringtrace.detectors.rings import borrowed_card_ring
from ringtrace.findings import Finding

BOX = [f"r{number:02d}" for number in range(20)]
LASTING = [f"STATIN{number}" for number in range(10)]


def suspected(tmp_path: Path, *, halves: bool = False) -> list[Finding]:
    """120 runs at one shop for drugs that others take for good, with four cards of twenty, ten of which are to hand on
    odd runs and the others on even runs, these half as often; or only the ten to hand."""
    city, rng = City(), np.random.default_rng(3)
    for number, name in enumerate(city.background(seed=17, visits=10, persons=600)):
        city.person(name, hh_no=f"h-{name}")
        for month in range(6 if number < 300 else 0):
            moment = START + timedelta(days=29 * month + number % 29, hours=8, minutes=2 * number)
            city.visit(name, "S2", moment, items=[{"med_list_codg": LASTING[number % len(LASTING)], "fee": 90}])
    for name in BOX:
        city.person(name, hh_no=f"h-{name}")
    for number in range(120):
        moment = START + timedelta(days=number * 175 // 120, hours=int(rng.integers(9, 18)))
        to_hand = np.array([(place < 10) == bool(number % 2) for place in range(20)])
        chance = np.where(to_hand, 1.0, 0.0 if halves else 0.5)
        for place, card in enumerate(rng.choice(BOX, 4, replace=False, p=chance / chance.sum())):
            items = [{"med_list_codg": str(rng.choice(LASTING)), "fee": 90}]
            city.visit(str(card), "S1", moment + timedelta(seconds=80 * place), items=items)
    findings = detect(city.workspace(tmp_path), kinds=["borrowed_card_ring"]).findings
    return [finding for finding in findings if finding.level in ("red", "orange")]


def people(finding: Finding) -> set[str]:
    return {member.id for member in finding.members if member.label == "Patient"}


def test_cards_drawn_by_lot_from_one_box_are_one_ring(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(borrowed_card_ring, "join_boxes", lambda *_: [])
    pieces = suspected(tmp_path / "pieces")
    assert len(pieces) >= 2
    monkeypatch.undo()
    (finding,) = suspected(tmp_path / "whole")
    assert people(finding) <= set(BOX)
    assert len(people(finding)) >= 16 > max(len(people(piece)) for piece in pieces)


@pytest.mark.near_miss
def test_two_boxes_in_one_shop_are_two_rings(tmp_path: Path) -> None:
    found = sorted(sorted(people(finding)) for finding in suspected(tmp_path, halves=True))
    assert found == [BOX[:10], BOX[10:]]
