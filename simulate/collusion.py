"""Pharmacies that settle sales that never were, on the cards of patients who take part."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from ringtrace.simulate.gatherings import Scene, distance, unrelated
from ringtrace.simulate.life import own_drugs, pick
from ringtrace.simulate.records import Supply
from ringtrace.simulate.sampling import DAY, HOUR, Bools, Generator, Ints, choose, expand, stream
from ringtrace.simulate.stock import Table
from ringtrace.simulate.town import Town
from ringtrace.simulate.truth import Difficulty, Truth

TACTICS = ("after hours", "one total", "year-end", "far patients", "e-credential runs")


@dataclass(frozen=True, slots=True)
class Habits:
    """How a pharmacy goes about it, as ranges to draw from."""

    patients: tuple[int, int]
    sales: tuple[int, int]  # invented sales a patient
    tactics: tuple[int, int]  # how many of TACTICS
    share: tuple[float, float]  # of the invented sales that a tactic shows in
    booked: tuple[float, float]  # share of them that the ledger shows as sold
    boxes: float  # share whose code is that of a box sold for cash, scanned again
    forged: float  # share of the missing packs that forged purchases cover
    regulars: float  # share of the patients who are customers anyway


HABITS: dict[Difficulty, Habits] = {
    "easy": Habits((20, 45), (6, 12), (3, 5), (0.6, 0.9), (0.8, 1.0), 0.0, 0.0, 0.4),
    "medium": Habits((18, 40), (5, 10), (2, 4), (0.3, 0.6), (0.6, 1.0), 0.25, 0.4, 0.6),
    "hard": Habits((15, 35), (5, 9), (1, 3), (0.2, 0.45), (0.6, 1.0), 0.5, 0.6, 0.8),
}


def plant_collusion(scene: Scene, difficulties: list[Difficulty]) -> None:
    """Add one colluding pharmacy with its patients for each difficulty given."""
    for difficulty in difficulties:
        _collude(scene, difficulty)


def free_shop(scene: Scene) -> int:
    """An ordinary pharmacy that is in no scheme yet; it is in one from now on."""
    town, truth, rng = scene.town, scene.truth, scene.rng
    weights = np.sqrt(town.places.popularity[: town.places.pharmacies]) * ~town.places.special[: town.places.pharmacies]
    weights[[place for place in truth.taken if place < len(weights)]] = 0
    shop = int(choose(rng, weights, 1)[0])
    truth.taken.add(shop)
    return shop


def _collude(scene: Scene, difficulty: Difficulty) -> None:
    town, log, truth, rng = scene.town, scene.log, scene.truth, scene.rng
    habits = HABITS[difficulty]
    shop = free_shop(scene)
    tactics = rng.choice(TACTICS, int(rng.integers(habits.tactics[0], habits.tactics[1] + 1)), replace=False).tolist()
    group = truth.scheme("pharmacy_collusion", difficulty, ", ".join(tactics))
    adults = scene.some_adults()
    wanted = int(rng.integers(habits.patients[0], habits.patients[1] + 1))
    customers = scene.customers(shop)
    regulars = unrelated(scene, customers, round(wanted * habits.regulars))
    away = distance(town, adults, shop)
    strangers = adults[away > np.quantile(away, 0.6)] if "far patients" in tactics else adults
    others = unrelated(scene, strangers[town.habits.shop[strangers] != shop], wanted - len(regulars))
    patients = np.concatenate([regulars, others])
    truth.reserved.update(patients.tolist())
    group.add("Pharmacy", [shop], "organiser")
    if habits.forged:
        truth.forgers[group.number] = habits.forged
    group.add("Patient", patients, "colluding_patient")

    owner, _ = expand(rng.integers(habits.sales[0], habits.sales[1] + 1, len(patients)))
    person = patients[owner]
    n = len(person)

    def shows(tactic: str) -> Bools:
        share = rng.uniform(*habits.share) if tactic in tactics else 0.0
        # Sales in the dark are the first thing that an inspector looks for.
        share *= 0.5 if tactic == "after hours" else 1.0
        drawn: Bools = rng.random(n) < share
        return drawn

    late, one_total, draining, runs = (shows(t) for t in ("after hours", "one total", "year-end", "e-credential runs"))
    day = np.where(draining, town.days - rng.integers(2, 24, n), rng.integers(0, town.days - 1, n))
    time = town.within_hours(rng, np.full(n, shop), day, rng.uniform(8, 21, n))
    close, opens = town.places.closes[shop], town.places.opens[shop]
    if close - opens < 20:
        night = (close + rng.uniform(0.1, max(0.3, 23.5 - close), n)) * HOUR
        time = np.where(late, day * DAY + night.astype(np.int64), time)
    time = _in_runs(rng, time, runs)
    visit = log.visits(
        n, person=person, place=shop, time=time, group=group.number, card=np.where(runs, 1, 0), drain=draining,
        disease=-1
    )  # fmt: skip
    _invent_items(scene, habits, visit, person, one_total, draining)
    log.spare(patients, np.bincount(owner, minlength=len(patients)) * 0.8)


def _in_runs(rng: Generator, time: Ints, chosen: Bools) -> Ints:
    """Sales put through one after the other, in runs of three to eight, half a minute to two minutes apart."""
    rows = np.flatnonzero(chosen)
    rows = rows[np.argsort(time[rows], kind="stable")]
    time = time.copy()
    while len(rows) > 2:
        n = int(rng.integers(3, 9))
        run, rows = rows[:n], rows[n:]
        time[run] = time[run[0]] + np.cumsum(rng.integers(30, 120, len(run)))
    return time


def _invent_items(scene: Scene, habits: Habits, visit: Ints, person: Ints, one_total: Bools, draining: Bools) -> None:
    town, log, rng = scene.town, scene.log, scene.rng
    n = len(visit)
    booked = (rng.random(n) < rng.uniform(*habits.booked)).astype(np.int64)
    hidden = np.where(rng.random(n) < habits.boxes, 2, 1)
    shelf = np.array(town.goods.acute[-1].drugs)
    favourite = pick(town, rng, shelf, 4)
    total = int(rng.integers(200, 900)) * 100 + int(rng.choice([0, 40, 50, 80]))
    same = visit[one_total]
    first = rng.integers(total // 4, total // 2, len(same)) // 10 * 10
    for price, product in ((first, favourite[0]), (total - first, favourite[1])):
        log.items(
            same,
            product=product,
            price=price,
            supply=Supply.NOTHING,
            booked=booked[one_total],
            uncoded=hidden[one_total],
        )
    plain = ~one_total
    own = plain & town.regimen.ill()[person] & (rng.random(n) < 0.6)
    own_drugs(
        town, log, rng, visit[own], person[own],
        supply=np.full(own.sum(), Supply.NOTHING), booked=booked[own], uncoded=hidden[own],
    )  # fmt: skip
    for chance in (1.0, 0.6):
        some = np.flatnonzero(plain & ~own & (rng.random(n) < chance))
        product = np.where(
            rng.random(len(some)) < 0.4, rng.choice(favourite, len(some)), pick(town, rng, shelf, len(some))
        )
        count = np.where(draining[some], rng.integers(2, 5, len(some)), rng.integers(1, 3, len(some)))
        log.items(
            visit[some],
            product=product,
            count=count,
            supply=Supply.NOTHING,
            booked=booked[some],
            uncoded=hidden[some],
        )


def forge_purchases(town: Town, truth: Truth, visits: Table, items: Table) -> Table:
    """Purchases that were booked but never came, so that the ledger covers part of what was "sold".

    Columns place, product, time, count. A forger covers a product wholly, in a delivery or two before its first sale.
    """
    rng = stream(town.seed, "forged purchases")
    group = visits["group"][items["visit"]]
    rows: list[tuple[int, int, int, int]] = []
    for number, share in sorted(truth.forgers.items()):
        mine = np.flatnonzero((group == number) & (items["supply"] == Supply.NOTHING) & (items["takes_back"] < 0))
        for product in np.unique(items["product"][mine]).tolist():
            sold = mine[items["product"][mine] == product]
            if rng.random() >= share:
                continue
            for part in np.array_split(sold, 1 + len(sold) // 12):
                first = int(visits["time"][items["visit"][part]].min()) // DAY - int(rng.integers(2, 9))
                came = max(0, first) * DAY + int(rng.integers(9 * HOUR, 17 * HOUR))
                rows.append(
                    (int(visits["place"][items["visit"][part[0]]]), product, came, int(items["count"][part].sum()))
                )
    table = np.array(rows, dtype=np.int64).reshape(-1, 4)
    return dict(zip(("place", "product", "time", "count"), table.T, strict=True))
