"""Tours: cards that are carried from shop to shop within the hour meet at each of them by twos and threes only."""

from __future__ import annotations

from math import ceil
from typing import Final

import numpy as np
from scipy import stats

from ringtrace.detectors.arrays import Ints, distinct_pairs, run_starts
from ringtrace.detectors.rings.footfall import Footfall
from ringtrace.detectors.rings.grouping import HANDFUL, ROUNDS, Group, attendance, log_chance
from ringtrace.detectors.rings.habit import attended_by_habit
from ringtrace.detectors.rings.joint_runs import JointRuns, no_runs
from ringtrace.detectors.rings.splitting import attendance_table, two_kinds
from ringtrace.detectors.rings.thresholds import RingThresholds

SAME: Final = 0.75
"""Share of a group that its tours must show again; one or two whom the counter's window let in by chance may go."""


def on_the_move(footfall: Footfall, group: Group, limits: RingThresholds) -> Group:
    """The group as its tours of several places show it, if that is more people; else as it is.

    People have errands at several places in a morning, at their own hour of the week. So whoever joins by the tours
    must attend them more often than habit gives, too.
    """
    members = group.persons
    toured: Group | None = None
    for _ in range(ROUNDS):
        least = max(2 if len(members) <= HANDFUL else 3, ceil(limits.share * len(members)))
        tours = find_tours(footfall, members, hop=limits.hop, least=least)
        if tours.count < limits.min_days or len(np.unique(tours.place)) < 2:
            return group
        toured = _joining(footfall, group, attendance(footfall, tours, limits), limits)
        if not 3 <= len(toured.persons) <= limits.max_size:
            return group
        if np.array_equal(toured.persons, members):
            break
        members = toured.persons
    if toured is None or len(toured.persons) <= len(group.persons):
        return group
    if len(np.intersect1d(group.persons, toured.persons)) < SAME * len(group.persons):
        return group
    # Another ring that shares a card tours too; `split` has parted the two once.
    if two_kinds(attendance_table(footfall, toured), limits.group_error) is not None:
        return group
    return min(group, toured, key=lambda each: log_chance(footfall, each))


def _joining(footfall: Footfall, group: Group, toured: Group, limits: RingThresholds) -> Group:
    chance = stats.poisson.sf(toured.attended - 1, attended_by_habit(footfall, toured)) * len(toured.persons)
    stays = np.isin(toured.persons, group.persons) | (chance < limits.growth_error)
    return Group(
        toured.persons[stays],
        toured.runs,
        toured.attended[stays],
        toured.expected[stays],
        toured.p_value[stays],
        toured.window,
    )


def find_tours(footfall: Footfall, persons: Ints, *, hop: int, least: int) -> JointRuns:
    """The sessions in which at least `least` of `persons` were served, each alone or together, wherever the group goes.

    Visits of theirs no more than `hop` seconds apart make a session, whatever their places; a place is the group's if
    it served them in two sessions. A session's pieces are its time, with half a `hop` before and after, at each of
    these places, whether or not anyone came: so that nobody is tested at an occasion that only his own visit made.
    """
    rows = footfall.rows_of(persons)
    rows = rows[np.argsort(footfall.t[rows], kind="stable")]
    if not len(rows):
        return no_runs()
    session: Ints = np.cumsum(np.diff(footfall.t[rows], prepend=footfall.t[rows[0]]) > hop).astype(np.int64)
    present, _ = distinct_pairs(session, footfall.person[rows])
    kept = (np.bincount(present) >= least)[session]
    rows, session = rows[kept], np.unique(session[kept], return_inverse=True)[1]
    if not len(rows):
        return no_runs()
    at, _ = distinct_pairs(footfall.place[rows], session)
    visited, sessions = np.unique(at, return_counts=True)
    places = visited[sessions >= 2]
    first = run_starts(session)
    last = np.append(first[1:], len(rows)) - 1
    count = len(first)
    near = np.isin(footfall.place[rows], places)
    return JointRuns(
        count=count,
        place=np.tile(places, count),
        begin=np.repeat(footfall.t[rows[first]] - hop // 2, len(places)),
        end=np.repeat(footfall.t[rows[last]] + hop // 2, len(places)),
        run=np.repeat(np.arange(count), len(places)),
        row=rows[near],
        row_run=session[near],
    )
