"""Innocent explanations of a group that acts together: each a named check that says what it looked at and found.

A check weighs and does not veto: `explains` means that the explanation alone would account for the group.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Final

from ringtrace.detectors.ring_facts import RingFacts
from ringtrace.detectors.ties import largest_share
from ringtrace.findings import Check, Message, Outcome

InnocenceCheck = Callable[[RingFacts], Check]


def _check(code: str, outcome: Outcome, value: float | int | None = None, expected: float | None = None) -> Check:
    message = Message(f"rings.check.{code}.{outcome}", {"value": value} if value is not None else {})
    return Check(code, outcome, message, value, expected)


def household(facts: RingFacts) -> Check:
    """One family buys for its own: same household, phone, address, account, or a family account between them."""
    if not facts.ties.known & set(facts.persons):
        return _check("household", "unknown")
    families = len(facts.families)
    largest = len(facts.families[0])
    if families == 1 or (families == 2 and largest >= facts.size - 1):
        return _check("household", "explains", families)
    # Two households, or one family with a few outsiders, is a daughter buying for both sides as often as not.
    if families == 2 or largest >= 0.6 * facts.size:
        return _check("household", "partly", families)
    return _check("household", "does_not_explain", families)


def employer(facts: RingFacts) -> Check:
    """Colleagues pass the counter together when a shift ends."""
    share = largest_share([facts.ties.employer.get(person) for person in facts.persons])
    if not facts.ties.employer:
        return _check("employer", "unknown")
    return _check(
        "employer", "explains" if share >= 0.8 else "partly" if share >= 0.5 else "does_not_explain", round(share, 2)
    )


def care_home(facts: RingFacts) -> Check:
    """A care home's staff fetch medicines for its residents."""
    share = largest_share([facts.ties.care_home.get(person) for person in facts.persons])
    if not facts.ties.care_home:
        return _check("care_home", "unknown")
    return _check(
        "care_home", "explains" if share >= 0.7 else "partly" if share >= 0.4 else "does_not_explain", round(share, 2)
    )


CHECKS: Final[tuple[InnocenceCheck, ...]] = (household, employer, care_home)
