"""Sales that a sister branch's ledger records: branches sell each other's stock, and a till may claim by its code."""

from __future__ import annotations

import duckdb

from ringtrace.detectors.packs.branches import sister_branches


def sister_sales(tables: duckdb.DuckDBPyConnection) -> None:
    """Make the temporary table `sister_lines`: `line` of each of `unmatched_lines` that a sister's ledger has sold.

    The sister (`sister_branches`) sold that drug at that minute and claimed none of it then. Ledgers that are dated by
    the day cannot show it: a branch's cash sales of the day would cover whatever another one feigns.
    """
    pairs = sorted((place, sister) for place, others in sister_branches(tables).items() for sister in others)
    tables.execute(
        """
        CREATE OR REPLACE TEMP TABLE sisters AS
        SELECT hash(a) AS shop, hash(b) AS sister FROM (SELECT unnest(?) AS a, unnest(?) AS b)
        """,
        [[place for place, _ in pairs], [sister for _, sister in pairs]],
    )
    tables.execute("""
        CREATE OR REPLACE TEMP TABLE sister_lines AS
        WITH asked AS (
            SELECT u.line, l.shop, l.drug, date_trunc('minute', l.t) AS minute
            FROM unmatched_lines u JOIN sale_lines l ON l.line = u.line WHERE l.shop IN (SELECT shop FROM sisters)
        ), drugs_then AS (SELECT DISTINCT drug, minute FROM asked
        ), booked AS (
            SELECT DISTINCT hash(i.fixmedins_code) AS shop, i.med_list_codg AS drug,
                   date_trunc('minute', i.chg_time) AS minute
            FROM inventory i SEMI JOIN drugs_then d
              ON d.drug = i.med_list_codg AND d.minute = date_trunc('minute', i.chg_time)
            WHERE i.chg_type = 'sale' AND i.chg_time <> date_trunc('day', i.chg_time)
        ), claimed AS (
            SELECT l.shop, l.drug, date_trunc('minute', l.t) AS minute FROM sale_lines l SEMI JOIN drugs_then d
              ON d.drug = l.drug AND d.minute = date_trunc('minute', l.t)
        ), free AS (
            FROM booked b ANTI JOIN claimed c ON c.shop = b.shop AND c.drug = b.drug AND c.minute = b.minute
        )
        SELECT DISTINCT a.line FROM asked a JOIN free f ON f.drug = a.drug AND f.minute = a.minute
        SEMI JOIN sisters s ON s.shop = a.shop AND s.sister = f.shop
    """)
