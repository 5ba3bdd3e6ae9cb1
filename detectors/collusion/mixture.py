"""Which of a shop's buyers carry the excess: a mixture of ordinary and feigned visits, fitted shop by shop.

Model. A buyer of the shop colludes with probability ρ. A colluding buyer's visit is feigned with probability π, else
ordinary like everyone's. An ordinary visit shows signal j with the shop's own rate θ⁰ⱼ, a feigned one with θ¹ⱼ,
independently given its class; a signal that cannot be known (NaN) drops out, one shown in part (of the packs) counts
for that part, and one of several lines for more than one visit (`trials`). Signals of the buyer as a person
(distance, illness) enter once a buyer, not once a visit. Fitted by expectation–maximisation with Beta priors (MAP):
θ⁰ is drawn to the rates of the city's other shops, θ¹ to those that feigned sales have where they are known. So a
careless shop, where codes or ledger rows are missing everywhere, has a high θ⁰ and accuses nobody, while the same
number of missing rows gathered on a few people's visits, together with other signals, does.

Latent-class evidence of this form is Fellegi and Sunter's record-linkage model (JASA 1969), one class level deeper.

Buyers whose visits show the same are alike to the model, so that one of them can stand for all (`Copies`): the fit is
the same, and a shop of ten thousand visits costs what its hundred different buyers do.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Final

import numpy as np
from numpy.typing import NDArray
from scipy.special import expit

from ringtrace.detectors.arrays import run_numbers

Floats = NDArray[np.float64]
Trials = Floats | float
"""How many independent visits each signal of each visit is worth, where that is not one."""

ITERATIONS: Final = 40
TOLERANCE: Final = 1e-4
EARLY: Final = 10
NOBODY: Final = 0.05
"""A fit ends early where after so many steps no buyer's posterior reaches this: an ordinary shop only fades on."""

LIKELY: Final = 0.5

COMMON: Final = 0.1
COMMONER: Final = 3.0
"""A signal of a tenth of a shop's visits, and three times the usual part, may be that of many feigned ones."""


@dataclass(frozen=True, slots=True)
class Priors:
    """Beta priors as mean and strength (pseudo-observations): rates of ordinary and feigned visits and of buyers.

    `restart`: signals of which many may be feigned where they are much commoner than elsewhere (all by default).
    """

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
    restart: NDArray[np.bool_] | None = None


@dataclass(frozen=True, slots=True)
class Fit:
    """`buyer` and `visit`: posterior of colluding and of being feigned, in the order given. `ordinary`, `feigned`:
    fitted rates of the visit signals. `gain`: log-likelihood in nats over the same shop with ordinary visits only.
    `nats`: for each visit signal, the log-likelihood ratio that feigned visits owe to it, summed over the buyers who
    likely collude; a trace of suspicion on each of thousands of others is no evidence.
    `colluding`, `feigned_share`: ρ and π. `expected`: number of feigned visits. `unasked`: known signals that this way
    of fitting does not ask.
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
    expected: float
    unasked: int = 0

    def alone(self, visits: Floats, starts: NDArray[np.int64], persons: Floats, trials: Trials = 1.0) -> Floats:
        """Posterior of each buyer by the fitted rates, but from these signals (NaN: not asked)."""
        mixed = np.logaddexp(np.log1p(-self.feigned_share), np.log(self.feigned_share) + self.speaks(visits, trials))
        own = Seen.of(persons).log_ratio(self.person_ordinary, self.person_feigned)
        odds = np.log(self.colluding) - np.log1p(-self.colluding) + np.add.reduceat(mixed, starts) + own
        return np.asarray(expit(odds))

    def speaks(self, visits: Floats, trials: Trials = 1.0) -> Floats:
        """Of each visit, the log-likelihood ratio of its signals: above zero where they are those of a feigned one."""
        return Seen.of(visits, trials).log_ratio(self.ordinary, self.feigned)

    def of(
        self,
        visits: Floats,
        owner: NDArray[np.int64],
        persons: Floats,
        buyers: NDArray[np.bool_],
        trials: Trials = 1.0,
    ) -> Fit:
        """The same fit with the nats of these buyers alone."""
        feigned, colluding = buyers[owner] * self.visit, buyers * self.buyer
        return replace(
            self,
            nats=Seen.of(visits, trials).counts(feigned).nats(self.ordinary, self.feigned),
            person_nats=Seen.of(persons).counts(colluding).nats(self.person_ordinary, self.person_feigned),
        )


@dataclass(frozen=True, slots=True)
class Copies:
    """How often each row of visits stands for one of the same buyer, and each buyer for others just like it."""

    visits: Floats
    buyers: Floats


def fit_shop(
    visits: Floats,
    starts: NDArray[np.int64],
    persons: Floats,
    priors: Priors,
    silences: Sequence[tuple[NDArray[np.bool_], NDArray[np.bool_]]] = (),
    copies: Copies | None = None,
    trials: Trials = 1.0,
) -> Fit:
    """Fit one shop, in each way that its feigned visits may look; the way that gains most is returned.

    A forged ledger shows nothing. Were its silence held against the rates judged for feigned visits, it would hide what
    the other signals say, and expectation–maximisation would stop where nobody colludes. So each of `silences` is tried
    as well. The choice costs the logarithm of the number of ways (Bonferroni's bound), taken off the gain.

    Expectation–maximisation begins with the shop's own rates as those of ordinary visits. Where feigned visits are a
    good part of all, it may end where they are ordinary; so where a signal (`Priors.restart`) is much commoner than
    elsewhere, it also begins from the other places' rates.

    Parameters
    ----------
    visits:
        One row a visit, one column a signal (0 to 1, NaN), rows of one buyer together.
    starts:
        Row at which each buyer's visits begin.
    persons:
        One row a buyer, one column a person signal (0, 1, NaN).
    priors:
        See `Priors`.
    silences:
        Pairs of masks, of visit and of person signals, that are not asked.
    copies:
        One of each by default.
    trials:
        One row a visit, one column a signal: how many independent visits it is worth.
    """
    once = copies or Copies(np.ones(len(visits)), np.ones(len(starts)))
    seen = Seen.of(visits, trials)
    fits = [_fit(seen, starts, persons, priors, once)]
    if _common(seen.counts(once.buyers[run_numbers(starts, len(visits))] * once.visits), priors):
        fits.append(_fit(seen, starts, persons, priors, once, from_prior=True))
    for quiet, quiet_own in silences:
        told = replace(
            priors,
            feigned=np.where(quiet, priors.ordinary, priors.feigned),
            person_feigned=np.where(quiet_own, priors.person_ordinary, priors.person_feigned),
        )
        asked = Seen.of(np.where(quiet, np.nan, visits), trials)
        unasked = _known(visits[:, quiet]) + _known(persons[:, quiet_own])
        fits.append(replace(_fit(asked, starts, np.where(quiet_own, np.nan, persons), told, once), unasked=unasked))
    best = max(fits, key=lambda fit: fit.gain)
    return replace(best, gain=best.gain - float(np.log(len(fits))))


def _known(signals: Floats) -> int:
    """Number of signals that are known of anything."""
    return int((~np.isnan(signals).all(axis=0)).sum())


def _common(counts: Counts, priors: Priors) -> bool:
    """Whether some signal is so much commoner here than at other places that most of what shows it may be feigned."""
    rate = counts.shown / np.maximum(counts.shown + counts.absent, 1.0)
    common = rate > np.maximum(COMMON, COMMONER * priors.ordinary)
    return bool((common if priors.restart is None else common & priors.restart).any())


def _fit(
    seen: Seen, starts: NDArray[np.int64], persons: Floats, priors: Priors, copies: Copies, *, from_prior: bool = False
) -> Fit:
    owner = run_numbers(starts, len(seen.both))
    times, alike = copies.visits, copies.buyers
    weight, sizes = alike[owner] * times, np.add.reduceat(times, starts)
    own = Seen.of(persons)
    all_seen, all_own = seen.counts(weight), own.counts(alike)
    start0, rate1 = _shrunk(all_seen, priors.ordinary, priors.ordinary_strength), priors.feigned
    rate0 = np.minimum(start0, priors.ordinary) if from_prior else start0
    own0, own1 = priors.person_ordinary, priors.person_feigned
    rho, share = priors.colluding, priors.feigned_share
    empty = all_seen.log_likelihood(start0)
    before = -np.inf
    for step in range(ITERATIONS):
        # A signal that is no commoner in feigned visits says nothing: never let ordinary traits mark the other class.
        rate1, own1 = np.maximum(rate1, rate0), np.maximum(own1, own0)
        ratio = seen.log_ratio(rate0, rate1)
        mixed = np.logaddexp(np.log1p(-share), np.log(share) + ratio)
        evidence = np.add.reduceat(times * mixed, starts) + own.log_ratio(own0, own1)
        buyer = expit(np.log(rho) - np.log1p(-rho) + evidence)
        visit = buyer[owner] * np.exp(np.log(share) + ratio - mixed)
        feigned, colluding = weight * visit, alike * buyer
        of_feigned, of_colluding = seen.counts(feigned), own.counts(colluding)
        rate1 = _shrunk(of_feigned, priors.feigned, priors.feigned_strength)
        rate0 = _shrunk(all_seen.less(of_feigned), priors.ordinary, priors.ordinary_strength)
        own1 = _shrunk(of_colluding, priors.person_feigned, priors.feigned_strength)
        own0 = _shrunk(all_own.less(of_colluding), priors.person_ordinary, priors.ordinary_strength)
        strength = priors.feigned_share_strength
        share = (feigned.sum() + strength * priors.feigned_share) / (colluding @ sizes + strength)
        strength = priors.colluding_strength
        rho = (colluding.sum() + strength * priors.colluding) / (alike.sum() + strength)
        total = float(alike @ np.logaddexp(np.log1p(-rho), np.log(rho) + evidence))
        if abs(total - before) < TOLERANCE * max(1.0, abs(total)) or (step >= EARLY and buyer.max() < NOBODY):
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
        total + all_seen.log_likelihood(rate0) - empty,
        seen.counts(likely[owner] * feigned).nats(rate0, rate1),
        own.counts(likely * colluding).nats(own0, own1),
        float(rho),
        float(share),
        float(feigned.sum()),
    )


@dataclass(frozen=True, slots=True)
class Counts:
    """Of each signal, how often it was shown and how often it was known not to be, by some weight of the rows."""

    shown: Floats
    absent: Floats

    def less(self, others: Counts) -> Counts:
        """What is left without `others`, which are part of these."""
        return Counts(np.maximum(self.shown - others.shown, 0.0), np.maximum(self.absent - others.absent, 0.0))

    def log_likelihood(self, rate: Floats) -> float:
        """Of all rows under `rate`."""
        return float(self.shown @ np.log(rate) + self.absent @ np.log1p(-rate))

    def nats(self, rate0: Floats, rate1: Floats) -> Floats:
        """Of each signal, what it adds to the log-likelihood under `rate1` over that under `rate0`."""
        return np.asarray(self.shown * np.log(rate1 / rate0) + self.absent * np.log((1 - rate1) / (1 - rate0)))


@dataclass(frozen=True, slots=True)
class Seen:
    """Signals as one matrix of 0 and 1, or parts of them, each twice: shown, and known not to be shown; an unknown one
    is in neither.
    """

    both: Floats

    @classmethod
    def of(cls, signals: Floats, trials: Trials = 1.0) -> Seen:
        ones = np.nan_to_num(signals)
        return cls(np.hstack([trials * ones, trials * (~np.isnan(signals) - ones)]))

    def log_ratio(self, rate0: Floats, rate1: Floats) -> Floats:
        """Of each row, log-likelihood under `rate1` less that under `rate0`."""
        return np.asarray(self.both @ np.log(np.concatenate([rate1 / rate0, (1 - rate1) / (1 - rate0)])))

    def counts(self, weight: Floats) -> Counts:
        """Weighted sums over the rows."""
        sums = weight @ self.both
        return Counts(sums[: len(sums) // 2], sums[len(sums) // 2 :])


def _shrunk(counts: Counts, mean: Floats, strength: float) -> Floats:
    """Rate of each signal, drawn to `mean` as by `strength` further observations."""
    rate = (counts.shown + strength * mean) / (counts.shown + counts.absent + strength)
    return np.asarray(np.minimum(np.maximum(rate, 1e-4), 1 - 1e-4))
