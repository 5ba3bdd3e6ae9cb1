"""All shops of a city in short: of buyers whose visits show the same, one stands for all.

Most buyers of most shops came a few times and nothing was odd, so that a shop of ten thousand visits has some hundred
different buyers. Weighing these costs little, and only the few shops where their evidence is joint are read in full.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any, Final

import duckdb
import numpy as np
from numpy.typing import NDArray

from ringtrace.detectors.arrays import fetch_arrays, run_starts
from ringtrace.detectors.collusion.mixture import Copies, Counts, Floats, Seen
from ringtrace.detectors.collusion.signals import PERSON_SIGNALS, VISIT_SIGNALS, trials_of

SHOWN_ONLY: Final = ("burst",)
"""Signals that stand on a finding but do not help to make it: families, carers and shift ends come together as well,
and as evidence they would draw the mixture to them."""

BASE: Final = 6
"""A signal in short: unknown, or shown by none to four quarters."""


@dataclass(frozen=True, slots=True)
class Digest:
    """One shop: `visits` one row a buyer and kind of visit, buyer by buyer from `starts`; `trials` what they are worth;
    `persons` one row a buyer; `copies` how often each is meant. `number` is that of the visits in all.
    """

    place: str
    retail: bool
    visits: Floats
    trials: Floats
    starts: NDArray[np.int64]
    persons: Floats
    copies: Copies
    number: int

    def rates(self) -> tuple[Floats, Floats]:
        """Part of all visits that show each signal, and that are those of buyers who show each; NaN where unknown."""
        sizes = np.diff(np.append(self.starts, len(self.visits)))
        alike = np.repeat(self.copies.buyers, sizes)
        own = np.repeat(self.persons, sizes, axis=0)
        weight = alike * self.copies.visits
        return _mean(Seen.of(self.visits, self.trials).counts(weight)), _mean(Seen.of(own).counts(weight))


def _mean(counts: Counts) -> Floats:
    known = counts.shown + counts.absent
    return np.asarray(np.where(known > 0, counts.shown / np.maximum(known, 1), np.nan))


def digests(tables: duckdb.DuckDBPyConnection, without: frozenset[str] = frozenset()) -> Iterator[Digest]:
    """Every shop in order of its code; needs `till_visits`, `till_buyers`, `till_names`.

    Signals named in `without` (signal.…) are taken for unknown.
    """
    silent = {*SHOWN_ONLY, *(name.removeprefix("signal.") for name in without)}
    tables.execute(f"""
        CREATE OR REPLACE TEMP TABLE till_patterns AS
        SELECT pair, pattern, any_value(shop) AS shop, CAST(count(*) AS INTEGER) AS n
        FROM (SELECT pair, shop, {_coded(VISIT_SIGNALS, silent)} + lines * {BASE ** len(VISIT_SIGNALS)} AS pattern
              FROM till_visits) GROUP BY 1, 2
    """)
    found = fetch_arrays(
        tables,
        f"""
        WITH alike AS (
            SELECT pair, any_value(shop) AS shop, bit_xor(hash(pattern, n)) AS shown FROM till_patterns GROUP BY 1
        ), kinds AS (
            SELECT a.shop, min(a.pair) AS pair, count(*) AS buyers, b.own
            FROM alike a JOIN (SELECT pair, {_coded(PERSON_SIGNALS, silent)} AS own FROM till_buyers) b
              ON b.pair = a.pair
            GROUP BY a.shop, a.shown, b.own
        )
        SELECT k.shop, k.pair, k.buyers, k.own, p.pattern, p.n
        FROM till_patterns p JOIN kinds k ON k.pair = p.pair ORDER BY k.shop, k.pair, p.pattern
        """,
    )
    names: dict[int, tuple[str, bool]] = {
        shop: (place, retail)
        for shop, place, retail in tables.execute("""
            WITH shops AS (SELECT shop, min(pair) AS pair, bool_or(retail) AS retail FROM till_base GROUP BY 1)
            SELECT s.shop, n.place, s.retail FROM shops s JOIN till_names n ON n.pair = s.pair
        """).fetchall()
    }
    bounds = run_starts(found["shop"])
    ends = np.append(bounds, len(found["shop"]))[1:]
    for shop, start, end in sorted(
        zip(found["shop"][bounds].tolist(), bounds.tolist(), ends.tolist(), strict=True),
        key=lambda each: names[each[0]],
    ):
        mine = {name: column[start:end] for name, column in found.items()}
        starts = run_starts(mine["pair"])
        buyers = mine["buyers"].astype(np.float64)
        yield Digest(
            *names[shop],
            visits=_decoded(mine["pattern"], VISIT_SIGNALS),
            trials=trials_of(mine["pattern"] // BASE ** len(VISIT_SIGNALS)),
            starts=starts,
            persons=_decoded(mine["own"][starts], PERSON_SIGNALS),
            copies=Copies(mine["n"].astype(np.float64), buyers[starts]),
            number=int((buyers * mine["n"]).sum()),
        )


def _coded(names: Sequence[str], silent: set[str]) -> str:
    """SQL for the signals as one number: a digit to `BASE` each, 0 unknown, 1 not shown, 5 shown in full."""
    digits = (f"coalesce(4 * {name} + 1, 0) * {BASE**place}" for place, name in enumerate(names) if name not in silent)
    return f"CAST({' + '.join((*digits, '0'))} AS BIGINT)"


def _decoded(codes: NDArray[Any], names: Sequence[str]) -> Floats:
    digits = codes[:, None].astype(np.int64) // BASE ** np.arange(len(names)) % BASE
    return np.where(digits == 0, np.nan, (digits - 1) / 4)
