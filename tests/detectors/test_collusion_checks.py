"""Innocent explanations of a pharmacy's oddities, each with the case that it must not clear."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from factories.city import START, City

from ringtrace.detectors.collusion.checks import kept_code, passers_by, special_drugs
from ringtrace.detectors.collusion.evidence import Evidence
from ringtrace.detectors.collusion.goods import CitedGoods, resold_goods, same_goods
from ringtrace.detectors.collusion.mixture import Fit
from ringtrace.detectors.collusion.shops import Shop
from ringtrace.detectors.collusion.signals import PERSON_SIGNALS, VISIT_SIGNALS
from ringtrace.detectors.packs.sales import net_sale_lines


@pytest.mark.parametrize(
    ("kind", "outcome"),
    [
        pytest.param("course", "explains", marks=pytest.mark.near_miss),
        pytest.param("uneven", "does_not_explain", marks=pytest.mark.positive),
        pytest.param("cheap", "does_not_explain", marks=pytest.mark.positive),
        pytest.param("no goods", "partly", marks=pytest.mark.positive),
    ],
)
def test_a_special_drug_pharmacy_has_clients_on_a_course_of_their_own(tmp_path: Path, kind: str, outcome: str) -> None:
    """Eight people fetch one dear drug each every four weeks; or at odd times, or a cheap one, or no pack is there."""
    city = City()
    city.shop("S")
    for number in range(12):
        city.drug(f"D{number}", atc_code=f"L0{number % 8}AA01", rx_flag="1")
        city.visit(city.person(f"q{number}"), "S", START + timedelta(days=number), items=[item(f"D{number}", 20)])
    people = [city.person(f"p{number}") for number in range(8)]
    rng = np.random.default_rng(1)
    for number, person in enumerate(people):
        days = rng.choice(300, 9, replace=False) ** 2 // 300 if kind == "uneven" else 28 * np.arange(9)
        for day in days:
            line = item(f"D{number % 4}" if kind == "cheap" else f"E{number % 4}", 20 if kind == "cheap" else 4000)
            city.visit(person, "S", START + timedelta(days=int(day), hours=10), items=[line])
    for number in range(4):
        city.drug(f"E{number}", atc_code=f"L01E{number}01", rx_flag="1")
    spoken = {"unrecorded": 9.0} if kind == "no goods" else {"surge": 9.0}
    nothing = np.zeros(0)
    fit = fit_of(spoken)
    shop = Shop("S", True, np.arange(0), people, np.arange(0), nothing, nothing, fit)
    with city.workspace(tmp_path).connect() as tables:
        net_sale_lines(tables)
        check = special_drugs(tables, shop, Evidence(fit, 5, 100, True), np.arange(8))
    assert check.outcome == outcome


ALL_THEIRS = CitedGoods(
    number=10, drugs=2, part=0.9, share=0.9, walk_ins=0.1, accused=1.0, people=0, unlikely=(0, 0), others=(0, 0),
    usual=(950, 99),
)  # fmt: skip
"""Ten accused are nearly all who buy two drugs, and come back for them; a tenth of the other lines lacks a code."""


@pytest.mark.parametrize(
    ("others", "beside", "outcome"),
    [
        pytest.param({"people": 3, "others": (20, 12)}, {}, "explains", marks=pytest.mark.near_miss),
        pytest.param({"people": 3, "others": (20, 12)}, {"no_illness": 90.0}, "explains", marks=pytest.mark.near_miss),
        pytest.param({"people": 3, "others": (20, 12)}, {"far": 90.0}, "does_not_explain", marks=pytest.mark.positive),
        pytest.param({"people": 1, "others": (20, 12)}, {}, "does_not_explain", marks=pytest.mark.positive),
        pytest.param({"people": 3, "others": (20, 5)}, {}, "does_not_explain", marks=pytest.mark.positive),
        pytest.param({"people": 3, "others": (20, 12), "drugs": 6}, {}, "does_not_explain", marks=pytest.mark.positive),
        pytest.param({"walk_ins": 0.5}, {}, "explains", marks=pytest.mark.near_miss),
        pytest.param({"people": 5, "unlikely": (40, 22), "drugs": 6}, {}, "explains", marks=pytest.mark.near_miss),
    ],
)
def test_a_few_drugs_that_lack_codes_for_the_others_too_accuse_nobody(
    others: dict[str, Any], beside: dict[str, float], outcome: str
) -> None:
    """Nearly all who buy what an outlet resells are accused; the few who are not tell that it is the goods."""
    goods = replace(ALL_THEIRS, **{"others": (20, 9)} | others)
    evidence = Evidence(fit_of({"uncoded": 300.0, "short": 90.0} | beside), 8, 500, True)
    assert same_goods(goods, evidence).outcome == outcome


@pytest.mark.parametrize(
    ("case", "outcome"),
    [
        pytest.param("all of it", "explains", marks=pytest.mark.near_miss),
        pytest.param("a part", "does_not_explain", marks=pytest.mark.positive),
        pytest.param("another drug", "does_not_explain", marks=pytest.mark.positive),
        pytest.param("with codes", "does_not_explain", marks=pytest.mark.positive),
        pytest.param("no illness", "does_not_explain", marks=pytest.mark.positive),
        pytest.param("at night", "does_not_explain", marks=pytest.mark.positive),
        pytest.param("never booked", "does_not_explain", marks=pytest.mark.positive),
        pytest.param("short too", "explains", marks=pytest.mark.near_miss),
        pytest.param("others get packs with codes", "does_not_explain", marks=pytest.mark.positive),
    ],
)
def test_resold_goods_explain_what_lacks_a_code_if_those_who_need_them_buy_them(
    tmp_path: Path, case: str, outcome: str
) -> None:
    city = City()
    city.shop("S")
    drug, code = (
        ("D2" if case in ("another drug", "short too") else "D1"),
        ("81000001" if case == "with codes" else None),
    )
    for name in ("D1", "D2"):
        city.drug(name, atc_code="A01BA01")
    for number in range(10):
        sold = "D2" if case == "a part" and number < 6 else drug
        city.visit(
            city.person(f"p{number}"),
            "S",
            START + timedelta(days=number),
            items=[item(sold, 20) | {"drug_trac_codg": code}],
        )
    beside = {"no illness": {"no_illness": 9.0}, "at night": {"off_hours": 90.0}, "never booked": {"unrecorded": 90.0}}
    beside |= {
        "another drug": {"far": 9.0},
        "a part": {"far": 9.0},
        "with codes": {"far": 9.0},
        "short too": {"short": 9.0},
    }
    names = {"uncoded": 90.0} | beside.get(case, {})
    nothing = np.zeros(0)
    fit = fit_of(names)
    shop = Shop("S", True, np.arange(10), [], np.arange(0), nothing, nothing, fit)
    with city.workspace(tmp_path).connect() as tables:
        net_sale_lines(tables)
        tables.execute("""
            CREATE TEMP TABLE till_numbered AS
            SELECT row_number() OVER (ORDER BY t) - 1 AS row, visit, shop FROM sale_lines;
            CREATE TEMP TABLE resale_leads AS SELECT 'S' AS place, 'D1' AS drug
        """)
        goods = replace(ALL_THEIRS, people=8, others=(20, 0 if case == "others get packs with codes" else 18))
        check = resold_goods(tables, shop, Evidence(fit, 8, 500, True), np.arange(10), goods)
    assert check.outcome == outcome


def item(drug: str, fee: float) -> dict[str, object]:
    return {"med_list_codg": drug, "fee": fee, "cnt": 1}


def fit_of(nats: dict[str, float]) -> Fit:
    """A fit of which nothing but the evidence of each signal matters."""
    none = np.zeros(0)
    each, own = (np.array([nats.get(name, 0.0) for name in names]) for names in (VISIT_SIGNALS, PERSON_SIGNALS))
    return Fit(none, none, none, none, none, none, 99.0, each, own, 0.03, 0.6, 50.0)


@pytest.mark.parametrize(
    ("again", "spoken", "outcome"),
    [
        pytest.param(3, {"uncoded": 90.0}, "explains", marks=pytest.mark.near_miss),
        pytest.param(8, {"uncoded": 90.0}, "does_not_explain", marks=pytest.mark.positive),
        pytest.param(3, {"uncoded": 90.0, "unrecorded": 90.0}, "explains", marks=pytest.mark.near_miss),
        pytest.param(3, {"uncoded": 90.0, "reused": 9.0}, "does_not_explain", marks=pytest.mark.positive),
        pytest.param(3, {"unrecorded": 90.0, "off_hours": 90.0}, "explains", marks=pytest.mark.near_miss),
        pytest.param(8, {"unrecorded": 90.0, "off_hours": 90.0}, "does_not_explain", marks=pytest.mark.positive),
        pytest.param(3, {"uncoded": 90.0, "no_illness": 90.0}, "explains", marks=pytest.mark.near_miss),
        pytest.param(8, {"uncoded": 90.0, "no_illness": 90.0}, "does_not_explain", marks=pytest.mark.positive),
        pytest.param(3, {"unrecorded": 90.0, "far": 90.0}, "does_not_explain", marks=pytest.mark.positive),
    ],
)
def test_odd_visits_that_do_not_come_back_with_their_buyers_follow_no_circle(
    again: int, spoken: dict[str, float], outcome: str
) -> None:
    """Of ten likely buyers so many come three times; the others, like forty honest ones, once."""
    visits = [3] * again + [1] * (50 - again)
    owner = np.repeat(np.arange(50), visits)
    likely = np.arange(50) < 10
    fit = replace(fit_of(spoken), buyer=np.where(likely, 0.9, 0.1), visit=np.where(likely[owner], 0.9, 0.0))
    signals = np.zeros((len(owner), len(VISIT_SIGNALS)))
    shop = Shop("S", True, np.arange(len(owner)), ["p"] * 50, owner, signals, np.zeros((50, 3)), fit)
    check = passers_by(shop, Evidence(fit, 5, 100, True))
    assert (check.outcome, check.value, check.expected) == (outcome, again, 10)


@pytest.mark.parametrize(
    ("times", "spoken", "outcome"),
    [
        pytest.param(3, {}, "explains", marks=pytest.mark.near_miss),
        pytest.param(3, {"uncoded": 15.0, "short": 20.0, "no_illness": 9.0}, "explains", marks=pytest.mark.near_miss),
        pytest.param(7, {}, "does_not_explain", marks=pytest.mark.positive),
        pytest.param(3, {"uncoded": 60.0}, "does_not_explain", marks=pytest.mark.positive),
        pytest.param(3, {"drain": 20.0}, "does_not_explain", marks=pytest.mark.positive),
        pytest.param(3, {"reused": 0.0, "lent": 0.0}, "does_not_explain", marks=pytest.mark.positive),
    ],
)
def test_customers_of_a_shop_that_scans_one_kept_code_for_other_goods_lend_no_card(
    times: int, spoken: dict[str, float], outcome: str
) -> None:
    """Twenty accused buyers with so many feigned visits each, on which a code sold before is booked."""
    owner = np.repeat(np.arange(20), times)
    fit = fit_of({"reused": 200.0, "lent": 190.0, "unrecorded": 90.0} | spoken)
    fit = replace(fit, buyer=np.full(20, 0.9), visit=np.full(len(owner), 0.95))
    signals = np.zeros((len(owner), len(VISIT_SIGNALS)))
    shop = Shop("S", True, np.arange(len(owner)), ["p"] * 20, owner, signals, np.zeros((20, 3)), fit)
    check = kept_code(shop, Evidence(fit, 5, 100, True), np.arange(20))
    assert check.outcome == outcome
