"""Drug resale: packs sold once to a patient and sold again by an outlet that never bought them."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Container, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from math import log1p
from typing import ClassVar

import duckdb
from scipy.stats import poisson

from ringtrace.detectors.detector import Context, Draft, Gap
from ringtrace.detectors.packs.branches import sister_branches
from ringtrace.detectors.packs.resale_groups import Outlet, outlets_together
from ringtrace.detectors.packs.sales import times_have_hours
from ringtrace.detectors.packs.trace_codes import PRIOR_SALES, Step, repeated_packs
from ringtrace.detectors.packs.untraced_draft import with_untraced
from ringtrace.detectors.scoring import LEAD_SCORE, level_of, logistic
from ringtrace.findings import Check, EvidenceRef, Member, Message, Outcome, Reason, Value
from ringtrace.workspace import has_rows

FEW_PACKS = 4


@dataclass(frozen=True, slots=True)
class Thresholds:
    """`fewest_packs`: packs sold again for a finding to be more than a lead.
    `sister_share`: part of an outlet's repeats that runs from its own sister branches from which on they explain it.
    `reverse_share`: part of a pair's repeats in the impossible order (outlet first, owner of the pack later) that
    marks a till filling in another shop's codes.
    `widest_gap_days`: days between two sales of a pack beyond which they are not joined.
    """

    fewest_packs: int = 2
    sister_share: float = 0.6
    reverse_share: float = 0.25
    widest_gap_days: int = 400


class DrugResale:
    """A second sale of a pack, later and in a shop whose own purchases do not hold it, is a step of a resale chain.

    patient buys (first sale) → collector → outlet sells again (second sale)

    For each outlet the number of such packs is compared with Poisson chance at the rate at which codes repeat by error
    in all other places (repeats per coded sale, left-one-out). Innocent ways for a code to return are taken off first
    and reported as checks: see `trace_codes`. Outlets fed by the same people are one finding.
    """

    kind: ClassVar[str] = "drug_resale"
    version: ClassVar[str] = "1"

    def __init__(self, thresholds: Thresholds | None = None) -> None:
        self.thresholds = thresholds or Thresholds()

    def detect(self, tables: duckdb.DuckDBPyConnection, context: Context) -> Iterable[Draft]:
        if not has_rows(tables, "settlement_items"):
            context.gaps.append(Gap(self.kind, Message("pharmacy.gap.no_items")))
            return
        without = context.without_of(self.kind)
        steps = [
            replace(step, explanation=None) if f"check.{step.explanation}" in without else step
            for step in repeated_packs(tables)
        ]
        coded = self._coded_sales(tables, context)
        if not has_rows(tables, "inventory"):
            context.gaps.append(Gap(self.kind, Message("pharmacy.gap.no_inventory_resale")))
        if coded and not times_have_hours(tables):
            context.gaps.append(Gap(self.kind, Message("pharmacy.gap.days_only_resale")))
        sisters = {} if "check.sister_branch" in without else sister_branches(tables)
        outlets = self._outlets(steps, coded, sisters)
        resold = {each.second.key for outlet in outlets for each in outlet.chained}
        drafts = [self._draft(group, resold) for group in outlets_together(outlets)]
        yield from drafts if "signal.untraced" in without else with_untraced(tables, drafts)

    def _coded_sales(self, tables: duckdb.DuckDBPyConnection, context: Context) -> dict[str, int]:
        rows = tables.execute("SELECT place, count(*) FROM sale_lines WHERE codes IS NOT NULL GROUP BY 1").fetchall()
        coded: dict[str, int] = dict(rows)
        if not coded:
            context.gaps.append(Gap(self.kind, Message("pharmacy.gap.no_codes_resale")))
        return coded

    def _outlets(
        self, steps: Sequence[Step], coded: dict[str, int], sisters: dict[str, frozenset[str]]
    ) -> list[Outlet]:
        """One `Outlet` a place that sold packs again, with the rate at which chance would make it one."""
        elsewhere = [
            each
            for each in steps
            if each.elsewhere and (each.second.time - each.first.time).days <= self.thresholds.widest_gap_days
        ]
        reverse = Counter(
            (each.first.place, each.second.place) for each in elsewhere if each.second.owned and not each.first.owned
        )
        by_place: dict[str, list[Step]] = defaultdict(list)
        for each in elsewhere:
            by_place[each.second.place].append(each)
        plain = Counter(each.second.place for each in elsewhere if each.explanation is None)
        total_plain, total_coded = sum(plain.values()), sum(coded.values())
        found = []
        for place, own in sorted(by_place.items()):
            chained: list[Step] = []
            filled: list[Step] = []
            forward = Counter(each.first.place for each in own if each.explanation is None)
            for each in own:
                if each.explanation is not None:
                    continue
                pair = (place, each.first.place)
                backwards = reverse[pair] / (reverse[pair] + forward[each.first.place])
                by_till = each.first.place in sisters.get(place, ()) or backwards >= self.thresholds.reverse_share
                (filled if by_till else chained).append(each)
            # Half a repeat in a thousand sales is added: a city that shows no error may yet have some.
            rate = (_trimmed(plain, place, total_plain) + 0.5) / (total_coded - coded.get(place, 0) + PRIOR_SALES)
            found.append(Outlet(place, chained, filled, own, rate * coded.get(place, 0)))
        return [each for each in found if each.chained or len(each.filled) >= self.thresholds.fewest_packs]

    def _draft(self, outlets: Sequence[Outlet], resold: set[str]) -> Draft:
        chained = [each for outlet in outlets for each in outlet.chained]
        filled = [each for outlet in outlets for each in outlet.filled]
        explained = len(filled) >= self.thresholds.sister_share * (len(chained) + len(filled))
        used = filled if explained else chained
        expected = sum(outlet.expected for outlet in outlets)
        packs = len({each.code for each in used})
        p_value = float(poisson.sf(len(used) - 1, max(expected, 1e-9)))
        score = 0.02 if explained else resale_score(outlets)
        if not _sources_return(used) and not explained:  # packs of as many people accuse the outlet only
            score = min(score, LEAD_SCORE)
        level = "explained" if explained else level_of(score)
        sources = Counter(each.first.person for each in used)
        moments = sorted(moment for each in used for moment in (each.first.time, each.second.time))
        values: dict[str, Value] = {
            "outlets": ", ".join(outlet.place for outlet in outlets),
            "packs": packs,
            "sources": len(sources),
            "expected": round(expected, 2),
        }
        key = "pharmacy.resale.explained" if explained else "pharmacy.resale"
        bought = sum(each.supplier is not None for each in used)
        if 2 * bought >= len(used) and not explained:
            key = "pharmacy.resale.bought_back"
        return Draft(
            anchors=tuple(outlet.place for outlet in outlets),
            level=level,
            score=score,
            title=Message(f"{key}.title", values),
            summary=Message(f"{key}.summary", values),
            first_time=moments[0],
            last_time=moments[-1],
            members=_members(outlets, used, explained, resold),
            reasons=_reasons(used, values, expected, p_value),
            counter_evidence=_checks(outlets, chained, filled),
            evidence=_evidence(used),
        )


def _sources_return(used: Sequence[Step]) -> bool:
    """Whether most packs come from people who gave several: then those who gave one are sources too.

    Packs of as many strangers as there are packs, each once, come from a shop: stock that branches lend each other, or
    that was sold off, passes the till twice. Two or three packs are too few to tell.
    """
    given = Counter(each.first.person for each in used)
    return len(used) < FEW_PACKS or sum(number for number in given.values() if number >= 2) >= 0.5 * len(used)


def _trimmed(plain: Counter[str], place: str, total: int) -> float:
    """Unexplained repeats of the other places, each counted up to three: a second outlet must not hide the first."""
    return min(total - plain[place], sum(min(number, 3) for other, number in plain.items() if other != place))


def resale_score(outlets: Sequence[Outlet]) -> float:
    """Probability-like score from the number of packs beyond chance, and from sources that return.

    logit = −1.9 + 1.1·ln(1 + packs − expected) + 0.8·[some source gave several packs] + 0.5·[no room in the ledger]
    """
    chained = [each for outlet in outlets for each in outlet.chained]
    beyond = max(0.0, len(chained) - sum(outlet.expected for outlet in outlets))
    repeated = max(Counter(each.first.person for each in chained).values(), default=0) >= 2
    sure = sum(each.ledger_has_codes for each in chained) >= 0.5 * len(chained)
    return logistic(-1.9 + 1.1 * log1p(beyond) + 0.8 * repeated + 0.5 * sure)


def _members(outlets: Sequence[Outlet], used: Sequence[Step], explained: bool, resold: set[str]) -> tuple[Member, ...]:
    chance = min(0.9, sum(outlet.expected for outlet in outlets) / max(1, len(used)))
    retail = {each.second.place: each.second.retail for each in used}
    members = [
        Member("Pharmacy" if retail[place] else "Hospital", place, "cleared" if explained else "reseller")
        for place in sorted(retail)
    ]
    given: dict[str, list[Step]] = defaultdict(list)
    for each in used:
        given[each.first.person].append(each)
    between = {
        each for each in used if each.first.key in resold or (each.first.place in retail and not each.first.owned)
    }
    returning = _sources_return(used)
    for person, steps in sorted(given.items()):
        role = "cleared" if explained else _role(steps, between) if returning or len(steps) >= 2 else "witness"
        members.append(Member("Patient", person, role, round(1 - chance ** len(steps), 3)))
    members += [
        Member("Patient", person, "buyer") for person in sorted({each.second.person for each in used} - set(given))
    ]
    members += [Member("Drug", drug, "drug") for drug in sorted({each.drug for each in used})]
    return tuple(members)


def _role(steps: Sequence[Step], between: Container[Step]) -> str:
    """Whoever hands on packs of an outlet (steps `between` outlets) is a collector; one such visit accuses nobody.

    The outlet may have booked a sale on the card of a customer who never saw the pack. Outlets that trade with each
    other do so with packs whose way there left no code as well, so that any pack of an outlet of the same finding is
    taken for one that the outlets passed on, unless its own purchases hold it: that one was sold there in truth first.
    """
    if any(each not in between for each in steps):
        return "source"
    return "collector" if len({each.first.key for each in steps}) >= 2 else "witness"


def _reasons(used: Sequence[Step], values: Mapping[str, Value], expected: float, p: float) -> tuple[Reason, ...]:
    gaps = sorted((each.second.time - each.first.time).total_seconds() / 86400 for each in used)
    repeated = Counter(each.first.person for each in used)
    several = sum(number >= 2 for number in repeated.values())
    reasons = [
        Reason(
            "packs_sold_again", Message("pharmacy.resale.packs", values), len(used), round(expected, 3), p_value=p,
            rule_ref="pharmacy-trace-code-once",
        ),
        Reason("days_between", Message("pharmacy.resale.days", {"days": round(gaps[len(gaps) // 2], 1)}),
               round(gaps[len(gaps) // 2], 1), None),
    ]  # fmt: skip
    suppliers = Counter(each.supplier for each in used if each.supplier is not None)
    if suppliers:
        named: dict[str, Value] = {
            "packs": sum(suppliers.values()), "suppliers": ", ".join(sorted(name or "?" for name in suppliers)),
        }  # fmt: skip
        reasons.append(Reason("bought_back", Message("pharmacy.resale.bought", named), sum(suppliers.values()), 0))
    if several:
        reasons.append(
            Reason("sources_return", Message("pharmacy.resale.return", {"several": several, "sources": len(repeated)}),
                   several, 0)
        )  # fmt: skip
    return tuple(reasons)


def _checks(outlets: Sequence[Outlet], chained: Sequence[Step], filled: Sequence[Step]) -> tuple[Check, ...]:
    """What every repeat of these outlets was examined for, and how many each explanation took away."""
    taken = Counter(each.explanation for outlet in outlets for each in outlet.all if each.explanation)
    checks = [
        Check(
            name,
            "partly" if taken[name] else "does_not_explain",
            Message(f"pharmacy.resale.check.{name}", {"taken": taken[name], "left": len(chained)}),
            taken[name],
            0,
        )
        for name in ("own_stock", "returned", "split", "mistyped", "placeholder", "same_person", "at_once")
    ]
    outcome: Outcome = "explains" if filled and not chained else ("partly" if filled else "does_not_explain")
    checks.append(
        Check("sister_branch", outcome,
              Message("pharmacy.resale.check.sister_branch", {"taken": len(filled), "left": len(chained)}),
              len(filled), 0)
    )  # fmt: skip
    if chained:
        sources: dict[str, Value] = {"packs": len(chained), "sources": len({each.first.person for each in chained})}
        checks.append(
            Check("one_pack_each", "does_not_explain" if _sources_return(chained) else "partly",
                  Message("pharmacy.resale.check.one_pack_each", sources), sources["sources"], len(chained))
        )  # fmt: skip
    if not any(each.ledger_has_codes for each in chained or filled):
        checks.append(Check("ledger_codes", "unknown", Message("pharmacy.resale.check.ledger_codes")))
    return tuple(checks)


def _evidence(used: Sequence[Step]) -> tuple[EvidenceRef, ...]:
    keys = {key for each in used for key in (each.first.key, each.second.key)}
    purchases = {each.purchase for each in used if each.purchase is not None}
    return (
        *(EvidenceRef("settlement_items", key) for key in sorted(keys)),
        *(EvidenceRef("inventory", key) for key in sorted(purchases)),
    )
