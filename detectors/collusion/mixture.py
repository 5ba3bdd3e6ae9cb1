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

from dataclasses import dataclass
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


def fit_shop(visits: Floats, starts: NDArray[np.int64], persons: Floats, priors: Priors) -> Fit:
    """Fit one shop.

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
    """
    number = len(visits)
    sizes = np.diff(np.append(starts, number))
    owner = np.repeat(np.arange(len(starts)), sizes)
    known, ones = ~np.isnan(visits), np.nan_to_num(visits)
    person_known, person_ones = ~np.isnan(persons), np.nan_to_num(persons)
    rate0, rate1 = (
        _shrunk(ones, known, np.ones(number), priors.ordinary, priors.ordinary_strength),
        priors.feigned,
    )
    own0, own1 = priors.person_ordinary, priors.person_feigned
    rho, share = priors.colluding, priors.feigned_share
    empty = _log_likelihood(ones, known, rate0)
    before = -np.inf
    for _ in range(ITERATIONS):
        # A signal that is no commoner in feigned visits says nothing: never let ordinary traits mark the other class.
        rate1, own1 = np.maximum(rate1, rate0), np.maximum(own1, own0)
        ratio = _log_ratio(ones, known, rate0, rate1)
        mixed = np.logaddexp(np.log1p(-share), np.log(share) + ratio)
        person_ratio = _log_ratio(person_ones, person_known, own0, own1)
        evidence = np.add.reduceat(mixed, starts) + person_ratio
        odds = np.log(rho) - np.log1p(-rho) + evidence
        buyer = 1 / (1 + np.exp(-np.clip(odds, -700, 700)))
        visit = buyer[owner] * np.exp(np.log(share) + ratio - mixed)
        rate1 = _shrunk(ones, known, visit, priors.feigned, priors.feigned_strength)
        rate0 = _shrunk(ones, known, 1 - visit, priors.ordinary, priors.ordinary_strength)
        own1 = _shrunk(person_ones, person_known, buyer, priors.person_feigned, priors.feigned_strength)
        own0 = _shrunk(person_ones, person_known, 1 - buyer, priors.person_ordinary, priors.ordinary_strength)
        strength = priors.feigned_share_strength
        share = (visit.sum() + strength * priors.feigned_share) / ((buyer * sizes).sum() + strength)
        strength = priors.colluding_strength
        rho = (buyer.sum() + strength * priors.colluding) / (len(starts) + strength)
        total = float(np.logaddexp(np.log1p(-rho), np.log(rho) + evidence).sum())
        if abs(total - before) < TOLERANCE * max(1.0, abs(total)):
            break
        before = total
    rate1, own1 = np.maximum(rate1, rate0), np.maximum(own1, own0)
    ordinary_fit = _log_likelihood(ones, known, rate0)
    each = known * np.where(ones > 0, np.log(rate1 / rate0), np.log((1 - rate1) / (1 - rate0)))
    person_each = person_known * np.where(person_ones > 0, np.log(own1 / own0), np.log((1 - own1) / (1 - own0)))
    return Fit(
        buyer,
        visit,
        rate0,
        rate1,
        own1,
        own0,
        total + ordinary_fit - empty,
        (((buyer >= LIKELY)[owner] * visit)[:, None] * each).sum(axis=0),
        (((buyer >= LIKELY) * buyer)[:, None] * person_each).sum(axis=0),
    )


def _shrunk(ones: Floats, known: NDArray[np.bool_], weight: Floats, mean: Floats, strength: float) -> Floats:
    """Weighted rate of each column, drawn to `mean` as by `strength` further observations."""
    hits = (weight[:, None] * ones).sum(axis=0)
    seen = (weight[:, None] * known).sum(axis=0)
    return np.asarray(np.clip((hits + strength * mean) / (seen + strength), 1e-4, 1 - 1e-4))


def _log_ratio(ones: Floats, known: NDArray[np.bool_], rate0: Floats, rate1: Floats) -> Floats:
    return np.asarray(
        (known * np.where(ones > 0, np.log(rate1 / rate0), np.log((1 - rate1) / (1 - rate0)))).sum(axis=1)
    )


def _log_likelihood(ones: Floats, known: NDArray[np.bool_], rate: Floats) -> float:
    return float((known * np.where(ones > 0, np.log(rate), np.log1p(-rate))).sum())
