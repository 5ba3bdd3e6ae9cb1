"""More of a drug than a body takes, and a visit every day: found, and told from heavy but possible treatment."""

from __future__ import annotations

from datetime import datetime, timedelta
from pathlib import Path

import pytest
from factories.city import City
from factories.claims import (
    at,
    busy,
    drawing,
    outcomes,
    run,
)


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


def test_sixty_visits_in_sixty_days_are_a_yellow_sign(tmp_path: Path) -> None:
    (finding,), _ = run(tmp_path, busy("J06.9"), "overuse")
    assert finding.level == "yellow"
    assert [member.id for member in finding.members if member.suspected] == ["p"]


def test_dialysis_explains_the_visits(tmp_path: Path) -> None:
    (finding,), _ = run(tmp_path, busy("N18.5"), "overuse")
    assert (finding.level, outcomes(finding)["serial_care"]) == ("explained", "explains")
