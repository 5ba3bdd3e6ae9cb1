"""From a detector's raw score to the share of such findings that stand, and from that share to the warning level.

Detectors score by judgement or by small models fitted to few cities. What a score of theirs is worth is measured
afterwards: isotonic regression (Zadrozny and Elkan 2002, "Transforming classifier scores into accurate multiclass
probability estimates") of "half of the people named belong to such a scheme" on the score, over tuning cities of
several makers who share no code. It keeps the order of the findings and assumes nothing else. `bench/calibrate.py` fits
the curves and writes `calibration.yaml`; a kind without a curve keeps its raw score.

Levels are a promise of precision: a red finding stands with a chance of 95 % at least, an orange one with 80 %.
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
from ringtrace.findings import Level

Curve = Sequence[tuple[float, float]]
"""Knots (raw score, calibrated score), both rising; straight lines between them, flat outside."""

RED: Final = 0.95
ORANGE: Final = 0.8
HELD: Final[frozenset[Level]] = frozenset({"yellow", "explained"})


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

    What its detector calls yellow or explained stays so: too little is known to act on it (an outlet without sources, a
    tip, a group that may be a family), or it is accounted for, however often the like stood in the tuning cities.
    """
    if not curve:
        return draft
    score = calibrated(draft.score, curve)
    return replace(draft, score=score, level=draft.level if draft.level in HELD else warning_level(score))
