"""Cards of the dead, and stays of people who were elsewhere: what is found, and what a death or a stay explains."""

from __future__ import annotations

from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from factories.city import City
from factories.claims import (
    SUSPECTED,
    at,
    hospitals,
    outcomes,
    run,
    town_with_dead,
)


@pytest.mark.positive
def test_a_dead_persons_card_used_for_months_is_found(tmp_path: Path) -> None:
    city = town_with_dead()
    used = [city.visit("dead", "S1", at(40 + 20 * number), total=100) for number in range(5)]
    (finding,), _ = run(tmp_path, city, "ghost_patient")
    assert finding.level in SUSPECTED
    assert {ref.key for ref in finding.evidence if ref.table == "settlements"} == set(used)
    assert ("persons", "dead") in {(ref.table, ref.key) for ref in finding.evidence}
    assert finding.amount == 500
    assert {(member.id, member.role) for member in finding.members} == {("dead", "ghost"), ("S1", "witness")}


@pytest.mark.parametrize(
    ("shop", "time", "columns"),
    [
        ("S1", "2025-02-01 18:00", {}),  # on the day
        ("S1", "2025-02-03 09:00", {}),  # fetched by the family
        ("H1", "2025-03-01 09:00", {"begntime": "2025-01-20 08:00", "endtime": "2025-02-01 03:00", "med_type": "21"}),
        ("H1", "2025-04-01 09:00", {"manl_reim_flag": "1"}),
    ],
    ids=["same day", "grace", "stay billed later", "claimed by the family"],
)
@pytest.mark.near_miss
def test_what_a_death_leaves_to_settle_is_no_finding(
    tmp_path: Path, shop: str, time: str, columns: dict[str, Any]
) -> None:
    city = town_with_dead()
    city.visit("dead", shop, time, **columns)
    assert run(tmp_path, city, "ghost_patient")[0] == []


def test_a_refunded_settlement_after_death_is_no_finding(tmp_path: Path) -> None:
    city = town_with_dead()
    sold = city.visit("dead", "S1", at(60), total=80)
    city.visit("dead", "S1", at(61), total=-80, refd_setl_flag="1", init_setl_id=sold)
    assert run(tmp_path, city, "ghost_patient")[0] == []


def test_one_late_use_is_a_yellow_sign_only(tmp_path: Path) -> None:
    city = town_with_dead()
    city.visit("dead", "S1", at(60))
    (finding,), _ = run(tmp_path, city, "ghost_patient")
    assert finding.level == "yellow"


def test_someone_who_goes_on_living_casts_doubt_on_the_register(tmp_path: Path) -> None:
    city = town_with_dead()
    for number in range(12):
        place = ("S1", "H1", "S2", "S3")[number % 4]
        city.visit("dead", place, at(40 + 15 * number), med_type="11" if place == "H1" else "41", chfpdr_code="D1")
    (finding,), _ = run(tmp_path, city, "ghost_patient")
    assert outcomes(finding)["wrong_register"] == "partly"
    assert finding.level == "yellow"


def test_a_default_date_of_death_is_not_believed(tmp_path: Path) -> None:
    city = City()
    for number in range(30):
        city.person(f"p{number}", die_date="1900-01-01")
        city.visit(f"p{number}", "S1", at(number))
    findings, gaps = run(tmp_path, city, "ghost_patient")
    assert findings == []
    assert "claims.gap.default_death" in gaps


def test_a_closing_bill_that_many_of_the_dead_have_is_custom(tmp_path: Path) -> None:
    city = City()
    for number in range(40):
        city.person(f"p{number}", die_date=f"2025-01-{number % 28 + 1:02d}")
        city.visit(f"p{number}", "H1", at(number % 28 + 9), med_type="11")
    for day in (90, 110, 140, 170):
        city.visit("p0", "S1", at(day))
    (finding,), gaps = run(tmp_path, city, "ghost_patient")
    assert ("claims.gap.closing" in gaps, finding.members[0].id) == (True, "p0")
    assert finding.reasons[0].value == 4


# -- stays -------------------------------------------------------------------------------------------------------------


def test_a_hospital_whose_patients_are_elsewhere_is_found(tmp_path: Path) -> None:
    (finding,), _ = run(tmp_path, hospitals(8), "ghost_patient")
    assert finding.level in SUSPECTED
    assert {member.id for member in finding.members if member.role == "ghost"} == {f"p{n:03d}" for n in range(8)}
    assert ("Hospital", "H0", "provider") in {(m.label, m.id, m.role) for m in finding.members}
    (reason,) = [reason for reason in finding.reasons if reason.code == "other_care"]
    assert (reason.value, float(reason.expected or 0) < 1) == (8, True)


def _after_their_deaths(each: int) -> City:
    """Four hospitals, each with that many stays that begin two months after the patient's death."""
    city = hospitals(0)
    for home in range(4):
        for number in range(each):
            row = city.rows["settlements"][40 * home + number]
            died = datetime.fromisoformat(row["begntime"]) - timedelta(days=60)
            city.person(row["psn_no"], die_date=died.date().isoformat())
    return city


@pytest.mark.positive
def test_where_every_hospital_bills_the_dead_none_excuses_the_others(tmp_path: Path) -> None:
    city = _after_their_deaths(5)
    for number in range(800):
        city.visit(f"p{20 + number % 20:03d}", "S9", at(number % 300, 9))
    findings, _ = run(tmp_path, city, "ghost_patient")
    assert {member.id for each in findings if each.level in SUSPECTED for member in each.members
            if member.role == "provider"} == {"H0", "H1", "H2", "H3"}  # fmt: skip
    assert len(findings) == 4, "what a hospital's finding says is not said of each of its dead again"


@pytest.mark.near_miss
def test_a_register_that_errs_everywhere_names_no_hospital(tmp_path: Path) -> None:
    city = _after_their_deaths(5)
    for home in range(4):
        for number in range(5):
            for place in ("S9", "H9"):  # whom the register calls dead is served at two other places as ever
                city.visit(f"p{40 * home + number:03d}", place, at(340, 9), med_type="11")
    findings, _ = run(tmp_path, city, "ghost_patient")
    accused = {member.id for each in findings if each.level in SUSPECTED for member in each.members if member.suspected}
    assert not accused & {"H0", "H1", "H2", "H3"}


@pytest.mark.parametrize("day", [0, 6], ids=["admission", "discharge"])
def test_elsewhere_on_the_first_or_last_day_is_allowed(tmp_path: Path, day: int) -> None:
    city = hospitals(0)
    for number in range(10):
        city.visit(f"p{number:03d}", "H9", at(number % 100 + day, 12), med_type="11")
    assert run(tmp_path, city, "ghost_patient")[0] == []


def test_an_outpatient_visit_in_the_same_hospital_is_allowed(tmp_path: Path) -> None:
    assert run(tmp_path, hospitals(10, elsewhere="H0"), "ghost_patient")[0] == []


def test_errands_that_happen_at_every_hospital_are_no_finding(tmp_path: Path) -> None:
    city = hospitals(0)
    for number in range(0, 160, 4):
        city.visit(f"p{number:03d}", "S9", at(number % 100 + 2), med_type="41")
    assert run(tmp_path, city, "ghost_patient")[0] == []


def test_lines_missing_everywhere_are_a_gap_and_no_sign(tmp_path: Path) -> None:
    city = hospitals(0)
    kept = city.rows["settlement_items"]
    city.rows["settlement_items"] = [row for number, row in enumerate(kept) if number % 40 > 30 or number > 120]
    findings, gaps = run(tmp_path, city, "ghost_patient")
    assert findings == []
    assert "claims.gap.bare_stays" in gaps


def test_stays_without_one_line_of_care_are_found(tmp_path: Path) -> None:
    city = hospitals(0)
    for number in range(100):
        items = [{"med_list_codg": "D1", "fee": 900}]
        city.visit(f"y{number}", "H3", at(number + 9), items=items, med_type="21",
                   begntime=str(at(number)), endtime=str(at(number + 9)))  # fmt: skip
    for number in range(10):
        city.visit(f"x{number}", "H2", at(number + 9), total=3000, med_type="21",
                   begntime=str(at(number)), endtime=str(at(number + 9)))  # fmt: skip
    (finding,), _ = run(tmp_path, city, "ghost_patient")
    assert {reason.code for reason in finding.reasons} == {"no_care"}
    assert {member.id for member in finding.members} == {"H2", *(f"x{n}" for n in range(10))}


def test_without_lines_at_all_nobody_is_blamed(tmp_path: Path) -> None:
    findings, gaps = run(tmp_path, hospitals(0, with_items=False), "ghost_patient")
    assert findings == []
    assert "claims.gap.no_stay_items" in gaps


@pytest.mark.near_miss
def test_a_large_hospital_that_refers_a_few_patients_is_a_lead_at_most(tmp_path: Path) -> None:
    city = hospitals(8)
    for number in range(900):
        begin, end = at(number % 100), at(number % 100 + 6)
        city.visit(f"q{number:03d}", "H0" if number < 500 else "H1", end, total=900, med_type="21",
                   items=[{"med_list_codg": "D1", "fee": 900}], begntime=str(begin), endtime=str(end))  # fmt: skip
    (finding,), _ = run(tmp_path, city, "ghost_patient")
    assert (finding.level, finding.reasons[0].value) == ("yellow", 8)


@pytest.mark.positive
def test_patients_who_shop_on_two_days_of_their_stay_are_found(tmp_path: Path) -> None:
    city = hospitals(0)
    for number in range(6):
        for day in (2, 4):
            city.visit(f"p{number:03d}", "S9", at(number + day, 12), med_type="41")
    city.visit("p020", "S9", at(22, 12), med_type="41")  # an errand
    (finding,), _ = run(tmp_path, city, "ghost_patient")
    assert finding.level in SUSPECTED
    assert {member.id for member in finding.members if member.role == "ghost"} == {f"p{n:03d}" for n in range(6)}
    assert "again" in {reason.code for reason in finding.reasons}


@pytest.mark.positive
def test_bad_neighbours_excuse_no_hospital(tmp_path: Path) -> None:
    """Three of four hospitals keep beds for people who live on outside, each on three days of the stay."""
    city = hospitals(0)
    for number in [*range(25), *range(40, 60), *range(80, 92)]:
        for day in (2, 3, 4):
            city.visit(f"p{number:03d}", "S9", at(number % 100 + day, 12), med_type="41")
    findings, _ = run(tmp_path, city, "ghost_patient")
    named = {member.id: finding for finding in findings for member in finding.members if member.role == "provider"}
    assert set(named) == {"H0", "H1", "H2"}
    assert named["H2"].level in SUSPECTED


@pytest.mark.near_miss
def test_families_who_go_out_twice_at_every_hospital_are_no_finding(tmp_path: Path) -> None:
    city = hospitals(0)
    for number in range(0, 160, 8):
        for day in (2, 4):
            city.visit(f"p{number:03d}", "S9", at(number % 100 + day, 12), med_type="41")
    assert run(tmp_path, city, "ghost_patient")[0] == []


@pytest.mark.parametrize(
    ("nights", "visits", "illness", "level"),
    [(14, 3, "I69.3", {"orange"}), (9, 3, "I69.3", {"orange"}), (9, 1, "I69.3", set()), (14, 3, "C34.9", set())],
    ids=["every quarter", "an odd number of nights", "once", "chemotherapy"],
)
def test_people_who_enter_and_leave_in_batches_are_found(
    tmp_path: Path, nights: int, visits: int, illness: str, level: set[str]
) -> None:
    city = hospitals(0)
    for quarter in range(visits):
        for number in range(8):
            begin, end = at(90 * quarter + number % 2), at(90 * quarter + nights + number % 2)
            city.visit(f"b{number}", "H1", end, dise_codg=illness, items=[{"med_list_codg": "D1", "fee": 900}],
                       total=900, med_type="21", begntime=str(begin), endtime=str(end))  # fmt: skip
    findings, _ = run(tmp_path, city, "ghost_patient")
    assert {finding.level for finding in findings} == level


def _dead(number: int) -> City:
    city = City()
    for each in range(number):
        city.person(f"d{each}", die_date="2025-02-01")
    for each in range(200):
        city.person(f"p{each}")
        city.visit(f"p{each}", f"S{each % 4}", at(each))
    for place in ("S0", "S1", "V1"):
        city.shop(place)
    return city


@pytest.mark.near_miss
def test_a_namesake_s_death_is_a_doubt_about_the_register(tmp_path: Path) -> None:
    city = _dead(1)
    for number, (place, illness) in enumerate((("S0", "I10"), ("S1", "J06.9"), ("S0", "I10"), ("S0", "K29.7"))):
        city.visit("d0", place, at(60 + 30 * number), dise_codg=illness)
    (finding,), _ = run(tmp_path, city, "ghost_patient")
    assert (finding.level, outcomes(finding)["wrong_register"]) == ("yellow", "partly")


@pytest.mark.parametrize(
    ("later", "level", "doubt"),
    [("D1", "orange", "does_not_explain"), ("D2", "yellow", "partly")],
    ids=["the old drugs", "a new drug"],
)
@pytest.mark.positive
@pytest.mark.near_miss
def test_who_draws_a_dead_parent_s_drugs_gets_nothing_new(tmp_path: Path, later: str, level: str, doubt: str) -> None:
    """For two old complaints, at two places: a namesake's life goes on and so needs other drugs one day."""
    city = _dead(1)
    for drug in ("D0", "D1", "D2"):
        city.drug(drug)
    for day, place, illness, drug in (
        (10, "S0", "I10", "D0"), (20, "S1", "E11", "D1"),
        (60, "S0", "I10", "D0"), (90, "S1", "E11", "D1"), (120, "S0", "I10", "D0"), (150, "S1", "E11", later),
    ):  # fmt: skip
        city.visit("d0", place, at(day), dise_codg=illness, items=[{"med_list_codg": drug}])
    (finding,), _ = run(tmp_path, city, "ghost_patient")
    assert (finding.level, outcomes(finding)["wrong_register"]) == (level, doubt)


@pytest.mark.positive
def test_a_provider_of_several_dead_may_invent_complaints(tmp_path: Path) -> None:
    city = _dead(4)
    for each in range(4):
        for number, illness in enumerate(("J06.9", "K29.7")):
            city.visit(f"d{each}", "V1", at(60 + 40 * number + each), dise_codg=illness)
    (finding,), _ = run(tmp_path, city, "ghost_patient")
    assert finding.level in SUSPECTED
    assert {(member.id, member.role) for member in finding.members} == {
        ("V1", "provider"), *((f"d{each}", "ghost") for each in range(4))
    }  # fmt: skip


def _roster(living: int, *, others: int = 0, lines: int = 2) -> City:
    """Three dead and `living` people billed alike at V1 each month; `others` get such bills there on other days."""
    city = _dead(3)
    for each in range(800):
        city.visit(f"q{each}", "S0", at(each % 200, 12))
    bill = [{"med_list_codg": f"D{line}", "cnt": 1, "fee": 20} for line in range(lines)]
    for month in range(5):
        for number, person in enumerate(["d0", "d1", "d2", *(f"p{each}" for each in range(living))]):
            city.visit(person, "V1", at(60 + 30 * month, 9, 2 * number), items=bill)
        for number in range(20):
            own = bill if number < others else [{"med_list_codg": f"E{number}", "cnt": 1, "fee": 9}]
            city.visit(f"p{100 + number}", "V1", at(62 + 30 * month, 10, number), items=own)
    return city


@pytest.mark.positive
def test_the_living_who_are_billed_with_the_dead_are_named(tmp_path: Path) -> None:
    (finding,), _ = run(tmp_path, _roster(6), "ghost_patient")
    assert {each.id for each in finding.members if each.role == "ghost"} == {
        "d0", "d1", "d2", *(f"p{n}" for n in range(6))
    }  # fmt: skip
    (reason,) = [reason for reason in finding.reasons if reason.code == "roster"]
    assert reason.value == 30
    assert len([ref for ref in finding.evidence if ref.table == "settlements"]) == 45


@pytest.mark.parametrize("columns", [{"others": 5}, {"lines": 1}], ids=["a common treatment", "one common drug"])
@pytest.mark.near_miss
def test_a_refill_day_with_the_common_treatment_names_no_one_living(tmp_path: Path, columns: dict[str, int]) -> None:
    (finding,), _ = run(tmp_path, _roster(6, **columns), "ghost_patient")
    assert {each.id for each in finding.members if each.role == "ghost"} == {"d0", "d1", "d2"}
