"""Own habits: would these people have met anyway, each keeping to the weekday and hour that is theirs?

A neighbour who comes every Monday at eight meets all others who do, and footfall does not know it. So the joint runs
are moved by whole weeks, forward and back: each person's habits of the week and of the season stay, only the date on
which they met is lost. Attendance at the moved runs, averaged over the moves, is what habit alone would give (a
restricted permutation in the sense of Good 2005, "Permutation, Parametric and Bootstrap Tests of Hypotheses", ch. 3).
"""

from __future__ import annotations

from typing import Final

import numpy as np
from scipy import stats

from ringtrace.detectors.arrays import Floats, distinct_pairs
from ringtrace.detectors.rings.footfall import Footfall
from ringtrace.detectors.rings.grouping import Group, attendance, runs_of
from ringtrace.detectors.rings.thresholds import RingThresholds

WEEKS: Final = (-4, -3, -2, -1, 1, 2, 3, 4)
WEEK: Final = 7 * 86_400


def attended_by_habit(footfall: Footfall, group: Group) -> Floats:
    """Runs that habit alone would give each of the group's persons (in their order).

    A move that leads out of the time covered by the data is left out of that run's average.
    """
    runs, half = group.runs, group.window // 2
    if not runs.count or not len(group.persons):
        return np.zeros(len(group.persons))
    earliest, latest = int(footfall.t.min()), int(footfall.t.max())
    # One search for all moves: rows of the moved pieces, move after move.
    move = np.array(WEEKS)[:, None] * WEEK
    begin, end = runs.begin + move, runs.end + move
    inside = (begin >= earliest) & (end <= latest)
    of_move, of_piece = np.nonzero(inside)
    rows, moved = footfall.between(runs.place[of_piece], begin[inside] - half, end[inside] + half)
    member = np.searchsorted(group.persons, footfall.person[rows])
    member[member == len(group.persons)] = 0
    own = group.persons[member] == footfall.person[rows]
    occasion = of_move[moved[own]] * runs.count + runs.run[of_piece[moved[own]]]
    met, met_occasion = distinct_pairs(member[own], occasion)
    # A run of several pieces counts once; its pieces lie within hours of each other and share their moves.
    weight = np.zeros(runs.count)
    weight[runs.run] = 1 / np.maximum(inside.sum(axis=0), 1)
    total: Floats = np.bincount(met, weight[met_occasion % runs.count], len(group.persons)).astype(np.float64)
    return total


def without_habitual(footfall: Footfall, group: Group, limits: RingThresholds) -> Group:
    """The group without those few who are there at that weekday and hour anyway.

    Who comes every Monday morning meets a ring that sometimes does. If habit accounts for half of the members or more,
    it is the group's own, and everyone stays: that the group has one is for the checks to weigh.
    """
    by_habit = np.maximum(attended_by_habit(footfall, group), group.expected)
    chance = stats.poisson.sf(group.attended - 1, by_habit) * len(group.persons)
    staying = group.persons[chance < limits.growth_error]
    if len(staying) == len(group.persons) or len(staying) < 3 or 2 * len(staying) <= len(group.persons):
        return group
    runs = runs_of(footfall, staying, limits)
    if runs.count < limits.min_days:
        return group
    rest = attendance(footfall, runs, limits, among=staying)
    return rest if len(rest.persons) >= 3 else group
