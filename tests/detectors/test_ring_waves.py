"""A holder who takes other cards when the first are spent: one ring, where rings in each other's time are two."""

from __future__ import annotations

from datetime import timedelta
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from factories.city import START, City

from ringtrace.detectors import detect
from ringtrace.findings import Finding

HOLDER = "r0"
FIRST, SECOND = [f"r{number}" for number in range(1, 6)], [f"r{number}" for number in range(6, 11)]


def suspected(tmp_path: Path, *, second_shop: str = "S1", at_once: bool = False, holder: str = HOLDER) -> list[Finding]:
    """Five cards and the holder's own in the first three months, then five others with `holder`'s."""
    city, rng = City(), np.random.default_rng(6)
    for name in city.background(seed=17, visits=10):
        city.person(name, hh_no=f"h-{name}")
    for name in {HOLDER, holder, *FIRST, *SECOND}:
        city.person(name, hh_no=f"h-{name}")
    waves = ((FIRST, "S1", HOLDER, 0), (SECOND, second_shop, holder, 0 if at_once else 90))
    for cards, shop, keeper, begin in waves:
        for day in sorted(begin + rng.choice(170 if at_once else 85, 12, replace=False)):
            moment = START + timedelta(days=int(day), hours=int(rng.integers(9, 18)))
            for place, card in enumerate([keeper, *cards]):
                if card == keeper or rng.random() < 0.9:
                    items = [{"med_list_codg": "D9", "fee": 180}]
                    city.visit(card, shop, moment + timedelta(seconds=80 * place), items=items)
    findings = detect(city.workspace(tmp_path), kinds=["borrowed_card_ring"]).findings
    return [finding for finding in findings if finding.level in ("red", "orange")]


def test_two_waves_of_cards_about_one_holder_are_one_ring(tmp_path: Path) -> None:
    (finding,) = suspected(tmp_path)
    people = {member.id: member.role for member in finding.members if member.label == "Patient"}
    assert set(people) == {HOLDER, *FIRST, *SECOND}
    assert [person for person, role in people.items() if role == "holder"] == [HOLDER]
    assert len(finding.evidence) > 100


@pytest.mark.near_miss
@pytest.mark.parametrize(
    "apart",
    [{"second_shop": "S2"}, {"at_once": True}, {"holder": "r99"}],
    ids=["elsewhere", "at the same time", "no card in common"],
)
def test_rings_that_share_place_time_or_card_alone_are_two(tmp_path: Path, apart: dict[str, Any]) -> None:
    findings = suspected(tmp_path, **apart)
    assert len(findings) == 2
    assert all(len([each for each in finding.members if each.label == "Patient"]) == 6 for finding in findings)
