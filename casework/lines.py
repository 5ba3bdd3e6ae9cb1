"""The settlements beneath a thing, or beneath a link between two things: sums, course in time, and the lines."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from typing import Final

import duckdb
import pandas as pd

from ringtrace.graph.store import NodeRef

_ITEMS: Final = "setl_id IN (SELECT setl_id FROM settlement_items WHERE {})"
_NAMED_BY: Final[dict[str, str]] = {
    "Patient": "psn_no = {key}",
    "Card": "mdtrt_cert_no = {key}",
    "Pharmacy": "fixmedins_code = {key}",
    "Hospital": "fixmedins_code = {key}",
    "Doctor": "chfpdr_code = {key}",
    "Settlement": "setl_id = {key}",
    "Household": "psn_no IN (SELECT psn_no FROM persons WHERE hh_no = {key})",
    "Phone": "psn_no IN (SELECT psn_no FROM persons WHERE tel = {key})",
    "Employer": "psn_no IN (SELECT psn_no FROM persons WHERE emp_no = {key})",
    "CareHome": "psn_no IN (SELECT psn_no FROM persons WHERE care_inst = {key})",
    "Drug": _ITEMS.format("med_list_codg = {key}"),
    "Pack": _ITEMS.format(
        "contains(drug_trac_codg, {key}) AND list_contains(string_split(drug_trac_codg, '|'), {key})"
    ),
}
"""Label → the settlements that name a thing of it."""


@dataclass(frozen=True, slots=True)
class Figures:
    """What settlements add up to; refunds are taken off, in number as in amount (yuan)."""

    settlements: int
    amount: Decimal
    first: datetime | None
    last: datetime | None
    patients: int
    institutions: int


def has_lines(refs: Sequence[NodeRef]) -> bool:
    """Whether settlements can name all of these."""
    return all(ref.label in _NAMED_BY for ref in refs)


def figures(connection: duckdb.DuckDBPyConnection, *refs: NodeRef) -> Figures | None:
    """The sum of the settlements that name every one of `refs`; None if settlements cannot name them."""
    if not has_lines(refs):
        return None
    where, keys = _condition(refs)
    row = connection.execute(
        f"""
        SELECT count(*) FILTER (WHERE refd_setl_flag IS DISTINCT FROM '1')
                 - count(*) FILTER (WHERE refd_setl_flag = '1'),
               coalesce(sum(medfee_sumamt), 0), min(setl_time), max(setl_time),
               count(DISTINCT psn_no), count(DISTINCT fixmedins_code)
        FROM settlements WHERE {where}
        """,
        keys,
    ).fetchone()
    return Figures(*row) if row else None


def monthly(connection: duckdb.DuckDBPyConnection, *refs: NodeRef) -> pd.DataFrame:
    """Settlements that name every one of `refs`, per month: columns `month`, `settlements`, `amount` (yuan)."""
    where, keys = _condition(refs)
    return connection.execute(
        f"""
        SELECT date_trunc('month', setl_time) AS month, count(*) AS settlements,
               CAST(sum(medfee_sumamt) AS DOUBLE) AS amount
        FROM settlements WHERE {where} GROUP BY 1 ORDER BY 1
        """,
        keys,
    ).df()


def lines(connection: duckdb.DuckDBPyConnection, *refs: NodeRef, limit: int = 500) -> pd.DataFrame:
    """The settlements that name every one of `refs`, newest first, person and place named; `limit` rows at most."""
    where, keys = _condition(refs)
    return connection.execute(
        f"""
        WITH chosen AS (
          SELECT setl_id, setl_time, psn_no, mdtrt_cert_no, fixmedins_code, med_type, medfee_sumamt, fund_pay_sumamt,
                 acct_pay, cash_payamt, pos_no, _source, _row
          FROM settlements WHERE {where} ORDER BY setl_time DESC, setl_id LIMIT {int(limit)}
        )
        SELECT chosen.setl_time, chosen.setl_id, chosen.psn_no, person.psn_name, chosen.mdtrt_cert_no,
               chosen.fixmedins_code, place.fixmedins_name, chosen.pos_no, chosen.med_type, chosen.medfee_sumamt,
               chosen.fund_pay_sumamt, chosen.acct_pay, chosen.cash_payamt, chosen._source, chosen._row
        FROM chosen
        LEFT JOIN persons AS person USING (psn_no)
        LEFT JOIN institutions AS place USING (fixmedins_code)
        ORDER BY chosen.setl_time DESC, chosen.setl_id
        """,
        keys,
    ).df()


def _condition(refs: Sequence[NodeRef]) -> tuple[str, dict[str, str]]:
    """SQL that holds for the settlements naming all of `refs`, and the values of its parameters."""
    if not has_lines(refs):
        return "false", {}
    parts = [f"({_NAMED_BY[ref.label].format(key=f'$key{number}')})" for number, ref in enumerate(refs)]
    return " AND ".join(parts), {f"key{number}": ref.id for number, ref in enumerate(refs)}
