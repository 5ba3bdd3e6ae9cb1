"""Co-visits: pairs of people at one place within minutes of each other more often than that place's footfall gives.

Null model. A visit of person i at place s saw `crowd` other visits within the window. If those were drawn at random
from all V_s visits of the place, j (with n_js visits there) is among them with a chance of about crowd · n_js / V_s.
Summed over i's visits, averaged over both directions, and summed over the places both use:

    λ_ij = Σ_s (F_is · n_js + F_js · n_is) / (2 V_s),     F_is = Σ crowd over i's visits at s

So a member day, a market day or a shift's end, being crowded, explains the meetings that happen in it. The number of
days on which the pair met, O_ij, is compared with Poisson(λ_ij): p = P(X ≥ O_ij). The Benjamini–Hochberg procedure
runs over all pairs that could have met, Σ_s persons_s (persons_s − 1) / 2, of which the unobserved have p = 1.

Sources: Tumminello et al. 2011 (statistically validated networks, doi:10.1371/journal.pone.0017994), Benjamini &
Hochberg 1995; window and footfall after Cao et al. 2014 (SynchroTrap).
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

import duckdb
import numpy as np
from scipy import stats

from ringtrace.detectors.arrays import Bools, Floats, Ints, fetch_arrays, fetch_number, run_starts
from ringtrace.detectors.rings.footfall import Footfall
from ringtrace.detectors.rings.thresholds import RingThresholds
from ringtrace.detectors.rings.trios import recurring_trios

PORTION: Final = 8_000_000
"""Pairs that are counted at once: their hash table then takes some hundred megabytes."""


@dataclass(frozen=True, slots=True)
class PairTest:
    """Pairs that met too often: persons `left` < `right`, days met, expected days, p-value, whether the p-value is
    small enough for this many `hypotheses`, and whether the pair belongs to a trio that met twice (`trios`).
    """

    left: Ints
    right: Ints
    days: Ints
    expected: Floats
    p_value: Floats
    validated: Bools
    recurring: Bools
    hypotheses: int


def benjamini_hochberg(p_values: Floats, hypotheses: int, rate: float) -> Bools:
    """Which p-values are rejected at the false-discovery `rate` among `hypotheses`; those not given count as 1."""
    order = np.argsort(p_values, kind="stable")
    passed = p_values[order] <= rate * np.arange(1, len(p_values) + 1) / max(hypotheses, 1)
    rejected = np.zeros(len(p_values), dtype=bool)
    if passed.any():
        rejected[order[: int(np.flatnonzero(passed)[-1]) + 1]] = True
    return rejected


def crowded_out(footfall: Footfall, max_crowd: int) -> int:
    """Visits left out of the pair join since more than `max_crowd` others were there within the window."""
    return int((footfall.crowd > max_crowd).sum())


def co_visiting_pairs(tables: duckdb.DuckDBPyConnection, footfall: Footfall, limits: RingThresholds) -> PairTest:
    """Pairs that met on at least `min_days` days, more often than footfall gives.

    Those that survive Benjamini–Hochberg at the rate `false_discovery` are `validated`. Among all pairs of a city a
    ring that meets eight times a year does not; so pairs with p ≤ `weak_pair` are given too, and it is for the group
    to be tested as a whole. So are pairs that met on two days only, if a third was with them on both.

    Visits amid more than `max_crowd` others are left out of the join, which bounds it by max_crowd pairs a visit.
    Needs the tables of `build_visits`.
    """
    _join_pairs(tables, footfall, limits)
    found = fetch_arrays(
        tables,
        """
        WITH habit AS (SELECT person, place, count(*) AS n, sum(crowd) AS f FROM visit GROUP BY ALL)
        SELECT c.l, c.r, any_value(c.days) AS days, sum((a.f * b.n + b.f * a.n) / (2.0 * s.n)) AS expected
        FROM co_visit c JOIN habit a ON a.person = c.l JOIN habit b ON b.person = c.r AND b.place = a.place
        JOIN (SELECT place, count(*) AS n FROM visit GROUP BY place) s ON s.place = a.place
        GROUP BY c.l, c.r ORDER BY c.l, c.r
        """,
    )
    hypotheses = fetch_number(tables, "SELECT sum(persons * (persons - 1) // 2) FROM visit_place")
    days, expected = found["days"].astype(np.int64), found["expected"].astype(np.float64)
    p_value = stats.poisson.sf(days - 1, expected)
    enough = days >= limits.min_days
    validated = enough & benjamini_hochberg(np.where(enough, p_value, 1.0), hypotheses, limits.false_discovery)
    weak = p_value <= limits.weak_pair
    trios = recurring_trios(tables)
    tables.execute("DROP TABLE met_day")
    left, right = found["l"].astype(np.int64), found["r"].astype(np.int64)
    recurring = weak & np.fromiter((pair in trios for pair in zip(left.tolist(), right.tolist(), strict=True)), bool)
    kept = validated | (weak & enough) | recurring
    return PairTest(
        left[kept],
        right[kept],
        days[kept],
        expected[kept],
        p_value[kept],
        validated[kept],
        recurring[kept],
        hypotheses,
    )


def _join_pairs(tables: duckdb.DuckDBPyConnection, footfall: Footfall, limits: RingThresholds) -> None:
    """Make `met_day(l, r, place, day)` and `co_visit(l, r, days)` of pairs with two days together or more.

    Two passes: most pairs meet once. The first goes through the places a few at a time, so that these never pile up in
    memory, and keeps the pairs that met twice at a place; the second looks up the days of the few that are left.
    """
    window = int(limits.window)
    tables.execute(
        f"""
        CREATE OR REPLACE TEMP TABLE visit_bucket AS
        SELECT person, place, t, t // {window} AS bucket FROM visit WHERE crowd BETWEEN 1 AND $limit ORDER BY place, t
        """,
        {"limit": limits.max_crowd},
    )
    tables.execute("CREATE OR REPLACE TEMP TABLE met_often (l INTEGER, r INTEGER, n BIGINT)")
    for first, last in _portions(footfall, limits.max_crowd):
        tables.execute(
            f"""
            INSERT INTO met_often
            WITH here AS (SELECT * FROM visit_bucket WHERE place BETWEEN $first AND $last)
            SELECT least(a.person, b.person), greatest(a.person, b.person), count(*) AS n
            FROM here a
            JOIN (SELECT *, bucket AS met FROM here UNION ALL SELECT *, bucket - 1 FROM here) b
                ON a.place = b.place AND a.bucket = b.met
            WHERE a.person <> b.person AND b.t - a.t BETWEEN 0 AND {window} AND (b.t > a.t OR a.person < b.person)
            GROUP BY ALL HAVING n >= 2
            """,
            {"first": first, "last": last},
        )
    tables.execute(
        f"""
        CREATE OR REPLACE TEMP TABLE met_day AS
        WITH often AS (SELECT person, count(*) AS n FROM visit_bucket GROUP BY person),
        pair AS (
            -- Begin with whoever comes seldom: a stand-in person with ten thousand visits meets everyone.
            SELECT DISTINCT l, r, CASE WHEN a.n <= b.n THEN l ELSE r END AS rare,
                CASE WHEN a.n <= b.n THEN r ELSE l END AS frequent
            FROM met_often c JOIN often a ON a.person = c.l JOIN often b ON b.person = c.r
        )
        SELECT c.l, c.r, a.place, least(a.t, b.t) // 86400 AS day
        FROM pair c
        JOIN (SELECT v.*, bucket + near AS met FROM visit_bucket v, (VALUES (-1), (0), (1)) step(near)) a
            ON a.person = c.rare
        JOIN visit_bucket b ON b.person = c.frequent AND b.place = a.place AND b.bucket = a.met
        WHERE abs(b.t - a.t) <= {window}
        GROUP BY ALL
        """
    )
    tables.execute(
        "CREATE OR REPLACE TEMP TABLE co_visit AS "
        "SELECT l, r, count(DISTINCT day) AS days FROM met_day GROUP BY l, r HAVING days >= 2"
    )
    tables.execute("DROP TABLE visit_bucket")
    tables.execute("DROP TABLE met_often")


def _portions(footfall: Footfall, max_crowd: int) -> list[tuple[int, int]]:
    """Ranges of place numbers (both ends included) with about `PORTION` pairs each."""
    met = np.where(footfall.crowd <= max_crowd, footfall.crowd, 0) / 2
    load = np.cumsum(np.bincount(footfall.place, weights=met, minlength=len(footfall.place_visits)))
    portion = (load / PORTION).astype(np.int64)
    first = run_starts(portion)
    return [(int(begin), int(end) - 1) for begin, end in zip(first, [*first[1:], len(load)], strict=True)]
