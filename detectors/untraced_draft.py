"""What an untraced resale finding says: an outlet short of codes and stock, and the people who over-draw its drugs."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import datetime
from math import log1p
from typing import Final

import duckdb

from ringtrace.detectors.detector import Draft
from ringtrace.detectors.scoring import level_of, logistic
from ringtrace.detectors.untraced_resale import Drawer, ShortDrug, drawers, short_outlets
from ringtrace.findings import Check, EvidenceRef, Member, Message, Reason, Value

FEWEST_EXCESS: Final = 8.0
FEWEST_SOURCES: Final = 3


def untraced_drafts(tables: duckdb.DuckDBPyConnection, known: set[str]) -> Iterable[Draft]:
    """Drafts for outlets not yet `known` by traced packs.

    With three over-drawing people or more it is a resale finding scored by both sides; an outlet alone is a yellow lead
    that names nobody but itself, since careless purchasing looks the same.
    """
    outlets = {place: drugs for place, drugs in short_outlets(tables).items() if place not in known}
    feeding = drawers(tables, {place: {each.drug for each in drugs} for place, drugs in outlets.items()})
    for place, drugs in sorted(outlets.items()):
        excess = sum(each.bare - each.expected for each in drugs)
        if excess >= FEWEST_EXCESS:
            yield _draft(tables, place, drugs, feeding.get(place, []), excess)


def untraced_score(excess: float, sources: int) -> float:
    """Score of logit −2.6 + 0.5·ln(1 + packs beyond chance) + 0.9·ln(1 + sources); at most 0.5 below three sources."""
    score = logistic(-2.6 + 0.5 * log1p(excess) + 0.9 * log1p(sources))
    return score if sources >= FEWEST_SOURCES else min(score, 0.5)


def _draft(
    tables: duckdb.DuckDBPyConnection, place: str, drugs: Sequence[ShortDrug], feeding: Sequence[Drawer], excess: float
) -> Draft:
    people = sorted({each.person for each in feeding})
    enough = len(people) >= FEWEST_SOURCES
    score = untraced_score(excess, len(people))
    sold, drawn = _lines(tables, place, drugs, feeding if enough else ())
    values: dict[str, Value] = {
        "place": place,
        "drugs": len(drugs),
        "bare": sum(each.bare for each in drugs),
        "expected": round(sum(each.expected for each in drugs), 1),
        "uncovered": round(sum(each.uncovered for each in drugs), 1),
        "sources": len(people),
    }
    reasons = [
        Reason("sold_without_pack", Message("pharmacy.untraced.bare", values), values["bare"], values["expected"],
               ratio=round(sum(each.bare for each in drugs) / max(0.1, sum(each.expected for each in drugs)), 1)),
        Reason("sold_beyond_stock", Message("pharmacy.untraced.stock", values), values["uncovered"], 0.0),
    ]  # fmt: skip
    if enough:
        chance = sum(each.p_value for each in feeding)
        reasons.append(
            Reason("over_drawn", Message("pharmacy.untraced.drawn", values), len(people), round(chance, 3),
                   p_value=max(each.p_value for each in feeding))
        )  # fmt: skip
        share = _in_step([t for _, t in sold], [t for _, t in drawn])
        reasons.append(Reason("in_step", Message("pharmacy.untraced.step", {"share": share}), round(share, 3), None))
    moments = [t for _, t in [*sold, *drawn]]
    key = "pharmacy.untraced" if enough else "pharmacy.untraced.outlet"
    members = [Member("Pharmacy", place, "reseller")]
    if enough:
        best = {person: min(each.p_value for each in feeding if each.person == person) for person in people}
        members += [
            Member("Patient", person, "source", round(1 - min(0.5, 100 * best[person]), 3)) for person in people
        ]
    return Draft(
        anchors=(place,),
        level=level_of(score),
        score=score,
        title=Message(f"{key}.title", values),
        summary=Message(f"{key}.summary", values),
        first_time=min(moments),
        last_time=max(moments),
        members=(*members, *(Member("Drug", each.drug, "drug") for each in drugs)),
        reasons=tuple(reasons),
        counter_evidence=(
            Check("follows_people", "does_not_explain", Message("pharmacy.untraced.check.people")),
            Check("late_start", "does_not_explain", Message("pharmacy.untraced.check.late_start")),
        ),
        evidence=tuple(EvidenceRef("settlement_items", key) for key in sorted({line for line, _ in [*sold, *drawn]})),
    )


def _lines(
    tables: duckdb.DuckDBPyConnection, place: str, drugs: Sequence[ShortDrug], feeding: Sequence[Drawer]
) -> tuple[list[tuple[str, datetime]], list[tuple[str, datetime]]]:
    """The outlet's lines without codes, and what the sources drew of the same substances elsewhere."""
    codes = [each.drug for each in drugs]
    sold: list[tuple[str, datetime]] = tables.execute(
        "SELECT key, t FROM scannable_lines WHERE place = ? AND bare AND list_contains(?, drug) ORDER BY t, key",
        [place, codes],
    ).fetchall()
    drawn: list[tuple[str, datetime]] = tables.execute(
        """
        SELECT l.key, l.t FROM sale_lines l JOIN drugs d ON d.med_list_codg = l.drug
        JOIN (SELECT unnest(?) AS psn_no, unnest(?) AS substance) f
          ON f.psn_no = l.psn_no AND f.substance = coalesce(left(d.atc_code, 7), d.med_list_codg)
        WHERE NOT l.retail ORDER BY l.t, l.key
        """,
        [[each.person for each in feeding], [each.substance for each in feeding]],
    ).fetchall()
    return sold, drawn


def _in_step(sold: Sequence[datetime], drawn: Sequence[datetime]) -> float:
    """Part of the outlet's sales that an earlier draw, each used once, can have supplied."""
    waiting, matched, index = 0, 0, 0
    for moment in sold:
        while index < len(drawn) and drawn[index] <= moment:
            waiting, index = waiting + 1, index + 1
        if waiting:
            waiting, matched = waiting - 1, matched + 1
    return matched / len(sold) if sold else 0.0
