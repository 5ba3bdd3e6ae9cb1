"""Each innocent explanation beside its near miss: what clears a group, what does not, and what cannot be checked."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from factories.city import START, City

from ringtrace.detectors import detect
from ringtrace.findings import Finding

Prepare = Callable[[City, str, int], object]


def meetings(
    city: City,
    names: list[str],
    *,
    seed: int = 1,
    count: int = 14,
    shops: tuple[str, ...] = ("S1",),
    weekly: bool = False,
    own_drugs: bool = False,
    **columns: Any,
) -> None:
    """Everyone comes to most meetings: at one time of the week, or whenever it suits whoever decides.

    With `own_drugs` each buys the same two drugs in company and alone; else all buy from one list.
    """
    rng = np.random.default_rng(seed)
    for number in range(count):
        day = 7 * number + 2 if weekly else int(rng.integers(170))
        moment = START + timedelta(days=day, hours=9 if weekly else int(rng.integers(9, 18)))
        for place, shop in enumerate(shops):
            for order, name in enumerate(rng.permutation(names)):
                if rng.random() < 0.85:
                    drug = f"OWN-{name}-{int(rng.integers(2))}" if own_drugs else f"DEAR-{int(rng.integers(4))}"
                    wait = float(rng.uniform(-25, 25)) if weekly else order
                    at = moment + timedelta(minutes=40 * place + wait, seconds=int(rng.integers(50)))
                    city.visit(str(name), shop, at, items=[{"med_list_codg": drug, "fee": 150}], **columns)
    for name in names:
        for number in range(6):
            alone = START + timedelta(days=int(rng.integers(170)), hours=int(rng.integers(8, 19)), minutes=number)
            drug = f"OWN-{name}-{number % 2}" if own_drugs else "D1"
            city.visit(name, f"S{1 + int(rng.integers(3))}", alone, items=[{"med_list_codg": drug, "fee": 30}])


def background() -> City:
    city = City()
    for name in city.background(seed=21, visits=10):
        city.person(name, hh_no=f"h-{name}", emp_no=f"e-{name[-2:]}")
    city.person("resident", care_inst="another home")
    return city


def ring(tmp_path: Path, city: City, names: list[str]) -> Finding:
    """The finding that holds most of these people."""
    findings = detect(city.workspace(tmp_path), kinds=["borrowed_card_ring"]).findings
    return max(findings, key=lambda each: len({member.id for member in each.members} & set(names)))


def outcome(finding: Finding, code: str) -> str:
    return next(check.outcome for check in finding.counter_evidence if check.code == code)


def people(number: int) -> list[str]:
    return [f"m{place}" for place in range(number)]


def one_value(column: str) -> Prepare:
    return lambda city, name, place: city.person(name, **{"hh_no": f"h-{name}", column: "shared"})


def half_share(column: str) -> Prepare:
    return lambda city, name, place: city.person(
        name, **{"hh_no": f"h-{name}", column: "shared" if place % 2 else f"own-{name}"}
    )


@pytest.mark.parametrize(
    ("code", "column"),
    [
        ("household", "hh_no"),
        ("household", "tel"),
        ("household", "addr"),
        ("household", "bank_acct"),
        ("care_home", "care_inst"),
    ],
)
def test_what_they_share_explains_them(tmp_path: Path, code: str, column: str) -> None:
    city, names = background(), people(6)
    for place, name in enumerate(names):
        one_value(column)(city, name, place)
    # A home's staff fetch what each resident takes.
    meetings(city, names, own_drugs=code == "care_home")
    finding = ring(tmp_path, city, names)
    assert outcome(finding, code) == "explains"
    assert finding.level == "explained"


def colleagues(tmp_path: Path, *, own_drugs: bool) -> Finding:
    city, names = background(), people(6)
    for name in names:
        city.person(name, hh_no=f"h-{name}", emp_no="mill")
    meetings(city, names, weekly=own_drugs, own_drugs=own_drugs)
    return ring(tmp_path, city, names)


def test_colleagues_who_buy_their_own_after_the_shift_are_explained(tmp_path: Path) -> None:
    finding = colleagues(tmp_path, own_drugs=True)
    assert outcome(finding, "employer") == "explains"
    assert finding.level == "explained"


@pytest.mark.near_miss
def test_a_collector_among_colleagues_is_not_explained_by_the_employer(tmp_path: Path) -> None:
    """At hours of nobody's shift, for dear drugs that none of the owners ever gets otherwise."""
    finding = colleagues(tmp_path, own_drugs=False)
    assert outcome(finding, "employer") == "partly"
    assert finding.level in ("red", "orange")


def test_a_school_class_is_explained(tmp_path: Path) -> None:
    city, names = background(), people(6)
    for name in names:
        city.person(name, hh_no=f"h-{name}", brdy="2015-09-01")
    meetings(city, names, count=5)
    finding = ring(tmp_path, city, names)
    assert outcome(finding, "schoolmates") == "explains"
    assert finding.level == "explained"


@pytest.mark.parametrize(
    ("code", "column"), [("household", "hh_no"), ("employer", "emp_no"), ("care_home", "care_inst")]
)
def test_what_half_of_them_share_does_not(tmp_path: Path, code: str, column: str) -> None:
    city, names = background(), people(6)
    for place, name in enumerate(names):
        half_share(column)(city, name, place)
    meetings(city, names)
    finding = ring(tmp_path, city, names)
    assert outcome(finding, code) == "partly"
    assert finding.level in ("red", "orange")


def test_family_account_ties(tmp_path: Path) -> None:
    city, names = background(), people(4)
    for name in names:
        city.person(name, hh_no=f"h-{name}")
        city.add("cards", mdtrt_cert_no=f"C{name}", psn_no=name, share_psn_no="m0")
    meetings(city, names)
    assert outcome(ring(tmp_path, city, names), "household") == "explains"


def test_placeholder_ties_nobody_and_is_told(tmp_path: Path) -> None:
    """One household of 5,000: a register office's own number."""
    city, names = background(), people(6)
    for name in [*names, *(f"x{number}" for number in range(5000))]:
        city.person(name, hh_no="0000", tel="13800000000")
    meetings(city, names)
    workspace = city.workspace(tmp_path)
    report = detect(workspace, kinds=["borrowed_card_ring"])
    finding = max(report.findings, key=lambda each: len({member.id for member in each.members} & set(names)))
    assert outcome(finding, "household") == "does_not_explain"
    assert finding.level in ("red", "orange")
    told = {gap.message.values["column"] for gap in report.gaps if gap.message.key == "rings.gap.placeholder"}
    assert told == {"hh_no", "tel"}


def test_dialysis_shift_is_explained(tmp_path: Path) -> None:
    city, names = background(), people(6)
    city.shop("S1", hospital=True)
    for name in names:
        city.person(name, hh_no=f"h-{name}")
    meetings(city, names, dise_codg="N18.5", med_type="14")
    finding = ring(tmp_path, city, names)
    assert outcome(finding, "dialysis") == "explains"
    assert finding.level == "explained"


def test_the_same_hour_every_week_explains_regulars(tmp_path: Path) -> None:
    city, names = background(), people(7)
    for name in names:
        city.person(name, hh_no=f"h-{name}")
    meetings(city, names, count=24, weekly=True, own_drugs=True)
    finding = ring(tmp_path, city, names)
    assert outcome(finding, "own_hours") == "explains"
    assert finding.level == "explained"


def test_people_who_buy_their_own_are_no_suspicion(tmp_path: Path) -> None:
    city, names = background(), people(5)
    for name in names:
        city.person(name, hh_no=f"h-{name}")
    meetings(city, names, own_drugs=True)
    finding = ring(tmp_path, city, names)
    assert outcome(finding, "own_needs") == "explains"
    assert finding.level == "explained"


def test_cards_in_two_places_end_every_excuse(tmp_path: Path) -> None:
    """A family whose cards are used together while their owners are served 60 km away."""
    city, names = background(), people(6)
    city.shop("S1", lon=121.0, lat=28.0)
    city.shop("FAR", lon=121.6, lat=28.0)
    for name in names:
        city.person(name, hh_no="one")
    meetings(city, names)
    together = [row for row in city.rows["settlements"] if row["psn_no"] == "m1" and row["fixmedins_code"] == "S1"][:5]
    for row in list(together):
        city.visit("m1", "FAR", row["setl_time"])
    finding = ring(tmp_path, city, names)
    assert outcome(finding, "household") == "explains"
    assert finding.level != "explained"
    assert any(reason.code == "torn" for reason in finding.reasons)


def test_two_shops_within_the_hour_are_one_ring(tmp_path: Path) -> None:
    city, names = background(), people(6)
    for name in names:
        city.person(name, hh_no=f"h-{name}")
    meetings(city, names, shops=("S1", "S2"))
    finding = ring(tmp_path, city, names)
    assert {member.id for member in finding.members if member.label == "Patient"} == set(names)
    assert {member.id for member in finding.members if member.label == "Pharmacy"} == {"S1", "S2"}
    assert any(reason.code == "hopping" for reason in finding.reasons)


def test_holder_is_the_one_always_there(tmp_path: Path) -> None:
    city, names = background(), people(7)
    for name in names:
        city.person(name, hh_no=f"h-{name}")
    rng = np.random.default_rng(8)
    for _ in range(30):
        moment = START + timedelta(days=int(rng.integers(170)), hours=int(rng.integers(9, 18)))
        for order, name in enumerate(names):
            if name == "m3" or rng.random() < 0.6:
                city.visit(name, "S1", moment + timedelta(minutes=order), items=[{"med_list_codg": "D9", "fee": 99}])
    finding = ring(tmp_path, city, names)
    assert [member.id for member in finding.members if member.role == "holder"] == ["m3"]


def test_without_a_register_small_groups_stay_yellow(tmp_path: Path) -> None:
    city, names = City(), people(5)
    city.background(seed=21, visits=10)
    meetings(city, names)
    workspace = city.workspace(tmp_path)
    report = detect(workspace, kinds=["borrowed_card_ring"])
    assert {finding.level for finding in report.findings} <= {"yellow", "explained"}
    assert "rings.gap.no_persons" in {gap.message.key for gap in report.gaps}


def test_a_shared_card_serves_two_rings(tmp_path: Path) -> None:
    city = background()
    first, second = [f"a{number}" for number in range(6)], [f"b{number}" for number in range(6)]
    for name in [*first, *second]:
        city.person(name, hh_no=f"h-{name}")
    meetings(city, first, seed=3)
    meetings(city, [*second, "a0"], seed=4, shops=("S3",))
    findings = detect(city.workspace(tmp_path), kinds=["borrowed_card_ring"]).findings
    holding = [finding for finding in findings if "a0" in {member.id for member in finding.members}]
    assert len(holding) == 2
