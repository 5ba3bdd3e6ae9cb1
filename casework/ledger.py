"""A pharmacy's stock ledger beside its settled sales, month by month."""

from __future__ import annotations

import duckdb
import pandas as pd


def ledger_and_sales(connection: duckdb.DuckDBPyConnection, place: str, most_drugs: int = 50) -> pd.DataFrame:
    """Packs booked in and packs settled at `place`, by drug and month, each summed up since the first month.

    Columns: `drug` (code), `drug_name`, `month` (first day), `bought`, `sold` (packs, running sums). Drugs whose sales
    exceed their purchases most come first. Split packs are left out, since their count is not in packs; empty without
    a ledger.
    """
    # Asked for here only: the detectors take longer to import than most pages to draw.
    from ringtrace.detectors.packs.ledger import DIRECTION

    signs = " ".join(f"WHEN '{kind}' THEN {sign}" for kind, sign in DIRECTION.items())
    return connection.execute(
        f"""
        WITH sales AS MATERIALIZED (  -- before the drugs are looked at: the other way round, every place's are joined
          SELECT i.med_list_codg, s.setl_time, i.cnt
          FROM settlement_items AS i JOIN settlements AS s USING (setl_id)
          WHERE s.fixmedins_code = $place AND i.trdn_flag IS DISTINCT FROM '1'
        ),
        moves AS (
          SELECT med_list_codg AS drug, date_trunc('month', chg_time) AS month,
                 coalesce(CAST(cnt AS DOUBLE) * (CASE chg_type {signs} END), 0) AS bought, 0 AS sold
          FROM inventory WHERE fixmedins_code = $place
          UNION ALL
          SELECT med_list_codg, date_trunc('month', setl_time), 0, CAST(cnt AS DOUBLE) FROM sales
          WHERE med_list_codg IN (SELECT med_list_codg FROM inventory WHERE fixmedins_code = $place)
        ),
        monthly AS (SELECT drug, month, sum(bought) AS bought, sum(sold) AS sold FROM moves GROUP BY ALL),
        chosen AS (SELECT drug, sum(sold) - sum(bought) AS shortage FROM monthly GROUP BY drug
                   ORDER BY shortage DESC, drug LIMIT {int(most_drugs)}),
        months AS (SELECT DISTINCT month FROM monthly)
        SELECT chosen.drug, coalesce(named.drug_genname, chosen.drug) AS drug_name, months.month,
               sum(coalesce(monthly.bought, 0)) OVER running AS bought,
               sum(coalesce(monthly.sold, 0)) OVER running AS sold
        FROM chosen CROSS JOIN months
        LEFT JOIN monthly ON monthly.drug = chosen.drug AND monthly.month = months.month
        LEFT JOIN drugs AS named ON named.med_list_codg = chosen.drug
        WINDOW running AS (PARTITION BY chosen.drug ORDER BY months.month)
        ORDER BY chosen.shortage DESC, chosen.drug, months.month
        """,
        {"place": place},
    ).df()
