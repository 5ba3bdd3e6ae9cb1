"""Waves: when the borrowed cards' quotas run dry, their holder takes others; the next ring is the same ring.

Groups are waves of one if one follows the other in time (nine in ten of the one's runs begin before nine in ten of the
other's), they go to the same places, and one card is in all of them: the holder's own, or the one that outlasts them.
Only groups that are suspected by themselves are asked, so that joining accuses nobody.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from functools import reduce
from typing import Final

import numpy as np

from ringtrace.detectors.rings.footfall import Footfall
from ringtrace.detectors.rings.grouping import Group, attendance, runs_of, shared_places
from ringtrace.detectors.rings.thresholds import RingThresholds

SAME_PLACES: Final = 0.8
"""Share of either group's occasions that lie at the other's places."""
STRAY: Final = 0.1
"""Share of a group's runs that may lie before or after its time: somebody still has an old card once."""
KEPT: Final = 0.9
"""Share of the waves' people whom the joint runs of all waves must still show."""


def join_waves(
    footfall: Footfall, groups: Sequence[Group], limits: RingThresholds
) -> list[tuple[Group, tuple[int, ...]]]:
    """The rings that consist of waves, each with the numbers of its waves among `groups`, earliest first."""
    order = sorted(range(len(groups)), key=lambda each: (_period(groups[each]), groups[each].persons.tolist()))
    series: list[list[int]] = []
    for number in order:
        for waves in series:
            if _follows([groups[each] for each in waves], groups[number]):
                waves.append(number)
                break
        else:
            series.append([number])
    joined = [(_whole(footfall, [groups[each] for each in waves], limits), tuple(waves)) for waves in series]
    return [(group, waves) for group, waves in joined if group is not None]


def _period(group: Group) -> tuple[float, float]:
    early, late = np.quantile(group.runs.begin, (STRAY, 1 - STRAY))
    return float(early), float(late)


def _follows(waves: Sequence[Group], group: Group) -> bool:
    """Whether `group` comes after the last of `waves`, at the same places, and with a card that all of them share."""
    if _period(waves[-1])[1] >= _period(group)[0]:
        return False
    if not len(reduce(np.intersect1d, [each.persons for each in (*waves, group)])):
        return False
    return shared_places(waves[-1], group) >= SAME_PLACES


def _whole(footfall: Footfall, waves: Sequence[Group], limits: RingThresholds) -> Group | None:
    if len(waves) < 2:
        return None
    persons = reduce(np.union1d, [each.persons for each in waves])
    # Who lends for one of four waves is at a quarter of the runs at most.
    wide = replace(limits, window=max(each.window for each in waves), share=0.0)
    whole = attendance(footfall, runs_of(footfall, persons, wide), wide, among=persons)
    return whole if len(whole.persons) >= max(KEPT * len(persons), 3) else None
