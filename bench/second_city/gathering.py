"""Sessions: a group settles one after another, as families, clubs, wards and rings alike do."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from second_city.arrays import DAY, HOUR, Ints
from second_city.city import City


@dataclass(frozen=True, slots=True)
class Session:
    """How a group settles: gaps in seconds (median, spread of the logarithm), till −1 for any, −2 for one of
    its own in each session.
    """

    attendance: float = 0.7
    gap: float = 75.0
    spread: float = 0.5
    till: int = -2
    ordered: bool = False


def gather(
    city: City, people: Ints, places: Sequence[int] | Ints, starts: Ints, session: Session, **more: int
) -> tuple[Ints, Ints]:
    """Visits of the people who attend each start at its place; returns (visits, their persons)."""
    rng = city.rng
    who: list[Ints] = []
    when: list[Ints] = []
    where: list[Ints] = []
    tills: list[Ints] = []
    for place, start in zip(np.broadcast_to(places, starts.shape), starts, strict=True):
        present = people[rng.random(len(people)) < session.attendance]
        if not session.ordered:
            present = rng.permutation(present)
        gaps = np.exp(rng.normal(np.log(session.gap), session.spread, len(present)))
        who.append(present)
        when.append(start + np.cumsum(gaps).astype(np.int64))
        where.append(np.full(len(present), place))
        till = int(rng.integers(0, 12)) if session.till == -2 else session.till
        tills.append(np.full(len(present), till))
    if not who:
        return np.zeros(0, np.int64), np.zeros(0, np.int64)
    persons, times = np.concatenate(who), np.concatenate(when)
    alive = (times < city.people.death[persons] * DAY) & (times < 365 * DAY)
    visits = city.visit(
        persons[alive], np.concatenate(where)[alive], times[alive], till=np.concatenate(tills)[alive], **more
    )
    return visits, persons[alive]


def recurring(city: City, every: float, jitter: float, first: int = 0, last: int = 365) -> Ints:
    """Days of the year about every so many days, each off by a normal `jitter`."""
    days = np.arange(first + city.rng.uniform(0, every), last, every)
    days = np.rint(days + city.rng.normal(0, jitter, len(days))).astype(np.int64)
    return np.unique(days[(days >= max(first, 0)) & (days < min(last, 365))])


def at_hour(city: City, days: Ints, hour: float, off: float = 0.5) -> Ints:
    """Starts on the days about an hour of the day, off by a normal number of hours."""
    return np.asarray(
        days * DAY + ((hour + city.rng.normal(0, off, len(days))).clip(0.2, 23.3) * HOUR).astype(np.int64)
    )
