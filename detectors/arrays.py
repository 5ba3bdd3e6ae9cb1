"""Between DuckDB and numpy: results as typed arrays, arrays as temporary tables."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

import duckdb
import numpy as np
import numpy.typing as npt
import pyarrow as pa

from ringtrace.findings import Value

Ints = npt.NDArray[np.int64]
Floats = npt.NDArray[np.float64]
Bools = npt.NDArray[np.bool_]

PAIR_BITS: Final = 32
"""Bits of a 64-bit number that its second half takes."""


def fetch_arrays(
    tables: duckdb.DuckDBPyConnection, sql: str, values: Mapping[str, Value] | None = None
) -> dict[str, npt.NDArray[Any]]:
    """The result of `sql` as one array a column; columns without NULL only, since an array has no word for it."""
    found = tables.execute(sql, dict(values or {})).fetchnumpy()
    return {name: np.asarray(column) for name, column in found.items()}


def fetch_number(tables: duckdb.DuckDBPyConnection, sql: str, values: Mapping[str, Value] | None = None) -> int:
    """The one number that `sql` gives; 0 for NULL."""
    # Not fetchone: it leaves the result open, and DuckDB 2 then refuses to register anything on the connection.
    (row,) = tables.execute(sql, dict(values or {})).fetchall()
    return int(row[0] or 0)


def distinct_pairs(first: Ints, second: Ints) -> tuple[Ints, Ints]:
    """The pairs of (first, second), each once, in order; both from 0 to 2³¹ − 1."""
    # One number a pair, and a plain sort: numpy compares columns (`unique(axis=1)`), and hashes, several times slower.
    pairs = np.sort(first << PAIR_BITS | second)
    pairs = pairs[np.diff(pairs, prepend=-1) > 0]
    return pairs >> PAIR_BITS, pairs & ((1 << PAIR_BITS) - 1)


def run_starts(column: npt.NDArray[Any]) -> Ints:
    """Where each run of equal values begins."""
    return np.flatnonzero(np.append(True, column[1:] != column[:-1])) if len(column) else np.zeros(0, dtype=np.int64)


def run_numbers(starts: Ints, length: int) -> Ints:
    """Of each of so many rows, the number of its run, where runs begin at `starts` (0 first)."""
    return np.repeat(np.arange(len(starts)), np.diff(np.append(starts, length)))


def materialise(tables: duckdb.DuckDBPyConnection, name: str, columns: Mapping[str, Any]) -> None:
    """Make the temporary table `name` of these columns: a join against a registered Python object cannot be planned."""
    # A result that somebody left open (fetchone) would make DuckDB 2 refuse to register anything: the next one ends it.
    tables.execute("SELECT 1").fetchall()
    tables.register("arriving", pa.table(dict(columns)))
    tables.execute(f"CREATE OR REPLACE TEMP TABLE {name} AS SELECT * FROM arriving")
    tables.unregister("arriving")
