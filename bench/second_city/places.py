"""Where people go: pharmacies and chains, hospitals, health centres, clinics, village rooms; their hours and habits."""

from __future__ import annotations

from dataclasses import dataclass
from enum import IntEnum

import numpy as np

from second_city.arrays import HOUR, Bools, Floats, Ints, Random, pick
from second_city.people import People
from second_city.profiles import Profile


class Kind(IntEnum):
    """What a place is."""

    PHARMACY = 0
    HOSPITAL = 1
    CENTRE = 2  # community or township health centre
    CLINIC = 3  # private
    VILLAGE_ROOM = 4
    SPECIAL = 5  # a DTP pharmacy with dear drugs


@dataclass(slots=True)
class Places:
    """Parallel columns, one row a place; hours in hours of the day, shares 0–1, `x`, `y` in km."""

    kind: Ints
    area: Ints
    x: Floats
    y: Floats
    size: Floats
    opens: Floats
    closes: Floats
    chain: Ints  # −1: none
    tills: Ints
    live_day: Ints  # scanning of trace codes begins
    scan: Floats  # share of sold packs whose code reaches the settlement
    intake_scan: Floats  # share of purchases whose codes reach the ledger
    unbooked: Floats  # share of sales that the ledger misses
    late: Floats  # days by which purchases are booked late, at most
    lost_intake: Floats  # share of purchases never booked
    order_days: Ints
    price: Floats  # level of prices
    ledger: Bools
    opened: Ints  # day of the year of opening; negative: before
    area_x: Floats
    area_y: Floats
    favourites: Ints  # persons × 3 pharmacies
    local: Ints  # persons: health centre or village room nearest by
    hospital: Ints  # persons: usual hospital

    def of(self, *kinds: Kind) -> Ints:
        return np.flatnonzero(np.isin(self.kind, kinds))


def settle_places(rng: Random, people: People, profile: Profile) -> Places:
    """Draw the places of a profile and each person's usual ones."""
    persons, areas = people.count, int(people.area.max()) + 1
    town = np.arange(areas) < people.town_areas
    radius = np.where(town, rng.uniform(0, 2.6, areas), rng.uniform(4, 24, areas))
    angle = rng.uniform(0, 2 * np.pi, areas)
    area_x, area_y = radius * np.cos(angle), radius * np.sin(angle)
    pharmacies = max(3, round(persons / profile.persons_per_pharmacy))
    numbers = {
        Kind.PHARMACY: pharmacies,
        Kind.HOSPITAL: max(3, persons // 14000),
        Kind.CENTRE: max(3, persons // 7500),
        Kind.CLINIC: max(3, persons // 5000),
        Kind.VILLAGE_ROOM: max(2, round((areas - people.town_areas) * 0.6)),
        Kind.SPECIAL: 1,
    }
    kind = np.repeat([int(each) for each in numbers], list(numbers.values()))
    rows = len(kind)
    population = np.bincount(people.area, minlength=areas).astype(float)
    pull = np.where(town, population, population * (0.5 if profile.rural > 0.6 else 0.12))
    area = pick(rng, pull, rows)
    area = np.where(np.isin(kind, [Kind.HOSPITAL, Kind.SPECIAL]), rng.integers(0, people.town_areas, rows), area)
    rooms = kind == Kind.VILLAGE_ROOM
    area[rooms] = (
        people.town_areas
        + rng.permutation(areas - people.town_areas)[np.arange(rooms.sum()) % (areas - people.town_areas)]
    )
    medical = np.isin(kind, [Kind.HOSPITAL, Kind.CENTRE])
    round_the_clock = (kind == Kind.PHARMACY) & (rng.random(rows) < 0.07) | (kind == Kind.HOSPITAL)
    opens = np.where(kind == Kind.PHARMACY, rng.choice([7.0, 7.5, 8.0, 8.5], rows), rng.choice([7.5, 8.0], rows))
    closes = np.where(
        kind == Kind.PHARMACY, rng.choice([20.5, 21.0, 21.5, 22.0, 22.5], rows), rng.choice([17.5, 18.0, 20.0], rows)
    )
    sloppy = rng.random(rows) < np.where(rooms, 0.7, np.where(kind == Kind.CLINIC, 0.5, 0.22))
    chain = np.full(rows, -1)
    chained = np.flatnonzero(kind == Kind.PHARMACY)[: int(pharmacies * 0.6)]
    chain[chained] = np.arange(len(chained)) % max(1, len(chained) // 4)
    places = Places(
        kind=kind,
        area=area,
        x=area_x[area] + rng.normal(0, 0.25, rows),
        y=area_y[area] + rng.normal(0, 0.25, rows),
        size=rng.lognormal(0, 0.55, rows) * np.where(kind == Kind.HOSPITAL, 2.5, 1),
        opens=np.where(round_the_clock, 0.0, opens),
        closes=np.where(round_the_clock, 24.0, closes),
        chain=chain,
        tills=np.where(medical, rng.integers(3, 7, rows), np.where(kind == Kind.PHARMACY, rng.integers(1, 4, rows), 1)),
        live_day=np.where(rooms, rng.integers(60, 300, rows), rng.integers(-60, 181, rows)),
        scan=np.where(sloppy, rng.uniform(0.45, 0.85, rows), rng.uniform(0.86, 0.992, rows)),
        intake_scan=np.where(sloppy, rng.uniform(0.4, 0.9, rows), rng.uniform(0.9, 1.0, rows)),
        unbooked=np.where(sloppy, rng.uniform(0.01, 0.12, rows), rng.uniform(0, 0.012, rows)),
        late=np.where(sloppy, rng.uniform(1, 9, rows), 0.0),
        lost_intake=np.where(sloppy, rng.uniform(0, 0.05, rows), rng.uniform(0, 0.004, rows)),
        order_days=rng.choice([5, 7, 10, 14, 21], rows),
        price=rng.normal(1.0, 0.05, rows).clip(0.88, 1.12),
        ledger=~rooms | (rng.random(rows) < 0.35),
        opened=rng.integers(-5000, -200, rows),
        area_x=area_x,
        area_y=area_y,
        favourites=np.zeros((0, 3), dtype=np.int64),
        local=np.zeros(0, dtype=np.int64),
        hospital=np.zeros(0, dtype=np.int64),
    )
    places.opened[chained[-1:]] = 118 + int(rng.integers(0, 40))  # one branch opens in the year
    usual_places(rng, people, places)
    return places


def usual_places(rng: Random, people: People, places: Places) -> None:
    """Each person's three pharmacies, health centre or village room, and hospital: large and near ones more often."""

    def choose(candidates: Ints, reach: float) -> Ints:
        far = np.hypot(
            places.area_x[:, None] - places.x[None, candidates], places.area_y[:, None] - places.y[None, candidates]
        )
        weight = places.size[candidates] * np.exp(-far / reach)
        cumulative = np.cumsum(weight / weight.sum(axis=1, keepdims=True), axis=1)
        drawn = (cumulative[people.area] < rng.random(people.count)[:, None]).sum(axis=1)
        return np.asarray(candidates[np.minimum(drawn, len(candidates) - 1)])

    established = places.of(Kind.PHARMACY)
    established = established[places.opened[established] < 0]
    places.favourites = np.stack([choose(established, reach) for reach in (0.9, 1.6, 5.0)], axis=1)
    places.local = choose(places.of(Kind.CENTRE, Kind.VILLAGE_ROOM), 1.0)
    places.hospital = choose(places.of(Kind.HOSPITAL), 15.0)


def clock(rng: Random, places: Places, place: Ints) -> Ints:
    """A second of the day at which somebody comes to each place, within its hours and with its rush hours."""
    rows = len(place)
    shop = np.isin(places.kind[place], [Kind.PHARMACY, Kind.SPECIAL])
    rush = np.where(
        shop, pick(rng, np.array([0.33, 0.12, 0.2, 0.35]), rows), pick(rng, np.array([0.62, 0.02, 0.34, 0.02]), rows)
    )
    hour = np.array([9.2, 12.4, 15.6, 19.0])[rush] + rng.normal(0, 1, rows) * np.array([1.1, 0.6, 1.3, 1.1])[rush]
    opens, closes = places.opens[place], places.closes[place]
    hour = np.where((hour <= opens) | (hour >= closes - 0.05), rng.uniform(opens + 0.02, closes - 0.05), hour)
    always = shop & (closes - opens > 23)  # open at night: some do come
    hour = np.where(always & (rng.random(rows) < 0.08), rng.uniform(0, 24, rows) % 24, hour)
    return np.asarray((hour * HOUR).astype(np.int64))
