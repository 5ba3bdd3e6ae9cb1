"""What an untraced resale finding says: an outlet short of codes and stock, and the people who over-draw its drugs."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from datetime import datetime
from math import log1p
from typing import Final

import duckdb

from ringtrace.detectors.detector import Draft
from ringtrace.detectors.packs.over_drawers import Drawer, drawers
from ringtrace.detectors.packs.untraced_resale import ShortDrug, short_outlets
from ringtrace.detectors.scoring import level_of, logistic
from ringtrace.findings import Check, EvidenceRef, Member, Message, Reason, Value

FEWEST_EXCESS: Final = 8.0
FEWEST_SOURCES: Final = 3
SAME_TRADE: Final = 0.5
"""Part of an outlet's sales without codes, beyond chance, that must be a chain's drugs for it to be the chain's."""

SUPPLIED: Final = 0.1
"""Part of the outlet's sales, each with an earlier draw of its own, that its sources must be able to have supplied."""


def with_untraced(tables: duckdb.DuckDBPyConnection, traced: Sequence[Draft]) -> list[Draft]:
    """The `traced` drafts, joined by outlets that the same sources feed, and drafts for outlets that others feed.

    A source of traced packs is taken to feed that chain and no other. Over-drawing is known of the city and not of the
    outlet: wherever one of the chain's drugs is among those that a shop lacks codes for, the chain's sources seem to
    feed it. So half of the shop's excess must be of the chain's drugs (`SAME_TRADE`). With three free over-drawing
    people or more an outlet is a resale finding scored by both sides; an outlet alone is a yellow lead naming nobody
    but itself, since careless purchasing looks the same.
    """
    drafts = list(traced)
    sources = [_people(draft, "source") if draft.accuses else set() for draft in drafts]
    known = {
        member.id for draft, fed in zip(drafts, sources, strict=True) if fed for member in draft.members
        if member.role == "reseller"
    }  # fmt: skip
    outlets = {place: drugs for place, drugs in sorted(short_outlets(tables).items()) if place not in known}
    feeding = drawers(
        tables,
        {place: {each.drug for each in drugs} for place, drugs in outlets.items()},
        {place for place, drugs in outlets.items() if drugs[0].by_ledger},
    )
    taken = {person for fed in sources for person in fed}
    for place, drugs in outlets.items():
        excess = sum(each.bare - each.expected for each in drugs)
        if excess < FEWEST_EXCESS:
            continue
        people = {each.person for each in feeding.get(place, [])}
        shared = [len(people & fed) for fed in sources]
        best = max(range(len(shared)), key=lambda index: shared[index], default=None)
        fed_too = best is not None and shared[best] >= 2 and shared[best] >= 0.5 * len(people)
        if best is not None and fed_too and _traded(drafts[best], drugs) >= SAME_TRADE * excess:
            drafts[best] = _joined(tables, drafts[best], place, drugs)
        else:
            free = [each for each in feeding.get(place, []) if each.person not in taken]
            drafts.append(_draft(tables, place, drugs, free, excess))
    return drafts


def _traded(draft: Draft, drugs: Sequence[ShortDrug]) -> float:
    """Lines without codes beyond those expected, of the drugs that the finding names."""
    named = {member.id for member in draft.members if member.label == "Drug"}
    return sum(each.bare - each.expected for each in drugs if each.drug in named)


def _people(draft: Draft, role: str) -> set[str]:
    return {member.id for member in draft.members if member.role == role}


def _joined(tables: duckdb.DuckDBPyConnection, draft: Draft, place: str, drugs: Sequence[ShortDrug]) -> Draft:
    """`draft` with one more outlet, which sells the same people's drugs without codes."""
    sold, _ = _lines(tables, place, drugs, ())
    values: dict[str, Value] = {
        "place": place,
        "drugs": len(drugs),
        "bare": sum(each.bare for each in drugs),
        "expected": round(sum(each.expected for each in drugs), 1),
    }
    reason = Reason("second_outlet", Message("pharmacy.untraced.second", values), values["bare"], values["expected"])
    goods = {Member("Drug", each.drug, "drug") for each in drugs}
    return replace(
        draft,
        first_time=min(t for t in (draft.first_time, sold[0][1]) if t),
        last_time=max(t for t in (draft.last_time, sold[-1][1]) if t),
        members=(*draft.members, Member("Pharmacy", place, "reseller"), *sorted(goods - set(draft.members))),
        reasons=(*draft.reasons, reason),
        evidence=tuple(sorted({*draft.evidence, *(EvidenceRef("settlement_items", key) for key, _ in sold)})),
    )


def untraced_score(excess: float, sources: int) -> float:
    """Score of logit −2.2 + 0.5·ln(1 + packs beyond chance) + 0.9·ln(1 + sources); at most 0.5 below three sources."""
    score = logistic(-2.2 + 0.5 * log1p(excess) + 0.9 * log1p(sources))
    return score if sources >= FEWEST_SOURCES else min(score, 0.5)


def _draft(
    tables: duckdb.DuckDBPyConnection, place: str, drugs: Sequence[ShortDrug], feeding: Sequence[Drawer], excess: float
) -> Draft:
    sold, drawn = _lines(tables, place, drugs, feeding)
    share = _in_step([t for _, t in sold], [t for _, t in drawn])
    if share < SUPPLIED:  # whoever over-draws these drugs, the outlet's packs did not come from there
        feeding, drawn = (), []
    people = sorted({each.person for each in feeding})
    enough = len(people) >= FEWEST_SOURCES
    drawn = drawn if enough else []
    score = untraced_score(excess, len(people))
    values: dict[str, Value] = {
        "place": place,
        "drugs": len(drugs),
        "bare": sum(each.bare for each in drugs),
        "expected": round(sum(each.expected for each in drugs), 1),
        "uncovered": round(sum(each.uncovered for each in drugs), 1),
        "sources": len(people),
    }
    by_ledger = drugs[0].by_ledger
    without_codes = [
        Reason("sold_without_pack", Message("pharmacy.untraced.bare", values), values["bare"], values["expected"],
               ratio=round(sum(each.bare for each in drugs) / max(0.1, sum(each.expected for each in drugs)), 1)),
    ]  # fmt: skip
    reasons = [
        *([] if by_ledger else without_codes),
        Reason("sold_beyond_stock", Message("pharmacy.untraced.stock", values), values["uncovered"], 0.0),
    ]
    if enough:
        chance = sum(each.p_value for each in feeding)
        reasons.append(
            Reason("over_drawn", Message("pharmacy.untraced.drawn", values), len(people), round(chance, 3),
                   p_value=max(each.p_value for each in feeding))
        )  # fmt: skip
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
        summary=Message(f"{key}.ledger.summary" if by_ledger else f"{key}.summary", values),
        first_time=min(moments),
        last_time=max(moments),
        members=(*members, *(Member("Drug", each.drug, "drug") for each in drugs)),
        reasons=tuple(reasons),
        counter_evidence=(
            Check("follows_people", "unknown", Message("pharmacy.untraced.check.no_scanning"))
            if by_ledger
            else Check("follows_people", "does_not_explain", Message("pharmacy.untraced.check.people")),
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
        """
        SELECT key, t FROM sale_lines WHERE place = $place AND list_contains($drugs, drug) AND line IN (
            SELECT line FROM scannable_lines WHERE place = $place AND bare
            UNION ALL SELECT line FROM uncovered_lines)
        ORDER BY t, key
        """,
        {"place": place, "drugs": codes},
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
