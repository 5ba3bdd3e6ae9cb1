"""Cloned credentials: one credential used at two places that nobody can reach in the time between."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime
from math import log
from typing import ClassVar

import duckdb

from ringtrace.detectors.claims.standing import institution_label, standing_settlements
from ringtrace.detectors.detector import Context, Draft, Gap
from ringtrace.detectors.scoring import level_of, logistic
from ringtrace.findings import Check, EvidenceRef, Level, Member, Message, Reason, Value


@dataclass(frozen=True, slots=True)
class Thresholds:
    """`fastest_kmh`: speed beyond which nobody travels from door to door.
    `clock_minutes`: how far two tills' clocks may differ: a leap too short by more counts alone, others when repeated.
    `shortest_minutes`: shortfall below which a leap does not count at all.
    `nearest_km`: places nearer than this are never too far apart.
    `apart_minutes`: without coordinates, longest time between uses in two cities (first four digits of the region).
    `clock_cards`: cards in conflict at one place, each once, from which on that place's clock is blamed.
    """

    fastest_kmh: float = 80.0
    clock_minutes: float = 10.0
    shortest_minutes: float = 1.0
    nearest_km: float = 3.0
    apart_minutes: float = 20.0
    clock_cards: int = 6


@dataclass(frozen=True, slots=True)
class _Leap:
    card: str
    owner: str
    electronic: bool
    shared: bool
    first: str
    second: str
    places: tuple[str, str]
    hospital: tuple[bool, bool]
    times: tuple[datetime, datetime]
    km: float | None
    needed_minutes: float

    @property
    def minutes(self) -> float:
        return (self.times[1] - self.times[0]).total_seconds() / 60


class ClonedCard:
    """Consecutive uses of one credential: needed time = distance / fastest speed; a leap has less.

    Distance is the great circle (haversine, Earth's radius 6,371 km), a lower bound of any way. Left out: refunds,
    claims by hand, and stays, which an office settles without the patient; places whose clock only knows the day.
    """

    kind: ClassVar[str] = "cloned_card"
    version: ClassVar[str] = "1"

    def __init__(self, thresholds: Thresholds | None = None) -> None:
        self.thresholds = thresholds or Thresholds()

    def detect(self, tables: duckdb.DuckDBPyConnection, context: Context) -> Iterable[Draft]:
        leaps = self._leaps(tables, context)
        cards: dict[str, list[_Leap]] = defaultdict(list)
        for leap in leaps:
            cards[leap.card].append(leap)
        once = Counter(place for each in cards.values() if len(each) == 1 for place in each[0].places)
        clocks = {place for place, number in once.items() if number >= self.thresholds.clock_cards}
        for _, each in sorted(cards.items()):
            if len({leap.times[0].date() for leap in each}) > 1 or any(self._wide(leap) for leap in each):
                yield self._draft(each, clocks)

    def _wide(self, leap: _Leap) -> bool:
        return leap.needed_minutes - leap.minutes > self.thresholds.clock_minutes

    def _leaps(self, tables: duckdb.DuckDBPyConnection, context: Context) -> list[_Leap]:
        standing_settlements(tables)
        tables.execute("""
            CREATE OR REPLACE TEMP TABLE card_uses AS
            WITH timed AS (
                SELECT place FROM standing GROUP BY place
                HAVING count(*) FILTER (date_trunc('day', t) <> t) >= 0.1 * count(*)
            )
            SELECT s.card, s.psn_no, s.card_type, s.setl_id, s.place, s.hospital, s.t, n.lon, n.lat,
                   left(n.admdvs, 4) AS city
            FROM standing s SEMI JOIN timed ON timed.place = s.place
            LEFT JOIN institutions n ON n.fixmedins_code = s.place
            WHERE s.card IS NOT NULL AND NOT s.by_hand AND s.med_type IS DISTINCT FROM '21'
        """)
        counted = tables.execute("""
            SELECT (SELECT count(*) FROM standing WHERE card IS NOT NULL), (SELECT count(*) FROM card_uses),
                   (SELECT count(*) FROM card_uses WHERE lon IS NOT NULL OR city IS NOT NULL)
        """).fetchall()
        with_card, used, placed = counted[0]
        for number, key in ((with_card, "no_cards"), (used, "days_only"), (placed, "no_places")):
            if not number:
                context.gaps.append(Gap(self.kind, Message(f"claims.gap.{key}")))
                return []
        limits = self.thresholds
        rows = tables.execute(
            """
            WITH steps AS (
                SELECT card, psn_no, card_type, setl_id, place, hospital, t, lon, lat, city,
                       lead({'setl_id': setl_id, 'place': place, 'hospital': hospital, 't': t, 'lon': lon, 'lat': lat,
                             'city': city}) OVER (PARTITION BY card ORDER BY t, setl_id) AS nxt
                FROM card_uses
            ), apart AS (
                -- `least` passes over NULL, so that unknown places would lie at the antipodes but for the CASE.
                SELECT *, CASE WHEN half IS NOT NULL THEN 2 * 6371 * asin(sqrt(least(1, half))) END AS km,
                       date_diff('second', t, nxt.t) / 60.0 AS minutes
                FROM (SELECT *, sin(radians(nxt.lat - lat) / 2) ** 2 + cos(radians(lat)) * cos(radians(nxt.lat))
                                * sin(radians(nxt.lon - lon) / 2) ** 2 AS half FROM steps)
                WHERE nxt.place <> place
            )
            SELECT a.card, a.psn_no, coalesce(a.card_type = '01', false), c.share_psn_no IS NOT NULL, a.setl_id,
                   a.nxt.setl_id, a.place, a.nxt.place, a.hospital, a.nxt.hospital, a.t, a.nxt.t, a.km,
                   CASE WHEN a.km IS NULL THEN $apart ELSE a.km / $speed * 60 END
            FROM apart a LEFT JOIN cards c ON c.mdtrt_cert_no = a.card
            WHERE CASE WHEN a.km IS NULL THEN a.city <> a.nxt.city AND a.minutes <= $apart
                       ELSE a.km >= $near AND a.minutes + $short < a.km / $speed * 60 END
            ORDER BY a.card, a.t, a.setl_id
            """,
            {"apart": limits.apart_minutes, "speed": limits.fastest_kmh, "near": limits.nearest_km,
             "short": limits.shortest_minutes},
        ).fetchall()  # fmt: skip
        return [
            _Leap(card, owner, electronic, shared, a, b, (here, there), (first_kind, second_kind), (t, u), km, needed)
            for card, owner, electronic, shared, a, b, here, there, first_kind, second_kind, t, u, km, needed in rows
        ]

    def _draft(self, leaps: Sequence[_Leap], clocks: set[str]) -> Draft:
        first = leaps[0]
        worst = max(leaps, key=lambda leap: (leap.needed_minutes - leap.minutes, leap.first))
        days = len({leap.times[0].date() for leap in leaps})
        clock = all(clocks & set(leap.places) for leap in leaps)
        electronic = all(leap.electronic for leap in leaps)
        score = cloned_score(days, wide=self._wide(worst), electronic=electronic, explained=first.shared or clock)
        level: Level = "explained" if clock or first.shared else level_of(score)
        values: dict[str, Value] = {
            "card": first.card, "n": len(leaps), "days": days, "a": worst.places[0], "b": worst.places[1],
            "minutes": round(worst.minutes, 1), "needed": round(worst.needed_minutes, 1),
            "km": "–" if worst.km is None else f"{worst.km:.0f}",
        }  # fmt: skip
        places = {place: hospital for leap in leaps for place, hospital in zip(leap.places, leap.hospital, strict=True)}
        return Draft(
            anchors=(first.card,),
            level=level,
            score=score,
            title=Message("claims.cloned.title", values),
            summary=Message("claims.cloned.summary", values),
            first_time=leaps[0].times[0],
            last_time=leaps[-1].times[1],
            members=(
                Member("Card", first.card, "card"),
                *(Member("Patient", owner, "card_holder", 0.5) for owner in sorted({leap.owner for leap in leaps})),
                *(Member(institution_label(hospital), place, "witness") for place, hospital in sorted(places.items())),
            ),
            reasons=(
                Reason("too_far", Message("claims.cloned.reason", values), round(worst.minutes, 1),
                       round(worst.needed_minutes, 1)),
                Reason("leaps", Message("claims.cloned.leaps", values), len(leaps), 0),
            ),
            counter_evidence=(
                Check("clock", "explains" if clock else "does_not_explain", Message("claims.cloned.check.clock")),
                Check("family_account", "explains" if first.shared else "does_not_explain",
                      Message("claims.cloned.check.family_account")),
                Check("e_credential", "partly" if electronic else "does_not_explain",
                      Message("claims.cloned.check.e_credential")),
            ),
            evidence=tuple(
                EvidenceRef("settlements", key)
                for key in sorted({end for leap in leaps for end in (leap.first, leap.second)})
            ),
        )  # fmt: skip


def cloned_score(days: int, *, wide: bool, electronic: bool, explained: bool) -> float:
    """Logit = −0.4 + 1.1·ln(days with a leap) + 0.6 if no clock is so wrong − 0.8 if electronic − 2.5 if explained."""
    return logistic(-0.4 + 1.1 * log(days) + 0.6 * wide - 0.8 * electronic - 2.5 * explained)
