"""From the facts about a group to a draft: reasons, checks, score, level, roles and words."""

from __future__ import annotations

from scipy.stats import norm

from ringtrace.detectors.detector import Draft
from ringtrace.detectors.rings.facts import RingFacts
from ringtrace.detectors.rings.innocence import CHECKS
from ringtrace.detectors.rings.roles import members_of
from ringtrace.detectors.rings.score import USUALLY_OVER, ring_level, ring_score
from ringtrace.findings import EvidenceRef, Message, Reason, Value

VALIDATED_NETWORK = "Tumminello et al. 2011, doi:10.1371/journal.pone.0017994"


def draft_of(facts: RingFacts, without: frozenset[str] = frozenset()) -> Draft:
    """The draft of one group; signals and checks named in `without` (signal.…, check.…) are left out."""
    checks = tuple(check(facts) for check in CHECKS if f"check.{check.__name__}" not in without)
    score = ring_score(facts, checks, without)
    level = ring_level(facts, checks, score)
    first, last = facts.visits[0].moment, max(visit.moment for visit in facts.visits)
    values: dict[str, Value] = {
        "cards": facts.size,
        "runs": facts.runs,
        "places": len(facts.places),
        "first": f"{first:%Y-%m-%d}",
        "last": f"{last:%Y-%m-%d}",
    }
    words = "rings.explained" if level == "explained" else "rings.suspected"
    return Draft(
        anchors=tuple(sorted(person for person, share in facts.share.items() if share >= 0.5) or facts.persons),
        level=level,
        score=score,
        title=Message(f"{words}.title", values),
        summary=Message(f"{words}.summary", values),
        first_time=first,
        last_time=last,
        members=members_of(facts),
        reasons=_reasons(facts),
        counter_evidence=checks,
        evidence=tuple(EvidenceRef("settlements", key) for key in sorted({visit.setl_id for visit in facts.visits})),
    )


def _reason(
    code: str,
    value: float | None,
    expected: float | None,
    *,
    p_value: float | None = None,
    ratio: float | None = None,
    rule_ref: str | None = None,
    **values: Value,
) -> Reason:
    message = Message(f"rings.reason.{code}", {"value": value, "expected": expected, **values})
    return Reason(code, message, value, expected, p_value=p_value, ratio=ratio, rule_ref=rule_ref)


def _reasons(facts: RingFacts) -> tuple[Reason, ...]:
    """What was seen beside what chance, habit or the places' other visitors would give; strongest kinds first."""
    expected = sum(facts.expected.values()) / facts.size
    habit = sum(facts.by_habit.values()) / facts.size
    reasons = [
        _reason(
            "joint_runs",
            round(facts.attended, 1),
            round(expected, 2),
            p_value=10**facts.log_p,
            rule_ref=VALIDATED_NETWORK,
            runs=facts.runs,
        ),
        _reason("own_hours", round(facts.attended, 1), round(habit, 2), ratio=round(facts.habit_ratio, 1)),
    ]
    baskets, where = facts.baskets, facts.whereabouts
    if baskets.foreign_value is not None and baskets.foreign_value >= 0.02:
        reasons.append(_reason("foreign_goods", round(baskets.foreign_value, 3), 0.0))
    if baskets.one_off is not None and baskets.one_off >= 1:
        reasons.append(_reason("one_off", round(baskets.one_off, 1), 0.0))
    if baskets.supply.oversupplied:
        reasons.append(_reason("oversupply", round(baskets.supply.oversupply or 0.0, 2), USUALLY_OVER))
    if baskets.supply.drawn_twice:
        reasons.append(_reason("drawn_twice", round(baskets.supply.twice, 2), 0.0))
    if facts.beyond_need and facts.dear and facts.drawn_early:
        reasons.append(_reason("drawn_early", round(baskets.supply.early or 0.0, 2), 0.0))
    if facts.credentials.one_hand:
        told = facts.credentials
        p_value = 2 * float(norm.sf(abs(told.deviation)))
        reasons.append(_reason("one_hand", round(told.share, 2), round(told.expected, 2), p_value=p_value))
    if where.torn:
        reasons.append(_reason("torn", int(where.torn), 0))
    if where.hopping:
        reasons.append(_reason("hopping", round(where.hopping, 2), 0.0, places=len(facts.places)))
    if where.knows_place is not None and where.knows_place < 0.7:
        reasons.append(_reason("strangers", round(1 - where.knows_place, 2), 0.2))
    if where.pace is not None:
        reasons.append(_reason("pace", round(where.pace), None))
    return tuple(reasons)
