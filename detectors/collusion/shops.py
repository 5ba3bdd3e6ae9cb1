"""The pharmacies of a city fitted one by one: who of their buyers carries an excess, and by which signals."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from typing import Any, Final

import duckdb
import numpy as np
from numpy.typing import NDArray

from ringtrace.detectors.collusion.mixture import Fit, Floats, Priors, Seen, fit_shop
from ringtrace.detectors.collusion.signals import FAMILIES, PERSON_SIGNALS, VISIT_SIGNALS
from ringtrace.detectors.peers import FEWEST_PEERS

FEIGNED: Final = {
    "unrecorded": 0.6, "short": 0.5, "uncoded": 0.7, "reused": 0.3, "lent": 0.3, "off_hours": 0.25, "burst": 0.2,
    "surge": 0.3, "run": 0.2, "repeated": 0.2, "drain": 0.1, "far": 0.3, "no_illness": 0.5,
}  # fmt: skip
"""How often a feigned visit (or a colluding buyer) shows a signal, before a shop's own data speak: weak priors, set by
what the schemes on record did and not fitted to any simulator."""

SHOWN_ONLY: Final = ("burst",)
"""Signals that stand on a finding but do not help to make it: families, carers and shift ends come together as well,
and as evidence they would draw the mixture to them."""

GOODS: Final = ("unrecorded", "uncoded", "reused", "lent")
"""Signals about whether the goods of a visit existed."""

CROWD: Final = ("surge", "run", "repeated")
"""Signals that innocent people share who come together: a group that buys the same, a shift, a bus."""

SILENCES: Final = (
    ("unrecorded", "short", "reused", "lent", *CROWD),
    ("unrecorded", "short", "reused", "lent", "off_hours", *CROWD),
)
"""Signals not to be asked where a ledger is forged to fit. Of people who only come together, no more is left then."""

FEWEST_VISITS: Final = 30
GENUINE: Final = 0.6
NAMED: Final = 0.8
"""Posterior from which a buyer is accused; those between ½ and this stay on the finding as its buyers."""

LEAST_NATS: Final = 3.0
"""A signal, and so its family, counts as evidence when it gives at least so many nats (odds of 20 to 1)."""


@dataclass(frozen=True, slots=True)
class Shop:
    """A fitted shop. `rows` are numbers of `till_numbered` visits, buyer by buyer; `people` the buyers' numbers."""

    place: str
    retail: bool
    rows: NDArray[np.int64]
    people: list[str]
    owner: NDArray[np.int64]
    visits: Floats
    persons: Floats
    fit: Fit

    @property
    def penalty(self) -> float:
        """What the mixture's extra parameters would gain by chance (BIC, Schwarz 1978), in nats."""
        used = int((~np.isnan(self.visits).all(axis=0)).sum() + (~np.isnan(self.persons).all(axis=0)).sum())
        return 0.5 * (used + 2) * float(np.log(len(self.visits)))

    @property
    def nats(self) -> dict[str, float]:
        """Evidence of each signal in nats, the largest first."""
        each = [
            *zip(VISIT_SIGNALS, self.fit.nats, strict=True),
            *zip(PERSON_SIGNALS, self.fit.person_nats, strict=True),
        ]
        return {name: float(value) for name, value in sorted(each, key=lambda pair: -pair[1]) if value > 0}

    @property
    def joint(self) -> bool:
        """Whether the evidence is of more than one kind, and about the sales themselves.

        Goods that never left a shelf with one more family; or, where goods do not speak (no data, or a forged ledger),
        three signals of other families, odd hours or totals among them. A trace of either beside a crowd is chance:
        what the goods say must alone be worth the extra parameters; where they could speak and do not, what is left
        without a crowd and without the strongest signal must be.
        """
        nats = self.nats
        spoken = {name for name, value in nats.items() if value >= LEAST_NATS}
        if spoken & set(GOODS):
            goods = sum(nats.get(name, 0.0) for name in (*GOODS, "short"))
            return len(self.families) >= 2 and goods >= self.penalty
        others = spoken - {*FAMILIES["ledger"], *FAMILIES["codes"]}
        left = sorted(nats[name] for name in others - set(CROWD))[:-1]
        if self.goods_known and sum(left) < self.penalty:
            return False
        return len(others) >= 3 and bool(others & {"off_hours", "surge", "repeated"})

    @property
    def goods_speak(self) -> NDArray[np.bool_]:
        """Of each buyer, whether the goods of visits that may be feigned speak for it; true where they tell nothing.

        People who only come together, as a ring of borrowed cards does, share a crowd and not the missing goods.
        """
        if not {name for name, value in self.nats.items() if value >= LEAST_NATS} & set(GOODS):
            return np.ones(len(self.people), dtype=bool)
        columns = [VISIT_SIGNALS.index(name) for name in GOODS]
        goods = Seen.of(self.visits[:, columns])
        each = self.fit.visit * goods.log_ratio(self.fit.ordinary[columns], self.fit.feigned[columns])
        return np.bincount(self.owner, weights=each, minlength=len(self.people)) > 0

    @property
    def goods_known(self) -> bool:
        """Whether any signal about goods is known of any visit."""
        return not bool(np.isnan(self.visits[:, [VISIT_SIGNALS.index(name) for name in GOODS]]).all())

    @property
    def named(self) -> NDArray[np.bool_]:
        """Of each buyer, whether it is likely to collude (`NAMED`) without the hour that people who come at once share.

        Asked where goods can speak at all; where no code and no ledger is known, the crowd is part of the evidence.
        """
        if not self.goods_known:
            return np.ones(len(self.people), dtype=bool)
        hidden = np.where(np.isin(VISIT_SIGNALS, ("surge", "run", *SHOWN_ONLY)), np.nan, self.visits)
        starts = np.flatnonzero(np.diff(self.owner, prepend=-1))
        return self.fit.alone(hidden, starts, self.persons) >= NAMED

    @property
    def families(self) -> list[str]:
        """Families of signals that speak, each by `LEAST_NATS` at least."""
        nats = self.nats
        return [
            family
            for family, signals in FAMILIES.items()
            if max((nats.get(signal, 0.0) for signal in signals), default=0.0) >= LEAST_NATS
        ]


def fitted_shops(tables: duckdb.DuckDBPyConnection, without: frozenset[str] = frozenset()) -> Iterator[Shop]:
    """Every pharmacy or clinic with enough visits, in order of its code; needs `till_visits` and `till_buyers`.

    Signals named in `without` (signal.…) are taken for unknown.

    The prior rate of an ordinary visit's signal is the median over places of its kind, so that one bad shop, or a few,
    do not raise what is thought ordinary.
    """
    visit, places, names, persons = _arrays(tables)
    if not len(places):
        return
    visit["signals"][:, [f"signal.{name}" in without for name in VISIT_SIGNALS]] = np.nan
    persons[:, [f"signal.{name}" in without for name in PERSON_SIGNALS]] = np.nan
    bounds = np.flatnonzero(np.append(True, places[1:] != places[:-1]))
    ends = np.append(bounds[1:], len(places))
    enough = [(start, end) for start, end in zip(bounds, ends, strict=True) if end - start >= FEWEST_VISITS]
    if not enough:
        return
    with np.errstate(invalid="ignore"):
        rates = np.array([_mean(visit["signals"][start:end]) for start, end in enough])
        person_rates = np.array([_mean(persons[visit["person"][start:end]]) for start, end in enough])
    pharmacies = {place for (place,) in tables.execute("SELECT DISTINCT place FROM till_names WHERE retail").fetchall()}
    retail = np.array([names["place"][places[start]] in pharmacies for start, _ in enough])
    priors = {kind: _priors(rates, person_rates, retail == kind) for kind in (True, False)}
    shown = np.isin(VISIT_SIGNALS, SHOWN_ONLY)
    silences = [(np.isin(VISIT_SIGNALS, quiet), np.isin(PERSON_SIGNALS, quiet)) for quiet in SILENCES]
    twice: list[tuple[int, int]] = tables.execute("""
        SELECT a.row, b.row FROM twice_sold p JOIN till_numbered a ON a.visit = p.earlier
        JOIN till_numbered b ON b.visit = p.later WHERE a.pair <> b.pair ORDER BY 1, 2
    """).fetchall()
    for (start, end), kind in zip(enough, retail.tolist(), strict=True):
        owner = visit["person"][start:end]
        starts = np.flatnonzero(np.append(True, owner[1:] != owner[:-1]))
        mine = owner[starts]
        weighed = np.where(shown, np.nan, visit["signals"][start:end])
        shop = Shop(
            place=names["place"][places[start]],
            retail=kind,
            rows=np.arange(start, end),
            people=[names["person"][number] for number in mine],
            owner=np.repeat(np.arange(len(starts)), np.diff(np.append(starts, end - start))),
            visits=visit["signals"][start:end],
            persons=persons[mine],
            fit=fit_shop(weighed, starts, persons[mine], priors[kind], silences),
        )
        if shop.joint and (cleared := genuine_sales(shop, twice)):
            for signal, row in cleared:
                visit["signals"][start + row, signal] = weighed[row, signal] = 0.0
            shop = replace(shop, fit=fit_shop(weighed, starts, persons[mine], priors[kind], silences))
        yield shop


def _arrays(
    tables: duckdb.DuckDBPyConnection,
) -> tuple[dict[str, Any], NDArray[np.int64], dict[str, list[str]], Floats]:
    """Visits as numbers, ordered by shop, buyer and time; ids only once each, since millions of them would not fit."""
    people = ", ".join(PERSON_SIGNALS)
    tables.execute(f"""
        CREATE OR REPLACE TEMP TABLE till_pairs AS
        SELECT row_number() OVER (ORDER BY place, psn_no) - 1 AS number, pair, {people}, place, psn_no FROM till_buyers;
        CREATE OR REPLACE TEMP TABLE till_numbered AS
        SELECT row_number() OVER (ORDER BY p.number, v.t, v.visit) - 1 AS row, p.number, v.*
        FROM till_visits v JOIN till_pairs p ON p.pair = v.pair
    """)
    columns = ", ".join(f"CAST({name} AS FLOAT) AS {name}" for name in VISIT_SIGNALS)
    raw: dict[str, Any] = tables.execute(f"SELECT number, {columns} FROM till_numbered ORDER BY row").fetchnumpy()
    pairs = tables.execute(f"SELECT place, psn_no, {people} FROM till_pairs ORDER BY number").fetchall()
    codes = sorted({pair[0] for pair in pairs})
    number = {code: index for index, code in enumerate(codes)}
    place_of = np.array([number[pair[0]] for pair in pairs], dtype=np.int64)
    person = np.asarray(raw["number"], dtype=np.int64)
    signals = np.column_stack([np.ma.filled(raw[name].astype(np.float64), np.nan) for name in VISIT_SIGNALS])
    persons = np.array([[np.nan if value is None else value for value in pair[2:]] for pair in pairs], dtype=np.float64)
    names = {"place": codes, "person": [pair[1] for pair in pairs]}
    return {"person": person, "signals": signals}, place_of[person] if len(person) else person, names, persons


def genuine_sales(shop: Shop, twice: Sequence[tuple[int, int]]) -> list[tuple[int, int]]:
    """(Column, row of the shop) of `reused` and `lent` marks that the other sale of the same pack explains.

    A pack sold twice was sold once in truth. Where the buyer of the one sale is likely to collude, and a part of the
    other buyer's visits below `GENUINE` of the first one's is feigned, the other sale is taken for the true one: it
    keeps its mark only for another code that nothing explains.
    """
    first, last = int(shop.rows[0]), int(shop.rows[-1])
    visits = np.bincount(shop.owner, minlength=len(shop.people))
    share = np.bincount(shop.owner, weights=shop.fit.visit, minlength=len(shop.people)) / visits
    left: dict[tuple[int, int], bool] = defaultdict(bool)
    for pair in twice:
        if not first <= pair[0] <= last:
            continue
        owners = [int(shop.owner[row - first]) for row in pair]
        for side, signal in ((0, "lent"), (1, "reused")):
            own, other = owners[side], owners[1 - side]
            guilty = shop.fit.buyer[other] >= 0.5 and share[own] < GENUINE * share[other]
            left[VISIT_SIGNALS.index(signal), pair[side] - first] |= not guilty
    return [mark for mark, doubtful in left.items() if not doubtful]


def _priors(rates: Floats, person_rates: Floats, peers: NDArray[np.bool_]) -> Priors:
    """Priors from the places that are `peers`, from all where they are too few to compare with."""
    asked = peers if peers.sum() >= FEWEST_PEERS else np.ones(len(peers), dtype=bool)
    return Priors(
        ordinary=_median(rates[asked]),
        feigned=np.array([FEIGNED[name] for name in VISIT_SIGNALS]),
        person_ordinary=_median(person_rates[asked]),
        person_feigned=np.array([FEIGNED[name] for name in PERSON_SIGNALS]),
    )


def _mean(signals: Floats) -> Floats:
    known = (~np.isnan(signals)).sum(axis=0)
    return np.asarray(np.where(known > 0, np.nansum(signals, axis=0) / np.maximum(known, 1), np.nan))


def _median(rates: Floats) -> Floats:
    """Column medians, kept within 0.5 % and 60 %; columns that nobody knows get 5 % and are never used."""
    known = ~np.isnan(rates).all(axis=0)
    middle = np.full(rates.shape[1], 0.05)
    middle[known] = np.nanmedian(rates[:, known], axis=0)
    return np.asarray(np.clip(middle, 0.005, 0.6))
