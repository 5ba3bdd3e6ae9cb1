"""Who gains by the meetings: a group that buys what everybody buys is a weak lead, however seldom chance brings it."""

from __future__ import annotations

from datetime import timedelta
from pathlib import Path

import numpy as np
import pytest
from factories.city import START
from factories.high_street import LASTING, high_street

from ringtrace.detectors import detect
from ringtrace.findings import Finding

SHELF = [f"D{number}" for number in range(40)]
OFFERS = SHELF[:10]
PEOPLE = [f"m{number}" for number in range(8)]


def outing(tmp_path: Path, *, goods: list[str], fee: float = 30, emp_no: str | None = None) -> Finding:
    """Eight strangers go to two shops, on twelve days that suit somebody; alone each goes elsewhere."""
    city, rng = high_street(len(PEOPLE), SHELF), np.random.default_rng(5)
    for number, name in enumerate(PEOPLE):
        city.person(name, hh_no=f"h-{name}", emp_no=emp_no or f"e-{name}")
        for month in range(5):
            moment = START + timedelta(days=30 * month + 3 * number, hours=18, minutes=7 * number)
            city.visit(name, f"E{number}", moment, items=[{"med_list_codg": str(rng.choice(SHELF)), "fee": 30}])
    for day in sorted(rng.choice(170, 12, replace=False)):
        moment = START + timedelta(days=int(day), hours=int(rng.integers(9, 18)))
        for order, name in enumerate(rng.permutation(PEOPLE)):
            for place, shop in enumerate(("S1", "S2")):
                if rng.random() < 0.85:
                    items = [{"med_list_codg": str(rng.choice(goods)), "fee": fee}]
                    city.visit(str(name), shop, moment + timedelta(minutes=20 * place + order), items=items)
    findings = detect(city.workspace(tmp_path), kinds=["borrowed_card_ring"]).findings
    return max(findings, key=lambda each: len({member.id for member in each.members} & set(PEOPLE)))


def outcome(finding: Finding, code: str) -> str:
    return next(check.outcome for check in finding.counter_evidence if check.code == code)


def test_strangers_who_buy_what_everybody_buys_stay_a_weak_lead(tmp_path: Path) -> None:
    finding = outing(tmp_path, goods=OFFERS)
    assert {member.id for member in finding.members if member.label == "Patient"} == set(PEOPLE)
    assert outcome(finding, "no_gain") == "partly"
    assert finding.level == "yellow"


@pytest.mark.near_miss
@pytest.mark.parametrize(("goods", "fee"), [(OFFERS, 120.0), (LASTING, 30.0)], ids=["dear", "lasting"])
def test_dearer_goods_or_medicines_nobody_comes_back_for_are_a_gain(
    tmp_path: Path, goods: list[str], fee: float
) -> None:
    finding = outing(tmp_path, goods=goods, fee=fee)
    assert outcome(finding, "no_gain") == "does_not_explain"
    assert finding.level in ("red", "orange")


def test_a_pay_day_explains_colleagues_by_whom_nobody_gains(tmp_path: Path) -> None:
    """On days of nobody's week, as a month's pay-day is."""
    finding = outing(tmp_path, goods=OFFERS, emp_no="mill")
    assert outcome(finding, "own_hours") == "does_not_explain"
    assert outcome(finding, "employer") == "explains"
    assert finding.level == "explained"


@pytest.mark.near_miss
def test_a_pay_day_does_not_explain_colleagues_whose_cards_buy_dear_goods(tmp_path: Path) -> None:
    finding = outing(tmp_path, goods=OFFERS, fee=120, emp_no="mill")
    assert outcome(finding, "employer") == "partly"
