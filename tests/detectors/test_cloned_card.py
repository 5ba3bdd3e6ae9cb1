"""A card in two places at once: found where nobody can travel so fast, left alone where something else explains it."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from factories.city import START, City
from factories.claims import (
    SUSPECTED,
    at,
    leaping,
    outcomes,
    run,
)
from scipy.stats import poisson

from ringtrace.detectors.claims.cloned_card import ClonedCard
from ringtrace.detectors.claims.travel import attained
from ringtrace.detectors.detector import Context, Draft
from ringtrace.findings import Member, Message


@pytest.mark.positive
def test_a_card_in_two_cities_within_half_an_hour_is_found(tmp_path: Path) -> None:
    (finding,), _ = run(tmp_path, leaping(3), "cloned_card")
    assert finding.level in SUSPECTED
    assert {(m.label, m.id, m.role) for m in finding.members} >= {
        ("Card", "Cp", "card"),
        ("Patient", "p", "card_holder"),
    }
    assert len(finding.evidence) == 6


def _in_town(copies: int, *, shift: int, habit: int = 0) -> City:
    """`p` buys at `A` every tenth day; a copy 6 km away `shift` minutes later; `habit` uses at `B` on other days."""
    city = City()
    city.shop("A", admdvs="330106", lon=120.15, lat=30.28)
    city.shop("B", admdvs="330106", lon=120.15, lat=30.334)
    for number in range(20):
        city.visit("p", "A", at(10 * number))
        if number < copies:
            city.visit("p", "B", at(10 * number) + timedelta(minutes=shift))
    for number in range(habit):
        city.visit("p", "B", at(3 * number + 1) + timedelta(minutes=shift))
    return city


@pytest.mark.positive
def test_changes_that_hardly_anybody_makes_are_found_when_repeated(tmp_path: Path) -> None:
    (finding,), _ = run(tmp_path, _in_town(6, shift=7), "cloned_card")
    assert finding.level in SUSPECTED
    (leaps,) = [reason for reason in finding.reasons if reason.code == "leaps"]
    assert leaps.value == 6
    assert leaps.p_value is not None
    assert leaps.p_value < 0.001


@pytest.mark.positive
def test_hurried_days_count_where_they_are_beyond_chance(tmp_path: Path) -> None:
    """Four changes in seven minutes over six kilometres: a taxi makes each, and nobody makes one every other month."""
    (finding,), _ = run(tmp_path, _in_town(4, shift=7), "cloned_card")
    assert finding.level in SUSPECTED


@pytest.mark.parametrize(("habit", "beyond"), [
    pytest.param(6, True, marks=pytest.mark.positive, id="one card in two hands, whatever its hours"),
    pytest.param(20, False, marks=pytest.mark.near_miss, id="entries on a wrong day would look the same"),
])  # fmt: skip
def test_impossible_days_stand_beside_a_habit(tmp_path: Path, habit: int, beyond: bool) -> None:
    """Two minutes over six kilometres, four times, by a card whose owner goes to both places at that hour."""
    city = _in_town(4, shift=2)
    for number in range(habit):
        city.visit("p", "B", at(10 * number + 5) + timedelta(minutes=2))
    (finding,), _ = run(tmp_path, city, "cloned_card")
    (leaps,) = [reason for reason in finding.reasons if reason.code == "leaps"]
    assert (leaps.value, leaps.p_value is not None) == (4, beyond)
    assert float(leaps.expected or 0) > 0.5
    assert (finding.score > 0.85) == beyond


def test_cards_that_hardly_change_places_do_not_hide_one_that_does() -> None:
    """15,000 cards of which few can come near three days by chance: Bonferroni would count all of them."""
    laws = np.repeat([0.01, 0.05], [990, 10])
    p_value = float(poisson.sf(2, 0.05))
    assert attained(p_value, laws, 15_000) == pytest.approx(15_000 * (0.01 * p_value + 0.99 * poisson.sf(2, 0.01)))
    assert attained(p_value, laws, 15_000) < 0.01 < 0.1 < 15_000 * p_value
    assert attained(p_value, np.full(10, 0.05), 15_000) == pytest.approx(15_000 * p_value)
    assert attained(0.05, laws, 15_000) == 1.0


@pytest.mark.parametrize("city", [_in_town(2, shift=7), _in_town(6, shift=20), _in_town(6, shift=7, habit=60)],
                         ids=["twice", "time enough", "an hour of the day that is kept"])  # fmt: skip
@pytest.mark.near_miss
def test_changes_that_chance_or_habit_gives_are_no_finding(tmp_path: Path, city: City) -> None:
    assert run(tmp_path, city, "cloned_card")[0] == []


@pytest.mark.near_miss
def test_a_flight_is_no_leap(tmp_path: Path) -> None:
    city = City()
    city.shop("A", admdvs="110101", lon=116.4, lat=39.9)
    city.shop("B", admdvs="440103", lon=113.3, lat=23.1)
    for number in range(3):
        city.visit("p", "A", at(10 * number, 8))
        city.visit("p", "B", at(10 * number, 16))
    assert run(tmp_path, city, "cloned_card")[0] == []


def test_claims_that_a_place_sent_late_explain(tmp_path: Path) -> None:
    city = leaping(0)
    for number in range(4):
        city.visit(f"p{number}", "A", at(1, 10, number))
        city.visit(f"p{number}", "B", at(1, 10, 20 + number))
    findings, _ = run(tmp_path, city, "cloned_card")
    assert [finding.level for finding in findings] == ["explained"] * 4


@pytest.mark.near_miss
def test_a_visit_that_began_hours_before_it_was_sent_is_no_leap(tmp_path: Path) -> None:
    city = leaping(0)
    for number in range(3):
        city.visit("p", "A", at(10 * number, 18), begntime=str(at(10 * number, 8)), med_type="11")
        city.visit("p", "B", at(10 * number, 18, 10))
    assert run(tmp_path, city, "cloned_card")[0] == []


def test_an_e_credential_stays_a_lead(tmp_path: Path) -> None:
    (finding,), _ = run(tmp_path, leaping(5, mdtrt_cert_type="01"), "cloned_card")
    assert (finding.level, outcomes(finding)["e_credential"]) == ("yellow", "partly")


@pytest.mark.parametrize("kind", ["drug_resale", "borrowed_card_ring"])
def test_a_finding_that_tells_why_the_holder_hurries_leads(tmp_path: Path, kind: str) -> None:
    other = Draft(("S0",), "red", 0.95, Message("x"), Message("x"), None, None,
                  (Member("Patient", "p", "source"),), (), (), ())  # fmt: skip
    levels = []
    with leaping(3).workspace(tmp_path).connect() as tables:
        for drafts in ([], [other], [replace(other, level="yellow")]):
            (draft,) = ClonedCard().detect(tables, Context(drafts={kind: drafts}))
            levels.append(draft.level)
    assert levels[0] in SUSPECTED
    assert levels == [levels[0], "yellow", levels[0]]


@pytest.mark.near_miss
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


def _in_bed(days: tuple[int, ...], *, home: str = "A", far: str = "B", **columns: Any) -> City:
    """`p` lives at `home`, lies in H1 beside shop `A` from day 50 to 62; the credential is used at `far` on `days`."""
    city = leaping(0)
    city.shop("H1", hospital=True, admdvs="330106", lon=120.2, lat=30.3)
    for number in range(6):
        city.visit("p", home, at(7 * number))
    city.visit("p", "H1", at(62), med_type="21", begntime=str(at(50)), endtime=str(at(62)))
    for day in days:
        city.visit("p", far, at(day, 15), **columns)
    return city


@pytest.mark.positive
def test_a_card_used_far_from_its_owner_s_bed_is_found(tmp_path: Path) -> None:
    (finding,), _ = run(tmp_path, _in_bed((52, 55, 58)), "cloned_card")
    assert finding.level == "orange"
    assert finding.summary.key == "claims.cloned.bed.summary"
    assert (finding.summary.values["inner"], len(finding.evidence)) == (3, 4)


@pytest.mark.parametrize(
    "city",
    [
        _in_bed((52, 55), home="B"),
        _in_bed((52, 55), far="A"),
        _in_bed((55,)),
        _in_bed((50, 62)),
        _in_bed((52, 55), manl_reim_flag="1"),
    ],
    ids=["the family at home", "a shop in the town", "once", "admission and discharge", "claimed by hand"],
)
@pytest.mark.near_miss
def test_what_a_family_does_during_a_stay_is_no_finding(tmp_path: Path, city: City) -> None:
    assert run(tmp_path, city, "cloned_card")[0] == []


@pytest.mark.near_miss
def test_a_place_without_coordinates_is_not_far_from_the_bed(tmp_path: Path) -> None:
    city = _in_bed((52, 55, 58), far="nowhere")
    city.shop("nowhere")
    assert run(tmp_path, city, "cloned_card")[0] == []


def test_an_e_credential_shown_during_a_stay_stays_a_lead(tmp_path: Path) -> None:
    (finding,), _ = run(tmp_path, _in_bed((52, 55, 58), mdtrt_cert_type="01"), "cloned_card")
    assert finding.level == "yellow"
