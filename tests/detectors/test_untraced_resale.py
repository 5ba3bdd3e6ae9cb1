"""Without repeated codes: goods that never came in, sold to anyone, and people who draw them at several hospitals."""

from __future__ import annotations

from datetime import timedelta
from pathlib import Path

import pytest
from factories.stocked import START, StockedCity

from ringtrace.detectors.detector import Context, Draft
from ringtrace.detectors.packs.branches import sister_branches
from ringtrace.detectors.packs.drug_resale import DrugResale

OUTLET, DEAR = "S4", "D8"
HOSPITALS = ("H1", "H2", "H3", "H4")


def town(
    seed: int,
    *,
    sources: int = 5,
    outlet: bool = True,
    houses: tuple[str, ...] = HOSPITALS,
    first: int = 0,
    sales: int = 60,
    drawn: tuple[str, ...] = (DEAR,),
) -> StockedCity:
    """Everyone fills D8 monthly at one hospital; `sources` people draw it (or `drawn`, in turn) at `houses` from day
    `first`, and the outlet sells it unbought.
    """
    place = StockedCity(seed, shops=8, buyers=40, visits=8)
    for number, hospital in enumerate(HOSPITALS[1:]):
        place.city.shop(hospital, hospital=True, lon=113.0, lat=23.1 + 0.01 * number)
    for number in range(60):
        for month in range(11):
            moment = START + timedelta(days=30 * month + number % 25, hours=9)
            place.sell(f"c{number}", HOSPITALS[number % 4], moment, DEAR, origin="elsewhere")
    for number in range(300):
        for month in range(4):
            moment = START + timedelta(days=31 * month + number % 25, hours=11)
            place.sell(f"d{number}", HOSPITALS[number % 4], moment, "D3", origin="elsewhere")
    for number in range(sources):
        for draw in range(22):
            moment = START + timedelta(days=first + (12 - first // 30) * draw + number, hours=10)
            drug = drawn[draw // len(houses) % len(drawn)]
            place.sell(f"x{number}", houses[draw % len(houses)], moment, drug, origin="elsewhere")
    if outlet:
        for number in range(sales):
            buyer = place.people[OUTLET][number % 40]
            place.sell(buyer, OUTLET, place.moment(day=30 + 300 * number // sales), DEAR, origin="phantom")
    return place


def drafts(place: StockedCity, folder: Path) -> list[Draft]:
    with place.build().workspace(folder).connect() as tables:
        return list(DrugResale().detect(tables, Context()))


def test_outlet_and_those_who_over_draw_are_one_finding(tmp_path: Path) -> None:
    (draft,) = drafts(town(1), tmp_path)
    assert {(member.id, member.role) for member in draft.members if member.label != "Drug"} == (
        {(OUTLET, "reseller")} | {(f"x{number}", "source") for number in range(5)}
    )
    assert draft.level in ("orange", "red")
    codes = {reason.code for reason in draft.reasons}
    assert codes == {"sold_without_pack", "sold_beyond_stock", "over_drawn", "in_step"}


@pytest.mark.parametrize(
    ("houses", "sources"),
    [
        pytest.param(("H1", "H2"), 5, marks=pytest.mark.positive),
        pytest.param(("H1", "H1", "H1", "H2"), 0, marks=pytest.mark.near_miss),
    ],
)
def test_twice_a_patient_s_dose_from_two_houses_is_seen_by_neither(
    tmp_path: Path, houses: tuple[str, ...], sources: int
) -> None:
    """Two hospitals give each of the five a pack every 24 days; or one gives nearly all of a high dose. The outlet does
    not scan.
    """
    place = town(1, houses=houses)
    place.scan_rate[OUTLET] = 0.0
    (draft,) = drafts(place, tmp_path)
    assert sum(member.role == "source" for member in draft.members) == sources
    assert draft.accuses == (sources > 0)


@pytest.mark.parametrize(
    ("drawn", "bare", "sources"),
    [
        pytest.param((DEAR, "D7"), 0, 5, marks=pytest.mark.positive),
        pytest.param(("D7",), 4, 5, marks=pytest.mark.positive),
        pytest.param(("D7",), 0, 0, marks=pytest.mark.near_miss),
    ],
)
def test_a_box_does_not_change_its_maker(tmp_path: Path, drawn: tuple[str, ...], bare: int, sources: int) -> None:
    """D7 is the same substance by another maker, which the outlet sells from its own shelf, but for `bare` packs."""
    place = town(1, drawn=drawn)
    place.scan_rate[OUTLET] = 1.0
    for number in range(bare):
        place.sell(place.people[OUTLET][number], OUTLET, place.moment(day=60 + 40 * number), "D7", origin="phantom")
    for row in place.city.rows["drugs"]:
        if row["med_list_codg"] == "D7":
            row["atc_code"] = "A08BA08"
    (draft,) = drafts(place, tmp_path)
    assert sum(member.role == "source" for member in draft.members) == sources
    assert draft.accuses == (sources > 0)


@pytest.mark.parametrize(
    ("every", "sources"),
    [pytest.param(34, 5, marks=pytest.mark.positive), pytest.param(12, 0, marks=pytest.mark.near_miss)],
)
def test_who_draws_all_drugs_early_draws_them_for_nobody(tmp_path: Path, every: int, sources: int) -> None:
    """The five get D3 too, which the outlet buys as it should: when due, or as often and at as many houses as D8, as
    the staff of a care home fetch it.
    """
    place = town(1)
    for number in range(5):
        for draw in range(264 // every):
            moment = START + timedelta(days=every * draw + number, hours=11)
            place.sell(f"x{number}", HOSPITALS[draw % 4], moment, "D3", origin="elsewhere")
    (draft,) = drafts(place, tmp_path)
    assert sum(member.role == "source" for member in draft.members) == sources
    assert draft.accuses == (sources > 0)


@pytest.mark.parametrize(
    ("home", "sources"),
    [pytest.param("", 5, marks=pytest.mark.positive), pytest.param("N1", 0, marks=pytest.mark.near_miss)],
)
def test_what_is_fetched_for_a_care_home_accuses_no_resident(tmp_path: Path, home: str, sources: int) -> None:
    place = town(1)
    for number in range(5):
        place.city.person(f"x{number}", care_inst=home or None)
    (draft,) = drafts(place, tmp_path)
    assert sum(member.role == "source" for member in draft.members) == sources
    assert draft.accuses == (sources > 0)


@pytest.mark.parametrize(
    ("houses", "sources"),
    [
        pytest.param(("H1", "S1", "S2", "H2", "S3", "S5"), 5, marks=pytest.mark.positive),
        pytest.param(("H1",), 0, marks=pytest.mark.near_miss),
    ],
)
def test_who_draws_a_list_all_over_town_has_no_usual_house(
    tmp_path: Path, houses: tuple[str, ...], sources: int
) -> None:
    """The five draw two of the outlet's drugs, more than takers do, at two hospitals and four pharmacies, no drug at
    three hospitals; or as much as that at one hospital, which knows it.
    """
    place = town(1, houses=houses, drawn=(DEAR, "D6"))
    place.scan_rate[OUTLET] = 1.0
    for number in range(40):
        buyer = place.people[OUTLET][number]
        place.sell(buyer, OUTLET, place.moment(day=40 + 7 * number), "D6", origin="phantom")
    for number in range(1200):  # others' second drug
        moment = START + timedelta(days=31 * (number // 300) + number % 25, hours=12)
        place.sell(f"d{number % 300}", HOSPITALS[number % 4], moment, "D4", origin="elsewhere")
    (draft,) = drafts(place, tmp_path)
    assert sum(member.role == "source" for member in draft.members) == sources
    assert draft.accuses == (sources > 0)


@pytest.mark.parametrize(
    ("others", "joined"),
    [pytest.param(0, True, marks=pytest.mark.positive), pytest.param(40, False, marks=pytest.mark.near_miss)],
)
def test_an_outlet_of_the_chain_sells_the_chains_drugs(tmp_path: Path, others: int, joined: bool) -> None:
    """S6 sells the five's packs by their codes; OUTLET lacks codes for the same drug, and more of them for another."""
    place = town(1, sales=30)
    for number in range(20):
        day = 20 + 15 * number
        pack = place.new_code(DEAR)
        place.sell(f"x{number % 5}", "H1", place.moment(day=day), DEAR, code=pack, origin="elsewhere")
        place.sell(place.people["S6"][number], "S6", place.moment(day=day + 10), DEAR, code=pack, origin="elsewhere")
    for number in range(others):
        place.sell(place.people[OUTLET][number % 40], OUTLET, place.moment(day=30 + number), "D1", origin="phantom")
    chain = next(draft for draft in drafts(place, tmp_path) if "S6" in draft.anchors)
    assert (OUTLET in {member.id for member in chain.members if member.role == "reseller"}) == joined


@pytest.mark.near_miss
def test_people_who_drew_after_the_outlet_had_sold_are_not_its_sources(tmp_path: Path) -> None:
    place = town(1, first=240)
    place.sales = [sale for sale in place.sales if sale[2] != OUTLET or sale[3] != DEAR or sale[0].month < 9]
    (draft,) = drafts(place, tmp_path)
    assert draft.level == "yellow"
    assert not [member for member in draft.members if member.label == "Patient"]


@pytest.mark.positive
def test_an_outlet_that_never_scans_is_seen_in_its_ledger(tmp_path: Path) -> None:
    place = town(1)
    place.scan_rate[OUTLET] = 0.0
    (draft,) = drafts(place, tmp_path)
    assert draft.accuses
    assert {member.id for member in draft.members if member.role == "reseller"} == {OUTLET}
    assert {reason.code for reason in draft.reasons} == {"sold_beyond_stock", "over_drawn", "in_step"}
    assert draft.counter_evidence[0].outcome == "unknown"


def test_an_outlet_alone_is_a_lead_that_names_no_patient(tmp_path: Path) -> None:
    (draft,) = drafts(town(2, sources=0), tmp_path)
    assert draft.level == "yellow"
    assert not [member for member in draft.members if member.label == "Patient"]


def test_over_drawing_without_an_outlet_is_not_resale(tmp_path: Path) -> None:
    assert drafts(town(3, outlet=False), tmp_path) == []


def test_phantom_sales_follow_the_person_and_are_left_to_collusion(tmp_path: Path) -> None:
    place = StockedCity(4, shops=8, buyers=40, visits=8)
    for person in place.people[OUTLET][:8]:
        for _ in range(12):
            place.sell(person, OUTLET, place.moment(), DEAR if place.rng.random() < 0.6 else None, origin="phantom")
    assert [draft for draft in drafts(place, tmp_path) if draft.level in ("red", "orange")] == []


def test_transfers_between_ledgers_show_one_owner(tmp_path: Path) -> None:
    place = StockedCity(5, shops=4, buyers=5, visits=2)
    for day in (40, 90):
        when = START + timedelta(days=day)
        place.city.stock("S0", "D1", "transfer_out", when, 6)
        place.city.stock("S1", "D1", "transfer_in", when + timedelta(days=1), 6)
    with place.build().workspace(tmp_path).connect() as tables:
        assert sister_branches(tables) == {"S0": frozenset({"S1"}), "S1": frozenset({"S0"})}


def test_an_ordinary_word_in_many_names_is_no_chain(tmp_path: Path) -> None:
    place = StockedCity(6, shops=12, buyers=2, visits=1)
    for number, row in enumerate(place.city.rows["institutions"]):
        row["fixmedins_name"] = f"便民大药房{number}店"
    with place.build().workspace(tmp_path).connect() as tables:
        assert sister_branches(tables) == {}
