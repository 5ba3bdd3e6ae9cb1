"""What the search for rings goes by, declared once and shown on each finding."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class RingThresholds:
    """What the search goes by; each finding shows these values.

    `window` seconds are "together"; `hop` seconds between two places make one run; `false_discovery` is the rate for
    pairs, `growth_error` the chance of a wrong member in a group; `share` the least attendance of a member;
    `resolution` the density of a community; visits amid more than `max_crowd` others make no pairs.
    """

    window: int = 900
    hop: int = 3600
    min_days: int = 3
    false_discovery: float = 0.05
    growth_error: float = 0.01
    share: float = 0.25
    resolution: float = 0.3
    max_crowd: int = 200
    max_size: int = 200
