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
    """Make the temporary tables `stock_lines` and `stock_balance`, once a connection.

    `stock_lines`: `line` (of `sale_lines`) of each claimed line that the shop's ledger speaks about, and `uncovered`,
    the packs of it that were not in stock. First in, first out makes a line uncovered exactly where the running balance
    reaches a new lowest point below zero (the reflected process of a store that cannot hold less than nothing).

    `stock_balance`: per `place` and `drug`: `bought`, `sold`, `uncovered` packs and yuan `uncovered_amount`, `opening`
    (packs assumed on the shelf), `opening_known`, `from_t`, `to_t` of the period compared.

    Only the days between a shop's first and last ledger row are compared, so a ledger that starts late or ends early
    accuses nobody. Within a day goods come in before they go out, since ledgers are often dated by the day. Units of
    split packs are left out: their count is not in packs.
    """
    net_sale_lines(tables)
    signs = " ".join(f"WHEN '{kind}' THEN {sign}" for kind, sign in DIRECTION.items())
    tables.execute(f"""
        CREATE TEMP TABLE IF NOT EXISTS stocked AS
        SELECT DISTINCT fixmedins_code AS place, med_list_codg AS drug FROM inventory
        WHERE chg_type IN ('purchase', 'transfer_in', 'initial', 'count_gain');
        CREATE TEMP TABLE IF NOT EXISTS ledger_span AS
        WITH span AS (
            SELECT fixmedins_code AS place, CAST(min(chg_time) AS DATE) AS from_t, CAST(max(chg_time) AS DATE) AS to_t,
                   bool_or(chg_type = 'initial') AS opening_known
            FROM inventory GROUP BY 1
        ), known AS (
            SELECT l.place, avg(CAST(k.drug IS NOT NULL AS INTEGER)) AS share
            FROM sale_lines l LEFT JOIN stocked k ON k.place = l.place AND k.drug = l.drug GROUP BY 1
        )
        SELECT span.*, coalesce(known.share, 0) >= {WHOLE_LEDGER} AS whole FROM span LEFT JOIN known USING (place);
        CREATE TEMP TABLE IF NOT EXISTS stock_moves AS
        WITH moves AS (
            SELECT fixmedins_code AS place, med_list_codg AS drug, CAST(chg_time AS DATE) AS day, chg_time AS t,
                   NULL AS line, CAST(cnt AS DOUBLE) * (CASE chg_type {signs} END) AS delta
            FROM inventory WHERE chg_type IN ({", ".join(f"'{kind}'" for kind in DIRECTION)})
            UNION ALL
            SELECT l.place, l.drug, CAST(l.t AS DATE), l.t, l.line, -l.cnt FROM sale_lines l
            JOIN ledger_span s ON s.place = l.place AND CAST(l.t AS DATE) BETWEEN s.from_t AND s.to_t
            LEFT JOIN stocked k ON k.place = l.place AND k.drug = l.drug
            WHERE NOT l.split AND (k.drug IS NOT NULL OR s.whole)
        )
        SELECT *, sum(delta) OVER (PARTITION BY place, drug ORDER BY day, delta <= 0, t, line
                                   ROWS UNBOUNDED PRECEDING) AS balance
        FROM moves;
        CREATE TEMP TABLE IF NOT EXISTS opening_stock AS
        SELECT m.place, m.drug,
               CASE WHEN any_value(s.opening_known) THEN 0
                    ELSE greatest(0, -min(balance) FILTER (WHERE m.day < s.from_t + {OPENING_DAYS})) END AS opening,
               any_value(s.opening_known) AS opening_known
        FROM stock_moves m JOIN ledger_span s ON s.place = m.place GROUP BY 1, 2;
        CREATE TEMP TABLE IF NOT EXISTS stock_lines AS
        WITH low AS (
            SELECT m.*, o.opening,
                   least(0, min(balance + opening) OVER past) AS lowest,
                   coalesce(least(0, min(balance + opening) OVER before), 0) AS lowest_before
            FROM stock_moves m JOIN opening_stock o ON o.place = m.place AND o.drug = m.drug
            WINDOW past AS (PARTITION BY m.place, m.drug ORDER BY day, delta <= 0, t, line ROWS UNBOUNDED PRECEDING),
                   before AS (PARTITION BY m.place, m.drug ORDER BY day, delta <= 0, t, line
                              ROWS BETWEEN UNBOUNDED PRECEDING AND 1 PRECEDING)
        )
        SELECT line, place, drug, t, -delta AS cnt, lowest_before - lowest AS uncovered
        FROM low WHERE line IS NOT NULL;
        CREATE TEMP TABLE IF NOT EXISTS stock_balance AS
        WITH bought AS (
            SELECT place, drug, sum(delta) AS bought FROM stock_moves WHERE line IS NULL GROUP BY 1, 2
        )
        SELECT l.place, l.drug, coalesce(any_value(b.bought), 0) AS bought, sum(l.cnt) AS sold,
               sum(l.uncovered) AS uncovered,
               sum(l.uncovered * s.amount / s.cnt) AS uncovered_amount, any_value(o.opening) AS opening,
               any_value(o.opening_known) AS opening_known, min(l.t) AS from_t, max(l.t) AS to_t
        FROM stock_lines l JOIN sale_lines s ON s.line = l.line
        LEFT JOIN bought b ON b.place = l.place AND b.drug = l.drug
        JOIN opening_stock o ON o.place = l.place AND o.drug = l.drug
        GROUP BY 1, 2;
    """)
