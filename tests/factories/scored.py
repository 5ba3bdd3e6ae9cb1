"""What the ring detector knew of one group when it scored it."""

from __future__ import annotations

from collections.abc import Collection

import pytest

from ringtrace.detectors.rings import draft
from ringtrace.detectors.rings.facts import RingFacts
from ringtrace.detectors.rings.score import ring_score
from ringtrace.findings import Check

Scored = tuple[RingFacts, tuple[Check, ...]]


def scored(monkeypatch: pytest.MonkeyPatch, people: Collection[str]) -> list[Scored]:
    """The facts and the checks of every group of just these `people` that detections score from now on."""
    seen: list[Scored] = []

    def watching(facts: RingFacts, checks: tuple[Check, ...], without: frozenset[str] = frozenset()) -> float:
        if set(facts.persons) == set(people):
            seen.append((facts, checks))
        return ring_score(facts, checks, without)

    monkeypatch.setattr(draft, "ring_score", watching)
    return seen
