"""Signals and checks can be left out of a run, to measure what they are worth; nothing else changes by it."""

from __future__ import annotations

from datetime import timedelta
from pathlib import Path

import pytest
from factories.city import START, City

from ringtrace.detectors import detect
from ringtrace.detectors.ablation import PARTS, checked_parts
from ringtrace.findings import Finding


def family(folder: Path) -> City:
    city = City()
    for shop in ("S1", "S2", "S3"):
        city.shop(shop)
    city.background(seed=3)
    for name in ("f0", "f1", "f2"):
        city.person(name, hh_no="h")
        for day in range(5, 170, 11):
            city.visit(name, "S1", START + timedelta(days=day, hours=8 + day % 9, seconds=40 * int(name[1])))
    return city


def test_a_check_left_out_clears_nobody_and_the_finding_says_so(tmp_path: Path) -> None:
    workspace = family(tmp_path).workspace(tmp_path)

    def found(*without: str) -> Finding:
        return next(each for each in detect(workspace, without=without).findings if each.kind == "borrowed_card_ring")

    plain, without = found(), found("borrowed_card_ring.check.household")
    assert plain.level == "explained"
    assert "household" in {check.code for check in plain.counter_evidence}
    assert "household" not in {check.code for check in without.counter_evidence}
    assert without.score > plain.score
    assert without.parameters["without"] == "borrowed_card_ring.check.household"
    assert "without" not in found().parameters


def test_every_part_can_be_left_out_at_once(tmp_path: Path) -> None:
    every = [f"{kind}.{part}" for kind, parts in PARTS.items() for part in parts]
    assert detect(family(tmp_path).workspace(tmp_path), without=every).run == 1


def test_a_slip_in_a_name_is_an_error() -> None:
    with pytest.raises(ValueError, match=r"check\.hoose"):
        checked_parts(["borrowed_card_ring.check.hoose"])
