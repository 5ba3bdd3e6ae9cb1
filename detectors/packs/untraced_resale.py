"""Resale without codes, the outlets: pharmacies that sell more of a drug than they bought, and none of it scanned."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final

import duckdb
from scipy.stats import binom

from ringtrace.detectors.packs.ledger import stock_cover
from ringtrace.detectors.packs.sales import scannable_lines

HIGHEST_P: Final = 1e-6
FEWEST_PACKS: Final = 5
CLIENTS_RATIO: Final = 5.0

PERHAPS_P: Final = 0.01
FEWEST_PERHAPS: Final = 2
"""See `perhaps_short`."""

SOUND: Final = 0.05
FEW: Final = 0.2
"""See `_short_by_ledger`."""


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


def perhaps_short(tables: duckdb.DuckDBPyConnection, named: Mapping[str, set[str]]) -> dict[str, set[str]]:
    """The drugs `named` for each outlet, with those it may sell without packs too, though too few to show it alone.

    Lines without a code are three times those expected by the outlet's drugs that are not named, `FEWEST_PERHAPS` at
    least, with a binomial tail of `PERHAPS_P`; of an outlet that does not scan, a fifth of the sales is uncovered.
    """
    rows = tables.execute("""
        WITH named AS (SELECT unnest($places) AS place, unnest($drugs) AS drug
        ), drugs AS (
            SELECT place, drug, count(*) AS n, count(*) FILTER (WHERE bare) AS bare FROM scannable_lines
            WHERE retail AND list_contains($places, place) GROUP BY 1, 2
        ), others AS (
            SELECT *, (sum(bare) OVER shop - bare + 0.5) / (sum(n) OVER shop - n + 50.0) AS rate
            FROM drugs ANTI JOIN named USING (place, drug) WINDOW shop AS (PARTITION BY place)
        )
        SELECT place, drug, n, bare, rate FROM others WHERE bare >= $fewest AND bare >= 3 * n * rate
        UNION ALL
        SELECT place, drug, NULL, NULL, NULL FROM stock_balance
        WHERE list_contains($places, place) AND uncovered > 0 AND uncovered >= 0.2 * sold
          AND place NOT IN (SELECT place FROM scannable_lines WHERE retail)
    """, {
        "places": [place for place, drugs in named.items() for _ in drugs],
        "drugs": [drug for drugs in named.values() for drug in sorted(drugs)],
        "fewest": FEWEST_PERHAPS,
    }).fetchall()  # fmt: skip
    found = {place: set(drugs) for place, drugs in named.items()}
    for place, drug, lines, bare, rate in rows:
        if lines is None or float(binom.sf(bare - 1, lines, rate)) <= PERHAPS_P:
            found[place].add(drug)
    return found
