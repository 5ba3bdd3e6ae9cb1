"""Credentials that change places faster than people do: which changes, and how many chance would give a card."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Final

import duckdb
import numpy as np
from scipy.stats import poisson

from ringtrace.detectors.arrays import Floats, run_starts
from ringtrace.detectors.claims.standing import standing_settlements
from ringtrace.detectors.geography import great_circle_km, pairwise_km

FAST_KMH: Final = 80.0
FAR_KM: Final = 200.0
FAR_KMH: Final = 600.0
"""Beyond this distance people take fast trains and aeroplanes."""
TOWN_KM: Final = 20.0
TOWN_MINUTES: Final = 0.75
STOP_MINUTES: Final = 2.0
"""Within a town each kilometre takes three quarters of a minute more (40 km/h), and leaving a till for another two."""
MOST_SHIFT: Final = 56
WHOLE_WEEKS: Final = [MOST_SHIFT + shift for shift in range(-MOST_SHIFT, MOST_SHIFT + 1, 7) if shift]
"""Days by which uses are moved to see what habit gives, and where whole weeks stand among them."""
WEEKDAY_P: Final = 0.01
"""Chance below which a card is taken to keep its weekday, so that only whole weeks' shifts tell its habit."""
PRIOR_USES: Final = 1000
"""Uses over which half a hurried change by error is assumed beforehand."""
LEAST_EXPECTED: Final = 0.01
"""Days that chance gives anyone, since people differ more than their number of uses tells."""
SAMPLE: Final = 1000
"""Cards, about, whose habits stand for those of all."""
MOST_OF_OTHERS: Final = 2
"""Hurried changes of each other card that count for the city's rate: cloned cards must not hide each other."""


def shortest_minutes(km: str) -> str:
    """SQL of the shortest time from door to door over `km` great-circle kilometres: 80 km/h, 600 beyond 200 km."""
    return f"(least({km}, {FAR_KM}) / {FAST_KMH} + greatest({km} - {FAR_KM}, 0) / {FAR_KMH}) * 60"


def usual_minutes(km: str) -> str:
    """SQL of the time below which hardly anybody gets from one till to the other: 40 km/h within a town, and a stop."""
    return f"({shortest_minutes(km)} + {TOWN_MINUTES} * least({km}, {TOWN_KM}) + {STOP_MINUTES})"


def _usual_minutes_of(km: Floats) -> Floats:
    """The same as `usual_minutes`, of distances at hand."""
    shortest = (np.minimum(km, FAR_KM) / FAST_KMH + np.maximum(km - FAR_KM, 0) / FAR_KMH) * 60
    return np.asarray(shortest + TOWN_MINUTES * np.minimum(km, TOWN_KM) + STOP_MINUTES)


@dataclass(frozen=True, slots=True)
class Leap:
    """Two uses of a credential at two places: `impossible` by the shortest way, or only hurried.

    Where the first is a stay (`in_bed`), it is still under way at the second, and both times are the second's.
    """

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
    impossible: bool
    in_bed: bool = False

    @property
    def minutes(self) -> float:
        return (self.times[1] - self.times[0]).total_seconds() / 60


def timed_uses(tables: duckdb.DuckDBPyConnection) -> tuple[int, int, int]:
    """Make `card_uses` and `use_places`; how many settlements name a card, how many of them count, how many lie.

    `card_uses`: `use` (the settlement), `card` and `place` (64-bit hashes), `t`. Left out: stays and claims by hand,
    which an office settles without the patient, and places whose clock only knows the day. `use_places`: `place`,
    `code`, `lon`, `lat`, `city` (first four digits of the region).
    """
    standing_settlements(tables)
    tables.execute("""
        CREATE OR REPLACE TEMP TABLE use_places AS
        SELECT hash(s.place) AS place, s.place AS code, n.lon, n.lat, left(n.admdvs, 4) AS city FROM (
            SELECT place FROM standing GROUP BY 1
            HAVING count(*) FILTER (date_trunc('day', t) <> t) >= 0.1 * count(*)
        ) s LEFT JOIN institutions n ON n.fixmedins_code = s.place;
        CREATE OR REPLACE TEMP TABLE card_uses AS
        SELECT hash(setl_id) AS use, hash(card) AS card, hash(place) AS place, t FROM standing
        WHERE card IS NOT NULL AND NOT by_hand AND med_type IS DISTINCT FROM '21'
          AND hash(place) IN (SELECT place FROM use_places)
    """)
    counted = tables.execute("""
        SELECT (SELECT count(*) FROM standing WHERE card IS NOT NULL), (SELECT count(*) FROM card_uses),
               (SELECT count(*) FROM use_places WHERE lon IS NOT NULL OR city IS NOT NULL)
    """).fetchall()
    with_card, used, placed = counted[0]
    return with_card, used, placed


def visit_time(use: str) -> str:
    """SQL of when a `standing` visit began: on the day of its settlement and not after it; else the settlement."""
    began = f"{use}.opened"
    return f"CASE WHEN {began} <= {use}.t AND {began} > date_trunc('day', {use}.t) THEN {began} ELSE {use}.t END"


def find_leaps(tables: duckdb.DuckDBPyConnection, nearest_km: float, apart_minutes: float, short: float) -> list[Leap]:
    """Consecutive uses of a credential at two places with less time between them than `usual_minutes`.

    A change that is more than `short` minutes shorter than the shortest time is impossible. Distance is the great
    circle (haversine, Earth's radius 6,371 km), a lower bound of any way; places nearer than `nearest_km` never count.
    Where coordinates lack, two cities (first four digits of the region) within `apart_minutes` are impossible.
    """
    rows = tables.execute(
        f"""
        WITH apart AS (
            SELECT a.place AS here, b.place AS there, a.city <> b.city AS cities,
                   CASE WHEN a.lon + a.lat + b.lon + b.lat IS NOT NULL THEN {great_circle_km("a", "b")} END AS km
            FROM use_places a JOIN use_places b ON b.place <> a.place
        ), ways AS (
            SELECT here, there, km, CASE WHEN km IS NULL THEN $apart ELSE {shortest_minutes("km")} END AS shortest,
                   CASE WHEN km IS NULL THEN $apart ELSE {usual_minutes("km")} END AS usual
            FROM apart WHERE CASE WHEN km IS NULL THEN cities ELSE km >= $near END
        ), steps AS (
            SELECT use, place, t,
                   lead(use) OVER w AS next_use, lead(place) OVER w AS next_place, lead(t) OVER w AS next_t
            FROM card_uses WINDOW w AS (PARTITION BY card ORDER BY t, use)
        ), soon AS (
            SELECT *, date_diff('second', t, next_t) / 60.0 AS minutes FROM steps
            WHERE next_place <> place AND next_t <= t + to_minutes((SELECT ceil(max(usual))::BIGINT FROM ways))
        )
        SELECT a.card, a.psn_no, coalesce(a.card_type = '01', false), c.share_psn_no IS NOT NULL, a.setl_id, b.setl_id,
               a.place, b.place, a.hospital, b.hospital, a.t, b.t, w.km, w.shortest,
               w.km IS NULL OR s.minutes + $short < w.shortest
        FROM soon s JOIN ways w ON w.here = s.place AND w.there = s.next_place
        JOIN standing a ON hash(a.setl_id) = s.use JOIN standing b ON hash(b.setl_id) = s.next_use
        LEFT JOIN cards c ON c.mdtrt_cert_no = a.card
        WHERE s.minutes < w.usual
          -- A claim sent late may tell when the visit began: the person must have been in two places then, too.
          AND abs(date_diff('second', {visit_time("a")}, {visit_time("b")})) / 60.0 < w.usual
        ORDER BY a.card, a.t, a.setl_id
        """,
        {"apart": apart_minutes, "near": nearest_km, "short": short},
    ).fetchall()  # fmt: skip
    return [
        Leap(card, owner, electronic, shared, a, b, (here, there), (first, second), (t, u), km, needed, impossible)
        for card, owner, electronic, shared, a, b, here, there, first, second, t, u, km, needed, impossible in rows
    ]


@dataclass(frozen=True, slots=True)
class Chance:
    """Days with a leap that chance would give a card, the probability of as many, and of as many impossible ones."""

    expected: float = 0.0
    p_value: float = 1.0
    impossible_p: float = 1.0


def chances(
    tables: duckdb.DuckDBPyConnection, cards: Mapping[str, Sequence[Leap]], nearest_km: float, fewest_days: int
) -> dict[str, Chance]:
    """For each card with leaps on `fewest_days` or more, of all `cards` that have any, what chance would give it.

    λ is the larger of two: the card's uses at the rate of hurried changes of all other cards, and the days on which the
    card would change places as fast if the second use were moved by −56 … 56 days (by whole weeks, if it keeps its
    weekday): who keeps one hour of the day meets it at two places by chance. p = P(X ≥ days), X ~ Poisson(λ), is
    corrected for the cards with six uses or more at several places, each by the largest tail of its own law that is
    not above p: days are whole, and most cards, which hardly ever change places, cannot come near p by chance (Tarone
    1990, "A modified Bonferroni method for discrete data", Biometrics 46, 515–522). The laws are those of a sample.

    One body cannot keep two habits within minutes: of impossible changes the rate is that of all cards alone, wrong
    clocks and late entries (corrected by Bonferroni). Where that is excluded, few cards are left, and a card's habit,
    which an entry on a wrong day turns into such a change, is asked uncorrected: the larger probability counts.
    """
    days = {card: leap_days(leaps) for card, leaps in cards.items()}
    repeated = sorted(card for card, number in days.items() if number >= fewest_days)
    if not repeated:
        return {}
    counted = tables.execute("""
        SELECT sum(n), count(*) FILTER (several AND n >= 6) FROM (
            SELECT count(*) AS n, min(place) <> max(place) AS several FROM card_uses GROUP BY card)
    """).fetchall()
    total, tests = counted[0]
    hurried = sum(min(number, MOST_OF_OTHERS) for number in days.values())
    never = {card: leap_days(leap for leap in leaps if leap.impossible) for card, leaps in cards.items()}
    wrong = sum(min(number, MOST_OF_OTHERS) for number in never.values())
    uses = _uses_of(tables, "u.card IN (SELECT hash(unnest(?::VARCHAR[])))", [repeated])
    own = {card: uses[number] for card, number in _hashes(tables, repeated).items() if number in uses}
    laws = _laws(tables, tests, (hurried + 0.5) / (total + PRIOR_USES), nearest_km)
    found = {}
    for card in repeated:
        rows, number = own.get(card, np.empty((0, 4))), days[card]
        share = len(rows) / (total - len(rows) + PRIOR_USES)
        habit = _by_habit(rows, nearest_km)
        expected = max(LEAST_EXPECTED, (hurried - min(number, MOST_OF_OTHERS) + 0.5) * share, habit)
        error = max(LEAST_EXPECTED, (wrong - min(never[card], MOST_OF_OTHERS) + 0.5) * share)
        found[card] = Chance(
            expected,
            attained(float(poisson.sf(number - 1, expected)), laws, tests),
            min(1.0, max(tests * float(poisson.sf(never[card] - 1, error)),
                         float(poisson.sf(never[card] - 1, max(LEAST_EXPECTED, habit))))),
        )  # fmt: skip
    return found


def leap_days(leaps: Iterable[Leap]) -> int:
    """Days on which these changes began."""
    return len({leap.times[0].date() for leap in leaps})


def _hashes(tables: duckdb.DuckDBPyConnection, cards: Sequence[str]) -> dict[str, int]:
    rows = tables.execute("SELECT card, hash(card) FROM (SELECT unnest(?::VARCHAR[]) AS card)", [cards]).fetchall()
    return dict(rows)


def _uses_of(tables: duckdb.DuckDBPyConnection, chosen: str, values: Sequence[object]) -> dict[int, Floats]:
    """Of the cards that the condition `chosen` leaves, by hash: day, minute, lon and lat of each placed use."""
    rows = tables.execute(
        f"""
        SELECT u.card, epoch(date_trunc('day', u.t)) / 86400 AS day,
               (epoch(u.t) - epoch(date_trunc('day', u.t))) / 60 AS minute, p.lon, p.lat
        FROM card_uses u JOIN use_places p ON p.place = u.place
        WHERE p.lon IS NOT NULL AND p.lat IS NOT NULL AND {chosen} ORDER BY u.card
        """,
        values,
    ).fetchnumpy()
    card = np.asarray(rows["card"])
    uses = np.stack([np.asarray(rows[name], dtype=float) for name in ("day", "minute", "lon", "lat")], axis=1)
    starts = run_starts(card)
    return dict(zip(card[starts].tolist(), np.split(uses, starts)[1:], strict=True))


def _laws(tables: duckdb.DuckDBPyConnection, tests: int, rate: float, nearest_km: float) -> Floats:
    """λ of each card of a sample of those that are tested: drawn by what their uses are and not by their names."""
    uses = _uses_of(
        tables,
        """u.card IN (
            SELECT card FROM card_uses GROUP BY card
            HAVING count(*) >= 6 AND min(place) <> max(place)
               AND md5(concat(CAST(epoch(min(t)) AS BIGINT), ' ', count(*))) < ?)""",
        [f"{2**128 // (1 + tests // SAMPLE) - 1:032x}"],
    )
    laws = [max(LEAST_EXPECTED, len(rows) * rate, _by_habit(rows, nearest_km)) for rows in uses.values()]
    return np.array(laws or [LEAST_EXPECTED])


def attained(p_value: float, laws: Floats, tests: int) -> float:
    """Cards, of `tests` with such laws (Poisson means), whose chance gives a tail of `p_value` or less; at most 1."""
    reached = poisson.sf(poisson.isf(p_value * (1 + 1e-9), laws), laws)
    return float(min(1.0, max(p_value, tests * np.mean(reached))))


def _by_habit(uses: Floats, nearest_km: float) -> float:
    """Days with a hurried change if one of the two uses (day, minute, lon, lat) had been some days off, on average."""
    day, minute, lon, lat = uses.T
    km = pairwise_km(lon, lat)
    one, other = np.nonzero((km >= nearest_km) & (np.abs(minute[:, None] - minute) < _usual_minutes_of(km)))
    shift = day[other] - day[one]
    within = (shift != 0) & (np.abs(shift) <= MOST_SHIFT)
    seen = np.unique(np.stack([shift[within], day[one[within]]]), axis=1)[0]
    counts = np.bincount((seen + MOST_SHIFT).astype(np.int64), minlength=2 * MOST_SHIFT + 1)
    weeks = counts[WHOLE_WEEKS]
    usual = float(counts.sum()) / (2 * MOST_SHIFT)
    keeps_weekday = poisson.sf(weeks.sum() - 1, len(weeks) * usual) < WEEKDAY_P
    return float(np.mean(weeks)) if keeps_weekday else usual
