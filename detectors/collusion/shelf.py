"""What a pharmacy's visits took off the shelf: goods that its own ledger or its scanner does not know of."""

from __future__ import annotations

from typing import Final

import duckdb

from ringtrace.detectors.collusion.sisters import sister_sales
from ringtrace.detectors.packs.ledger import stock_cover
from ringtrace.detectors.packs.sales import scannable_lines
from ringtrace.detectors.packs.trace_codes import repeated_packs

LATE_DAYS: Final = 7
"""Days by which a ledger may book a sale before or after it is settled."""

CODE_A_PACK: Final = 0.2
"""A place lists a code for each pack, and not one for the line, if it did for this part of its coded lines of several
packs: scanners lose single packs as well."""


def till_goods(tables: duckdb.DuckDBPyConnection) -> None:
    """Make the temporary table `till_goods`: `visit` and its `unrecorded`, `uncoded`, `reused`, `lent`, `short`,
    `asked` (lines on which a code is to be expected).

    A line that the ledger has by the minute is recorded. Where others are left, ledger and claims are compared by goods
    and day; where the day's claims exceed the ledger's sales, it is asked whether the ledger books them on another day
    of the same weeks, as tills do that post late. What a sister branch's ledger records (`sister_sales`) is recorded,
    and neither its stock nor its scanner is this shop's. A sale that the ledger takes back while the claim stands is
    none (`taken_back`). Split packs are left out: ledgers count packs, and claims units.

    `uncoded` is the mean over those lines of the part of their packs that has no code, in quarters. Were it asked
    whether all codes are missing, a scanner that loses one pack in ten would do so for who always buys a single pack,
    and never for who buys six.

    Also `twice_sold`: `earlier` and `later` visit of each unexplained repeat of a code within one place.
    """
    stock_cover(tables)
    scannable_lines(tables)
    taken_back(tables)
    # A feigned sale may borrow the code of a pack sold before, or of one on the shelf that is sold later.
    twice = [step for step in repeated_packs(tables) if step.explanation is None and not step.elsewhere]
    for name, keys in (
        ("reused_lines", {step.second.key for step in twice}),
        ("lent_lines", {step.first.key for step in twice}),
    ):
        tables.execute(f"CREATE OR REPLACE TEMP TABLE {name} AS SELECT hash(unnest(?)) AS line", [sorted(keys)])
    pairs = sorted({(step.first.key.rpartition("|")[0], step.second.key.rpartition("|")[0]) for step in twice})
    tables.execute(
        "CREATE OR REPLACE TEMP TABLE twice_sold AS SELECT hash(unnest(?)) AS earlier, hash(unnest(?)) AS later",
        [[earlier for earlier, _ in pairs], [later for _, later in pairs]],
    )
    tables.execute("""
        CREATE TEMP TABLE IF NOT EXISTS ledger_sales AS
        SELECT hash(fixmedins_code, med_list_codg) AS goods, chg_time AS t, CAST(cnt AS DOUBLE) AS cnt
        FROM inventory WHERE chg_type = 'sale';
        CREATE TEMP TABLE IF NOT EXISTS ledger_months AS
        SELECT DISTINCT goods, date_trunc('month', t) AS month FROM ledger_sales;

        CREATE TEMP TABLE IF NOT EXISTS ledger_shops AS
        SELECT DISTINCT hash(fixmedins_code) AS shop FROM inventory WHERE chg_type = 'sale';

        CREATE OR REPLACE TEMP TABLE unmatched_lines AS
        WITH minutes AS (
            SELECT hash(goods, date_trunc('minute', t)) AS minute FROM ledger_sales WHERE t <> date_trunc('day', t)
        ), claims AS (
            SELECT line, goods, shop, hash(goods, date_trunc('minute', t)) AS minute, CAST(t AS DATE) AS day
            FROM sale_lines
            WHERE (retail OR outpatient) AND NOT split
        )
        SELECT c.line, c.goods, c.day FROM claims c ANTI JOIN minutes m ON m.minute = c.minute
        SEMI JOIN ledger_shops s ON s.shop = c.shop
    """)
    sister_sales(tables)
    tables.execute(f"""
        DELETE FROM unmatched_lines WHERE line IN (FROM sister_lines) OR goods NOT IN (SELECT goods FROM ledger_months);
        CREATE TEMP TABLE IF NOT EXISTS unrecorded_lines AS
        WITH asked AS (SELECT DISTINCT goods FROM unmatched_lines
        ), booked AS (
            SELECT goods, day, sum(claimed) AS claimed, sum(recorded) AS recorded FROM (
                SELECT goods, CAST(t AS DATE) AS day, cnt AS claimed, 0 AS recorded FROM sale_lines
                WHERE (retail OR outpatient) AND NOT split AND goods IN (FROM asked)
                UNION ALL SELECT goods, CAST(t AS DATE), 0, cnt FROM ledger_sales WHERE goods IN (FROM asked))
            GROUP BY 1, 2
        ), missing AS (
            FROM booked b SEMI JOIN unmatched_lines u ON u.goods = b.goods AND u.day = b.day WHERE claimed > recorded
        ), days AS (
            SELECT d.goods, d.day, any_value(d.claimed) AS claimed, any_value(d.recorded) AS recorded
            FROM missing d JOIN booked b ON b.goods = d.goods
             AND b.day BETWEEN d.day - {LATE_DAYS} AND d.day + {LATE_DAYS}
            GROUP BY 1, 2
            HAVING sum(b.claimed) - sum(b.recorded) > 0.5 * any_value(d.claimed - d.recorded)
        ), claims AS (
            SELECT d.goods, d.day, sum(l.cnt) AS cnt FROM sale_lines l
            JOIN days d ON d.goods = l.goods AND d.day = CAST(l.t AS DATE)
            WHERE (l.retail OR l.outpatient) AND NOT l.split
              AND l.line NOT IN (SELECT line FROM unmatched_lines)
            GROUP BY 1, 2
        ), open AS (  -- what is left of claims and ledger when those are gone that it has by the minute
            SELECT d.*, coalesce(c.cnt, 0) AS found
            FROM days d LEFT JOIN claims c ON c.goods = d.goods AND c.day = d.day
        )
        SELECT u.line FROM unmatched_lines u JOIN open o ON o.goods = u.goods AND o.day = u.day
        WHERE o.recorded - o.found < 0.5 * (o.claimed - o.found)
        UNION SELECT line FROM taken_back_lines;

        CREATE TEMP TABLE IF NOT EXISTS till_goods AS
        WITH short AS (FROM stock_balance WHERE uncovered >= greatest(3, 0.1 * sold)
        ), by_pack AS (
            SELECT shop FROM sale_lines WHERE codes IS NOT NULL AND cnt > 1 AND NOT split GROUP BY 1
            HAVING avg(CAST(array_length(string_split(codes, '|')) >= cnt AS INTEGER)) >= {CODE_A_PACK}
        ), marked AS (
            SELECT l.visit, l.codes IS NULL AS bare,
                   CASE WHEN l.codes IS NULL THEN 1
                        WHEN l.split OR l.cnt <= 1 OR l.shop NOT IN (FROM by_pack) THEN 0
                        ELSE greatest(0, 1 - array_length(string_split(l.codes, '|')) / l.cnt) END AS lacking,
                   l.line IN (FROM reused_lines) AS reused,
                   l.line IN (FROM lent_lines) AS lent,
                   CASE WHEN l.line IN (FROM sister_lines) THEN NULL
                        WHEN l.goods IN (SELECT goods FROM short) THEN 1
                        WHEN l.goods IN (SELECT goods FROM stock_balance) THEN 0 END AS short,
                   (l.retail, l.drug) IN (FROM scanned_drugs)
                   AND (l.shop, date_trunc('month', l.t)) IN (FROM scanning_months)
                   AND l.line NOT IN (FROM sister_lines) AS scannable,
                   CASE WHEN NOT l.split AND (l.goods, date_trunc('month', l.t)) IN (FROM ledger_months)
                        THEN CAST(l.line IN (FROM unrecorded_lines) AS INTEGER) END AS unrecorded
            FROM sale_lines l WHERE l.retail OR l.outpatient
        )
        SELECT visit, min(unrecorded) AS unrecorded, max(short) AS short,
               CASE WHEN bool_or(reused) THEN NULL
                    ELSE round(4 * avg(lacking) FILTER (WHERE scannable)) / 4 END AS uncoded,
               CAST(count(*) FILTER (WHERE scannable) AS INTEGER) AS asked,
               max(CAST(reused AS INTEGER)) FILTER (WHERE NOT bare) AS reused,
               max(CAST(lent AS INTEGER)) FILTER (WHERE NOT bare) AS lent
        FROM marked GROUP BY visit
    """)


def taken_back(tables: duckdb.DuckDBPyConnection) -> None:
    """Make the temporary table `taken_back_lines`: `line` of each sale that the shop's ledger undoes although the claim
    was never refunded: who keeps the pack on the shelf keeps the books right that way.

    The ledger names at least half of the line's packs as given back within `LATE_DAYS` of the sale; or, of a line
    without codes, it takes back without codes that day at least half of what is claimed so of that drug.
    """
    tables.execute(f"""
        CREATE TEMP TABLE IF NOT EXISTS taken_back_lines AS
        WITH back AS (
            SELECT hash(fixmedins_code, med_list_codg) AS goods, chg_time AS t, CAST(cnt AS DOUBLE) AS cnt,
                   nullif(trim(drug_trac_codg), '') AS codes
            FROM inventory WHERE chg_type = 'sale_return'
        ), packs AS (SELECT goods, t, trim(unnest(string_split(codes, '|'))) AS code FROM back WHERE codes IS NOT NULL
        ), claims AS (
            SELECT line, goods, t, cnt, codes FROM sale_lines
            WHERE (retail OR outpatient) AND NOT split AND goods IN (SELECT goods FROM back)
        ), sold AS (
            SELECT line, goods, t, array_length(string_split(codes, '|')) AS packs,
                   trim(unnest(string_split(codes, '|'))) AS code
            FROM claims WHERE codes IS NOT NULL
        ), bare AS (
            SELECT goods, CAST(t AS DATE) AS day, sum(cnt) AS cnt FROM claims WHERE codes IS NULL GROUP BY 1, 2
        ), bare_back AS (
            SELECT goods, CAST(t AS DATE) AS day, sum(cnt) AS cnt FROM back WHERE codes IS NULL GROUP BY 1, 2
        )
        SELECT s.line FROM sold s JOIN packs p ON p.goods = s.goods AND p.code = s.code
         AND p.t BETWEEN if(p.t = date_trunc('day', p.t), date_trunc('day', s.t), s.t)
                     AND s.t + INTERVAL {LATE_DAYS} DAY
        GROUP BY s.line HAVING count(DISTINCT s.code) >= 0.5 * any_value(s.packs)
        UNION
        SELECT c.line FROM claims c JOIN bare b ON b.goods = c.goods AND b.day = CAST(c.t AS DATE)
        JOIN bare_back k ON k.goods = b.goods AND k.day = b.day
        WHERE c.codes IS NULL AND k.cnt >= 0.5 * b.cnt
    """)
