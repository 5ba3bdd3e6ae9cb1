"""From evidence to a score between 0 and 1, and from a score to the warning level that investigators act on."""

from __future__ import annotations

from math import exp
from typing import Final

from ringtrace.findings import Level

RED: Final = 0.9
ORANGE: Final = 0.6


def logistic(logit: float) -> float:
    """1 / (1 + e^-logit), without overflow."""
    return 1 / (1 + exp(-logit)) if logit >= 0 else exp(logit) / (1 + exp(logit))


def level_of(score: float) -> Level:
    """Red from 0.9 (nine in ten should stand), orange from 0.6 (more likely than not), yellow below."""
    return "red" if score >= RED else "orange" if score >= ORANGE else "yellow"
