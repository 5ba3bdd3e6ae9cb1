"""Settlements after the person's death: which stand once late bills, families and bad registers are set aside."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import date, datetime
from math import log

import duckdb
from scipy.stats import poisson

from ringtrace.detectors.claims.rosters import Entry, RosterThresholds, billed_with_the_dead
from ringtrace.detectors.claims.standing import institution_label, standing_settlements
from ringtrace.detectors.detector import Context, Draft, Gap
from ringtrace.detectors.scoring import level_of, logistic
from ringtrace.findings import Check, EvidenceRef, Member, Message, Reason, Value

LISTED = 0.6
"""Weight of a living person who is billed with the dead."""


@dataclass(frozen=True)
class DeathThresholds(RosterThresholds):
    """`grace_days`: days after the death in which a family may still fetch what was prescribed, or a desk close a bill.
    `placeholder_share`, `placeholder_fewest`: a date of death shared by so many people is taken for a default entry.
    `closing_days`, `closing_share`, `closing_fewest`: where so many of the dead have a settlement so soon after, that
    is how accounts are closed there.
    `alive_places`, `alive_days`: so many places, hospitals among them, over so many days speak for a wrong register.
    `life_places`, `life_complaints`, `life_drugs`: and so does a life that goes on, at so many places for so many kinds
    of complaint (ICD-10 chapters, and what is bought without any), with so many substances never got before.
    `served`, `served_p`: of the dead by one institution, and chance at its share of all people served, from which on it
    is named as their provider.
    """

    grace_days: int = 3
    placeholder_share: float = 0.2
    placeholder_fewest: int = 20
    closing_days: int = 30
    closing_share: float = 0.1
    closing_fewest: int = 5
    alive_places: int = 4
    alive_days: int = 120
    life_places: int = 2
    life_complaints: int = 2
    life_drugs: int = 1
    served: int = 3
    served_p: float = 0.001


@dataclass(frozen=True, slots=True)
class _Use:
    setl_id: str
    place: str
    hospital: bool
    in_person: bool
    time: datetime
    days: int
    why: str  # "left", or the innocent explanation that holds: "stay", "by_hand", "grace"
    cancelled: bool
    complaint: str  # ICD-10 chapter's letter, empty without


def settled_after_death(
    tables: duckdb.DuckDBPyConnection, context: Context, kind: str, limits: DeathThresholds
) -> Iterable[Draft]:
    """One draft a provider of several dead, and one a dead person whose credential was used elsewhere."""
    counted = tables.execute("SELECT die_date, count(*) FROM persons WHERE die_date IS NOT NULL GROUP BY 1").fetchall()
    dead = sum(number for _, number in counted)
    if not dead:
        context.gaps.append(Gap(kind, Message("claims.gap.no_deaths")))
        return
    defaults = [day for day, n in counted if n >= limits.placeholder_fewest and n > limits.placeholder_share * dead]
    if defaults:
        days = ", ".join(sorted(day.isoformat() for day in defaults))
        context.gaps.append(Gap(kind, Message("claims.gap.default_death", {"days": days})))
    uses = _uses(tables, limits, defaults)
    early = sum(any(use.why == "left" and use.days <= limits.closing_days for use in each) for each in uses.values())
    if early >= limits.closing_fewest and early > limits.closing_share * dead:
        values: dict[str, Value] = {"n": early, "dead": dead, "days": limits.closing_days}
        context.gaps.append(Gap(kind, Message("claims.gap.closing", values)))
        uses = {person: [_closed(use, limits) for use in each] for person, each in uses.items()}
    still_used = sum(any(use.why == "left" for use in each) for each in uses.values())
    people_at = Counter(place for each in uses.values() for place in {use.place for use in each if use.why == "left"})
    providers = _providers(tables, people_at, still_used, limits)
    living = _living(tables, uses, providers, limits)
    died = dict(tables.execute("SELECT psn_no, die_date FROM persons WHERE die_date IS NOT NULL").fetchall())
    served: dict[str, dict[str, list[_Use]]] = defaultdict(dict)
    for person, each in sorted(uses.items()):
        places = {use.place for use in each if use.why == "left"}
        if len(places) == 1 and places <= providers:
            served[places.pop()][person] = each
        elif places:
            yield _draft(person, died[person], each, people_at, providers, living, still_used / dead, limits)
    for place, people in sorted(served.items()):
        if len(people) >= limits.served:
            bills = [use.setl_id for each in people.values() for use in each if use.why == "left"]
            roster = billed_with_the_dead(tables, place, bills, limits)
            yield _provider_draft(place, people, roster, still_used / dead)
        else:
            for person, each in people.items():
                yield _draft(person, died[person], each, people_at, providers, living, still_used / dead, limits)


def _uses(tables: duckdb.DuckDBPyConnection, limits: DeathThresholds, defaults: list[date]) -> dict[str, list[_Use]]:
    standing_settlements(tables)
    rows = tables.execute(
        """
        SELECT s.psn_no, s.setl_id, s.place, s.hospital,
               s.med_type = '21' OR (s.hospital AND s.doctor IS NOT NULL), s.t,
               date_diff('day', p.die_date, CAST(s.t AS DATE)) AS days,
               CASE WHEN CAST(s.opened AS DATE) <= p.die_date THEN 'stay' WHEN s.by_hand THEN 'by_hand'
                    WHEN date_diff('day', p.die_date, CAST(s.t AS DATE)) <= $grace THEN 'grace' ELSE 'left' END,
               coalesce(c.cancel_date < CAST(s.t AS DATE), false), coalesce(left(s.disease, 1), '')
        FROM standing s JOIN persons p ON p.psn_no = s.psn_no LEFT JOIN cards c ON c.mdtrt_cert_no = s.card
        WHERE CAST(s.t AS DATE) > p.die_date AND NOT list_contains($defaults::DATE[], p.die_date)
        ORDER BY s.psn_no, s.t, s.setl_id
        """,
        {"grace": limits.grace_days, "defaults": defaults},
    ).fetchall()
    found: dict[str, list[_Use]] = defaultdict(list)
    for person, *use in rows:
        found[person].append(_Use(*use))
    return found


def _providers(
    tables: duckdb.DuckDBPyConnection, people_at: Counter[str], still_used: int, limits: DeathThresholds
) -> set[str]:
    """Institutions that served more of the dead than their part of all people served: large hospitals serve some."""
    served = {place: number for place, number in people_at.items() if number >= limits.served}
    rows = tables.execute(
        """
        SELECT place, count(DISTINCT psn_no), (SELECT count(DISTINCT psn_no) FROM standing) FROM standing
        WHERE list_contains(?::VARCHAR[], place) GROUP BY 1
        """,
        [sorted(served)],
    ).fetchall()
    return {
        place for place, people, every in rows
        if float(poisson.sf(served[place] - 1, still_used * people / every)) <= limits.served_p
    }  # fmt: skip


def _living(
    tables: duckdb.DuckDBPyConnection, uses: Mapping[str, Sequence[_Use]], providers: set[str], limits: DeathThresholds
) -> set[str]:
    """People whose life goes on: who draws a dead parent's drugs has no new complaints at several places.

    Two old complaints may be drawn for at two places, so that the drugs are asked, too: who got drugs after the death,
    and none that was not got before, does not live on. A provider of several dead may invent complaints, so its uses
    show no life.
    """
    lives = {}
    for person, each in uses.items():
        lived = [use for use in each if use.why == "left" and use.place not in providers]
        if (
            len({use.place for use in lived}) >= limits.life_places
            and len({use.complaint for use in lived}) >= limits.life_complaints
        ):
            lives[person] = [use.setl_id for use in lived]
    rows = tables.execute(
        """
        WITH got AS (
            SELECT s.psn_no, coalesce(left(d.atc_code, 7), d.drug_genname, i.med_list_codg) AS substance,
                   CAST(s.t AS DATE) > p.die_date AS after, list_contains($lived::VARCHAR[], s.setl_id) AS lived
            FROM standing s JOIN persons p ON p.psn_no = s.psn_no JOIN settlement_items i ON i.setl_id = s.setl_id
            JOIN drugs d ON d.med_list_codg = i.med_list_codg WHERE list_contains($people::VARCHAR[], s.psn_no)
        ), substances AS (
            SELECT psn_no, bool_or(lived) AS lived, bool_or(NOT after) AS before FROM got GROUP BY psn_no, substance
        )
        SELECT psn_no FROM substances GROUP BY 1 HAVING bool_or(lived) AND count(*) FILTER (lived AND NOT before) < $new
        """,
        {"people": sorted(lives), "lived": [use for each in lives.values() for use in each], "new": limits.life_drugs},
    ).fetchall()
    return lives.keys() - {row[0] for row in rows}


def _closed(use: _Use, limits: DeathThresholds) -> _Use:
    return replace(use, why="grace") if use.why == "left" and use.days <= limits.closing_days else use


def _draft(
    person: str,
    died: date,
    uses: list[_Use],
    people_at: Counter[str],
    providers: set[str],
    living: set[str],
    base_rate: float,
    limits: DeathThresholds,
) -> Draft:
    left = [use for use in uses if use.why == "left"]
    taken = Counter(use.why for use in uses)
    places = {use.place: use.hospital for use in left}
    alive = (
        len(places) >= limits.alive_places
        and any(use.in_person for use in left)
        and left[-1].days - left[0].days >= limits.alive_days
    ) or person in living
    score = after_death_score(
        len(left), left[-1].days, alive=alive, provided=any(use.place in providers for use in left)
    )
    values: dict[str, Value] = {
        "person": person, "died": died.isoformat(), "n": len(left), "places": len(places),
        "days": left[-1].days, "share": base_rate, "cancelled": sum(use.cancelled for use in left),
    }  # fmt: skip
    reasons = [Reason("after_death", Message("claims.dead.reason", values), len(left), 0, ratio=None)]
    if values["cancelled"]:
        reasons.append(Reason("cancelled_card", Message("claims.dead.cancelled", values), values["cancelled"], 0))
    return Draft(
        anchors=(person,),
        level=level_of(score),
        score=score,
        title=Message("claims.dead.title", values),
        summary=Message("claims.dead.summary", values),
        first_time=left[0].time,
        last_time=left[-1].time,
        members=(
            Member("Patient", person, "ghost"),
            *(
                Member(
                    institution_label(hospital),
                    place,
                    "provider" if place in providers else "witness",
                    min(1.0, people_at[place] / 5),
                )
                for place, hospital in sorted(places.items())
            ),
        ),
        reasons=tuple(reasons),
        counter_evidence=(
            *_taken_off(taken, len(left)),
            Check("wrong_register", "partly" if alive else "does_not_explain",
                  Message("claims.dead.check.wrong_register", values), len(places)),
        ),
        evidence=(EvidenceRef("persons", person), *(EvidenceRef("settlements", use.setl_id) for use in left)),
    )  # fmt: skip


def _provider_draft(place: str, people: dict[str, list[_Use]], roster: Sequence[Entry], base_rate: float) -> Draft:
    """The dead whose credentials were used at one institution alone, which served more of them than its part."""
    left = sorted((use for uses in people.values() for use in uses if use.why == "left"), key=lambda use: use.time)
    taken = Counter(use.why for uses in people.values() for use in uses)
    living = sorted({entry.person for entry in roster})
    days = max(use.days for use in left)
    score = after_death_score(len(left), days, alive=False, provided=True)
    values: dict[str, Value] = {
        "place": place, "people": len(people), "n": len(left), "days": days,
        "share": base_rate, "living": len(living), "bills": len(roster),
    }  # fmt: skip
    reasons = [Reason("after_death", Message("claims.dead.reason", values), len(left), 0)]
    if roster:
        reasons.append(Reason("roster", Message("claims.dead.roster", values), len(roster), 0))
    return Draft(
        anchors=(place, "dead"),
        level=level_of(score),
        score=score,
        title=Message("claims.dead.provider.title", values),
        summary=Message("claims.dead.provider.summary", values),
        first_time=left[0].time,
        last_time=left[-1].time,
        members=(
            Member(institution_label(left[0].hospital), place, "provider"),
            *(Member("Patient", person, "ghost") for person in sorted(people)),
            *(Member("Patient", person, "ghost", LISTED) for person in living),
        ),
        reasons=tuple(reasons),
        counter_evidence=_taken_off(taken, len(left)),
        evidence=(
            *(EvidenceRef("persons", person) for person in sorted(people)),
            *(EvidenceRef("settlements", use.setl_id) for use in left),
            *(EvidenceRef("settlements", entry.setl_id) for entry in roster),
        ),
    )  # fmt: skip


def _taken_off(taken: Counter[str], left: int) -> tuple[Check, ...]:
    return tuple(
        Check(why, "partly" if taken[why] else "does_not_explain",
              Message(f"claims.dead.check.{why}", {"taken": taken[why], "left": left}), taken[why], 0)
        for why in ("stay", "by_hand", "grace")
    )  # fmt: skip


def after_death_score(uses: int, last_day: int, *, alive: bool, provided: bool) -> float:
    """Logit = −0.3 + 0.9·ln(uses) + 0.6 if any lies > 30 days after the death − 0.6 for fewer than three uses

    at no provider of several dead; at most 0.4 for one who seems alive.
    """
    few = uses < 3 and not provided
    score = logistic(-0.3 + 0.9 * log(uses) + 0.6 * (last_day > 30) - 0.6 * few)
    return min(0.4, score) if alive else score
