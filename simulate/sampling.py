"""Seeded random streams and the few vectorised draws that the whole simulator is made of."""

from __future__ import annotations

from typing import Any
from zlib import crc32

import numpy as np
from numpy.typing import NDArray

Ints = NDArray[np.int64]
Floats = NDArray[np.float64]
Bools = NDArray[np.bool_]
Generator = np.random.Generator

DAY = 86_400
HOUR = 3_600


def stream(seed: int, name: str) -> Generator:
    """A random stream of its own for each named step, so that a new step leaves the others' draws as they were."""
    return np.random.default_rng([seed, crc32(name.encode())])


def expand(counts: NDArray[Any]) -> tuple[Ints, Ints]:
    """For `counts[i]` repetitions of each i: the index i of every repetition, and its number 0, 1, … within i."""
    owner = np.repeat(np.arange(len(counts)), counts)
    start = np.cumsum(counts) - counts
    return owner, np.arange(len(owner)) - start[owner]


def choose_columns(rng: Generator, weights: Floats, rows: NDArray[Any]) -> Ints:
    """For each entry of `rows`, one column of `weights` drawn with the probabilities of that row."""
    cumulative = np.cumsum(weights, axis=1)
    cumulative /= cumulative[:, -1:]
    flat = (cumulative + np.arange(len(weights))[:, None]).ravel()
    drawn = np.searchsorted(flat, rows + rng.random(len(rows)), side="right")
    column: Ints = np.minimum(drawn - rows * weights.shape[1], weights.shape[1] - 1).astype(np.int64)
    return column


def choose(rng: Generator, weights: Floats, n: int) -> Ints:
    """`n` independent draws of an index with probability proportional to `weights`."""
    cumulative = np.cumsum(weights)
    drawn = np.searchsorted(cumulative, rng.random(n) * cumulative[-1], side="right")
    index: Ints = np.minimum(drawn, len(weights) - 1).astype(np.int64)
    return index


def power_law(rng: Generator, n: int, exponent: float, cap: float = 25.0) -> Floats:
    """`n` weights ≥ 1 with a Pareto tail, capped so that no single place swallows the city."""
    drawn: Floats = np.minimum((1 - rng.random(n)) ** (-1 / exponent), cap)
    return drawn


def group_ordinal(*keys: NDArray[Any]) -> Ints:
    """For each row its number 0, 1, … among the rows with equal keys, in the order of appearance."""
    order = np.lexsort(tuple(reversed(keys)))
    changed = np.zeros(len(order), dtype=bool)
    for key in keys:
        changed[1:] |= key[order][1:] != key[order][:-1]
    if len(changed):
        changed[0] = True
    start = np.maximum.accumulate(np.where(changed, np.arange(len(order)), 0))
    ordinal = np.empty(len(order), dtype=np.int64)
    ordinal[order] = np.arange(len(order)) - start
    return ordinal
