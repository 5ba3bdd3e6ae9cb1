"""Cloned credentials: one credential used at two places that nobody can reach in the time between."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import date
from math import log, log10
from typing import ClassVar

import duckdb

from ringtrace.detectors.claims.bedside import used_far_from_bed
from ringtrace.detectors.claims.standing import institution_label
from ringtrace.detectors.claims.travel import Chance, Leap, chances, find_leaps, leap_days, timed_uses
from ringtrace.detectors.detector import Context, Draft, Gap
from ringtrace.detectors.scoring import LEAD_SCORE, level_of, logistic
from ringtrace.findings import Check, EvidenceRef, Level, Member, Message, Reason, Value


@dataclass(frozen=True, slots=True)
class Thresholds:
    """`clock_minutes`: how far two tills' clocks may differ: a leap too short by more counts alone.
    `shortest_minutes`: shortfall below which a leap is hurried and not impossible.
    `nearest_km`: places nearer than this are never too far apart.
    `apart_minutes`: without coordinates, longest time between uses in two cities (first four digits of the region).
    `clock_cards`, `clock_share`: cards in conflict at one place, each once, and their part of its uses, from which on
    that place's clock is blamed. `late_cards`: cards in conflict at one place on one day, from which on the place is
    taken to have sent that day's claims late.
    `fewest_days`, `highest_p`: days with a hurried change, and chance over all cards, from which on they are beyond it.
    """

    clock_minutes: float = 10.0
    shortest_minutes: float = 1.0
    nearest_km: float = 3.0
    apart_minutes: float = 20.0
    clock_cards: int = 6
    clock_share: float = 0.002
    late_cards: int = 3
    fewest_days: int = 3
    highest_p: float = 0.1


class ClonedCard:
    """Consecutive uses of one credential that nobody, or hardly anybody, can make in the time between.

    A change in less than the shortest time from door to door (`travel.shortest_minutes`) is impossible, and so are uses
    far from the bed of a stay under way (`bedside`); one too short by more than tills' clocks differ counts alone,
    others count on two days or more. Changes that are merely hurried (`travel.usual_minutes`) count where a card has
    more of them than chance, the city's rate and the card's own hours, would give. Left out: refunds, claims by hand,
    the hour of a stay's bill, which an office settles without the patient; places whose clock only knows the day.
    Whose holder a finding of resale or of a ring names stays a lead: who draws all over town, or lends, hurries, too.
    """

    kind: ClassVar[str] = "cloned_card"
    version: ClassVar[str] = "4"

    def __init__(self, thresholds: Thresholds | None = None) -> None:
        self.thresholds = thresholds or Thresholds()

    def detect(self, tables: duckdb.DuckDBPyConnection, context: Context) -> Iterable[Draft]:
        limits = self.thresholds
        with_card, used, placed = timed_uses(tables)
        for number, key in ((with_card, "no_cards"), (used, "days_only"), (placed, "no_places")):
            if not number:
                context.gaps.append(Gap(self.kind, Message(f"claims.gap.{key}")))
                return
        leaps = find_leaps(tables, limits.nearest_km, limits.apart_minutes, limits.shortest_minutes)
        clocks, late = self._clocks(tables, leaps)
        cards: dict[str, list[Leap]] = defaultdict(list)
        for leap in leaps:
            cards[leap.card].append(leap)
        chance = chances(tables, cards, limits.nearest_km, limits.fewest_days)
        for leap in used_far_from_bed(tables):
            cards[leap.card].append(leap)
        led = context.accused("drug_resale", "borrowed_card_ring")
        for card, each in sorted(cards.items()):
            by_chance = chance.get(card, Chance())
            impossible = [leap for leap in each if leap.impossible]
            if by_chance.p_value <= limits.highest_p:
                yield self._draft(each, by_chance.expected, by_chance.p_value, clocks, late, led)
            elif leap_days(impossible) > 1 or any(self._wide(leap) for leap in impossible):
                yield self._draft(impossible, by_chance.expected, by_chance.impossible_p, clocks, late, led)

    def _wide(self, leap: Leap) -> bool:
        return leap.impossible and leap.needed_minutes - leap.minutes > self.thresholds.clock_minutes

    def _clocks(
        self, tables: duckdb.DuckDBPyConnection, leaps: Sequence[Leap]
    ) -> tuple[set[str], set[tuple[str, date]]]:
        """Places whose clock is wrong, and days on which a place sent its claims late."""
        by_card: dict[str, list[Leap]] = defaultdict(list)
        on_day: dict[tuple[str, date], set[str]] = defaultdict(set)
        for leap in leaps:
            if leap.impossible:
                by_card[leap.card].append(leap)
                for place, moment in zip(leap.places, leap.times, strict=True):
                    on_day[place, moment.date()].add(leap.card)
        once = Counter(place for each in by_card.values() if len(each) == 1 for place in each[0].places)
        many = sorted(place for place, number in once.items() if number >= self.thresholds.clock_cards)
        uses = dict(
            tables.execute(
                "SELECT p.code, count(*) FROM card_uses u JOIN use_places p USING (place) "
                "WHERE list_contains(?::VARCHAR[], p.code) GROUP BY 1",
                [many],
            ).fetchall()
        )
        clocks = {place for place in many if once[place] >= self.thresholds.clock_share * uses[place]}
        return clocks, {where for where, seen in on_day.items() if len(seen) >= self.thresholds.late_cards}

    def _draft(
        self,
        leaps: Sequence[Leap],
        expected: float,
        p_value: float,
        clocks: set[str],
        late: set[tuple[str, date]],
        led: frozenset[str],
    ) -> Draft:
        first, beds = leaps[0], [leap for leap in leaps if leap.in_bed]
        worst = max(leaps, key=lambda leap: (leap.impossible, leap.needed_minutes - leap.minutes, leap.first))
        days, impossible = leap_days(leaps), leap_days(leap for leap in leaps if leap.impossible)
        clock = all(
            (clocks & set(leap.places) and not leap.in_bed)
            or any((place, moment.date()) in late for place, moment in zip(leap.places, leap.times, strict=True))
            for leap in leaps
        )
        electronic = all(leap.electronic for leap in leaps)
        beyond = p_value <= self.thresholds.highest_p
        score = cloned_score(
            days if beyond else impossible, p_value if beyond else 1.0, wide=self._wide(worst), electronic=electronic,
            explained=first.shared or clock,
        )  # fmt: skip
        elsewhere = not led.isdisjoint(leap.owner for leap in leaps)
        if elsewhere:
            score = min(score, LEAD_SCORE)
        level: Level = "explained" if clock or first.shared else level_of(score)
        values: dict[str, Value] = {
            "card": first.card, "n": len(leaps), "days": days, "a": worst.places[0], "b": worst.places[1],
            "minutes": round(worst.minutes, 1), "needed": round(worst.needed_minutes, 1),
            "impossible": impossible, "expected": round(expected, 2),
            "km": "–" if worst.km is None else f"{worst.km:.0f}", "inner": leap_days(beds),
        }  # fmt: skip
        how = ".bed" if worst.in_bed else ""
        places = {place: hospital for leap in leaps for place, hospital in zip(leap.places, leap.hospital, strict=True)}
        return Draft(
            anchors=(first.card,),
            level=level,
            score=score,
            title=Message("claims.cloned.title", values),
            summary=Message(f"claims.cloned{how}.summary", values),
            first_time=min(leap.times[0] for leap in leaps),
            last_time=max(leap.times[1] for leap in leaps),
            members=(
                Member("Card", first.card, "card"),
                *(Member("Patient", owner, "card_holder", 0.5) for owner in sorted({leap.owner for leap in leaps})),
                *(Member(institution_label(hospital), place, "witness") for place, hospital in sorted(places.items())),
            ),
            reasons=(
                Reason("too_far", Message(f"claims.cloned{how}.reason", values), round(worst.minutes, 1),
                       round(worst.needed_minutes, 1)),
                Reason("leaps", Message("claims.cloned.leaps", values), days, round(expected, 3),
                       p_value=p_value if beyond else None),
            ),
            counter_evidence=(
                Check("clock", "explains" if clock else "does_not_explain", Message("claims.cloned.check.clock")),
                Check("family_account", "explains" if first.shared else "does_not_explain",
                      Message("claims.cloned.check.family_account")),
                Check("e_credential", "partly" if electronic else "does_not_explain",
                      Message("claims.cloned.check.e_credential")),
                Check("led_elsewhere", "partly" if elsewhere else "does_not_explain",
                      Message("claims.cloned.check.led_elsewhere" if elsewhere else "claims.cloned.check.not_led")),
            ),
            evidence=tuple(
                EvidenceRef("settlements", key)
                for key in sorted({end for leap in leaps for end in (leap.first, leap.second)})
            ),
        )  # fmt: skip


def cloned_score(days: int, p_value: float, *, wide: bool, electronic: bool, explained: bool) -> float:
    """Logit = −0.4 + 1.1·ln(days) + 0.6 if no clock is so wrong − 0.8 if electronic − 2.5 if explained

    + 1 − 0.1·log10 p (p ≥ 10⁻¹⁰) if the changes are beyond chance: then `days` are those with a change that is hurried
    or impossible, otherwise those with an impossible one. An e-credential, which another telephone can show, stays a
    lead.
    """
    rarity = 1.0 - 0.1 * log10(max(p_value, 1e-10)) if p_value < 1 else 0.0
    score = logistic(-0.4 + 1.1 * log(max(days, 1)) + 0.6 * wide + rarity - 0.8 * electronic - 2.5 * explained)
    return min(score, LEAD_SCORE) if electronic else score
