"""Signs that a hospital stay's patient was not there, each by one statement over the stays."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection
from dataclasses import dataclass
from datetime import datetime
from typing import Final

import duckdb

from ringtrace.detectors.claims.frequent_visits import SERIAL_CARE

SINGLE_DAYS: Final = 500
"""Days of stay at the rate of stays with one errand at most, that are added to those of the other hospitals."""


@dataclass(frozen=True, slots=True)
class Sign:
    signal: str
    person: str
    settlements: tuple[str, ...]
    elsewhere: str | None
    opened: datetime
    closed: datetime


def elsewhere(tables: duckdb.DuckDBPyConnection) -> dict[str, list[Sign]]:
    """Stays during which the same person was served at another place, on a day that is neither first nor last."""
    tables.execute("""
        CREATE OR REPLACE TEMP TABLE seen_elsewhere AS
        SELECT k.place, k.stay, k.psn_no, k.settlements, k.opened, k.closed, e.setl_id, e.t,
               CASE WHEN e.med_type = '21' THEN 'other_stay' WHEN e.hospital THEN 'other_care' ELSE 'pharmacy' END
               AS signal
        FROM stays k JOIN standing e ON e.psn_no = k.psn_no AND e.place <> k.place AND NOT e.by_hand
        WHERE CASE WHEN e.med_type = '21'
                   THEN greatest(CAST(e.opened AS DATE), CAST(k.opened AS DATE)) + 1
                        < least(CAST(e.closed AS DATE), CAST(k.closed AS DATE))
                   ELSE CAST(e.t AS DATE) > CAST(k.opened AS DATE) AND CAST(e.t AS DATE) < CAST(k.closed AS DATE) END;
        CREATE OR REPLACE TEMP TABLE out_days AS
        SELECT place, stay, count(DISTINCT CAST(t AS DATE)) AS days FROM seen_elsewhere
        WHERE signal <> 'other_stay' GROUP BY 1, 2
    """)
    rows = tables.execute("""
        SELECT place, signal, psn_no, settlements, min_by(setl_id, (t, setl_id)), opened, closed
        FROM seen_elsewhere GROUP BY place, stay, psn_no, settlements, opened, closed, signal
        UNION ALL
        SELECT s.place, 'again', s.psn_no, s.settlements, max_by(s.setl_id, (s.t, s.setl_id)), s.opened, s.closed
        FROM seen_elsewhere s JOIN out_days o ON o.place = s.place AND o.stay = s.stay
        WHERE o.days >= 2 AND s.signal <> 'other_stay'
        GROUP BY s.place, s.stay, s.psn_no, s.settlements, s.opened, s.closed
        ORDER BY ALL
    """).fetchall()
    return _signs(rows)


def twice_by_chance(tables: duckdb.DuckDBPyConnection, place: str, left_out: Collection[str]) -> float:
    """Stays of a hospital that would have errands on two days, if errands came singly at the other hospitals' rate.

    P(X ≥ 2), X ~ Poisson(errand days a day of stay elsewhere · inner days of the stay), doubled since families differ.
    The rate is that of the hospitals that are not `left_out`, with `SINGLE_DAYS` days added at the rate of all stays,
    any hospital's, that have one errand day at most: stays of people who were not there have several, and so tell
    nothing there.
    """
    row = tables.execute(
        """
        WITH inner_days AS (
            SELECT k.place, greatest(0, date_diff('day', k.opened, k.closed) - 1) AS days, coalesce(o.days, 0) AS out,
                   k.place <> $place AND NOT list_contains($left_out::VARCHAR[], k.place) AS usual
            FROM stays k LEFT JOIN out_days o ON o.place = k.place AND o.stay = k.stay
        ), single AS (
            SELECT (sum(out) + 0.5) / (sum(days) + 100) AS pace FROM inner_days WHERE out <= 1
        ), usual AS (
            SELECT (coalesce(sum(out) FILTER (usual), 0) + $single_days * any_value(pace))
                   / (coalesce(sum(days) FILTER (usual), 0) + $single_days) AS pace FROM inner_days, single
        )
        SELECT sum(2 * (1 - exp(-pace * days) * (1 + pace * days))) FROM inner_days, usual WHERE place = $place
        """,
        {"place": place, "left_out": sorted(left_out), "single_days": SINGLE_DAYS},
    ).fetchall()
    return float(row[0][0] or 0.0)


def in_batches(tables: duckdb.DuckDBPyConnection, batch_people: int) -> dict[str, list[Sign]]:
    """Stays of people who are admitted and discharged together, to the day or two, the same people twice or more.

    Care that comes in series (chemotherapy every third week) brings the same people together, and is left out.
    """
    rows = tables.execute(
        """
        WITH of_batch AS (  -- pairs of days, and those a day later: apart for both ends, as a stay may have odd nights
            SELECT place, psn_no, settlements, opened, closed,
                   hash(i.shift, (date_diff('day', DATE '2000-01-01', opened) + i.shift) // 2,
                        o.shift, (date_diff('day', DATE '2000-01-01', closed) + o.shift) // 2) AS batch
            FROM stays CROSS JOIN (VALUES (0), (1)) AS i(shift) CROSS JOIN (VALUES (0), (1)) AS o(shift)
            WHERE NOT coalesce(regexp_matches(disease, $series), false)
            QUALIFY count(DISTINCT psn_no) OVER (PARTITION BY place, batch) >= $people
        ), met AS (
            SELECT a.place, a.batch AS one, b.batch AS other FROM of_batch a
            JOIN of_batch b ON b.place = a.place AND b.psn_no = a.psn_no AND b.opened <> a.opened
            GROUP BY 1, 2, 3 HAVING count(DISTINCT a.psn_no) >= $people
        )
        SELECT DISTINCT a.place, 'batch', a.psn_no, a.settlements, NULL, a.opened, a.closed
        FROM of_batch a JOIN met ON met.place = a.place AND met.one = a.batch
        JOIN of_batch b ON b.place = a.place AND b.batch = met.other AND b.psn_no = a.psn_no AND b.opened <> a.opened
        ORDER BY ALL
        """,
        {"people": batch_people, "series": SERIAL_CARE},
    ).fetchall()
    return _signs(rows)


def of_the_dead(tables: duckdb.DuckDBPyConnection) -> dict[str, list[Sign]]:
    """Stays that begin after the patient's death; not of who is still served at two other places, and so may live."""
    rows = tables.execute("""
        SELECT k.place, 'dead', k.psn_no, k.settlements, NULL, k.opened, k.closed
        FROM stays k JOIN persons p ON p.psn_no = k.psn_no
        LEFT JOIN standing e ON e.psn_no = k.psn_no AND e.place <> k.place AND CAST(e.t AS DATE) > p.die_date
        WHERE CAST(k.opened AS DATE) > p.die_date
        GROUP BY ALL HAVING count(DISTINCT e.place) < 2 ORDER BY ALL
    """).fetchall()
    return _signs(rows)


def dead_otherwise(tables: duckdb.DuckDBPyConnection) -> float:
    """Share of the settlements other than stays that follow their patient's death: how often the register errs, or a
    family goes on; with half a case among fifty assumed beforehand.
    """
    rows = tables.execute("""
        SELECT (count(*) FILTER (CAST(s.t AS DATE) > p.die_date) + 0.5) / (count(*) + 50)
        FROM standing s LEFT JOIN persons p ON p.psn_no = s.psn_no WHERE s.med_type IS DISTINCT FROM '21'
    """).fetchall()
    return float(rows[0][0])


def without_care(tables: duckdb.DuckDBPyConnection) -> dict[str, list[Sign]]:
    """Stays that were paid and have not one line of care behind them."""
    rows = tables.execute("""
        WITH paid AS (SELECT place, psn_no, stay, unnest(settlements) AS setl_id FROM stays
        ), cared AS (
            SELECT DISTINCT p.place, p.psn_no, p.stay FROM paid p SEMI JOIN settlement_items i ON i.setl_id = p.setl_id
        )
        SELECT k.place, 'no_care', k.psn_no, k.settlements, NULL, k.opened, k.closed
        FROM stays k ANTI JOIN cared c ON c.place = k.place AND c.psn_no = k.psn_no AND c.stay = k.stay
        ORDER BY ALL
    """).fetchall()
    return _signs(rows)


def _signs(rows: list[tuple[str, str, str, list[str], str | None, datetime, datetime]]) -> dict[str, list[Sign]]:
    found: dict[str, list[Sign]] = defaultdict(list)
    for place, signal, person, settlements, elsewhere, opened, closed in rows:
        found[place].append(Sign(signal, person, tuple(settlements), elsewhere, opened, closed))
    return found
