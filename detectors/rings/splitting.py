"""Two rings that share a card or two grow into one group; this takes them apart again.

Among people who come to the same runs with a chance each, the runs look alike. If instead there are two kinds of runs,
some people coming to one kind and some to the other, then the likelihood of the attendance, each person with a rate of
its own in either kind, rises by far more than the freedom to sort the runs would give:

    Σ_persons ln L(rates by kind) − ln L(one rate)  >  (runs − 1) · ln 2 + persons · ½ ln(runs) + ln(1 / error)

(two-block model, with a penalty for the number of partitions and, as in the Bayesian information criterion of Schwarz
1978, for one rate more a person). The kinds are sought by alternation from the leading singular vectors, as in k-means.
"""

from __future__ import annotations

from math import log, log10
from typing import Final

import numpy as np

from ringtrace.detectors.arrays import Bools, Floats, Ints
from ringtrace.detectors.rings.footfall import Footfall
from ringtrace.detectors.rings.grouping import Group, attendance, log_chance
from ringtrace.detectors.rings.joint_runs import JointRuns
from ringtrace.detectors.rings.thresholds import RingThresholds

STARTS: Final = 4
"""Singular vectors that the alternation starts from."""


def split(footfall: Footfall, group: Group, limits: RingThresholds) -> list[Group]:
    """The group, or the two that it consists of, each tested over its own runs; those are split again if need be."""
    came = attendance_table(footfall, group)
    second = two_kinds(came, limits.group_error)
    if second is None:
        return [group]
    parts = [attendance(footfall, _only(group.runs, runs), limits) for runs in (~second, second)]
    if not all(_stands(footfall, part, limits) for part in parts):
        return [group]
    return [each for part in parts for each in split(footfall, part, limits)]


def _stands(footfall: Footfall, part: Group, limits: RingThresholds) -> bool:
    enough = len(part.persons) >= 3 and part.runs.count >= limits.min_days
    return enough and log_chance(footfall, part) <= log10(limits.group_error)


def two_kinds(came: Bools, error: float) -> Bools | None:
    """Which runs (columns of persons × runs) are of the second kind, or None if one kind will do."""
    persons, runs = came.shape
    if runs < 4 or persons < 4:
        return None
    table = came.astype(np.float64)
    _, _, vectors = np.linalg.svd(table - table.mean(axis=1, keepdims=True), full_matrices=False)
    best: tuple[float, Bools] | None = None
    for vector in vectors[:STARTS]:
        kind = _alternate(table, vector > np.median(vector))
        gain = _likelihood(table[:, kind]) + _likelihood(table[:, ~kind]) - _likelihood(table)
        if best is None or gain > best[0]:
            best = gain, kind
    penalty = (runs - 1) * log(2) + 0.5 * persons * log(runs) - log(error)
    return best[1] if best is not None and best[0] > penalty and 2 <= best[1].sum() <= runs - 2 else None


def _alternate(table: Floats, kind: Bools) -> Bools:
    """Sort each run to the kind whose rates make it likelier, until none moves."""
    for _ in range(20):
        if kind.all() or not kind.any():
            break
        # One visit and one absence more in each kind keeps a rate away from 0 and 1.
        rates = [(table[:, each].sum(axis=1) + 0.5) / (each.sum() + 1) for each in (~kind, kind)]
        first, second = (np.log(rate) @ table + np.log1p(-rate) @ (1 - table) for rate in rates)
        moved: Bools = second > first
        if (moved == kind).all():
            break
        kind = moved
    return kind


def _likelihood(table: Floats) -> float:
    """Greatest log-likelihood of persons × runs, each person with a rate of its own."""
    runs = table.shape[1]
    if not runs:
        return 0.0
    rate = table.sum(axis=1) / runs
    inside = rate[(rate > 0) & (rate < 1)]
    return float(runs * (inside * np.log(inside) + (1 - inside) * np.log1p(-inside)).sum())


def attendance_table(footfall: Footfall, group: Group) -> Bools:
    """Who of the group (rows, in order) came to which of its runs (columns)."""
    came = np.zeros((len(group.persons), group.runs.count), dtype=bool)
    person = footfall.person[group.runs.row]
    own = np.isin(person, group.persons)
    came[np.searchsorted(group.persons, person[own]), group.runs.row_run[own]] = True
    return came


def _only(runs: JointRuns, kept: Bools) -> JointRuns:
    renumber: Ints = np.cumsum(kept) - 1
    piece, row = kept[runs.run], kept[runs.row_run]
    return JointRuns(
        count=int(kept.sum()),
        place=runs.place[piece],
        begin=runs.begin[piece],
        end=runs.end[piece],
        run=renumber[runs.run[piece]],
        row=runs.row[row],
        row_run=renumber[runs.row_run[row]],
    )
