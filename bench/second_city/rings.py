"""Borrowed-card rings: cards of unrelated people in the hand of one or two collectors, in nine habits."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from second_city import medicines as m
from second_city.arrays import DAY, HOUR, Ints, sample
from second_city.city import Care, City
from second_city.gathering import Session, at_hour, gather, recurring
from second_city.honest import season
from second_city.people import unrelated
from second_city.places import Kind

KIND = "borrowed_card_ring"
DIFFICULTIES = ("easy", "medium", "hard")


@dataclass(frozen=True, slots=True)
class Plan:
    """What a ring of a difficulty looks like."""

    attendance: tuple[float, float]
    every: tuple[float, ...]  # days between sessions
    wanted: float  # share of baskets that the collector chooses, not the owner's illness
    keep: tuple[float, float]  # share of the owners' own honest visits that go on
    gap: float
    sizes: tuple[int, int]


PLANS = {
    "easy": Plan((0.7, 0.9), (14, 21, 30), 0.8, (0.1, 0.4), 60, (8, 60)),
    "medium": Plan((0.5, 0.8), (14, 21, 30), 0.5, (0.25, 0.7), 85, (6, 40)),
    "hard": Plan((0.32, 0.62), (21, 30, 42), 0.25, (0.5, 0.95), 130, (5, 24)),
}


def plant_rings(city: City, wanted: int) -> None:
    """Plant rings of every habit in turn."""
    habits = list(HABITS)
    city.rng.shuffle(habits)
    for number in range(wanted):
        difficulty = str(city.rng.choice(DIFFICULTIES, p=[0.25, 0.42, 0.33]))
        HABITS[habits[number % len(habits)]](city, difficulty)


def recruit(city: City, size: int, home: int | None = None) -> Ints:
    """Adults of different households; most, not all, have a chronic illness; half live near one another."""
    people, rng = city.people, city.rng
    adults = (people.age > 24) & (people.age < 88)
    ill = city.free(adults & people.chronic)
    near = np.flatnonzero(people.area == (home if home is not None else people.area[rng.choice(ill)]))
    local = np.intersect1d(ill, near)
    pool = np.r_[
        sample(rng, local, size), sample(rng, ill, size), sample(rng, city.free(adults & ~people.chronic), size // 2)
    ]
    return city.take(unrelated(rng, people, np.unique(pool), size))


def baskets(city: City, visits: Ints, persons: Ints, wanted: float) -> None:
    """What the collector asks for, or what the card's owner could have needed."""
    chosen = city.rng.random(len(visits)) < wanted
    common = np.concatenate([city.medicines.by_use[each] for each in ("HT", "DM", "LIP", "CHD", "CVA", "TONIC")])
    taste = np.r_[sample(city.rng, city.medicines.resaleable, 5), sample(city.rng, common, 5)]
    for share in (1.0, 0.35, 0.1):
        some = chosen & (city.rng.random(len(visits)) < share)
        city.draw(visits[some], taste, 2 if wanted > 0.5 else 1)
    city.diagnose(visits[chosen], persons[chosen])
    own = ~chosen & city.people.chronic[persons]
    city.refill(visits[own], persons[own], city.rng.uniform(20, 45, int(own.sum())), zeal=0.8)
    rest = ~chosen & ~own
    city.acute(visits[rest], persons[rest], season(city.visits["time"][visits[rest]] // DAY))


def begin(
    city: City, difficulty: str, habit: str, most: int = 60, home: int | None = None
) -> tuple[str, Plan, Ints, Ints]:
    """Open a ring: (group, plan, card holders, collector as an array of one)."""
    plan = PLANS[difficulty]
    low, high = plan.sizes
    size = int(np.clip(np.exp(city.rng.normal(np.log(13), 0.65)), low, min(high, most)))
    holders = recruit(city, size, home)
    collector = city.take(sample(city.rng, city.free((city.people.age > 28) & (city.people.age < 66)), 1))
    group = city.truth.plant(KIND, difficulty, habit)
    city.truth.suspect(group, holders, "card_holder")
    city.truth.suspect(group, collector, "collector")
    city.thin(holders, city.rng.uniform(*plan.keep))
    return group, plan, holders, collector


def usual_shops(city: City, people: Ints, number: int) -> Ints:
    """Pharmacies near most of the people, each a different one."""
    shops, counts = np.unique(city.places.favourites[people].ravel(), return_counts=True)
    nearest = shops[np.argsort(-counts, kind="stable")]
    rest = np.setdiff1d(city.places.of(Kind.PHARMACY), nearest)
    return np.asarray(np.r_[nearest, rest][:number])


def meet(
    city: City, plan: Plan, people: Ints, shops: Ints, starts: Ints, gap: float | None = None, till: int = -1
) -> None:
    """Sessions of the ring at pharmacies."""
    attendance = city.rng.uniform(*plan.attendance)
    session = Session(attendance, gap or plan.gap, 0.55, till)
    visits, persons = gather(city, people, shops, starts, session)
    baskets(city, visits, persons, plan.wanted)


def in_a_row(city: City, difficulty: str) -> None:
    """One collector, one pharmacy, many cards in a row; his own card is often among them."""
    _, plan, holders, collector = begin(city, difficulty, "in_a_row")
    days = recurring(city, float(city.rng.choice(plan.every)), 2.0)
    starts = at_hour(city, days, city.rng.choice([9.5, 13.5, 17.5, 20.0]), 1.2)
    meet(city, plan, np.r_[holders, collector], usual_shops(city, holders, 1), starts)


def two_hands(city: City, difficulty: str) -> None:
    """Two collectors split the cards anew each time and settle at two tills, or at two shops, at the same time."""
    group, plan, holders, collector = begin(city, difficulty, "two_hands")
    second = city.take(sample(city.rng, city.free((city.people.age > 28) & (city.people.age < 66)), 1))
    city.truth.suspect(group, second, "collector")
    shops = usual_shops(city, holders, 2 if city.rng.random() < 0.5 else 1)
    for day in recurring(city, float(city.rng.choice(plan.every)), 2.5):
        half = city.rng.random(len(holders)) < 0.5
        start = at_hour(city, np.array([day]), 10.5, 2.0)
        meet(city, plan, np.r_[holders[half], collector], shops[:1], start, till=0)
        meet(city, plan, np.r_[holders[~half], second], shops[-1:], start + city.rng.integers(-240, 240), till=1)


def on_the_move(city: City, difficulty: str) -> None:
    """Two to four pharmacies, in turn or within the same hour."""
    _, plan, holders, collector = begin(city, difficulty, "on_the_move")
    shops = usual_shops(city, holders, int(city.rng.integers(2, 5)))
    days = recurring(city, float(city.rng.choice(plan.every)), 2.0)
    starts = at_hour(city, days, 15.0, 1.5)
    if city.rng.random() < 0.5:
        meet(city, plan, np.r_[holders, collector], city.rng.choice(shops, len(days)), starts)
        return
    for start in starts:
        part = city.rng.integers(0, len(shops), len(holders))
        for number, shop in enumerate(shops):
            leg = start + np.array([number * int(city.rng.integers(600, 1500))])
            meet(city, plan, holders[part == number], np.array([shop]), leg)


def clinic_tour(city: City, difficulty: str) -> None:
    """The cards of patients with a chronic-disease certificate go round the clinics of two or three hospitals."""
    _, plan, holders, collector = begin(city, difficulty, "clinic_tour", most=16)
    wards = city.places.of(Kind.HOSPITAL, Kind.CENTRE)
    wards = sample(city.rng, wards, int(city.rng.integers(2, 4)))
    days = recurring(city, float(max(city.rng.choice(plan.every), 14)), 2.0)
    days = days[(days + 2) % 7 < 5]
    attendance = city.rng.uniform(*plan.attendance)
    for number, ward in enumerate(wards):
        starts = at_hour(city, days, 8.4 + number * 1.6, 0.3)
        session = Session(attendance * 0.8, plan.gap * 3, 0.7)
        visits, persons = gather(city, np.r_[holders, collector], np.array([ward]), starts, session, care=Care.CHRONIC)
        city.service(visits[city.rng.random(len(visits)) < 0.6], m.VISIT_FEE)
        baskets(city, visits, persons, plan.wanted)


def at_work(city: City, difficulty: str) -> None:
    """A colleague keeps the cards of the workshop and empties the accounts after each payday."""
    people, rng = city.people, city.rng
    firms, sizes = np.unique(people.employer[(people.employer >= 0) & ~city.busy], return_counts=True)
    firm = int(rng.choice(firms[sizes >= 12])) if (sizes >= 12).any() else int(firms[sizes.argmax()])
    plan = PLANS[difficulty]
    crew = unrelated(
        rng, people, city.free(people.employer == firm), int(rng.integers(plan.sizes[0], min(plan.sizes[1], 26) + 1))
    )
    if len(crew) < 5:
        in_a_row(city, difficulty)
        return
    city.take(crew)
    group = city.truth.plant(KIND, difficulty, "at_work")
    city.truth.suspect(group, crew[1:], "card_holder")
    city.truth.suspect(group, crew[:1], "collector")
    city.thin(crew, rng.uniform(*plan.keep))
    payday = int(rng.integers(8, 20))
    days = np.array([payday + round(month * 30.4) + int(rng.integers(1, 4)) for month in range(12)])
    days = days[(days < 365) & (rng.random(12) < (1.0 if difficulty == "easy" else 0.85))]
    meet(city, plan, crew, usual_shops(city, crew, 1), at_hour(city, days, 18.2, 0.8))


def sharing(city: City, difficulty: str) -> None:
    """Two rings, each with its collector and shop; two to five owners lend their card to both."""
    first, plan, holders, collector = begin(city, difficulty, "sharing", most=24)
    other, _, strangers, rival = begin(city, difficulty, "sharing", most=24)
    both = sample(city.rng, holders, int(city.rng.integers(2, 6)))
    city.truth.suspect(other, both, "card_holder")
    shops = usual_shops(city, np.r_[holders, strangers], 2)
    parties = (first, np.r_[holders, collector], 10.0), (other, np.r_[strangers, both, rival], 16.0)
    for (group, members, hour), shop in zip(parties, shops, strict=True):
        city.truth.acting = int(group[1:])
        days = recurring(city, float(city.rng.choice(plan.every)), 2.0)
        meet(city, plan, members, np.array([shop]), at_hour(city, days, hour, 1.0))


def unhurried(city: City, difficulty: str) -> None:
    """A session takes two hours: a card now, a card after tea, between the shop's other customers."""
    _, plan, holders, collector = begin(city, difficulty, "unhurried", most=25)
    days = recurring(city, float(city.rng.choice(plan.every)), 1.5)
    starts = at_hour(city, days, city.rng.choice([9.0, 14.5, 18.5]), 0.6)
    members = np.r_[holders, collector]
    expected = max(2.0, len(members) * sum(plan.attendance) / 2)
    meet(city, plan, members, usual_shops(city, holders, 1), starts, gap=2 * HOUR / expected)


def short_lived(city: City, difficulty: str) -> None:
    """Five months, then nothing."""
    _, plan, holders, collector = begin(city, difficulty, "short_lived")
    first = int(city.rng.integers(10, 190))
    every = min(float(city.rng.choice(plan.every)), 21.0)
    days = recurring(city, every, 1.5, first, first + 152)
    meet(city, plan, np.r_[holders, collector], usual_shops(city, holders, 1), at_hour(city, days, 11.0, 1.5))


def far_from_home(city: City, difficulty: str) -> None:
    """Villagers' cards, brought to a pharmacy of the county seat that none of them uses."""
    people = city.people
    village = int(city.rng.integers(people.town_areas, len(city.places.area_x)))
    _, plan, holders, collector = begin(city, difficulty, "far_from_home", home=village)
    shops = np.setdiff1d(city.places.of(Kind.PHARMACY), usual_shops(city, holders, 3))
    shop = sample(city.rng, shops if len(shops) else city.places.of(Kind.PHARMACY), 1)
    days = recurring(city, float(city.rng.choice(plan.every)), 2.0)
    meet(city, plan, np.r_[holders, collector], shop, at_hour(city, days, 14.0, 1.5))


HABITS: dict[str, Callable[[City, str], None]] = {
    each.__name__: each
    for each in (
        in_a_row, two_hands, on_the_move, clinic_tour, at_work, sharing, unhurried, short_lived, far_from_home,
    )
}  # fmt: skip
