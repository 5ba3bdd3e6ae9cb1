"""The pharmacies of a city fitted one by one: who of their buyers carries an excess, and by which signals."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from typing import Any, Final

import duckdb
import numpy as np
from numpy.typing import NDArray
from scipy.stats import binom

from ringtrace.detectors.arrays import run_numbers, run_starts
from ringtrace.detectors.collusion.digest import SHOWN_ONLY, Digest, digests
from ringtrace.detectors.collusion.evidence import CROWD, GOODS, Evidence
from ringtrace.detectors.collusion.mixture import LIKELY, Fit, Floats, Priors, Trials, fit_shop
from ringtrace.detectors.collusion.signals import PERSON_SIGNALS, VISIT_SIGNALS, silenced, trials_of
from ringtrace.detectors.collusion.twice import genuine_sales
from ringtrace.detectors.peers import FEWEST_PEERS, benjamini_hochberg

FEIGNED: Final = {
    "unrecorded": 0.6, "short": 0.5, "uncoded": 0.7, "reused": 0.3, "lent": 0.3, "off_hours": 0.25, "burst": 0.2,
    "surge": 0.3, "run": 0.2, "repeated": 0.2, "filled": 0.2, "drain": 0.1, "far": 0.3, "no_illness": 0.5,
}  # fmt: skip
"""How often a feigned visit (or a colluding buyer) shows a signal, before a shop's own data speak: weak priors, set by
what the schemes on record did and not fitted to any simulator."""

SILENCES: Final = (
    ("unrecorded", "reused", "lent", *CROWD),
    ("unrecorded", "short", "reused", "lent", *CROWD),
    ("unrecorded", "short", "reused", "lent", "off_hours", *CROWD),
)
"""Signals not to be asked where a ledger is forged to fit. Of people who only come together, no more is left then."""

HOURS: Final = ("off_hours", *CROWD)
"""Signals by which customers may be of two kinds, and nothing is wrong: some come in the evening, or in groups."""

FEWEST_VISITS: Final = 30
NAMED: Final = 0.8
"""Posterior from which a buyer is accused; those between ½ and this stay on the finding as its buyers."""

FEWEST_ODD: Final = 2
"""Visits of an accused buyer that must each look feigned: a habit shows more than once, an accident does not."""

ROUNDS: Final = 3
"""Fits after which of two sales of a pack the true one is sought."""

AGAIN: Final = 1.5
"""Expected feigned visits from which a buyer shows it again."""

FOLLOWS: Final = 0.5
"""Part of the buyers held likely to collude who must show it again for it to follow people."""

BY_CHANCE: Final = 0.05
"""False discovery rate of buyers named among passers-by."""

FEWEST_CARRIERS: Final = 3
"""Accused buyers who must show a signal themselves for it to count."""


@dataclass(frozen=True, slots=True)
class Shop:
    """A fitted shop. `rows` are numbers of `till_numbered` visits, buyer by buyer; `people` the buyers' numbers;
    `trials` what the `visits` are worth (`trials_of`).
    """

    place: str
    retail: bool
    rows: NDArray[np.int64]
    people: list[str]
    owner: NDArray[np.int64]
    visits: Floats
    persons: Floats
    fit: Fit
    trials: Trials = 1.0

    @property
    def starts(self) -> NDArray[np.int64]:
        """Where the visits of each buyer begin."""
        return run_starts(self.owner)

    @property
    def owed(self) -> Floats:
        """Of each buyer, how many feigned visits the fit expects."""
        return np.asarray(np.bincount(self.owner, weights=self.fit.visit, minlength=len(self.people)), dtype=float)

    @property
    def evidence(self) -> Evidence:
        """What the fit says about the shop."""
        return Evidence.of(self.fit, self.visits, self.persons, len(self.visits))

    def carried(self, buyers: NDArray[np.bool_]) -> Evidence:
        """What the fit says of these buyers alone; a signal that fewer than `FEWEST_CARRIERS` show is silent."""
        weighed = self.weighed
        fit = self.fit.of(weighed, self.owner, self.persons, buyers, self.trials)
        shown = (weighed >= 0.5) & (self.fit.visit >= LIKELY)[:, None]
        carriers = np.array([len(np.unique(self.owner[column & buyers[self.owner]])) for column in shown.T])
        own = (self.persons[buyers] == 1).sum(axis=0)
        fit = replace(
            fit,
            nats=np.where(carriers >= FEWEST_CARRIERS, fit.nats, 0.0),
            person_nats=np.where(own >= FEWEST_CARRIERS, fit.person_nats, 0.0),
        )
        return Evidence.of(fit, self.visits, self.persons, len(self.visits))

    @property
    def goods_speak(self) -> NDArray[np.bool_]:
        """Of each buyer, whether the goods of visits that may be feigned speak for it; true where they tell nothing.

        People who only come together, as a ring of borrowed cards does, share a crowd and not the missing goods.
        """
        if not self.evidence.spoken & set(GOODS):
            return np.ones(len(self.people), dtype=bool)
        goods = np.where(np.isin(VISIT_SIGNALS, GOODS), self.visits, np.nan)
        each = self.fit.visit * self.fit.speaks(goods, self.trials)
        return np.bincount(self.owner, weights=each, minlength=len(self.people)) > 0

    @property
    def named(self) -> NDArray[np.bool_]:
        """Of each buyer, whether it is likely to collude without the hour that people who come at once share (`NAMED`),
        and that not by one visit alone (`FEWEST_ODD`).

        Asked where goods can speak at all; where no code and no ledger is known, the crowd is part of the evidence.
        """
        if not self.evidence.goods_known:
            return np.ones(len(self.people), dtype=bool)
        hidden = silenced(self.visits, VISIT_SIGNALS, ("surge", "run", *SHOWN_ONLY))
        return (self.fit.alone(hidden, self.starts, self.persons, self.trials) >= NAMED) & (self.odd >= FEWEST_ODD)

    @property
    def likely_and_again(self) -> tuple[int, int]:
        """How many buyers the mixture holds likely to collude, and how many of them show it again (`AGAIN`)."""
        likely = self.fit.buyer >= LIKELY
        return int(likely.sum()), int((likely & (self.owed >= AGAIN)).sum())

    @property
    def passed_by(self) -> bool:
        """Whether the excess lies on people most of whom do not come back with it (`FOLLOWS`)."""
        likely, again = self.likely_and_again
        return again < FOLLOWS * likely

    @property
    def beyond_passers_by(self) -> NDArray[np.bool_]:
        """Of each buyer, whether more of its visits look feigned than the shop's customers' do by chance.

        Asked where most who show the excess come once: there it lies on goods, whoever buys them, and a regular meets
        it again by chance. P(X ≥ odd visits), X ~ Binomial(visits, share of odd visits among the shop's other buyers),
        at a false discovery rate of `BY_CHANCE` (Benjamini and Hochberg 1995).
        """
        if not self.passed_by:
            return np.ones(len(self.people), dtype=bool)
        odd, visits = self.odd, np.bincount(self.owner, minlength=len(self.people))
        rate = (odd.sum() - odd + 0.5) / (len(self.owner) - visits + 1.0)
        return benjamini_hochberg(binom.sf(odd - 1, visits, rate), BY_CHANCE)

    @property
    def odd(self) -> NDArray[np.float64]:
        """Of each buyer, the number of visits that look feigned by themselves."""
        odd = np.where(self.fit.speaks(self.weighed, self.trials) > 0, 1.0, 0.0)
        return np.asarray(np.bincount(self.owner, weights=odd, minlength=len(self.people)), dtype=np.float64)

    @property
    def weighed(self) -> Floats:
        """The visits without what is only shown."""
        return _weighed(self.visits)


def fitted_shops(tables: duckdb.DuckDBPyConnection, without: frozenset[str] = frozenset()) -> Iterator[Shop]:
    """Each pharmacy or clinic with enough visits whose evidence is joint, in order of its code.

    Needs `till_visits`, `till_buyers`, `till_names`. Signals named in `without` (signal.…) are taken for unknown.

    The prior rate of an ordinary visit's signal is the median over places of its kind, so that one bad shop, or a few,
    do not raise what is thought ordinary.
    """
    known = [each for each in digests(tables, without) if each.number >= FEWEST_VISITS]
    if not known:
        return
    rates = [each.rates() for each in known]
    retail = np.array([each.retail for each in known])
    priors = {
        kind: _priors(np.array([rate for rate, _ in rates]), np.array([own for _, own in rates]), retail == kind)
        for kind in (True, False)
    }
    silences = [(np.isin(VISIT_SIGNALS, quiet), np.isin(PERSON_SIGNALS, quiet)) for quiet in SILENCES]
    suspected: list[tuple[Digest, tuple[str, ...]]] = []
    for each in known:
        silent = left_out(each, priors[each.retail], silences)
        if silent is not None:
            suspected.append((each, silent))
    if not suspected:
        return
    visit, places, people, persons = _arrays(tables, [each.place for each, _ in suspected])
    visit["signals"][:, [f"signal.{name}" in without for name in VISIT_SIGNALS]] = np.nan
    persons[:, [f"signal.{name}" in without for name in PERSON_SIGNALS]] = np.nan
    twice: list[tuple[int, int]] = tables.execute("""
        SELECT a.row, b.row FROM twice_sold p JOIN till_numbered a ON a.visit = p.earlier
        JOIN till_numbered b ON b.visit = p.later WHERE a.pair <> b.pair ORDER BY 1, 2
    """).fetchall()
    for number, (each, silent) in enumerate(suspected):
        start, end = np.searchsorted(places, [number, number + 1])
        owner = visit["person"][start:end]
        starts = run_starts(owner)
        mine = owner[starts]
        shown, trials = silenced(visit["signals"][start:end], VISIT_SIGNALS, silent), visit["trials"][start:end]
        weighed = _weighed(shown)
        shop = Shop(
            place=each.place,
            retail=each.retail,
            rows=np.arange(start, end),
            people=[people[number] for number in mine],
            owner=run_numbers(starts, end - start),
            visits=shown,
            persons=persons[mine],
            fit=fit_shop(weighed, starts, persons[mine], priors[each.retail], silences, trials=trials),
            trials=trials,
        )
        for _ in range(ROUNDS):
            if not shop.evidence.joint or not (cleared := genuine_sales(shop, twice)):
                break
            for signal, row in cleared:
                shown[row, signal] = weighed[row, signal] = 0.0
            fit = fit_shop(weighed, starts, persons[mine], priors[each.retail], silences, trials=trials)
            shop = replace(shop, fit=fit)
        if shop.evidence.joint:
            yield shop


def left_out(
    shop: Digest, priors: Priors, silences: Sequence[tuple[NDArray[np.bool_], NDArray[np.bool_]]]
) -> tuple[str, ...] | None:
    """Signals that must be left out for the evidence on a shop to be joint: none, or `HOURS`; None where it never is.

    Where hours or crowds tell the likely buyers from the others, and nothing is joint, the mixture has found the shop's
    evening customers, who may be far more than collude: it is fitted again without asking when people come.
    """
    for silent in ((), HOURS):
        visits = silenced(shop.visits, VISIT_SIGNALS, silent)
        fit = fit_shop(visits, shop.starts, shop.persons, priors, silences, shop.copies, shop.trials)
        evidence = Evidence.of(fit, visits, shop.persons, shop.number)
        if evidence.joint:
            return silent
        if not evidence.spoken & set(HOURS):
            break
    return None


def _weighed(visits: Floats) -> Floats:
    return silenced(visits, VISIT_SIGNALS, SHOWN_ONLY)


def _arrays(
    tables: duckdb.DuckDBPyConnection, places: Sequence[str]
) -> tuple[dict[str, Any], NDArray[np.int64], list[str], Floats]:
    """Visits to `places` as numbers, ordered by place, buyer and time: the buyer's number, the signals of each and what
    they are worth, the index of its place; and of each buyer, by number, its id and its signals. Makes `till_numbered`.
    """
    signs = ", ".join(PERSON_SIGNALS)
    tables.execute(
        f"""
        CREATE OR REPLACE TEMP TABLE suspected_pairs AS
        SELECT row_number() OVER (ORDER BY n.place, n.psn_no) - 1 AS number, n.pair, n.place, n.psn_no, {signs}
        FROM till_names n JOIN till_buyers b ON b.pair = n.pair WHERE list_contains(?, n.place)
        """,
        [list(places)],
    )
    tables.execute("""
        CREATE OR REPLACE TEMP TABLE till_numbered AS
        SELECT row_number() OVER (ORDER BY p.number, v.t, v.visit) - 1 AS row, p.number, v.*
        FROM till_visits v JOIN suspected_pairs p ON p.pair = v.pair
    """)
    columns = ", ".join(f"CAST({name} AS FLOAT) AS {name}" for name in VISIT_SIGNALS)
    raw: dict[str, Any] = tables.execute(
        f"SELECT number, lines, {columns} FROM till_numbered ORDER BY row"
    ).fetchnumpy()
    pairs = tables.execute(f"SELECT place, psn_no, {signs} FROM suspected_pairs ORDER BY number").fetchall()
    index = {place: number for number, place in enumerate(places)}
    place_of = np.array([index[pair[0]] for pair in pairs], dtype=np.int64)
    person = np.asarray(raw["number"], dtype=np.int64)
    signals = np.column_stack([np.ma.filled(raw[name].astype(np.float64), np.nan) for name in VISIT_SIGNALS])
    persons = np.array([[np.nan if value is None else value for value in pair[2:]] for pair in pairs], dtype=np.float64)
    visits = {"person": person, "signals": signals, "trials": trials_of(np.asarray(raw["lines"]))}
    return visits, place_of[person], [pair[1] for pair in pairs], persons


def _priors(rates: Floats, person_rates: Floats, peers: NDArray[np.bool_]) -> Priors:
    """Priors from the places that are `peers`, from all where they are too few to compare with."""
    asked = peers if peers.sum() >= FEWEST_PEERS else np.ones(len(peers), dtype=bool)
    return Priors(
        ordinary=_median(rates[asked]),
        feigned=np.array([FEIGNED[name] for name in VISIT_SIGNALS]),
        person_ordinary=_median(person_rates[asked]),
        person_feigned=np.array([FEIGNED[name] for name in PERSON_SIGNALS]),
        # A crowd is common where its people work or live, and shared by all of them.
        restart=np.isin(VISIT_SIGNALS, GOODS),
    )


def _median(rates: Floats) -> Floats:
    """Column medians, kept within 0.5 % and 60 %; columns that nobody knows get 5 % and are never used."""
    known = ~np.isnan(rates).all(axis=0)
    middle = np.full(rates.shape[1], 0.05)
    middle[known] = np.nanmedian(rates[:, known], axis=0)
    return np.asarray(np.clip(middle, 0.005, 0.6))
