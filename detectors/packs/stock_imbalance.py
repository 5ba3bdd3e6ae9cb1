"""Stock imbalance: a shop claims to have sold more of a drug than its ledger says it ever had."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import ClassVar, NamedTuple

import duckdb
import numpy as np

from ringtrace.detectors.detector import Context, Draft, Gap
from ringtrace.detectors.packs.ledger import OPENING_DAYS, stock_cover
from ringtrace.detectors.packs.purchase_outliers import purchase_outliers
from ringtrace.detectors.peers import robust_z
from ringtrace.detectors.scoring import LEAD_SCORE, logistic
from ringtrace.findings import Check, EvidenceRef, Member, Message, Reason, Value
from ringtrace.workspace import has_rows


@dataclass(frozen=True, slots=True)
class Thresholds:
    """`tolerance`: part of a drug's sales that may be uncovered before it counts (counting errors, late entries).
    `fewest_packs`: uncovered packs of a drug before it counts.
    `peers_z`: robust z-score, among places of the same kind, of the part of sales uncovered.
    `most_lines`: source lines cited a finding; the dearest first.
    """

    tolerance: float = 0.1
    fewest_packs: float = 3.0
    peers_z: float = 3.5
    most_lines: int = 5000


class Balance(NamedTuple):
    """One drug of one place over the days that ledger and claims share; packs, and yuan for the uncovered ones."""

    place: str
    retail: bool
    drug: str
    bought: float
    sold: float
    uncovered: float
    uncovered_amount: float
    opening: float
    opening_known: bool
    from_t: datetime
    to_t: datetime


class StockImbalance:
    """Sales that first-in-first-out stock cannot cover, drug by drug, against places of the same kind.

    Only a yellow sign on its own: ledgers are sloppy. A place stands out when drugs beyond the tolerance exist and its
    uncovered part of all sales has a robust z-score (median and MAD of log(1 + 100·share) among its peers) above the
    threshold. With no claims at all the purchases themselves are compared: see `purchase_outliers`.
    """

    kind: ClassVar[str] = "stock_imbalance"
    version: ClassVar[str] = "1"

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
                   b.uncovered_amount, b.opening, b.opening_known, b.from_t, b.to_t
            FROM stock_balance b
            JOIN (SELECT place, bool_or(retail) AS retail FROM sale_lines GROUP BY 1) l USING (place)
            GROUP BY ALL ORDER BY b.place, b.drug
        """).fetchall()
        places: dict[str, list[Balance]] = defaultdict(list)
        for row in rows:
            places[row[0]].append(Balance(*row))
        shares = {place: _share(drugs) for place, drugs in places.items()}
        for retail in (True, False):
            peers = [place for place, drugs in places.items() if drugs[0].retail == retail]
            z_scores = robust_z(np.log1p(100 * np.array([shares[place] for place in peers])))
            typical = float(np.median([shares[place] for place in peers])) if peers else 0.0
            for place, z in zip(peers, z_scores, strict=True):
                short = [each for each in places[place] if self._short(each)]
                if short and z >= self.thresholds.peers_z:
                    yield self._draft(tables, place, short, places[place], float(z), typical, len(peers))

    def _short(self, balance: Balance) -> bool:
        return balance.uncovered >= max(self.thresholds.fewest_packs, self.thresholds.tolerance * balance.sold)

    def _draft(
        self,
        tables: duckdb.DuckDBPyConnection,
        place: str,
        short: Sequence[Balance],
        every: Sequence[Balance],
        z: float,
        typical: float,
        peers: int,
    ) -> Draft:
        uncovered = sum(each.uncovered for each in short)
        share = _share(every)
        worst = max(short, key=lambda each: (each.uncovered_amount, each.drug))
        values: dict[str, Value] = {
            "place": place,
            "drugs": len(short),
            "packs": round(uncovered, 1),
            "share": share,
            "peers": peers,
            "typical": typical,
            "worst": worst.drug,
            "bought": worst.bought,
            "sold": worst.sold,
        }
        # Never above the warning level yellow: a bad ledger alone is no accusation.
        score = min(LEAD_SCORE, logistic(-2.0 + 0.3 * min(z, 6.0)))
        keys = tables.execute(
            "SELECT l.key FROM sale_lines l SEMI JOIN uncovered_lines u ON u.line = l.line WHERE l.place = ? "
            "AND list_contains(?, l.drug) ORDER BY l.amount DESC, l.key LIMIT ?",
            [place, [each.drug for each in short], self.thresholds.most_lines],
        ).fetchall()
        return Draft(
            anchors=(place,),
            level="yellow",
            score=score,
            title=Message("pharmacy.stock.title", values),
            summary=Message("pharmacy.stock.summary", values),
            first_time=min(each.from_t for each in short),
            last_time=max(each.to_t for each in short),
            members=(
                Member("Pharmacy" if every[0].retail else "Hospital", place, "seller"),
                *(Member("Drug", each.drug, "drug") for each in short),
            ),
            reasons=(
                Reason("uncovered_share", Message("pharmacy.stock.share", values), round(share, 4), round(typical, 4),
                       ratio=round(share / typical, 1) if typical else None),
                Reason("worst_drug", Message("pharmacy.stock.worst", values), worst.sold, worst.bought + worst.opening),
            ),
            counter_evidence=self._checks(short, every),
            evidence=tuple(EvidenceRef("settlement_items", key) for (key,) in keys),
        )  # fmt: skip

    def _checks(self, short: Sequence[Balance], every: Sequence[Balance]) -> tuple[Check, ...]:
        known = short[0].opening_known
        opening = sum(each.opening for each in short)
        wide = len(short) >= 0.8 * len(every)
        return (
            Check("opening_stock", "does_not_explain" if known else "partly",
                  Message("pharmacy.stock.check.opening_known" if known else "pharmacy.stock.check.opening_assumed",
                          {"packs": opening, "days": OPENING_DAYS}), opening),
            Check("sloppy_ledger", "partly" if wide else "does_not_explain",
                  Message("pharmacy.stock.check.sloppy", {"drugs": len(short), "all": len(every)}),
                  len(short), len(every)),
        )  # fmt: skip


def _share(drugs: Sequence[Balance]) -> float:
    sold = sum(each.sold for each in drugs)
    return sum(each.uncovered for each in drugs) / sold if sold else 0.0
