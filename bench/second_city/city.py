"""The city as it is being lived: what happened (visits, their lines), movements of stock, and the truth, kept aside."""

from __future__ import annotations

from dataclasses import dataclass, field
from enum import IntEnum

import numpy as np
from numpy.typing import ArrayLike

from second_city.arrays import DAY, Bools, Columns, Floats, Ints, Random, pick
from second_city.medicines import ACUTE, CHRONIC, ILLNESSES, Medicines
from second_city.people import People
from second_city.places import Kind, Places, clock
from second_city.profiles import Profile

SPECIAL = ("TUM", "RA", "CKD")


class Source(IntEnum):
    """Where the packs of a line came from; `link` names another line for all but the first two."""

    SHELF = 0
    NOTHING = 1  # no pack left the shop
    LINKED = 2  # the very packs of the linked line, which came back
    OLD_CODE = 3  # no pack left; the code was kept from the linked line


class Care(IntEnum):
    """med_type of a settlement."""

    OUTPATIENT = 11
    CHRONIC = 14
    INPATIENT = 21
    PHARMACY = 41


VISIT = {
    "person": 0, "place": 0, "time": 0, "care": 41, "till": -1, "credential": -1, "illness": -1, "begin": -1,
    "end": -1, "drain": 0, "dropped": 0, "refund_of": -1, "by_hand": 0, "scheme": 0,
}  # fmt: skip
LINE = {
    "visit": 0, "drug": 0, "count": 1, "source": 0, "link": -1, "stock_place": -1, "stock_time": -1, "split": 0,
    "scan": -1, "booked": -1, "price": 0,
}  # fmt: skip
MOVE = {"place": 0, "drug": 0, "kind": 0, "time": 0, "count": 1, "line": -1, "supplier": 0}
MOVES = (
    "purchase", "purchase_return", "sale", "sale_return", "transfer_in", "transfer_out", "count_gain", "count_loss",
    "destroy", "initial",
)  # fmt: skip


@dataclass(slots=True)
class Truth:
    """Rows of the three truth files."""

    schemes: list[tuple[str, str, str, str]] = field(default_factory=list)  # group, kind, difficulty, habit
    members: list[tuple[str, str, int, str]] = field(default_factory=list)  # group, Patient/Pharmacy, number, role
    innocent: list[tuple[str, str, str, int]] = field(default_factory=list)  # group, kind, label, number
    groups: int = 0
    acting: int = 0  # number of the scheme whose visits are being written, 0 for honest life

    def clear(self, kind: str, people: Ints, places: ArrayLike = ()) -> None:
        """Keep an innocent group."""
        self.groups += 1
        group = f"I{self.groups:04d}"
        self.innocent += [(group, kind, "Patient", int(each)) for each in np.unique(people)]
        self.innocent += [(group, kind, "Pharmacy", int(each)) for each in np.unique(np.asarray(places, np.int64))]

    def plant(self, kind: str, difficulty: str, habit: str) -> str:
        """Open a scheme; returns its id."""
        group = f"S{len(self.schemes) + 1:03d}"
        self.schemes.append((group, kind, difficulty, habit))
        self.acting = len(self.schemes)
        return group

    def suspect(self, group: str, people: Ints, role: str, places: ArrayLike = (), place_role: str = "outlet") -> None:
        """Name members of a scheme."""
        self.members += [(group, "Patient", int(each), role) for each in np.unique(people)]
        self.members += [(group, "Pharmacy", int(each), place_role) for each in np.unique(np.asarray(places, np.int64))]


@dataclass(slots=True)
class City:
    """All that the chapters of the year write to. Times are seconds from 1 January 00:00."""

    rng: Random
    profile: Profile
    medicines: Medicines
    people: People
    places: Places
    visits: Columns = field(default_factory=lambda: Columns(VISIT))
    lines: Columns = field(default_factory=lambda: Columns(LINE))
    moves: Columns = field(default_factory=lambda: Columns(MOVE))
    truth: Truth = field(default_factory=Truth)
    busy: Bools = field(init=False)  # people already in a tight group or a scheme
    sharing: Ints = field(init=False)  # whom each person's e-credential may be used by; −1: nobody
    savers: Bools = field(init=False)  # people with much on their personal account
    special: Bools = field(init=False)  # people whose dear drugs come from the special-drug pharmacy
    tainted: set[int] = field(default_factory=set)  # places already in a scheme or set up as look-alikes

    def __post_init__(self) -> None:
        self.busy = np.zeros(self.people.count, dtype=np.bool_)
        dear = self.people.ill[:, [CHRONIC.index(each) for each in SPECIAL]].any(axis=1)
        self.special = dear & (self.rng.random(self.people.count) < 0.7)
        self.savers = self.rng.random(self.people.count) < 0.05
        self.sharing = np.full(self.people.count, -1)

    def share(self, share: float, wanted: int) -> int:
        """A number of groups per 30,000 persons, scaled to this city and at least one (none if none is wanted)."""
        return max(1, round(wanted * share * self.people.count / 30000)) if wanted else 0

    def take(self, people: Ints) -> Ints:
        """Mark people as members of a tight group."""
        self.busy[people] = True
        return people

    def free(self, mask: Bools) -> Ints:
        """People of the mask who are alive all year and in no tight group."""
        return np.flatnonzero(mask & ~self.busy & (self.people.death > 364))

    def visit(self, person: Ints, place: ArrayLike, time: Ints, **more: ArrayLike) -> Ints:
        """Add visits; a place decides the kind of care unless it is given."""
        where = np.broadcast_to(np.asarray(place, np.int64), person.shape)
        if "care" not in more:
            shop = np.isin(self.places.kind[where], [Kind.PHARMACY, Kind.SPECIAL])
            more["care"] = np.where(shop, Care.PHARMACY, Care.OUTPATIENT)
        return self.visits.append(len(person), person=person, place=where, time=time, scheme=self.truth.acting, **more)

    def refill(self, visits: Ints, people: Ints, days: Floats, zeal: float = 0.92) -> Ints:
        """Lines for the chronic illnesses of each visitor, enough for `days`; returns the line numbers."""
        made = []
        for column, illness in enumerate(CHRONIC):
            mine = self.people.ill[people, column] & (self.rng.random(len(people)) < zeal)
            if illness in SPECIAL:
                mine &= ~self.special[people]
            drug = self.people.regimen[people[mine], column]
            exact = days[mine] / self.medicines.pack_ddd[drug]
            # Rounded up or down by chance, to none when the last pack still lasts.
            count = np.minimum(exact + self.rng.random(len(drug)), 9).astype(np.int64)
            some = count > 0
            drug, count = drug[some], count[some]
            made.append(self.lines.append(len(drug), visit=visits[mine][some], drug=drug, count=count))
            unnamed = mine & (self.visits["illness"][visits] < 0)
            self.visits["illness"][visits[unnamed]] = ILLNESSES.index(illness)
        return np.concatenate(made)

    def acute(self, visits: Ints, people: Ints, season: Floats) -> None:
        """One to three lines for a passing complaint; `season` 0–1 is how likely a cold is."""
        rng, age = self.rng, self.people.age[people]
        table = np.array([3.0, 2.2, 2.6, 2.4, 1.6, 1.6, 0.8, 0.0, 0.8, 1.5])
        choice = pick(rng, table, len(visits))
        choice = np.where(rng.random(len(visits)) < season * 0.6, rng.integers(0, 2, len(visits)), choice)
        choice = np.where((age < 12) & (rng.random(len(visits)) < 0.75), ACUTE.index("KIDS"), choice)
        choice = np.where((choice == ACUTE.index("GYN")) & self.people.male[people], ACUTE.index("PAIN"), choice)
        self.visits["illness"][visits] = choice + len(CHRONIC)
        for number, use in enumerate(ACUTE):
            mine = visits[choice == number]
            self.draw(mine, self.medicines.by_use[use], 1)
            again = mine[rng.random(len(mine)) < 0.45]
            self.draw(again, self.medicines.by_use[use], 1)
        also = visits[rng.random(len(visits)) < 0.3]
        self.draw(also, self.medicines.by_use["TONIC"][[0, 4]], 1)

    def draw(self, visits: Ints, drugs: Ints, most: int, **more: ArrayLike) -> Ints:
        """One line a visit with one of the drugs by popularity, 1…most packs."""
        drug = drugs[pick(self.rng, self.medicines.weight[drugs], len(visits))]
        count = self.rng.integers(1, most + 1, len(visits))
        return self.lines.append(len(visits), visit=visits, drug=drug, count=count, **more)

    def diagnose(self, visits: Ints, people: Ints) -> None:
        """Write a diagnosis where there is none: an illness the person has, or fatigue."""
        ill = self.people.ill[people]
        lasting = (ill * self.rng.random(ill.shape)).argmax(axis=1)
        found = np.where(ill.any(axis=1), lasting, ILLNESSES.index("TONIC"))
        written = self.visits["illness"][visits]
        self.visits["illness"][visits] = np.where(written < 0, found, written)

    def service(self, visits: Ints, number: int, count: ArrayLike = 1) -> None:
        """Charge a service."""
        self.lines.append(len(visits), visit=visits, drug=self.medicines.service(number), count=count)

    def moment(self, days: Ints, place: Ints) -> Ints:
        """Seconds for days of the year at ordinary hours of the places."""
        return days * DAY + clock(self.rng, self.places, place)

    def thin(self, people: Ints, keep: float, since: int = 0, until: int = 366 * DAY) -> None:
        """Drop a part of what these people did so far, as one does whose card or purse is elsewhere."""
        visits = self.visits
        mine = np.isin(visits["person"], people) & (visits["time"] >= since) & (visits["time"] < until)
        mine &= visits["care"] != Care.INPATIENT
        lost = np.flatnonzero(mine)
        visits["dropped"][lost[self.rng.random(len(lost)) > keep]] = 1
