"""Innocent groups that look like rings: people who come together again and again, each for a good reason."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from ringtrace.simulate.gatherings import Scene, come, draw, series
from ringtrace.simulate.innocents_in_care import clinic_day, dialysis, settle_care_homes
from ringtrace.simulate.sampling import Bools, Ints, stream
from ringtrace.simulate.town import DEAR_FEN, Town

Maker = Callable[[Scene, list[Ints]], bool]
"""Makes one group from pools of people, or gives False if the drawn ones do not fit."""


def gather_innocents(scene: Scene) -> None:
    """Add all kinds of innocent groups; how many there are goes by the number of inhabitants."""
    town = scene.town
    settle_care_homes(scene)
    kinds: list[tuple[Maker, float]] = [
        (_family, 3.0), (_two_households, 1.0), (_carer, 0.3), (_walking_group, 0.4), (_neighbours, 0.3), (_shift_end,
        0.12),
        (_association, 0.10), (clinic_day, 0.12), (_market_bus, 0.06), (dialysis, 0.08),
    ]  # fmt: skip
    index = _Index(town)
    for make, per_thousand in kinds:
        name = make.__name__.strip("_")
        pools = index.pools(name)
        wanted = max(1, round(len(town.people) * per_thousand / 1000))
        made = 0
        own_stream = Scene(town, scene.log, scene.truth, stream(town.seed, name))
        for _ in range(wanted * 6):
            made += make(own_stream, pools)
            if made == wanted:
                break


class _Index:
    """Pools of people to draw a group from, one list for each kind of group, made once."""

    def __init__(self, town: Town) -> None:
        people = town.people
        self.town = town
        self.present = (people.dies == -1) & (people.care_home < 0) & (people.region < 6)
        self._cached: dict[str, list[Ints]] = {}

    def pools(self, name: str) -> list[Ints]:
        if name not in self._cached:
            self._cached[name] = self._make(name)
        return self._cached[name]

    def _make(self, name: str) -> list[Ints]:
        people, habits, regimen = self.town.people, self.town.habits, self.town.regimen
        old = self.present & (people.age >= 55)
        if name in ("family", "two_households"):
            return _by(people.household, self.present & (people.age >= 3), 2)
        if name == "carer":
            return _by(people.community, self.present & (people.age >= 70) & regimen.ill(), 6)
        if name in ("walking_group", "neighbours"):
            return _by(habits.shop, old if name == "walking_group" else self.present & (people.age >= 30), 12)
        if name == "shift_end":
            return _by(people.employer, self.present & (people.employer >= 0), 8)
        if name == "clinic_day":
            return _by(habits.doctor, self.present & regimen.ill(), 6)
        if name == "market_bus":
            return _by(people.community, self.present & (people.age >= 45), 20)
        ill = self.present & regimen.ill()
        disease = np.where(ill, regimen.disease[np.minimum(regimen.start[:-1], len(regimen.disease) - 1)], -1)
        kidneys = [number for number, each in enumerate(self.town.goods.chronic) if each.icd == "N18"]
        if name == "dialysis":
            return _by(np.where(np.isin(disease, kidneys), habits.hospital, -1), ill & np.isin(disease, kidneys), 4)
        dear = np.zeros(len(people), dtype=bool)
        owners = np.repeat(np.arange(len(people)), np.diff(regimen.start))
        dear[owners[self.town.goods.price[regimen.product] >= DEAR_FEN]] = True
        return _by(disease, ill & dear, 5)


def _by(key: Ints, chosen: Bools, least: int) -> list[Ints]:
    """The chosen people grouped by `key`, groups with at least `least` of them."""
    rows = np.flatnonzero(chosen & (key >= 0))
    rows = rows[np.argsort(key[rows], kind="stable")]
    cuts = np.flatnonzero(np.diff(key[rows])) + 1
    return [group for group in np.split(rows, cuts) if len(group) >= least]


def _family(scene: Scene, pools: list[Ints]) -> bool:
    """One of the family fetches for all; half of them have the family account on paper."""
    town, rng = scene.town, scene.rng
    members = draw(scene, pools, 2, 6)
    if members is None:
        return False
    if rng.random() < 0.5:
        buyer = members[np.argmin(np.abs(town.people.age[members] - 45))]
        town.people.shares_with[members[members != buyer]] = buyer
    shop = int(town.habits.shop[members[0]])
    days = series(rng, town.days, rng.choice([7.0, 14.0, 30.0, 30.0]), 3.0)
    come(
        scene, "family", members, shop, days, float(town.habits.hour[members[0]]),
        wander=1.2, attendance=rng.uniform(0.5, 0.9), spread=150, own=0.75, one_till=0.9,
    )  # fmt: skip
    return True


def _two_households(scene: Scene, pools: list[Ints]) -> bool:
    """A grown child buys for the own family and for the parents, who live elsewhere under another register number."""
    town, rng = scene.town, scene.rng
    children = draw(scene, pools, 2, 4)
    parents = draw(scene, pools, 1, 2)
    if children is None or parents is None:
        return False
    child = children[np.argmax(town.people.age[children])]
    parents = parents[town.people.age[parents] > town.people.age[child] + 18]
    if not len(parents) or town.people.household[parents[0]] == town.people.household[child]:
        return False
    father = parents[town.people.male[parents]]
    town.people.surname[child if len(father) else parents[0]] = town.people.surname[father[0] if len(father) else child]
    # Most leave the child's telephone with the insurance, or share the account; one in eight leaves no trace on paper.
    drawn = rng.random()
    if drawn < 0.55:
        town.people.phone[parents] = child
    if 0.35 < drawn < 0.875:
        town.people.shares_with[parents] = child
    come(
        scene, "two_households", np.concatenate([children, parents]), int(town.habits.shop[child]),
        series(rng, town.days, rng.choice([14.0, 30.0, 30.0]), 4.0), float(town.habits.hour[child]),
        wander=1.5, attendance=rng.uniform(0.55, 0.9), spread=200, own=0.85, one_till=0.9,
    )  # fmt: skip
    return True


def _carer(scene: Scene, pools: list[Ints]) -> bool:
    """A carer looks after a few old people of one estate, and fetches each one's own drugs when they run out."""
    town, rng = scene.town, scene.rng
    elders = draw(scene, pools, 3, 6)
    if elders is None:
        return False
    distance = np.hypot(
        town.people.x[elders] - town.people.x[elders[0]], town.people.y[elders] - town.people.y[elders[0]]
    )
    elders = elders[np.argsort(distance)][:5]
    come(
        scene, "carer", elders, int(town.habits.shop[elders[0]]), series(rng, town.days, rng.choice([14.0, 28.0]), 1.5),
        rng.choice([9.0, 10.0, 14.5]), wander=0.7, attendance=rng.uniform(0.7, 0.95), spread=240, own=0.97,
        one_till=0.95,
    )  # fmt: skip
    return True


def _walking_group(scene: Scene, pools: list[Ints]) -> bool:
    """Pensioners who walk together and end at the shop round the corner, now one, now another buying something."""
    town, rng = scene.town, scene.rng
    walkers = draw(scene, pools, 5, 12)
    if walkers is None:
        return False
    shop = int(np.bincount(town.habits.shop[walkers]).argmax())
    come(
        scene, "walking_group", walkers, shop, series(rng, town.days, rng.choice([7.0, 7.0, 14.0]), 0.6),
        rng.choice([8.5, 9.5, 16.0]), wander=0.25, attendance=np.clip(rng.normal(0.42, 0.12, len(walkers)), 0.15, 0.8),
        spread=600, own=0.45,
    )  # fmt: skip
    return True


def _neighbours(scene: Scene, pools: list[Ints]) -> bool:
    """Neighbours who go to their usual shop together about once a month."""
    town, rng = scene.town, scene.rng
    friends = draw(scene, pools, 5, 9)
    if friends is None:
        return False
    shop = int(np.bincount(town.habits.shop[friends]).argmax())
    come(
        scene, "neighbours", friends, shop, series(rng, town.days, rng.choice([14.0, 21.0, 30.0]), 3.0),
        rng.choice([9.5, 15.0, 18.5]), wander=1.0, attendance=rng.uniform(0.5, 0.8), spread=480, own=0.5,
    )  # fmt: skip
    return True


def _shift_end(scene: Scene, pools: list[Ints]) -> bool:
    """Colleagues stop at the shop at the gate when the shift ends, most of all after payday."""
    town, rng = scene.town, scene.rng
    workers = draw(scene, pools, 6, 14)
    if workers is None:
        return False
    gate = int(np.bincount(town.habits.second_shop[workers]).argmax())
    days = series(rng, town.days, rng.choice([7.0, 15.0]), 1.0)
    come(
        scene, "shift_end", workers, gate, days[town.calendar(days)[1] < 5], rng.choice([16.1, 17.1, 18.1]),
        wander=0.08, attendance=rng.uniform(0.25, 0.5), spread=900, own=0.3, one_till=0.4,
    )  # fmt: skip
    return True


def _association(scene: Scene, pools: list[Ints]) -> bool:
    """Patients of one rare illness agree by telephone on the day when the special-drug pharmacy gets its delivery."""
    town, rng = scene.town, scene.rng
    patients = draw(scene, pools, 6, 15)
    special = np.flatnonzero(town.places.special)
    if patients is None:
        return False
    shop = int(special[rng.integers(0, len(special))])
    come(
        scene, "patients_association", patients, shop, series(rng, town.days, 30.0, 1.0), rng.choice([9.5, 14.0]),
        wander=0.4, attendance=rng.uniform(0.6, 0.9), spread=1500, own=1.0, one_till=0.3,
    )  # fmt: skip
    return True


def _market_bus(scene: Scene, pools: list[Ints]) -> bool:
    """People of an outlying place come with the same bus on market days and shop near the stop."""
    town, rng = scene.town, scene.rng
    riders = draw(scene, pools, 8, 20)
    if riders is None:
        return False
    near = np.argsort(np.hypot(town.places.x, town.places.y)[: town.places.pharmacies])
    shop = int(near[rng.integers(0, min(6, len(near)))])
    come(
        scene, "market_day", riders, shop, series(rng, town.days, rng.choice([7.0, 10.0]), 0.3), rng.choice([8.8, 9.6]),
        wander=0.15, attendance=rng.uniform(0.2, 0.45), spread=1500, own=0.4, one_till=0.3,
    )  # fmt: skip
    return True
