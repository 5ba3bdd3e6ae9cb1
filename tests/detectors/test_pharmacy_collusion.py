"""Feigned sales that gather on a few buyers are found; odd shops, odd goods and odd hours alone accuse nobody."""

from __future__ import annotations

from datetime import timedelta
from pathlib import Path

import numpy as np
import pytest
from factories.city import START, City
from factories.stocked import StockedCity

from ringtrace.detectors.collusion.checks import special_drugs
from ringtrace.detectors.collusion.evidence import Evidence
from ringtrace.detectors.collusion.mixture import Copies, Fit, Priors, fit_shop
from ringtrace.detectors.collusion.pharmacy_collusion import PharmacyCollusion
from ringtrace.detectors.collusion.shops import Shop, genuine_sales
from ringtrace.detectors.collusion.signals import PERSON_SIGNALS, VISIT_SIGNALS, collusion_signals
from ringtrace.detectors.detector import Context, Draft
from ringtrace.detectors.packs.sales import net_sale_lines
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


def test_goods_without_packs_for_everyone_are_not_the_buyers_doing(tmp_path: Path) -> None:
    """Resold packs come in without codes and leave with whoever asks: a matter of the goods, left to resale."""
    town = StockedCity(11)
    for number in range(90):
        town.sell(town.people[SHOP][number % 45], SHOP, town.moment(), drug="D8", origin="elsewhere")
    assert accused(drafts(town, tmp_path)) == []


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


def test_the_mixture_finds_planted_buyers() -> None:
    """Oracle: visits drawn from the model itself, with known classes; posteriors must sort them."""
    rng = np.random.default_rng(4)
    colluding = np.arange(100) < 8
    rows: list[np.ndarray] = []
    starts: list[int] = []
    for guilty in colluding:
        starts.append(len(rows))
        for _ in range(12):
            feigned = guilty and rng.random() < 0.6
            rows.append(rng.random(3) < ([0.8, 0.7, 0.3] if feigned else [0.1, 0.05, 0.02]))
    three = np.array([0.1, 0.05, 0.02])
    priors = Priors(ordinary=three, feigned=np.array([0.7, 0.6, 0.3]), person_ordinary=np.array([0.05]),
                    person_feigned=np.array([0.3]))  # fmt: skip
    fit = fit_shop(np.array(rows, dtype=float), np.array(starts), np.full((100, 1), np.nan), priors)
    assert (fit.buyer[colluding] > 0.9).all()
    assert (fit.buyer[~colluding] < 0.5).all()
    assert fit.gain > 20


def test_unknown_signals_weigh_nothing() -> None:
    visits, persons = (np.array([0.05]), np.array([0.7])), (np.array([0.05]), np.array([0.3]))
    priors = Priors(*visits, *persons)
    fit = fit_shop(np.full((40, 1), np.nan), np.arange(0, 40, 4), np.full((10, 1), np.nan), priors)
    assert np.allclose(fit.buyer, fit.buyer[0])
    assert (fit.buyer < 0.1).all()


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


def known_fit(buyer: np.ndarray, visit: np.ndarray, nats: dict[str, float] | None = None) -> Fit:
    """A fit by which every signal is a hundred times as common on feigned visits."""
    rates, own = np.full(len(VISIT_SIGNALS), 0.002), np.full(len(PERSON_SIGNALS), 0.05)
    each = np.array([(nats or {}).get(name, 0.0) for name in VISIT_SIGNALS])
    return Fit(buyer, visit, rates, 100 * rates, 10 * own, own, 99.0, each, 0 * own, 0.03, 0.6)


def test_of_two_sales_of_a_pack_the_one_with_more_beside_it_is_taken_for_the_feigned_one() -> None:
    """Buyer 0 repeats one pack of buyer 1, whose visits are all odd; buyer 2's are odd too and keep the mark."""
    visits = np.zeros((24, len(VISIT_SIGNALS)))
    reused, lent = VISIT_SIGNALS.index("reused"), VISIT_SIGNALS.index("lent")
    visits[3, reused] = visits[20, reused] = visits[8, lent] = visits[9, lent] = 1
    visits[8:, VISIT_SIGNALS.index("uncoded")] = 1
    fit = known_fit(np.array([0.6, 0.99, 0.99]), np.repeat([0.1, 0.9, 0.9], 8))
    owner, rows = np.repeat([0, 1, 2], 8), np.arange(100, 124)
    shop = Shop("S", True, rows, ["honest", "colluding", "also"], owner, visits, np.full((3, 3), np.nan), fit)
    assert genuine_sales(shop, [(108, 103), (109, 120)]) == [(reused, 3)]


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


def test_without_the_asked_signals_a_posterior_rests_on_the_others() -> None:
    visits = np.array([[1.0, 0.0], [1.0, 1.0]])
    rates = np.array([0.1, 0.1]), np.array([0.9, 0.9])
    nothing = np.zeros(0)
    fit = Fit(nothing, nothing, *rates, nothing, nothing, 0.0, nothing, nothing, 0.5, 0.5)
    crowd_only = fit.alone(np.array([[np.nan, 0.0], [np.nan, 1.0]]), np.array([0, 1]), np.zeros((2, 0)))
    both = fit.alone(visits, np.array([0, 1]), np.zeros((2, 0)))
    # Odds of a visit: 1 − π + π·Π θ¹/θ⁰, so 5/9 and 5 without the first signal; 1 and 41 with it.
    assert crowd_only == pytest.approx([5 / 14, 5 / 6])
    assert both == pytest.approx([0.5, 41 / 42])


@pytest.mark.parametrize("seed", range(3))
def test_one_buyer_stands_for_all_who_show_the_same(seed: int) -> None:
    """Oracle: a shop written out in full gives the fit of the shop in short."""
    rng = np.random.default_rng(seed)
    short = [(rng.random((3, 2)) < 0.3).astype(float) for _ in range(6)]
    persons, alike, times = (rng.random((6, 1)) < 0.5).astype(float), rng.integers(1, 9, 6), rng.integers(1, 4, (6, 3))
    full = [
        np.repeat(each, often, axis=0) for each, often, n in zip(short, times, alike, strict=True) for _ in range(n)
    ]
    priors = Priors(np.array([0.1, 0.2]), np.array([0.6, 0.5]), np.array([0.1]), np.array([0.5]))
    starts = np.cumsum([0, *(len(each) for each in full[:-1])])
    whole = fit_shop(np.vstack(full), starts, np.repeat(persons, alike, axis=0), priors)
    copies = Copies(times.ravel().astype(float), alike.astype(float))
    brief = fit_shop(np.vstack(short), np.arange(0, 18, 3), persons, priors, copies=copies)
    assert brief.gain == pytest.approx(whole.gain, abs=1e-6)
    assert brief.nats == pytest.approx(whole.nats, abs=1e-6)
    assert np.repeat(brief.buyer, alike) == pytest.approx(whole.buyer, abs=1e-6)


def test_members_carry_the_evidence_themselves() -> None:
    """A signal that two of the accused show is silent, and one odd visit accuses nobody."""
    visits = np.zeros((20, len(VISIT_SIGNALS)))
    off, bare = VISIT_SIGNALS.index("off_hours"), VISIT_SIGNALS.index("uncoded")
    visits[:16, bare] = visits[16, bare] = visits[0, off] = visits[4, off] = 1
    fit = known_fit(np.full(5, 0.99), np.full(20, 0.9))
    shop = Shop(
        "S", True, np.arange(20), list("abcde"), np.repeat(np.arange(5), 4), visits, np.full((5, 3), np.nan), fit
    )
    assert shop.named.tolist() == [True, True, True, True, False]
    assert shop.carried(shop.named).spoken == {"uncoded"}
    visits[8, off] = 1
    assert shop.carried(shop.named).spoken == {"uncoded", "off_hours"}


@pytest.mark.parametrize(("uncoded", "joint"), [(60.0, True), (20.0, False)])
def test_missing_and_repeated_codes_are_two_kinds_where_each_is_strong(uncoded: float, *, joint: bool) -> None:
    """A clinic that substitutes codes repeats many and loses few."""
    nothing = np.zeros(0)
    evidence = Evidence(known_fit(nothing, nothing, {"uncoded": uncoded, "reused": 80.0}), 10, 5000, True)
    assert evidence.penalty == pytest.approx(51.1, abs=0.1)
    assert evidence.joint is joint


@pytest.mark.parametrize(
    ("kind", "outcome"),
    [
        pytest.param("course", "explains", marks=pytest.mark.near_miss),
        pytest.param("uneven", "does_not_explain", marks=pytest.mark.positive),
        pytest.param("cheap", "does_not_explain", marks=pytest.mark.positive),
        pytest.param("no goods", "partly", marks=pytest.mark.positive),
    ],
)
def test_a_special_drug_pharmacy_has_clients_on_a_course_of_their_own(tmp_path: Path, kind: str, outcome: str) -> None:
    """Eight people fetch one dear drug each every four weeks; or at odd times, or a cheap one, or no pack is there."""
    city = City()
    city.shop("S")
    for number in range(12):
        city.drug(f"D{number}", atc_code=f"L0{number % 8}AA01", rx_flag="1")
        city.visit(city.person(f"q{number}"), "S", START + timedelta(days=number), items=[item(f"D{number}", 20)])
    people = [city.person(f"p{number}") for number in range(8)]
    rng = np.random.default_rng(1)
    for number, person in enumerate(people):
        days = rng.choice(300, 9, replace=False) ** 2 // 300 if kind == "uneven" else 28 * np.arange(9)
        for day in days:
            line = item(f"D{number % 4}" if kind == "cheap" else f"E{number % 4}", 20 if kind == "cheap" else 4000)
            city.visit(person, "S", START + timedelta(days=int(day), hours=10), items=[line])
    for number in range(4):
        city.drug(f"E{number}", atc_code=f"L01E{number}01", rx_flag="1")
    spoken = {"unrecorded": 9.0} if kind == "no goods" else {"surge": 9.0}
    nothing = np.zeros(0)
    fit = known_fit(nothing, nothing, spoken)
    shop = Shop("S", True, np.arange(0), people, np.arange(0), nothing, nothing, fit)
    with city.workspace(tmp_path).connect() as tables:
        net_sale_lines(tables)
        check = special_drugs(tables, shop, Evidence(fit, 5, 100, True), np.arange(8))
    assert check.outcome == outcome


def item(drug: str, fee: float) -> dict[str, object]:
    return {"med_list_codg": drug, "fee": fee, "cnt": 1}
