"""Sales as they stand after refunds: one row a sold line, with its place, its moment and its pack codes.

Every pharmacy detector starts here, so that a refunded sale counts nowhere as a sale.
"""

from __future__ import annotations

from typing import Final

import duckdb

from ringtrace.data_schema import tables as declared_tables


def net_sale_lines(tables: duckdb.DuckDBPyConnection) -> None:
    """Make the temporary table `sale_lines`, once a connection.

    Columns: `line`, `visit`, `goods`, `shop` (64-bit hashes of the line's key, the settlement, place with drug, and the
    place: joins of millions of rows go by these, since text costs several times as much), `key` (of settlement_items),
    `setl_id`, `psn_no`, `place` (institution), `retail` (whether a retail pharmacy), `outpatient` (over a counter, so
    no stay), `t` (settled at), `drug`, `cnt` (packs, or units of a split pack), `amount` (yuan),
    `codes` (trace codes as delivered, NULL if none), `split`.

    A line is left out if its settlement is a refund, or if later refunds give back at least as many of that drug as
    the settlement sold; a refund without lines cancels the settlement when it gives back the whole total. A smaller
    refund lowers `cnt` and `amount` of the lines it belongs to in proportion.
    """
    key = declared_tables()["settlement_items"].key_sql("i")
    tables.execute(f"""
        CREATE TEMP TABLE IF NOT EXISTS sale_lines AS
        WITH refunds AS (
            SELECT setl_id, init_setl_id, medfee_sumamt FROM settlements
            WHERE refd_setl_flag = '1' AND init_setl_id IS NOT NULL
        ), whole AS (
            SELECT init_setl_id AS setl_id, -sum(medfee_sumamt) AS given_back FROM refunds GROUP BY 1
        ), by_drug AS (
            SELECT r.init_setl_id AS setl_id, i.med_list_codg AS drug, -sum(i.cnt) AS given_back
            FROM refunds r JOIN settlement_items i ON i.setl_id = r.setl_id GROUP BY 1, 2
        ), sold AS (
            SELECT i.setl_id, i.med_list_codg AS drug, sum(i.cnt) AS cnt
            FROM settlement_items i SEMI JOIN by_drug ON by_drug.setl_id = i.setl_id AND by_drug.drug = i.med_list_codg
            GROUP BY 1, 2
        ), lines AS (
            SELECT {key} AS key, i.setl_id, s.psn_no, s.fixmedins_code AS place,
                   coalesce(n.fixmedins_type = '2', s.med_type = '41', false) AS retail,
                   s.med_type IS DISTINCT FROM '21' AS outpatient, s.setl_time AS t, i.med_list_codg AS drug,
                   CAST(i.cnt AS DOUBLE) AS cnt,
                   CAST(i.det_item_fee_sumamt AS DOUBLE) AS amount,
                   nullif(trim(i.drug_trac_codg), '') AS codes,
                   coalesce(i.trdn_flag = '1', false) AS split,
                   CASE WHEN b.given_back IS NOT NULL THEN 1 - b.given_back / sold.cnt
                        WHEN w.given_back >= s.medfee_sumamt THEN 0 ELSE 1 END AS remaining
            FROM settlement_items i
            JOIN settlements s ON s.setl_id = i.setl_id
            LEFT JOIN institutions n ON n.fixmedins_code = s.fixmedins_code
            LEFT JOIN whole w ON w.setl_id = i.setl_id
            LEFT JOIN by_drug b ON b.setl_id = i.setl_id AND b.drug = i.med_list_codg
            LEFT JOIN sold ON sold.setl_id = i.setl_id AND sold.drug = i.med_list_codg
            WHERE s.refd_setl_flag IS DISTINCT FROM '1' AND i.cnt > 0
        )
        SELECT hash(key) AS line, hash(setl_id) AS visit, hash(place, drug) AS goods, hash(place) AS shop,
               key, setl_id, psn_no, place, retail, outpatient, t, drug, cnt * remaining AS cnt,
               amount * remaining AS amount, codes, split
        FROM lines WHERE remaining > 0
    """)


SCANNING: Final = 0.3
"""A drug is one that shops scan, and a shop scans in a month, from this part of the lines with a trace code."""


def scannable_lines(tables: duckdb.DuckDBPyConnection) -> None:
    """Make the temporary view `scannable_lines`: sales over a counter on which a trace code is to be expected.

    Columns: `line`, `visit`, `goods`, `shop`, `psn_no`, `place`, `retail`, `drug`, `t`, `cnt`, `bare` (whether the code
    is missing). Drugs that hardly any pharmacy (or else medical institution) scans, and months before a place began to
    scan, are left out: there a missing code says nothing.
    """
    net_sale_lines(tables)
    tables.execute(f"""
        CREATE TEMP TABLE IF NOT EXISTS scanned_drugs AS
        SELECT retail, drug FROM sale_lines WHERE retail OR outpatient
        GROUP BY 1, 2 HAVING avg(CAST(codes IS NOT NULL AS INTEGER)) >= {SCANNING};
        CREATE TEMP TABLE IF NOT EXISTS scanning_months AS
        SELECT shop, date_trunc('month', t) AS month
        FROM sale_lines l SEMI JOIN scanned_drugs d ON d.retail = l.retail AND d.drug = l.drug
        WHERE retail OR outpatient GROUP BY 1, 2 HAVING avg(CAST(codes IS NOT NULL AS INTEGER)) >= {SCANNING};
        CREATE TEMP VIEW IF NOT EXISTS scannable_lines AS
        SELECT l.line, l.visit, l.goods, l.shop, l.psn_no, l.place, l.retail, l.drug, l.t, l.cnt,
               l.codes IS NULL AS bare
        FROM sale_lines l SEMI JOIN scanned_drugs d ON d.retail = l.retail AND d.drug = l.drug
        SEMI JOIN scanning_months m ON m.shop = l.shop AND m.month = date_trunc('month', l.t)
        WHERE l.retail OR l.outpatient
    """)


def times_have_hours(tables: duckdb.DuckDBPyConnection) -> bool:
    """Whether settlement times carry an hour: nearly all at midnight means that they are days only."""
    row = tables.execute(
        "SELECT count(*) FILTER (WHERE date_trunc('day', setl_time) = setl_time), count(*) FROM settlements"
    ).fetchone()
    at_midnight, total = row if row is not None else (0, 0)
    return bool(total) and at_midnight < 0.9 * total
