"""Drugs that are drawn by people who do not take them, collected, and sold a second time."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from ringtrace.simulate.collusion import free_shop
from ringtrace.simulate.gatherings import alive_adults, unrelated
from ringtrace.simulate.life import Town, fees, seen_by
from ringtrace.simulate.records import Care, Log, Supply
from ringtrace.simulate.sampling import DAY, Generator, Ints, expand
from ringtrace.simulate.truth import Difficulty, Group, Truth

TRADED = (
    "达格列净片", "硫酸氢氯吡格雷片", "沙库巴曲缬沙坦钠片", "利伐沙班片", "甘精胰岛素注射液", "恩替卡韦分散片", "阿托伐他汀钙片",
    "西格列汀片", "噻托溴铵粉吸入剂", "瑞舒伐他汀钙片",
)  # fmt: skip


@dataclass(frozen=True, slots=True)
class Habits:
    """How the trade goes, as ranges to draw from."""

    sources: tuple[int, int]  # people who draw more than they take
    draws: tuple[int, int]  # extra visits a year of each
    packs: tuple[int, int]  # a visit
    products: int
    three_hops: float  # share of packs that pass another shop on the way
    lost: float  # share of resales without the code
    own: float  # share of the outlet's sales of the product that stay its own, bought honestly


HABITS: dict[Difficulty, Habits] = {
    "easy": Habits((6, 12), (9, 14), (3, 5), 2, 0.0, 0.05, 0.2),
    "medium": Habits((5, 10), (6, 11), (2, 4), 2, 0.15, 0.35, 0.4),
    "hard": Habits((4, 9), (4, 8), (1, 3), 3, 0.3, 0.55, 0.5),
}


def plant_resale(town: Town, log: Log, truth: Truth, rng: Generator, difficulties: list[Difficulty]) -> None:
    """Add one chain of resale for each difficulty given; on hard, one in three leaves no codes at all."""
    for difficulty in difficulties:
        untraced = bool(rng.random() < {"easy": 0.0, "medium": 0.2, "hard": 0.35}[difficulty])
        _trade(town, log, truth, rng, difficulty, untraced)


def _trade(town: Town, log: Log, truth: Truth, rng: Generator, difficulty: Difficulty, untraced: bool) -> None:
    habits = HABITS[difficulty]
    outlet = free_shop(town, truth, rng)
    middle = free_shop(town, truth, rng) if habits.three_hops and rng.random() < 0.6 else -1
    generics = [
        next(number for number, products in enumerate(town.goods.generics) if town.goods.product(name) in products)
        for name in rng.choice(TRADED, habits.products, replace=False)
    ]
    way = "no codes" if untraced else "codes"
    group = truth.scheme("drug_resale", difficulty, f"{'three' if middle >= 0 else 'two'} hops, {way}")
    group.add("Pharmacy", [outlet], "reseller")
    if middle >= 0:
        group.add("Pharmacy", [middle], "reseller")
    sources: list[int] = []
    for generic in generics:
        sources += _one_product(town, log, truth, rng, habits, group, outlet, middle, generic, untraced)
    group.add("Patient", sorted(set(sources)), "source")
    truth.reserved.update(sources)


def takers(town: Town, generic: int) -> tuple[Ints, dict[int, int]]:
    """People who take this generic for good, and the product that each of them takes."""
    rows = np.flatnonzero(np.isin(town.regimen.product, town.goods.generics[generic]))
    person = np.searchsorted(town.regimen.start, rows, side="right") - 1
    return person, dict(zip(person.tolist(), town.regimen.product[rows].tolist(), strict=True))


def _one_product(
    town: Town, log: Log, truth: Truth, rng: Generator, habits: Habits, group: Group, outlet: int, middle: int, generic: int, untraced: bool
) -> list[int]:  # fmt: skip
    people, product_of = takers(town, generic)
    adults = np.intersect1d(people, alive_adults(town))
    wanted = max(2, int(rng.integers(habits.sources[0], habits.sources[1] + 1)) // habits.products + 1)
    sources = unrelated(town, rng, adults, wanted, truth.reserved)
    if not len(sources):
        return []
    owner, _ = expand(rng.integers(habits.draws[0], habits.draws[1] + 1, len(sources)))
    person = sources[owner]
    n = len(person)
    clinics = np.concatenate([town.places.clinic_range, town.places.hospital_range])
    # Each goes round three or four places, so that none of them sees how much he draws.
    rounds = clinics[rng.integers(0, len(clinics), (len(sources), 4))]
    place = rounds[owner, rng.integers(0, 4, n)]
    day = rng.integers(0, town.days - 20, n)
    time = town.within_hours(rng, place, day, rng.uniform(8, 17, n))
    illness = np.searchsorted(town.regimen.start, person)
    del illness
    disease = town.regimen.disease[town.regimen.start[person]]
    drawn = log.visits(
        n, person=person, place=place, time=time, care=np.where(rng.random(n) < 0.6, Care.CHRONIC, Care.OUTPATIENT),
        disease=disease, doctor=seen_by(town, rng, person, place), group=group.number,
    )  # fmt: skip
    product = np.array([product_of[int(each)] for each in person])
    count = rng.integers(habits.packs[0], habits.packs[1] + 1, n)
    packs = log.items(drawn, product=product, count=count)
    fees(town, log, rng, drawn, place)
    for favourite in np.unique(product).tolist():
        mine = product == favourite
        _sell_again(
            town,
            log,
            rng,
            habits,
            group,
            outlet,
            middle,
            favourite,
            packs[mine],
            count[mine],
            time[mine],
            people,
            untraced,
        )
    return [int(each) for each in sources]


def _sell_again(
    town: Town, log: Log, rng: Generator, habits: Habits, group: Group, outlet: int, middle: int, product: int, packs: Ints, count: Ints,
    drawn_at: Ints, people: Ints, untraced: bool,
) -> None:  # fmt: skip
    """Hand the packs to the outlet's next honest buyers; buyers come because it is cheap there, and suspect nothing."""
    owner, offset = expand(count)
    source, ready = packs[owner], drawn_at[owner] + (rng.uniform(2, 35, len(owner)) * DAY).astype(np.int64)
    ready = np.minimum(ready, town.seconds - DAY)
    sold_on = rng.random(len(owner)) < 1 - habits.lost * 0.2  # a few are never sold
    order = np.argsort(ready, kind="stable")
    order = order[sold_on[order]]
    buyers = np.setdiff1d(people, [member for label, member, _ in group.members if label == "Patient"])
    buyers = buyers[rng.permutation(len(buyers))[: max(6, len(order) // 4)]]
    row = 0
    while row < len(order):
        taken = order[row : row + int(rng.integers(1, 3))]
        taken = taken[source[taken] == source[taken[0]]]
        taken = taken[np.diff(offset[taken], prepend=offset[taken[0]] - 1) == 1]
        row += len(taken)
        here, at = source[taken[0]], int(ready[taken[-1]])
        start = int(offset[taken[0]])
        coded = 0 if not untraced and rng.random() > habits.lost else 1
        if middle >= 0 and rng.random() < habits.three_hops:
            earlier = at - int(rng.integers(1, 6)) * DAY // 2
            here = _sale(
                town, log, rng, rng.choice(buyers), middle, earlier, product, here, start, len(taken), 0, group.number
            )
            start = 0
        _sale(town, log, rng, rng.choice(buyers), outlet, at, product, here, start, len(taken), coded, group.number)
    own = np.flatnonzero(rng.random(len(order)) < habits.own)
    if len(own):
        person = rng.choice(buyers, len(own))
        time = town.within_hours(
            rng, np.full(len(own), outlet), rng.integers(0, town.days, len(own)), town.habits.hour[person]
        )
        log.items(log.visits(len(own), person=person, place=outlet, time=time), product=product)


def _sale(
    town: Town, log: Log, rng: Generator, buyer: int, place: int, at: int, product: int, source: int, offset: int, count: int, uncoded: int, group: int
) -> int:  # fmt: skip
    day, hour = np.array([at // DAY]), town.habits.hour[[buyer]]
    time = town.within_hours(rng, np.array([place]), day, hour)
    visit = log.visits(1, person=buyer, place=place, time=time, group=group)
    log.spare(np.array([buyer]), np.array([1.0]))
    sold = log.items(
        visit, product=product, count=count, supply=Supply.COLLECTED, source=source, offset=offset, uncoded=uncoded
    )
    if rng.random() < 0.3:
        log.items(visit, product=int(rng.choice(town.goods.generics[town.goods.acute[-1].drugs[0]])))
    return int(sold[0])
