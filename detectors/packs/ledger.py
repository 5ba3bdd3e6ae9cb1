"""The stock ledger against the claims: what a shop bought, what it claims to have sold, and what it cannot have had."""

from __future__ import annotations

from typing import Final

import duckdb

from ringtrace.detectors.packs.sales import net_sale_lines

OPENING_DAYS: Final = 60
"""Without an opening-stock row, a shortage within so many days of the ledger's start counts as opening stock."""

WHOLE_LEDGER: Final = 0.8
"""A ledger that knows the drugs of this part of a shop's lines is kept for all drugs: one it lacks was never bought."""

DIRECTION: Final = {
    "purchase": 1, "transfer_in": 1, "initial": 1, "count_gain": 1,
    "purchase_return": -1, "transfer_out": -1, "count_loss": -1, "destroy": -1,
}  # fmt: skip
"""Movements that change what a shop can sell. Sales are taken from the claims; returns by customers are net there."""


def stock_cover(tables: duckdb.DuckDBPyConnection) -> None:
    """Make the temporary tables `uncovered_lines` and `stock_balance` and the view `stock_lines`, once a connection.

    `stock_lines`: `line` (of `sale_lines`) of each claimed line that the shop's ledger speaks about, its `goods`, `t`,
    `cnt`, and `uncovered`, the packs of it that were not in stock; `uncovered_lines` has those with any. First in,
    first out makes a line uncovered exactly where the running balance reaches a new lowest point below zero (the
    reflected process of a store that cannot hold less than nothing).

    `stock_balance`: per `goods` (`place` and `drug`): `bought`, `sold`, `uncovered` packs and yuan `uncovered_amount`,
    `months` in which some were, `lot` (packs that come in at a time), `opening` (packs assumed on the shelf),
    `opening_known`, `from_t`, `to_t` of the period compared.

    Only the days between a shop's first and last ledger row are compared, so a ledger that starts late or ends early
    accuses nobody. Within a day goods come in before they go out, since ledgers are often dated by the day. Units of
    split packs are left out: their count is not in packs.
    """
    net_sale_lines(tables)
    signs = " ".join(f"WHEN '{kind}' THEN {sign}" for kind, sign in DIRECTION.items())
    tables.execute(f"""
        CREATE TEMP TABLE IF NOT EXISTS stocked AS
        SELECT DISTINCT hash(fixmedins_code, med_list_codg) AS goods FROM inventory
        WHERE chg_type IN ('purchase', 'transfer_in', 'initial', 'count_gain');
        CREATE TEMP TABLE IF NOT EXISTS ledger_span AS
        WITH span AS (
            SELECT fixmedins_code AS place, hash(fixmedins_code) AS shop,
                   CAST(min(chg_time) AS DATE) AS from_t, CAST(max(chg_time) AS DATE) AS to_t,
                   bool_or(chg_type = 'initial') AS opening_known
            FROM inventory GROUP BY 1
        ), known AS (
            SELECT shop, avg(CAST(goods IN (FROM stocked) AS INTEGER)) AS share FROM sale_lines GROUP BY 1
        )
        SELECT span.*, coalesce(known.share, 0) >= {WHOLE_LEDGER} AS whole FROM span LEFT JOIN known USING (shop);
        CREATE TEMP TABLE IF NOT EXISTS stock_moves AS
        WITH moves AS (
            SELECT hash(i.fixmedins_code, i.med_list_codg) AS goods, i.chg_time AS t, NULL AS line,
                   CAST(i.cnt AS DOUBLE) * (CASE i.chg_type {signs} END) AS delta,
                   NOT s.opening_known AND CAST(i.chg_time AS DATE) < s.from_t + {OPENING_DAYS} AS early
            FROM inventory i JOIN ledger_span s ON s.place = i.fixmedins_code
            WHERE i.chg_type IN ({", ".join(f"'{kind}'" for kind in DIRECTION)})
            UNION ALL
            SELECT l.goods, l.t, l.line, -l.cnt, NOT s.opening_known AND CAST(l.t AS DATE) < s.from_t + {OPENING_DAYS}
            FROM sale_lines l JOIN ledger_span s ON s.shop = l.shop
            WHERE CAST(l.t AS DATE) BETWEEN s.from_t AND s.to_t AND NOT l.split
              AND (s.whole OR l.goods IN (FROM stocked))
        ), dated AS (  -- what comes in stands at the day's first instant, what goes out never before the second
            SELECT *, if(delta > 0, date_trunc('day', t), greatest(t, date_trunc('day', t) + INTERVAL 1 MICROSECOND))
                   AS moment FROM moves
        )
        SELECT *, sum(delta) OVER (PARTITION BY goods ORDER BY moment, line ROWS UNBOUNDED PRECEDING) AS balance
        FROM dated;
        CREATE TEMP TABLE IF NOT EXISTS opening_stock AS
        SELECT goods, greatest(0, coalesce(-min(balance) FILTER (WHERE early), 0)) AS opening,
               min(balance) AS lowest FROM stock_moves GROUP BY 1;
        CREATE TEMP TABLE IF NOT EXISTS uncovered_lines AS
        WITH low AS (  -- only goods that fall below zero at all
            SELECT m.goods, m.line, least(0, min(m.balance + o.opening) OVER past) AS lowest,
                   coalesce(least(0, min(m.balance + o.opening) OVER before), 0) AS lowest_before
            FROM stock_moves m JOIN opening_stock o ON o.goods = m.goods WHERE o.lowest + o.opening < 0
            WINDOW past AS (PARTITION BY m.goods ORDER BY moment, line ROWS UNBOUNDED PRECEDING),
                   before AS (PARTITION BY m.goods ORDER BY moment, line
                              ROWS BETWEEN UNBOUNDED PRECEDING AND 1 PRECEDING)
        )
        SELECT goods, line, lowest_before - lowest AS uncovered FROM low
        WHERE line IS NOT NULL AND lowest < lowest_before;
        CREATE TEMP VIEW IF NOT EXISTS stock_lines AS
        SELECT m.line, m.goods, m.t, -m.delta AS cnt, coalesce(u.uncovered, 0) AS uncovered
        FROM stock_moves m LEFT JOIN uncovered_lines u ON u.line = m.line WHERE m.line IS NOT NULL;
        CREATE TEMP TABLE IF NOT EXISTS stock_balance AS
        WITH sums AS (
            SELECT goods, coalesce(sum(delta) FILTER (WHERE line IS NULL), 0) AS bought,
                   -sum(delta) FILTER (WHERE line IS NOT NULL) AS sold,
                   min(t) FILTER (WHERE line IS NOT NULL) AS from_t, max(t) FILTER (WHERE line IS NOT NULL) AS to_t,
                   max(line) AS line, coalesce(median(delta) FILTER (WHERE line IS NULL AND delta > 0), 0) AS lot
            FROM stock_moves GROUP BY 1 HAVING count(line) > 0
        ), short AS (
            SELECT u.goods, sum(u.uncovered) AS uncovered, sum(u.uncovered * l.amount / l.cnt) AS amount,
                   count(DISTINCT date_trunc('month', l.t)) AS months
            FROM uncovered_lines u JOIN sale_lines l ON l.line = u.line GROUP BY 1
        )
        SELECT b.goods, n.place, n.drug, b.bought, b.sold, coalesce(u.uncovered, 0) AS uncovered,
               coalesce(u.amount, 0) AS uncovered_amount, coalesce(u.months, 0) AS months,
               b.lot, o.opening, s.opening_known, b.from_t, b.to_t
        FROM sums b JOIN sale_lines n ON n.line = b.line JOIN opening_stock o ON o.goods = b.goods
        JOIN ledger_span s ON s.place = n.place LEFT JOIN short u ON u.goods = b.goods;
    """)
