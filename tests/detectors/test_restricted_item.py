"""A place that bills items restricted to the other sex: found, and told from a wife's medicine and a wrong register."""

from __future__ import annotations

from pathlib import Path

import pytest
from factories.city import City
from factories.claims import (
    SUSPECTED,
    at,
    outcomes,
    run,
    wrong_sex,
)


@pytest.mark.positive
def test_a_place_that_bills_womens_drugs_to_men_is_found(tmp_path: Path) -> None:
    (finding,), _ = run(tmp_path, wrong_sex(30, drugs=3, again=3), "restricted_item")
    assert finding.level in SUSPECTED
    assert {member.id for member in finding.members if member.role == "card_holder"} == {f"m{n}" for n in range(10)}
    assert ("H0", "provider") in {(member.id, member.role) for member in finding.members}
    assert len(finding.evidence) == 30


@pytest.mark.near_miss
def test_one_drug_alone_may_be_meant(tmp_path: Path) -> None:
    """A doctor who gives tamsulosin to women with stones is no cover for other goods."""
    findings, _ = run(tmp_path, wrong_sex(30, again=3, meant_at=3), "restricted_item")
    (finding,) = [each for each in findings if "H0" in {member.id for member in each.members}]
    assert (finding.level, outcomes(finding)["one_drug"]) == ("yellow", "partly")


@pytest.mark.positive
def test_one_drug_that_men_come_back_for_nowhere_else_is_found(tmp_path: Path) -> None:
    (finding,), _ = run(tmp_path, wrong_sex(30, again=3, meant_at=1), "restricted_item")
    assert finding.level in SUSPECTED
    assert outcomes(finding)["one_drug"] == "does_not_explain"


@pytest.mark.near_miss
def test_who_bought_once_is_not_named(tmp_path: Path) -> None:
    (finding,), _ = run(tmp_path, wrong_sex(30, drugs=3), "restricted_item")
    assert not [member for member in finding.members if member.label == "Patient" and member.suspected]


@pytest.mark.near_miss
def test_a_wifes_medicine_here_and_there_is_no_finding(tmp_path: Path) -> None:
    assert run(tmp_path, wrong_sex(3), "restricted_item")[0] == []


def test_a_register_that_the_id_number_contradicts_is_not_believed(tmp_path: Path) -> None:
    assert run(tmp_path, wrong_sex(30, certno="330106196109121829"), "restricted_item")[0] == []


def test_no_sex_gives_a_gap(tmp_path: Path) -> None:
    city = City()
    city.visit("p", "S1", at(1), items=[{"med_list_codg": "D1"}])
    assert run(tmp_path, city, "restricted_item") == ([], ["claims.gap.no_sex"])
