"""Joint runs: the occasions on which several of a group stood at one counter, or at two in the same hour."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from ringtrace.detectors.arrays import Ints, distinct_pairs
from ringtrace.detectors.rings.footfall import Footfall


@dataclass(frozen=True, slots=True)
class JointRuns:
    """Occasions of a group: `count` runs of one or several pieces; a piece is a stretch of time at one place.

    `place`, `begin`, `end`, `run` describe the pieces; `row` are the group's visits in them (rows of the footfall)
    and `row_run` the run each belongs to.
    """

    count: int
    place: Ints
    begin: Ints
    end: Ints
    run: Ints
    row: Ints
    row_run: Ints


def find_runs(footfall: Footfall, persons: Ints, *, window: int, hop: int, least: int) -> JointRuns:
    """The joint runs of `persons` in which at least `least` of them took part.

    Visits at one place no more than `window` seconds apart make a piece if two of the group are in it; pieces that
    follow each other within `hop` seconds, at whatever place, make a run.
    """
    rows = footfall.rows_of(persons)
    place, t = footfall.place[rows], footfall.t[rows]
    new_piece = np.ones(len(rows), dtype=bool)
    new_piece[1:] = (place[1:] != place[:-1]) | (t[1:] - t[:-1] > window)
    piece = np.cumsum(new_piece) - 1
    if not len(rows):
        return no_runs()
    present, _ = distinct_pairs(piece, footfall.person[rows])
    together = np.bincount(present, minlength=int(piece[-1]) + 1) >= 2
    kept = together[piece]
    rows, piece, place, t = rows[kept], piece[kept], place[kept], t[kept]
    if not len(rows):
        return no_runs()
    numbers, first = np.unique(piece, return_index=True)
    last = np.append(first[1:], len(rows)) - 1
    begin, end, where = t[first], t[last], place[first]
    order = np.lexsort((where, begin))
    reached = np.maximum.accumulate(end[order])
    run = np.empty(len(numbers), dtype=np.int64)
    run[order] = np.cumsum(np.append(0, begin[order][1:] - reached[:-1] > hop))
    row_run = run[np.searchsorted(numbers, piece)]
    attended, _ = distinct_pairs(row_run, footfall.person[rows])
    large = np.bincount(attended, minlength=int(run.max()) + 1) >= least
    renumber = np.cumsum(large) - 1
    piece_kept, row_kept = large[run], large[row_run]
    return JointRuns(
        count=int(large.sum()),
        place=where[piece_kept],
        begin=begin[piece_kept],
        end=end[piece_kept],
        run=renumber[run[piece_kept]],
        row=rows[row_kept],
        row_run=renumber[row_run[row_kept]],
    )


def no_runs() -> JointRuns:
    """No occasions at all."""
    nothing = np.empty(0, dtype=np.int64)
    return JointRuns(0, nothing, nothing, nothing, nothing, nothing, nothing)
