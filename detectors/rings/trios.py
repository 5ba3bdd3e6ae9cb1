"""Recurring trios: three people who met on the same two occasions, the trace of a ring that meets too seldom for pairs.

Of five cards that meet eight times a year, each missing every third time, two meet about three times: too seldom for
any pair to stand out among a city's 10⁸. But that *three* meet twice, on the same two days at the same counters, hardly
happens by chance even where pairs do so all the time (joint occurrence of larger sets as a sharper test than pairs:
Musciotto et al. 2021, "Detecting informative higher-order interactions in statistically validated hypergraphs",
doi:10.1038/s42005-021-00710-4). Trios are only where the search begins; what grows from them is tested like any group.
"""

from __future__ import annotations

from collections import defaultdict
from itertools import combinations, groupby
from typing import Final

import duckdb

MOST_DAYS: Final = 8
"""Pairs that met on more days are found by themselves; leaving them out keeps the pairs of days few."""


def recurring_trios(tables: duckdb.DuckDBPyConnection) -> set[tuple[int, int]]:
    """Pairs (l, r) of persons that are sides of a recurring trio; from `met_day(l, r, place, day)`."""
    rows = tables.execute(
        """
        WITH rare AS (
            SELECT l, r, place, day FROM met_day JOIN visit_place USING (place) WHERE NOT day_only
            QUALIFY count(*) OVER (PARTITION BY l, r) <= $most
        ), twice AS (
            SELECT a.place AS place, a.day AS day, b.place AS other_place, b.day AS other_day, a.l, a.r
            FROM rare a JOIN rare b ON a.l = b.l AND a.r = b.r AND a.day < b.day
        )
        SELECT place, day, other_place, other_day, l, r FROM twice
        QUALIFY count(*) OVER (PARTITION BY place, day, other_place, other_day) >= 3
        ORDER BY ALL
        """,
        {"most": MOST_DAYS},
    ).fetchall()
    sides: set[tuple[int, int]] = set()
    for _, pairs in groupby(rows, key=lambda row: row[:4]):
        sides |= _triangles([(left, right) for *_, left, right in pairs])
    return sides


def _triangles(pairs: list[tuple[int, int]]) -> set[tuple[int, int]]:
    """The pairs (left < right) that are sides of a triangle."""
    known = set(pairs)
    after: dict[int, list[int]] = defaultdict(list)
    for left, right in pairs:
        after[left].append(right)
    return {
        side
        for first, others in after.items()
        for second, third in combinations(sorted(others), 2)
        if (second, third) in known
        for side in ((first, second), (first, third), (second, third))
    }
