"""Pharmacies and clinics that settle what nobody took, with patients who know or lend their credential."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from second_city import medicines as m
from second_city.arrays import DAY, HOUR, Ints, sample
from second_city.city import MOVES, Care, City, Source
from second_city.gathering import Session, at_hour, gather, recurring
from second_city.places import Kind
from second_city.rings import DIFFICULTIES

KIND = "pharmacy_collusion"
HABITS = ("cash_at_year_end", "goods_for_drugs", "night_run", "held_codes", "clinic", "bad_branch")


@dataclass(frozen=True, slots=True)
class Cover:
    """How the shop covers the sales that did not happen."""

    booked: float  # share booked as sold in the ledger
    forged: float  # share covered by a purchase that never came
    kept_codes: float  # share settled with a code cut from an empty box
    keep: float  # share of the patients' other visits that go on
    intensity: float


COVERS = {
    "easy": (Cover(0.1, 0.0, 0.0, 0.7, 1.5), Cover(0.95, 0.0, 0.25, 0.7, 1.5)),
    "medium": (Cover(0.9, 0.25, 0.35, 0.85, 1.0), Cover(0.5, 0.1, 0.6, 0.85, 1.0)),
    "hard": (Cover(0.97, 0.8, 0.55, 1.0, 0.7), Cover(0.85, 0.55, 0.85, 1.0, 0.75)),
}


def plant_collusion(city: City, wanted: int) -> None:
    """Plant shops of every habit in turn, each at a place of its own."""
    first = int(city.rng.integers(0, len(HABITS)))
    for number in range(wanted):
        habit = HABITS[(first + number) % len(HABITS)]
        difficulty = str(city.rng.choice(DIFFICULTIES, p=[0.25, 0.42, 0.33]))
        shop = choose_place(city, habit)
        if shop < 0:
            continue
        city.tainted.add(shop)
        size = int(np.clip(np.exp(city.rng.normal(np.log(42), 0.7)), 10, 150))
        patients = enlist(city, shop, size, staff=habit in ("cash_at_year_end", "night_run", "held_codes"))
        if len(patients) < 8:
            continue
        group = city.truth.plant(KIND, difficulty, habit)
        city.truth.suspect(group, patients, "accomplice", [shop])
        cover = COVERS[difficulty][int(city.rng.integers(0, 2))]
        city.thin(patients, cover.keep)
        visits = HAPPENINGS[habit](city, shop, patients, cover)
        invent(city, visits, cover, habit)


def choose_place(city: City, habit: str) -> int:
    """A place for the habit that is in no other scheme; −1 if there is none."""
    places = city.places
    kind = Kind.CLINIC if habit == "clinic" else Kind.PHARMACY
    chained = places.chain >= 0 if habit == "bad_branch" else np.ones(len(places.kind), np.bool_)
    free = [
        each
        for each in np.flatnonzero((places.kind == kind) & chained & (places.opened < 0))
        if each not in city.tainted
    ]
    if not free:
        return -1
    volume = np.bincount(city.visits["place"], minlength=len(places.kind))[free]
    return int(free[int(np.argsort(-volume)[int(city.rng.integers(0, max(1, (2 * len(free)) // 3)))])])


def enlist(city: City, shop: int, size: int, *, staff: bool) -> Ints:
    """Customers of the shop mostly, some brought by others; accounts are needed for cash."""
    people, places, visits = city.people, city.places, city.visits
    known = np.zeros(people.count, np.bool_)
    known[visits["person"][visits["place"] == shop]] = True
    fit = (people.age > 20) & (people.age < 85) & (people.staff if staff else people.age > 35)
    near = fit & (known | (places.favourites == shop).any(axis=1))
    customers = sample(city.rng, city.free(near), round(size * 0.85))
    others = sample(city.rng, city.free(fit & ~near), max(1, size - len(customers)) if len(customers) else 0)
    return city.take(np.unique(np.r_[customers, others]))


def cash_at_year_end(city: City, shop: int, patients: Ints, cover: Cover) -> Ints:
    """The account's money for cash less a fifth: mostly November and December, a little all year."""
    rng = city.rng
    city.savers[patients] = True
    times = 1 + rng.poisson(2.2 * cover.intensity, len(patients))
    who = np.repeat(patients, times)
    late = rng.random(len(who)) < 0.7
    day = np.where(late, np.minimum(365 - rng.gamma(2.0, 14.0, len(who)), 364), rng.integers(0, 365, len(who)))
    place = np.full(len(who), shop)
    return city.visit(who, shop, city.moment(day.clip(0, 364).astype(np.int64), place), drain=1)


def goods_for_drugs(city: City, shop: int, patients: Ints, cover: Cover) -> Ints:
    """Rice, oil and washing powder go out, drugs are settled, on ordinary shopping days."""
    rng = city.rng
    who = np.repeat(patients, 1 + rng.poisson(6.5 * cover.intensity, len(patients)))
    day = rng.integers(0, 365, len(who))
    return city.visit(
        who, shop, city.moment(day, np.full(len(who), shop)), drain=(rng.random(len(who)) < 0.5).astype(np.int64)
    )


def night_run(city: City, shop: int, patients: Ints, cover: Cover) -> Ints:
    """Details kept at the till are settled one after another around closing time, some weeks apart."""
    rng, closes = city.rng, city.places.closes[shop]
    days = recurring(city, float(rng.choice([10, 15, 21, 30])) / cover.intensity, 3.0)
    late = closes + 0.4 if cover.intensity > 1 else closes - 0.9
    part = min(0.6, 30 / len(patients))
    visits, _ = gather(city, patients, [shop], at_hour(city, days, min(late, 22.8), 0.2), Session(part, 48, 0.6))
    return visits


def held_codes(city: City, shop: int, patients: Ints, cover: Cover) -> Ints:
    """The shop holds e-credentials and uses one whenever the till is idle, several in a run on some days."""
    rng = city.rng
    who = np.repeat(patients, 2 + rng.poisson(5 * cover.intensity, len(patients)))
    day = rng.integers(0, 365, len(who))
    runs = rng.random(len(who)) < 0.5
    day = np.where(runs, (day // 9) * 9 + int(rng.integers(0, 9)), day).clip(0, 364)
    time = city.moment(day, np.full(len(who), shop))
    time = np.where(runs, day * DAY + (14 * HOUR + (day % 5) * 1500 + rng.integers(0, 2400, len(who))), time)
    return city.visit(who, shop, time, credential=1)


def clinic(city: City, shop: int, patients: Ints, cover: Cover) -> Ints:
    """A private clinic writes courses of needles and boxes of drugs for people who came once, or never."""
    rng = city.rng
    courses = 1 + rng.poisson(1.3 * cover.intensity, len(patients))
    who = np.repeat(np.repeat(patients, courses), 4)
    first = np.repeat(rng.integers(0, 340, int(courses.sum())), 4)
    day = np.minimum(first + np.tile(np.array([0, 2, 5, 8]), len(first) // 4) + rng.integers(0, 2, len(who)), 364)
    visits = city.visit(who, shop, city.moment(day, np.full(len(who), shop)), care=Care.OUTPATIENT)
    city.service(visits, m.NEEDLES, rng.integers(1, 3, len(visits)))
    return np.asarray(visits)


HAPPENINGS = {
    "cash_at_year_end": cash_at_year_end, "goods_for_drugs": goods_for_drugs, "night_run": night_run,
    "held_codes": held_codes, "clinic": clinic, "bad_branch": goods_for_drugs,
}  # fmt: skip


def invent(city: City, visits: Ints, cover: Cover, habit: str) -> None:
    """Lines without packs, and what the shop writes in its ledger for them."""
    rng, medicines, lines = city.rng, city.medicines, city.lines
    dear = habit == "cash_at_year_end"
    liked = np.r_[medicines.by_use["TONIC"], medicines.resaleable] if dear else medicines.resaleable
    taste = sample(rng, liked[medicines.price[liked] < (60000 if dear else 9000)], 12)
    made = [city.draw(visits, taste, 3, source=Source.NOTHING)]
    some = visits[rng.random(len(visits)) < 0.5]
    made.append(city.draw(some, taste, 2, source=Source.NOTHING))
    persons = city.visits["person"][visits]
    city.diagnose(visits, persons)
    real = rng.random(len(visits)) < 0.25  # and a box that was really taken
    city.refill(visits[real], persons[real], np.full(int(real.sum()), 28.0), zeal=0.5)
    line = np.concatenate(made)
    lines["booked"][line] = rng.random(len(line)) < cover.booked
    lines["scan"][line] = 0
    drug, place, time = (
        lines["drug"][line],
        city.visits["place"][lines["visit"][line]],
        city.visits["time"][lines["visit"][line]],
    )
    keep_codes(city, line, cover.kept_codes)
    forged = rng.random(len(line)) < cover.forged
    when = np.maximum(time[forged] - rng.integers(HOUR, 12 * DAY, int(forged.sum())), 0)
    city.moves.append(
        int(forged.sum()), place=place[forged], drug=drug[forged], kind=MOVES.index("purchase"), time=when,
        count=lines["count"][line[forged]], supplier=np.where(rng.random(len(when)) < 0.5, -2, 0),
    )  # fmt: skip


def keep_codes(city: City, line: Ints, share: float) -> None:
    """Some lines carry a real pack's code: cut from a box that the shop sold, or read off one on the shelf."""
    rng, lines, visits = city.rng, city.lines, city.visits
    shop = int(visits["place"][lines["visit"][line[0]]]) if len(line) else -1
    sold = np.flatnonzero((lines["source"] == Source.SHELF) & (visits["place"][lines["visit"]] == shop))
    sold = sold[(visits["dropped"][lines["visit"][sold]] == 0) & (lines["split"][sold] == 0)]
    sold = sold[np.argsort(visits["time"][lines["visit"][sold]], kind="stable")]
    sold_time, sold_drug = visits["time"][lines["visit"][sold]], lines["drug"][sold]
    for each in line[rng.random(len(line)) < share]:
        alike = np.flatnonzero(sold_drug == lines["drug"][each])
        now = int(np.searchsorted(sold_time[alike], visits["time"][lines["visit"][each]]))
        ahead = rng.random() < 0.35
        position = now + int(rng.integers(0, 6)) if ahead else now - 1 - int(rng.integers(0, 6))
        if 0 <= position < len(alike):
            origin = sold[alike[position]]
            lines["source"][each], lines["link"][each], lines["scan"][each] = Source.OLD_CODE, origin, 1
            lines["count"][each] = min(lines["count"][each], lines["count"][origin])
