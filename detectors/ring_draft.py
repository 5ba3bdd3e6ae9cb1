"""From the facts about a group to a draft: reasons, checks, score, level, roles and words."""

from __future__ import annotations

import math

from ringtrace.detectors.detector import Draft
from ringtrace.detectors.innocence import CHECKS
from ringtrace.detectors.ring_facts import RingFacts
from ringtrace.findings import Check, EvidenceRef, Level, Member, Message, Reason, Value

PAPER = "Tumminello et al. 2011"


def draft_of(facts: RingFacts) -> Draft:
    """The draft of one group."""
    checks = tuple(check(facts) for check in CHECKS)
    score = _score(facts, checks)
    level = _level(score, checks)
    first, last = facts.visits[0].moment, max(visit.moment for visit in facts.visits)
    values: dict[str, Value] = {
        "cards": facts.size,
        "runs": facts.runs,
        "places": len(facts.places),
        "first": f"{first:%Y-%m-%d}",
        "last": f"{last:%Y-%m-%d}",
    }
    return Draft(
        anchors=tuple(sorted(person for person, share in facts.share.items() if share >= 0.5) or facts.persons),
        level=level,
        score=score,
        title=Message("rings.title", values),
        summary=Message("rings.summary", values),
        first_time=first,
        last_time=last,
        members=_members(facts),
        reasons=_reasons(facts),
        counter_evidence=checks,
        evidence=tuple(EvidenceRef("settlements", key) for key in sorted({visit.setl_id for visit in facts.visits})),
    )


def _members(facts: RingFacts) -> tuple[Member, ...]:
    return tuple(Member("Patient", person, "card_holder", round(facts.share[person], 3)) for person in facts.persons)


def _reasons(facts: RingFacts) -> tuple[Reason, ...]:
    mean = sum(facts.share.values()) / facts.size * facts.runs
    expected = sum(facts.expected.values()) / facts.size
    values: dict[str, Value] = {"attended": round(mean, 1), "runs": facts.runs, "expected": round(expected, 2)}
    return (
        Reason(
            "joint_runs",
            Message("rings.reason.joint_runs", values),
            round(mean, 2),
            round(expected, 4),
            p_value=10**facts.log_p,
            rule_ref=PAPER,
        ),
    )


def _score(facts: RingFacts, checks: tuple[Check, ...]) -> float:
    weight = {"explains": -5.0, "partly": -2.0, "does_not_explain": 0.4, "unknown": 0.0}
    odds = -1.0 + 0.35 * (facts.size - 4) + 0.1 * min(facts.runs, 20) + sum(weight[check.outcome] for check in checks)
    return 1 / (1 + math.exp(-odds))


def _level(score: float, checks: tuple[Check, ...]) -> Level:
    if any(check.outcome == "explains" for check in checks):
        return "explained"
    return "red" if score >= 0.95 else "orange" if score >= 0.8 else "yellow"
