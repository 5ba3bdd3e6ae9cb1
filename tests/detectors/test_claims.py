"""Single claims that cannot be right: each detector finds the clear case and leaves its nearest innocent neighbour."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from factories.city import START, City

from ringtrace.detectors import DetectionReport, detect
from ringtrace.findings import Finding
from ringtrace.texts import LANGUAGES

SUSPECTED = ("red", "orange")


def run(folder: Path, city: City, kind: str, **options: int) -> tuple[list[Finding], list[str]]:
    """Findings of the kind and the keys of its gaps."""
    report: DetectionReport = detect(city.workspace(folder, **options), kinds=[kind])
    for finding in report.findings:
        for language in LANGUAGES:
            finding.to_contract(language)
    gaps = [gap.message.key for gap in report.gaps]
    return [finding for finding in report.findings if finding.kind == kind], gaps


def at(day: int, hour: int = 10, minute: int = 0) -> datetime:
    return START + timedelta(days=day, hours=hour, minutes=minute)


def outcomes(finding: Finding) -> dict[str, str]:
    return {check.code: check.outcome for check in finding.counter_evidence}


# -- ghost_patient: the dead -------------------------------------------------------------------------------------------


def town_with_dead(**columns: object) -> City:
    city = City()
    city.shop("S1")
    city.shop("H1", hospital=True)
    city.person("dead", die_date="2025-02-01", **columns)
    city.person("alive")
    city.visit("dead", "S1", "2025-01-10 09:00")
    return city


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


# -- ghost_patient: stays ----------------------------------------------------------------------------------------------


def hospitals(ghosts: int, *, with_items: bool = True, elsewhere: str = "H9") -> City:
    """Four hospitals of forty stays each; `ghosts` of H0's patients are outpatients elsewhere in mid-stay."""
    city = City()
    for name in ("H0", "H1", "H2", "H3", "H9"):
        city.shop(name, hospital=True)
    city.shop("S9")
    for number in range(160):
        home, person = f"H{number // 40}", f"p{number:03d}"
        begin = at(number % 100)
        items = [{"med_list_codg": "D1", "fee": 900}] if with_items else []
        city.visit(person, home, begin + timedelta(days=6), items=items, total=900, med_type="21",
                   begntime=str(begin), endtime=str(begin + timedelta(days=6)))  # fmt: skip
        if number < ghosts:
            kind = "11" if elsewhere.startswith("H") else "41"
            city.visit(person, elsewhere, begin + timedelta(days=3), med_type=kind)
    return city


def test_a_hospital_whose_patients_are_elsewhere_is_found(tmp_path: Path) -> None:
    (finding,), _ = run(tmp_path, hospitals(8), "ghost_patient")
    assert finding.level in SUSPECTED
    assert {member.id for member in finding.members if member.role == "ghost"} == {f"p{n:03d}" for n in range(8)}
    assert ("Hospital", "H0", "provider") in {(m.label, m.id, m.role) for m in finding.members}
    (reason,) = [reason for reason in finding.reasons if reason.code == "other_care"]
    assert (reason.value, float(reason.expected or 0) < 1) == (8, True)


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


# -- cloned_card -------------------------------------------------------------------------------------------------------

# About 258 km apart.
HANGZHOU: dict[str, Any] = {"lon": 120.16, "lat": 30.27}
WENZHOU: dict[str, Any] = {"lon": 120.70, "lat": 28.00}


def leaping(days: int, *, minutes: int = 30, places: tuple[str, str] = ("A", "B"), **columns: Any) -> City:
    city = City()
    city.shop("A", admdvs="330106", **HANGZHOU)
    city.shop("B", admdvs="330302", **WENZHOU)
    for number in range(days):
        city.visit("p", places[0], at(10 * number), **columns)
        city.visit("p", places[1], at(10 * number) + timedelta(minutes=minutes), **columns)
    return city


def test_a_card_in_two_cities_within_half_an_hour_is_found(tmp_path: Path) -> None:
    (finding,), _ = run(tmp_path, leaping(3), "cloned_card")
    assert finding.level in SUSPECTED
    assert {(m.label, m.id, m.role) for m in finding.members} >= {
        ("Card", "Cp", "card"),
        ("Patient", "p", "card_holder"),
    }
    assert len(finding.evidence) == 6


def test_a_day_trip_is_no_finding(tmp_path: Path) -> None:
    assert run(tmp_path, leaping(5, minutes=200), "cloned_card")[0] == []


@pytest.mark.parametrize("columns", [{"manl_reim_flag": "1"}, {"med_type": "21"}], ids=["by hand", "stay"])
def test_what_an_office_settles_is_no_leap(tmp_path: Path, columns: dict[str, Any]) -> None:
    assert run(tmp_path, leaping(3, **columns), "cloned_card")[0] == []


def test_a_family_account_explains(tmp_path: Path) -> None:
    city = leaping(3)
    city.add("cards", mdtrt_cert_no="Cp", psn_no="p", share_psn_no="q")
    (finding,), _ = run(tmp_path, city, "cloned_card")
    assert (finding.level, outcomes(finding)["family_account"]) == ("explained", "explains")


def test_a_wrong_clock_explains(tmp_path: Path) -> None:
    city = leaping(0)
    for number in range(8):
        city.visit(f"p{number}", "A", at(number))
        city.visit(f"p{number}", "B", at(number, 10, 20))
    findings, _ = run(tmp_path, city, "cloned_card")
    assert len(findings) == 8
    assert {finding.level for finding in findings} == {"explained"}


def test_without_coordinates_other_cities_count_and_the_same_one_does_not(tmp_path: Path) -> None:
    city = City()
    for name, region in (("A", "330106"), ("B", "330302"), ("C", "330108")):
        city.shop(name, admdvs=region)
    for number in range(3):
        city.visit("p", "A", at(10 * number))
        city.visit("p", "B", at(10 * number, 10, 12))
        city.visit("q", "A", at(10 * number))
        city.visit("q", "C", at(10 * number, 10, 12))
    findings, _ = run(tmp_path, city, "cloned_card")
    assert {finding.members[0].id for finding in findings} == {"Cp"}


def test_times_without_hours_give_a_gap(tmp_path: Path) -> None:
    city = leaping(0)
    for number in range(10):
        for shop in ("A", "B"):
            city.visit("p", shop, START + timedelta(days=number))
    assert run(tmp_path, city, "cloned_card") == ([], ["claims.gap.days_only"])


def test_no_coordinates_and_no_regions_give_a_gap(tmp_path: Path) -> None:
    city = City()
    city.visit("p", "A", at(1))
    assert run(tmp_path, city, "cloned_card") == ([], ["claims.gap.no_places"])


# -- double_reimbursement ----------------------------------------------------------------------------------------------


def billed_twice(bills: int = 2, *, second: dict[str, Any] | None = None, invoice: str | None = "INV{}") -> City:
    city = City()
    city.shop("H1", hospital=True)
    for number in range(bills):
        paper = invoice.format(10000 + number) if invoice else None
        columns: dict[str, Any] = {"invono": paper, "med_type": "11"}
        city.visit("p", "H1", at(number), total=1000, fund_pay_sumamt=700, cash_payamt=300, **columns)
        by_hand = {"total": 1000, "fund_pay_sumamt": 700, "manl_reim_flag": "1", **columns} | (second or {})
        city.visit("p", "H1", at(number + 20), **by_hand)
    return city


def test_bills_paid_on_the_platform_and_by_hand_are_found(tmp_path: Path) -> None:
    (finding,), _ = run(tmp_path, billed_twice(), "double_reimbursement")
    assert finding.level in SUSPECTED
    assert ("p", "claimant") in {(member.id, member.role) for member in finding.members}
    assert "more_than_bill" in {reason.code for reason in finding.reasons}
    assert len(finding.evidence) == 4


def test_the_same_stay_without_an_invoice_is_found(tmp_path: Path) -> None:
    stay: dict[str, Any] = {"med_type": "21", "begntime": "2025-01-05 08:00", "endtime": "2025-01-12 10:00"}
    city = City()
    city.visit("p", "H1", at(12), total=8000, fund_pay_sumamt=6000, **stay)
    city.visit("p", "H1", at(50), total=8000, fund_pay_sumamt=6000, manl_reim_flag="1", **stay)
    findings, gaps = run(tmp_path, city, "double_reimbursement")
    assert len(findings) == 1
    assert gaps == ["claims.gap.no_invoices"]


def test_a_supplement_for_the_remainder_explains(tmp_path: Path) -> None:
    (finding,), _ = run(tmp_path, billed_twice(second={"fund_pay_sumamt": 150}), "double_reimbursement")
    assert (finding.level, outcomes(finding)["supplement"]) == ("explained", "explains")


@pytest.mark.parametrize(
    "second",
    [{"total": 240}, {"invono": "INV99999"}, {"manl_reim_flag": "0"}, {"fund_pay_sumamt": 0}],
    ids=["another sum", "another invoice", "split settlement on the platform", "refused"],
)
def test_other_bills_are_no_finding(tmp_path: Path, second: dict[str, object]) -> None:
    assert run(tmp_path, billed_twice(1, second=second), "double_reimbursement")[0] == []


def test_a_refunded_first_payment_is_no_finding(tmp_path: Path) -> None:
    city = billed_twice(1)
    city.visit("p", "H1", at(5), total=-1000, refd_setl_flag="1", init_setl_id="s0000001")
    assert run(tmp_path, city, "double_reimbursement")[0] == []


@pytest.mark.parametrize("invoice", ["0", "无"])
def test_a_placeholder_is_no_invoice(tmp_path: Path, invoice: str) -> None:
    assert run(tmp_path, billed_twice(invoice=invoice), "double_reimbursement")[0] == []


# -- overuse -----------------------------------------------------------------------------------------------------------


def drawing(rate: int, places: int = 6, *, days: int = 88) -> City:
    """`p` draws a 10-DDD pack `rate` times every ten days, at `places` places in turn; forty others one each time."""
    city = City()
    city.drug("D1", pack_ddd=10, drug_genname="x")
    for number in range(days // 10 * rate):
        moment = at(number // rate * 10, 9) + timedelta(minutes=7 * (number % rate))
        city.visit("p", f"S{number % places}", moment, items=[{"med_list_codg": "D1", "cnt": 1, "fee": 50}])
    for other in range(40):
        for number in range(days // 10):
            city.visit(f"o{other}", "S0", at(number * 10, 11, other), items=[{"med_list_codg": "D1", "fee": 50}])
    return city


def test_eight_daily_doses_a_day_at_three_places_are_found(tmp_path: Path) -> None:
    findings, _ = run(tmp_path, drawing(9), "overuse")
    (finding,) = [each for each in findings if any(m.label == "Drug" for m in each.members)]
    assert finding.level == "orange"
    assert {(member.id, member.role) for member in finding.members} >= {("p", "overuser"), ("D1", "drug")}
    assert finding.amount == 50 * 72


@pytest.mark.parametrize(("rate", "places"), [(2, 3), (9, 2)], ids=["a double dose", "two places"])
def test_heavy_but_possible_treatment_is_no_finding(tmp_path: Path, rate: int, places: int) -> None:
    assert run(tmp_path, drawing(rate, places), "overuse")[0] == []


@pytest.mark.parametrize(
    ("column", "people", "levels"),
    [("care_inst", 30, set()), ("hh_no", 5, set()), ("hh_no", 300, {"orange"})],
    ids=["a care home", "a large family", "a placeholder household"],
)
def test_those_who_may_share_the_supply_lower_it(tmp_path: Path, column: str, people: int, levels: set[str]) -> None:
    city = drawing(9)
    for person in ["p", *(f"m{number}" for number in range(people))]:
        city.person(person, **{column: "one"})
    findings, _ = run(tmp_path, city, "overuse")
    assert {each.level for each in findings if any(m.label == "Drug" for m in each.members)} == levels


def test_returned_packs_do_not_count(tmp_path: Path) -> None:
    city = drawing(9)
    for row in [row for row in city.rows["settlements"] if row["psn_no"] == "p"][10:]:
        city.visit("p", row["fixmedins_code"], datetime.fromisoformat(row["setl_time"]) + timedelta(hours=1), total=-50,
                   refd_setl_flag="1", init_setl_id=row["setl_id"])  # fmt: skip
    assert run(tmp_path, city, "overuse")[0] == []


def test_no_daily_doses_give_a_gap(tmp_path: Path) -> None:
    city = City()
    city.visit("p", "S1", at(1), items=[{"med_list_codg": "D1"}])
    assert run(tmp_path, city, "overuse") == ([], ["claims.gap.no_ddd"])


def busy(disease: str) -> City:
    city = City()
    for number in range(60):
        city.visit("p", f"H{number % 4}", at(number), dise_codg=disease, med_type="11")
    for other in range(60):
        for number in range(2 + other % 5):
            city.visit(f"o{other}", "H1", at(7 * number, 11), med_type="11")
    return city


def test_sixty_visits_in_sixty_days_are_a_yellow_sign(tmp_path: Path) -> None:
    (finding,), _ = run(tmp_path, busy("J06.9"), "overuse")
    assert finding.level == "yellow"
    assert [member.id for member in finding.members if member.suspected] == ["p"]


def test_dialysis_explains_the_visits(tmp_path: Path) -> None:
    (finding,), _ = run(tmp_path, busy("N18.5"), "overuse")
    assert (finding.level, outcomes(finding)["serial_care"]) == ("explained", "explains")


# -- restricted_item ---------------------------------------------------------------------------------------------------


def wrong_sex(lines: int, **person: str) -> City:
    city = City()
    city.shop("H0", hospital=True)
    city.drug("W", lmt_gend="2")
    for number in range(300):
        city.person(f"w{number}", gend="2")
        city.visit(f"w{number}", f"H{number % 5}", at(number % 90), items=[{"med_list_codg": "W"}])
    for number in range(lines):
        city.person(f"m{number}", gend="1", **person)
        city.visit(f"m{number}", "H0", at(number), items=[{"med_list_codg": "W"}])
    return city


def test_a_place_that_bills_womens_drugs_to_men_is_found(tmp_path: Path) -> None:
    (finding,), _ = run(tmp_path, wrong_sex(30), "restricted_item")
    assert finding.level == "orange"
    assert ("H0", "provider") in {(member.id, member.role) for member in finding.members}
    assert len(finding.evidence) == 30


def test_a_wifes_medicine_here_and_there_is_no_finding(tmp_path: Path) -> None:
    assert run(tmp_path, wrong_sex(3), "restricted_item")[0] == []


def test_a_register_that_the_id_number_contradicts_is_not_believed(tmp_path: Path) -> None:
    assert run(tmp_path, wrong_sex(30, certno="330106196109121829"), "restricted_item")[0] == []


def test_no_sex_gives_a_gap(tmp_path: Path) -> None:
    city = City()
    city.visit("p", "S1", at(1), items=[{"med_list_codg": "D1"}])
    assert run(tmp_path, city, "restricted_item") == ([], ["claims.gap.no_sex"])


# -- tips --------------------------------------------------------------------------------------------------------------


def test_a_tip_that_the_data_support_is_a_lead_and_another_is_not(tmp_path: Path) -> None:
    city = town_with_dead()
    for number in range(5):
        city.visit("dead", "S1", at(40 + 20 * number))
    for tip, subject in (("t1", "dead"), ("t2", "alive"), ("t3", "S1")):
        city.add("tips", tip_id=tip, tip_time="2025-06-01", subj_type="person" if subject != "S1" else "institution",
                 subj_id=subject, content="x")  # fmt: skip
    findings, gaps = run(tmp_path, city, "tip_lead")
    assert [(finding.level, finding.members[0].id, finding.members[0].role) for finding in findings] == [
        ("yellow", "dead", "subject")
    ]
    assert [ref.table for ref in findings[0].evidence] == ["tips"]
    assert "claims.gap.tips_alone" in gaps


# -- all ---------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("kind", "city"),
    [
        ("ghost_patient", lambda: hospitals(8)),
        ("cloned_card", lambda: leaping(3)),
        ("double_reimbursement", billed_twice),
        ("overuse", lambda: drawing(9)),
        ("restricted_item", lambda: wrong_sex(30)),
    ],
)
def test_the_order_of_rows_changes_nothing(tmp_path: Path, kind: str, city: Callable[[], City]) -> None:
    (tmp_path / "a").mkdir()
    (tmp_path / "b").mkdir()
    straight, _ = run(tmp_path / "a", city(), kind)
    shuffled, _ = run(tmp_path / "b", city(), kind, shuffle=11)

    def content(findings: list[Finding]) -> list[dict[str, object]]:
        return [{**each.to_contract("en"), "evidence": sorted(ref.key for ref in each.evidence)} for each in findings]

    assert straight
    assert content(straight) == content(shuffled)


@pytest.mark.parametrize(
    "kind", ["ghost_patient", "cloned_card", "double_reimbursement", "overuse", "restricted_item", "tip_lead"]
)
def test_an_empty_workspace_gives_gaps_and_no_findings(tmp_path: Path, kind: str) -> None:
    findings, gaps = run(tmp_path, City(), kind)
    assert findings == []
    assert gaps
