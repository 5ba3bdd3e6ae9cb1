"""Scores are calibrated by stored curves: monotone, bounded, and never lifting what a detector held back."""

from __future__ import annotations

from datetime import datetime, timedelta
from pathlib import Path

import pytest
from factories.city import START, City
from hypothesis import given
from hypothesis import strategies as st

from ringtrace.detectors import DETECTORS, detect
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


def test_a_run_uses_the_curves_that_it_is_given(tmp_path: Path) -> None:
    city = City()
    for shop in ("S1", "S2", "S3"):
        city.shop(shop)
    city.background(seed=3)
    for name in ("f0", "f1", "f2", "f3"):
        city.person(name, hh_no=f"h{name}")
        for day in range(5, 170, 11):
            city.visit(name, "S1", START + timedelta(days=day, hours=8 + day % 9, seconds=40 * int(name[1])))
    workspace = city.workspace(tmp_path)
    kind = "borrowed_card_ring"
    (raw,) = detect(workspace, kinds=[kind], curves={}).findings
    (shown,) = detect(workspace, kinds=[kind], curves={kind: ((0.0, 0.11), (1.0, 0.12))}).findings
    assert raw.score > 0.12 >= shown.score >= 0.11
    assert (shown.finding_id, shown.level) == (raw.finding_id, "yellow")
