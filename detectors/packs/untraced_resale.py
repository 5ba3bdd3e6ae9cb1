"""Resale without codes: an outlet sells more of a drug than it bought, and people draw more of it than they need."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Container, Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Final, Literal

import duckdb
import numpy as np
from scipy.stats import binom

from ringtrace.detectors.packs.ledger import stock_cover
from ringtrace.detectors.packs.sales import scannable_lines
from ringtrace.detectors.peers import benjamini_hochberg

HIGHEST_P: Final = 1e-6
FEWEST_PACKS: Final = 5
CLIENTS_RATIO: Final = 5.0
SOURCES_FDR: Final = 0.1
FEWEST_PLACES: Final = 3
MOST_DRAWS: Final = 400

SOUND: Final = 0.05
FEW: Final = 0.2
"""See `_short_by_ledger`."""

SOME: Final = 1.3
"""Times the median pace of takers from which somebody draws more than they do."""

UNSEEN: Final = 8
ONE_HOUSE: Final = 0.7
OUTLIER: Final = 5.0
FEWEST_USERS: Final = 20
"""See `_doses`."""


@dataclass(frozen=True, slots=True)
class ShortDrug:
    """A drug sold without packs: lines on which a code is due, those without one, those expected without.

    `by_ledger`: of a shop that does not scan, packs claimed, those that its stock cannot cover, and those of them
    expected.
    """

    drug: str
    lines: int
    bare: int
    expected: float
    uncovered: float
    by_ledger: bool = False


@dataclass(frozen=True, slots=True)
class Drawer:
    """Someone who draws a substance at `places` medical institutions, `early` times while another's supply lasted.

    `p_value`: the part of all users of other substances that reaches both numbers. `pace`: defined daily doses a day
    from the first draw to the last; `most`: draws at the place that gave most.
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


def short_outlets(tables: duckdb.DuckDBPyConnection) -> dict[str, list[ShortDrug]]:
    """Pharmacies whose sales of certain drugs lack codes and stock, whoever buys: place → its drugs.

    For each drug of a shop that scans, the lines without a code are compared with the rate over the shop's other drugs
    (binomial tail). Where the shop keeps a ledger, three tenths of that excess must be uncovered too. A shop whose
    codeless lines follow certain people through all drugs is left to the collusion detector: phantom sales follow the
    person, resold goods the drug.
    """
    stock_cover(tables)
    scannable_lines(tables)
    rows = tables.execute("""
        WITH drugs AS (
            SELECT goods, any_value(shop) AS shop, max(line) AS line, count(*) AS n,
                   count(*) FILTER (WHERE bare) AS bare
            FROM scannable_lines WHERE retail GROUP BY goods
        ), rest AS (
            SELECT *, (sum(bare) OVER shop - bare + 0.5) / (sum(n) OVER shop - n + 50.0) AS rate
            FROM drugs WINDOW shop AS (PARTITION BY shop)
        )
        SELECT l.place, l.drug, r.n, r.bare, r.n * r.rate AS expected, b.uncovered
        FROM rest r JOIN sale_lines l ON l.line = r.line LEFT JOIN stock_balance b ON b.goods = r.goods
        WHERE r.bare >= ? AND r.bare >= 3 * r.n * r.rate ORDER BY 1, 2
    """, [FEWEST_PACKS]).fetchall()  # fmt: skip
    found: dict[str, list[ShortDrug]] = defaultdict(list)
    for place, drug, lines, bare, expected, uncovered in rows:
        unlikely = float(binom.sf(bare - 1, lines, expected / lines)) <= HIGHEST_P
        if unlikely and (uncovered is None or uncovered >= 0.3 * (bare - expected)):
            found[place].append(ShortDrug(drug, lines, bare, expected, float(uncovered or 0.0)))
    found = {place: drugs for place, drugs in found.items() if not _follows_people(tables, place, drugs)}
    return _short_by_ledger(tables) | found


def _short_by_ledger(tables: duckdb.DuckDBPyConnection) -> dict[str, list[ShortDrug]]:
    """Of pharmacies that do not scan, those whose ledger is sound but for a few drugs.

    Sound: of all the others, `SOUND` is uncovered at most. A few: at most `FEW` of its drugs, each uncovered from
    `FEWEST_PACKS` packs and a fifth of its sales.
    """
    rows = tables.execute(f"""
        WITH shops AS (SELECT DISTINCT place FROM sale_lines WHERE retail
        ), judged AS (
            SELECT place, drug, sold, uncovered, uncovered >= greatest(?, 0.2 * sold) AS short
            FROM stock_balance SEMI JOIN shops USING (place)
            WHERE place NOT IN (SELECT place FROM scannable_lines WHERE retail)
        ), rest AS (
            SELECT place, coalesce(sum(uncovered) FILTER (WHERE NOT short) / sum(sold) FILTER (WHERE NOT short), 1)
                   AS rate FROM judged GROUP BY 1
            HAVING count(*) FILTER (WHERE short) <= {FEW} * count(*)
        )
        SELECT place, drug, sold, uncovered, sold * rate AS expected FROM judged JOIN rest USING (place)
        WHERE short AND rate <= {SOUND} ORDER BY 1, 2
    """, [FEWEST_PACKS]).fetchall()  # fmt: skip
    found: dict[str, list[ShortDrug]] = defaultdict(list)
    for place, drug, sold, uncovered, expected in rows:
        found[place].append(ShortDrug(drug, round(sold), round(uncovered), expected, uncovered, by_ledger=True))
    return dict(found)


def _follows_people(tables: duckdb.DuckDBPyConnection, place: str, drugs: list[ShortDrug]) -> bool:
    """Do the buyers of codeless packs lack codes on other drugs too, five times as often as the other buyers?"""
    row = tables.execute(
        """
        WITH buyers AS (
            SELECT DISTINCT psn_no FROM scannable_lines WHERE place = $place AND bare AND list_contains($drugs, drug)
        ), others AS (
            SELECT bare, psn_no IN (FROM buyers) AS buyer FROM scannable_lines
            WHERE place = $place AND NOT list_contains($drugs, drug)
        )
        SELECT count(*) FILTER (WHERE buyer AND bare), count(*) FILTER (WHERE buyer),
               count(*) FILTER (WHERE NOT buyer AND bare), count(*) FILTER (WHERE NOT buyer),
               (SELECT avg(CAST(bare AS INTEGER)) FROM scannable_lines WHERE retail)
        FROM others
        """,
        {"place": place, "drugs": [each.drug for each in drugs]},
    ).fetchone()
    bare, lines, other_bare, other_lines, city = row if row else (0, 0, 0, 0, 0.0)
    # Where nearly everyone buys these drugs, few others are left to compare with: the city's rate stands in for 50.
    usual = (other_bare + 50 * city) / (other_lines + 50)
    return bool(lines) and bare >= 5 and bare / lines >= CLIENTS_RATIO * usual


def drawers(
    tables: duckdb.DuckDBPyConnection, substances: dict[str, set[str]], by_ledger: Container[str] = ()
) -> dict[str, list[Drawer]]:
    """For each outlet (`substances`: place → its drug codes), the people who draw its substances as nobody else does.

    A draw is early when it comes while at least half of it is still in hand from the draw before, taken elsewhere, at
    one defined daily dose a day. How many medical institutions and early draws people have who draw other substances
    gives an empirical joint tail (were these substances' own users in it, the sources would hide themselves). The
    Benjamini–Hochberg procedure keeps those of whom at most one in ten would be chance, and of these only who went to
    three medical institutions or more and drew more than `SOME` of what takers usually draw a day: who is sent from one
    house to the next with small packs over-draws nothing.

    For outlets known `by_ledger`, whoever draws more than a body takes without any counter seeing it is kept as well
    (`_doses`). Where codes are missing, that would take feigned sales of drugs for resold ones: a city's collectors
    over-draw whatever is dear, and some phantom sales are of it too.
    """
    drugs = sorted({drug for wanted in substances.values() for drug in wanted})
    if not drugs:
        return {}
    rows = tables.execute("""
        WITH draws AS (
            SELECT l.psn_no, coalesce(left(d.atc_code, 7), d.med_list_codg) AS substance, l.place, l.retail,
                   CAST(l.t AS DATE) AS day, sum(l.cnt * d.pack_ddd) AS doses, min(l.t) AS first, max(l.t) AS last
            FROM sale_lines l JOIN drugs d ON d.med_list_codg = l.drug
            WHERE NOT l.split AND d.pack_ddd > 0 GROUP BY 1, 2, 3, 4, 5
        ), steps AS (
            SELECT *, lag(place) OVER w <> place
                      AND lag(doses) OVER w - (day - lag(day) OVER w) >= 0.5 * doses AS early,
                   count(*) OVER (PARTITION BY psn_no, substance, place) AS here
            FROM draws WINDOW w AS (PARTITION BY psn_no, substance ORDER BY day, place)
        )
        SELECT psn_no, substance, count(*) AS n, count(DISTINCT place) FILTER (WHERE NOT retail) AS places,
               count(*) FILTER (WHERE early) AS early, min(first), max(last),
               (sum(doses) - arg_max(doses, day)) / greatest(max(day) - min(day), 1) AS pace, max(here) AS here
        FROM steps GROUP BY 1, 2 HAVING count(*) BETWEEN 4 AND ? ORDER BY 1, 2
    """, [MOST_DRAWS]).fetchall()  # fmt: skip
    if not rows:
        return {}
    places = np.array([row[3] for row in rows])
    early = np.array([row[4] for row in rows])
    names: dict[str, str] = dict(
        tables.execute(
            "SELECT med_list_codg, coalesce(left(atc_code, 7), med_list_codg) FROM drugs "
            "WHERE list_contains(?, med_list_codg)",
            [drugs],
        ).fetchall()
    )
    asked = np.isin([row[1] for row in rows], sorted(set(names.values())))
    tail = _joint_tail(places, early, places[~asked], early[~asked])
    by_substance: dict[str, list[Drawer]] = defaultdict(list)
    for (person, substance, draws, went, soon, first, last, pace, here), p_value in zip(rows, tail, strict=True):
        drawer = Drawer(person, substance, draws, went, soon, first, last, float(p_value), float(pace), here)
        by_substance[substance].append(drawer)
    over = {(each.person, each.substance): dose for users in by_substance.values() for each, dose in _doses(users)}
    found: dict[str, list[Drawer]] = {}
    for place, wanted in substances.items():
        named = sorted({names[drug] for drug in wanted if drug in names})
        users = [each for substance in named for each in by_substance[substance]]
        kept = benjamini_hochberg(np.array([each.p_value for each in users]), SOURCES_FDR)
        found[place] = [
            each
            for each, ok in zip(users, kept, strict=True)
            if (place in by_ledger and over[each.person, each.substance] == "unseen")
            or (ok and each.places >= FEWEST_PLACES and over[each.person, each.substance] != "usual")
        ]
    return found


def _doses(users: Sequence[Drawer]) -> Iterator[tuple[Drawer, Literal["usual", "more", "unseen"]]]:
    """Each user of one substance, and whether the doses a day are those of takers, `more`, or more than a body takes
    while no counter sees it (`unseen`).

    A patient on a high dose gets it from one house; who collects for sale draws a patient's usual dose at each of
    several. So `unseen` asks for `UNSEEN` draws, at most `ONE_HOUSE` of them at one place, twice the median pace of
    those who take the substance, and a robust z-score of the logarithm of the pace of `OUTLIER` (Iglewicz and Hoaglin
    1993), where there are `FEWEST_USERS` to compare with.
    """
    pace = np.log(np.maximum([each.pace for each in users], 0.01))
    middle = float(np.median(pace))
    spread = max(float(np.median(np.abs(pace - middle))) / 0.6745, 0.1)
    for each, own in zip(users, pace - middle, strict=True):
        split = each.draws >= UNSEEN and each.most <= ONE_HOUSE * each.draws
        if len(users) >= FEWEST_USERS and split and own >= np.log(2) and own / spread >= OUTLIER:
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
