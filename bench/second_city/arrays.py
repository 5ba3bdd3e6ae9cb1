"""Names of array types, and tables that grow by columns."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, TypeAlias

import numpy as np
from numpy.typing import ArrayLike, NDArray

Ints: TypeAlias = NDArray[np.int64]
Floats: TypeAlias = NDArray[np.float64]
Bools: TypeAlias = NDArray[np.bool_]
Random: TypeAlias = np.random.Generator

MINUTE, HOUR, DAY = 60, 3600, 86400


class Columns:
    """A table of integer columns to which rows are appended in bulk; row numbers never change."""

    def __init__(self, defaults: Mapping[str, int]) -> None:
        self._defaults = dict(defaults)
        self._chunks: dict[str, list[Ints]] = {name: [] for name in defaults}
        self.rows = 0

    def append(self, rows: int, **values: ArrayLike) -> Ints:
        """Add rows, a scalar standing for all of them; returns their numbers. Raises KeyError on a strange column."""
        if strange := values.keys() - self._defaults.keys():
            raise KeyError(f"no such columns: {sorted(strange)}")
        for name, default in self._defaults.items():
            value: Any = values.get(name, default)
            self._chunks[name].append(np.broadcast_to(np.asarray(value, dtype=np.int64), (rows,)))
        self.rows += rows
        return np.arange(self.rows - rows, self.rows)

    def __getitem__(self, name: str) -> Ints:
        """A whole column, writable: what is set here stays."""
        chunks = self._chunks[name]
        if len(chunks) != 1 or not chunks[0].flags.writeable:
            self._chunks[name] = chunks = [np.concatenate(chunks) if chunks else np.zeros(0, dtype=np.int64)]
        return chunks[0]


def pick(rng: Random, weights: Floats, rows: int) -> Ints:
    """Draw `rows` numbers 0…len(weights)−1 in proportion to the weights."""
    cumulative = np.cumsum(weights)
    drawn = np.searchsorted(cumulative, rng.random(rows) * cumulative[-1], side="right")
    return np.asarray(np.minimum(drawn, len(weights) - 1))


def sample(rng: Random, pool: Ints, size: int) -> Ints:
    """`size` different members of the pool, or all of it if it has fewer."""
    return rng.choice(pool, min(size, len(pool)), replace=False) if len(pool) else np.zeros(0, dtype=np.int64)
