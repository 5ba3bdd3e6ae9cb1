"""Settlements that stand after refunds: where the single-claim detectors begin."""

from __future__ import annotations

import duckdb

from ringtrace.findings import Label


def standing_settlements(tables: duckdb.DuckDBPyConnection) -> None:
    """Make the temporary table `standing`, once a connection: one row a settlement that was not given back.

    Columns: `setl_id`, `visit` (mdtrt_id), `psn_no`, `card`, `card_type`, `place`, `hospital` (whether a medical
    institution), `med_type`, `opened` and `closed` (of the visit or stay), `t` (time of settlement), `total`, `fund`,
    `cash` (yuan, DOUBLE), `by_hand` (manual reimbursement), `invoice`, `doctor`, `disease`.

    A settlement is given back if its refunds add up to its whole total, to the cent.
    """
    tables.execute("""
        CREATE TEMP TABLE IF NOT EXISTS standing AS
        WITH given_back AS (
            SELECT init_setl_id AS setl_id, -sum(medfee_sumamt) AS amount
            FROM settlements WHERE refd_setl_flag = '1' AND init_setl_id IS NOT NULL GROUP BY 1
        )
        SELECT s.setl_id, nullif(trim(s.mdtrt_id), '') AS visit, s.psn_no,
               nullif(trim(s.mdtrt_cert_no), '') AS card, s.mdtrt_cert_type AS card_type, s.fixmedins_code AS place,
               coalesce(n.fixmedins_type = '1', s.med_type <> '41', true) AS hospital, s.med_type,
               s.begntime AS opened, s.endtime AS closed, s.setl_time AS t,
               CAST(s.medfee_sumamt AS DOUBLE) AS total, CAST(s.fund_pay_sumamt AS DOUBLE) AS fund,
               CAST(s.cash_payamt AS DOUBLE) AS cash, coalesce(s.manl_reim_flag = '1', false) AS by_hand,
               nullif(upper(trim(s.invono)), '') AS invoice, s.chfpdr_code AS doctor, s.dise_codg AS disease
        FROM settlements s
        LEFT JOIN institutions n ON n.fixmedins_code = s.fixmedins_code
        LEFT JOIN given_back g ON g.setl_id = s.setl_id
        WHERE s.refd_setl_flag IS DISTINCT FROM '1' AND coalesce(g.amount, 0) < s.medfee_sumamt
    """)


def institution_label(hospital: bool) -> Label:
    """The graph's label of an institution."""
    return "Hospital" if hospital else "Pharmacy"
