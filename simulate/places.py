"""Where care and drugs are to be had: pharmacies, clinics and hospitals, with habits of their own."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from ringtrace.simulate.people import People
from ringtrace.simulate.sampling import Bools, Floats, Ints, choose, choose_columns, power_law, stream

PERSONS_PER_PHARMACY = 800
PERSONS_PER_CLINIC = 4_000
PERSONS_PER_HOSPITAL = 20_000
DOCTORS = {"clinic": 6, "hospital": 40}


@dataclass(slots=True)
class Places:
    """Parallel arrays, one entry an institution; pharmacies come first, then clinics, then hospitals.

    `scans` is the share of packs that the scanner catches, `scans_from` the second from which it stands at all;
    `books` is the share of movements that reach the ledger (1 in a sound one).
    """

    pharmacies: int
    clinics: int
    hospitals: int
    x: Floats
    y: Floats
    community: Ints
    popularity: Floats
    opens: Floats
    closes: Floats
    posted: Floats  # closing hour as the register has it
    tills: Ints
    scans: Floats
    scans_from: Ints
    books: Floats
    lapses: Floats  # share of deliveries that an otherwise sound ledger forgets
    reserve: Floats  # how large a shop's stock is beside its sales, 1 = usual
    dearness: Floats  # level of its prices, 1 = usual
    chain: Ints  # -1 for a single shop
    member_day: Ints  # day of the month modulo 10 on which members get a discount, -1 none
    special: Bools  # special-drug pharmacy
    backlog: Ints  # days at the end whose purchases are not yet entered
    kit: Bools  # sells fixed-price packages
    number: Ints
    first_doctor: Ints
    doctors: Ints

    def __len__(self) -> int:
        return len(self.x)

    def is_pharmacy(self, place: Ints) -> Bools:
        return place < self.pharmacies

    @property
    def shops(self) -> Ints:
        return np.arange(self.pharmacies)

    @property
    def clinic_range(self) -> Ints:
        return np.arange(self.pharmacies, self.pharmacies + self.clinics)

    @property
    def hospital_range(self) -> Ints:
        return np.arange(self.pharmacies + self.clinics, len(self))


def build_places(people: People, seed: int, months: int, untidiness: float) -> Places:
    """Put institutions where people live; `untidiness` (1 = usual) scales how many scan or book badly."""
    rng = stream(seed, "places")
    n = len(people)
    shops = max(12, n // PERSONS_PER_PHARMACY)
    clinics, hospitals = max(4, n // PERSONS_PER_CLINIC), max(2, n // PERSONS_PER_HOSPITAL)
    total = shops + clinics + hospitals
    # A shop opens beside somebody's home, so that shops are dense where people are.
    near = rng.integers(0, n, total)
    x, y = people.x[near] + rng.normal(0, 0.2, total), people.y[near] + rng.normal(0, 0.2, total)
    popularity = np.concatenate(
        [power_law(rng, shops, 1.4, 12), power_law(rng, clinics, 2.0, 5), power_law(rng, hospitals, 1.5, 6)]
    )
    shop = np.arange(total) < shops
    night = shop & (rng.random(total) < 0.06)
    opens = np.where(shop, rng.choice([7.0, 7.5, 8.0, 8.5], total), 8.0)
    closes = np.where(shop, rng.choice([20.0, 21.0, 21.5, 22.0], total), 17.5)
    opens, closes = np.where(night, 0.0, opens), np.where(night, 24.0, closes)
    closes[shops + clinics :], opens[shops + clinics :] = 24.0, 0.0  # emergency departments
    special = np.zeros(total, dtype=bool)
    special[rng.choice(shops, max(1, shops // 30), replace=False)] = True

    scans = np.clip(rng.beta(60, 1.6, total), 0.80, 0.998)
    careless = shop & (rng.random(total) < 0.10 * untidiness)
    scans[careless] = rng.uniform(0.35, 0.75, int(careless.sum()))
    late = shop & (rng.random(total) < 0.12)
    scans_from = np.where(late, (rng.uniform(0.05, 0.6, total) * months * 30 * 86_400), -1).astype(np.int64)
    books = np.ones(total)
    sloppy = shop & (rng.random(total) < 0.08 * untidiness)
    books[sloppy] = rng.uniform(0.75, 0.95, int(sloppy.sum()))

    chain = np.where(shop & ~special & (rng.random(total) < 0.45), rng.integers(0, max(1, shops // 10), total), -1)
    doctors = np.where(shop, 0, np.where(np.arange(total) < shops + clinics, DOCTORS["clinic"], DOCTORS["hospital"]))
    return Places(
        pharmacies=shops,
        clinics=clinics,
        hospitals=hospitals,
        x=x,
        y=y,
        community=people.community[near],
        popularity=popularity,
        opens=opens,
        closes=closes,
        # Some close later than the register says: it was never brought up to date.
        posted=np.where(
            shop & ~night & (rng.random(total) < 0.16), closes - rng.choice([0.5, 1.0, 1.0], total), closes
        ),
        tills=np.where(shop, 1 + (popularity > 3) + (popularity > 7), np.where(doctors > 10, 8, 2)).astype(np.int64),
        scans=scans,
        scans_from=scans_from,
        books=books,
        lapses=np.where(shop & (rng.random(total) < 0.25), rng.uniform(0.005, 0.08, total), 0.0),
        reserve=rng.lognormal(0.0, 0.5, total),
        dearness=np.where(shop, rng.lognormal(0.0, 0.07, total), 1.0),
        chain=chain,
        member_day=np.where(shop & (rng.random(total) < 0.3), rng.integers(1, 9, total), -1),
        special=special,
        backlog=np.where(shop & (rng.random(total) < 0.07), rng.integers(15, 70, total), 0),
        kit=shop & (rng.random(total) < 0.08),
        number=rng.permutation(total),
        first_doctor=np.cumsum(doctors) - doctors,
        doctors=doctors,
    )


@dataclass(slots=True)
class Habits:
    """Where each person usually goes and when: shop near home, near work, clinic, hospital, hour and regularity."""

    shop: Ints
    second_shop: Ints
    clinic: Ints
    hospital: Ints
    hour: Floats
    regular: Bools  # keeps to a weekday and an hour
    doctor: Ints  # usual doctor, at the usual clinic or hospital


def form_habits(people: People, places: Places, seed: int) -> Habits:
    """People go to places that are near and popular (a gravity model on communities)."""
    rng = stream(seed, "habits")
    n = len(people)
    members = np.bincount(people.community, minlength=people.communities).clip(1)
    cx = np.bincount(people.community, people.x, people.communities) / members
    cy = np.bincount(people.community, people.y, people.communities) / members

    def gravity(candidates: Ints, reach: float) -> Floats:
        distance = np.hypot(cx[:, None] - places.x[candidates], cy[:, None] - places.y[candidates])
        weights: Floats = places.popularity[candidates] / (reach + distance) ** 2.2
        return weights

    ordinary = places.shops[~places.special[: places.pharmacies]]
    near_home = gravity(ordinary, 0.4)
    shop = ordinary[choose_columns(rng, near_home, people.community)]
    # Commuters know a shop near work: the same one for colleagues, by and large.
    employers = int(people.employer.max()) + 1
    work_site = rng.integers(0, people.communities, max(1, employers))
    site = np.where(people.employer >= 0, work_site[people.employer], rng.integers(0, people.communities, n))
    second = ordinary[choose_columns(rng, near_home, np.where(people.employer >= 0, site, people.community))]
    clinic = places.clinic_range[choose_columns(rng, gravity(places.clinic_range, 0.8), people.community)]
    hospital = places.hospital_range[choose(rng, places.popularity[places.hospital_range], n)]
    retired_hour = rng.choice([8.5, 9.5, 10.5, 15.0, 16.0], n) + rng.normal(0, 0.6, n)
    working_hour = rng.choice([12.3, 17.8, 18.8, 19.8], n) + rng.normal(0, 0.7, n)
    at_clinic = rng.random(n) < 0.5
    seat = np.where(at_clinic, clinic, hospital)
    doctor = places.first_doctor[seat] + (rng.random(n) * places.doctors[seat]).astype(np.int64)
    return Habits(
        shop=shop,
        second_shop=second,
        clinic=clinic,
        hospital=hospital,
        hour=np.where(people.employer >= 0, working_hour, retired_hour),
        regular=rng.random(n) < np.where(people.age >= 60, 0.35, 0.12),
        doctor=doctor,
    )
