"""Hospital stays whose patient was elsewhere, or had no care: more of them at a hospital than at all others."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass
from math import log1p, log10

import duckdb
from scipy.stats import binom

from ringtrace.detectors.claims.standing import standing_settlements
from ringtrace.detectors.claims.stay_signs import (
    Sign,
    dead_otherwise,
    elsewhere,
    in_batches,
    of_the_dead,
    twice_by_chance,
    without_care,
)
from ringtrace.detectors.detector import Context, Draft, Gap
from ringtrace.detectors.scoring import LEAD_SCORE, level_of, logistic
from ringtrace.findings import Check, EvidenceRef, Member, Message, Reason, Value
from ringtrace.workspace import has_rows

SIGNALS = ("dead", "other_stay", "again", "batch", "other_care", "pharmacy", "no_care")
SURE = frozenset({"dead", "other_stay", "again"})
"""Signals that no errand gives: once a hospital stands out, each such stay of it counts."""
REFERABLE = frozenset({"other_care", "pharmacy"})
"""Signals that referrals and errands give too: few of many stays are then a lead at most."""
WEIGHTS = {
    "dead": 0.95, "other_stay": 0.95, "again": 0.9, "batch": 0.7, "other_care": 0.7, "pharmacy": 0.3, "no_care": 0.8,
}  # fmt: skip
WITNESSED = 0.9
"""Part of the referable stays that must be beyond chance for each of their people to be named."""
ORGANISED = 0.85
"""Highest score of batches alone: a holiday of veterans or a care home's yearly check comes in batches too."""

_Beyond = tuple[int, float, float]
"""Stays with a signal, those that chance gives, and the probability of as many."""


@dataclass(frozen=True)
class StayThresholds:
    """`shortest_days`: nights of a stay to be looked at; its first and last day always count as free.
    `fewest_stays`: stays with one signal for a finding.
    `highest_p`: chance at the rate of the other hospitals, after Bonferroni over hospitals and signals.
    `least_ratio`: observed over expected, since hospitals differ more among each other than the binomial law allows.
    `least_share`: part of the stays below which referable signs alone stay a lead, as large hospitals refer more.
    `most_bare`: share of the other hospitals' stays without lines beyond which lines are missing, and not care.
    `batch_people`: people admitted and discharged together from which on, twice, they are a batch.
    `prior_stays`: weight, in stays, of an assumed half case at the others, so that a rate is never zero.
    """

    shortest_days: int = 2
    fewest_stays: int = 3
    highest_p: float = 0.01
    least_ratio: float = 3.0
    least_share: float = 0.02
    most_bare: float = 0.05
    batch_people: int = 5
    prior_stays: float = 50.0


def empty_stays(
    tables: duckdb.DuckDBPyConnection, context: Context, kind: str, limits: StayThresholds
) -> Iterable[Draft]:
    """One draft a hospital with more such stays than the rate of all other hospitals explains."""
    standing_settlements(tables)
    tables.execute(
        """
        CREATE OR REPLACE TEMP TABLE stays AS
        SELECT place, psn_no, coalesce(visit, setl_id) AS stay, min(opened) AS opened, max(closed) AS closed,
               list(setl_id ORDER BY setl_id) AS settlements, min(disease) AS disease
        FROM standing WHERE med_type = '21' AND opened IS NOT NULL AND closed IS NOT NULL AND NOT by_hand
        GROUP BY ALL HAVING date_diff('day', min(opened), max(closed)) >= ?
        """,
        [limits.shortest_days],
    )
    total = dict(tables.execute("SELECT place, count(*) FROM stays GROUP BY 1").fetchall())
    if not total:
        context.gaps.append(Gap(kind, Message("claims.gap.no_stays")))
        return
    signs = elsewhere(tables)
    _merge(signs, of_the_dead(tables))
    _merge(signs, in_batches(tables, limits.batch_people))
    if has_rows(tables, "settlement_items"):
        _merge(signs, without_care(tables))
    else:
        context.gaps.append(Gap(kind, Message("claims.gap.no_stay_items")))
    counts = {place: Counter(sign.signal for sign in each) for place, each in signs.items()}
    by_error = dead_otherwise(tables)
    known: set[str] = set()
    while True:  # what is found at one hospital is no measure of what is usual at another
        found, bare = _standing_out(tables, total, counts, known, by_error, limits)
        more = {place for place, signals in found.items() if signals.keys() & SURE} - known
        if not more:
            break
        known |= more
    for place, signals in found.items():
        named = signals.keys() | (SURE if signals.keys() & SURE else set())
        each = [sign for sign in signs[place] if sign.signal in named]
        yield _draft(place, total[place], each, signals, counts[place], limits)
    if bare > 1:
        context.gaps.append(Gap(kind, Message("claims.gap.bare_stays")))


def _standing_out(
    tables: duckdb.DuckDBPyConnection,
    total: Mapping[str, int],
    counts: Mapping[str, Counter[str]],
    known: Collection[str],
    by_error: float,
    limits: StayThresholds,
) -> tuple[dict[str, dict[str, _Beyond]], int]:
    """The signals that are beyond chance, by hospital, and how many hospitals' missing lines were not looked at.

    Chance is told by the other hospitals that are not `known` to stand out.
    """
    found: dict[str, dict[str, _Beyond]] = defaultdict(dict)
    bare, tests = 0, len(total) * len(SIGNALS)
    for place in sorted(counts):
        others = total.keys() - {place} - set(known)
        stays = sum(total[other] for other in others)
        for signal in (each for each in SIGNALS if counts[place][each]):
            seen = counts[place][signal]
            rate = (sum(counts[other][signal] for other in others & counts.keys()) + 0.5) / (stays + limits.prior_stays)
            # In a city of few hospitals the others may be no better: two signs have a rate of their own.
            if signal == "again":  # two errands in one stay, were they each other's strangers
                rate = twice_by_chance(tables, place, known) / total[place]
            if signal == "dead":
                rate = min(rate, by_error)
            if signal == "no_care" and rate > limits.most_bare:
                bare += 1
                continue
            p_value = min(1.0, tests * float(binom.sf(seen - 1, total[place], min(1.0, rate))))
            enough = seen >= max(limits.fewest_stays, limits.least_ratio * rate * total[place])
            if enough and p_value <= limits.highest_p:
                found[place][signal] = (seen, rate * total[place], p_value)
    return dict(found), bare


def _merge(into: dict[str, list[Sign]], more: dict[str, list[Sign]]) -> None:
    for place, each in more.items():
        into[place] += each


def _draft(
    place: str,
    stays: int,
    signs: list[Sign],
    found: dict[str, _Beyond],
    every: Counter[str],
    limits: StayThresholds,
) -> Draft:
    people: dict[str, float] = {}
    for sign in signs:
        people[sign.person] = max(people.get(sign.person, 0.0), WEIGHTS[sign.signal])
    explained = {
        signal for signal, (n, mean, _) in found.items()
        if signal in REFERABLE and found.keys() & SURE and n - every["again"] < mean / (1 - WITNESSED)
    }  # fmt: skip
    named = {sign.person for sign in signs if sign.signal not in explained}
    cases = {sign.settlements for sign in signs}
    expected = sum(each[1] for each in found.values())
    score = empty_stay_score(
        len(cases), expected, max(WEIGHTS[signal] for signal in found), min(each[2] for each in found.values())
    )
    if set(found) <= REFERABLE and len(cases) < limits.least_share * stays:
        score = min(score, LEAD_SCORE)
    if set(found) <= REFERABLE | {"batch"}:
        score = min(score, ORGANISED)
    values: dict[str, Value] = {
        "place": place, "n": len(cases), "stays": stays, "people": len(named), "expected": round(expected, 2)
    }  # fmt: skip
    settlements = {setl_id for sign in signs for setl_id in sign.settlements}
    settlements |= {sign.elsewhere for sign in signs if sign.elsewhere}
    return Draft(
        anchors=(place,),
        level=level_of(score),
        score=score,
        title=Message("claims.stays.title", values),
        summary=Message("claims.stays.summary", values),
        first_time=min(sign.opened for sign in signs),
        last_time=max(sign.closed for sign in signs),
        members=(
            Member("Hospital", place, "provider"),
            *(
                Member("Patient", person, "ghost" if person in named else "witness", weight)
                for person, weight in sorted(people.items())
            ),
        ),
        reasons=tuple(
            Reason(signal, Message(f"claims.stays.{signal}", values | {"n": n, "expected": round(mean, 2)}), n,
                   round(mean, 3), p_value=p_value)
            for signal, (n, mean, p_value) in found.items()
        ),
        counter_evidence=(
            Check("edge_days", "does_not_explain", Message("claims.stays.check.edge_days")),
            Check("family_errand", "partly" if "pharmacy" in found else "does_not_explain",
                  Message("claims.stays.check.family_errand", {"n": every["pharmacy"]}), every["pharmacy"]),
            Check("referral", "partly" if "other_care" in found else "does_not_explain",
                  Message("claims.stays.check.referral", {"n": every["other_care"]}), every["other_care"]),
        ),
        evidence=tuple(EvidenceRef("settlements", setl_id) for setl_id in sorted(settlements)),
    )  # fmt: skip


def empty_stay_score(cases: int, expected: float, strongest: float, p_value: float) -> float:
    """Logit = −3 + 0.9·ln(1 + cases beyond chance) + 2·weight of the strongest signal − 0.25·log10 p, p ≥ 10⁻⁶."""
    rarity = -log10(max(p_value, 1e-6))
    return logistic(-3.0 + 0.9 * log1p(max(0.0, cases - expected)) + 2.0 * strongest + 0.25 * rarity)
