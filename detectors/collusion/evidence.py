"""When the evidence about a shop is joint: what each signal and each family of signals adds, beyond chance."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

import numpy as np

from ringtrace.detectors.collusion.mixture import Fit, Floats
from ringtrace.detectors.collusion.signals import FAMILIES, PERSON_SIGNALS, VISIT_SIGNALS

GOODS: Final = ("unrecorded", "uncoded", "reused", "lent")
"""Signals about whether the goods of a visit existed."""

KEPT: Final = frozenset({"reused", "lent", "short", "no_illness", "repeated"})
"""What a shop alone brings about that scans one kept code for other goods (substitution): the code repeats, and the
price of its drug; too little of that was bought, and it goes with no illness of who paid for something else."""

STRAY: Final = 10.0
"""Nats that missing codes must give beside these: a kept box is not always at hand."""

CROWD: Final = ("surge", "run", "repeated")
"""Signals that innocent people share who come together: a group that buys the same, a shift, a bus."""

LEAST_NATS: Final = 3.0
"""A signal, and so its family, counts as evidence when it gives at least so many nats (odds of 20 to 1)."""


@dataclass(frozen=True, slots=True)
class Evidence:
    """What a shop's `fit` says; `used` signals were known there and asked, `number` is that of its visits.

    `goods_known`: whether any signal about goods is known of any visit; `stock_known`: whether stock is, of any buyer.
    """

    fit: Fit
    used: int
    number: int
    goods_known: bool
    stock_known: bool = False

    @classmethod
    def of(cls, fit: Fit, visits: Floats, persons: Floats, number: int) -> Evidence:
        """From the signals that `fit` was made of."""
        known = {name for name, column in zip(VISIT_SIGNALS, visits.T, strict=True) if not np.isnan(column).all()}
        own = {name for name, column in zip(PERSON_SIGNALS, persons.T, strict=True) if not np.isnan(column).all()}
        used = len(known) + len(own) - fit.unasked
        return cls(fit, used, number, bool(known & set(GOODS)), "short" in own)

    @property
    def penalty(self) -> float:
        """What the mixture's extra parameters would gain by chance (BIC, Schwarz 1978), in nats.

        The rates of feigned visits are learnt from these alone, so that their number counts and not that of all visits
        (as that of events does and not that of the observed: Volinsky and Raftery, Biometrics 2000); of how many
        collude, and how often, all visits tell.
        """
        return 0.5 * self.used * float(np.log1p(self.fit.expected)) + float(np.log(self.number))

    @property
    def net(self) -> float:
        """Gain beyond the penalty."""
        return self.fit.gain - self.penalty

    @property
    def nats(self) -> dict[str, float]:
        """Evidence of each signal in nats, the largest first."""
        each = [
            *zip(VISIT_SIGNALS, self.fit.nats, strict=True),
            *zip(PERSON_SIGNALS, self.fit.person_nats, strict=True),
        ]
        return {name: float(value) for name, value in sorted(each, key=lambda pair: -pair[1]) if value > 0}

    @property
    def beyond_goods(self) -> float:
        """Nats of the signals that do not depend on what was sold, as stock, codes and totals do."""
        return sum(value for name, value in self.nats.items() if name not in (*GOODS, "short", "repeated"))

    @property
    def spoken(self) -> set[str]:
        """Signals that speak, each by `LEAST_NATS` at least."""
        return {name for name, value in self.nats.items() if value >= LEAST_NATS}

    @property
    def families(self) -> list[str]:
        """Families of signals that speak."""
        spoken = self.spoken
        return [family for family, signals in FAMILIES.items() if spoken & set(signals)]

    @property
    def joint(self) -> bool:
        """Whether the evidence is of more than one kind, and about the sales themselves.

        Goods that never left a shelf with one more family; or, where goods do not speak (no data, or a forged ledger),
        three signals of other families, odd hours or totals among them. Missing codes and codes sold before are two
        kinds where each alone is worth the extra parameters: substitution repeats codes and loses few, resold packs
        lack them and repeat none. A trace of missing goods beside a crowd is chance: what they say must alone be worth
        the extra parameters; where they could speak and do not, what is left without a crowd and without the strongest
        signal must be. What substitution alone shows (`KEPT`) accuses the shop and no buyer, who may know nothing of
        what is claimed (`trace_code_reuse` tells it); but it leaves the drug of the kept code short, so that where the
        stock covers all, the codes are those of old boxes, scanned for sales that were none.
        """
        nats, spoken = self.nats, self.spoken
        covered = self.stock_known and "short" not in spoken
        if not covered and spoken <= KEPT | {"uncoded"} and nats.get("uncoded", 0.0) < STRAY:
            return False
        if spoken & set(GOODS):
            goods = sum(nats.get(name, 0.0) for name in (*GOODS, "short"))
            both = min(nats.get("uncoded", 0.0), nats.get("reused", 0.0)) >= self.penalty
            return len(self.families) + both >= 2 and goods >= self.penalty
        others = spoken - {*FAMILIES["ledger"], *FAMILIES["codes"]}
        left = sorted(nats[name] for name in others - set(CROWD))[:-1]
        if self.goods_known and sum(left) < self.penalty:
            return False
        return len(others) >= 3 and bool(others & {"off_hours", "surge", "repeated", "filled"})
