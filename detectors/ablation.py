"""What a detection run can leave out, to measure what it is worth: signals and innocence checks by name.

`detect(workspace, without=["borrowed_card_ring.check.household"])` runs as if the delivery said nothing about it. Only
`bench/ablation.py` has a use for that; such findings carry what was left out among their parameters.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Final, get_args

from ringtrace.detectors.collusion.signals import PERSON_SIGNALS, VISIT_SIGNALS
from ringtrace.detectors.packs.trace_codes import Explanation
from ringtrace.detectors.rings.innocence import CHECKS
from ringtrace.detectors.rings.score import WEIGHTS

PARTS: Final[dict[str, tuple[str, ...]]] = {
    "borrowed_card_ring": (
        *(f"signal.{name}" for name in WEIGHTS),
        *(f"check.{check.__name__}" for check in CHECKS),
    ),
    "drug_resale": (
        "signal.untraced",
        *(f"check.{name}" for name in get_args(Explanation)),
        "check.sister_branch",
    ),
    "pharmacy_collusion": (
        *(f"signal.{name}" for name in (*VISIT_SIGNALS, *PERSON_SIGNALS)),
        "check.resale",
        "check.same_goods",
        "check.special_drugs",
        "check.resold_goods",
        "check.passers_by",
        "check.kept_code",
    ),
}
"""Of the kinds that add up evidence; the others rest on one signal each, and without it find nothing."""


def checked_parts(names: Iterable[str]) -> frozenset[str]:
    """`names` (kind.signal.… or kind.check.…) as a set.

    Raises
    ------
    ValueError
        If there is no such part: a slip of the bench, never of a user.
    """
    wanted = frozenset(names)
    known = {f"{kind}.{part}" for kind, parts in PARTS.items() for part in parts}
    if unknown := sorted(wanted - known):
        raise ValueError(f"no such signal or check: {', '.join(unknown)}; there are {', '.join(sorted(known))}")
    return wanted
