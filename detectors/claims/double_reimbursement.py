"""Double reimbursement: one invoice or one stay paid twice, on the platform and by hand, or by hand twice."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime
from math import log
from typing import ClassVar

import duckdb

from ringtrace.detectors.claims.claim_agents import AgentThresholds, Case, cases
from ringtrace.detectors.claims.standing import institution_label, standing_settlements
from ringtrace.detectors.detector import Context, Draft, Gap
from ringtrace.detectors.scoring import level_of, logistic
from ringtrace.findings import Check, EvidenceRef, Level, Member, Message, Reason, Value


@dataclass(frozen=True)
class Thresholds(AgentThresholds):
    """`shortest_invoice`: shorter invoice numbers are placeholders. `most_people`: so is one that more people carry.
    `same_total`: relative difference up to which two totals are the same bill.
    `same_tariff`: difference of the fund's share up to which both were paid by the same rule.
    """

    shortest_invoice: int = 4
    most_people: int = 3
    same_total: float = 0.01
    same_tariff: float = 0.05


@dataclass(frozen=True, slots=True)
class _Pair:
    first: str
    second: str
    claimants: tuple[str, str]
    place: str
    hospital: bool
    how: str  # "invoice", "visit" or "dates"
    times: tuple[datetime, datetime]
    totals: tuple[float, float]
    funds: tuple[float, float]

    def overpaid(self) -> bool:
        """Whether the fund paid more than the larger bill: no supplement can do that."""
        return sum(self.funds) > max(self.totals) + 0.01

    def supplement(self, limits: Thresholds) -> bool:
        """Whether the second claim may have paid the remainder by another rule (serious-illness cover, aid)."""
        shares = [fund / total if total else 0.0 for fund, total in zip(self.funds, self.totals, strict=True)]
        return not self.overpaid() and abs(shares[0] - shares[1]) > limits.same_tariff


class DoubleReimbursement:
    """Pairs of standing settlements, one of them by hand, with the same bill, both paid by the fund.

    The same bill: the same invoice number at one place, the same visit number, or the same person, place, first and
    last day and total. Refunded settlements do not stand. Chance plays no part: a bill is paid once. People
    whose second claims go to one account, or come to the desk one after the other, are one case (`claim_agents`); the
    others are cases of their own.
    """

    kind: ClassVar[str] = "double_reimbursement"
    version: ClassVar[str] = "2"

    def __init__(self, thresholds: Thresholds | None = None) -> None:
        self.thresholds = thresholds or Thresholds()

    def detect(self, tables: duckdb.DuckDBPyConnection, context: Context) -> Iterable[Draft]:
        standing_settlements(tables)
        counted = tables.execute("SELECT count(*) FILTER (by_hand), count(invoice) FROM standing").fetchall()
        by_hand, invoices = counted[0]
        if not by_hand:
            context.gaps.append(Gap(self.kind, Message("claims.gap.no_manual")))
            return
        if not invoices:
            context.gaps.append(Gap(self.kind, Message("claims.gap.no_invoices")))
        people: dict[str, list[_Pair]] = defaultdict(list)
        for pair in self._pairs(tables):
            people[pair.claimants[1]].append(pair)
        papers = {person: [pair.times[1] for pair in pairs] for person, pairs in people.items()}
        for case in cases(tables, papers, self.thresholds):
            yield self._draft(case, [pair for person in case.claimants for pair in people[person]])

    def _pairs(self, tables: duckdb.DuckDBPyConnection) -> list[_Pair]:
        limits = self.thresholds
        rows = tables.execute(
            """
            WITH paid AS (SELECT * FROM standing WHERE coalesce(fund, total) > 0),
            hand AS (SELECT * FROM paid WHERE by_hand),
            real_invoice AS (
                SELECT place, invoice FROM paid WHERE length(invoice) >= $shortest
                GROUP BY ALL HAVING count(DISTINCT psn_no) <= $people
            ),
            same AS (
                SELECT p.setl_id AS a, h.setl_id AS b, 1 AS how FROM hand h JOIN real_invoice USING (place, invoice)
                JOIN paid p ON p.place = h.place AND p.invoice = h.invoice
                UNION ALL
                SELECT p.setl_id, h.setl_id, 2 FROM hand h JOIN paid p ON p.visit = h.visit AND p.psn_no = h.psn_no
                UNION ALL
                SELECT p.setl_id, h.setl_id, 3 FROM hand h JOIN paid p
                  ON p.psn_no = h.psn_no AND p.place = h.place AND p.med_type = '21'
                 AND CAST(p.opened AS DATE) = CAST(h.opened AS DATE)
                 AND CAST(p.closed AS DATE) = CAST(h.closed AS DATE)
            )
            SELECT p.setl_id, h.setl_id, p.psn_no, h.psn_no, h.place, h.hospital,
                   ['invoice', 'visit', 'dates'][min(s.how)], p.t, h.t, p.total, h.total,
                   coalesce(p.fund, p.total), coalesce(h.fund, h.total)
            FROM same s JOIN paid p ON p.setl_id = s.a JOIN paid h ON h.setl_id = s.b
            WHERE p.setl_id <> h.setl_id AND (NOT p.by_hand OR (p.t, p.setl_id) < (h.t, h.setl_id))
              AND abs(p.total - h.total) <= $same * greatest(p.total, h.total)
            GROUP BY ALL ORDER BY h.psn_no, h.t, h.setl_id, p.setl_id
            """,
            {"shortest": limits.shortest_invoice, "people": limits.most_people, "same": limits.same_total},
        ).fetchall()
        return [
            _Pair(a, b, (payer, claimant), place, hospital, how, (first, second), (total, again), (fund, more))
            for a, b, payer, claimant, place, hospital, how, first, second, total, again, fund, more in rows
        ]

    def _draft(self, case: Case, pairs: Sequence[_Pair]) -> Draft:
        supplements = sum(pair.supplement(self.thresholds) for pair in pairs)
        overpaid = sum(pair.overpaid() for pair in pairs)
        agents = {*case.claimants, *case.partners}
        others = sorted({pair.claimants[0] for pair in pairs} - agents)
        group = ".group" if len(case.claimants) > 1 else ""
        bills = len({pair.second for pair in pairs})
        score = double_score(bills, overpaid=bool(overpaid), supplements=supplements == len(pairs))
        level: Level = "explained" if supplements == len(pairs) else level_of(score)
        paid = sum(max(pair.funds) + min(pair.funds) for pair in pairs)
        values: dict[str, Value] = {
            "person": case.claimants[0], "people": len(case.claimants), "n": bills, "paid": round(paid, 2),
            "total": round(sum(max(pair.totals) for pair in pairs), 2),
            "how": ", ".join(sorted({pair.how for pair in pairs})), "supplements": supplements, "others": len(others),
            "by_account": case.by_account, "by_desk": case.by_desk, "households": case.households,
            "partners": len(case.partners),
        }  # fmt: skip
        reasons = [Reason("same_bill", Message("claims.double.reason", values), bills, 0)]
        if overpaid:
            ratio = float(paid / max(0.01, sum(max(pair.totals) for pair in pairs)))
            reasons.append(
                Reason("more_than_bill", Message("claims.double.overpaid", values), values["paid"], values["total"],
                       ratio=round(ratio, 3))
            )  # fmt: skip
        if case.by_account > 1:
            reasons.append(Reason("one_account", Message("claims.double.account", values), case.by_account, 1))
        if case.by_desk:
            reasons.append(Reason("one_visit", Message("claims.double.desk", values), case.by_desk, 0))
        if others:
            reasons.append(Reason("other_person", Message("claims.double.other_person", values), len(others), 0))
        places = {pair.place: pair.hospital for pair in pairs}
        return Draft(
            anchors=case.claimants,
            level=level,
            score=score,
            title=Message(f"claims.double{group}.title", values),
            summary=Message(f"claims.double{group}.summary", values),
            first_time=min(time for pair in pairs for time in pair.times),
            last_time=max(time for pair in pairs for time in pair.times),
            members=(
                *(Member("Patient", person, "claimant") for person in case.claimants),
                *(Member("Patient", person, "claimant", 0.5) for person in case.partners),
                *(Member("Patient", person, "collector", 0.5) for person in case.holders),
                *(Member("Patient", other, "witness", 0.3) for other in others),
                *(Member(institution_label(hospital), place, "witness") for place, hospital in sorted(places.items())),
            ),
            reasons=tuple(reasons),
            counter_evidence=(
                Check("supplement", "explains" if level == "explained" else "partly" if supplements
                      else "does_not_explain", Message("claims.double.check.supplement", values), supplements),
                Check("refunded", "does_not_explain", Message("claims.double.check.refunded")),
            ),
            evidence=tuple(
                EvidenceRef("settlements", key)
                for key in sorted({end for pair in pairs for end in (pair.first, pair.second)})
            ),
        )  # fmt: skip


def double_score(bills: int, *, overpaid: bool, supplements: bool) -> float:
    """Logit = 0.4 + 0.8·ln(bills) + 1 if more than a bill was paid − 2 if every second claim may be a supplement."""
    return logistic(0.4 + 0.8 * log(bills) + 1.0 * overpaid - 2.0 * supplements)
