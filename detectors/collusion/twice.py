"""Which of two sales of one pack was the true one: a box goes over the counter once."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import replace
from typing import TYPE_CHECKING, Final

import numpy as np

from ringtrace.detectors.collusion.mixture import LIKELY
from ringtrace.detectors.collusion.signals import PERSON_SIGNALS, VISIT_SIGNALS, silenced

if TYPE_CHECKING:
    from ringtrace.detectors.collusion.shops import Shop

COLLUDING: Final = 0.1
"""Part of a shop's buyers that is thought to collude, at most, before anything is known of one."""

GENUINE: Final = 0.6
"""Part of the feigning buyer's odd visits below which the other buyer's further visits must stay."""

AMID: Final = 0.25
"""Codes sold before and codes sold again, the fewer beside the more, from which both go with a buyer's visits."""

SPREAD: Final = 2.0
"""Effective number of people on one side of a shop's repeats over that on the other, from which the sides differ."""


def genuine_sales(shop: Shop, twice: Sequence[tuple[int, int]]) -> list[tuple[int, int]]:
    """(Column, row of the shop) of `reused` and `lent` marks that the other sale of the same pack explains.

    A pack sold twice was sold once in truth. Where the buyer of the one sale is likely to collude, and the other buyer
    is not but for such marks, and the part of its further visits that show anything is below `GENUINE` of the first
    one's, the other sale is taken for the true one: it keeps its mark only for another code that nothing explains.
    So it is, however many such packs the other buyer got, where each was its code's last sale (or each its first), as a
    box is sold in truth once it leaves the shelf, while the first one's visits stand amid their codes' sales or look
    feigned without such marks. And so it is where the packs of a few people go to many (`SPREAD`), or those of many to
    a few: the many are customers.
    """
    first, last = int(shop.rows[0]), int(shop.rows[-1])
    # Who truly gets the pack that a feigned sale borrowed buys the same goods at the same price, so that a repeated
    # total and short stock tell nothing here.
    unmarked = silenced(shop.weighed, VISIT_SIGNALS, ("reused", "lent", "repeated"))
    own = silenced(shop.persons, PERSON_SIGNALS, ("short",))
    # How many collude here was seen by the very marks that are asked about.
    usual = replace(shop.fit, colluding=min(shop.fit.colluding, COLLUDING))
    anyway = usual.alone(unmarked, shop.starts, own, shop.trials) >= LIKELY
    visits = np.bincount(shop.owner, minlength=len(shop.people))
    # The visit of this very pack says nothing about which of the two is true.
    share = np.maximum(shop.odd - 1, 0) / visits
    marks = {
        signal: np.bincount(
            shop.owner, weights=shop.visits[:, VISIT_SIGNALS.index(signal)] == 1, minlength=len(shop.people)
        )
        for signal in ("lent", "reused")
    }
    amid = np.minimum(marks["lent"], marks["reused"]) >= AMID * np.maximum(marks["lent"], marks["reused"])
    mine_twice = [pair for pair in twice if first <= pair[0] <= last]
    spread = [_effective([int(shop.owner[pair[side] - first]) for pair in mine_twice]) for side in (0, 1)]
    left: dict[tuple[int, int], bool] = defaultdict(bool)
    for pair in mine_twice:
        owners = [int(shop.owner[row - first]) for row in pair]
        for side, signal in ((0, "lent"), (1, "reused")):
            mine, other = owners[side], owners[1 - side]
            row = pair[side] - first
            if shop.visits[row, VISIT_SIGNALS.index(signal)] == 1:
                at_end = marks["lent" if signal == "reused" else "reused"][mine] == 0
                less = share[mine] < GENUINE * share[other] or (at_end and (amid[other] or anyway[other]))
                by_other = shop.fit.buyer[other] >= LIKELY and less
                victim = not anyway[mine] and (by_other or (at_end and spread[side] >= SPREAD * spread[1 - side]))
                left[VISIT_SIGNALS.index(signal), row] |= not victim
    return [mark for mark, doubtful in left.items() if not doubtful]


def _effective(people: Sequence[int]) -> float:
    """Effective number of people, 1 / Σ share² (the inverse of Simpson's index)."""
    counts = np.bincount(people) if people else np.ones(1)
    return float(counts.sum() ** 2 / (counts**2).sum())
