"""People who visit far more often than others of their age, and the treatments that need it."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime
from math import log

import duckdb
import numpy as np

from ringtrace.detectors.claims.standing import institution_label, standing_settlements
from ringtrace.detectors.detector import Draft
from ringtrace.detectors.peers import robust_z
from ringtrace.detectors.scoring import LEAD_SCORE
from ringtrace.findings import Check, EvidenceRef, Level, Member, Message, Reason, Value

SERIAL_CARE = "^(N18|N19|Z49|Z50|Z51|C[0-9])"
"""ICD-10: dialysis, rehabilitation, chemotherapy and radiotherapy, cancer: care that comes in series of visits."""

PEERS = 50_000
"""People, about, of whom the usual number of visits is taken: more of them change no median."""


@dataclass(frozen=True)
class VisitThresholds:
    """`busiest_days`: days with a visit within 90 days from which someone is looked at.
    `visit_z`: robust standard deviations above others of the age band, on the logarithm of visiting days.
    `visit_places`: institutions visited in that time. `serial_share`: part of the visits for care that comes in series
    that explains them.
    """

    busiest_days: int = 45
    visit_z: float = 4.0
    visit_places: int = 3
    serial_share: float = 0.5


def frequent_visits(tables: duckdb.DuckDBPyConnection, limits: VisitThresholds) -> Iterable[Draft]:
    """One draft a person; never above yellow, as illness alone can explain it."""
    standing_settlements(tables)
    tables.execute(f"""
        CREATE OR REPLACE TEMP TABLE visitors AS
        WITH counted AS (SELECT hash(psn_no) AS person, count(*) AS n FROM standing GROUP BY 1)
        SELECT person, peer FROM (
            SELECT *, person % (1 + (SELECT count(*) FROM counted) // {PEERS}) = 0 AS peer FROM counted
        ) WHERE peer OR n >= {limits.busiest_days};
        CREATE OR REPLACE TEMP TABLE visit_days AS
        SELECT v.person, any_value(s.psn_no) AS psn_no, CAST(s.t AS DATE) AS day, any_value(v.peer) AS peer
        FROM standing s JOIN visitors v ON v.person = hash(s.psn_no)
        WHERE s.med_type IS DISTINCT FROM '21' AND NOT s.by_hand GROUP BY v.person, day
    """)
    people = tables.execute("""
        WITH counted AS (
            SELECT person, psn_no, peer, day, count(*) OVER (
                PARTITION BY person ORDER BY day RANGE BETWEEN CURRENT ROW AND INTERVAL 89 DAYS FOLLOWING) AS n
            FROM visit_days
        ), busiest AS (
            SELECT any_value(psn_no) AS psn_no, any_value(peer) AS peer, max(n) AS n, arg_max(day, (n, day)) AS since
            FROM counted GROUP BY person
        )
        SELECT b.psn_no, b.peer, b.n, b.since,
               coalesce(least(8, date_diff('year', p.brdy, b.since) // 10), 9) AS band
        FROM busiest b LEFT JOIN persons p ON p.psn_no = b.psn_no ORDER BY b.psn_no
    """).fetchnumpy()
    people_since = np.asarray(people["since"], dtype="datetime64[D]").tolist()
    number, band = np.asarray(people["n"], dtype=float), np.asarray(people["band"], dtype=int)
    z = np.zeros(len(number))
    middle = np.ones(len(number))
    sampled = np.asarray(people["peer"], dtype=bool)
    for each in np.unique(band):
        own = band == each
        peers = own & sampled if (own & sampled).any() else own
        z[own] = robust_z(np.log(number[own]), np.log(number[peers]))
        middle[own] = np.median(number[peers])
    for place in np.flatnonzero((number >= limits.busiest_days) & (z >= limits.visit_z)):
        person, since = str(people["psn_no"][place]), people_since[place]
        visits = tables.execute(
            "SELECT setl_id, place, hospital, t, coalesce(regexp_matches(disease, ?), false) FROM standing "
            "WHERE psn_no = ? AND med_type IS DISTINCT FROM '21' AND NOT by_hand "
            "AND CAST(t AS DATE) BETWEEN ? AND CAST(? AS DATE) + 89 ORDER BY t, setl_id",
            [SERIAL_CARE, person, since, since],
        ).fetchall()
        if len({visit[1] for visit in visits}) >= limits.visit_places:
            yield _draft(person, visits, int(number[place]), float(z[place]), float(middle[place]), limits)


def _draft(
    person: str,
    visits: list[tuple[str, str, bool, datetime, bool]],
    days: int,
    z: float,
    usual: float,
    limits: VisitThresholds,
) -> Draft:
    serial = sum(visit[4] for visit in visits) / len(visits)
    explained = serial >= limits.serial_share
    places = {visit[1]: visit[2] for visit in visits}
    level: Level = "explained" if explained else "yellow"
    values: dict[str, Value] = {
        "person": person, "days": days, "usual": round(usual, 1), "places": len(places), "serial": round(serial, 3)
    }  # fmt: skip
    return Draft(
        anchors=(person, "visits"),
        level=level,
        score=min(LEAD_SCORE, 0.15 * log(1 + z)) if not explained else 0.05,
        title=Message("claims.visits.title", values),
        summary=Message("claims.visits.summary", values),
        first_time=visits[0][3],
        last_time=visits[-1][3],
        members=(
            Member("Patient", person, "overuser", 0.5),
            *(Member(institution_label(hospital), place, "witness") for place, hospital in sorted(places.items())),
        ),
        reasons=(
            Reason("visit_days", Message("claims.visits.reason", values), days, round(usual, 1),
                   ratio=round(days / max(usual, 1), 2)),
        ),
        counter_evidence=(
            Check("serial_care", "explains" if explained else "partly" if serial else "does_not_explain",
                  Message("claims.visits.check.serial_care", values), round(serial, 3), limits.serial_share),
        ),
        evidence=tuple(EvidenceRef("settlements", visit[0]) for visit in visits),
    )  # fmt: skip
