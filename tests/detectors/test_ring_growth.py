"""Rings that pairs alone do not show: seldom, slow, on the move, or sharing cards with another one."""

from __future__ import annotations

from collections import defaultdict
from dataclasses import replace
from datetime import timedelta
from itertools import combinations
from pathlib import Path

import duckdb
import numpy as np
import pytest
from factories.city import START, City
from scipy import stats

from ringtrace.detectors import detect
from ringtrace.detectors.detector import Context
from ringtrace.detectors.rings.borrowed_card_ring import BorrowedCardRing
from ringtrace.detectors.rings.footfall import Footfall
from ringtrace.detectors.rings.grouping import grow, runs_of
from ringtrace.detectors.rings.membership import RATIO, SPREAD, membership_ratio
from ringtrace.detectors.rings.splitting import two_kinds
from ringtrace.detectors.rings.thresholds import RingThresholds
from ringtrace.detectors.rings.trios import recurring_trios
from ringtrace.findings import Finding, Member

SUSPECTED = ("red", "orange")
SOUGHT = ({"med_list_codg": "D9", "fee": 180},)


@pytest.fixture
def city() -> City:
    city = City()
    for name in city.background(seed=17, shops=("S1", "S2", "S3", "S4"), visits=10):
        city.person(name, hh_no=f"h-{name}")
    return city


def cards(city: City, number: int, prefix: str = "r") -> list[str]:
    return [city.person(f"{prefix}{place}", hh_no=f"h-{prefix}{place}") for place in range(number)]


def found(tmp_path: Path, city: City) -> list[tuple[Finding, set[str]]]:
    """The suspected rings, and whose cards are in them."""
    findings = detect(city.workspace(tmp_path), kinds=["borrowed_card_ring"]).findings
    return [
        (finding, {member.id for member in finding.members if member.label == "Patient"})
        for finding in findings
        if finding.level in SUSPECTED
    ]


@pytest.mark.parametrize("seed", [1, 2, 3])
def test_recurring_trios_are_those_that_a_search_of_all_finds(seed: int) -> None:
    rng = np.random.default_rng(seed)
    occasions = [(int(place), int(day)) for place in range(2) for day in range(4)]
    present = {occasion: {int(each) for each in rng.choice(14, 6, replace=False)} for occasion in occasions}
    met = [(l, r, *occasion) for occasion, who in present.items() for l, r in combinations(sorted(who), 2)]  # noqa: E741
    often: dict[tuple[int, int], int] = defaultdict(int)
    for left, right, *_ in met:
        often[left, right] += 1
    tables = duckdb.connect()
    tables.execute("CREATE TABLE visit_place AS SELECT * FROM (VALUES (0, false), (1, false)) t(place, day_only)")
    tables.execute("CREATE TABLE met_day (l INTEGER, r INTEGER, place INTEGER, day BIGINT)")
    tables.executemany("INSERT INTO met_day VALUES (?, ?, ?, ?)", [row for row in met if often[row[0], row[1]] >= 2])
    expected = {
        side
        for one, other in combinations(occasions, 2)
        if one[1] != other[1]
        for trio in combinations(sorted(present[one] & present[other]), 3)
        for side in combinations(trio, 2)
    }
    assert recurring_trios(tables) == expected


@pytest.mark.parametrize("seed", range(20))
def test_one_kind_of_runs_is_not_parted(seed: int) -> None:
    rng = np.random.default_rng(seed)
    came = rng.random((12, 15)) < rng.uniform(0.3, 0.9, 12)[:, None]
    assert two_kinds(came, 1e-3) is None


@pytest.mark.parametrize("seed", range(5))
def test_two_kinds_of_runs_are_told_apart(seed: int) -> None:
    rng = np.random.default_rng(seed)
    kind = np.arange(20) < 9
    rates = np.where(np.arange(12)[:, None] < 6, np.where(kind, 0.7, 0.0), np.where(kind, 0.0, 0.7))
    rates[5] = 0.7
    told = two_kinds(rng.random(rates.shape) < rates, 1e-3)
    assert told is not None
    # A run to which nobody came but the shared card is of either kind.
    assert min((told != kind).sum(), (told == kind).sum()) <= 1


def test_two_rings_at_one_shop_that_share_cards_are_two_findings(tmp_path: Path, city: City) -> None:
    everyone, rng = cards(city, 14), np.random.default_rng(5)
    rings = everyone[:8], everyone[6:]
    for number in range(26):
        moment = START + timedelta(days=6 * number + int(rng.integers(4)), hours=int(rng.integers(9, 18)))
        for place, card in enumerate(rings[number % 2]):
            if rng.random() < 0.8:
                city.visit(card, "S1", moment + timedelta(seconds=70 * place), items=SOUGHT)
    assert sorted(sorted(people) for _, people in found(tmp_path, city)) == sorted(sorted(ring) for ring in rings)


def test_a_ring_of_five_that_meets_eight_times_is_found(tmp_path: Path, city: City) -> None:
    ring, rng = cards(city, 5), np.random.default_rng(2)
    for number in range(8):
        moment = START + timedelta(days=21 * number + int(rng.integers(10)), hours=int(rng.integers(9, 18)))
        for place, card in enumerate(ring):
            if rng.random() < 0.7:
                city.visit(card, "S1", moment + timedelta(minutes=2 * place), items=SOUGHT)
    assert [people for _, people in found(tmp_path, city)] == [set(ring)]


def test_a_session_of_three_hours_is_one(tmp_path: Path, city: City) -> None:
    ring, rng = cards(city, 9), np.random.default_rng(3)
    for number in range(10):
        moment = START + timedelta(days=17 * number + int(rng.integers(8)), hours=int(rng.integers(8, 15)))
        for place, card in enumerate(rng.permutation(ring)):
            if rng.random() < 0.8:
                city.visit(str(card), "S1", moment + timedelta(minutes=20 * place), items=SOUGHT)
    assert [people for _, people in found(tmp_path, city)] == [set(ring)]


def test_cards_carried_from_shop_to_shop_are_one_ring(tmp_path: Path, city: City) -> None:
    ring, rng = cards(city, 10), np.random.default_rng(4)
    for number in range(12):
        moment = START + timedelta(days=14 * number + int(rng.integers(8)), hours=int(rng.integers(9, 17)))
        for place, card in enumerate(rng.permutation(ring)):
            if rng.random() < 0.7:
                shop, wait = f"S{1 + place // 3}", timedelta(minutes=18 * (place // 3) + 2 * (place % 3))
                city.visit(str(card), shop, moment + wait, items=SOUGHT)
    ((finding, people),) = found(tmp_path, city)
    assert people == set(ring)
    assert any(reason.code == "hopping" for reason in finding.reasons)


@pytest.mark.near_miss
def test_who_is_there_every_week_is_not_of_the_ring(tmp_path: Path, city: City) -> None:
    ring, rng = cards(city, 7), np.random.default_rng(6)
    regular = city.person("regular", hh_no="h-regular")
    for week in range(25):
        morning = START + timedelta(weeks=week, hours=10)
        city.visit(regular, "S1", morning + timedelta(minutes=int(rng.integers(12))), items=[{"med_list_codg": "D2"}])
        if week % 5 < 2:
            for place, card in enumerate(ring):
                city.visit(card, "S1", morning + timedelta(minutes=place), items=SOUGHT)
    assert [people for _, people in found(tmp_path, city)] == [set(ring)]


def test_a_relatives_account_clears_a_family_that_no_register_knows(tmp_path: Path) -> None:
    city = City()
    city.background(seed=17, visits=10)
    family = [f"f{number}" for number in range(5)]
    for number in range(12):
        for place, name in enumerate(family):
            moment = START + timedelta(days=13 * number + number % 4, hours=9 + number % 7, minutes=place)
            city.visit(name, "S1", moment, items=SOUGHT, acct_mulaid_pay="180.00" if place else "0.00")
    findings = detect(city.workspace(tmp_path), kinds=["borrowed_card_ring"]).findings
    assert [finding.level for finding in findings] == ["explained"]
    assert {check.outcome for check in findings[0].counter_evidence if check.code == "family_account"} == {"explains"}


@pytest.mark.parametrize(
    ("named", "why", "level"),
    [(9, "short", "yellow"), (9, "uncoded", "yellow"), (2, "short", "red"), (9, "run", "red")],
)
def test_a_finding_about_the_shop_leads_where_it_names_the_same_people(
    tmp_path: Path, city: City, named: int, why: str, level: str
) -> None:
    """For goods that the shop never had; that cards come in runs is the ring's own doing."""
    ring, rng = cards(city, 9), np.random.default_rng(7)
    for number in range(12):
        moment = START + timedelta(days=14 * number + int(rng.integers(9)), hours=int(rng.integers(9, 18)))
        for place, card in enumerate(ring):
            city.visit(card, "S1", moment + timedelta(minutes=place), items=SOUGHT)
    shop = Member("Pharmacy", "S1", "provider")
    context = Context()
    with city.workspace(tmp_path).connect() as tables:
        (alone,) = BorrowedCardRing().detect(tables, context)
        people = tuple(Member("Patient", name, "accomplice") for name in ring[:named])
        reason = replace(alone.reasons[0], code=why)
        context.drafts["pharmacy_collusion"] = [replace(alone, members=(shop, *people), reasons=(reason,))]
        (draft,) = BorrowedCardRing().detect(tables, context)
    assert alone.level == "red"
    assert draft.level == level


def town_of_strangers(seed: int) -> Footfall:
    """392 people at three shops whenever it suits them; 8 cards (0 to 7), half of which are at each of 7 meetings."""
    rng = np.random.default_rng(seed)
    times = rng.integers(360, size=(392, 8)) * 86_400 + rng.integers(8 * 60, 20 * 60, size=(392, 8)) * 60
    rows = [(8 + who, int(rng.integers(3)), int(t)) for who in range(392) for t in times[who]]
    for meeting in range(7):
        moment = (20 + 45 * meeting) * 86_400 + int(rng.integers(9 * 60, 18 * 60)) * 60
        present = np.flatnonzero(rng.random(8) < 0.5)
        rows += [(int(card), 0, moment + 120 * place) for place, card in enumerate(present)]
    person, place, t = np.array(sorted(rows, key=lambda row: (row[1], row[2], row[0]))).T
    return Footfall.of(person, place, t, np.zeros(3, dtype=bool), window=RingThresholds().window)


@pytest.mark.parametrize("seed", range(6))
def test_any_three_cards_lead_to_their_ring_and_to_nobody_else(seed: int) -> None:
    footfall, limits = town_of_strangers(seed), RingThresholds()
    grown = [grow(footfall, np.array(trio), limits) for trio in combinations(range(8), 3)]
    groups = [set(group.persons.tolist()) for group in grown if group is not None]
    assert max(map(len, groups)) >= 4
    assert set().union(*groups) <= set(range(8))


@pytest.mark.near_miss
@pytest.mark.parametrize("seed", range(6))
def test_strangers_lead_nowhere(seed: int) -> None:
    footfall, rng = town_of_strangers(seed), np.random.default_rng(seed)
    trios = [np.sort(8 + rng.choice(392, 3, replace=False)) for _ in range(40)]
    assert [grow(footfall, trio, RingThresholds()) for trio in trios] == [None] * len(trios)


def test_a_trio_that_met_twice_leads_to_the_ring_of_eight() -> None:
    """Its own two occasions are too few for a group; with whoever was at both, and at theirs, all eight are found."""
    footfall, limits = town_of_strangers(15), RingThresholds()
    trio = np.array([4, 5, 6])
    assert runs_of(footfall, trio, limits).count < limits.min_days
    group = grow(footfall, trio, limits)
    assert group is not None
    assert set(group.persons.tolist()) == set(range(8))


def two_rings(seed: int) -> Footfall:
    """392 strangers; cards 0 to 5 meet 14 times, nearly all; 4 to 13 meet 50 times elsewhere, most of them."""
    rng = np.random.default_rng(seed)
    times = rng.integers(360, size=(392, 8)) * 86_400 + rng.integers(8 * 60, 20 * 60, size=(392, 8)) * 60
    rows = [(14 + who, int(rng.integers(3)), int(t)) for who in range(392) for t in times[who]]
    for cards, shop, meetings, share in ((range(6), 0, 14, 0.95), (range(4, 14), 1, 50, 0.7)):
        for meeting in range(meetings):
            day = 5 + meeting * 350 // meetings + int(rng.integers(3))
            moment = day * 86_400 + int(rng.integers(9 * 60, 18 * 60)) * 60
            rows += [(card, shop, moment + 60 * order) for order, card in enumerate(cards) if rng.random() < share]
    person, place, t = np.array(sorted(rows, key=lambda row: (row[1], row[2], row[0]))).T
    return Footfall.of(person, place, t, np.zeros(3, dtype=bool), window=RingThresholds().window)


@pytest.mark.parametrize("seed", range(4))
@pytest.mark.parametrize(("start", "ring"), [(range(4), range(6)), (range(6, 10), range(4, 14))], ids=["few", "many"])
def test_cards_that_two_rings_share_lead_no_start_away_from_its_own_ring(seed: int, start: range, ring: range) -> None:
    group = grow(two_rings(seed), np.array(start), RingThresholds())
    assert group is not None
    assert set(group.persons.tolist()) == set(ring)


@pytest.mark.parametrize(
    ("attended", "stays"),
    [
        ([9, 10, 8, 9, 10, 9, 3], [True] * 6 + [False]),
        ([6, 4, 3, 5, 7, 4, 3], [True] * 7),
        ([3, 3, 3, 3, 3, 3, 3], [True] * 7),
    ],
)
def test_who_came_thrice_where_all_others_nearly_always_came_is_not_of_them(
    attended: list[int], stays: list[bool]
) -> None:
    """Of eleven runs, where chance gives a seventh of one; cards that all come seldom stay."""
    ratio = membership_ratio(np.array(attended), np.full(7, 0.15), 11)
    assert (ratio >= RATIO).tolist() == stays


@pytest.mark.parametrize("seed", range(4))
def test_the_ratio_of_likelihoods_is_scipys(seed: int) -> None:
    rng = np.random.default_rng(seed)
    attended, by_chance, runs = rng.integers(1, 15, 8), rng.uniform(0.05, 2, 8), 15
    for place, ratio in enumerate(membership_ratio(attended, by_chance, runs)):
        others = np.delete(attended, place) / runs
        mean = min(others.mean(), 0.97)
        binomial = mean * (1 - mean) / runs
        strength = 1 / max((others.var() - binomial) / (mean * (1 - mean) * (1 - 1 / runs)), SPREAD) - 1
        member = stats.betabinom.pmf(attended[place], runs, mean * strength, (1 - mean) * strength)
        assert ratio == pytest.approx(member / stats.poisson.pmf(attended[place], by_chance[place]), rel=1e-6)
