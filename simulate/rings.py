"""Borrowed-card rings: cards of unrelated people, used together again and again by somebody who holds them."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from ringtrace.simulate.gatherings import Scene, at_hours, baskets, gather, series, unrelated
from ringtrace.simulate.sampling import DAY, Bools, Floats, Generator, Ints, choose
from ringtrace.simulate.town import Town
from ringtrace.simulate.truth import Difficulty, Group

PLAIN = (
    "银杏叶片", "阿托伐他汀钙片", "硫酸氢氯吡格雷片", "丹参滴丸", "瑞舒伐他汀钙片", "恩替卡韦分散片", "西格列汀片",
    "碳酸钙D3片", "六味地黄丸", "云南白药膏",
)  # fmt: skip
DEAR = ("阿胶", "达格列净片", "布地奈德福莫特罗吸入粉雾剂", "沙库巴曲缬沙坦钠片", "司美格鲁肽注射液")

LEAST_AGE = 6
"""Cards come by families: parents lend those of their children too."""
CORNER = 60 * DAY
"""How much nearer in time an errand at the owner's usual shop must be to be left to the holder of the card."""
NEVER = -1
"""Time of a visit that does not take place."""


@dataclass(frozen=True, slots=True)
class Habits:
    """How a ring behaves, as ranges to draw from."""

    cards: tuple[int, int]
    every: tuple[float, float]  # days between meetings
    attendance: tuple[float, float]
    spread: tuple[float, float]  # seconds
    wanted: tuple[float, float]  # share of visits that fetch what the ring is after
    regulars: float  # share of cards whose owners use the same shop themselves
    two_shops: float  # chance that the ring goes on to a second shop within the hour
    holder: float  # chance that the holder's own card is used with the others
    dear: bool  # it is after dear drugs too, which stand out
    partner: float  # chance that a second ring shares a card or two


HABITS: dict[Difficulty, Habits] = {
    "easy": Habits((8, 15), (7, 11), (0.85, 0.95), (150, 300), (0.7, 0.9), 0.1, 0.1, 0.7, True, 0.0),
    "medium": Habits((6, 13), (28, 46), (0.65, 0.85), (240, 600), (0.2, 0.35), 0.35, 0.35, 0.6, False, 0.2),
    "hard": Habits((5, 10), (32, 54), (0.55, 0.78), (400, 1100), (0.15, 0.3), 0.5, 0.45, 0.5, False, 0.3),
}


def plant_rings(scene: Scene, difficulties: list[Difficulty]) -> None:
    """Add rings, one for each difficulty given."""
    lent: Ints | None = None
    for difficulty in difficulties:
        habits = HABITS[difficulty]
        shared = lent if lent is not None and scene.rng.random() < habits.partner else None
        lent = _ring(scene, difficulty, shared)


def _ring(scene: Scene, difficulty: Difficulty, shared: Ints | None) -> Ints:
    town, truth, rng = scene.town, scene.truth, scene.rng
    habits = HABITS[difficulty]
    size = int(rng.integers(habits.cards[0], habits.cards[1] + 1))
    shop = int(choose(rng, _shop_weights(town), 1)[0])
    insured = scene.some_residents(LEAST_AGE)
    every = rng.uniform(*habits.every)
    meetings = town.days / every * float(np.mean(habits.attendance))
    hour = float(town.habits.hour[rng.choice(insured)])
    likely = insured[_lending(scene, insured, meetings, hour)]
    customers = scene.customers(shop)
    regulars = customers[_lending(scene, customers, meetings, hour)]
    owners = unrelated(scene, regulars, round(size * habits.regulars))
    others = unrelated(scene, likely[town.habits.shop[likely] != shop], size - len(owners), besides=owners)
    cards = np.concatenate([owners, others])
    if shared is not None:
        cards = np.unique(np.concatenate([cards[: size - 2], shared[:2]]))
    shops, legs = [shop], "one shop"
    if rng.random() < habits.two_shops:
        shops.append(_second_shop(town, rng, shop))
        legs = "two shops within the hour"
    group = truth.scheme("borrowed_card_ring", difficulty, f"{len(cards)} cards, every {every:.0f} days, {legs}")
    holder = bool(rng.random() < habits.holder)
    reliability = np.clip(rng.uniform(*habits.attendance) + rng.normal(0, 0.06, len(cards)), 0.3, 0.97)
    if holder:
        reliability[0] = 0.97
    _meet(scene, group, cards, shops, every, hour, reliability, habits)
    group.add("Patient", cards[:1], "holder" if holder else "card_holder")
    group.add("Patient", cards[1:], "card_holder")
    truth.reserved.update(cards.tolist())
    return cards[-2:]


def _meet(
    scene: Scene, group: Group, cards: Ints, shops: list[int], every: float, hour: float, reliability: Floats,
    habits: Habits,
) -> None:  # fmt: skip
    town, rng = scene.town, scene.rng
    generics = np.array(
        [town.goods.generic(name) for name in rng.choice(DEAR + PLAIN if habits.dear else PLAIN, 5, replace=False)]
    )
    days = series(rng, town.days, every, 0.4 * every)
    starts = at_hours(town, rng, shops[0], days, hour, rng.choice([0.5, 1.5, 2.0]))
    came = gather(rng, len(cards), starts, attendance=reliability, spread=rng.uniform(*habits.spread))
    place, time = np.full(len(came.time), shops[0]), came.time
    if len(shops) > 1:
        # Some of the cards here, the rest there, after the way between the two.
        later = rng.random(len(time)) < 0.5
        way = rng.integers(600, 2400, len(starts))[came.meeting]
        place, time = np.where(later, shops[1], place), np.where(later, time + way, time)
        closes = town.places.closes[place] * 3600
        time = np.where(time % 86_400 > closes - 60, time - way, time)
    # Now and then it goes somewhere else altogether, so as not to be known.
    other = _second_shop(town, rng, shops[0])
    clock = time % 86_400 / 3600
    elsewhere = (rng.random(len(starts)) < 0.2)[came.meeting]
    elsewhere &= (clock > town.places.opens[other]) & (clock < town.places.closes[other])
    place = np.where(elsewhere, other, place)
    _shop(scene, group, came.member, cards, place, time, came.till, wanted=generics, share=rng.uniform(*habits.wanted))


def _shop(
    scene: Scene, group: Group, member: Ints, cards: Ints, place: Ints, time: Ints, till: Ints, *,
    wanted: Ints, share: float,
) -> None:  # fmt: skip
    """The ring's visits take the place of the owners' own: whoever holds the card runs its owner's errands too.

    A visit that fetches what the ring is after replaces the owner's errand nearest in time; any other is that errand,
    with its basket, at the ring's shop and hour. Where an owner has no errand left, the ring's visit comes on top.
    """
    town, log, rng = scene.town, scene.log, scene.rng
    # A child's card is good for the shelf only: at drugs of the old somebody would ask.
    sought = (rng.random(len(member)) < share) & (town.people.age[cards[member]] >= 16)
    errand = np.full(len(member), -1)
    for each, card in enumerate(cards.tolist()):
        rows = np.flatnonzero(member == each)
        own, visits = scene.errands(card), log.visit_table()
        # What is to be had round the corner the owners rather fetch themselves.
        corner = (visits["place"][own] == town.habits.shop[card]) * CORNER
        errand[rows] = _nearest(rng, own, np.abs(visits["time"][own] - time[rows][:, None]) + corner)
    visits = log.visit_table()
    moved = (errand >= 0) & ~sought
    for name, values in (("place", place), ("time", time), ("till", till), ("group", np.full(len(time), group.number))):
        visits[name][errand[moved]] = values[moved]
    visits["time"][errand[(errand >= 0) & sought]] = NEVER
    for which, part in ((sought, 1.0), (~sought & (errand < 0), 0.0)):
        person = cards[member[which]]
        visit = log.visits(
            len(person), person=person, place=place[which], time=time[which], till=till[which], group=group.number
        )
        baskets(town, log, rng, visit, person, own=0.6, wanted=wanted, share=part)


def _nearest(rng: Generator, own: Ints, away: Ints) -> Ints:
    """For each meeting (row of `away`) the one of the `own` visits that is least away and still free, else -1."""
    taken, away = np.full(len(away), -1), away.astype(np.float64)
    for meeting in rng.permutation(len(away))[: len(own)].tolist():
        nearest = int(away[meeting].argmin())
        taken[meeting] = own[nearest]
        away[:, nearest] = np.inf
    return taken


def _lending(scene: Scene, owners: Ints, meetings: float, hour: float) -> Bools:
    """Whose card is lent: mostly of people who are in pharmacies so often that the ring's visits do not stand out.

    They live by the same hours, too: pensioners lend to a pensioner, and those who work to one who works.
    """
    usual = scene.usual_visits()[owners]
    fits = (usual >= 0.7 * meetings) & (np.abs(scene.town.habits.hour[owners] - hour) < 2.0)
    likely: Bools = fits | (scene.rng.random(len(owners)) < 0.1 * fits.mean() * (usual > 0))
    return likely


def _shop_weights(town: Town) -> Floats:
    shops = town.places.pharmacies
    weights: Floats = town.places.popularity[:shops] * ~town.places.special[:shops]
    return weights


def _second_shop(town: Town, rng: np.random.Generator, shop: int) -> int:
    """Another ordinary shop nearby."""
    away = np.hypot(town.places.x - town.places.x[shop], town.places.y - town.places.y[shop])[: town.places.pharmacies]
    away[shop] = np.inf
    away[town.places.special[: town.places.pharmacies]] = np.inf
    return int(rng.choice(np.argsort(away)[:4]))
