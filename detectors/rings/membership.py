"""Who really is of the group: the few whom chance let in, where all others come nearly always, leave.

Growth tests everyone against footfall at an error of 5 % a group, so that one group in twenty holds somebody who came
to three of its runs by accident. What footfall cannot tell, the others' attendance does. With k of n runs attended,

    likelihood ratio = BetaBinomial(k; n, as the others attend) / Poisson(k; as footfall or own habits would give)

Of fifteen people who are seen at a group's runs, one belongs to it; so from a ratio of `RATIO` on, membership is twice
as likely as accident, and below it the member leaves.
The others' law is fitted by moments, never narrower than an overdispersion of `SPREAD`: cards lent now and then are a
ring's, too.
"""

from __future__ import annotations

from dataclasses import replace
from typing import Final

import numpy as np
from scipy import stats

from ringtrace.detectors.arrays import Floats, Ints
from ringtrace.detectors.rings.footfall import Footfall
from ringtrace.detectors.rings.grouping import Group
from ringtrace.detectors.rings.habit import attended_by_habit

RATIO: Final = 30.0
SPREAD: Final = 0.02
NEVER: Final = 0.01
"""Least number of runs that chance would give anybody: who never was there before may come once."""


def likely_members(footfall: Footfall, group: Group) -> Group:
    """The group without the unlikely ones, unless these are half of it; the runs stay as they are."""
    by_habit = attended_by_habit(footfall, group)
    stays = membership_ratio(group.attended, np.maximum(group.expected, by_habit), group.runs.count) >= RATIO
    if stays.all() or stays.sum() < 3 or 2 * stays.sum() <= len(stays):
        return group
    return replace(
        group,
        persons=group.persons[stays],
        attended=group.attended[stays],
        expected=group.expected[stays],
        p_value=group.p_value[stays],
    )


def membership_ratio(attended: Ints, by_chance: Floats, runs: int) -> Floats:
    """The likelihood ratio of each member, from the runs each attended and would have attended by chance."""
    share = attended / runs
    others = len(share) - 1
    average = (share.sum() - share) / others
    variance = ((share**2).sum() - share**2) / others - average**2
    # Cards that all come always would leave no law to tell a seldom one by.
    mean = np.minimum(average, 0.97)
    binomial = mean * (1 - mean) / runs
    excess = np.maximum(variance - binomial, 0.0) / (mean * (1 - mean) * (1 - 1 / runs))
    strength = 1 / np.maximum(excess, SPREAD) - 1
    as_member = stats.betabinom.logpmf(attended, runs, mean * strength, (1 - mean) * strength)
    ratio: Floats = np.exp(as_member - stats.poisson.logpmf(attended, np.maximum(by_chance, NEVER)))
    return ratio
