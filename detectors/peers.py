"""How far a value lies from its peers, by statistics that a few extreme peers cannot move."""

from __future__ import annotations

from typing import Final

import numpy as np
from numpy.typing import NDArray

MAD_TO_SIGMA: Final = 1.4826
"""Makes the median absolute deviation of a normal sample estimate its standard deviation."""

FEWEST_PEERS: Final = 8
"""Below so many peers no value is called unusual."""


def robust_z(values: NDArray[np.float64], *, least_sigma: float = 0.3) -> NDArray[np.float64]:
    """(value − median) / (1.4826 · MAD) of each value among all; zeros where there are too few peers to say.

    `least_sigma`, in the unit of `values`, keeps peers that are all alike from making a trifle look extreme.
    Iglewicz and Hoaglin 1993, "How to detect and handle outliers", propose 3.5 as the limit.
    """
    if len(values) < FEWEST_PEERS:
        return np.zeros(len(values))
    middle = np.median(values)
    sigma = max(MAD_TO_SIGMA * float(np.median(np.abs(values - middle))), least_sigma)
    return np.asarray((values - middle) / sigma, dtype=np.float64)
