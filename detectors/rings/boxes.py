"""Boxes: of twenty cards in one drawer four are taken out each time; the pieces that meet by themselves are one ring.

No card is at a quarter of such a ring's runs, and growth stops at those who happened to meet most. So of groups that
are suspected by themselves and go to the same places (half of either's occasions), two are drawn from one box if
growth from both together, in which a card need only be at a tenth of the runs, keeps nine in ten of their people and
finds runs of one kind: two rings that use one shop each have runs of their own, and part again (`splitting`). Only
suspected groups are asked, as for waves; who joins them passes the same tests as a member of any group.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import Final

import numpy as np

from ringtrace.detectors.arrays import Ints
from ringtrace.detectors.rings.footfall import Footfall
from ringtrace.detectors.rings.grouping import Group, grow, shared_places
from ringtrace.detectors.rings.membership import likely_members
from ringtrace.detectors.rings.splitting import split
from ringtrace.detectors.rings.thresholds import RingThresholds

SAME_PLACES: Final = 0.5
"""Share of either group's occasions that lie at the other's places."""
DRAWN: Final = 0.1
"""Least share of the runs at which a card of a box is."""
KEPT: Final = 0.9
"""Share of the pieces' people whom growth from them together must keep."""


def join_boxes(
    footfall: Footfall, groups: Sequence[Group], limits: RingThresholds
) -> list[tuple[Group, tuple[int, ...]]]:
    """The rings drawn from one box, each with the numbers of its pieces among `groups`, best attended first."""
    left = sorted(range(len(groups)), key=lambda each: (-int(groups[each].attended.sum()), each))
    joined: list[tuple[Group, tuple[int, ...]]] = []
    while left:
        whole, pieces, persons = groups[left[0]], [left[0]], groups[left[0]].persons
        for other in left[1:]:
            people = np.union1d(persons, groups[other].persons)
            together = _box(footfall, whole, groups[other], people, limits)
            if together is not None:
                whole, persons = together, people
                pieces.append(other)
        left = [each for each in left if each not in pieces]
        if len(pieces) > 1:
            joined.append((likely_members(footfall, whole), tuple(pieces)))
    return joined


def _box(footfall: Footfall, one: Group, other: Group, persons: Ints, limits: RingThresholds) -> Group | None:
    """The group that both are pieces of, grown from the `persons` of all its pieces, or None."""
    if shared_places(one, other) < SAME_PLACES:
        return None
    box = replace(limits, window=max(one.window, other.window), share=DRAWN)
    whole = grow(footfall, persons, box)
    if whole is None or len(np.intersect1d(whole.persons, persons)) < KEPT * len(persons):
        return None
    return whole if len(split(footfall, whole, box)) == 1 else None
