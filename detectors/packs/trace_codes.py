"""Trace codes sold more than once: each repeat is a step from one sale of a pack to its next, with what explains it.

A trace code names one physical pack. Sold once, it is gone; so a second sale asks for an explanation: the pack came
back (refund, return), was split, belongs to the second shop after all (its own purchase or transfer of that code), or
the code was mistyped or filled in by a till. Steps keep the answer to each of these questions; detectors judge.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Final, Literal

import duckdb

from ringtrace.data_schema import tables as declared_tables
from ringtrace.detectors.packs.sales import net_sale_lines

Explanation = Literal["own_stock", "returned", "split", "mistyped", "placeholder", "same_person", "at_once"]

MOST_PLACES: Final = 5
"""A code sold at more places than this is no pack: a default of some till, a sample code, a whole carton's."""


FEWEST_BOUGHT_BACK: Final = 4
"""Packs of one supplier that had been sold elsewhere before, from which on what it delivered explains nothing."""

BOUGHT_BACK: Final = 0.1
"""And the part of what it delivered there that these make up: a wholesaler may take back a pack or two unrecorded."""

PRIOR_SALES: Final = 1000
"""Coded sales over which half a repeat by error is assumed beforehand, when places are compared with the others."""


@dataclass(frozen=True, slots=True)
class Sale:
    """One sale of a pack; `key` cites the settlement line, `owned` says whether the place's own ledger has the code."""

    key: str
    person: str
    place: str
    retail: bool
    time: datetime
    amount: float
    owned: bool


@dataclass(frozen=True, slots=True)
class Step:
    """From one sale of a pack to its next in time. `explanation` is None where nothing innocent was found.

    `ledger_has_codes` says whether the later place's purchases of this drug carry trace codes at all: where they do
    not, that the code is missing among them means little. `supplier` is the one said to have delivered the pack there
    after its first sale, where that explains nothing (`_bought_back`), and `purchase` cites the row of inventory.
    """

    code: str
    drug: str
    first: Sale
    second: Sale
    explanation: Explanation | None
    ledger_has_codes: bool
    supplier: str | None = None
    purchase: str | None = None

    @property
    def elsewhere(self) -> bool:
        return self.first.place != self.second.place


def repeated_packs(tables: duckdb.DuckDBPyConnection) -> list[Step]:
    """Every step between consecutive sales of one trace code, ordered by code and time.

    Codes are compared as they are, blanks trimmed; a code scanned twice in one settlement is one sale. Work is linear:
    one pass groups the codes, and only the repeated ones are looked at closely.
    """
    _pack_tables(tables)
    _bought_back(tables)
    rows = tables.execute("""
        WITH named AS (
            SELECT r.*, coalesce(own.first_in <= r.t + INTERVAL 3 DAY, false) AS owned
            FROM repeated_sales r LEFT JOIN (FROM own_packs ANTI JOIN bought_back USING (code, place)) own
              ON own.code = r.code AND own.place = r.place
        ), spread AS (
            SELECT code, count(DISTINCT place) AS places FROM named GROUP BY 1
        ), steps AS (
            SELECT *, lag(key) OVER next AS key0, lag(psn_no) OVER next AS psn0, lag(place) OVER next AS place0,
                   lag(retail) OVER next AS retail0, lag(t) OVER next AS t0, lag(amount) OVER next AS amount0,
                   lag(owned) OVER next AS owned0, lag(split) OVER next AS split0
            FROM named WINDOW next AS (PARTITION BY code ORDER BY t, key)
        )
        SELECT s.code, s.drug, s.key0, s.psn0, s.place0, s.retail0, s.t0, s.amount0, s.owned0,
               s.key, s.psn_no, s.place, s.retail, s.t, s.amount, s.owned,
               CASE WHEN p.places > ? THEN 'placeholder'
                    WHEN s.split OR s.split0 THEN 'split'
                    WHEN s.place <> s.place0 AND s.owned THEN 'own_stock'
                    WHEN EXISTS (FROM pack_back b WHERE b.code = s.code AND b.place = s.place0
                                 AND b.t BETWEEN s.t0 - INTERVAL 1 DAY AND s.t + INTERVAL 1 DAY) THEN 'returned'
                    WHEN s.psn_no = s.psn0 AND (s.place <> s.place0 OR date_trunc('day', s.t) = date_trunc('day', s.t0))
                         THEN 'same_person'
                    WHEN s.place <> s.place0 AND s.t = s.t0 AND s.t <> date_trunc('day', s.t) THEN 'at_once'
               END AS explanation,
               coalesce(h.coded, false) AS ledger_has_codes, k.supplier, k.key
        FROM steps s JOIN spread p ON p.code = s.code
        LEFT JOIN bought_back k ON k.code = s.code AND k.place = s.place AND s.place0 <> s.place
        LEFT JOIN coded_ledgers h ON h.place = s.place AND h.drug = s.drug
        WHERE s.key0 IS NOT NULL ORDER BY s.code, s.t, s.key
    """, [MOST_PLACES]).fetchall()  # fmt: skip
    steps = [Step(row[0], row[1], Sale(*row[2:9]), Sale(*row[9:16]), *row[16:20]) for row in rows]
    mistyped = _mistyped(tables, steps)
    return [
        replace(each, explanation="mistyped")
        if each.explanation is None and (each.code, each.second.place) in mistyped
        else each
        for each in steps
    ]


def _pack_tables(tables: duckdb.DuckDBPyConnection) -> None:
    """Temporary tables of codes: sold more than once, in each place's own stock, and given back."""
    net_sale_lines(tables)
    tables.execute("""
        CREATE TEMP TABLE IF NOT EXISTS repeated_sales AS
        WITH packs AS (  -- by hash first, as text takes twice as long to group; most lines carry one code
            SELECT hash(trim(codes)) AS pack, visit, line FROM sale_lines WHERE codes NOT LIKE '%|%'
            UNION ALL
            SELECT hash(trim(unnest(string_split(codes, '|')))) AS pack, visit, line
            FROM sale_lines WHERE codes LIKE '%|%'
        ), perhaps AS (
            SELECT pack FROM packs GROUP BY 1 HAVING min(visit) <> max(visit)
        ), asked AS (
            SELECT DISTINCT line FROM packs WHERE pack IN (FROM perhaps)
        ), sold AS (
            SELECT trim(unnest(string_split(codes, '|'))) AS code, visit, line
            FROM sale_lines WHERE line IN (FROM asked)
        ), repeated AS (
            SELECT code FROM sold WHERE code <> '' GROUP BY code HAVING min(visit) <> max(visit)
        ), once AS (
            SELECT s.code, s.visit, min(s.line) AS line FROM sold s
            SEMI JOIN repeated r ON r.code = s.code GROUP BY 1, 2
        )
        SELECT o.code, l.key, l.psn_no, l.place, l.retail, l.t, l.drug, l.split,
               l.amount / greatest(l.cnt, 1) AS amount
        FROM once o JOIN sale_lines l ON l.line = o.line;
        CREATE TEMP TABLE IF NOT EXISTS ledger_codes AS  -- of the repeated codes only: the ledger names every pack
        SELECT * FROM (
            SELECT trim(unnest(string_split(drug_trac_codg, '|'))) AS code, fixmedins_code AS place, chg_type,
                   chg_time AS t, coalesce(spler_name, '') AS supplier
            FROM inventory WHERE drug_trac_codg IS NOT NULL
        ) SEMI JOIN repeated_sales USING (code);
        CREATE TEMP TABLE IF NOT EXISTS own_packs AS
        SELECT code, place, min(t) AS first_in FROM ledger_codes
        WHERE chg_type IN ('purchase', 'transfer_in', 'initial', 'count_gain') GROUP BY 1, 2;
        CREATE TEMP TABLE IF NOT EXISTS pack_back AS
        SELECT code, place, t FROM ledger_codes WHERE chg_type IN ('sale_return', 'purchase_return', 'transfer_out');
        CREATE TEMP TABLE IF NOT EXISTS coded_ledgers AS
        SELECT fixmedins_code AS place, med_list_codg AS drug,
               count(drug_trac_codg) >= 0.5 * count(*) AS coded
        FROM inventory WHERE chg_type IN ('purchase', 'transfer_in', 'initial') GROUP BY 1, 2;
    """)


def _bought_back(tables: duckdb.DuckDBPyConnection) -> None:
    """Temporary table `bought_back`: `code`, `place`, `supplier` and `key` (of inventory) of packs that a patient got
    elsewhere a day or more before that supplier is said to have delivered them.

    No wholesaler has a pack that a pharmacy or hospital sold, unless it was given back. So a shop that buys back what
    patients drew, and has invoices made out for it, names a supplier of whose goods there the like is true again and
    again: `FEWEST_BOUGHT_BACK` packs, and `BOUGHT_BACK` of what it delivered. A first sale that its place's ledger or a
    refund undoes is none.
    """
    key = declared_tables()["inventory"].key_sql("i")
    tables.execute(f"""
        CREATE TEMP TABLE IF NOT EXISTS bought_back AS
        WITH late AS (
            SELECT l.code, l.place, l.supplier, max(l.t) AS t
            FROM ledger_codes l JOIN repeated_sales s ON s.code = l.code AND s.place <> l.place
             AND s.t < l.t - INTERVAL 1 DAY
            WHERE l.chg_type = 'purchase'
              AND NOT EXISTS (FROM pack_back b
                              WHERE b.code = s.code AND b.place = s.place AND b.t >= s.t - INTERVAL 1 DAY)
            GROUP BY 1, 2, 3
        ), often AS (
            SELECT place, supplier, count(*) AS n FROM late GROUP BY 1, 2 HAVING count(*) >= {FEWEST_BOUGHT_BACK}
        ), delivered AS (
            SELECT o.place, o.supplier, any_value(o.n) AS n, sum(i.cnt) AS packs
            FROM often o JOIN inventory i ON i.fixmedins_code = o.place AND coalesce(i.spler_name, '') = o.supplier
            WHERE i.chg_type = 'purchase' GROUP BY 1, 2
        ), booked AS (
            SELECT {key} AS key, i.fixmedins_code AS place, coalesce(i.spler_name, '') AS supplier, i.chg_time AS t,
                   trim(unnest(string_split(i.drug_trac_codg, '|'))) AS code
            FROM inventory i JOIN delivered d ON d.place = i.fixmedins_code AND d.supplier = coalesce(i.spler_name, '')
            WHERE i.chg_type = 'purchase' AND d.n >= {BOUGHT_BACK} * d.packs
        )
        SELECT code, place, min(supplier) AS supplier, min(key) AS key FROM late
        JOIN booked USING (code, place, supplier, t) GROUP BY 1, 2
    """)


def _mistyped(tables: duckdb.DuckDBPyConnection, steps: Iterable[Step]) -> set[tuple[str, str]]:
    """(code, place) pairs where the place owns an unsold pack whose code differs by one slip of the hand.

    A slip is one digit changed, lost, added, or two neighbours swapped (Damerau–Levenshtein distance 1).
    """
    asked = [(each.code, each.second.place, each.drug) for each in steps if each.explanation is None and each.elsewhere]
    if not asked:
        return set()
    tables.execute("CREATE OR REPLACE TEMP TABLE asked_codes (code VARCHAR, place VARCHAR, drug VARCHAR)")
    codes, places, drugs = (list(column) for column in zip(*asked, strict=True))
    tables.execute("INSERT INTO asked_codes SELECT unnest(?), unnest(?), unnest(?)", [codes, places, drugs])
    found = tables.execute("""
        WITH own AS (
            SELECT DISTINCT trim(unnest(string_split(i.drug_trac_codg, '|'))) AS code, i.fixmedins_code AS place,
                   i.med_list_codg AS drug
            FROM inventory i
            SEMI JOIN asked_codes a ON a.place = i.fixmedins_code AND a.drug = i.med_list_codg
            WHERE i.chg_type IN ('purchase', 'transfer_in', 'initial', 'count_gain')
        ), halves AS (  -- one slip leaves the first eight or the last eight characters as they were
            SELECT a.code, a.place, o.code AS own_code FROM asked_codes a
            JOIN own o ON o.place = a.place AND o.drug = a.drug AND right(o.code, 8) = right(a.code, 8)
            UNION
            SELECT a.code, a.place, o.code AS own_code FROM asked_codes a
            JOIN own o ON o.place = a.place AND o.drug = a.drug AND left(o.code, 8) = left(a.code, 8)
        ), near AS (
            SELECT * FROM halves
            WHERE abs(length(own_code) - length(code)) <= 1 AND damerau_levenshtein(own_code, code) = 1
        ), sold AS (
            SELECT DISTINCT place, trim(unnest(string_split(codes, '|'))) AS code FROM sale_lines
            WHERE codes IS NOT NULL AND place IN (SELECT place FROM near)
        )
        SELECT DISTINCT n.code, n.place FROM near n ANTI JOIN sold s ON s.place = n.place AND s.code = n.own_code
    """).fetchall()
    return {(code, place) for code, place in found}
