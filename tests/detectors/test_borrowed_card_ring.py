"""Rings in small cities: found where cards of strangers meet again and again, not where chance or kinship does it."""

from __future__ import annotations

from datetime import timedelta
from pathlib import Path

import numpy as np
import pytest
from factories.city import START, City

from ringtrace.detectors import detect
from ringtrace.findings import Finding

SUSPECTED = ("red", "orange")


def ring(city: City, names: list[str], *, seed: int, meetings: int, attendance: float = 0.8, shop: str = "S1") -> None:
    """Cards used one after the other at one counter, some missing each time."""
    rng = np.random.default_rng(seed)
    for meeting in range(meetings):
        moment = START + timedelta(days=int(rng.integers(180)), hours=int(rng.integers(9, 18)), minutes=meeting % 50)
        for name in rng.permutation(names):
            if rng.random() < attendance:
                moment += timedelta(seconds=int(rng.integers(20, 80)))
                city.visit(str(name), shop, moment, items=[{"med_list_codg": "D9", "fee": 180}])


def found(tmp_path: Path, city: City, **options: int) -> list[Finding]:
    findings = detect(city.workspace(tmp_path, **options), kinds=["borrowed_card_ring"]).findings
    return [finding for finding in findings if finding.kind == "borrowed_card_ring"]


@pytest.fixture
def city() -> City:
    city = City()
    for name in city.background(seed=7):
        city.person(name, hh_no=f"h-{name}", emp_no=None)
    return city


@pytest.mark.positive
def test_ring_of_strangers_is_found_whole(tmp_path: Path, city: City) -> None:
    cards = [f"r{number}" for number in range(8)]
    for card in cards:
        city.person(card, hh_no=f"h-{card}")
    ring(city, cards, seed=3, meetings=12)
    findings = found(tmp_path, city)
    assert [finding.level in SUSPECTED for finding in findings] == [True]
    assert {member.id for member in findings[0].members if member.label == "Patient"} == set(cards)


def test_ordinary_life_has_no_ring(tmp_path: Path, city: City) -> None:
    assert found(tmp_path, city) == []


@pytest.mark.near_miss
def test_family_is_explained(tmp_path: Path, city: City) -> None:
    family = [f"f{number}" for number in range(5)]
    for name in family:
        city.person(name, hh_no="one-household")
    ring(city, family, seed=4, meetings=10)
    findings = found(tmp_path, city)
    assert [finding.level for finding in findings] == ["explained"]
    assert any(check.code == "household" and check.outcome == "explains" for check in findings[0].counter_evidence)


def test_order_of_rows_changes_nothing(tmp_path: Path, city: City) -> None:
    cards = [f"r{number}" for number in range(6)]
    ring(city, cards, seed=5, meetings=9)
    one = found(tmp_path / "one", city)
    other = found(tmp_path / "other", city, shuffle=11)
    assert one
    assert [(each.finding_id, each.score, each.members) for each in one] == [
        (each.finding_id, each.score, each.members) for each in other
    ]
