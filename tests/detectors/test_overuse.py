"""More of a drug than a body takes, and a visit every day: found, and told from heavy but possible treatment."""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime, timedelta
from pathlib import Path

import pytest
from factories.city import City
from factories.claims import (
    SUSPECTED,
    at,
    busy,
    drawing,
    outcomes,
    run,
    treated,
)

from ringtrace.detectors.claims.overuse import Overuse
from ringtrace.detectors.detector import Context, Draft
from ringtrace.findings import Finding, Member, Message


@pytest.mark.positive
def test_eight_daily_doses_a_day_at_three_places_are_found(tmp_path: Path) -> None:
    findings, _ = run(tmp_path, drawing(9), "overuse")
    (finding,) = [each for each in findings if any(m.label == "Drug" for m in each.members)]
    assert finding.level == "orange"
    assert {(member.id, member.role) for member in finding.members} >= {("p", "overuser"), ("D1", "drug")}
    assert finding.amount == 50 * 72


@pytest.mark.parametrize(("rate", "places"), [(2, 3), (9, 2)], ids=["a double dose", "two places"])
@pytest.mark.near_miss
def test_heavy_but_possible_treatment_is_no_finding(tmp_path: Path, rate: int, places: int) -> None:
    assert run(tmp_path, drawing(rate, places), "overuse")[0] == []


@pytest.mark.parametrize(
    ("column", "people", "rate", "lower", "level"),
    [
        ("care_inst", 30, 9, True, "yellow"),
        ("hh_no", 3, 4, True, "orange"),
        ("hh_no", 3, 9, False, "orange"),
        ("hh_no", 300, 5, False, "orange"),
    ],
    ids=["a care home", "a family", "more than two relatives need", "a placeholder household"],
)
def test_those_who_may_share_the_supply_lower_it(
    tmp_path: Path, column: str, people: int, rate: int, lower: bool, level: str
) -> None:
    def supplied(folder: str, others: int) -> Finding:
        city = drawing(rate, 4)
        for person in ["p", *(f"m{number}" for number in range(others))]:
            city.person(person, **{column: "one"})
        found, _ = run(tmp_path / folder, city, "overuse")
        return next(each for each in found if any(member.label == "Drug" for member in each.members))

    alone, with_others = supplied("alone", 0), supplied("others", people)
    assert (with_others.score < alone.score, with_others.level) == (lower, level)


@pytest.mark.near_miss
def test_a_usual_shop_where_someone_buys_for_others_is_a_lead_at_most(tmp_path: Path) -> None:
    city = drawing(4, 5)
    for number, row in enumerate(row for row in city.rows["settlements"] if row["psn_no"] == "p"):
        if number % 3:
            row["fixmedins_code"] = "S0"
    findings, _ = run(tmp_path, city, "overuse")
    assert {each.level for each in findings if any(m.label == "Drug" for m in each.members)} <= {"yellow"}


@pytest.mark.near_miss
def test_large_packs_drawn_now_and_then_are_no_finding(tmp_path: Path) -> None:
    """Two months' packs, every tenth day: too much, but who cannot get enough is back sooner."""
    city = City()
    city.drug("D1", pack_ddd=60, drug_genname="x")
    for number in range(9):
        city.visit("p", f"S{number % 6}", at(10 * number), items=[{"med_list_codg": "D1", "cnt": 1, "fee": 50}])
    assert run(tmp_path, city, "overuse")[0] == []


@pytest.mark.parametrize("order", [(0, 1, 2), (2, 1, 0)], ids=["as drawn", "the other way round"])
def test_of_equal_half_years_the_later_one_is_told_in_whatever_order_its_lines_are_added(
    tmp_path: Path, order: tuple[int, ...]
) -> None:
    city = City()
    for number, dose in enumerate((10.1, 30.3, 20.2)):
        city.drug(f"D{number}", pack_ddd=dose, drug_genname="x", atc_code="C10AA05")
    for start, drugs in ((0, order), (400, tuple(reversed(order)))):
        for number in range(18):
            for minute, drug in enumerate(drugs):
                items = [{"med_list_codg": f"D{drug}", "cnt": 1, "fee": 50}]
                city.visit("p", f"S{number % 6}", at(start + number, minute=minute), items=items)
    findings, _ = run(tmp_path, city, "overuse")
    assert [finding.first_time for finding in findings] == [
        at(400)
    ]  # not the one whose sum ends in a larger last digit


def test_makers_of_one_substance_add_up(tmp_path: Path) -> None:
    city = drawing(9)
    city.rows["drugs"] = []
    city.drug("D1", pack_ddd=10, drug_genname="x", atc_code="C10AA05")
    city.drug("D2", pack_ddd=10, drug_genname="x, of another maker", atc_code="C10AA05")
    for number, row in enumerate(city.rows["settlement_items"]):
        row["med_list_codg"] = f"D{1 + number % 2}"
    findings, _ = run(tmp_path, city, "overuse")
    (finding,) = [each for each in findings if any(m.label == "Drug" for m in each.members)]
    assert {member.id for member in finding.members if member.label == "Drug"} == {"D1", "D2"}


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


def test_sixty_visits_in_sixty_days_are_a_yellow_sign(tmp_path: Path) -> None:
    (finding,), _ = run(tmp_path, busy("J06.9"), "overuse")
    assert finding.level == "yellow"
    assert [member.id for member in finding.members if member.suspected] == ["p"]


def test_dialysis_explains_the_visits(tmp_path: Path) -> None:
    (finding,), _ = run(tmp_path, busy("N18.5"), "overuse")
    assert (finding.level, outcomes(finding)["serial_care"]) == ("explained", "explains")


def test_a_resale_finding_to_act_on_leads(tmp_path: Path) -> None:
    source = Draft(("S0",), "red", 0.95, Message("x"), Message("x"), None, None,
                   (Member("Patient", "p", "source"),), (), (), ())  # fmt: skip
    levels = []
    with drawing(9).workspace(tmp_path).connect() as tables:
        for leads in ([], [source], [replace(source, level="yellow")]):
            found = Overuse().detect(tables, Context(drafts={"drug_resale": leads}))
            levels += [draft.level for draft in found if draft.anchors == ("p", "supply")]
    assert levels == ["orange", "yellow", "orange"]


def _sleepless(substances: int, rate: int, *, group: str = "N05CF0", places: int = 6) -> City:
    """`p` draws sedatives at `places`, each of several substances in its turn."""
    city = drawing(rate, places)
    city.rows["drugs"] = []
    for number in range(substances):
        city.drug(f"D{number + 1}", pack_ddd=10, drug_genname="x", atc_code=f"{group}{number + 1}")
    for number, row in enumerate(city.rows["settlement_items"]):
        row["med_list_codg"] = f"D{1 + number // places % substances}"
    return city


@pytest.mark.positive
def test_sleeping_pills_of_several_kinds_add_up(tmp_path: Path) -> None:
    findings, _ = run(tmp_path, _sleepless(3, 7), "overuse")
    (finding,) = [each for each in findings if any(m.label == "Drug" for m in each.members)]
    assert (finding.level, finding.title.values["drug"]) == ("orange", "N05")
    assert len(finding.evidence) == len({ref.key for ref in finding.evidence}) == 56


def test_one_sleeping_pill_alone_is_named_itself(tmp_path: Path) -> None:
    findings, _ = run(tmp_path, _sleepless(1, 9), "overuse")
    (finding,) = [each for each in findings if any(m.label == "Drug" for m in each.members)]
    assert (finding.title.values["drug"], finding.title.values["others"]) == ("N05CF01", 0)


@pytest.mark.parametrize(
    ("group", "places"), [("C09CA0", 6), ("N05CF0", 1)], ids=["drugs that are given together", "one doctor"]
)
@pytest.mark.near_miss
def test_several_drugs_that_one_needs_do_not_add_up(tmp_path: Path, group: str, places: int) -> None:
    findings, _ = run(tmp_path, _sleepless(3, 7, group=group, places=places), "overuse")
    assert [each for each in findings if any(m.label == "Drug" for m in each.members)] == []


@pytest.mark.positive
def test_a_sore_back_treated_every_working_day_for_half_a_year_is_found(tmp_path: Path) -> None:
    (finding,), _ = run(tmp_path, treated("M54.5"), "overuse")
    assert finding.level == "orange"
    assert [member.id for member in finding.members if member.suspected] == ["p"]
    assert {check.code for check in finding.counter_evidence} == {"serial_care", "provider"}


@pytest.mark.parametrize(
    ("disease", "columns"),
    [
        ("I69.3", {}),
        ("N18.5", {"weekly": 6}),
        ("L97", {"weekly": 7}),
        ("M54.5", {"weekly": 3}),
        ("M54.5", {"weeks": 12}),
    ],
    ids=["after a stroke", "dialysis", "a wound dressed daily", "thrice a week", "three courses"],
)
@pytest.mark.near_miss
def test_long_care_that_illness_needs_is_no_finding_to_act_on(
    tmp_path: Path, disease: str, columns: dict[str, int]
) -> None:
    findings, _ = run(tmp_path, treated(disease, **columns), "overuse")
    assert {each.level for each in findings} <= {"yellow", "explained"}


@pytest.mark.near_miss
def test_what_needs_no_prescription_stays_a_lead(tmp_path: Path) -> None:
    """Calcium for the whole family, fetched wherever one passes by, is no accusation; a prescribed drug is."""
    levels = {}
    for flag in ("0", "1"):
        (finding,), _ = run(tmp_path / flag, drawing(9, rx_flag=flag), "overuse")
        levels[flag] = (finding.level in SUSPECTED, outcomes(finding)["over_the_counter"])
    assert levels == {"0": (False, "partly"), "1": (True, "does_not_explain")}
