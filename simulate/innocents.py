"""Innocent groups that look like rings: people who come together again and again, each for a good reason."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from ringtrace.simulate.gatherings import at_hours, baskets, gather, series
from ringtrace.simulate.life import DEAR_FEN, Town, fees, own_drugs, seen_by
from ringtrace.simulate.records import Care, Log
from ringtrace.simulate.sampling import DAY, HOUR, Floats, Generator, Ints, stream
from ringtrace.simulate.truth import Truth


def gather_innocents(town: Town, log: Log, truth: Truth) -> None:
    """Add all kinds of innocent groups; how many there are goes by the number of inhabitants."""
    settle_care_homes(town, log, truth)
    kinds: list[tuple[Callable[[Town, Log, Truth, Generator, list[Ints]], bool], float]] = [
        (_family, 3.0), (_two_households, 1.0), (_carer, 0.3), (_walking_group, 0.4), (_neighbours, 0.3), (_shift_end, 0.12),
        (_association, 0.10), (_clinic_day, 0.12), (_market_bus, 0.06), (_dialysis, 0.08),
    ]  # fmt: skip
    index = _Index(town)
    for make, per_thousand in kinds:
        rng = stream(town.seed, make.__name__)
        wanted = max(1, round(len(town.people) * per_thousand / 1000))
        made = 0
        for _ in range(wanted * 6):
            made += make(town, log, truth, rng, index.pools(make.__name__))
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
        if name in ("_family", "_two_households"):
            return _by(people.household, self.present & (people.age >= 3), 2)
        if name == "_carer":
            return _by(people.community, self.present & (people.age >= 70) & regimen.ill(), 6)
        if name in ("_walking_group", "_neighbours"):
            return _by(habits.shop, old if name == "_walking_group" else self.present & (people.age >= 30), 12)
        if name == "_shift_end":
            return _by(people.employer, self.present & (people.employer >= 0), 8)
        if name == "_clinic_day":
            return _by(habits.doctor, self.present & regimen.ill(), 6)
        if name == "_market_bus":
            return _by(people.community, self.present & (people.age >= 45), 20)
        ill = self.present & regimen.ill()
        disease = np.where(ill, regimen.disease[np.minimum(regimen.start[:-1], len(regimen.disease) - 1)], -1)
        kidneys = [number for number, each in enumerate(self.town.goods.chronic) if each.icd == "N18"]
        if name == "_dialysis":
            return _by(np.where(np.isin(disease, kidneys), habits.hospital, -1), ill & np.isin(disease, kidneys), 4)
        dear = np.zeros(len(people), dtype=bool)
        owners = np.repeat(np.arange(len(people)), np.diff(regimen.start))
        dear[owners[self.town.goods.price[regimen.product] >= DEAR_FEN]] = True
        return _by(disease, ill & dear, 5)


def _by(key: Ints, chosen: np.ndarray[tuple[int], np.dtype[np.bool_]], least: int) -> list[Ints]:
    """The chosen people grouped by `key`, groups with at least `least` of them."""
    rows = np.flatnonzero(chosen & (key >= 0))
    rows = rows[np.argsort(key[rows], kind="stable")]
    cuts = np.flatnonzero(np.diff(key[rows])) + 1
    return [group for group in np.split(rows, cuts) if len(group) >= least]


def _draw(rng: Generator, pools: list[Ints], low: int, high: int) -> Ints | None:
    """Some members of one of the groups, in random order."""
    if not pools:
        return None
    pool = pools[int(rng.integers(0, len(pools)))]
    return rng.permutation(pool)[: int(rng.integers(low, high + 1))]


def _come(
    town: Town, log: Log, truth: Truth, rng: Generator, kind: str, people: Ints, place: int, days: Ints, hour: float, *,
    wander: float, attendance: float | Floats, spread: float, own: float, one_till: float = 0.6,
) -> None:  # fmt: skip
    """One innocent group: its meetings at a place, and what each buys."""
    group = truth.innocent(kind)
    group.add("Patient", people, "member")
    came = gather(
        rng,
        len(people),
        at_hours(town, rng, place, days, hour, wander),
        attendance=attendance,
        spread=spread,
        one_till=one_till,
    )
    person = people[came.member]
    visit = log.visits(len(person), person=person, place=place, time=came.time, till=came.till, group=group.number)
    baskets(town, log, rng, visit, person, own=own)
    log.spare(people, np.bincount(came.member, minlength=len(people)) * rng.uniform(0.5, 1.0))


def _family(town: Town, log: Log, truth: Truth, rng: Generator, pools: list[Ints]) -> bool:
    """One of the family fetches for all; half of them have the family account on paper."""
    members = _draw(rng, pools, 2, 6)
    if members is None:
        return False
    if rng.random() < 0.5:
        buyer = members[np.argmin(np.abs(town.people.age[members] - 45))]
        town.people.shares_with[members[members != buyer]] = buyer
    shop = int(town.habits.shop[members[0]])
    days = series(rng, town.days, rng.choice([7.0, 14.0, 30.0, 30.0]), 3.0)
    _come(
        town, log, truth, rng, "family", members, shop, days, float(town.habits.hour[members[0]]),
        wander=1.2, attendance=rng.uniform(0.5, 0.9), spread=150, own=0.75, one_till=0.9,
    )  # fmt: skip
    return True


def _two_households(town: Town, log: Log, truth: Truth, rng: Generator, pools: list[Ints]) -> bool:
    """A grown child buys for the own family and for the parents, who live elsewhere under another register number."""
    children = _draw(rng, pools, 2, 4)
    parents = _draw(rng, pools, 1, 2)
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
    _come(
        town, log, truth, rng, "two_households", np.concatenate([children, parents]), int(town.habits.shop[child]),
        series(rng, town.days, rng.choice([14.0, 30.0, 30.0]), 4.0), float(town.habits.hour[child]),
        wander=1.5, attendance=rng.uniform(0.55, 0.9), spread=200, own=0.85, one_till=0.9,
    )  # fmt: skip
    return True


def _carer(town: Town, log: Log, truth: Truth, rng: Generator, pools: list[Ints]) -> bool:
    """A carer looks after a few old people of one estate, and fetches each one's own drugs when they run out."""
    elders = _draw(rng, pools, 3, 6)
    if elders is None:
        return False
    distance = np.hypot(
        town.people.x[elders] - town.people.x[elders[0]], town.people.y[elders] - town.people.y[elders[0]]
    )
    elders = elders[np.argsort(distance)][:5]
    _come(
        town, log, truth, rng, "carer", elders, int(town.habits.shop[elders[0]]), series(rng, town.days, rng.choice([14.0, 28.0]), 1.5),
        rng.choice([9.0, 10.0, 14.5]), wander=0.7, attendance=rng.uniform(0.7, 0.95), spread=240, own=0.97, one_till=0.95,
    )  # fmt: skip
    return True


def _walking_group(town: Town, log: Log, truth: Truth, rng: Generator, pools: list[Ints]) -> bool:
    """Pensioners who walk together and end at the shop round the corner, now one, now another buying something."""
    walkers = _draw(rng, pools, 5, 12)
    if walkers is None:
        return False
    shop = int(np.bincount(town.habits.shop[walkers]).argmax())
    _come(
        town, log, truth, rng, "walking_group", walkers, shop, series(rng, town.days, rng.choice([7.0, 7.0, 14.0]), 0.6),
        rng.choice([8.5, 9.5, 16.0]), wander=0.25, attendance=np.clip(rng.normal(0.42, 0.12, len(walkers)), 0.15, 0.8),
        spread=600, own=0.45,
    )  # fmt: skip
    return True


def _neighbours(town: Town, log: Log, truth: Truth, rng: Generator, pools: list[Ints]) -> bool:
    """Neighbours who go to their usual shop together about once a month."""
    friends = _draw(rng, pools, 5, 9)
    if friends is None:
        return False
    shop = int(np.bincount(town.habits.shop[friends]).argmax())
    _come(
        town, log, truth, rng, "neighbours", friends, shop, series(rng, town.days, rng.choice([14.0, 21.0, 30.0]), 3.0),
        rng.choice([9.5, 15.0, 18.5]), wander=1.0, attendance=rng.uniform(0.5, 0.8), spread=480, own=0.5,
    )  # fmt: skip
    return True


def _shift_end(town: Town, log: Log, truth: Truth, rng: Generator, pools: list[Ints]) -> bool:
    """Colleagues stop at the shop at the gate when the shift ends, most of all after payday."""
    workers = _draw(rng, pools, 6, 14)
    if workers is None:
        return False
    gate = int(np.bincount(town.habits.second_shop[workers]).argmax())
    days = series(rng, town.days, rng.choice([7.0, 15.0]), 1.0)
    _come(
        town, log, truth, rng, "shift_end", workers, gate, days[town.calendar(days)[1] < 5], rng.choice([16.1, 17.1, 18.1]),
        wander=0.08, attendance=rng.uniform(0.25, 0.5), spread=900, own=0.3, one_till=0.4,
    )  # fmt: skip
    return True


def _association(town: Town, log: Log, truth: Truth, rng: Generator, pools: list[Ints]) -> bool:
    """Patients of one rare illness agree by telephone on the day when the special-drug pharmacy gets its delivery."""
    patients = _draw(rng, pools, 6, 15)
    special = np.flatnonzero(town.places.special)
    if patients is None:
        return False
    shop = int(special[rng.integers(0, len(special))])
    _come(
        town, log, truth, rng, "patients_association", patients, shop, series(rng, town.days, 30.0, 1.0), rng.choice([9.5, 14.0]),
        wander=0.4, attendance=rng.uniform(0.6, 0.9), spread=1500, own=1.0, one_till=0.3,
    )  # fmt: skip
    return True


def _market_bus(town: Town, log: Log, truth: Truth, rng: Generator, pools: list[Ints]) -> bool:
    """People of an outlying place come with the same bus on market days and shop near the stop."""
    riders = _draw(rng, pools, 8, 20)
    if riders is None:
        return False
    near = np.argsort(np.hypot(town.places.x, town.places.y)[: town.places.pharmacies])
    shop = int(near[rng.integers(0, min(6, len(near)))])
    _come(
        town, log, truth, rng, "market_day", riders, shop, series(rng, town.days, rng.choice([7.0, 10.0]), 0.3), rng.choice([8.8, 9.6]),
        wander=0.15, attendance=rng.uniform(0.2, 0.45), spread=1500, own=0.4, one_till=0.3,
    )  # fmt: skip
    return True


def _clinic_day(town: Town, log: Log, truth: Truth, rng: Generator, pools: list[Ints]) -> bool:
    """Patients of one doctor who holds the clinic for their illness on one morning in four weeks."""
    patients = _draw(rng, pools, 6, 14)
    if patients is None:
        return False
    doctor = int(town.habits.doctor[patients[0]])
    place = int(np.searchsorted(town.places.first_doctor, doctor, side="right") - 1)
    _at_hospital(
        town, log, truth, rng, "clinic_day", patients, place, series(rng, town.days, 28.0, 0.4), 8.7, 0.75, 5400
    )
    return True


def _dialysis(town: Town, log: Log, truth: Truth, rng: Generator, pools: list[Ints]) -> bool:
    """The same machines, the same shift, three times a week."""
    patients = _draw(rng, pools, 4, 12)
    if patients is None or any(person in truth.reserved for person in patients.tolist()):
        return False
    truth.reserved.update(patients.tolist())
    hospital = int(town.habits.hospital[patients[0]])
    every = np.arange(town.days)
    weekday = town.calendar(every)[1]
    days = every[np.isin(weekday, [0, 2, 4] if rng.random() < 0.5 else [1, 3, 5])]
    _at_hospital(town, log, truth, rng, "dialysis", patients, hospital, days, rng.choice([11.0, 16.5]), 0.96, 1500)
    return True


def _at_hospital(
    town: Town, log: Log, truth: Truth, rng: Generator, kind: str, people: Ints, place: int, days: Ints, hour: float, attendance: float,
    spread: float,
) -> None:  # fmt: skip
    group = truth.innocent(kind)
    group.add("Patient", people, "member")
    starts = (days * DAY + (hour + rng.normal(0, 0.1, len(days))) * HOUR).astype(np.int64)
    came = gather(rng, len(people), starts, attendance=attendance, spread=spread, one_till=0.3)
    person = people[came.member]
    places = np.full(len(person), place)
    dialysis = kind == "dialysis"
    regimen = town.regimen
    disease = (
        town.goods.disease("Z49")
        if dialysis
        else regimen.disease[np.minimum(regimen.start[person], len(regimen.disease) - 1)]
    )
    visit = log.visits(
        len(person), person=person, place=place, time=came.time, till=came.till, care=Care.CHRONIC, disease=disease,
        doctor=seen_by(town, rng, person, places), group=group.number,
    )  # fmt: skip
    if dialysis:
        log.items(visit, product=town.goods.product("血液透析(次)"))
        some = visit[rng.random(len(visit)) < 0.5]
        log.items(some, product=town.goods.product("人促红素注射液"))
    else:
        own_drugs(town, log, rng, visit, person, share=0.9)
        fees(town, log, rng, visit, places)
        log.spare(people, np.bincount(came.member, minlength=len(people)) * 0.5)


def settle_care_homes(town: Town, log: Log, truth: Truth) -> None:
    """Care homes: the old who live there, the weekly run to the pharmacy, and the doctor's round."""
    rng = stream(town.seed, "care homes")
    people = town.people
    old = rng.permutation(np.flatnonzero((people.age >= 74) & (people.dies == -1) & (people.region < 6)))
    begin = 0
    for home in range(max(1, len(people) // 15_000)):
        size = int(rng.integers(15, 41))
        residents = old[begin : begin + size]
        begin += size
        if len(residents) < 8:
            return
        people.care_home[residents] = home
        shop, clinic = int(town.habits.shop[residents[0]]), int(town.habits.clinic[residents[0]])
        _come(
            town, log, truth, rng, "care_home", residents, shop, series(rng, town.days, 7.0, 0.4), 10.0,
            wander=0.3, attendance=0.22, spread=900, own=0.9, one_till=0.95,
        )  # fmt: skip
        _at_hospital(
            town, log, truth, rng, "care_home", residents, clinic, series(rng, town.days, 14.0, 0.4), 9.0, 0.45, 7200
        )
