"""From evidence to a detector's own score between 0 and 1, and to the level it would give by that alone.

`calibration` turns both into what investigators see: the share of such findings that stand.
"""

from __future__ import annotations

from math import exp
from typing import Final

from ringtrace.findings import Level

RED: Final = 0.9
ORANGE: Final = 0.6
LEAD_SCORE: Final = 0.55
"""Highest score of what is worth a look and accuses nobody: below orange by more than rounding."""


def logistic(logit: float) -> float:
    """1 / (1 + e^-logit), without overflow."""
    return 1 / (1 + exp(-logit)) if logit >= 0 else exp(logit) / (1 + exp(logit))


def level_of(score: float) -> Level:
    """Red from 0.9, orange from 0.6, yellow below: by the raw score, before calibration."""
    return "red" if score >= RED else "orange" if score >= ORANGE else "yellow"
