"""Feigned sales that gather on a few buyers are found; odd shops, odd goods and odd hours alone accuse nobody."""

from __future__ import annotations

from datetime import timedelta
from pathlib import Path

import pytest
from factories.city import START, City
from factories.stocked import StockedCity

from ringtrace.detectors.collusion.pharmacy_collusion import PharmacyCollusion
from ringtrace.detectors.collusion.signals import collusion_signals
from ringtrace.detectors.detector import Context, Draft
from ringtrace.findings import EvidenceRef, Member, Message

SHOP = "S3"


def drafts(town: StockedCity, folder: Path, context: Context | None = None, *, without: str = "") -> list[Draft]:
    city = town.build()
    if without:
        city.rows[without] = []
    with city.workspace(folder).connect() as tables:
        return list(PharmacyCollusion().detect(tables, context or Context()))


def crew(town: StockedCity, *, size: int = 10, phantoms: int = 6, shop: str = SHOP) -> list[str]:
    """`size` buyers of the shop lend themselves to phantom sales, a third of them after hours."""
    people = town.people[shop][:size]
    for person in people:
        for _ in range(phantoms):
            late = town.rng.random() < 0.3
            town.sell(person, shop, town.moment(21.6, 23.5) if late else town.moment(), origin="phantom")
    return people


def accused(found: list[Draft]) -> list[Draft]:
    return [draft for draft in found if draft.level in ("red", "orange")]


@pytest.mark.positive
def test_the_buyers_who_carry_the_excess_are_named_and_nobody_else(tmp_path: Path) -> None:
    town = StockedCity(5)
    people = crew(town)
    (draft,) = accused(drafts(town, tmp_path))
    assert {(member.id, member.role) for member in draft.members} == (
        {(SHOP, "seller")} | {(person, "colluding_patient") for person in people}
    )
    assert {reason.code for reason in draft.reasons} >= {"unrecorded", "uncoded", "off_hours"}
    assert all(float(reason.value or 0) > float(reason.expected or 0) for reason in draft.reasons)
    assert {row.table for row in draft.evidence} == {"settlements"}
    assert len(draft.evidence) == pytest.approx(60, abs=6)


def test_no_signal_is_needed_alone(tmp_path: Path) -> None:
    """Without any ledger the codes and the hours still tell, and it says what the ledger's absence costs."""
    town, context = StockedCity(6), Context()
    people = crew(town)
    (draft,) = accused(drafts(town, tmp_path, context, without="inventory"))
    assert {member.id for member in draft.members} == {SHOP, *people}
    assert "pharmacy.gap.no_inventory_collusion" in {gap.message.key for gap in context.gaps}


@pytest.mark.parametrize("seed", [1, 2, 3])
def test_a_city_without_schemes_accuses_nobody(tmp_path: Path, seed: int) -> None:
    assert accused(drafts(StockedCity(seed), tmp_path)) == []


def test_a_careless_shop_accuses_nobody(tmp_path: Path) -> None:
    town = StockedCity(7)
    town.scan_rate[SHOP] = town.ledger_rate[SHOP] = 0.5
    assert accused(drafts(town, tmp_path)) == []


@pytest.mark.near_miss
def test_an_honest_night_shop_accuses_nobody(tmp_path: Path) -> None:
    town = StockedCity(8)
    for number in range(150):
        town.sell(town.people[SHOP][number % 60], SHOP, town.moment(21.5, 23.9))
    assert accused(drafts(town, tmp_path)) == []


def test_a_family_that_comes_at_night_is_no_scheme(tmp_path: Path) -> None:
    """One family of signals never suffices: the goods are real, packs and ledger say so."""
    town = StockedCity(9)
    for person in town.people[SHOP][:5]:
        for _ in range(8):
            town.sell(person, SHOP, town.moment(21.6, 23.5))
    assert accused(drafts(town, tmp_path)) == []


def test_a_fixed_price_kit_is_no_scheme(tmp_path: Path) -> None:
    town = StockedCity(10)
    for number in range(120):
        town.sell(town.people[SHOP][number % 60], SHOP, town.moment(), drug="D8")
    assert accused(drafts(town, tmp_path)) == []


@pytest.mark.parametrize(
    ("first", "last", "whom"),
    [
        pytest.param(8.2, 20.8, 0, marks=pytest.mark.near_miss),
        pytest.param(21.6, 23.5, 1, marks=pytest.mark.positive),
    ],
)
def test_goods_without_packs_for_everyone_are_not_the_buyers_doing(
    tmp_path: Path, first: float, last: float, whom: int
) -> None:
    """Resold packs come in without codes and leave with whoever asks: a matter of the goods, left to resale. But no
    goods bring people to a closed shop.
    """
    town = StockedCity(11)
    for number in range(90):
        town.sell(town.people[SHOP][number % 45], SHOP, town.moment(first, last), drug="D8", origin="elsewhere")
    assert len(accused(drafts(town, tmp_path))) == whom


def test_sales_that_resale_has_claimed_are_left_out(tmp_path: Path) -> None:
    town = StockedCity(5)
    crew(town)
    city = town.build()
    lines = [row for row in city.rows["settlement_items"] if row.get("drug_trac_codg") is None]
    claimed = Draft(
        anchors=(SHOP,), level="red", score=0.9, title=Message("t"), summary=Message("s"),
        first_time=None, last_time=None,
        members=(Member("Pharmacy", SHOP, "reseller"),), reasons=(), counter_evidence=(),
        evidence=tuple(EvidenceRef("settlement_items", f"{row['setl_id']}|{row['feedetl_sn']}") for row in lines),
    )  # fmt: skip
    with city.workspace(tmp_path).connect() as tables:
        context = Context(drafts={"drug_resale": [claimed]})
        assert accused(list(PharmacyCollusion().detect(tables, context))) == []


def test_days_only_times_cost_the_clock_and_it_says_so(tmp_path: Path) -> None:
    town, context = StockedCity(12), Context()
    crew(town)
    city = town.build()
    for row in city.rows["settlements"]:
        row["setl_time"] = row["setl_time"][:10]
    with city.workspace(tmp_path).connect() as tables:
        found = list(PharmacyCollusion().detect(tables, context))
    assert "pharmacy.gap.days_only" in {gap.message.key for gap in context.gaps}
    assert "off_hours" not in {reason.code for draft in found for reason in draft.reasons}


def test_a_clinic_whose_doctor_feigns_visits_is_found_as_a_pharmacy_is(tmp_path: Path) -> None:
    town = StockedCity(13)
    patients = [person for shop in town.shops[:6] for person in town.people[shop][:12]]
    town.shops.append("H1")
    town.city.rows["institutions"][0] |= {"open_hour": 8, "close_hour": 21}
    for number in range(400):
        town.sell(patients[number % len(patients)], "H1", town.moment())
    crew = patients[:9]
    for person in crew:
        for _ in range(10):
            late = town.rng.random() < 0.3
            town.sell(person, "H1", town.moment(21.6, 23.5) if late else town.moment(), origin="phantom")
    (draft,) = accused(drafts(town, tmp_path))
    suspects = {(member.label, member.id) for member in draft.members}
    assert ("Hospital", "H1") in suspects
    assert suspects - {("Hospital", "H1")} <= {("Patient", person) for person in crew}
    assert len(suspects) >= 8


def test_a_run_of_cards_within_half_an_hour_is_a_surge_and_a_member_day_is_not(tmp_path: Path) -> None:
    town = StockedCity(14)
    people = town.people[SHOP]
    for day in (40, 100):  # cards swiped one after the other
        for number in range(20):
            town.sell(people[number], SHOP, town.moment(18.5, 19.0, day=day))
    for number in range(90):  # a day on which everybody comes
        town.sell(people[number % 60], SHOP, town.moment(day=200))
    with town.build().workspace(tmp_path).connect() as tables:
        collusion_signals(tables)
        seen = dict(
            tables.execute(
                "SELECT dayofyear(t) - 1, avg(surge) FROM till_visits WHERE shop = hash(?) GROUP BY 1", [SHOP]
            ).fetchall()
        )
    assert min(seen[40], seen[100]) > 0.8
    assert seen[200] < 0.1


def test_odd_amounts_that_add_up_to_a_whole_sum_were_chosen_to(tmp_path: Path) -> None:
    """A filled quota; no line that is even itself, and of one basket sold each month the first only, to whomever:
    two dear drugs may cost 500 yuan together.
    """
    city = City()
    city.shop(SHOP)
    baskets = {
        "filled": (166.3, 333.7),
        "again": (166.3, 333.7),
        "another's": (166.3, 333.7),
        "anew": (120.1, 379.9),
        "even": (30, 70),
        "one": (50,),
    }
    baskets |= {"odd": (166.3, 333.0)}
    visits = {}
    for number, (name, fees) in enumerate(baskets.items()):
        items = [{"med_list_codg": f"D{name[:1]}{place}", "fee": fee} for place, fee in enumerate(fees)]
        if name in ("again", "another's"):
            items = [item | {"med_list_codg": f"Df{place}"} for place, item in enumerate(items)]
        visits[name] = city.visit(
            "q" if name == "another's" else "p", SHOP, START + timedelta(days=20 * number, hours=10), items=items
        )
    with city.workspace(tmp_path).connect() as tables:
        collusion_signals(tables)
        rows = tables.execute("SELECT visit, filled FROM till_visits").fetchall()
        hashes = dict(
            zip(visits, tables.execute("SELECT hash(unnest(?))", [[*visits.values()]]).fetchall(), strict=True)
        )
    seen = {name: dict(rows)[key] for name, (key,) in hashes.items()}
    assert seen == {"filled": 1, "again": None, "another's": None, "anew": 1, "even": 0, "one": 0, "odd": 0}


@pytest.mark.positive
def test_a_ledger_forged_to_fit_hides_nobody_whose_codes_and_hours_speak(tmp_path: Path) -> None:
    """Every phantom pack is bought and sold on paper: nothing is short, nothing unrecorded."""
    town = StockedCity(5)
    people = crew(town, size=14, phantoms=9)
    city = town.build()
    for time, _, shop, drug, _, origin, _ in town.sales:
        if origin == "phantom":
            city.stock(shop, drug, "purchase", time - timedelta(days=3), 1)
            city.stock(shop, drug, "sale", time, 1)
    with city.workspace(tmp_path).connect() as tables:
        (draft,) = accused(list(PharmacyCollusion().detect(tables, Context())))
    assert {member.id for member in draft.members if member.role == "colluding_patient"} == set(people)
    assert not {reason.code for reason in draft.reasons} & {"unrecorded", "short"}


@pytest.mark.near_miss
@pytest.mark.parametrize("origin", ["shelf", "elsewhere"])
def test_a_crowd_with_a_few_lost_codes_is_a_crowd(tmp_path: Path, origin: str) -> None:
    """Fourteen people of a works bus come within a quarter of an hour, thirty times; a tenth of their codes is lost."""
    town = StockedCity(5)
    for trip in range(30):
        for person in town.people[SHOP][:14]:
            lost = town.rng.random() < 0.1
            town.sell(person, SHOP, town.moment(17.0, 17.2, day=12 * trip), origin=origin if lost else "shelf")
    assert accused(drafts(town, tmp_path)) == []


def lead_on(drugs: list[str]) -> Context:
    """A yellow lead of resale names the shop and these drugs."""
    lead = Draft(
        anchors=(SHOP,), level="yellow", score=0.5, title=Message("t"), summary=Message("s"),
        first_time=None, last_time=None,
        members=(Member("Pharmacy", SHOP, "reseller"), *(Member("Drug", drug, "drug") for drug in drugs)),
        reasons=(), counter_evidence=(), evidence=(),
    )  # fmt: skip
    return Context(drafts={"drug_resale": [lead]})


@pytest.mark.positive
def test_a_lead_of_resale_takes_no_feigned_sales_away(tmp_path: Path) -> None:
    """Two dear drugs are rung for clients, of whom some came once; nobody else but one buys them without a code."""
    town = StockedCity(5)
    people = town.people[SHOP][:16]
    for number, person in enumerate(people):
        for _ in range(6 if number < 12 else 1):
            town.sell(
                person, SHOP, town.moment(day=330 + int(town.rng.integers(30))), f"D{7 + number % 2}", origin="phantom"
            )
    (draft,) = accused(drafts(town, tmp_path, lead_on(["D7", "D8"])))
    named = {member.id for member in draft.members if member.role == "colluding_patient"}
    assert set(people[:12]) <= named <= set(people)


@pytest.mark.near_miss
def test_goods_that_a_lead_names_and_that_lack_codes_for_whoever_asks_accuse_nobody(tmp_path: Path) -> None:
    town = StockedCity(5)
    for number in range(160):
        person = town.people[SHOP][number % 8 if number < 60 else 8 + number % 50]
        town.sell(person, SHOP, town.moment(), f"D{7 + number % 2}", origin="phantom")
    assert accused(drafts(town, tmp_path, lead_on(["D7", "D8"]))) == []
