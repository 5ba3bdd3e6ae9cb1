"""Drug resale: packs drawn on insurance come back to a shelf, or are drawn in amounts that nobody can take."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from second_city.arrays import DAY, Ints, pick, sample
from second_city.city import MOVES, Care, City, Source
from second_city.places import Kind
from second_city.rings import DIFFICULTIES, recruit

KIND = "drug_resale"
HABITS = ("outlet", "outlet", "forged_purchase", "two_hops", "three_hops", "no_outlet", "overdraw", "village_room")
# Packs a month per patient, share of honest life kept, chance that the outlet's scanner keeps the code, weeks between.
PLANS = {
    "easy": (3.4, 0.5, 1.0, (1, 6)),
    "medium": (2.4, 0.8, 0.6, (2, 10)),
    "hard": (1.7, 1.0, 0.3, (3, 16)),
}


@dataclass(frozen=True, slots=True)
class Drawn:
    """Packs drawn by resellers: line, drug, count, time."""

    line: Ints
    drug: Ints
    count: Ints
    time: Ints


def plant_resale(city: City, wanted: int) -> None:
    """Plant chains of every habit in turn."""
    first = int(city.rng.integers(0, len(HABITS)))
    for number in range(wanted):
        chain(city, HABITS[(first + number) % len(HABITS)], str(city.rng.choice(DIFFICULTIES, p=[0.25, 0.42, 0.33])))


def chain(city: City, habit: str, difficulty: str) -> None:
    """Patients draw, a collector gathers, an outlet sells again."""
    rng, places = city.rng, city.places
    monthly, keep, scan, weeks = PLANS[difficulty]
    if difficulty == "hard" and rng.random() < 0.5:
        scan = 0.0  # every code is cut off or not scanned
    patients = recruit(city, int(np.clip(np.exp(rng.normal(np.log(12), 0.5)), 5, 40)))
    collector = city.take(sample(rng, city.free((city.people.age > 30) & (city.people.age < 65)), 1))
    group = city.truth.plant(KIND, difficulty, habit)
    city.truth.suspect(group, patients, "reseller")
    if rng.random() < 0.6:  # some collectors never settle anything themselves and are nobody's suspect in the data
        city.truth.suspect(group, collector, "collector")
        patients = np.r_[patients, collector]
    city.thin(patients, keep)
    goods = sample(rng, city.medicines.resaleable, int(rng.integers(3, 7)))
    drawn = draw_packs(city, patients, goods, monthly * (1.6 if habit == "overdraw" else 1), whole=habit == "overdraw")
    if habit in ("no_outlet", "overdraw"):  # sold beyond the county
        return
    room = habit == "village_room" and bool(np.any(places.ledger & (places.kind == Kind.CLINIC)))
    outlets = places.of(Kind.CLINIC if room else Kind.PHARMACY)
    outlets = np.array(
        [each for each in outlets if each not in city.tainted and places.ledger[each] and places.opened[each] < 0]
    )
    hops = {"two_hops": 2, "three_hops": 3}.get(habit, 1)
    chosen = sample(rng, outlets, hops if habit != "three_hops" else 2)
    if not len(chosen):
        return
    city.tainted.update(int(each) for each in chosen)
    city.truth.suspect(group, np.zeros(0, np.int64), "", chosen[-1:] if hops == 1 else chosen)
    if hops > 1:  # confederates buy from the first outlet and hand on
        middle = recruit(city, int(rng.integers(6, 15)))
        city.truth.suspect(group, middle, "reseller")
        drawn = hand_on(city, drawn, middle, int(chosen[0]), weeks, scan)
    sell_again(city, drawn, int(chosen[-1]), weeks, scan, forged=habit == "forged_purchase" or rng.random() < 0.2)


def draw_packs(city: City, patients: Ints, goods: Ints, monthly: float, *, whole: bool) -> Drawn:
    """Extra visits of the patients: a few packs at a time, at several institutions."""
    rng, places = city.rng, city.places
    begin = int(rng.integers(0, 60))
    visits_a_month = max(0.7, monthly / 2.6)
    number = rng.poisson(visits_a_month * (12 - begin / 30) * rng.uniform(0.6, 1.4, len(patients)))
    who = np.repeat(patients, number)
    wards, shops = places.of(Kind.HOSPITAL, Kind.CENTRE), places.of(Kind.PHARMACY)
    # Each has a round of four or six places: the usual ones, and one or two that need not know them.
    far = [rng.choice(wards, len(patients)), rng.choice(shops, len(patients))]
    tour = np.column_stack([places.hospital[patients], places.favourites[patients, :2], *far, places.local[patients]])
    choice = pick(rng, np.array([3.0, 1.0, 0.5, 3.0, 0.3, 0.7] if whole else [1.6, 1.5, 0.8, 0.9, 0.6, 0.6]), len(who))
    place = tour[np.repeat(np.arange(len(patients)), number), choice]
    day = rng.integers(begin, 365, len(who))
    care = np.where(places.kind[place] == Kind.PHARMACY, Care.PHARMACY, Care.CHRONIC)
    visits = city.visit(who, place, city.moment(day, place), care=care)
    lines = []
    for share in (1.0, 0.4):
        some = visits[rng.random(len(visits)) < share]
        lines.append(city.draw(some, goods, 2))
    city.diagnose(visits, who)
    cover = rng.random(len(visits)) < 0.5
    city.refill(visits[cover], who[cover], np.full(int(cover.sum()), 20.0), zeal=0.5)
    line = np.concatenate(lines)
    visit = city.lines["visit"][line]
    return Drawn(line, city.lines["drug"][line], city.lines["count"][line], city.visits["time"][visit])


def resold_at(city: City, drawn: Drawn, weeks: tuple[int, int]) -> Ints:
    """When each pack is on the second shelf."""
    lag = city.rng.uniform(weeks[0] * 7 * DAY, weeks[1] * 7 * DAY, len(drawn.line))
    return np.asarray(drawn.time + lag.astype(np.int64))


def hand_on(city: City, drawn: Drawn, middle: Ints, shop: int, weeks: tuple[int, int], scan: float) -> Drawn:
    """The first outlet sells the packs to confederates on their own cards."""
    rng = city.rng
    ready = resold_at(city, drawn, weeks)
    good = (ready < 340 * DAY) & (rng.random(len(ready)) < 0.5)
    part = Drawn(drawn.line[good], drawn.drug[good], drawn.count[good], ready[good])
    who = rng.choice(middle, len(part.line))
    day = np.minimum(part.time // DAY + rng.integers(0, 6, len(who)) + 1, 364)
    time = city.moment(day, np.full(len(who), shop))
    visits = city.visit(who, shop, time)
    city.diagnose(visits, who)
    scanned = np.where(rng.random(len(who)) < scan, 1, 0)
    line = city.lines.append(
        len(who), visit=visits, drug=part.drug, count=part.count, source=Source.LINKED, link=part.line, scan=scanned
    )
    return Drawn(line, part.drug, part.count, time)


def sell_again(city: City, drawn: Drawn, shop: int, weeks: tuple[int, int], scan: float, *, forged: bool) -> None:
    """Customers of the outlet who ask for the drug get the packs; if too few ask, people from afar come for them."""
    rng, lines, visits = city.rng, city.lines, city.visits
    ready = resold_at(city, drawn, weeks)
    order = np.argsort(ready, kind="stable")
    refunded = np.zeros(visits.rows, np.bool_)
    refunded[visits["refund_of"][visits["refund_of"] >= 0]] = True
    asked = np.flatnonzero(
        (visits["place"][lines["visit"]] == shop)
        & (lines["source"] == Source.SHELF)
        & (visits["dropped"][lines["visit"]] == 0)
        & ~refunded[lines["visit"]]
    )
    asked_time = visits["time"][lines["visit"][asked]]
    by_drug = {int(drug): [] for drug in np.unique(drawn.drug)}  # type: dict[int, list[int]]
    for place in np.argsort(asked_time, kind="stable"):
        if (drug := int(lines["drug"][asked[place]])) in by_drug:
            by_drug[drug].append(int(place))
    left = []
    for pack in order:
        queue = by_drug[int(drawn.drug[pack])]
        while queue and asked_time[queue[0]] < ready[pack]:
            queue.pop(0)
        if queue and rng.random() < 0.8:
            sold = asked[queue.pop(0)]
            lines["source"][sold], lines["link"][sold] = Source.LINKED, drawn.line[pack]
            lines["count"][sold] = drawn.count[pack]
            lines["scan"][sold] = 1 if rng.random() < scan else 0
        elif ready[pack] < 350 * DAY:
            left.append(pack)
    rest = np.array(left, dtype=np.int64)
    buyers = rng.choice(np.flatnonzero(city.people.chronic & (city.people.death > 364)), len(rest))
    day = np.minimum(ready[rest] // DAY + rng.integers(1, 15, len(rest)), 364)
    made = city.visit(buyers, shop, city.moment(day, np.full(len(rest), shop)))
    city.diagnose(made, buyers)
    lines.append(
        len(rest), visit=made, drug=drawn.drug[rest], count=drawn.count[rest], source=Source.LINKED,
        link=drawn.line[rest], scan=np.where(rng.random(len(rest)) < scan, 1, 0),
    )  # fmt: skip
    if forged:  # a bought invoice covers the boxes, mostly
        covered = order[rng.random(len(order)) < 0.8]
        when = np.maximum(ready[covered] - rng.integers(3600, 5 * DAY, len(covered)), 0)
        city.moves.append(
            len(covered), place=shop, drug=drawn.drug[covered], kind=MOVES.index("purchase"), time=when,
            count=drawn.count[covered], supplier=-2,
        )  # fmt: skip
