"""People who come together, for good reasons or bad: the same mechanics serve walking groups and rings."""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np

from ringtrace.simulate.life import own_drugs, pick
from ringtrace.simulate.records import Care, Log, Supply
from ringtrace.simulate.sampling import Bools, Floats, Generator, Ints
from ringtrace.simulate.town import Town
from ringtrace.simulate.truth import Group, Truth


@dataclass(slots=True)
class Scene:
    """What whoever plants groups works with: the town, its log, the truth, and a stream of random numbers."""

    town: Town
    log: Log
    truth: Truth
    rng: Generator
    _usual: Ints | None = None
    _residents: dict[int, Ints] = field(default_factory=dict)
    _customers: tuple[Ints, Ints] | None = None
    _sales: tuple[Ints, Ints] | None = None
    _errands: tuple[Ints, Ints] | None = None

    def residents(self, least_age: int) -> Ints:
        """People from this age on who are alive throughout and at home in the city, outside care homes."""
        if least_age not in self._residents:
            people = self.town.people
            here = (people.dies == -1) & (people.care_home < 0) & (people.region < 6)
            self._residents[least_age] = np.flatnonzero((people.age >= least_age) & here)
        return self._residents[least_age]

    def some_residents(self, least_age: int) -> Ints:
        """Up to 20,000 of them drawn at random (some perhaps twice): enough to choose a scheme's people from."""
        here = self.residents(least_age)
        return here if len(here) <= 20_000 else here[self.rng.integers(0, len(here), 20_000)]

    def adults(self) -> Ints:
        """Residents who are grown up and can take part in anything."""
        return self.residents(16)

    def some_adults(self) -> Ints:
        """Up to 20,000 adults drawn at random."""
        return self.some_residents(16)

    def customers(self, shop: int) -> Ints:
        """Adults whose usual shop this is."""
        if self._customers is None:
            self._customers = _index(self.town.habits.shop[self.adults()])
        order, sorted_shops = self._customers
        return self.adults()[order[slice(*np.searchsorted(sorted_shops, [shop, shop + 1]))]]

    def sales(self, place: int) -> Ints:
        """Items sold at a place, as far as the log went when this was first asked."""
        if self._sales is None:
            self._sales = _index(self.log.visit_table()["place"][self.log.item_table()["visit"]])
        order, sorted_places = self._sales
        return order[slice(*np.searchsorted(sorted_places, [place, place + 1]))]

    def errands(self, person: int) -> Ints:
        """A person's own visits to ordinary pharmacies that somebody else could make for him: rows of the log.

        Left out are those that make sense at their own shop only: packages at its price, and a code of its own till.
        """
        visits = self.log.visit_table()
        if self._errands is None:
            items, places = self.log.item_table(), self.town.places
            bound = np.zeros(len(visits["time"]), dtype=bool)
            bound[items["visit"][(items["price"] >= 0) | (items["supply"] != Supply.STOCK)]] = True
            own = ~bound & (visits["care"] == Care.PHARMACY) & ~places.special[visits["place"]]
            rows = np.flatnonzero(own)
            order, people = _index(visits["person"][rows])
            self._errands = rows[order], people
        rows, people = self._errands
        mine = rows[slice(*np.searchsorted(people, [person, person + 1]))]
        return mine[(visits["group"][mine] < 0) & (visits["time"][mine] >= 0)]

    def usual_visits(self) -> Ints:
        """Each person's own visits to pharmacies, counted once when first asked for."""
        if self._usual is None:
            visits = self.log.visit_table()
            own = (visits["care"] == Care.PHARMACY) & (visits["group"] < 0) & (visits["time"] >= 0)
            self._usual = np.bincount(visits["person"][own], minlength=len(self.town.people))
        return self._usual


def _index(key: Ints) -> tuple[Ints, Ints]:
    """Rows in order of `key`, and the keys in that order."""
    order = np.argsort(key, kind="stable")
    return order, key[order]


@dataclass(slots=True)
class Attendance:
    """Who came to which meeting and when, in order of arrival within each meeting."""

    member: Ints  # position in the list of members
    meeting: Ints
    time: Ints
    till: Ints


def gather(
    rng: Generator, members: int, meetings: Ints, *, attendance: float | Floats, spread: float, one_till: float = 0.6
) -> Attendance:
    """Members come to meetings (seconds from the start), each with its own reliability.

    Arrivals fill a window of about `spread` seconds, in an order that changes; with probability `one_till` a meeting
    queues at one till.
    """
    present = rng.random((len(meetings), members)) < attendance
    order = rng.random((len(meetings), members))
    meeting, member = np.nonzero(present)
    sorting = np.lexsort((order[meeting, member], meeting))
    meeting, member = meeting[sorting], member[sorting]
    arrivals = np.sort(
        rng.random((len(meetings), members)) * spread * rng.uniform(0.4, 1.0, (len(meetings), 1)), axis=1
    )
    first = np.searchsorted(meeting, np.arange(len(meetings)))
    rank = np.arange(len(meeting)) - first[meeting]
    # Two baskets are never rung up within the same quarter of a minute at one till.
    time = meetings[meeting] + arrivals[meeting, rank].astype(np.int64) + rank * rng.integers(12, 30, len(rank))
    queue = np.where(rng.random(len(meetings)) < one_till, rng.integers(0, 3, len(meetings)), -1)
    return Attendance(member, meeting, time, queue[meeting])


def series(rng: Generator, days: int, every: float, jitter: float) -> Ints:
    """Days of meetings about `every` days apart."""
    planned = rng.random() * every + np.arange(0, days, every)
    moved = np.unique((planned + rng.normal(0, 1, len(planned)) * jitter).astype(np.int64))
    return moved[(moved >= 0) & (moved < days - 1)]


def at_hours(town: Town, rng: Generator, place: int, days: Ints, hour: float, wander: float) -> Ints:
    """Seconds of meetings on `days` at about `hour` o'clock while `place` is open, with some time before it closes."""
    places = np.full(len(days), place)
    latest = np.minimum(town.places.closes[place], 22.0) - 0.9
    wanted = np.clip(hour + rng.normal(0, 1, len(days)) * wander, town.places.opens[place] + 0.1, latest)
    return town.within_hours(rng, places, days, wanted)


def baskets(
    town: Town,
    log: Log,
    rng: Generator,
    visit: Ints,
    person: Ints,
    *,
    own: float = 0.5,
    wanted: Ints | None = None,
    share: float = 0.0,
) -> None:
    """What they buy: with probability `share` one or two of the `wanted` generics, else their own drugs or the shelf's.

    Those who take nothing for good buy from the shelf.
    """
    shelf = np.array([drug for illness in town.goods.acute if not illness.sex for drug in illness.drugs])
    sought: Bools = rng.random(len(visit)) < share
    if wanted is not None and sought.any():
        for chance in (1.0, 0.35):
            some = visit[sought & (rng.random(len(visit)) < chance)]
            count = 1 + (rng.random(len(some)) < 0.3)
            log.items(some, product=pick(town, rng, wanted, len(some)), count=count)
    plain = ~sought
    usual = plain & town.regimen.ill()[person] & (rng.random(len(visit)) < own)
    own_drugs(town, log, rng, visit[usual], person[usual], share=0.8)
    other = visit[plain & ~usual]
    log.items(other, product=pick(town, rng, shelf, len(other)))
    more = visit[plain & (rng.random(len(visit)) < 0.35)]
    log.items(more, product=pick(town, rng, shelf, len(more)))


def come(
    scene: Scene, kind: str, people: Ints, place: int, days: Ints, hour: float, *,
    wander: float, attendance: float | Floats, spread: float, own: float, one_till: float = 0.6,
) -> Group:  # fmt: skip
    """One innocent group: its meetings at a place, and what each buys (`own`: share that fetches the own drugs)."""
    town, log, rng = scene.town, scene.log, scene.rng
    group = scene.truth.innocent(kind)
    group.add("Patient", people, "member")
    starts = at_hours(town, rng, place, days, hour, wander)
    came = gather(rng, len(people), starts, attendance=attendance, spread=spread, one_till=one_till)
    person = people[came.member]
    visit = log.visits(len(person), person=person, place=place, time=came.time, till=came.till, group=group.number)
    baskets(town, log, rng, visit, person, own=own)
    log.spare(people, np.bincount(came.member, minlength=len(people)) * rng.uniform(0.5, 1.0))
    return group


def draw(scene: Scene, pools: list[Ints], low: int, high: int) -> Ints | None:
    """Some members of one of the groups, in random order."""
    if not pools:
        return None
    pool = pools[int(scene.rng.integers(0, len(pools)))]
    return scene.rng.permutation(pool)[: int(scene.rng.integers(low, high + 1))]


def distance(town: Town, person: Ints, place: int) -> Floats:
    """Kilometres between people's homes and a place."""
    away: Floats = np.hypot(town.people.x[person] - town.places.x[place], town.people.y[person] - town.places.y[place])
    return away


def unrelated(scene: Scene, candidates: Ints, n: int, *, besides: Ints | None = None) -> Ints:
    """`n` of the candidates, in random order: none in a scheme already, no two of one household or telephone.

    They are no relatives of `besides` either. Fewer than `n` if there are not enough.
    """
    people, excluded = scene.town.people, scene.truth.reserved
    chosen: list[int] = []
    ties: set[tuple[str, int]] = set()
    for person in [] if besides is None else besides.tolist():
        ties |= {("home", int(people.household[person])), ("phone", int(people.phone[person]))}
    for _ in range(30 if len(candidates) else 0):
        for person in candidates[scene.rng.integers(0, len(candidates), 3 * n + 5)].tolist():
            own = {("home", int(people.household[person])), ("phone", int(people.phone[person]))}
            if len(chosen) < n and person not in excluded and not own & ties:
                chosen.append(person)
                ties |= own
    return np.array(chosen, dtype=np.int64)
