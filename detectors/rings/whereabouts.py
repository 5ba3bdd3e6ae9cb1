"""Where a group's members are otherwise, why they come, and how the counter saw them."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

import duckdb

APART_SECONDS: Final = 1800
"""A second use of a card within this time at a place not of the run is looked at."""
KILOMETRES_AN_HOUR: Final = 80.0
"""Faster than a car gets through a town and its roads, straight-line distance taken."""
RARE_ILLNESS: Final = 0.05
"""Share of all people up to which an illness is rare enough for its patients to know each other by it."""
HOUSE_NUMBER: Final = "[0-9０-９一二三四五六七八九十]+ *(幢|栋|号楼|号|座|弄|单元|室|组).*$"
"""What follows the quarter, road or village in an address."""
ONLINE: Final = "网上|线上|网店|互联网|电商|云药房|online|internet"
"""What an online pharmacy calls itself."""
TRANSFER_SECONDS: Final = 300
"""Without coordinates: less than this between two institutions' counters leaves no time to go, wait and be served."""


@dataclass(frozen=True, slots=True)
class Whereabouts:
    """Of one group; None where the delivery does not say.

    usual_place
        share of members whose most frequent place of that kind (pharmacy or medical institution) outside the runs is
        one of the runs' places.
    neighbours
        chance that two members have the same most frequent place outside the runs.
    same_quarter, usual_quarter
        chance that two members live in one quarter or village, and that two visitors of the places do.
    knows_place
        share of members who come to a place of the runs outside them too.
    hospital
        share of the runs' settlements at a medical institution.
    dialysis
        share of the runs' settlements with a diagnosis of kidney failure or dialysis, of those with a diagnosis.
    online
        share of the runs' settlements at a pharmacy that by its name sells over the internet (`ONLINE`).
    same_illness
        largest share of members with one and the same diagnosis (three characters of ICD-10; not one noted down by a
        pharmacy in the runs) that at most `RARE_ILLNESS` of all people have; hypertension binds nobody.
    hopping
        share of runs at two or more places of one kind (pharmacies, or medical institutions).
    pace
        seconds a card, median over the runs: from the first to the last use at a place, by the cards after the first.
    age
        median age in years.
    relative_pays, usual_relative_pays
        share of the runs' settlements of which a relative's account paid some (`acct_mulaid_pay`), and that share among
        all settlements at their places; None where it is not recorded.
    minors
        share of members under 18, of those whose birth date is known.
    torn
        uses in a run while the same card, or its owner's hospital bed, was used where nobody can be at that time.
    """

    usual_place: float | None = None
    neighbours: float | None = None
    same_quarter: float | None = None
    usual_quarter: float | None = None
    knows_place: float | None = None
    hospital: float | None = None
    dialysis: float | None = None
    online: float | None = None
    same_illness: float | None = None
    hopping: float | None = None
    pace: float | None = None
    age: float | None = None
    minors: float | None = None
    relative_pays: float | None = None
    usual_relative_pays: float | None = None
    torn: float = 0.0


def read_whereabouts(tables: duckdb.DuckDBPyConnection, rings: int) -> list[Whereabouts]:
    """The whereabouts of each group, in order, from the tables of `build_ring_tables`."""
    parts = (
        _usual_places(tables),
        _why(tables),
        _counter(tables),
        _ages(tables),
        _accounts(tables),
        _torn(tables),
        _quarters(tables),
        _online(tables),
    )
    return [
        Whereabouts(**{name: value for part in parts for name, value in part.get(ring, {}).items()})
        for ring in range(rings)
    ]


Part = dict[int, dict[str, float]]


def _parts(tables: duckdb.DuckDBPyConnection, sql: str, **values: float | str) -> Part:
    """Rows of `sql` by their first column, the ring; columns that are NULL are left out."""
    result = tables.execute(sql, values)
    names = [column[0] for column in result.description or ()][1:]
    return {
        ring: {name: value for name, value in zip(names, row, strict=True) if value is not None}
        for ring, *row in result.fetchall()
    }


def _online(tables: duckdb.DuckDBPyConnection) -> Part:
    return _parts(
        tables,
        """
        SELECT v.ring, avg(CAST(regexp_matches(lower(i.fixmedins_name), $named) AS DOUBLE)) AS online
        FROM ring_visit v JOIN institutions i USING (fixmedins_code) WHERE i.fixmedins_name IS NOT NULL GROUP BY 1
        """,
        named=ONLINE,
    )


def _usual_places(tables: duckdb.DuckDBPyConnection) -> Part:
    return _parts(
        tables,
        """
        WITH kind AS (
            SELECT DISTINCT v.ring, coalesce(i.fixmedins_type, '?') AS kind
            FROM ring_visit v LEFT JOIN institutions i USING (fixmedins_code)
        ), habit AS (
            SELECT m.ring, m.psn_no, s.fixmedins_code, count(*) AS n,
                (m.ring, s.fixmedins_code) IN (SELECT (ring, fixmedins_code) FROM ring_visit) AS at_run
            FROM ring_member m JOIN solo_visit s USING (psn_no)
            LEFT JOIN institutions i USING (fixmedins_code)
            WHERE (m.ring, coalesce(i.fixmedins_type, '?')) IN (SELECT (ring, kind) FROM kind)
            GROUP BY ALL
        ), home AS (
            SELECT ring, psn_no, fixmedins_code, at_run FROM habit
            QUALIFY row_number() OVER (PARTITION BY ring, psn_no ORDER BY n DESC, at_run DESC, fixmedins_code) = 1
        ), pairs AS (
            SELECT ring, CAST(sum(n * (n - 1)) AS DOUBLE) / nullif(sum(n) * (sum(n) - 1), 0) AS neighbours
            FROM (SELECT ring, fixmedins_code, count(*) AS n FROM home GROUP BY ALL) GROUP BY ALL
        ), knows AS (
            SELECT ring, avg(CAST(known AS DOUBLE)) AS knows_place
            FROM (SELECT ring, psn_no, bool_or(at_run) AS known FROM habit GROUP BY ALL) GROUP BY ALL
        ), usual AS (
            SELECT ring, avg(CAST(at_run AS DOUBLE)) AS usual_place FROM home GROUP BY ALL
        )
        SELECT ring, usual_place, neighbours, knows_place FROM usual JOIN pairs USING (ring) JOIN knows USING (ring)
        """,
    )


def _why(tables: duckdb.DuckDBPyConnection) -> Part:
    return _parts(
        tables,
        """
        WITH seen AS (
            SELECT v.ring, v.psn_no, s.dise_codg,
                coalesce(i.fixmedins_type = '1', s.med_type <> '41') AS medical
            FROM ring_visit v JOIN settlements s USING (setl_id)
            LEFT JOIN institutions i ON i.fixmedins_code = v.fixmedins_code
        ), ill AS (
            -- What a pharmacy notes down in a run is the buyer's word; an illness is a doctor's, or shows elsewhere.
            SELECT psn_no, left(dise_codg, 3) AS illness FROM settlements
            WHERE dise_codg IS NOT NULL AND setl_id NOT IN (
                SELECT v.setl_id FROM ring_visit v JOIN settlements s USING (setl_id)
                LEFT JOIN institutions i ON i.fixmedins_code = v.fixmedins_code
                WHERE NOT coalesce(i.fixmedins_type = '1', s.med_type <> '41')
            ) GROUP BY ALL
        ), prevalence AS (
            SELECT illness, count(*) / (SELECT count(DISTINCT psn_no) FROM settlements) AS share FROM ill GROUP BY ALL
        ), size AS (SELECT ring, count(*) AS members FROM ring_member GROUP BY ALL),
        common AS (
            SELECT ring, max(n / members) AS same_illness
            FROM (SELECT m.ring, i.illness, count(*) AS n FROM ring_member m JOIN ill i USING (psn_no) GROUP BY ALL)
            JOIN size USING (ring) JOIN prevalence p USING (illness) WHERE p.share <= $rare GROUP BY ALL
        )
        SELECT ring, avg(CAST(medical AS DOUBLE)) AS hospital,
            avg(CAST(regexp_matches(dise_codg, '^(N1[789]|Z49|Z99[.]?2)') AS DOUBLE)) AS dialysis,
            any_value(same_illness) AS same_illness
        FROM seen LEFT JOIN common USING (ring) GROUP BY ring
        """,
        rare=RARE_ILLNESS,
    )


def _counter(tables: duckdb.DuckDBPyConnection) -> Part:
    return _parts(
        tables,
        """
        WITH piece AS (
            SELECT ring, run, fixmedins_code, (max(t) - min(t)) / (count(DISTINCT psn_no) - 1.0) AS pace
            FROM ring_visit GROUP BY ALL HAVING count(DISTINCT psn_no) >= 2
        ), run AS (
            -- Of one kind: from the doctor to the chemist is what patients do. A day is no hour.
            SELECT ring, run, max(places) >= 2 AS hops FROM (
                SELECT v.ring, v.run, i.fixmedins_type, count(DISTINCT v.fixmedins_code) AS places
                FROM ring_visit v JOIN visit_place p USING (fixmedins_code)
                LEFT JOIN institutions i USING (fixmedins_code)
                WHERE NOT p.day_only GROUP BY ALL
            ) GROUP BY ALL
        )
        SELECT ring, median(pace) AS pace, any_value(hopping) AS hopping
        FROM piece LEFT JOIN (SELECT ring, avg(CAST(hops AS DOUBLE)) AS hopping FROM run GROUP BY ALL) USING (ring)
        GROUP BY ring
        """,
    )


def _ages(tables: duckdb.DuckDBPyConnection) -> Part:
    return _parts(
        tables,
        """
        SELECT ring, median(age) AS age, avg(CAST(age < 18 AS DOUBLE)) AS minors FROM (
            SELECT m.ring, date_diff('year', p.brdy, (SELECT max(setl_time) FROM settlements)) AS age
            FROM ring_member m JOIN persons p USING (psn_no) WHERE p.brdy IS NOT NULL
        ) GROUP BY ring
        """,
    )


def _accounts(tables: duckdb.DuckDBPyConnection) -> Part:
    return _parts(
        tables,
        """
        WITH place AS (
            SELECT fixmedins_code, avg(CAST(acct_mulaid_pay > 0 AS DOUBLE)) AS usual FROM settlements
            WHERE fixmedins_code IN (SELECT fixmedins_code FROM ring_visit) GROUP BY ALL
        )
        SELECT v.ring, avg(CAST(s.acct_mulaid_pay > 0 AS DOUBLE)) AS relative_pays, avg(p.usual) AS usual_relative_pays
        FROM ring_visit v JOIN settlements s USING (setl_id) JOIN place p ON p.fixmedins_code = v.fixmedins_code
        GROUP BY v.ring
        """,
    )


def _quarters(tables: duckdb.DuckDBPyConnection) -> Part:
    """How many neighbours by address there are, among members and among all who come to these places."""
    return _parts(
        tables,
        """
        WITH lives AS (
            SELECT psn_no, regexp_replace(regexp_replace(addr, $house, ''), '^[0-9]+ ', '') AS quarter
            FROM persons WHERE addr IS NOT NULL
        ), here AS (
            SELECT DISTINCT place AS fixmedins_code, person AS psn_no FROM (
                SELECT p.fixmedins_code AS place, q.psn_no AS person
                FROM visit v JOIN visit_place p USING (place) JOIN visit_person q USING (person)
                WHERE p.fixmedins_code IN (SELECT fixmedins_code FROM ring_visit)
            )
        ), by_place AS (
            SELECT fixmedins_code, sum(n * (n - 1)) / nullif(sum(n) * (sum(n) - 1), 0) AS usual
            FROM (SELECT fixmedins_code, quarter, count(*) AS n FROM here JOIN lives USING (psn_no) GROUP BY ALL)
            GROUP BY ALL
        ), usual AS (
            SELECT ring, avg(usual) AS usual_quarter FROM (SELECT DISTINCT ring, fixmedins_code FROM ring_visit)
            JOIN by_place USING (fixmedins_code) GROUP BY ALL
        ), own AS (
            SELECT ring, sum(n * (n - 1)) / nullif(sum(n) * (sum(n) - 1), 0) AS same_quarter
            FROM (
                SELECT m.ring, l.quarter, count(*) AS n FROM ring_member m JOIN lives l USING (psn_no) GROUP BY ALL
            ) GROUP BY ALL
        )
        SELECT ring, same_quarter, usual_quarter FROM own JOIN usual USING (ring)
        """,
        house=HOUSE_NUMBER,
    )


def _torn(tables: duckdb.DuckDBPyConnection) -> Part:
    """Uses in a run that collide with another use, too far to go in the time between, or with the owner's stay."""
    return _parts(
        tables,
        """
        WITH elsewhere AS (
            SELECT v.ring, v.run, v.psn_no, v.fixmedins_code AS here, s.fixmedins_code AS there, abs(v.t - s.t) AS apart
            FROM ring_visit v JOIN solo_visit s USING (psn_no)
            WHERE NOT s.stay AND abs(v.t - s.t) <= $seconds AND s.fixmedins_code <> v.fixmedins_code AND s.timed
        ), far AS (
            SELECT e.ring, e.run, e.psn_no,
                CASE WHEN a.lon IS NULL OR b.lon IS NULL THEN apart < $transfer ELSE 111.2 * sqrt(
                    power(a.lat - b.lat, 2) + power((a.lon - b.lon) * cos(radians(a.lat)), 2)
                ) > 1 + $speed * apart / 3600 END AS torn
            FROM elsewhere e LEFT JOIN institutions a ON a.fixmedins_code = here
            LEFT JOIN institutions b ON b.fixmedins_code = there
        ), bed AS (
            SELECT v.ring, v.run, v.psn_no, true AS torn FROM ring_visit v JOIN solo_visit s USING (psn_no)
            WHERE s.stay AND v.t BETWEEN s.begun + 86400 AND s.ended - 86400
        )
        SELECT ring, count(DISTINCT (run, psn_no)) AS torn FROM (SELECT * FROM far UNION ALL SELECT * FROM bed)
        WHERE torn GROUP BY ring
        """,
        seconds=APART_SECONDS,
        transfer=TRANSFER_SECONDS,
        speed=KILOMETRES_AN_HOUR,
    )
