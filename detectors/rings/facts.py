"""What is known about a group once it is found: its people's ties, what they bought, how the counter saw them."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Final

import duckdb
import numpy as np
from scipy import stats

from ringtrace.detectors.arrays import Floats
from ringtrace.detectors.rings.baskets import Baskets, read_baskets
from ringtrace.detectors.rings.credentials import NOT_TOLD, Credentials, read_credentials
from ringtrace.detectors.rings.footfall import Footfall
from ringtrace.detectors.rings.grouping import Group
from ringtrace.detectors.rings.ties import Ties
from ringtrace.detectors.rings.whereabouts import Whereabouts, read_whereabouts

CLOCK_ERROR: Final = 0.01
"""Share of settlements whose time or place may be wrong: clocks, late entries, a stay's dates."""
TORN_TOO_OFTEN: Final = 3
ONE_ILLNESS: Final = 0.6
"""Share of members with one rare illness from which their goods are alike, and their doses large, for its sake."""
DRAWN_EARLY: Final = 0.2
"""Share of draws in the runs, made while half of the last run's draw is left, that no journey or lost pack explains."""
ROUNDS: Final = 0.5
"""Share of the runs with two places of one kind within the hour from which going round is what the runs are."""
CALENDARS: Final = (7.0, 10.0, 28.0, 365.2425 / 12)
"""Days after which what everybody knows of comes again: a consultation, a country market, a month's day."""
ON_CALENDAR: Final = 0.8
"""Length of the mean resultant of the runs' dates on a calendar from which they keep it, a few being put off."""
DEAR: Final = 0.5
"""Standard deviations above the places' mean bill from which the runs' bills are dear."""
OWN_GOODS: Final = 1.8
"""Times as alike as two members' lines that one's own lines must be for goods of their own."""
FOREIGN: Final = 0.05
"""Share of a usual visit's amount up to which goods that several get and nobody otherwise has are a coincidence."""
LISTED: Final = 0.3
"""Share of a usual visit's amount from which goods foreign to their owners are what the runs are for."""
TOGETHER: Final = 0.7
"""Share of the runs that members attend on average from which nearly all come every time."""
HALF_AN_HOUR: Final = 1800
FIXED_DAY: Final = 8
"""Runs from which it is no accident that they fall on one weekday."""


@dataclass(frozen=True, slots=True)
class RunVisit:
    """A member's settlement in a joint run; `t` in seconds since 1970."""

    run: int
    psn_no: str
    setl_id: str
    fixmedins_code: str
    pos_no: str | None
    t: int

    @property
    def moment(self) -> datetime:
        return datetime.fromtimestamp(self.t, UTC).replace(tzinfo=None)


@dataclass(frozen=True, slots=True)
class RingFacts:
    """A group with everything that its reasons, checks and score are made of.

    By person: `share` of the runs attended; runs that footfall (`expected`) and own habits (`by_habit`) would give.
    `crowding` is the footfall of others at the runs over the usual footfall of their places. `claimed` is the share of
    members whom a suspicion about the runs' own place names already; None if no place is suspected.
    """

    group: Group
    visits: tuple[RunVisit, ...]
    share: dict[str, float]
    expected: dict[str, float]
    by_habit: dict[str, float]
    crowding: float
    families: tuple[tuple[str, ...], ...]
    ties: Ties
    baskets: Baskets
    whereabouts: Whereabouts
    credentials: Credentials = NOT_TOLD
    claimed: float | None = None

    @property
    def persons(self) -> list[str]:
        return sorted(self.share)

    @property
    def size(self) -> int:
        return len(self.share)

    @property
    def runs(self) -> int:
        return self.group.runs.count

    @property
    def places(self) -> list[str]:
        return sorted({visit.fixmedins_code for visit in self.visits})

    @property
    def main_place(self) -> str | None:
        """The place of at least four in five of the visits, if there is one."""
        place, visits = Counter(visit.fixmedins_code for visit in self.visits).most_common(1)[0]
        return place if visits >= 0.8 * len(self.visits) else None

    @property
    def keeps_weekday(self) -> bool:
        """Whether nine in ten of the runs, and `FIXED_DAY` of them, fall on one weekday."""
        days = {visit.run: visit.t // 86_400 % 7 for visit in self.visits}
        most = Counter(days.values()).most_common(1)[0][1]
        return most >= FIXED_DAY and most >= 0.9 * len(days)

    @property
    def at_one_hour(self) -> float:
        """Largest share of the runs that begin within half an hour of one and the same time of day.

        0 where most of the runs have no time of day.
        """
        begun: dict[int, int] = {}
        for visit in self.visits:
            begun[visit.run] = min(visit.t, begun.get(visit.run, visit.t))
        times = np.sort([moment % 86_400 for moment in begun.values()])
        if np.mean(times == 0) > 0.5:
            return 0.0
        near = np.searchsorted(times, times + HALF_AN_HOUR, "right") - np.searchsorted(times, times - HALF_AN_HOUR)
        return float(near.max() / len(times))

    @property
    def supplied_twice(self) -> bool:
        """Whether they get what no body takes, on days that are nobody's consultation or delivery.

        The same drug from two places within the hour is for no body, whatever the day and the dose.
        """
        supply = self.baskets.supply
        return supply.drawn_twice or (supply.oversupplied and not self.keeps_weekday)

    @property
    def on_rounds(self) -> bool:
        """Whether the runs go round places of one kind (`ROUNDS` of them): who has a need has it at one counter."""
        return (self.whereabouts.hopping or 0.0) >= ROUNDS

    @property
    def one_errand(self) -> bool:
        """Whether one goes for nearly all of them every time: to one place, each for goods of their own, none foreign.

        Cards in one hand come by turns, or for what that hand wants.
        """
        likeness, foreign = self.baskets.likeness, self.baskets.foreign_value
        if likeness is None or likeness.own < OWN_GOODS * likeness.cross or likeness.personal <= 0.5:
            return False
        told = (self.whereabouts.hospital or 0.0) >= 0.8 or (foreign is not None and foreign <= FOREIGN)
        return told and len(self.places) == 1 and self.attended >= TOGETHER * self.runs

    @property
    def from_one_quarter(self) -> bool:
        """Whether half of the pairs live in one quarter, twice as many as among the places' visitors."""
        same, usual = self.whereabouts.same_quarter or 0.0, self.whereabouts.usual_quarter or 0.0
        return same >= 0.5 and same >= 2 * usual

    @property
    def beyond_need(self) -> bool:
        """Whether the runs follow no need: supplied twice, drawn again early in the runs themselves, and dearly.

        Patients who meet on a consultation's day draw when the last draw is used up, whatever they get elsewhere; and
        people who meet for other reasons draw small things. On a calendar's days it is not said: whoever comes when all
        come may draw early. Nor of one illness's few drugs, of which all may need more than the defined dose.
        Runs that go round places within the hour (`on_rounds`) are no consultation's, and nobody's need takes the same
        drug home from two counters (`Supply.drawn_twice`): these need neither early draws nor other days.
        """
        baskets = self.baskets
        if baskets.supply.drawn_twice:
            return True
        if not self.supplied_twice or not self.dear or baskets.supply.few_goods:
            return False
        return self.on_rounds or (self.drawn_early and not keeps_calendar(visit.t for visit in self.visits))

    @property
    def dear(self) -> bool:
        """Whether the runs cost more than the members' other visits."""
        return self.baskets.amount_shift >= DEAR

    @property
    def drawn_early(self) -> bool:
        """Whether the runs themselves draw drugs again before the last draw is used up."""
        return (self.baskets.supply.early or 0.0) >= DRAWN_EARLY

    @property
    def by_list(self) -> bool:
        """Whether any card gets anything of one list, and goods foreign to their owners are what the runs are for."""
        return self.baskets.personal < 0.5 and (self.baskets.foreign_value or 0.0) >= LISTED

    @property
    def one_hand(self) -> float:
        """How far the cards are presented otherwise than their owners do it, for goods that are not their own, 0–1.

        A carer presents others' cards, too, and brings each the goods of their own (`Likeness.each_own`). An online
        pharmacy takes the phone from everybody.
        """
        if self.whereabouts.online:
            return 0.0
        likeness = self.baskets.likeness
        return self.credentials.one_hand * (1 - (likeness.each_own if likeness is not None else 0.0))

    @property
    def share_illness(self) -> bool:
        """Whether `ONE_ILLNESS` of them have one rare illness."""
        return (self.whereabouts.same_illness or 0.0) >= ONE_ILLNESS

    @property
    def sessions_a_week(self) -> float:
        """Runs a week that a member attends, from the first run to the last; 0 within less than a month."""
        days = (max(visit.t for visit in self.visits) - min(visit.t for visit in self.visits)) / 86_400
        return self.attended / days * 7 if days >= 28 else 0.0

    @property
    def torn_by_error(self) -> float:
        """Uses in two places at once that clocks and registers would give by error alone."""
        return CLOCK_ERROR * len(self.visits)

    @property
    def torn_beyond_error(self) -> bool:
        """Whether cards were in two places more often than by error (Poisson, 1 in 100), and in several runs."""
        torn = self.whereabouts.torn
        return torn >= TORN_TOO_OFTEN and float(stats.poisson.sf(torn - 1, self.torn_by_error)) <= 0.01

    @property
    def attended(self) -> float:
        """Runs attended, mean over the members."""
        return sum(self.share.values()) / self.size * self.runs

    @property
    def habit_ratio(self) -> float:
        """Runs attended over those that the members' own habits would give (at least half a run in all)."""
        return sum(self.share.values()) * self.runs / max(sum(self.by_habit.values()), 0.5)

    @property
    def log_p(self) -> float:
        """log10 of the largest (worst) member's p-value, floored where floating point ends."""
        return float(np.log10(np.maximum(self.group.p_value, 1e-300)).max())


def keeps_calendar(times: Iterable[int]) -> bool:
    """Whether the days of `times` (seconds since 1970) come back with a week, ten days, four weeks or a month.

    By the length of the mean resultant of the days, as angles on a circle of that many days (Mardia and Jupp 2000,
    "Directional Statistics", ch. 2): 1 where all fall together, about 1 / √days where they fall anywhere.
    """
    days = np.unique(np.fromiter(times, dtype=np.int64) // 86_400)
    return any(abs(np.exp(2j * np.pi * days / period).mean()) >= ON_CALENDAR for period in CALENDARS)


def read_facts(
    tables: duckdb.DuckDBPyConnection, footfall: Footfall, groups: list[Group], ties: Ties
) -> list[RingFacts]:
    """The facts of each group, in order, from the tables of `build_ring_tables`."""
    members: list[list[tuple[str, int, float, float]]] = [[] for _ in groups]
    for ring, *member in tables.execute(
        "SELECT ring, psn_no, attended, expected, by_habit FROM ring_member ORDER BY ring, psn_no"
    ).fetchall():
        members[ring].append(tuple(member))
    baskets, whereabouts = read_baskets(tables, len(groups)), read_whereabouts(tables, len(groups))
    credentials = read_credentials(tables)
    usual = np.bincount(footfall.place, weights=footfall.crowd) / np.maximum(footfall.place_visits, 1)
    seen: list[list[RunVisit]] = [[] for _ in groups]
    for ring, *row in tables.execute(
        "SELECT ring, run, psn_no, setl_id, fixmedins_code, pos_no, t FROM ring_visit ORDER BY ring, run, t, setl_id"
    ).fetchall():
        seen[ring].append(RunVisit(*row))
    return [
        RingFacts(
            group=group,
            visits=tuple(seen[number]),
            share={psn_no: attended / group.runs.count for psn_no, attended, _, _ in members[number]},
            expected={psn_no: expected for psn_no, _, expected, _ in members[number]},
            by_habit={psn_no: by_habit for psn_no, _, _, by_habit in members[number]},
            crowding=_crowding(footfall, group, usual),
            families=tuple(tuple(each) for each in ties.families(row[0] for row in members[number])),
            ties=ties,
            baskets=baskets[number],
            whereabouts=whereabouts[number],
            credentials=credentials.get(number, NOT_TOLD),
        )
        for number, group in enumerate(groups)
    ]


def _crowding(footfall: Footfall, group: Group, usual: Floats) -> float:
    rows = group.runs.row
    place = footfall.place[rows]
    # The group itself is no crowd; and a place that hardly anyone uses has no usual footfall to compare with.
    _, piece, size = np.unique(np.stack([group.runs.row_run, place]), axis=1, return_inverse=True, return_counts=True)
    others = np.maximum(footfall.crowd[rows] - (size[piece.ravel()] - 1), 0)
    return float(np.mean(others / np.maximum(usual[place], 1.0))) if len(rows) else 1.0
