"""Resale without codes, the people: who draws an outlet's drugs at several places, and more of them than they need."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Container, Iterator, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Final, Literal

import duckdb
import numpy as np

from ringtrace.detectors.packs.spread_drawers import FEWEST, LEAST_DRAWS, OWN_HABIT, SOME, spread_drawers
from ringtrace.detectors.packs.untraced_resale import perhaps_short
from ringtrace.detectors.peers import benjamini_hochberg, robust_z

SOURCES_FDR: Final = 0.1
FEWEST_PLACES: Final = 3
MOST_DRAWS: Final = 400

SAME_GOODS: Final = 0.25
"""Part of what somebody draws of a substance that must be of the very drugs that the outlet sells without packs."""

UNSEEN: Final = 8
ONE_HOUSE: Final = 0.7
OUTLIER: Final = 5.0
FEWEST_USERS: Final = 20
"""See `_doses`."""


@dataclass(frozen=True, slots=True)
class Drawer:
    """Someone who draws a substance at `places` medical institutions, `early` times while another's supply lasted.

    `p_value`: the part of all users of other substances that reaches both numbers. `pace`: defined daily doses a day
    from the first draw to the last; `most`: draws at the place that gave most. `other_draws`, `other_early`: the
    person's draws of what no outlet sells without packs (drawn twice or more), and the early ones among them.
    """

    person: str
    substance: str
    draws: int
    places: int
    early: int
    first: datetime
    last: datetime
    p_value: float
    pace: float
    most: int
    other_draws: int
    other_early: int


def drawers(
    tables: duckdb.DuckDBPyConnection, substances: dict[str, set[str]], by_ledger: Container[str] = ()
) -> dict[str, list[Drawer]]:
    """For each outlet (`substances`: place → its drug codes), the people who draw its substances as nobody else does.

    A draw is early when it comes while at least half of it is still in hand from the draw before, taken elsewhere, at
    one defined daily dose a day. How many medical institutions and early draws people have who draw other substances
    gives an empirical joint tail (were these substances' own users in it, the sources would hide themselves). The
    Benjamini–Hochberg procedure keeps those of whom at most one in ten would be chance, and of these only who went to
    three medical institutions or more and drew more than `SOME` of what takers usually draw a day: who is sent from one
    house to the next with small packs over-draws nothing. Who draws the rest as early does it for nobody
    (`_unlike_their_habit`), and residents of care homes are left out (`_residents`). A box does not change its maker on
    the way: kept are those of whose draws of the substance a part (`SAME_GOODS`) was of the outlet's very drugs (those
    named, and `perhaps_short`).

    Where fewer than `spread_drawers.FEWEST` are found so, all of the outlet's substances are asked together, and
    pharmacies count as places too (`spread_drawers`); not for outlets known `by_ledger`, where goods may be missing
    that were bought outside the books, as tonics that many buy all over town.

    For outlets known `by_ledger`, whoever draws more than a body takes without any counter seeing it is kept as well
    (`_doses`). Where codes are missing, that would take feigned sales of drugs for resold ones: a city's collectors
    over-draw whatever is dear, and some phantom sales are of it too.
    """
    drugs = sorted({drug for wanted in substances.values() for drug in wanted})
    if not drugs:
        return {}
    names: dict[str, str] = dict(
        tables.execute(
            "SELECT med_list_codg, coalesce(left(atc_code, 7), med_list_codg) FROM drugs "
            "WHERE list_contains(?, med_list_codg)",
            [drugs],
        ).fetchall()
    )
    asked_for = sorted(set(names.values()))
    _substance_draws(tables)
    rows = tables.execute("""
        WITH whole AS (
            SELECT *, coalesce(sum(n) FILTER (WHERE NOT list_contains($asked, substance)) OVER person, 0) AS others,
                   coalesce(sum(early) FILTER (WHERE NOT list_contains($asked, substance)) OVER person, 0) AS soon
            FROM substance_draws WINDOW person AS (PARTITION BY psn_no)
        )
        SELECT psn_no, substance, n, places, early, first, last, pace, here,
               CAST(others AS INTEGER), CAST(soon AS INTEGER)
        FROM whole WHERE n >= $least ORDER BY 1, 2
    """, {"asked": asked_for, "least": LEAST_DRAWS}).fetchall()  # fmt: skip
    if not rows:
        return {}
    places = np.array([row[3] for row in rows])
    early = np.array([row[4] for row in rows])
    asked = np.isin([row[1] for row in rows], asked_for)
    tail = _joint_tail(places, early, places[~asked], early[~asked])
    by_substance: dict[str, list[Drawer]] = defaultdict(list)
    for (person, substance, draws, went, soon, first, last, pace, *counts), p_value in zip(rows, tail, strict=True):
        drawer = Drawer(person, substance, draws, went, soon, first, last, float(p_value), float(pace), *counts)
        by_substance[substance].append(drawer)
    over = {(each.person, each.substance): dose for users in by_substance.values() for each, dose in _doses(users)}
    goods = _goods_drawn(tables, set(names.values()))
    perhaps = perhaps_short(tables, substances)
    residents = _residents(tables)
    found: dict[str, list[Drawer]] = {}
    wanted = {place: {names[drug] for drug in own if drug in names} for place, own in substances.items()}
    for place, own in wanted.items():
        users = [each for substance in sorted(own) for each in by_substance[substance]]
        kept = benjamini_hochberg(np.array([each.p_value for each in users]), SOURCES_FDR)
        unlike = _unlike_their_habit(users)
        found[place] = [
            each
            for each, ok in zip(users, kept, strict=True)
            if each.person in unlike
            and each.person not in residents
            and (
                (place in by_ledger and over[each.person, each.substance] == "unseen")
                or (ok and each.places >= FEWEST_PLACES and over[each.person, each.substance] != "usual")
            )
            and _part(goods[each.person, each.substance], perhaps[place]) >= SAME_GOODS
        ]
    few = {
        place: own
        for place, own in wanted.items()
        if place not in by_ledger and len({each.person for each in found[place]}) < FEWEST
    }
    for place, people in spread_drawers(tables, few, asked_for).items():
        found[place] = [
            replace(each, p_value=people[each.person])
            for substance in sorted(wanted[place])
            for each in by_substance[substance]
            if each.person in people
            and each.person not in residents
            and _part(goods[each.person, each.substance], perhaps[place]) >= SAME_GOODS
        ]
    return found


def _residents(tables: duckdb.DuckDBPyConnection) -> set[str]:
    """Residents of care homes: several hands of the staff fetch what is on their cards, and who took it is unknown."""
    return {row[0] for row in tables.execute("SELECT psn_no FROM persons WHERE trim(care_inst) <> ''").fetchall()}


def _substance_draws(tables: duckdb.DuckDBPyConnection) -> None:
    """Make the temporary table `substance_draws`: what each person draws of each substance, twice at least.

    Columns: `psn_no`, `substance`, `n` draws (of a day at a place), `places` (medical institutions), `everywhere`
    (places of all kinds), `early` draws, `first` and `last` time, `pace` in DDD a day and `relative`, beside the median
    of those with four draws, `here` (draws at the place that gave most).
    """
    tables.execute(f"""
        CREATE OR REPLACE TEMP TABLE substance_draws AS
        WITH draws AS (
            SELECT l.psn_no, coalesce(left(d.atc_code, 7), d.med_list_codg) AS substance, l.place, l.retail,
                   CAST(l.t AS DATE) AS day, sum(l.cnt * d.pack_ddd) AS doses, min(l.t) AS first, max(l.t) AS last
            FROM sale_lines l JOIN drugs d ON d.med_list_codg = l.drug
            WHERE NOT l.split AND d.pack_ddd > 0 GROUP BY 1, 2, 3, 4, 5
        ), steps AS (
            SELECT *, lag(place) OVER w <> place
                      AND lag(doses) OVER w - (day - lag(day) OVER w) >= 0.5 * doses AS early,
                   count(*) OVER (PARTITION BY psn_no, substance, place) AS here
            FROM draws WINDOW w AS (PARTITION BY psn_no, substance ORDER BY first, place)
        ), counted AS (
            SELECT psn_no, substance, count(*) AS n, count(DISTINCT place) FILTER (WHERE NOT retail) AS places,
                   count(DISTINCT place) AS everywhere, count(*) FILTER (WHERE early) AS early, min(first) AS first,
                   max(last) AS last,
                   (sum(doses) - arg_max(doses, (last, place))) / greatest(max(day) - min(day), 1) AS pace,
                   max(here) AS here
            FROM steps GROUP BY 1, 2 HAVING count(*) BETWEEN 2 AND {MOST_DRAWS}
        )
        SELECT *, coalesce(pace / nullif(median(pace) FILTER (WHERE n >= {LEAST_DRAWS}) OVER same, 0), 0) AS relative
        FROM counted WINDOW same AS (PARTITION BY substance)
    """)


def _unlike_their_habit(users: Sequence[Drawer]) -> set[str]:
    """Those of an outlet's `users` who draw its drugs early more often than they do their other drugs.

    Somebody for whom others fetch (a resident of a care home), who has two homes, or who hoards draws all drugs early;
    who draws for a buyer draws what the buyer wants. Of the outlet's drugs together, early draws must be `OWN_HABIT`
    times as large a part as among the drugs that no outlet of the city sells without packs, half an early draw in four
    added.
    """
    drawn: dict[str, list[Drawer]] = defaultdict(list)
    for each in users:
        drawn[each.person].append(each)
    found = set()
    for person, own in drawn.items():
        draws, early = sum(each.draws for each in own), sum(each.early for each in own)
        usual = (own[0].other_early + 0.5) / (own[0].other_draws + 4)
        if early > OWN_HABIT * usual * draws:
            found.add(person)
    return found


def _goods_drawn(tables: duckdb.DuckDBPyConnection, substances: set[str]) -> dict[tuple[str, str], dict[str, int]]:
    """Of each person and each of these substances, the drugs drawn, in lines."""
    rows = tables.execute(
        """
        SELECT l.psn_no, coalesce(left(d.atc_code, 7), d.med_list_codg) AS substance, l.drug, count(*)
        FROM sale_lines l JOIN drugs d ON d.med_list_codg = l.drug
        WHERE NOT l.split AND list_contains(?, substance) GROUP BY 1, 2, 3
        """,
        [sorted(substances)],
    ).fetchall()
    found: dict[tuple[str, str], dict[str, int]] = defaultdict(dict)
    for person, substance, drug, lines in rows:
        found[person, substance][drug] = lines
    return found


def _part(drawn: dict[str, int], drugs: Container[str]) -> float:
    """Part of what was drawn that is of these drugs."""
    return sum(lines for drug, lines in drawn.items() if drug in drugs) / max(1, sum(drawn.values()))


def _doses(users: Sequence[Drawer]) -> Iterator[tuple[Drawer, Literal["usual", "more", "unseen"]]]:
    """Each user of one substance, and whether the doses a day are those of takers, `more`, or more than a body takes
    while no counter sees it (`unseen`).

    A patient on a high dose gets it from one house; who collects for sale draws a patient's usual dose at each of
    several. So `unseen` asks for `UNSEEN` draws, at most `ONE_HOUSE` of them at one place, twice the median pace of
    those who take the substance, and a robust z-score of the logarithm of the pace of `OUTLIER` (Iglewicz and Hoaglin
    1993), where there are `FEWEST_USERS` to compare with.
    """
    pace = np.log(np.maximum([each.pace for each in users], 0.01))
    unusual = robust_z(pace, least_sigma=0.1)
    for each, own, z in zip(users, pace - np.median(pace), unusual, strict=True):
        split = each.draws >= UNSEEN and each.most <= ONE_HOUSE * each.draws
        if len(users) >= FEWEST_USERS and split and own >= np.log(2) and z >= OUTLIER:
            yield each, "unseen"
        else:
            yield each, "more" if own >= np.log(SOME) else "usual"


def _joint_tail(places: np.ndarray, early: np.ndarray, null_places: np.ndarray, null_early: np.ndarray) -> np.ndarray:
    """Part of the null's people with as many places and as many early draws or more (one added: never zero).

    1 for those with no early draw, which most people are.
    """
    shape = (
        int(max(places.max(), null_places.max(initial=0))) + 2,
        int(max(early.max(), null_early.max(initial=0))) + 2,
    )
    counts = np.zeros(shape)
    np.add.at(counts, (null_places, null_early), 1)
    reach = counts[::-1, ::-1].cumsum(axis=0).cumsum(axis=1)[::-1, ::-1]
    return np.asarray(np.where(early > 0, (reach[places, early] + 1) / (len(null_places) + 1), 1.0))
