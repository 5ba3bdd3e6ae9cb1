"""From a detector's raw score to the share of such findings that stand, and from that share to the warning level.

Detectors score by judgement or by small models fitted to few cities. What a score of theirs is worth is measured
afterwards: isotonic regression (Zadrozny and Elkan 2002, "Transforming classifier scores into accurate multiclass
probability estimates") of "half of the people named belong to such a scheme" on the score, over tuning cities of two
simulators that share no code. It keeps the order of the findings and assumes nothing else. `bench/calibrate.py` fits
the curves and writes `calibration.yaml`; a kind without a curve keeps its raw score.

Levels are a promise of precision: of red findings at least 95 in 100 should stand, of orange ones at least 80.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from functools import cache
from importlib import resources
from typing import Final

import numpy as np
import yaml

from ringtrace.detectors.detector import Draft
from ringtrace.detectors.scoring import level_of
from ringtrace.findings import LEVELS, Level

Curve = Sequence[tuple[float, float]]
"""Knots (raw score, calibrated score), both rising; straight lines between them, flat outside."""

RED: Final = 0.95
ORANGE: Final = 0.8


@cache
def curves() -> Mapping[str, Curve]:
    """The curve of each kind that has one, as stored beside this file."""
    raw = yaml.safe_load((resources.files(__package__) / "calibration.yaml").read_text("utf-8")) or {}
    return {kind: tuple((float(score), float(share)) for score, share in knots) for kind, knots in raw.items()}


def calibrated(score: float, curve: Curve | None) -> float:
    """The share of findings with this raw score that stand, by the curve; the score itself without one."""
    if not curve:
        return score
    return float(np.interp(score, [knot[0] for knot in curve], [knot[1] for knot in curve]))


def warning_level(score: float) -> Level:
    """The level of a calibrated score: red from 0.95, orange from 0.8, yellow below."""
    return "red" if score >= RED else "orange" if score >= ORANGE else "yellow"


def calibrate(draft: Draft, curve: Curve | None) -> Draft:
    """`draft` with its calibrated score and the level that goes with it.

    A detector that gave a lower level than its score alone would (a lead about which too little is known, a finding
    that was explained) has its reasons: the level then never rises above that.
    """
    if not curve:
        return draft
    score = calibrated(draft.score, curve)
    held_back = LEVELS.index(draft.level) > LEVELS.index(level_of(draft.score))
    levels = [warning_level(score), draft.level] if held_back else [warning_level(score)]
    return replace(draft, score=score, level=max(levels, key=LEVELS.index))
