"""Cards taken round: own medicines explain who draws them at one counter, and nobody who goes on to the next."""

from __future__ import annotations

from datetime import timedelta
from pathlib import Path

import numpy as np
import pytest
from factories.city import START, City

from ringtrace.detectors import detect
from ringtrace.findings import Finding

PEOPLE = [f"p{number}" for number in range(5)]
DRUGS = 3


def town() -> City:
    """A town whose people live all over it; the shops S1 and S2 belong to no one's quarter."""
    city = City()
    for number, name in enumerate(city.background(seed=21, visits=10)):
        city.person(name, hh_no=f"h-{name}", addr=f"东湖里{number % 40 + 1}村3号")
    for number, name in enumerate(PEOPLE):
        city.person(name, hh_no=f"h-{name}", addr=f"西湖里{number + 1}村8号")
    return city


def found(tmp_path: Path, city: City) -> Finding:
    findings = detect(city.workspace(tmp_path), kinds=["borrowed_card_ring"]).findings
    return max(findings, key=lambda each: len({member.id for member in each.members} & set(PEOPLE)))


def own_medicines(tmp_path: Path, *, shops: tuple[str, ...]) -> Finding:
    """Each draws a month of their own drugs at home, and the same again on common days at `shops`, within the hour."""
    city, rng = town(), np.random.default_rng(3)
    for name in PEOPLE:
        city.shop(f"E-{name}")
        for kind in range(DRUGS):
            city.drug(f"OWN-{name}-{kind}", pack_ddd=24)
    for number in range(9):
        day = 21 * number + int(rng.integers(6))
        for order, name in enumerate(rng.permutation(PEOPLE)):
            items = [{"med_list_codg": f"OWN-{name}-{kind}", "fee": 90} for kind in range(DRUGS)]
            if rng.random() < 0.9:
                moment = START + timedelta(days=day, hours=10, minutes=35 * (order % len(shops)) + order)
                city.visit(str(name), shops[order % len(shops)], moment, items=items)
            alone = START + timedelta(days=20 * number + int(str(name)[1:]), hours=16, minutes=11 * order)
            city.visit(str(name), f"E-{name}", alone, items=items)
    return found(tmp_path, city)


def test_who_draws_twice_and_goes_round_for_it_follows_no_need(tmp_path: Path) -> None:
    finding = own_medicines(tmp_path, shops=("S1", "S2"))
    assert {member.id for member in finding.members if member.label == "Patient"} == set(PEOPLE)
    assert {"oversupply", "hopping"} <= {reason.code for reason in finding.reasons}
    assert finding.level in ("red", "orange")


@pytest.mark.near_miss
def test_who_draws_twice_at_one_counter_may_have_a_carer(tmp_path: Path) -> None:
    finding = own_medicines(tmp_path, shops=("S1",))
    assert "oversupply" in {reason.code for reason in finding.reasons}
    assert finding.level not in ("red", "orange")


def fellow_patients(tmp_path: Path, *, relayed: bool) -> Finding:
    """Five patients of one rare illness draw its drug at one hospital and then at the next, or at these by turns."""
    city, rng = town(), np.random.default_rng(3)
    city.drug("COURSE", atc_code="L04AF01", pack_ddd=4)
    for hospital in ("H1", "H2", "H3"):
        city.shop(hospital, hospital=True)
        for number in range(900):
            moment = START + timedelta(days=int(rng.integers(170)), hours=int(rng.integers(8, 18)), minutes=number % 60)
            drug = "COURSE" if number % 4 == 0 else f"V{number % 9}"
            city.visit(f"y{number % 400}", hospital, moment, items=[{"med_list_codg": drug, "fee": 110}])
    for name in PEOPLE:
        city.visit(name, "H3", START + timedelta(hours=9, days=int(name[1:])), dise_codg="M06.9")
    for number in range(14):
        day = 12 * number + int(rng.integers(5))
        for order, name in enumerate(rng.permutation(PEOPLE)):
            if rng.random() < 0.9:
                for place in (0, 1) if relayed else (number % 2,):
                    moment = START + timedelta(days=day, hours=9, minutes=40 * place + order)
                    items = [{"med_list_codg": "COURSE", "fee": 120}]
                    city.visit(str(name), ("H1", "H2")[place], moment, items=items, dise_codg="M06.9")
    return found(tmp_path, city)


def test_the_same_drug_from_two_counters_within_the_hour_is_for_no_illness(tmp_path: Path) -> None:
    finding = fellow_patients(tmp_path, relayed=True)
    assert "drawn_twice" in {reason.code for reason in finding.reasons}
    assert finding.level in ("red", "orange")


@pytest.mark.near_miss
def test_fellow_patients_who_go_to_two_hospitals_by_turns_are_not_accused(tmp_path: Path) -> None:
    finding = fellow_patients(tmp_path, relayed=False)
    assert "drawn_twice" not in {reason.code for reason in finding.reasons}
    assert finding.level not in ("red", "orange")


def home(tmp_path: Path, *, listed: bool) -> Finding:
    """Somebody brings a care home's cards to a shop: for each resident's own drugs, or for goods that all cards get."""
    city, rng = town(), np.random.default_rng(4)
    for name in PEOPLE:
        city.person(name, hh_no=f"h-{name}", care_inst="home")
    for _ in range(14):
        day, hour = int(rng.integers(170)), int(rng.integers(9, 18))
        for order, name in enumerate(rng.permutation(PEOPLE)):
            if rng.random() < 0.85:
                goods = f"DEAR-{rng.integers(2)}" if listed else f"OWN-{name}-{rng.integers(2)}"
                moment = START + timedelta(days=day, hours=hour, minutes=order)
                city.visit(str(name), "S1", moment, items=[{"med_list_codg": goods, "fee": 150}])
    for name in PEOPLE:
        for number in range(6):
            alone = START + timedelta(days=int(rng.integers(170)), hours=int(rng.integers(8, 19)), minutes=number)
            items = [{"med_list_codg": f"OWN-{name}-{number % 2}", "fee": 30}]
            city.visit(name, "S3", alone, items=items)
    return found(tmp_path, city)


def test_a_home_that_fetches_its_residents_medicines_is_explained(tmp_path: Path) -> None:
    assert home(tmp_path, listed=False).level == "explained"


@pytest.mark.near_miss
def test_goods_that_no_resident_ever_takes_are_not_fetched_for_residents(tmp_path: Path) -> None:
    finding = home(tmp_path, listed=True)
    assert next(check.outcome for check in finding.counter_evidence if check.code == "care_home") == "partly"
    assert finding.level in ("red", "orange")
