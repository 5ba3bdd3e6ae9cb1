"""Persons, cards, institutions, doctors, drugs and packs as an investigator asks for them: find, name, record, lines."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from typing import Any, Final

import duckdb
import pandas as pd

from ringtrace.data_schema import Column, tables

Row = Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class Source:
    """Where a label's record stands: table, key column, name column, and a condition that tells two labels apart."""

    table: str
    key: str
    name: str | None = None
    condition: str = "true"


SOURCES: Final[dict[str, Source]] = {
    "Patient": Source("persons", "psn_no", "psn_name"),
    "Card": Source("cards", "mdtrt_cert_no"),
    "Pharmacy": Source("institutions", "fixmedins_code", "fixmedins_name", "fixmedins_type = '2'"),
    "Hospital": Source("institutions", "fixmedins_code", "fixmedins_name", "fixmedins_type IS DISTINCT FROM '2'"),
    "Doctor": Source("practitioners", "dr_code", "dr_name"),
    "Drug": Source("drugs", "med_list_codg", "drug_genname"),
}

_SETTLEMENTS_OF: Final[dict[str, str]] = {
    "Patient": "psn_no = $key",
    "Card": "mdtrt_cert_no = $key",
    "Pharmacy": "fixmedins_code = $key",
    "Hospital": "fixmedins_code = $key",
    "Doctor": "chfpdr_code = $key",
    "Drug": "setl_id IN (SELECT setl_id FROM settlement_items WHERE med_list_codg = $key)",
    "Pack": "setl_id IN (SELECT setl_id FROM settlement_items WHERE contains(drug_trac_codg, $key)"
    " AND list_contains(string_split(drug_trac_codg, '|'), $key))",
    "Settlement": "setl_id = $key",
}
LABELS: Final[tuple[str, ...]] = (*SOURCES, "Pack")


@dataclass(frozen=True, slots=True)
class Hit:
    """One thing found by a search: its label and key, its name if it has one."""

    label: str
    key: str
    name: str | None


@dataclass(frozen=True, slots=True)
class Figures:
    """What an entity's settlements add up to; refunds are taken off, in number as in amount."""

    settlements: int
    amount: Decimal
    first: datetime | None
    last: datetime | None
    patients: int
    institutions: int


def search(connection: duckdb.DuckDBPyConnection, text: str, limit: int = 20) -> list[Hit]:
    """What `text` names: exact keys first, then keys and names that begin with it, then those that contain it."""
    wanted = text.strip()
    if not wanted:
        return []
    branches = []
    for label, source in SOURCES.items():
        name = source.name or "NULL"
        fields = [source.key] + ([source.name] if source.name else [])
        match = " OR ".join(f"contains(lower({field}), lower($text))" for field in fields)
        starts = " OR ".join(f"starts_with(lower({field}), lower($text))" for field in fields)
        branches.append(
            f"SELECT '{label}' AS label, {source.key} AS key, {name} AS name,"
            f" CASE WHEN {source.key} = $text THEN 0 WHEN {starts} THEN 1 ELSE 2 END AS rank"
            f" FROM {source.table} WHERE ({source.condition}) AND ({match})"
        )
    if wanted.isdigit() and len(wanted) >= 16:  # a trace code: only whole codes, parts of them say nothing
        branches.append(
            "SELECT DISTINCT 'Pack', $text, CAST(NULL AS VARCHAR), 0 FROM settlement_items"
            " WHERE contains(drug_trac_codg, $text) AND list_contains(string_split(drug_trac_codg, '|'), $text)"
        )
    branches.append("SELECT 'Settlement', setl_id, CAST(NULL AS VARCHAR), 0 FROM settlements WHERE setl_id = $text")
    rows = connection.execute(
        f"SELECT label, key, name FROM ({' UNION ALL '.join(branches)}) ORDER BY rank, label, key LIMIT {int(limit)}",
        {"text": wanted},
    ).fetchall()
    return [Hit(*row) for row in rows]


def names(connection: duckdb.DuckDBPyConnection, things: Iterable[tuple[str, str]]) -> dict[tuple[str, str], str]:
    """The names of `(label, key)` pairs that have one, each looked up in its table."""
    wanted: dict[str, list[str]] = {}
    for label, key in set(things):
        if label in SOURCES and SOURCES[label].name:
            wanted.setdefault(label, []).append(key)
    found: dict[tuple[str, str], str] = {}
    for label, keys in wanted.items():
        source = SOURCES[label]
        rows = connection.execute(
            f"SELECT {source.key}, {source.name} FROM {source.table}"
            f" WHERE {source.key} IN (SELECT unnest($keys)) AND {source.name} IS NOT NULL",
            {"keys": keys},
        ).fetchall()
        found |= {(label, key): name for key, name in rows}
    return found


def record(connection: duckdb.DuckDBPyConnection, label: str, key: str) -> list[tuple[Column, Any]]:
    """The entity's own row as (column, value) in the contract's order, empty fields left out; [] for a bare node."""
    source = SOURCES.get(label) or (Source("settlements", "setl_id") if label == "Settlement" else None)
    if source is None:
        return []
    table = tables()[source.table]
    columns = ", ".join(column.name for column in table.columns)
    row = connection.execute(
        f"SELECT {columns} FROM {source.table} WHERE {source.key} = $key LIMIT 1", {"key": key}
    ).fetchone()
    if row is None:
        return []
    return [(column, value) for column, value in zip(table.columns, row, strict=True) if value is not None]


def figures(connection: duckdb.DuckDBPyConnection, label: str, key: str) -> Figures | None:
    """Summary of the entity's settlements; None for a label that settlements do not name."""
    if label not in _SETTLEMENTS_OF:
        return None
    row = connection.execute(
        f"""
        SELECT count(*) FILTER (WHERE refd_setl_flag IS DISTINCT FROM '1')
                 - count(*) FILTER (WHERE refd_setl_flag = '1'),
               coalesce(sum(medfee_sumamt), 0), min(setl_time), max(setl_time),
               count(DISTINCT psn_no), count(DISTINCT fixmedins_code)
        FROM settlements WHERE {_SETTLEMENTS_OF[label]}
        """,
        {"key": key},
    ).fetchone()
    return Figures(*row) if row else None


def monthly(connection: duckdb.DuckDBPyConnection, label: str, key: str) -> pd.DataFrame:
    """Settlements of the entity per month: columns `month`, `settlements`, `amount` (yuan)."""
    condition = _SETTLEMENTS_OF.get(label, "$key IS NULL")
    return connection.execute(
        f"""
        SELECT date_trunc('month', setl_time) AS month, count(*) AS settlements,
               CAST(sum(medfee_sumamt) AS DOUBLE) AS amount
        FROM settlements WHERE {condition} GROUP BY 1 ORDER BY 1
        """,
        {"key": key},
    ).df()


def lines(connection: duckdb.DuckDBPyConnection, label: str, key: str, limit: int = 500) -> pd.DataFrame:
    """The entity's settlements, newest first, with place and person named; `limit` rows at most."""
    condition = _SETTLEMENTS_OF.get(label, "$key IS NULL")
    return connection.execute(
        f"""
        WITH chosen AS (
          SELECT setl_id, setl_time, psn_no, mdtrt_cert_no, fixmedins_code, med_type, medfee_sumamt, fund_pay_sumamt,
                 acct_pay, cash_payamt, pos_no, _source, _row
          FROM settlements WHERE {condition} ORDER BY setl_time DESC, setl_id LIMIT {int(limit)}
        )
        SELECT chosen.setl_time, chosen.setl_id, chosen.psn_no, person.psn_name, chosen.mdtrt_cert_no,
               chosen.fixmedins_code, place.fixmedins_name, chosen.pos_no, chosen.med_type, chosen.medfee_sumamt,
               chosen.fund_pay_sumamt, chosen.acct_pay, chosen.cash_payamt, chosen._source, chosen._row
        FROM chosen
        LEFT JOIN persons AS person USING (psn_no)
        LEFT JOIN institutions AS place USING (fixmedins_code)
        ORDER BY chosen.setl_time DESC, chosen.setl_id
        """,
        {"key": key},
    ).df()
