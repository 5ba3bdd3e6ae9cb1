"""Stock imbalance: a shop claims to have sold more of a drug than its ledger says it ever had."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime
from math import log
from typing import ClassVar, Final, NamedTuple

import duckdb
import numpy as np

from ringtrace.detectors.detector import Context, Draft, Gap
from ringtrace.detectors.packs.branches import sister_branches
from ringtrace.detectors.packs.ledger import OPENING_DAYS, stock_cover
from ringtrace.detectors.packs.purchase_outliers import purchase_outliers
from ringtrace.detectors.peers import robust_z
from ringtrace.detectors.scoring import LEAD_SCORE, level_of, logistic
from ringtrace.findings import Check, EvidenceRef, Member, Message, Reason, Value
from ringtrace.workspace import has_rows


@dataclass(frozen=True, slots=True)
class Thresholds:
    """`tolerance`: part of a drug's sales that may be uncovered before it counts (counting errors, late entries).
    `fewest_packs`: uncovered packs of a drug before it counts.
    `peers_z`: robust z-score, among places of the same kind, of the part of sales uncovered.
    `steady_packs`, `steady_months`, `steady_lots`: uncovered packs of a drug, months with some, and usual deliveries
    that they are worth, that make it steadily short: one delivery is easily forgotten.
    `fewest_drugs`, `contrast`: such drugs of a pharmacy, and how many times as often as its other goods they lack
    stock, from which on the books are right and the goods came from elsewhere.
    `sister_share`: part of the shortage that its branches have too much of from which on they explain it.
    `most_lines`: source lines cited a finding; the dearest first.
    """

    tolerance: float = 0.1
    fewest_packs: float = 3.0
    peers_z: float = 3.5
    steady_packs: float = 10.0
    steady_months: int = 6
    steady_lots: float = 2.0
    fewest_drugs: int = 2
    contrast: float = 10.0
    sister_share: float = 0.5
    most_lines: int = 5000


MANY: Final = 3.0
MOST_WEIGHT: Final = 3.0
"""A drug counts for as many as it lacks `MANY` times the least deliveries, up to so many: one drug alone may be sold
from elsewhere all year."""


class Balance(NamedTuple):
    """One drug of one place over the days that ledger and claims share; packs, and yuan for the uncovered ones."""

    place: str
    retail: bool
    drug: str
    bought: float
    sold: float
    uncovered: float
    uncovered_amount: float
    months: int
    lot: float
    opening: float
    opening_known: bool
    from_t: datetime
    to_t: datetime


@dataclass(frozen=True, slots=True)
class Shortage:
    """The drugs that a place is short of, among all that it sells, and what they are held against.

    `z`, `typical`: of the place's uncovered share among its `peers`. `contrast`: of the short drugs' share beside the
    other goods', None where the ledger as a whole is bad. `spare`: packs of them that branches have too much of.
    `led`: whether another finding to act on names the place.
    """

    short: Sequence[Balance]
    every: Sequence[Balance]
    z: float
    typical: float
    peers: int
    contrast: float | None
    spare: float
    led: bool


class StockImbalance:
    """Sales that first-in-first-out stock cannot cover, drug by drug.

    A bad ledger alone stays yellow: a place stands out among its kind when drugs beyond the tolerance exist and its
    uncovered part of all sales has a robust z-score (median and MAD of log(1 + 100·share)) above the threshold. A good
    ledger that never had the packs of a few drugs says more: carelessness falls on all goods, a source outside the
    books on some, month after month. So a pharmacy's steadily short drugs are held against its own others. Hospitals
    are not: their books leave out what wards and rooms use up. Stays a lead where branches have what is missing, or
    where collusion or resale tells why. With no claims the purchases themselves are compared: see `purchase_outliers`.
    """

    kind: ClassVar[str] = "stock_imbalance"
    version: ClassVar[str] = "2"

    def __init__(self, thresholds: Thresholds | None = None) -> None:
        self.thresholds = thresholds or Thresholds()

    def detect(self, tables: duckdb.DuckDBPyConnection, context: Context) -> Iterable[Draft]:
        if not has_rows(tables, "inventory"):
            context.gaps.append(Gap(self.kind, Message("pharmacy.gap.no_inventory_stock")))
            return
        if not has_rows(tables, "settlements"):
            yield from purchase_outliers(tables)
            return
        if not has_rows(tables, "settlement_items"):
            context.gaps.append(Gap(self.kind, Message("pharmacy.gap.no_items")))
            return
        stock_cover(tables)
        rows = tables.execute("""
            SELECT b.place, coalesce(bool_or(l.retail), false), b.drug, b.bought, b.sold, b.uncovered,
                   b.uncovered_amount, b.months, b.lot, b.opening, b.opening_known, b.from_t, b.to_t
            FROM stock_balance b
            JOIN (SELECT place, bool_or(retail) AS retail FROM sale_lines GROUP BY 1) l USING (place)
            GROUP BY ALL ORDER BY b.place, b.drug
        """).fetchall()
        places: dict[str, list[Balance]] = defaultdict(list)
        for row in rows:
            places[row[0]].append(Balance(*row))
        led = context.accused_places("drug_resale", "pharmacy_collusion")
        shares = {place: _share(drugs) for place, drugs in places.items()}
        sisters = sister_branches(tables)
        for retail in (True, False):
            peers = [place for place, drugs in places.items() if drugs[0].retail == retail]
            z_scores = robust_z(np.log1p(100 * np.array([shares[place] for place in peers])))
            typical = float(np.median([shares[place] for place in peers])) if peers else 0.0
            for place, z in zip(peers, z_scores, strict=True):
                every = places[place]
                steady = [each for each in every if retail and self._steady(each)]
                contrast = _share(steady) / _rest_share(steady, every)
                beyond = self._weight(steady) >= self.thresholds.fewest_drugs and contrast >= self.thresholds.contrast
                short = steady if beyond else [each for each in every if self._short(each)]
                if beyond or (short and z >= self.thresholds.peers_z):
                    spare = _spare(short, [places[sister] for sister in sisters.get(place, ()) if sister in places])
                    found = Shortage(
                        short, every, float(z), typical, len(peers), contrast if beyond else None, spare, place in led
                    )
                    yield self._draft(tables, found)

    def _short(self, balance: Balance) -> bool:
        return balance.uncovered >= max(self.thresholds.fewest_packs, self.thresholds.tolerance * balance.sold)

    def _steady(self, balance: Balance) -> bool:
        limits = self.thresholds
        least = max(limits.steady_packs, limits.tolerance * balance.sold, limits.steady_lots * balance.lot)
        return balance.uncovered >= least and balance.months >= limits.steady_months

    def _weight(self, steady: Sequence[Balance]) -> float:
        """The drugs counted, each up to three times if it lacks several times the deliveries that it must lack."""
        limits = self.thresholds
        return sum(
            min(MOST_WEIGHT, max(1.0, each.uncovered / (MANY * limits.steady_lots * each.lot)))
            if each.lot
            else MOST_WEIGHT
            for each in steady
        )

    def _draft(self, tables: duckdb.DuckDBPyConnection, found: Shortage) -> Draft:
        short, every = found.short, found.every
        uncovered = sum(each.uncovered for each in short)
        share, rest = _share(every), _rest_share(short, every)
        worst = max(short, key=lambda each: (each.uncovered_amount, each.drug))
        place = worst.place
        values: dict[str, Value] = {
            "place": place, "drugs": len(short), "packs": round(uncovered, 1), "share": share, "peers": found.peers,
            "typical": found.typical, "worst": worst.drug, "bought": worst.bought, "sold": worst.sold,
            "lacking": _share(short), "rest": rest, "months": min(each.months for each in short),
            "others": len(every) - len(short),
        }  # fmt: skip
        score = self._score(found)
        keys = tables.execute(
            "SELECT l.key FROM sale_lines l SEMI JOIN uncovered_lines u ON u.line = l.line WHERE l.place = ? "
            "AND list_contains(?, l.drug) ORDER BY l.amount DESC, l.key LIMIT ?",
            [place, [each.drug for each in short], self.thresholds.most_lines],
        ).fetchall()
        steady = (
            Reason("steadily_short", Message("pharmacy.stock.steady", values), round(_share(short), 4), round(rest, 4),
                   ratio=round(found.contrast, 1)),
        ) if found.contrast else ()  # fmt: skip
        return Draft(
            anchors=(place,),
            level=level_of(score),
            score=score,
            title=Message("pharmacy.stock.title", values),
            summary=Message(f"pharmacy.stock.summary{'.steady' if found.contrast else ''}", values),
            first_time=min(each.from_t for each in short),
            last_time=max(each.to_t for each in short),
            members=(
                Member("Pharmacy" if worst.retail else "Hospital", place, "seller"),
                *(Member("Drug", each.drug, "drug") for each in short),
            ),
            reasons=(
                *steady,
                Reason("uncovered_share", Message("pharmacy.stock.share", values), round(share, 4),
                       round(found.typical, 4), ratio=round(share / found.typical, 1) if found.typical else None),
                Reason("worst_drug", Message("pharmacy.stock.worst", values), worst.sold, worst.bought + worst.opening),
            ),
            counter_evidence=self._checks(found),
            evidence=tuple(EvidenceRef("settlement_items", key) for (key,) in keys),
        )  # fmt: skip

    def _score(self, found: Shortage) -> float:
        if found.contrast is None:
            return min(LEAD_SCORE, logistic(-2.0 + 0.3 * min(found.z, 6.0)))
        score = imbalance_score(found.contrast / self.thresholds.contrast, self._weight(found.short))
        return min(score, LEAD_SCORE) if found.led or self._lent(found) else score

    def _lent(self, found: Shortage) -> bool:
        """Whether branches have too much of what is missing here."""
        return found.spare >= self.thresholds.sister_share * sum(each.uncovered for each in found.short)

    def _checks(self, found: Shortage) -> tuple[Check, ...]:
        short, every = found.short, found.every
        known = short[0].opening_known
        opening = sum(each.opening for each in short)
        wide = len(short) >= 0.8 * len(every)
        packs = {"spare": round(found.spare), "packs": round(sum(each.uncovered for each in short))}
        return (
            Check("opening_stock", "does_not_explain" if known else "partly",
                  Message("pharmacy.stock.check.opening_known" if known else "pharmacy.stock.check.opening_assumed",
                          {"packs": opening, "days": OPENING_DAYS}), opening),
            Check("sloppy_ledger", "partly" if wide else "does_not_explain",
                  Message("pharmacy.stock.check.sloppy", {"drugs": len(short), "all": len(every)}),
                  len(short), len(every)),
            Check("sister_branch", "partly" if self._lent(found) else "does_not_explain",
                  Message("pharmacy.stock.check.sister_branch", packs), packs["spare"], packs["packs"]),
            Check("led_elsewhere", "partly" if found.led else "does_not_explain",
                  Message(f"pharmacy.stock.check.{'led' if found.led else 'not_led'}")),
        )  # fmt: skip


def imbalance_score(contrast: float, drugs: float) -> float:
    """Logit = −1 + 0.8·ln(contrast) + 0.5·(drugs − 2), five drugs at most; at most 0.89.

    `contrast`: how many times the threshold's ratio the share without stock is of that of the other goods. `drugs`:
    their weight, where one that lacks many deliveries counts for several.
    """
    return min(0.89, logistic(-1.0 + 0.8 * log(contrast) + 0.5 * (min(drugs, 5) - 2)))


def _share(drugs: Sequence[Balance]) -> float:
    sold = sum(each.sold for each in drugs)
    return sum(each.uncovered for each in drugs) / sold if sold else 0.0


def _rest_share(some: Sequence[Balance], every: Sequence[Balance]) -> float:
    """Uncovered share of the other goods, as if twenty packs more were sold as the place sells on the whole."""
    chosen = {each.drug for each in some}
    rest = [each for each in every if each.drug not in chosen]
    uncovered, sold = sum(each.uncovered for each in rest), sum(each.sold for each in rest)
    return (uncovered + 20 * _share(every) + 0.5) / (sold + 20)


def _spare(short: Sequence[Balance], sisters: Sequence[Sequence[Balance]]) -> float:
    """Packs of the short drugs, no more than are short, that branches bought and did not sell.

    What a branch keeps on the shelf of all its goods is taken off first.
    """
    spare: dict[str, float] = defaultdict(float)
    for branch in sisters:
        kept = float(np.median([1 - each.sold / each.bought for each in branch if each.bought > 0] or [0.0]))
        for each in branch:
            spare[each.drug] += max(0.0, each.bought * (1 - max(0.0, kept)) - each.sold)
    return sum(min(each.uncovered, spare[each.drug]) for each in short)
