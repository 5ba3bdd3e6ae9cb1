"""All visits in memory, ordered twice: by place and time (who else was there?) and by person (where was this one?)."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Self

import numpy as np

from ringtrace.detectors.arrays import PAIR_BITS, Bools, Ints, distinct_pairs


@dataclass(frozen=True, slots=True)
class Footfall:
    """Columns of `visit`, rows ordered by place, time and person; 8 bytes a cell, so 10 million visits take 0.5 GB.

    `crowd` is that of `window` seconds; `moment` is place and time in one sortable number; `by_person` lists row
    numbers person after person, those of person p being `by_person[person_start[p]:person_start[p + 1]]`.
    """

    person: Ints
    place: Ints
    t: Ints
    crowd: Ints
    moment: Ints
    by_person: Ints
    person_start: Ints
    place_visits: Ints
    place_persons: Ints
    day_only: Bools
    window: int

    @classmethod
    def of(cls, person: Ints, place: Ints, t: Ints, day_only: Bools, *, window: int) -> Self:
        """Index visits given in order of place, time and person.

        A visit that follows one of the same person at the same place within `window` seconds is dropped: paying in
        two parts is not coming twice. `crowd` counts the visits of others there within `window` to either side.
        """
        person, place, t = (column.astype(np.int64) for column in (person, place, t))
        by_person = _order(person)
        again = np.zeros(len(person), dtype=bool)
        before, after = by_person[:-1], by_person[1:]
        again[after] = (
            (person[before] == person[after]) & (place[before] == place[after]) & (t[after] - t[before] <= window)
        )
        person, place, t = person[~again], place[~again], t[~again]
        moment = _moment(place, t)
        by_person = _order(person)
        persons = int(person.max()) + 1 if len(person) else 0
        return cls(
            person=person,
            place=place,
            t=t,
            crowd=_crowd(moment, window),
            moment=moment,
            by_person=by_person,
            person_start=np.searchsorted(person[by_person], np.arange(persons + 1)),
            place_visits=np.bincount(place, minlength=len(day_only)),
            place_persons=_persons_by_place(person, place, len(day_only)),
            day_only=day_only.astype(bool),
            window=window,
        )

    def within(self, window: int) -> Self:
        """The same visits, with the crowd of another window."""
        return self if window == self.window else replace(self, crowd=_crowd(self.moment, window), window=window)

    def rows_of(self, persons: Ints) -> Ints:
        """Row numbers of these persons' visits, ordered by place and time."""
        parts = [self.by_person[self.person_start[each] : self.person_start[each + 1]] for each in persons]
        return np.sort(np.concatenate(parts)) if parts else np.empty(0, dtype=np.int64)

    def between(self, place: Ints, begin: Ints, end: Ints) -> tuple[Ints, Ints]:
        """Row numbers of all visits at `place` from `begin` to `end` (both included), and which interval each is of."""
        first = np.searchsorted(self.moment, _moment(place, begin), side="left")
        last = np.searchsorted(self.moment, _moment(place, end), side="right")
        lengths = last - first
        interval = np.repeat(np.arange(len(place)), lengths)
        offset = np.arange(int(lengths.sum())) - np.repeat(np.cumsum(lengths) - lengths, lengths)
        return np.repeat(first, lengths) + offset, interval


def _crowd(moment: Ints, window: int) -> Ints:
    last = np.searchsorted(moment, moment + window, side="right")
    return last - np.searchsorted(moment, moment - window, side="left") - 1


def _persons_by_place(person: Ints, place: Ints, places: int) -> Ints:
    distinct, _ = distinct_pairs(place, person)
    return np.bincount(distinct, minlength=places)


def _order(values: Ints) -> Ints:
    """Row numbers in the order of `values`, equal ones as they stand: one plain sort, far quicker than a stable one."""
    return np.sort(values << PAIR_BITS | np.arange(len(values))) & ((1 << PAIR_BITS) - 1)


def _moment(place: Ints, t: Ints) -> Ints:
    # Seconds since 1970 need 34 bits until the year 2514; the place number takes the bits above.
    return (place << 34) + t
