"""Trace-code reuse: one pack's code sold again and again in one place, the sign of substitution (串换)."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import timedelta
from math import log1p
from typing import ClassVar, Final

import duckdb
from scipy.stats import poisson

from ringtrace.detectors.detector import Context, Draft, Gap
from ringtrace.detectors.packs.trace_codes import PRIOR_SALES, Step, repeated_packs
from ringtrace.detectors.scoring import LEAD_SCORE, level_of, logistic
from ringtrace.findings import Check, EvidenceRef, Member, Message, Outcome, Reason, Value
from ringtrace.workspace import has_rows

COLLUDING_SCORE: Final = 0.5
AGAIN_AND_AGAIN: Final = 3
"""Uses of one code, the first included, from which somebody keeps it: a till that keeps the last pack's code gives each
twice, and one that fills in codes from the delivery note hits one twice now and then."""

KEPT: Final = 0.5
"""Part of the repeats that such codes must make up."""

SITTING: Final = timedelta(hours=12)
"""Repeats in so short a time are one accident: a stuck scanner gives every customer of an afternoon the last code."""


@dataclass(frozen=True, slots=True)
class Thresholds:
    """`fewest_uses`: repeats of codes in one place for a finding.
    `highest_p`: chance, at the repeat rate of all other places, above which the repeats are left alone.
    `split_price`: part of the drug's usual price a pack below which a sale looks like a split pack without its flag.
    """

    fewest_uses: int = 4
    highest_p: float = 1e-3
    split_price: float = 0.6


class TraceCodeReuse:
    """Repeats of codes within one place, compared with Poisson chance at the rate of all other places.

    One code scanned for pack after pack claims a dear drug while something else goes over the counter. Refunds,
    split packs (flagged, or sold at a fraction of the usual price a pack), a line recorded twice for one person on one
    day, packs that came back in the ledger, repeats within one sitting (`SITTING`) and visits that collusion has
    claimed are taken off first. Where no code is sold again and again (`KEPT`), it is a lead.
    """

    kind: ClassVar[str] = "trace_code_reuse"
    version: ClassVar[str] = "2"

    def __init__(self, thresholds: Thresholds | None = None) -> None:
        self.thresholds = thresholds or Thresholds()

    def detect(self, tables: duckdb.DuckDBPyConnection, context: Context) -> Iterable[Draft]:
        if not has_rows(tables, "settlement_items"):
            context.gaps.append(Gap(self.kind, Message("pharmacy.gap.no_items")))
            return
        claimed = context.evidence_keys("pharmacy_collusion", "settlements")
        colluding = context.accused_places("pharmacy_collusion")
        here = [each for each in repeated_packs(tables) if not each.elsewhere and not _claimed(each, claimed)]
        rows = tables.execute("SELECT place, count(*) FROM sale_lines WHERE codes IS NOT NULL GROUP BY 1").fetchall()
        coded: dict[str, int] = dict(rows)
        if not coded:
            context.gaps.append(Gap(self.kind, Message("pharmacy.gap.no_codes")))
            return
        if not has_rows(tables, "inventory"):
            context.gaps.append(Gap(self.kind, Message("pharmacy.gap.no_inventory_reuse")))
        prices = tables.execute(
            "SELECT drug, median(amount / cnt) FROM sale_lines WHERE NOT split AND cnt >= 1 GROUP BY 1"
        ).fetchall()
        usual: dict[str, float] = dict(prices)
        by_place: dict[str, list[Step]] = defaultdict(list)
        for each in here:
            by_place[each.second.place].append(each)
        kept = {place: [s for s in steps if self._unexplained(s, usual)] for place, steps in by_place.items()}
        for place, steps in sorted(kept.items()):
            others = sum(min(3, len(found)) for other, found in kept.items() if other != place)
            rate = (others + 0.5) / (sum(coded.values()) - coded[place] + PRIOR_SALES)
            expected = rate * coded[place]
            p_value = float(poisson.sf(len(steps) - 1, expected))
            if len(steps) >= self.thresholds.fewest_uses and p_value <= self.thresholds.highest_p:
                yield self._draft(place, steps, by_place[place], expected, p_value, usual, place in colluding)

    def _unexplained(self, step: Step, usual: dict[str, float]) -> bool:
        return step.explanation is None and not self._cheap(step, usual) and not _one_sitting(step)

    def _cheap(self, step: Step, usual: dict[str, float]) -> bool:
        price = usual.get(step.drug)
        return price is not None and step.second.amount < self.thresholds.split_price * price

    def _draft(
        self,
        place: str,
        steps: Sequence[Step],
        every: Sequence[Step],
        expected: float,
        p_value: float,
        usual: dict[str, float],
        colludes: bool,
    ) -> Draft:
        codes = Counter(each.code for each in steps)
        most = max(codes.values()) + 1
        score = reuse_score(len(steps), expected, most)
        kept = sum(number for number in codes.values() if number + 1 >= AGAIN_AND_AGAIN)
        if kept < KEPT * len(steps):
            score = min(score, LEAD_SCORE)
        if colludes:
            # Phantom sales borrow codes: what is left of them beside the visits claimed is no second accusation.
            score = min(score, COLLUDING_SCORE)
        people = {sale.person for each in steps for sale in (each.first, each.second)}
        values: dict[str, Value] = {
            "place": place,
            "uses": len(steps),
            "codes": len(codes),
            "most": most,
            "people": len(people),
            "expected": round(expected, 2),
        }
        moments = [moment for each in steps for moment in (each.first.time, each.second.time)]
        taken: Counter[str] = Counter(each.explanation for each in every if each.explanation)
        plain = [each for each in every if each.explanation is None]
        taken["split"] += sum(self._cheap(each, usual) for each in plain)
        taken["one_sitting"] = sum(_one_sitting(each) and not self._cheap(each, usual) for each in plain)
        return Draft(
            anchors=(place,),
            level=level_of(score),
            score=score,
            title=Message("pharmacy.reuse.title", values),
            summary=Message("pharmacy.reuse.summary", values),
            first_time=min(moments),
            last_time=max(moments),
            members=(
                Member("Pharmacy" if steps[0].second.retail else "Hospital", place, "provider"),
                *(Member("Patient", person, "witness") for person in sorted(people)),
                *(Member("Drug", drug, "drug") for drug in sorted({each.drug for each in steps})),
                *(Member("Pack", code, "pack") for code in sorted(codes)),
            ),
            reasons=(
                Reason("code_repeats", Message("pharmacy.reuse.repeats", values), len(steps), round(expected, 3),
                       p_value=p_value),
                Reason("most_used_code", Message("pharmacy.reuse.most", values), most, 1, ratio=float(most)),
            ),
            counter_evidence=_checks(taken, len(steps), colludes),
            evidence=tuple(
                EvidenceRef("settlement_items", key)
                for key in sorted({sale.key for each in steps for sale in (each.first, each.second)})
            ),
        )  # fmt: skip


def _checks(taken: Counter[str], left: int, colludes: bool) -> tuple[Check, ...]:
    """What every repeat was examined for, and how many each explanation took away."""
    known = "yes" if colludes else "no"
    outcome: Outcome = "partly" if colludes else "does_not_explain"
    collusion = Check("collusion", outcome, Message(f"pharmacy.reuse.check.collusion.{known}"))
    return (
        collusion,
        *(
            Check(
                name,
                "partly" if taken[name] else "does_not_explain",
                Message(f"pharmacy.resale.check.{name}", {"taken": taken[name], "left": left}),
                taken[name],
                0,
            )
            for name in ("returned", "split", "same_person", "placeholder", "one_sitting")
        ),
    )


def reuse_score(uses: int, expected: float, most: int) -> float:
    """Score of logit = −2.2 + 0.6·ln(1 + repeats beyond chance) + 1.2·ln(uses of the most used code / 2).

    Slips double many codes once or twice; no slip gives one code a dozen times over months.
    """
    return logistic(-2.2 + 0.6 * log1p(max(0.0, uses - expected)) + 1.2 * log1p(most / 2 - 1))


def _one_sitting(step: Step) -> bool:
    return step.second.time - step.first.time < SITTING


def _claimed(step: Step, settlements: set[str]) -> bool:
    return any(sale.key.rpartition("|")[0] in settlements for sale in (step.first, step.second))
