"""Which of a shop's buyers carry the excess: a mixture of ordinary and feigned visits, fitted shop by shop.

Model. A buyer of the shop colludes with probability ρ. A colluding buyer's visit is feigned with probability π, else
ordinary like everyone's. An ordinary visit shows signal j with the shop's own rate θ⁰ⱼ, a feigned one with θ¹ⱼ,
independently given its class; a signal that cannot be known (NaN) drops out. Signals of the buyer as a person
(distance, illness) enter once a buyer, not once a visit. Fitted by expectation–maximisation with Beta priors (MAP):
θ⁰ is drawn to the rates of the city's other shops, θ¹ to those that feigned sales have where they are known. So a
careless shop, where codes or ledger rows are missing everywhere, has a high θ⁰ and accuses nobody, while the same
number of missing rows gathered on a few people's visits, together with other signals, does.

Latent-class evidence of this form is Fellegi and Sunter's record-linkage model (JASA 1969), one class level deeper.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Final

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]

ITERATIONS: Final = 40
TOLERANCE: Final = 1e-4
LIKELY: Final = 0.5


@dataclass(frozen=True, slots=True)
class Priors:
    """Beta priors as mean and strength (pseudo-observations): rates of ordinary and feigned visits and of buyers."""

    ordinary: Floats
    feigned: Floats
    person_ordinary: Floats
    person_feigned: Floats
    ordinary_strength: float = 20.0
    feigned_strength: float = 10.0
    colluding: float = 0.03
    colluding_strength: float = 20.0
    feigned_share: float = 0.6
    feigned_share_strength: float = 6.0


@dataclass(frozen=True, slots=True)
class Fit:
    """`buyer` and `visit`: posterior of colluding and of being feigned, in the order given. `ordinary`, `feigned`:
    fitted rates of the visit signals. `gain`: log-likelihood in nats over the same shop with ordinary visits only.
    `nats`: for each visit signal, the log-likelihood ratio that feigned visits owe to it, summed over the buyers who
    likely collude; a trace of suspicion on each of thousands of others is no evidence.
    `colluding`, `feigned_share`: ρ and π.
    """

    buyer: Floats
    visit: Floats
    ordinary: Floats
    feigned: Floats
    person_feigned: Floats
    person_ordinary: Floats
    gain: float
    nats: Floats
    person_nats: Floats
    colluding: float
    feigned_share: float

    def alone(self, visits: Floats, starts: NDArray[np.int64], persons: Floats) -> Floats:
        """Posterior of each buyer by the fitted rates, but from these signals (NaN: not asked)."""
        ratio = Seen.of(visits).log_ratio(self.ordinary, self.feigned)
        mixed = np.logaddexp(np.log1p(-self.feigned_share), np.log(self.feigned_share) + ratio)
        own = Seen.of(persons).log_ratio(self.person_ordinary, self.person_feigned)
        odds = np.log(self.colluding) - np.log1p(-self.colluding) + np.add.reduceat(mixed, starts) + own
        return np.asarray(1 / (1 + np.exp(-np.clip(odds, -700, 700))))


def fit_shop(
    visits: Floats,
    starts: NDArray[np.int64],
    persons: Floats,
    priors: Priors,
    silences: Sequence[tuple[NDArray[np.bool_], NDArray[np.bool_]]] = (),
) -> Fit:
    """Fit one shop, in each way that its feigned visits may look; the way that gains most is returned.

    A forged ledger shows nothing. Were its silence held against the rates judged for feigned visits, it would hide what
    the other signals say, and expectation–maximisation would stop where nobody colludes. So each of `silences` is tried
    as well. The choice costs the logarithm of the number of ways (Bonferroni's bound), taken off the gain.

    Parameters
    ----------
    visits:
        One row a visit, one column a signal (0, 1, NaN), rows of one buyer together.
    starts:
        Row at which each buyer's visits begin.
    persons:
        One row a buyer, one column a person signal (0, 1, NaN).
    priors:
        See `Priors`.
    silences:
        Pairs of masks, of visit and of person signals, that are not asked.
    """
    fits = [_fit(visits, starts, persons, priors)]
    for quiet, quiet_own in silences:
        told = replace(
            priors,
            feigned=np.where(quiet, priors.ordinary, priors.feigned),
            person_feigned=np.where(quiet_own, priors.person_ordinary, priors.person_feigned),
        )
        fits.append(_fit(np.where(quiet, np.nan, visits), starts, np.where(quiet_own, np.nan, persons), told))
    best = max(fits, key=lambda fit: fit.gain)
    return replace(best, gain=best.gain - float(np.log(len(fits))))


def _fit(visits: Floats, starts: NDArray[np.int64], persons: Floats, priors: Priors) -> Fit:
    number = len(visits)
    sizes = np.diff(np.append(starts, number))
    owner = np.repeat(np.arange(len(starts)), sizes)
    seen, own = Seen.of(visits), Seen.of(persons)
    rate0, rate1 = _shrunk(seen, np.ones(number), priors.ordinary, priors.ordinary_strength), priors.feigned
    own0, own1 = priors.person_ordinary, priors.person_feigned
    rho, share = priors.colluding, priors.feigned_share
    empty = seen.log_likelihood(rate0)
    before = -np.inf
    for _ in range(ITERATIONS):
        # A signal that is no commoner in feigned visits says nothing: never let ordinary traits mark the other class.
        rate1, own1 = np.maximum(rate1, rate0), np.maximum(own1, own0)
        ratio = seen.log_ratio(rate0, rate1)
        mixed = np.logaddexp(np.log1p(-share), np.log(share) + ratio)
        evidence = np.add.reduceat(mixed, starts) + own.log_ratio(own0, own1)
        odds = np.log(rho) - np.log1p(-rho) + evidence
        buyer = 1 / (1 + np.exp(-np.clip(odds, -700, 700)))
        visit = buyer[owner] * np.exp(np.log(share) + ratio - mixed)
        rate1 = _shrunk(seen, visit, priors.feigned, priors.feigned_strength)
        rate0 = _shrunk(seen, 1 - visit, priors.ordinary, priors.ordinary_strength)
        own1 = _shrunk(own, buyer, priors.person_feigned, priors.feigned_strength)
        own0 = _shrunk(own, 1 - buyer, priors.person_ordinary, priors.ordinary_strength)
        strength = priors.feigned_share_strength
        share = (visit.sum() + strength * priors.feigned_share) / ((buyer * sizes).sum() + strength)
        strength = priors.colluding_strength
        rho = (buyer.sum() + strength * priors.colluding) / (len(starts) + strength)
        total = float(np.logaddexp(np.log1p(-rho), np.log(rho) + evidence).sum())
        if abs(total - before) < TOLERANCE * max(1.0, abs(total)):
            break
        before = total
    rate1, own1 = np.maximum(rate1, rate0), np.maximum(own1, own0)
    likely = buyer >= LIKELY
    return Fit(
        buyer,
        visit,
        rate0,
        rate1,
        own1,
        own0,
        total + seen.log_likelihood(rate0) - empty,
        seen.nats(likely[owner] * visit, rate0, rate1),
        own.nats(likely * buyer, own0, own1),
        float(rho),
        float(share),
    )


@dataclass(frozen=True, slots=True)
class Seen:
    """Signals as two matrices of 0 and 1: shown, and known not to be shown; an unknown one is in neither."""

    ones: Floats
    zeros: Floats

    @classmethod
    def of(cls, signals: Floats) -> Seen:
        ones = np.nan_to_num(signals)
        return cls(ones, ~np.isnan(signals) - ones)

    def log_ratio(self, rate0: Floats, rate1: Floats) -> Floats:
        """Of each row, log-likelihood under `rate1` less that under `rate0`."""
        return np.asarray(self.ones @ np.log(rate1 / rate0) + self.zeros @ np.log((1 - rate1) / (1 - rate0)))

    def log_likelihood(self, rate: Floats) -> float:
        """Of all rows under `rate`."""
        return float(self.ones.sum(axis=0) @ np.log(rate) + self.zeros.sum(axis=0) @ np.log1p(-rate))

    def nats(self, weight: Floats, rate0: Floats, rate1: Floats) -> Floats:
        """Of each column, the weighted sum over rows of what it adds to `log_ratio`."""
        shown, absent = weight @ self.ones, weight @ self.zeros
        return np.asarray(shown * np.log(rate1 / rate0) + absent * np.log((1 - rate1) / (1 - rate0)))


def _shrunk(seen: Seen, weight: Floats, mean: Floats, strength: float) -> Floats:
    """Weighted rate of each column, drawn to `mean` as by `strength` further observations."""
    hits = weight @ seen.ones
    known = hits + weight @ seen.zeros
    return np.asarray(np.clip((hits + strength * mean) / (known + strength), 1e-4, 1 - 1e-4))
