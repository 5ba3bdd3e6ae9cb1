"""Resale without codes, the people: who has no usual house for an outlet's drugs, all of its drugs taken together."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Final

import duckdb
import numpy as np
from numpy.typing import NDArray

from ringtrace.detectors.peers import benjamini_hochberg

FEWEST: Final = 3
STRICT_FDR: Final = 0.02
JOINING_FDR: Final = 0.05
"""Where `FEWEST` people stand out at the strict rate, all who do at the other belong to them."""

LEAST_DRAWS: Final = 4

SOME: Final = 1.3
"""Times the median pace of takers from which somebody draws more than they do."""

OWN_HABIT: Final = 1.25
"""Times the part of early draws among somebody's other drugs that those among the outlet's drugs must make up.

Half an early draw in four is added to the others, so that who hardly takes anything else is not accused for that.
"""


def spread_drawers(
    tables: duckdb.DuckDBPyConnection, substances: Mapping[str, set[str]], asked: Sequence[str]
) -> dict[str, dict[str, float]]:
    """For each outlet (`substances`: place → what it sells without packs), the people who draw that all over town.

    `asked`: the substances of all of the city's outlets. Reads the temporary table `substance_draws` (`over_drawers`).

    A buyer's list goes to everyone who draws for him: the outlet's substances are taken together, and it counts how
    many of them somebody draws. Who needs a drug has a house for it; who draws it for sale goes where nobody has just
    seen him. So

        T = ln places + ln(1 + early) + ln(doses a day / takers' median) + 2·ln(1 + institutions) − 2·ln s,

    s being the part of the draws at the place that gave most (the weights are judged). p = the part of all people with
    a T as large over as many other substances, drawn by lot from their own, times the part of the outlet's users who
    draw as many of its substances. Benjamini–Hochberg at `STRICT_FDR`, and where `FEWEST` people stand out so, at
    `JOINING_FDR`; of these who draws `SOME` times what takers do, and early `OWN_HABIT` times as often as what no
    outlet of the city sells without packs. Gives place → person → p.
    """
    found: dict[str, dict[str, float]] = {}
    nulls: dict[int, NDArray[np.float64]] = {}
    for place, own in substances.items():
        users = tables.execute(
            f"""
            WITH pooled AS (SELECT psn_no, count(*) AS m, {POOLED} FROM substance_draws
                            WHERE list_contains($own, substance) GROUP BY 1 HAVING sum(n) >= {LEAST_DRAWS}),
            others AS (SELECT psn_no, sum(n) AS n, sum(early) AS early FROM substance_draws
                       WHERE NOT list_contains($asked, substance) AND psn_no IN (SELECT psn_no FROM pooled) GROUP BY 1)
            SELECT p.psn_no, p.m, {UNUSUAL} AS unusual,
                   p.relative >= {SOME}
                   AND p.early > {OWN_HABIT} * p.n * (coalesce(o.early, 0) + 0.5) / (coalesce(o.n, 0) + 4) AS kept
            FROM pooled p LEFT JOIN others o USING (psn_no) ORDER BY 1
            """,
            {"own": sorted(own), "asked": list(asked)},
        ).fetchnumpy()
        number = np.asarray(users["m"], dtype=int)
        if not len(number):
            continue
        p_values = np.ones(len(number))
        for m in np.unique(number):
            null = nulls.setdefault(int(m), _null(tables, asked, int(m)))
            same = number == m
            at_least = len(null) - np.searchsorted(null, np.asarray(users["unusual"], dtype=float)[same])
            p_values[same] = (at_least + 1) / (len(null) + 1) * np.mean(number >= m)
        kept = np.asarray(users["kept"], dtype=bool)
        if (benjamini_hochberg(p_values, STRICT_FDR) & kept).sum() >= FEWEST:
            joined = np.flatnonzero(benjamini_hochberg(p_values, JOINING_FDR) & kept)
            found[place] = {str(users["psn_no"][each]): float(p_values[each]) for each in joined}
    return found


POOLED: Final = """
    sum(n) AS n, sum(early) AS early, sum(here) / sum(n) AS share, max(everywhere) AS everywhere,
    max(places) AS places, max(relative) AS relative"""

UNUSUAL: Final = """
    round(ln(least(p.everywhere, 12)) + ln(1 + p.early) + ln(greatest(0.5, least(4, p.relative)))
          + 2 * ln(1 + p.places) - 2 * ln(p.share), 9)"""


def _null(tables: duckdb.DuckDBPyConnection, asked: Sequence[str], number: int) -> NDArray[np.float64]:
    """T, ascending, of everyone over `number` of their own substances, by lot, of those not `asked`."""
    drawn = tables.execute(
        f"""
        WITH lots AS (
            FROM (SELECT *, sum(n) OVER (PARTITION BY psn_no) AS total FROM substance_draws
                  WHERE NOT list_contains($asked, substance))
            -- The lot is drawn by what somebody draws and not by a name, which a delivery may change.
            QUALIFY row_number() OVER (PARTITION BY psn_no ORDER BY md5(concat(substance, ' ', total))) <= $number
        ), pooled AS (
            SELECT psn_no, count(*) AS m, {POOLED} FROM lots GROUP BY 1
            HAVING count(*) = $number AND sum(n) >= {LEAST_DRAWS}
        )
        SELECT {UNUSUAL} AS unusual FROM pooled p ORDER BY 1
        """,
        {"asked": list(asked), "number": number},
    ).fetchnumpy()
    return np.asarray(drawn["unusual"], dtype=np.float64)
