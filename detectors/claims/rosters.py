"""Rosters: the living whose credentials a provider of the dead bills together with those of the dead."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import duckdb


@dataclass(frozen=True)
class RosterThresholds:
    """`roster_days`: days on which a living person must be billed what the dead were billed that day.
    `roster_lines`: lines that a bill must have to be a pattern: one drug alone is many people's.
    `roster_others`: share of the place's other bills with such a pattern above which it is usual there.
    """

    roster_days: int = 3
    roster_lines: int = 2
    roster_others: float = 0.05


@dataclass(frozen=True, slots=True)
class Entry:
    """A settlement of a living person that repeats a bill of the dead on one of their days."""

    person: str
    setl_id: str


def billed_with_the_dead(
    tables: duckdb.DuckDBPyConnection, place: str, settlements: Sequence[str], limits: RosterThresholds
) -> list[Entry]:
    """Who at `place` got, on the days of the `settlements` of the dead, the very bill of the dead, again and again.

    A pattern is a bill's drugs and packs; any pattern of the dead counts, as a roster may use several. Nobody is named
    where others of the place get such bills, too: then it is the common treatment and the day a common day.
    """
    rows = tables.execute(
        """
        WITH bills AS (
            SELECT s.setl_id, s.psn_no, CAST(s.t AS DATE) AS day,
                   list(hash(i.med_list_codg, i.cnt) ORDER BY i.med_list_codg, i.cnt) AS pattern
            FROM standing s JOIN settlement_items i ON i.setl_id = s.setl_id
            WHERE s.place = $place AND NOT s.by_hand GROUP BY 1, 2, 3
        ), dead AS (
            SELECT psn_no, day, pattern FROM bills WHERE list_contains($settlements::VARCHAR[], setl_id)
        ), alike AS (
            SELECT b.*, b.day IN (SELECT day FROM dead) AS together FROM bills b
            WHERE len(b.pattern) >= $lines AND b.pattern IN (SELECT pattern FROM dead)
              AND b.psn_no NOT IN (SELECT psn_no FROM dead)
        ), listed AS (
            SELECT psn_no FROM alike WHERE together GROUP BY 1 HAVING count(DISTINCT day) >= $days
        ), others AS (
            SELECT count(*) AS bills, count(*) FILTER (setl_id IN (SELECT setl_id FROM alike)) AS alike FROM bills
            WHERE psn_no NOT IN (SELECT psn_no FROM dead) AND psn_no NOT IN (SELECT psn_no FROM listed)
        )
        SELECT a.psn_no, a.setl_id FROM alike a JOIN listed USING (psn_no), others o
        WHERE a.together AND o.alike <= $others * o.bills ORDER BY ALL
        """,
        {
            "place": place, "settlements": list(settlements), "lines": limits.roster_lines,
            "days": limits.roster_days, "others": limits.roster_others,
        },
    ).fetchall()  # fmt: skip
    return [Entry(person, setl_id) for person, setl_id in rows]
