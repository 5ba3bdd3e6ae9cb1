"""Visits: who stood at which counter when, the raw material of every question about being there together.

Temporary tables made here (all numbers dense from 0, ordered by behaviour and not by name, so that renamed ids
change nothing):

    visit_person(person, psn_no, n)            everyone with a visit
    visit_place(place, fixmedins_code, n, persons, day_only, grain)   grain: seconds that a visit's time is rounded to
    visit(person, place, t, crowd)
        t seconds since 1970, crowd = visits of others there within the window, before or after
"""

from __future__ import annotations

from dataclasses import dataclass

import duckdb

from ringtrace.detectors.arrays import fetch_arrays, materialise
from ringtrace.detectors.detector import Context, Gap
from ringtrace.detectors.rings.footfall import Footfall
from ringtrace.findings import Message


@dataclass(frozen=True, slots=True)
class VisitCounts:
    """How much there is to go by, and how many visits and places carry no time of day."""

    visits: int
    persons: int
    places: int
    day_only: int
    day_only_places: int


def build_visits(
    tables: duckdb.DuckDBPyConnection, context: Context, detector: str, *, window: int
) -> tuple[VisitCounts, Footfall]:
    """Make the visit tables from `settlements`.

    Left out are refunds (nobody need be present), manual reimbursements (paid at an office, later) and inpatient
    stays (settled by the ward). A person's settlements at one place that follow each other within the window are one
    visit, at the first one's time. A place where most settlements carry no time of day is `day_only`: there, the day
    itself is the window.

    Parameters
    ----------
    window:
        Seconds to either side that count as "together".
    """
    tables.execute(
        """
        CREATE OR REPLACE TEMP TABLE visit_raw AS
        SELECT psn_no, fixmedins_code, CAST(epoch(setl_time) AS BIGINT) AS t
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
    found = fetch_arrays(
        tables,
        """
        SELECT person, place, t // grain * grain AS t
        FROM visit_raw JOIN visit_person USING (psn_no) JOIN visit_place USING (fixmedins_code)
        GROUP BY ALL ORDER BY place, t, person
        """,
    )
    day_only = fetch_arrays(tables, "SELECT day_only FROM visit_place ORDER BY place")["day_only"]
    tables.execute("DROP TABLE visit_raw")
    footfall = Footfall.of(found["person"], found["place"], found["t"], day_only, window=window)
    del found
    write_visits(tables, footfall)
    midnight = footfall.day_only[footfall.place]
    counts = VisitCounts(
        visits=len(footfall.t),
        persons=len(footfall.person_start) - 1,
        places=len(footfall.place_visits),
        day_only=int(midnight.sum()),
        day_only_places=int(footfall.day_only.sum()),
    )
    if counts.day_only:
        values = {"visits": counts.day_only, "places": counts.day_only_places}
        context.gaps.append(Gap(detector, Message("rings.gap.day_only", values)))
    return counts, footfall


def write_visits(tables: duckdb.DuckDBPyConnection, footfall: Footfall) -> None:
    """Make the table `visit` anew: the crowd differs with the window."""
    materialise(
        tables,
        "visit",
        {
            "person": footfall.person.astype("int32"),
            "place": footfall.place.astype("int32"),
            "t": footfall.t,
            "crowd": footfall.crowd.astype("int32"),
        },
    )
