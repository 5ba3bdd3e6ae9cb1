"""Outlets of resold packs, joined where the same people feed them or packs go from one to the other."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from ringtrace.detectors.packs.trace_codes import Step

SHARED_SOURCES = 0.5
"""Outlets are one finding when at least this part of the smaller one's sources (and two people) feed both.

Each must have sold such packs twice: one sale of two packs is one accident, as when a box was given back unrecorded.
"""

PASSED_ON = 2
"""Outlets are one finding when so many resold packs of the one were sold again by the other: a chain of three hops."""


@dataclass(frozen=True, slots=True)
class Outlet:
    """A place that sold packs again: unexplained steps, steps its till explains, all steps, and chance's number."""

    place: str
    chained: list[Step]
    filled: list[Step]
    all: list[Step]
    expected: float

    @property
    def sources(self) -> frozenset[str]:
        return frozenset(step.first.person for step in self.chained)

    @property
    def sales(self) -> int:
        """Number of settlements in which it sold them."""
        return len({step.second.key.rpartition("|")[0] for step in self.chained})


def outlets_together(outlets: Sequence[Outlet]) -> list[list[Outlet]]:
    """The outlets in groups that share sources or pass packs on, each group and the list in order of place."""
    groups: list[list[Outlet]] = []
    for outlet in outlets:
        near = [group for group in groups if any(_share(outlet, other) for other in group)]
        groups = [group for group in groups if group not in near]
        groups.append([*(each for group in near for each in group), outlet])
    return sorted((sorted(group, key=lambda each: each.place) for group in groups), key=lambda group: group[0].place)


def _share(one: Outlet, other: Outlet) -> bool:
    if any(_passed_on(first, second) >= PASSED_ON for first, second in ((one, other), (other, one))):
        return True
    both = len(one.sources & other.sources)
    if min(one.sales, other.sales) < 2:
        return False
    return both >= 2 and both >= SHARED_SOURCES * min(len(one.sources), len(other.sources))


def _passed_on(first: Outlet, second: Outlet) -> int:
    resold = {step.second.key for step in first.chained}
    return sum(step.first.key in resold for step in second.chained)
