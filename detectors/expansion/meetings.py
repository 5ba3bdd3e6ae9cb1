"""Who met the people already known, more often than the footfall at those very hours and their own habits would give.

A seed makes rare rings visible. Among all pairs of a city, eight meetings a year drown; among the few hundred people
whom one person ever stood beside, they do not. Two tests, each on days or occasions met, O:

pair        of a person i already followed with everybody seen within the window of i's visits: O days against
            Poisson(λ), λ = Σ c · n_j / (V − n_i) over i's visits, c the visits of others around it, n_j, n_i and V the
            visits of j, of i and of all at that place (as `rings.co_visits`, but given i's visits)
occasions   where two or more of those followed met, everybody else's presence: O occasions against
            λ = Σ c · n_j / V, c the visits of others at the occasion (the growth step of `rings.grouping`)

Who always comes at nine meets who does, too. So λ is taken a second time from the visits at that time of day only, give
or take an hour, those that met left out of n_j and one put back, and the larger λ counts.

A p-value counts if p · m ≤ `ERROR`, m being all who were seen there at all (Bonferroni). A link's strength is
1 − max(λ, h) / O, where h is what habit gives: the same count with the dates moved by one to four whole weeks
(`rings.habit`). So neighbours who each come on Monday at eight are no link.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Final

import duckdb
from scipy import stats

from ringtrace.detectors.expansion.lead import Link, Node
from ringtrace.findings import EvidenceRef, Message, Value

WINDOW: Final = 900
"""Seconds that count as together, as in the search for rings."""
FEWEST: Final = 3
"""Days or occasions together below which a link says nothing."""
ERROR: Final = 0.01
"""Chance of one false link at a person or at a set of occasions."""
MOST_AROUND: Final = 200
"""Visits amid more others than this are left out: in such a crowd a meeting says nothing."""
MOST_ROWS: Final = 200
"""Settlements that a link cites at most; the earliest, so that the same data cite the same rows."""

STANDING: Final = """
    coalesce(refd_setl_flag, '0') <> '1' AND coalesce(manl_reim_flag, '0') <> '1' AND coalesce(med_type, '') <> '21'
    AND medfee_sumamt >= 0 AND setl_time IS NOT NULL
"""


def gather_visits(tables: duckdb.DuckDBPyConnection, people: Sequence[str]) -> None:
    """Make `near_visit(psn_no, place, t, setl_id, bucket)`: all visits at the places where `people` were.

    A settlement that follows another of the same person there within the window is the same visit. Where most
    settlements of a place carry no time of day, its visits are days.
    """
    tables.execute(
        f"""
        CREATE OR REPLACE TEMP TABLE near_visit AS
        WITH places AS (
            SELECT DISTINCT fixmedins_code FROM settlements WHERE list_contains($people, psn_no) AND {STANDING}
        ), seen AS (
            SELECT psn_no, fixmedins_code AS place, CAST(epoch(setl_time) AS BIGINT) AS moment, min(setl_id) AS setl_id
            FROM settlements SEMI JOIN places USING (fixmedins_code) WHERE {STANDING} GROUP BY ALL
        ), clock AS (
            SELECT place, avg(CAST(moment % 86400 = 0 AS INTEGER)) > 0.5 AS day_only FROM seen GROUP BY place
        ), rounded AS (
            SELECT psn_no, place, CASE WHEN day_only THEN moment // 86400 * 86400 ELSE moment END AS t,
                min(setl_id) AS setl_id
            FROM seen JOIN clock USING (place) GROUP BY ALL
        )
        SELECT *, t // {WINDOW} AS bucket FROM rounded
        QUALIFY t - lag(t, 1, -{WINDOW} - 1) OVER (PARTITION BY psn_no, place ORDER BY t) > {WINDOW}
        """,
        {"people": list(people)},
    )
    tables.execute(
        """
        CREATE OR REPLACE TEMP TABLE near_hour AS  -- visits of each person at each place around each hour of the day
        SELECT psn_no, place, hour, count(*) AS n
        FROM (SELECT psn_no, place, t % 86400 // 3600 + unnest([-1, 0, 1]) AS hour FROM near_visit) GROUP BY ALL;
        CREATE OR REPLACE TEMP TABLE near_total AS SELECT psn_no, place, count(*) AS n FROM near_visit GROUP BY ALL;
        CREATE OR REPLACE TEMP TABLE near_place AS
        SELECT h.place, h.hour, sum(h.n) AS at_hour, any_value(p.v) AS v FROM near_hour h
        JOIN (SELECT place, count(*) AS v FROM near_visit GROUP BY ALL) p USING (place) GROUP BY ALL;
        """
    )


def pair_links(tables: duckdb.DuckDBPyConnection, frontier: Sequence[str], known: Sequence[str]) -> list[Link]:
    """Links from each person of `frontier` to people outside `known`; needs `gather_visits` of at least `frontier`."""
    tables.execute(
        f"""
        CREATE OR REPLACE TEMP TABLE near_met AS
        SELECT a.psn_no AS one, a.setl_id AS own, a.place, a.t, b.psn_no AS other, b.setl_id AS theirs
        FROM (
            SELECT *, bucket + unnest([-1, 0, 1]) AS met FROM near_visit WHERE list_contains($frontier, psn_no)
        ) a JOIN near_visit b ON b.place = a.place AND b.bucket = a.met
        WHERE abs(b.t - a.t) <= {WINDOW} AND b.psn_no <> a.psn_no
        QUALIFY count(*) OVER (PARTITION BY a.setl_id) <= {MOST_AROUND}
        """,
        {"frontier": list(frontier)},
    )
    rows = tables.execute(
        """
        WITH around AS (SELECT one, place, t % 86400 // 3600 AS hour, count(*) AS f FROM near_met GROUP BY ALL),
        tested AS (SELECT one, count(DISTINCT other) AS m FROM near_met GROUP BY ALL),
        pair AS (
            SELECT one, other, count(DISTINCT t // 86400) AS days FROM near_met
            WHERE NOT list_contains($known, other) GROUP BY ALL HAVING days >= $fewest
        ), met AS (
            SELECT one AS i, other AS j, place, count(*) AS met FROM near_met SEMI JOIN pair USING (one, other)
            GROUP BY ALL
        )
        SELECT one, other, any_value(days), any_value(m), sum(f * theirs.n / greatest(v - own.n, 1.0)),
            sum(f * greatest(coalesce(h.n, 0) - coalesce(met, 0) + 1, 1) / greatest(at_hour - coalesce(o.n, 0), 1.0))
        FROM pair JOIN tested USING (one) JOIN around USING (one) JOIN near_place USING (place, hour)
        JOIN near_total theirs ON theirs.psn_no = other AND theirs.place = around.place
        JOIN near_total own ON own.psn_no = one AND own.place = around.place
        LEFT JOIN near_hour h ON h.psn_no = other AND h.place = around.place AND h.hour = around.hour
        LEFT JOIN near_hour o ON o.psn_no = one AND o.place = around.place AND o.hour = around.hour
        LEFT JOIN met ON i = one AND j = other AND met.place = around.place
        GROUP BY one, other ORDER BY one, other
        """,
        {"known": list(known), "fewest": FEWEST},
    ).fetchall()
    found = {
        (one, other): (days, max(by_place, by_hour))
        for one, other, days, tested, by_place, by_hour in rows
        if stats.poisson.sf(days - 1, max(by_place, by_hour)) * tested <= ERROR
    }
    if not found:
        return []
    by_habit = _by_habit(
        tables, "SELECT DISTINCT one AS unit, own AS piece, place, t AS a, t AS b FROM near_met", found
    )
    cited: dict[tuple[str, str], list[str]] = {}
    for one, other, keys in tables.execute(
        "SELECT one, other, list_sort(list_distinct(list_concat(list(own), list(theirs)))) FROM near_met "
        "WHERE list_contains($wanted, {'one': one, 'other': other}) GROUP BY ALL",
        {"wanted": [{"one": one, "other": other} for one, other in found]},
    ).fetchall():
        cited[one, other] = keys
    return [
        _link("pair", Node("Patient", one), other, days, expected, by_habit.get((one, other), 0.0), cited[one, other])
        for (one, other), (days, expected) in found.items()
    ]


def occasion_links(tables: duckdb.DuckDBPyConnection, core: Sequence[str]) -> list[Link]:
    """Links from those of `core` who meet to everybody else who is there; needs `gather_visits` of the whole core.

    `via` is the member of the core at whose occasions the person was most often.
    """
    _gather_occasions(tables, core)
    rows = tables.execute(
        """
        WITH here AS (
            SELECT o.occasion, o.place, o.hour, v.psn_no, v.setl_id FROM near_occasion o JOIN near_visit v
            ON v.place = o.place AND v.t BETWEEN o.a AND o.b WHERE NOT list_contains($core, v.psn_no)
        ), around AS (
            SELECT place, hour, sum(c) AS f FROM (
                SELECT occasion, place, hour, count(*) AS c FROM here GROUP BY ALL HAVING c <= $most
            ) GROUP BY ALL
        ), met AS (
            SELECT psn_no, count(DISTINCT occasion) AS n, list_sort(list(DISTINCT setl_id)) AS keys,
                list(DISTINCT occasion) AS occasions
            FROM here GROUP BY ALL HAVING n >= $fewest
        )
        SELECT psn_no, any_value(met.n), any_value(keys), any_value(occasions), sum(f * t.n / v),
            sum(f * greatest(coalesce(h.n, 0) - met.n + 1, 1) / at_hour),
            (SELECT count(DISTINCT psn_no) FROM here), (SELECT count(*) FROM near_occasion)
        FROM met JOIN near_total t USING (psn_no) JOIN around USING (place) JOIN near_place USING (place, hour)
        LEFT JOIN near_hour h USING (psn_no, place, hour)
        GROUP BY psn_no ORDER BY psn_no
        """,
        {"core": list(core), "fewest": FEWEST, "most": MOST_AROUND},
    ).fetchall()
    found = {
        ("", other): (met, max(by_place, by_hour), keys, occasions, all_)
        for other, met, keys, occasions, by_place, by_hour, tested, all_ in rows
        if stats.poisson.sf(met - 1, max(by_place, by_hour)) * tested <= ERROR
    }
    if not found:
        return []
    by_habit = _by_habit(
        tables,
        f"SELECT '' AS unit, occasion AS piece, place, a + {WINDOW} AS a, b - {WINDOW} AS b FROM near_occasion",
        found,
    )
    present: dict[int, list[tuple[str, str]]] = {}
    for occasion, one, key in tables.execute(
        "SELECT occasion, psn_no, setl_id FROM near_core ORDER BY occasion, psn_no, setl_id"
    ).fetchall():
        present.setdefault(occasion, []).append((one, key))
    links = []
    for (_, other), (met, expected, keys, occasions, all_) in found.items():
        beside = [each for occasion in sorted(occasions) for each in present[occasion]]
        names = sorted({one for one, _ in beside}, key=lambda name: (-sum(one == name for one, _ in beside), name))
        cited = sorted({*keys, *(key for _, key in beside)})
        habit = by_habit.get(("", other), 0.0)
        via = Node("Patient", names[0])
        links.append(_link("occasions", via, other, met, expected, habit, cited, occasions=all_, core=len(names)))
    return links


def _gather_occasions(tables: duckdb.DuckDBPyConnection, core: Sequence[str]) -> None:
    """Where two of the core met: near_core(occasion, place, t, psn_no, setl_id), near_occasion(…, hour, a, b)."""
    tables.execute(
        f"""
        CREATE OR REPLACE TEMP TABLE near_core AS
        WITH ours AS (
            SELECT *, t - lag(t, 1, -{WINDOW} - 1) OVER (PARTITION BY place ORDER BY t, psn_no) > {WINDOW} AS begins
            FROM near_visit WHERE list_contains($core, psn_no)
        ), stretch AS (
            SELECT *, sum(CAST(begins AS INTEGER)) OVER (ORDER BY place, t, psn_no) AS occasion FROM ours
        )
        SELECT occasion, place, t, psn_no, setl_id FROM stretch
        QUALIFY min(psn_no) OVER (PARTITION BY occasion) <> max(psn_no) OVER (PARTITION BY occasion)
        """,
        {"core": list(core)},
    )
    tables.execute(
        f"""
        CREATE OR REPLACE TEMP TABLE near_occasion AS
        SELECT occasion, place, min(t) % 86400 // 3600 AS hour, min(t) - {WINDOW} AS a, max(t) + {WINDOW} AS b
        FROM near_core GROUP BY ALL
        """
    )


def _by_habit(
    tables: duckdb.DuckDBPyConnection, pieces: str, found: dict[tuple[str, str], Any]
) -> dict[tuple[str, str], float]:
    """Pieces (unit, piece, place, from a to b) that others would share if these were moved by whole weeks, averaged.

    A move out of the time covered by the data is left out of that piece's average.
    """
    rows = tables.execute(
        f"""
        WITH piece AS ({pieces}),
        span AS (SELECT min(t) AS first, max(t) AS last FROM near_visit),
        moved AS (
            SELECT unit, piece, place, a + week * 604800 AS a, b + week * 604800 AS b,
                count(*) OVER (PARTITION BY unit, piece) AS moves
            FROM (SELECT *, unnest([-4, -3, -2, -1, 1, 2, 3, 4]) AS week FROM piece), span
            WHERE a + week * 604800 >= first AND b + week * 604800 <= last
        ), cell AS (
            SELECT *, unnest(range(a // {WINDOW} - 1, b // {WINDOW} + 2)) AS bucket FROM moved
        ), met AS (
            SELECT DISTINCT c.unit, c.piece, c.a, v.psn_no AS other, c.moves FROM cell c
            JOIN near_visit v ON v.place = c.place AND v.bucket = c.bucket
            WHERE v.t BETWEEN c.a - {WINDOW} AND c.b + {WINDOW}
                AND list_contains($wanted, {{'unit': c.unit, 'other': v.psn_no}})
        )
        SELECT unit, other, sum(1.0 / moves) FROM met GROUP BY ALL
        """,
        {"wanted": [{"unit": unit, "other": other} for unit, other in found]},
    ).fetchall()
    return {(unit, other): float(expected) for unit, other, expected in rows}


def _link(
    kind: str, via: Node, to: str, met: int, expected: float, habit: float, keys: Sequence[str], **more: Value
) -> Link:
    values: dict[str, Value] = {"person": via.id, "n": met, "chance": round(expected, 2), "habit": round(habit, 2)}
    return Link(
        via=via,
        to=Node("Patient", to),
        pattern="meetings",
        strength=max(0.0, 1 - max(expected, habit) / met),
        message=Message(f"expansion.because.{kind}", values | more),
        evidence=tuple(EvidenceRef("settlements", key) for key in keys[:MOST_ROWS]),
        joint=kind == "occasions",
    )
