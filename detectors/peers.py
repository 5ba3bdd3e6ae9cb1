"""How far a value lies from its peers, by statistics that a few extreme peers cannot move."""

from __future__ import annotations

from typing import Final

import numpy as np
from numpy.typing import NDArray

MAD_TO_SIGMA: Final = 1.4826
"""Makes the median absolute deviation of a normal sample estimate its standard deviation."""

FEWEST_PEERS: Final = 8
"""Below so many peers no value is called unusual."""


def robust_z(
    values: NDArray[np.float64], peers: NDArray[np.float64] | None = None, *, least_sigma: float = 0.3
) -> NDArray[np.float64]:
    """(value − median) / (1.4826 · MAD) of each value among all, or `peers`; zeros where these are too few to say.

    `least_sigma`, in the unit of `values`, keeps peers that are all alike from making a trifle look extreme.
    Iglewicz and Hoaglin 1993, "How to detect and handle outliers", propose 3.5 as the limit.
    """
    peers = values if peers is None else peers
    if len(peers) < FEWEST_PEERS:
        return np.zeros(len(values))
    middle = np.median(peers)
    sigma = max(MAD_TO_SIGMA * float(np.median(np.abs(peers - middle))), least_sigma)
    return np.asarray((values - middle) / sigma, dtype=np.float64)


def benjamini_hochberg(p_values: NDArray[np.float64], rate: float) -> NDArray[np.bool_]:
    """Which tests to believe so that at most the part `rate` of those believed is chance, on average.

    Benjamini and Hochberg 1995, "Controlling the false discovery rate", JRSS B 57, 289–300; holds for independent or
    positively dependent tests.
    """
    order = np.argsort(p_values, kind="stable")
    limits = rate * np.arange(1, len(p_values) + 1) / max(1, len(p_values))
    below = np.flatnonzero(p_values[order] <= limits)
    believed = np.zeros(len(p_values), dtype=bool)
    if len(below):
        believed[order[: below[-1] + 1]] = True
    return believed
