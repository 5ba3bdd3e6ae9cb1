"""Drugs that are drawn by people who do not take them, collected, and sold a second time."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from ringtrace.simulate.collusion import free_shop
from ringtrace.simulate.gatherings import Scene, unrelated
from ringtrace.simulate.life import fees, pick, seen_by
from ringtrace.simulate.records import Care, Supply
from ringtrace.simulate.sampling import DAY, Ints, expand
from ringtrace.simulate.town import Town
from ringtrace.simulate.truth import Difficulty, Group

TRADED = (
    "达格列净片", "硫酸氢氯吡格雷片", "沙库巴曲缬沙坦钠片", "利伐沙班片", "甘精胰岛素注射液", "恩替卡韦分散片",
    "阿托伐他汀钙片",
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


def plant_resale(scene: Scene, difficulties: list[Difficulty]) -> None:
    """Add one chain of resale for each difficulty given; on hard, one in three leaves no codes at all."""
    for difficulty in difficulties:
        untraced = bool(scene.rng.random() < {"easy": 0.0, "medium": 0.2, "hard": 0.35}[difficulty])
        _trade(scene, difficulty, untraced)


@dataclass(slots=True)
class Trade:
    """One scheme: its shops, and whether its sales leave codes. `middle` is -1 if packs go straight to the outlet."""

    scene: Scene
    habits: Habits
    group: Group
    outlet: int
    middle: int
    untraced: bool


def _trade(scene: Scene, difficulty: Difficulty, untraced: bool) -> None:
    town, truth, rng = scene.town, scene.truth, scene.rng
    habits = HABITS[difficulty]
    outlet = free_shop(scene)
    middle = free_shop(scene) if habits.three_hops and rng.random() < 0.6 else -1
    generics = [town.goods.generic(name) for name in rng.choice(TRADED, habits.products, replace=False)]
    way = f"{'three' if middle >= 0 else 'two'} hops, {'no codes' if untraced else 'codes'}"
    group = truth.scheme("drug_resale", difficulty, way)
    group.add("Pharmacy", [outlet] if middle < 0 else [outlet, middle], "reseller")
    trade = Trade(scene, habits, group, outlet, middle, untraced)
    sources: set[int] = set()
    for generic in generics:
        sources.update(_draw_and_sell(trade, generic))
    group.add("Patient", sorted(sources), "source")
    truth.reserved.update(sources)


def takers(town: Town, generic: int) -> tuple[Ints, dict[int, int]]:
    """People who take this generic for good, and the product that each of them takes."""
    rows = np.flatnonzero(np.isin(town.regimen.product, town.goods.generics[generic]))
    person = np.searchsorted(town.regimen.start, rows, side="right") - 1
    return person, dict(zip(person.tolist(), town.regimen.product[rows].tolist(), strict=True))


def _draw_and_sell(trade: Trade, generic: int) -> list[int]:
    """People who take this generic draw more of it than they take, here and there; gives who they are."""
    scene, habits = trade.scene, trade.habits
    town, log, rng = scene.town, scene.log, scene.rng
    people, product_of = takers(town, generic)
    adults = people[np.isin(people, scene.adults(), assume_unique=False, kind="table")]
    wanted = max(2, int(rng.integers(habits.sources[0], habits.sources[1] + 1)) // habits.products + 1)
    sources = unrelated(scene, adults, wanted)
    if not len(sources):
        return []
    owner, _ = expand(rng.integers(habits.draws[0], habits.draws[1] + 1, len(sources)))
    person = sources[owner]
    n = len(person)
    # Each goes round three or four places, so that none of them sees how much he draws.
    clinics = np.concatenate([town.places.clinic_range, town.places.hospital_range])
    place = clinics[rng.integers(0, len(clinics), (len(sources), 4))][owner, rng.integers(0, 4, n)]
    time = town.within_hours(rng, place, rng.integers(0, town.days - 20, n), rng.uniform(8, 17, n))
    drawn = log.visits(
        n, person=person, place=place, time=time, care=np.where(rng.random(n) < 0.6, Care.CHRONIC, Care.OUTPATIENT),
        disease=town.regimen.disease[town.regimen.start[person]], doctor=seen_by(town, rng, person, place),
        group=trade.group.number,
    )  # fmt: skip
    product = np.array([product_of[each] for each in person.tolist()])
    count = rng.integers(habits.packs[0], habits.packs[1] + 1, n)
    packs = log.items(drawn, product=product, count=count)
    fees(town, log, rng, drawn, place)
    buyers = np.setdiff1d(people, sources)
    for each in np.unique(product).tolist():
        mine = product == each
        _sell_again(trade, each, packs[mine], count[mine], time[mine], sources, buyers)
    return [int(each) for each in sources]


def _sell_again(
    trade: Trade, product: int, packs: Ints, count: Ints, drawn_at: Ints, sources: Ints, buyers: Ints
) -> None:
    """Hand the packs to the outlet's next honest buyers; they come because it is cheap there, and suspect nothing."""
    town, log, rng, habits = trade.scene.town, trade.scene.log, trade.scene.rng, trade.habits
    owner, offset = expand(count)
    waits = (rng.uniform(2, 35, len(owner)) * DAY).astype(np.int64)
    source, ready = packs[owner], np.minimum(drawn_at[owner] + waits, town.seconds - DAY)
    order = np.argsort(ready, kind="stable")
    order = order[rng.random(len(order)) < 1 - habits.lost * 0.2]  # a few are never sold
    buyers = buyers[rng.permutation(len(buyers))[: max(6, len(order) // 4)]]
    if not len(buyers):
        return
    while len(order):
        # One pack, or two that were drawn together.
        pair = order[:2] if rng.random() < 0.5 else order[:1]
        if len(pair) == 2 and (source[pair[0]] != source[pair[1]] or offset[pair[1]] != offset[pair[0]] + 1):
            pair = pair[:1]
        order = order[len(pair) :]
        origin, first, at = int(source[pair[0]]), int(offset[pair[0]]), int(ready[pair[-1]])
        if trade.middle >= 0 and rng.random() < habits.three_hops:
            # On the way it is "sold" to one of those who feed the trade, and comes back.
            origin = _sale(
                trade, int(rng.choice(sources)), trade.middle, at - DAY, product, (origin, first), len(pair), 0
            )
            first = 0
        uncoded = 1 if trade.untraced or rng.random() < habits.lost else 0
        _sale(trade, int(rng.choice(buyers)), trade.outlet, at, product, (origin, first), len(pair), uncoded)
    own = np.flatnonzero(rng.random(len(packs)) < habits.own)
    person, place = rng.choice(buyers, len(own)), np.full(len(own), trade.outlet)
    time = town.within_hours(rng, place, rng.integers(0, town.days, len(own)), town.habits.hour[person])
    log.items(log.visits(len(own), person=person, place=place, time=time), product=product)


def _sale(
    trade: Trade, buyer: int, place: int, at: int, product: int, origin: tuple[int, int], count: int, uncoded: int
) -> int:
    """Sell packs (`origin`: item that they left in, and which of its packs is the first); gives the new item."""
    town, log, rng = trade.scene.town, trade.scene.log, trade.scene.rng
    time = town.within_hours(rng, np.array([place]), np.array([at // DAY]), town.habits.hour[[buyer]])
    visit = log.visits(1, person=buyer, place=place, time=time, group=trade.group.number)
    log.spare(np.array([buyer]), np.array([1.0]))
    sold = log.items(
        visit,
        product=product,
        count=count,
        supply=Supply.COLLECTED,
        source=origin[0],
        offset=origin[1],
        uncoded=uncoded,
    )
    if rng.random() < 0.3:
        log.items(visit, product=pick(town, rng, np.array(town.goods.acute[-1].drugs), 1))
    return int(sold[0])
