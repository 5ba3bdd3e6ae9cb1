"""Care that goes on nearly every day for months, for a complaint whose treatment is a course of days or weeks."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime
from math import log

import duckdb

from ringtrace.detectors.claims.standing import standing_settlements
from ringtrace.detectors.detector import Draft
from ringtrace.detectors.scoring import level_of, logistic
from ringtrace.findings import Check, EvidenceRef, Member, Message, Reason, Value

SHORT_CARE = "^(M[4-7]|J[0-2]|R|Z00)"
"""ICD-10: backs, joints' soft tissues, colds and chests, symptoms, check-ups: what is treated in courses.

Not among them: dialysis, cancer, rehabilitation after strokes and injuries, wounds, tuberculosis, addiction, which all
may bring someone every day for months.
"""

MOST = 0.85
"""Highest score: the clinic may be the one that bills every day, and its papers must tell."""


@dataclass(frozen=True)
class CareThresholds:
    """`care_days`: days of outpatient care within `care_window` days; thrice a week, the most that series of care bring
    for months, is 77.
    `care_share`: part of the visits that must be for complaints treated in courses.
    """

    care_days: int = 100
    care_window: int = 180
    care_share: float = 0.8


def unending_care(tables: duckdb.DuckDBPyConnection, limits: CareThresholds) -> Iterable[Draft]:
    """One draft a person with more days of such care in some half-year than any course has."""
    standing_settlements(tables)
    rows = tables.execute(
        f"""
        WITH visits AS (
            SELECT psn_no, setl_id, place, t, CAST(t AS DATE) AS day, coalesce(regexp_matches(disease, $short), false)
                   AS short
            FROM standing WHERE hospital AND NOT by_hand AND med_type IS DISTINCT FROM '21'
              AND psn_no IN (SELECT psn_no FROM standing GROUP BY 1 HAVING count(*) >= $days)
        ), days AS (
            SELECT psn_no, day FROM visits GROUP BY 1, 2
        ), counted AS (
            SELECT psn_no, day, count(*) OVER (PARTITION BY psn_no ORDER BY day
                   RANGE BETWEEN CURRENT ROW AND INTERVAL {limits.care_window - 1} DAYS FOLLOWING) AS n FROM days
        ), busiest AS (
            SELECT psn_no, arg_max(day, (n, day)) AS since, max(n) AS n FROM counted GROUP BY 1 HAVING max(n) >= $days
        )
        SELECT v.psn_no, b.n, v.setl_id, v.place, v.t, v.short FROM visits v JOIN busiest b USING (psn_no)
        WHERE v.day BETWEEN b.since AND b.since + INTERVAL {limits.care_window - 1} DAYS
        ORDER BY v.psn_no, v.t, v.setl_id
        """,
        {"short": SHORT_CARE, "days": limits.care_days},
    ).fetchall()
    people: dict[str, list[tuple[int, str, str, datetime, bool]]] = defaultdict(list)
    for person, *visit in rows:
        people[person].append((visit[0], visit[1], visit[2], visit[3], visit[4]))
    for person, visits in people.items():
        short = sum(visit[4] for visit in visits) / len(visits)
        if short >= limits.care_share:
            yield _draft(person, visits, short, limits)


def _draft(
    person: str, visits: list[tuple[int, str, str, datetime, bool]], short: float, limits: CareThresholds
) -> Draft:
    days, places = visits[0][0], sorted({visit[2] for visit in visits})
    score = unending_care_score(days, limits.care_days)
    values: dict[str, Value] = {
        "person": person, "days": days, "window": limits.care_window, "limit": limits.care_days,
        "places": len(places), "short": round(short, 3),
    }  # fmt: skip
    return Draft(
        anchors=(person, "visits"),
        level=level_of(score),
        score=score,
        title=Message("claims.care.title", values),
        summary=Message("claims.care.summary", values),
        first_time=visits[0][3],
        last_time=visits[-1][3],
        members=(
            Member("Patient", person, "overuser"),
            *(Member("Hospital", place, "witness") for place in places),
        ),
        reasons=(
            Reason("care_days", Message("claims.care.reason", values), days, limits.care_days,
                   ratio=round(days / limits.care_days, 2)),
        ),
        counter_evidence=(
            Check("serial_care", "partly" if short < 1 else "does_not_explain",
                  Message("claims.care.check.serial_care", values), round(1 - short, 3), 1 - limits.care_share),
            Check("provider", "unknown", Message("claims.care.check.provider")),
        ),
        evidence=tuple(EvidenceRef("settlements", visit[1]) for visit in visits),
    )  # fmt: skip


def unending_care_score(days: int, limit: int) -> float:
    """Logit = 0.7 + 2·ln(days / limit), at most 0.85."""
    return min(MOST, logistic(0.7 + 2.0 * log(days / limit)))
