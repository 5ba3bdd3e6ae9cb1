"""What each visit to a counter shows: the signals that pharmacy collusion adds up, one row a visit.

Every signal is 1 or 0 (`uncoded` also a quarter, a half or three quarters), or NULL where it cannot be known: no
ledger, no opening hours, times to the day. NULL weighs nothing either way.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

import duckdb
import numpy as np
from numpy.typing import NDArray

from ringtrace.detectors.collusion.shelf import till_goods
from ringtrace.detectors.collusion.till import odd_visits, till_base
from ringtrace.detectors.packs.sales import times_have_hours

VISIT_SIGNALS: Final = (
    "unrecorded",
    "uncoded",
    "reused",
    "lent",
    "off_hours",
    "burst",
    "surge",
    "run",
    "repeated",
    "filled",
    "drain",
)
PERSON_SIGNALS: Final = ("short", "far", "no_illness")

FAMILIES: Final[dict[str, tuple[str, ...]]] = {
    "ledger": ("unrecorded", "short"),
    "codes": ("uncoded", "reused", "lent"),
    "till": ("off_hours", "surge", "run", "repeated", "filled"),
    "money": ("drain",),
    "buyers": ("far", "no_illness"),
}
"""Signals that share a cause. Joint evidence must come from two families at least, since one cause may be innocent."""

MOST_LINES: Final = 5
"""Lines of a visit from which further ones add no evidence."""

LIKENESS: Final = 0.25
"""Judged correlation of whether two lines of one visit lack codes: a scanner is down, or somebody in a hurry."""


def silenced(values: NDArray[np.float64], names: Sequence[str], silent: Sequence[str]) -> NDArray[np.float64]:
    """The signals, a column each by `names`, with the `silent` ones unknown."""
    return np.where(np.isin(names, silent), np.nan, values)


def trials_of(lines: NDArray[np.integer]) -> NDArray[np.float64]:
    """How many independent visits each signal of a visit with so many lines is worth: a row a visit, a column a signal.

    One; of `uncoded` n / (1 + (n − 1) · `LIKENESS`), Kish's effective size of a cluster of n (Survey Sampling, 1965).
    """
    n = np.maximum(lines, 1).astype(np.float64)
    effective = n / (1 + (n - 1) * LIKENESS)
    return np.where(np.isin(VISIT_SIGNALS, "uncoded"), effective[:, None], 1.0)


def collusion_signals(tables: duckdb.DuckDBPyConnection) -> None:
    """Make the temporary table `till_visits`: `visit`, `shop`, `pair` (shop and buyer), `t`, `total`, `lines`, and the
    signals.

    The first three are hashes, as in `sale_lines`; `till_names` gives `place` and `psn_no` of a `pair`. `lines` are
    those on which a code is to be expected, up to `MOST_LINES`.

    `short` stands there too, for `collusion_buyers`: it holds a drug of which the shop claims more than its stock could
    cover (`ledger`). It belongs to the drug, and chronic patients buy the same drug every month, so that it counts once
    a buyer.

    unrecorded   none of its packs is among the sales that the shop's own ledger records for that drug and day, or the
                 ledger takes the sale back and the claim stands
    uncoded      part of its packs without a trace code, in a month when the shop scans and for drugs that are scanned
    reused       a code of it had been sold before at this shop, with nothing to explain it (`trace_codes`)
    lent         a code of it was sold again later at this shop: which of the two was feigned, the buyers tell
    off_hours    outside the declared opening hours (a quarter of an hour's grace); undeclared hours: at an hour of day
                 that holds less than a quarter of one hour's even share of the shop's visits
    burst        within a minute of another person's visit in the shop, rarer than 1 in 20 at that hour's footfall
    surge        in a quarter of an hour with six visits or more, so many that neither the shop's visits at that hour of
                 day nor that day's other visits give them (Chernoff's bound for a Poisson number below e^-12)
    run          in an unbroken run of e-credentials that the shop's share of them makes rarer than 1 in 50
    repeated     its total repeats that day beyond what the rest of the year and the other shops' totals make likely; or
                 six people or more paid it here, a part of the shop's visits that only one in fifty visits with a total
                 of that size reaches in the city (each shop has its own prices, so other shops' totals do not compare).
                 NULL where the person had paid it there on an earlier day: the same medicine each month says nothing
    filled       lines of odd amounts add up to a multiple of ten yuan: a quota, or a sum agreed on, that was filled.
                 NULL where the shop had sold the same basket for it on an earlier day, to whomever: its prices are so
    drain        in the last six weeks of a year, nine tenths from the personal account, and 2.5 times the person's own
                 usual total

    Of claims that were handed in later (`uploaded` in `till_base`), off_hours, burst, surge and run are not known.
    """
    hours = times_have_hours(tables)
    till_goods(tables)
    till_base(tables)
    odd_visits(tables, hours=hours)
    tables.execute(f"""
        CREATE TEMP TABLE IF NOT EXISTS till_visits AS
        SELECT b.visit, b.shop, b.pair, b.t, b.total, g.unrecorded, g.uncoded, g.reused, g.lent, g.short,
               CAST(least(coalesce(g.asked, 0), {MOST_LINES}) AS INTEGER) AS lines,
               CASE WHEN b.uploaded THEN NULL WHEN b.visit IN (FROM till_closed) THEN 1
                    WHEN b.shop IN (FROM timed_shops) THEN 0 END AS off_hours,
               CASE WHEN {hours} AND NOT b.uploaded THEN CAST(b.visit IN (FROM till_bursts) AS INTEGER) END AS burst,
               CASE WHEN {hours} AND NOT b.uploaded THEN CAST(b.visit IN (FROM till_surges) AS INTEGER) END AS surge,
               CASE WHEN {hours} AND NOT b.uploaded AND b.e_credential IS NOT NULL
                    THEN CAST(b.visit IN (FROM till_runs) AS INTEGER) END AS run,
               CASE WHEN r.visit IS NULL THEN 0 WHEN r.again THEN NULL ELSE 1 END AS repeated,
               CASE WHEN f.visit IS NULL THEN 0 WHEN f.again THEN NULL ELSE 1 END AS filled,
               CASE WHEN b.acct_pay IS NOT NULL THEN CAST(b.visit IN (FROM till_drains) AS INTEGER) END AS drain
        FROM till_base b
        LEFT JOIN till_goods g ON g.visit = b.visit
        LEFT JOIN till_repeats r ON r.visit = b.visit
        LEFT JOIN till_filled f ON f.visit = b.visit
    """)
