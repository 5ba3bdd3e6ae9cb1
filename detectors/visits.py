"""Visits: who stood at which counter when, the raw material of every question about being there together.

Temporary tables made here (all numbers dense from 0, ordered by behaviour and not by name, so that renamed ids
change nothing):

    visit_person(person, psn_no, n)            everyone with a visit
    visit_place(place, fixmedins_code, n, persons, day_only, grain)   grain: seconds that a visit's time is rounded to
    visit(person, place, t, day, crowd, setl_id)
        t seconds since 1970, crowd = visits of others there within the window, before or after
"""

from __future__ import annotations

from dataclasses import dataclass

import duckdb

from ringtrace.detectors.detector import Context, Gap
from ringtrace.findings import Message


@dataclass(frozen=True, slots=True)
class VisitCounts:
    """What was taken in, and what was left out: settlements by reason."""

    visits: int
    persons: int
    places: int
    inpatient: int
    day_only: int
    day_only_places: int


def build_visits(tables: duckdb.DuckDBPyConnection, context: Context, detector: str, *, window: int) -> VisitCounts:
    """Make the visit tables from `settlements`.

    Left out are refunds (nobody need be present), manual reimbursements (paid at an office, later) and inpatient
    stays (settled by the ward). A person's settlements at one place within the same minute are one visit. A place
    where most settlements carry no time of day is `day_only`: there, the day itself is the window.

    Parameters
    ----------
    window:
        Seconds to either side that count as "together".
    """
    tables.execute(
        """
        CREATE OR REPLACE TEMP TABLE visit_raw AS
        SELECT psn_no, fixmedins_code, CAST(epoch(setl_time) AS BIGINT) AS t, min(setl_id) AS setl_id
        FROM settlements
        WHERE coalesce(refd_setl_flag, '0') <> '1' AND coalesce(manl_reim_flag, '0') <> '1'
            AND coalesce(med_type, '') <> '21' AND medfee_sumamt >= 0 AND setl_time IS NOT NULL
        GROUP BY ALL
        """
    )
    tables.execute(
        """
        CREATE OR REPLACE TEMP TABLE visit_person AS
        SELECT CAST(row_number() OVER (ORDER BY first, last, n, total, psn_no) - 1 AS INTEGER) AS person, psn_no, n
        FROM (
            SELECT psn_no, min(t) AS first, max(t) AS last, count(*) AS n, sum(t) AS total
            FROM visit_raw GROUP BY psn_no
        )
        """
    )
    tables.execute(
        """
        CREATE OR REPLACE TEMP TABLE visit_place AS
        SELECT CAST(row_number() OVER (ORDER BY first, last, n, total, fixmedins_code) - 1 AS INTEGER) AS place,
            fixmedins_code, n, persons, midnight > 0.5 * n AS day_only,
            CASE WHEN midnight > 0.5 * n THEN 86400 ELSE 60 END AS grain
        FROM (
            SELECT fixmedins_code, min(t) AS first, max(t) AS last, count(*) AS n, sum(t) AS total,
                count(DISTINCT psn_no) AS persons, count(*) FILTER (t % 86400 = 0) AS midnight
            FROM visit_raw GROUP BY fixmedins_code
        )
        """
    )
    tables.execute(
        f"""
        CREATE OR REPLACE TEMP TABLE visit AS
        SELECT person, place, t, CAST(t // 86400 AS INTEGER) AS day, setl_id, CAST(
            count(*) OVER (
                PARTITION BY place ORDER BY t RANGE BETWEEN {int(window)} PRECEDING AND {int(window)} FOLLOWING
            )
            - 1 AS INTEGER) AS crowd
        FROM (
            SELECT p.person, s.place, t // s.grain * s.grain AS t,
                min(r.setl_id) AS setl_id
            FROM visit_raw r JOIN visit_person p USING (psn_no) JOIN visit_place s USING (fixmedins_code)
            GROUP BY ALL
        )
        """
    )
    tables.execute("DROP TABLE visit_raw")
    counts = VisitCounts(
        *tables.execute(
            """
            SELECT (SELECT count(*) FROM visit), (SELECT count(*) FROM visit_person),
                (SELECT count(*) FROM visit_place), (SELECT count(*) FROM settlements WHERE med_type = '21'),
                (SELECT count(*) FROM visit JOIN visit_place USING (place) WHERE day_only),
                (SELECT count(*) FROM visit_place WHERE day_only)
            """
        ).fetchone()  # type: ignore[misc]  # an aggregate always gives one row
    )
    if counts.day_only:
        values = {"visits": counts.day_only, "places": counts.day_only_places}
        context.gaps.append(Gap(detector, Message("rings.gap.day_only", values)))
    return counts
