"""Distances on the globe: the great circle by the haversine formula, Earth's radius 6,371 km (R. W. Sinnott 1984)."""

from __future__ import annotations

from typing import Final

import numpy as np

from ringtrace.detectors.arrays import Floats

EARTH_KM: Final = 6371


def great_circle_km(a: str, b: str) -> str:
    """SQL of the kilometres between rows `a` and `b`, both with `lon` and `lat` in degrees; none of them may be NULL.

    `least` passes over NULL, so that unknown places would lie at the antipodes of each other.
    """
    return (
        f"2 * {EARTH_KM} * asin(sqrt(least(1, sin(radians({b}.lat - {a}.lat) / 2) ** 2 + cos(radians({a}.lat)) "
        f"* cos(radians({b}.lat)) * sin(radians({b}.lon - {a}.lon) / 2) ** 2)))"
    )


def pairwise_km(lon: Floats, lat: Floats) -> Floats:
    """The same between each two of n places, in degrees: an n × n array."""
    rad = np.radians(lat)
    half = np.sin((rad[:, None] - rad) / 2) ** 2
    half += np.cos(rad)[:, None] * np.cos(rad) * np.sin(np.radians(lon[:, None] - lon) / 2) ** 2
    return np.asarray(2 * EARTH_KM * np.arcsin(np.sqrt(np.minimum(1, half))))
