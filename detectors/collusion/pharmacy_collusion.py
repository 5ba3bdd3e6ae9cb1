"""Pharmacy–patient collusion: sales claimed that never took place, and the buyers who lend themselves to it."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime
from math import log1p
from typing import ClassVar, Final

import duckdb
import numpy as np

from ringtrace.detectors.arrays import fetch_number
from ringtrace.detectors.collusion.buyers import buyer_signals
from ringtrace.detectors.collusion.checks import innocent_checks
from ringtrace.detectors.collusion.digest import SHOWN_ONLY
from ringtrace.detectors.collusion.evidence import Evidence
from ringtrace.detectors.collusion.resold import leave_out_resale
from ringtrace.detectors.collusion.shops import Shop, fitted_shops
from ringtrace.detectors.collusion.signals import PERSON_SIGNALS, VISIT_SIGNALS, collusion_signals
from ringtrace.detectors.detector import Context, Draft, Gap
from ringtrace.detectors.packs.sales import times_have_hours
from ringtrace.detectors.scoring import level_of, logistic
from ringtrace.findings import EvidenceRef, Level, Member, Message, Reason, Value
from ringtrace.workspace import has_rows

EXPLAINED_SCORE: Final = 0.3
"""Highest score of a finding that a check explains as the shop's or the goods' trait: a lead, no accusation."""


@dataclass(frozen=True, slots=True)
class Thresholds:
    """`buyer`: posterior from which a buyer counts among those who carry the excess.
    `feigned`: expected feigned visits that such a buyer has, since a single odd visit is no habit.
    `visit`: posterior from which a visit of theirs is cited.
    `fewest_buyers`, `fewest_visits`: of these for a finding.
    `net_nats`: evidence beyond what the extra parameters gain by chance.
    """

    buyer: float = 0.5
    feigned: float = 1.5
    visit: float = 0.5
    fewest_buyers: int = 3
    fewest_visits: int = 8
    net_nats: float = 5.0


class PharmacyCollusion:
    """Evidence adds up visit by visit, and the subset of buyers who carry it is found: see `collusion_mixture`.

    Sales that resale has claimed are left out. A shop becomes a finding when the mixture with feigned visits beats the
    shop of ordinary visits by more than its extra parameters would (BIC), several kinds of signals agree
    (`Evidence.joint`), and a few buyers carry it. One kind alone (a bad ledger, a night shop, a run of e-credentials)
    never suffices.
    """

    kind: ClassVar[str] = "pharmacy_collusion"
    version: ClassVar[str] = "1"

    def __init__(self, thresholds: Thresholds | None = None) -> None:
        self.thresholds = thresholds or Thresholds()

    def detect(self, tables: duckdb.DuckDBPyConnection, context: Context) -> Iterable[Draft]:
        if not has_rows(tables, "settlement_items"):
            context.gaps.append(Gap(self.kind, Message("pharmacy.gap.no_items_collusion")))
            return
        collusion_signals(tables)
        buyer_signals(tables)
        without = context.without_of(self.kind)
        leads = [] if "check.resale" in without else context.drafts.get("drug_resale", [])
        leave_out_resale(tables, leads)
        self._gaps(tables, context)
        shops = list(fitted_shops(tables, without))
        for shop in shops:
            draft = self._draft(tables, shop, without)
            if draft is not None:
                yield draft

    def _gaps(self, tables: duckdb.DuckDBPyConnection, context: Context) -> None:
        """One sentence for each signal that no visit could be asked about."""
        known = tables.execute(
            f"SELECT {', '.join(f'count({name})' for name in VISIT_SIGNALS)} FROM till_visits"
        ).fetchone()
        assert known is not None
        missing = {name for name, number in zip(VISIT_SIGNALS, known, strict=True) if not number}
        if not has_rows(tables, "inventory"):
            context.gaps.append(Gap(self.kind, Message("pharmacy.gap.no_inventory_collusion")))
        if "uncoded" in missing:
            context.gaps.append(Gap(self.kind, Message("pharmacy.gap.no_codes_collusion")))
        if not times_have_hours(tables):
            context.gaps.append(Gap(self.kind, Message("pharmacy.gap.days_only")))
        elif not fetch_number(tables, "SELECT count(open_hour) FROM institutions"):
            context.gaps.append(Gap(self.kind, Message("pharmacy.gap.no_hours")))
        if not has_rows(tables, "persons"):
            context.gaps.append(Gap(self.kind, Message("pharmacy.gap.no_persons_collusion")))
        if "drain" in missing:
            context.gaps.append(Gap(self.kind, Message("pharmacy.gap.no_acct_pay")))

    def _draft(self, tables: duckdb.DuckDBPyConnection, shop: Shop, without: frozenset[str]) -> Draft | None:
        limits, fit = self.thresholds, shop.fit
        likely = (fit.buyer >= limits.buyer) & (shop.owed >= limits.feigned)
        sure = shop.goods_speak & shop.named & shop.beyond_passers_by
        evidence = shop.carried(likely & sure)
        chosen, others = np.flatnonzero(likely & sure), np.flatnonzero(likely & ~sure)
        cited = np.flatnonzero((fit.visit >= limits.visit) & np.isin(shop.owner, chosen))
        if len(chosen) < limits.fewest_buyers or len(cited) < limits.fewest_visits:
            return None
        if evidence.net < limits.net_nats or not evidence.joint:
            return None
        checks = innocent_checks(tables, shop, evidence, cited, chosen)
        checks = tuple(check for check in checks if f"check.{check.code}" not in without)
        score = collusion_score(evidence.net, len(evidence.families), len(chosen))
        # What is the goods' doing accuses no buyer; the shop remains a lead.
        cleared = any(check.outcome == "explains" for check in checks)
        if cleared:
            score = min(score, EXPLAINED_SCORE)
        level: Level = level_of(score)
        rows = tables.execute(
            """
            SELECT setl_id, setl_time, CAST(medfee_sumamt AS DOUBLE) FROM settlements
            WHERE fixmedins_code = ? AND hash(setl_id) IN (
                SELECT visit FROM till_numbered WHERE list_contains(?, row))
            ORDER BY setl_id
            """,
            [shop.place, shop.rows[cited].tolist()],
        ).fetchall()
        times: list[datetime] = [row[1] for row in rows]
        values: dict[str, Value] = {
            "shop": shop.place,
            "buyers": len(chosen),
            "all": len(shop.people),
            "visits": len(cited),
            "all_visits": len(shop.rows),
            "amount": float(sum(row[2] for row in rows)),
            "signs": len(evidence.spoken),
        }
        return Draft(
            anchors=(shop.place,),
            level=level,
            score=score,
            title=Message("pharmacy.collusion.title", values),
            summary=Message("pharmacy.collusion.summary", values),
            first_time=min(times),
            last_time=max(times),
            members=(
                Member("Pharmacy" if shop.retail else "Hospital", shop.place, "seller"),
                *(
                    Member(
                        "Patient",
                        shop.people[index],
                        "witness" if cleared else "colluding_patient",
                        round(float(fit.buyer[index]), 3),
                    )
                    for index in chosen
                ),
                *(
                    Member("Patient", shop.people[index], "buyer", round(float(fit.buyer[index]), 3))
                    for index in others
                ),
            ),
            reasons=_reasons(shop, evidence, cited, chosen),
            counter_evidence=checks,
            evidence=tuple(EvidenceRef("settlements", row[0]) for row in sorted(rows)),
        )


def collusion_score(net: float, families: int, buyers: int) -> float:
    """Score of logit = −2.8 + 0.9·ln(1 + net nats) + 0.5·(families − 2) + 0.2·ln(buyers / 3)."""
    return logistic(-2.8 + 0.9 * log1p(max(0.0, net)) + 0.5 * (families - 2) + 0.2 * float(np.log(buyers / 3)))


def _reasons(shop: Shop, evidence: Evidence, cited: np.ndarray, chosen: np.ndarray) -> tuple[Reason, ...]:
    """Each signal that speaks: its rate on the cited visits beside that on the shop's other visits."""
    nats = evidence.nats
    others = np.setdiff1d(np.arange(len(shop.rows)), cited)
    rest = np.setdiff1d(np.arange(len(shop.people)), chosen)
    reasons = []
    for name in [*(name for name, value in nats.items() if value >= 1.0), *SHOWN_ONLY]:
        if name in PERSON_SIGNALS:
            column = shop.persons[:, PERSON_SIGNALS.index(name)]
            seen, expected = _rate(column[chosen]), _rate(column[rest])
        else:
            column = shop.visits[:, VISIT_SIGNALS.index(name)]
            seen, expected = _rate(column[cited]), _rate(column[others])
        if name in SHOWN_ONLY and seen < max(0.1, 3 * expected):
            continue
        reasons.append(
            Reason(
                name,
                Message(f"pharmacy.collusion.signal.{name}", {"seen": seen, "expected": expected}),
                round(seen, 4),
                round(expected, 4),
                ratio=round(seen / expected, 1) if expected else None,
            )
        )
    return tuple(reasons)


def _rate(column: np.ndarray) -> float:
    known = column[~np.isnan(column)]
    return float(known.mean()) if len(known) else 0.0
