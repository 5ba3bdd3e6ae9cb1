"""The town: its people, places and goods, who takes what for good, and its calendar."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from ringtrace.simulate.catalogue import Catalogue
from ringtrace.simulate.people import People
from ringtrace.simulate.places import Habits, Places
from ringtrace.simulate.sampling import DAY, HOUR, Bools, Floats, Generator, Ints, expand, stream

DEAR_FEN = 30_000
"""A pack from this price on is got at a special-drug pharmacy or a hospital rather than round the corner."""


@dataclass(slots=True)
class Regimen:
    """What each person takes for good: rows `start[p]:start[p + 1]` of the parallel arrays belong to person p."""

    start: Ints
    product: Ints
    disease: Ints
    daily: Floats  # defined daily doses a day
    period: Ints  # days between two refills, one entry a person

    def rows_of(self, person: Ints) -> tuple[Ints, Ints]:
        """For visits by these persons: the visit's index of each regimen row, and the row."""
        counts = self.start[person + 1] - self.start[person]
        owner, ordinal = expand(counts)
        return owner, self.start[person][owner] + ordinal

    def ill(self) -> Bools:
        """Whether a person takes anything for good."""
        return np.diff(self.start) > 0


@dataclass(slots=True)
class Town:
    """All that events are made of: who, where, what there is to buy, and how long the simulation runs."""

    people: People
    places: Places
    habits: Habits
    goods: Catalogue
    regimen: Regimen
    seed: int
    start_day: int
    days: int

    @property
    def seconds(self) -> int:
        return self.days * DAY

    def calendar(self, day: Ints) -> tuple[Ints, Ints]:
        """Day of the month (1–31) and weekday (0 = Monday) of simulated days."""
        date = (self.start_day + day).astype("datetime64[D]")
        return (date - date.astype("datetime64[M]")).astype(np.int64) + 1, (self.start_day + day + 3) % 7

    def within_hours(self, rng: Generator, place: Ints, day: Ints, hour: Floats) -> Ints:
        """Seconds from the start for visits at these places: at `hour`, or at any open hour if that one is closed."""
        opens, closes = self.places.opens[place], self.places.closes[place]
        shut = (hour < opens) | (hour >= closes - 0.05)
        # Nobody goes at four in the morning merely because a shop never closes.
        late = np.where(closes - opens > 20, 7.0, opens)
        span = np.minimum(closes, 21.5) - late - 0.1
        hour = np.where(shut, late + rng.random(len(place)) * span, hour)
        return (day * DAY + hour * HOUR).astype(np.int64)


def prescribe(people: People, goods: Catalogue, seed: int) -> Regimen:
    """Who has which long illness, and what he takes for it: the same product for years, as people do."""
    rng = stream(seed, "illness")
    owners, products, diseases = [], [], []
    frailty = rng.gamma(2.0, 0.5, len(people))
    for number, illness in enumerate(goods.chronic):
        chance = np.interp(people.age, [20, 40, 60, 80], illness.prevalence) * (people.age >= 12) * frailty
        if illness.sex:
            chance = chance * (people.male == (illness.sex == 1))
        who = np.flatnonzero(rng.random(len(people)) < chance)
        for choices, share in ((illness.first, 1.0), (illness.second, 0.4)):
            takers = who[rng.random(len(who)) < share] if choices else who[:0]
            generic = rng.integers(0, max(1, len(choices)), len(takers))
            for position, each in enumerate(choices):
                some = takers[generic == position]
                owners.append(some)
                products.append(np.array(goods.generics[each])[rng.integers(0, len(goods.generics[each]), len(some))])
                diseases.append(np.full(len(some), number))
    owner, product, disease = np.concatenate(owners), np.concatenate(products), np.concatenate(diseases)
    # Two illnesses may ask for the same product; it is taken once.
    _, kept = np.unique(owner * 1_000 + product, return_index=True)
    owner, product, disease = owner[kept], product[kept], disease[kept]
    return Regimen(
        start=np.searchsorted(owner, np.arange(len(people) + 1)),
        product=product,
        disease=disease,
        daily=rng.uniform(0.55, 1.15, len(owner)),
        period=rng.choice([28, 30, 30, 30, 35, 60, 90], len(people)),
    )
