"""After a class or a dance everybody buys for themselves; what each draws too much of may be their own doing."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta
from math import log
from pathlib import Path

import numpy as np
import pytest
from factories.city import START, City
from factories.scored import scored

from ringtrace.detectors import detect
from ringtrace.detectors.rings.baskets import Likeness
from ringtrace.detectors.rings.score import OWNERS_DOING, signals
from ringtrace.detectors.rings.supply import NO_SUPPLY
from ringtrace.findings import Finding

DANCERS = [f"d{number}" for number in range(8)]
SHELF = [f"SHELF{number}" for number in range(40)]


def after_the_dance(
    tmp_path: Path,
    *,
    one_hour: bool = True,
    own: bool = True,
    shops: int = 1,
    timed: bool = True,
    sign: str = "康来大药房",
) -> Finding:
    """Twenty-four days on which half of eight people buy at a shop, at nine in the morning or at any hour.

    Each buys from a shelf of five lasting drugs of their own, or `own` not: any of all forty, which others come back
    for every month and none of these eight ever does.
    """
    city, rng = City(), np.random.default_rng(11)
    for shop in ("S1", "S2", "S3", *(f"E{number}" for number in range(len(DANCERS)))):
        city.shop(shop, fixmedins_name=sign)
    for number, name in enumerate(city.background(seed=21, visits=8)):
        city.person(name, hh_no=f"h-{name}", addr=f"东湖里{number % 40 + 1}村3号")
        if number < 120:
            for month in range(6):
                goods = [{"med_list_codg": SHELF[(3 * number + kind) % 40], "fee": 30} for kind in range(3)]
                moment = START + timedelta(days=28 * month + number % 28, hours=8 + number % 10, minutes=number % 60)
                city.visit(name, f"S{1 + number % 3}", moment, items=goods)
    for number, name in enumerate(DANCERS):
        city.person(name, hh_no=f"h-{name}", addr=f"西湖里{number + 1}村8号")
        for month in range(5):
            moment = START + timedelta(days=30 * month + 3 * number, hours=18, minutes=7 * number)
            city.visit(name, f"E{number}", moment, items=[{"med_list_codg": "D1", "fee": 30}])
    for occasion, day in enumerate(sorted(rng.choice(170, 24, replace=False).tolist())):
        hour = 9.0 if one_hour else float(rng.uniform(8, 19))
        for order, number in enumerate(rng.permutation(len(DANCERS))[:5].tolist()):
            drug = 5 * number + int(rng.integers(5)) if own else int(rng.integers(40))
            minutes = 60 * hour + 3 * order + float(rng.uniform(0, 3)) if timed else 0
            moment = START + timedelta(days=day, minutes=int(minutes))
            shop = f"S{1 + occasion % shops}"
            city.visit(DANCERS[number], shop, moment, items=[{"med_list_codg": SHELF[drug], "fee": 30}])
    findings = detect(city.workspace(tmp_path), kinds=["borrowed_card_ring"]).findings
    return max(findings, key=lambda each: len({member.id for member in each.members} & set(DANCERS)))


def outcome(finding: Finding, code: str = "appointment") -> str:
    return next(check.outcome for check in finding.counter_evidence if check.code == code)


@pytest.mark.parametrize(
    ("sign", "expected"),
    [
        pytest.param("康来网上药店", "explains", marks=pytest.mark.near_miss, id="parcels"),
        pytest.param("康来大药房", "does_not_explain", marks=pytest.mark.positive, id="a counter"),
    ],
)
def test_an_online_pharmacy_settles_parcels_and_not_people(tmp_path: Path, sign: str, expected: str) -> None:
    finding = after_the_dance(tmp_path, one_hour=False, own=False, sign=sign)
    assert outcome(finding, "dispatch") == expected
    assert (finding.level == "explained") == (expected == "explains")


def test_who_buy_their_own_at_the_hour_of_a_dance_are_explained(tmp_path: Path) -> None:
    finding = after_the_dance(tmp_path)
    assert {member.id for member in finding.members if member.label == "Patient"} == set(DANCERS)
    assert outcome(finding) == "explains"
    assert finding.level == "explained"


@pytest.mark.near_miss
@pytest.mark.parametrize(
    "otherwise",
    [{"one_hour": False}, {"own": False}, {"shops": 3}],
    ids=["at any hour", "by one list", "round three shops"],
)
def test_no_hour_no_goods_of_their_own_or_no_one_place_is_no_appointment(
    tmp_path: Path, otherwise: dict[str, int]
) -> None:
    assert outcome(after_the_dance(tmp_path, **otherwise)) == "does_not_explain"  # type: ignore[arg-type]


@pytest.mark.near_miss
def test_times_without_an_hour_keep_none(tmp_path: Path) -> None:
    assert outcome(after_the_dance(tmp_path, timed=False)) == "does_not_explain"


@pytest.mark.parametrize(("times", "each_own"), [(2.0, 0.0), (3.0, 0.0), (6.0, 1.0), (12.0, 1.0)], ids=str)
def test_goods_are_each_ones_own_from_three_to_six_times_as_alike(times: float, each_own: float) -> None:
    likeness = Likeness(lines=200, own=0.05 * times, cross=0.05, usual=0.05, personal=1.0)
    assert likeness.each_own == pytest.approx(each_own)


@pytest.mark.parametrize("times", [2.0, 12.0], ids=["one list", "each their own"])
def test_too_much_of_ones_own_and_nothing_of_a_list_is_mostly_the_owners_doing(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, times: float
) -> None:
    """The same too fast courses and the same foreign money, on cards that get one list's goods or each their own."""
    told = scored(monkeypatch, DANCERS)
    after_the_dance(tmp_path)
    facts, _ = told[0]
    likeness = Likeness(lines=200, own=0.03 * times, cross=0.03, usual=0.03, personal=1.0)
    baskets = replace(
        facts.baskets, likeness=likeness, foreign_value=0.5, supply=replace(NO_SUPPLY, variety=20.0, oversupply=1.0)
    )
    heard = signals(replace(facts, baskets=baskets))
    own = times > 6
    assert heard["over"] == pytest.approx(1 - OWNERS_DOING if own else 1.0)
    assert heard["foreign"] == pytest.approx(log(0.5) if own else log(0.51 / 0.02))
