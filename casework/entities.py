"""Persons, cards, institutions, doctors, drugs and packs as an investigator asks for them: find, name, record."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from functools import cache
from typing import Any, Final

import duckdb

from ringtrace.data_schema import Column, tables
from ringtrace.data_schema.graph import graph_schema


@dataclass(frozen=True, slots=True)
class Source:
    """Where a label's record stands: table, key column, name column, and a condition that tells two labels apart."""

    table: str
    key: str
    name: str | None
    condition: str = "true"


_CONDITIONS: Final = {
    "Pharmacy": "fixmedins_type = '2'",
    "Hospital": "fixmedins_type IS DISTINCT FROM '2'",
}


@cache
def sources() -> dict[str, Source]:
    """The labels whose nodes have a record in a table of their own."""
    return {
        label: Source(node.table.name, node.key, node.caption, _CONDITIONS.get(label, "true"))
        for label, node in graph_schema().nodes.items()
        if node.table is not None and node.key is not None
    }


@dataclass(frozen=True, slots=True)
class Hit:
    """One thing found by a search: its label and key, its name if it has one."""

    label: str
    key: str
    name: str | None


def search(connection: duckdb.DuckDBPyConnection, text: str, limit: int = 20) -> list[Hit]:
    """What `text` names: exact keys first, then keys and names that begin with it, then those that contain it."""
    wanted = text.strip()
    if not wanted:
        return []
    branches = []
    for label, source in sources().items():
        if not graph_schema().nodes[label].searched:  # a settlement or a tip is found by its whole number only
            branches.append(
                f"SELECT '{label}', {source.key}, CAST(NULL AS VARCHAR), 0 FROM {source.table}"
                f" WHERE {source.key} = $text"
            )
            continue
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
    rows = connection.execute(
        f"SELECT label, key, name FROM ({' UNION ALL '.join(branches)}) ORDER BY rank, label, key LIMIT {int(limit)}",
        {"text": wanted},
    ).fetchall()
    return [Hit(*row) for row in rows]


def names(connection: duckdb.DuckDBPyConnection, things: Iterable[tuple[str, str]]) -> dict[tuple[str, str], str]:
    """The names of `(label, key)` pairs that have one, each looked up in its table."""
    wanted: dict[str, list[str]] = {}
    for label, key in set(things):
        if label in sources() and sources()[label].name:
            wanted.setdefault(label, []).append(key)
    found: dict[tuple[str, str], str] = {}
    for label, keys in wanted.items():
        source = sources()[label]
        rows = connection.execute(
            f"SELECT {source.key}, {source.name} FROM {source.table}"
            f" WHERE {source.key} IN (SELECT unnest($keys)) AND {source.name} IS NOT NULL",
            {"keys": keys},
        ).fetchall()
        found |= {(label, key): name for key, name in rows}
    return found


def record(connection: duckdb.DuckDBPyConnection, label: str, key: str) -> list[tuple[Column, Any]]:
    """The entity's own row as (column, value) in the contract's order, empty fields left out; [] for a bare node."""
    source = sources().get(label)
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
