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

import duckdb
import numpy as np
from scipy import stats

from ringtrace.detectors.arrays import Bools, Floats, Ints, fetch_arrays


@dataclass(frozen=True, slots=True)
class PairTest:
    """Validated pairs: persons `left` < `right`, days met, expected days, p-value; and the number of hypotheses."""

    left: Ints
    right: Ints
    days: Ints
    expected: Floats
    p_value: Floats
    hypotheses: int


def benjamini_hochberg(p_values: Floats, hypotheses: int, rate: float) -> Bools:
    """Which p-values are rejected at the false-discovery `rate` among `hypotheses`; those not given count as 1."""
    order = np.argsort(p_values, kind="stable")
    passed = p_values[order] <= rate * np.arange(1, len(p_values) + 1) / max(hypotheses, 1)
    rejected = np.zeros(len(p_values), dtype=bool)
    if passed.any():
        rejected[order[: int(np.flatnonzero(passed)[-1]) + 1]] = True
    return rejected


def crowded_out(tables: duckdb.DuckDBPyConnection, max_crowd: int) -> int:
    """Visits left out of the pair join since more than `max_crowd` others were there within the window."""
    row = tables.execute("SELECT count(*) FROM visit WHERE crowd > $limit", {"limit": max_crowd}).fetchone()
    return int(row[0]) if row else 0


def validated_pairs(
    tables: duckdb.DuckDBPyConnection, *, window: int, min_days: int, max_crowd: int, rate: float
) -> PairTest:
    """Pairs that met on at least `min_days` days and survive Benjamini–Hochberg at `rate`.

    The join is on (place, time bucket) and the neighbour bucket; visits amid more than `max_crowd` others are left
    out of it, which bounds its size by max_crowd pairs a visit. Needs the tables of `build_visits`.
    """
    tables.execute(
        f"""
        CREATE OR REPLACE TEMP TABLE visit_bucket AS
        SELECT person, place, t, day, t // {int(window)} AS bucket FROM visit WHERE crowd BETWEEN 1 AND $limit
        """,
        {"limit": max_crowd},
    )
    tables.execute(
        f"""
        CREATE OR REPLACE TEMP TABLE co_visit AS
        SELECT least(a.person, b.person) AS l, greatest(a.person, b.person) AS r, count(DISTINCT a.day) AS days
        FROM visit_bucket a
        JOIN (
            SELECT *, bucket AS met FROM visit_bucket UNION ALL SELECT *, bucket - 1 FROM visit_bucket
        ) b ON a.place = b.place AND a.bucket = b.met
        WHERE a.person <> b.person AND b.t - a.t BETWEEN 0 AND {int(window)}
            AND (b.t > a.t OR a.person < b.person)
        GROUP BY l, r HAVING days >= $days
        """,
        {"days": min_days},
    )
    tables.execute("DROP TABLE visit_bucket")
    found = fetch_arrays(
        tables,
        """
        WITH habit AS (SELECT person, place, count(*) AS n, sum(crowd) AS f FROM visit GROUP BY ALL)
        SELECT c.l, c.r, any_value(c.days) AS days,
            sum((a.f * b.n + b.f * a.n) / (2.0 * s.n)) AS expected
        FROM co_visit c JOIN habit a ON a.person = c.l JOIN habit b ON b.person = c.r AND b.place = a.place
        JOIN visit_place s ON s.place = a.place
        GROUP BY c.l, c.r ORDER BY c.l, c.r
        """,
    )
    row = tables.execute("SELECT coalesce(sum(persons * (persons - 1) // 2), 0) FROM visit_place").fetchone()
    hypotheses = int(row[0]) if row else 0
    days, expected = found["days"].astype(np.int64), found["expected"].astype(np.float64)
    p_value = stats.poisson.sf(days - 1, expected)
    kept = benjamini_hochberg(p_value, hypotheses, rate)
    return PairTest(
        found["l"].astype(np.int64)[kept],
        found["r"].astype(np.int64)[kept],
        days[kept],
        expected[kept],
        p_value[kept],
        hypotheses,
    )
