"""What a group's goods are to their owners: a course of one's own clears it, a course got twice does not."""

from __future__ import annotations

from datetime import timedelta
from pathlib import Path
from typing import Any

import duckdb
import numpy as np
import pytest
from factories.city import START, City
from factories.scored import scored

from ringtrace.detectors import detect
from ringtrace.detectors.rings.courses import read_one_off
from ringtrace.detectors.rings.score import signals
from ringtrace.findings import Finding

PATIENTS = [f"p{number}" for number in range(9)]


def town() -> City:
    """A town whose people have homes of their own, all over it."""
    city = City()
    for number, name in enumerate(city.background(seed=21, visits=10)):
        city.person(name, hh_no=f"h-{name}", addr=f"东湖里{number % 40 + 1}村3号")
    return city


def monthly(
    city: City,
    *,
    packs: int = 1,
    shop: str = "S1",
    fixed_day: bool = True,
    round_trip: tuple[str, ...] = (),
    **columns: Any,
) -> None:
    """One drug, a month's pack (or several) each time, twelve times; on one weekday, or whenever it suits.

    At `shop`, or at each of `round_trip` in turn.
    """
    rng = np.random.default_rng(4)
    city.drug("COURSE", atc_code="L04AF01", pack_ddd=14)
    for number in range(12):
        day = 14 * number + (0 if fixed_day else int(rng.integers(7)))
        for order, name in enumerate(rng.permutation(PATIENTS)):
            if rng.random() < 0.85:
                moment = START + timedelta(days=day, hours=10, minutes=2 * order)
                place = round_trip[number % len(round_trip)] if round_trip else shop
                city.visit(
                    str(name), place, moment, items=[{"med_list_codg": "COURSE", "fee": 400, "cnt": packs}], **columns
                )


def elsewhere(city: City, shops: tuple[str, ...] = ("S2", "S3")) -> None:
    """Others buy the same drug at other shops, so that no ordinary shop is special for it."""
    rng = np.random.default_rng(5)
    for number in range(150):
        moment = START + timedelta(days=int(rng.integers(170)), hours=int(rng.integers(8, 19)))
        shop = shops[number % len(shops)]
        city.visit(f"x{number}", shop, moment, items=[{"med_list_codg": "COURSE", "fee": 400}])


def visitors(city: City, place: str, visits: int, fee: float = 90) -> None:
    """Others who come to a place for their own goods."""
    rng = np.random.default_rng(6)
    for number in range(visits):
        moment = START + timedelta(days=int(rng.integers(170)), hours=int(rng.integers(8, 19)), minutes=number % 60)
        city.visit(f"y{number % 80}", place, moment, items=[{"med_list_codg": f"V{number % 9}", "fee": fee}])


def at_home(city: City, *, estate: bool = False) -> None:
    for number, name in enumerate(PATIENTS):
        address = f"梅苑8栋{number}室" if estate else f"西湖里{number + 1}村8号"
        city.person(name, hh_no=f"h-{name}", addr=address)


def found(tmp_path: Path, city: City) -> Finding:
    findings = detect(city.workspace(tmp_path), kinds=["borrowed_card_ring"]).findings
    return max(findings, key=lambda each: len({member.id for member in each.members} & set(PATIENTS)))


def outcome(finding: Finding, code: str) -> str:
    return next(check.outcome for check in finding.counter_evidence if check.code == code)


def test_patients_of_the_shop_that_sells_their_drug_are_explained(tmp_path: Path) -> None:
    city = town()
    at_home(city)
    monthly(city, fixed_day=False)
    finding = found(tmp_path, city)
    assert outcome(finding, "own_course") == "explains"
    assert finding.level == "explained"


def test_patients_of_one_of_two_such_shops_are_explained(tmp_path: Path) -> None:
    city = town()
    at_home(city)
    monthly(city, shop="SPECIAL-1", fixed_day=False)
    elsewhere(city, shops=("SPECIAL-2",))
    visitors(city, "SPECIAL-1", 200)
    finding = found(tmp_path, city)
    assert outcome(finding, "own_course") == "explains"
    assert finding.level == "explained"


@pytest.mark.near_miss
def test_three_packs_each_are_no_course_of_ones_own(tmp_path: Path) -> None:
    city = town()
    at_home(city)
    monthly(city, fixed_day=False, packs=3)
    finding = found(tmp_path, city)
    assert outcome(finding, "own_course") == "does_not_explain"
    assert finding.level in ("red", "orange")


def test_a_pick_up_day_is_explained(tmp_path: Path) -> None:
    city = town()
    at_home(city)
    monthly(city)
    elsewhere(city)
    finding = found(tmp_path, city)
    assert outcome(finding, "own_course") == "explains"
    assert finding.level == "explained"


@pytest.mark.near_miss
def test_the_same_course_on_days_that_suit_somebody_is_explained_in_part(tmp_path: Path) -> None:
    city = town()
    at_home(city)
    monthly(city, fixed_day=False)
    elsewhere(city)
    assert outcome(found(tmp_path, city), "own_course") == "partly"


@pytest.mark.parametrize(("fee", "told"), [(450, "explains"), (90, "partly")], ids=["as all bills there", "dear"])
def test_a_class_at_one_hour_is_explained_unless_its_bills_are_dear(tmp_path: Path, fee: float, told: str) -> None:
    city = town()
    at_home(city)
    monthly(city, shop="CLASS", fixed_day=False)
    elsewhere(city)
    visitors(city, "CLASS", 400, fee=fee)
    assert outcome(found(tmp_path, city), "own_course") == told


def test_an_estate_that_buys_as_a_group_is_explained(tmp_path: Path) -> None:
    city = town()
    at_home(city, estate=True)
    monthly(city, fixed_day=False)
    elsewhere(city)
    finding = found(tmp_path, city)
    assert outcome(finding, "own_course") == "explains"
    assert finding.level == "explained"


def clinic(tmp_path: Path, *, twice: bool) -> Finding:
    """Patients get two drugs of a doctor's four at the clinic and, rarely or as often again, at their pharmacy."""
    city = town()
    city.shop("S1", hospital=True)
    at_home(city)
    rng = np.random.default_rng(6)
    for kind in range(4):
        city.drug(f"OWN-{kind}", pack_ddd=12 if twice else 6)
    for number in range(14):
        day = 12 * number + int(rng.integers(6))
        for order, name in enumerate(rng.permutation(PATIENTS)):
            own = int(str(name)[1:])
            goods = [{"med_list_codg": f"OWN-{(own + kind) % 4}", "fee": 60} for kind in range(2)]
            if rng.random() < 0.85:
                city.visit(
                    str(name), "S1", START + timedelta(days=day, hours=10, minutes=order), items=goods, med_type="14"
                )
            if twice or number % 4 == 0:
                city.visit(str(name), "S2", START + timedelta(days=12 * number, hours=8 + order), items=goods)
    return found(tmp_path, city)


def test_own_medicines_explain_a_clinic_day(tmp_path: Path) -> None:
    finding = clinic(tmp_path, twice=False)
    assert outcome(finding, "clinic_day") == "explains"
    assert finding.level == "explained"


@pytest.mark.near_miss
def test_own_medicines_got_twice_explain_nothing(tmp_path: Path) -> None:
    finding = clinic(tmp_path, twice=True)
    assert outcome(finding, "clinic_day") == "does_not_explain"
    assert any(reason.code == "oversupply" for reason in finding.reasons)
    assert finding.level in ("red", "orange")


def ill(
    tmp_path: Path, *, told_by_a_doctor: bool, round_trip: tuple[str, ...] = (), known: int = len(PATIENTS)
) -> Finding:
    """Ring cards whose purchases a pharmacy notes down under one rare illness; a doctor elsewhere found it, or not."""
    city = town()
    city.shop("H1", hospital=True)
    at_home(city)
    monthly(city, fixed_day=False, packs=3, dise_codg="M06.9", round_trip=round_trip)
    elsewhere(city, shops=("S4", "S5"))
    if told_by_a_doctor:
        for order, name in enumerate(PATIENTS[:known]):
            city.visit(name, "H1", START + timedelta(days=3 + order, hours=9), dise_codg="M06.9")
    return found(tmp_path, city)


def test_a_rare_illness_is_a_doctors_word(tmp_path: Path) -> None:
    assert outcome(ill(tmp_path, told_by_a_doctor=True), "same_illness") == "explains"


@pytest.mark.near_miss
def test_a_rare_illness_sends_nobody_round_the_towns_shops(tmp_path: Path) -> None:
    finding = ill(tmp_path, told_by_a_doctor=True, round_trip=("S1", "S2", "S3"))
    assert outcome(finding, "same_illness") == "partly"
    assert finding.level in ("red", "orange")


@pytest.mark.near_miss
def test_a_diagnosis_noted_in_the_runs_alone_is_no_shared_illness(tmp_path: Path) -> None:
    assert outcome(ill(tmp_path, told_by_a_doctor=False), "same_illness") in ("unknown", "does_not_explain")


def written_for(tmp_path: Path, *, listed: bool) -> Finding:
    """A hospital's doctor notes one rare illness on all; each gets two of ten dear drugs: their own, or `listed` any.

    Others take one of them every other month.
    """
    city, rng = town(), np.random.default_rng(8)
    city.shop("H1", hospital=True)
    at_home(city)
    visitors(city, "H1", 600)
    for taker in range(900):
        moment = START + timedelta(days=60 * (taker % 3) + taker % 50, hours=8 + taker % 11, minutes=taker % 60)
        goods = [{"med_list_codg": f"DEAR{taker // 3 % 10}", "fee": 150}]
        city.visit(f"x{taker // 3}", f"S{2 + taker % 2}", moment, items=goods)
    for number in range(14):
        moment = START + timedelta(days=12 * number + int(rng.integers(6)), hours=int(rng.integers(9, 16)))
        for order, name in enumerate(rng.permutation(PATIENTS)):
            drugs = rng.choice(10, 2, replace=False) if listed else (int(str(name)[1:]), int(str(name)[1:]) + 1)
            goods = [{"med_list_codg": f"DEAR{drug}", "fee": 150} for drug in drugs]
            if rng.random() < 0.85:
                time = moment + timedelta(minutes=2 * order)
                city.visit(str(name), "H1", time, items=goods, med_type="14", dise_codg="M06.9")
    return found(tmp_path, city)


def test_patients_of_one_doctor_who_get_their_own_drugs_share_an_illness(tmp_path: Path) -> None:
    assert outcome(written_for(tmp_path, listed=False), "same_illness") == "explains"


@pytest.mark.near_miss
def test_an_illness_noted_with_a_list_of_which_any_card_gets_anything_explains_nothing(tmp_path: Path) -> None:
    finding = written_for(tmp_path, listed=True)
    assert outcome(finding, "same_illness") == "does_not_explain"
    assert finding.level in ("red", "orange")


@pytest.mark.near_miss
def test_a_few_wrong_times_among_many_leave_the_explanation(tmp_path: Path) -> None:
    """Three uses in two places among several hundred of a dialysis shift; five of seventy end it (ring innocence)."""
    city = town()
    city.shop("S1", hospital=True, lon=121.0, lat=28.0)
    city.shop("FAR", lon=121.6, lat=28.0)
    at_home(city)
    for number in range(50):
        for order, name in enumerate(PATIENTS):
            moment = START + timedelta(days=3 * number, hours=9, minutes=order)
            city.visit(name, "S1", moment, dise_codg="N18.5", med_type="14")
            if name == "p1" and number in (7, 20, 33):
                city.visit(name, "FAR", moment + timedelta(minutes=2))
    finding = found(tmp_path, city)
    assert next(reason.value for reason in finding.reasons if reason.code == "torn") == 3
    assert finding.level == "explained"


def sessions(tmp_path: Path, *, own_days: bool, shifts: int = 1) -> Finding:
    """Infusions of one drug, thrice a week, at a hospital that notes no diagnosis: on fixed days, or on any.

    The hour changes from week to week where there are several `shifts`, which take turns.
    """
    city, rng = town(), np.random.default_rng(8)
    city.shop("H1", hospital=True)
    visitors(city, "H1", 900)
    at_home(city)
    for week in range(20):
        for day in (0, 2, 4) if own_days else sorted(rng.choice(7, 3, replace=False)):
            hour = 8 + 4 * (week % shifts) if own_days else int(rng.integers(8, 18))
            moment = START + timedelta(weeks=week, days=int(day), hours=hour)
            for order, name in enumerate(rng.permutation(PATIENTS)):
                items = [{"med_list_codg": "INFUSION", "fee": 300}]
                city.visit(str(name), "H1", moment + timedelta(minutes=2 * order), items=items, med_type="14")
    return found(tmp_path, city)


@pytest.mark.parametrize("shifts", [1, 3])
def test_a_course_of_treatment_is_explained_without_a_diagnosis(tmp_path: Path, shifts: int) -> None:
    finding = sessions(tmp_path, own_days=True, shifts=shifts)
    assert outcome(finding, "dialysis") == "unknown"
    assert outcome(finding, "treatment") == "explains"
    assert finding.level == "explained"


@pytest.mark.near_miss
def test_sessions_on_nobodys_days_are_no_treatment(tmp_path: Path) -> None:
    assert outcome(sessions(tmp_path, own_days=False), "treatment") == "does_not_explain"


@pytest.mark.parametrize(("buyers", "least", "most"), [(range(6), 1.4, 2.5), (range(1), 0.2, 1.1)])
def test_what_is_bought_once_must_be_bought_so_by_several(buyers: range, least: float, most: float) -> None:
    """Six members take six drugs for good; all of them, or one, bought theirs once."""
    tables = duckdb.connect()
    tables.execute("CREATE TABLE course (psn_no VARCHAR, drug VARCHAR, sampled BOOLEAN, n BIGINT)")
    tables.execute("CREATE TABLE ring_item (ring INTEGER, psn_no VARCHAR, drug VARCHAR)")
    drugs = [f"D{number}" for number in range(6)]
    takers = [(f"x{number}", drug, True, 1 + number % 12) for number in range(60) for drug in drugs]
    members = [(f"m{who}", drug, False, 1 if who in buyers else 6) for who in range(6) for drug in drugs]
    tables.executemany("INSERT INTO course VALUES (?, ?, ?, ?)", takers + members)
    tables.executemany("INSERT INTO ring_item VALUES (0, ?, ?)", [(name, drug) for name, drug, *_ in members])
    assert least <= read_one_off(tables)[0] <= most


def test_double_the_defined_dose_of_a_rare_illness_is_no_supply_for_others(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The three packs that count against cards of nobody's illness are that illness's dose where a doctor knows it."""
    told = scored(monkeypatch, PATIENTS)
    ill(tmp_path / "sick", told_by_a_doctor=True, known=6)
    ill(tmp_path / "well", told_by_a_doctor=False)
    assert [signals(facts)["over"] for facts, _ in told] == [0.0, 1.0]
