"""Scores are calibrated by stored curves: monotone, bounded, and never lifting what a detector held back."""

from __future__ import annotations

from datetime import datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ringtrace.detectors import DETECTORS
from ringtrace.detectors.calibration import calibrate, calibrated, curves, warning_level
from ringtrace.detectors.detector import Draft
from ringtrace.findings import LEVELS, Level, Message

CURVE = ((0.1, 0.02), (0.5, 0.4), (0.6, 0.97))


def draft(score: float, level: Level) -> Draft:
    words = Message("rings.gap.no_items")
    when = datetime(2025, 1, 1)
    return Draft(("a",), level, score, words, words, when, when, (), (), (), ())


@pytest.mark.parametrize("kind", [detector.kind for detector in DETECTORS])
def test_a_stored_curve_rises_and_never_says_certain(kind: str) -> None:
    knots = curves().get(kind, ())
    assert list(knots) == sorted(knots)
    assert [share for _, share in knots] == sorted(share for _, share in knots)
    assert all(0 < share < 1 for _, share in knots)


def test_every_stored_curve_belongs_to_a_detector() -> None:
    assert set(curves()) <= {detector.kind for detector in DETECTORS}


@given(st.floats(0, 1), st.floats(0, 1))
def test_calibration_keeps_the_order(one: float, other: float) -> None:
    if one <= other:
        assert calibrated(one, CURVE) <= calibrated(other, CURVE)


@pytest.mark.parametrize(
    ("score", "level", "expected"),
    [
        (0.65, "orange", "red"),
        (0.55, "yellow", "yellow"),
        (0.59, "yellow", "yellow"),
        (0.55, "orange", "yellow"),
        (0.95, "red", "red"),
        (0.95, "yellow", "yellow"),
        (0.95, "explained", "explained"),
        (0.05, "explained", "explained"),
        (0.3, "yellow", "yellow"),
    ],
)
def test_levels_follow_the_calibrated_score_unless_held_back(score: float, level: Level, expected: Level) -> None:
    assert calibrate(draft(score, level), CURVE).level == expected


@given(st.floats(0, 1))
def test_levels_rise_with_the_score(score: float) -> None:
    assert LEVELS.index(warning_level(score)) >= LEVELS.index(warning_level(min(1.0, score + 0.1)))


def test_without_a_curve_nothing_changes() -> None:
    assert calibrate(draft(0.7, "orange"), None) == draft(0.7, "orange")
