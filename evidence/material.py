"""What an export is made of: the cited rows of its findings and the records of everyone and everything in them.

All of it comes from the canonical tables, so that an export needs no graph.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any, Final

import duckdb

from ringtrace.data_schema import tables
from ringtrace.findings import EvidenceRef, Finding

Row = dict[str, Any]
KEY: Final = "_key"
"""Name under which a row carries its key, as `Table.key_sql` writes it."""


@dataclass(frozen=True, slots=True)
class Material:
    """Findings, the rows that they cite, and the records that say who and what those rows are about.

    `rows` maps a table to its rows (column → value, and `KEY`), in order of key; `cited` holds every distinct source
    row that a finding names, with file, row and hash where the lineage is known.
    """

    findings: tuple[Finding, ...]
    rows: dict[str, list[Row]]
    cited: tuple[EvidenceRef, ...]

    def by_key(self, table: str) -> dict[str, Row]:
        return {row[KEY]: row for row in self.rows.get(table, [])}


def collect(connection: duckdb.DuckDBPyConnection, findings: Sequence[Finding]) -> Material:
    """Read what `findings` cite and whom they name from the canonical tables (views of `Workspace.connect`)."""
    cited: dict[tuple[str, str], EvidenceRef] = {}
    for finding in findings:
        for ref in finding.evidence:
            cited.setdefault((ref.table, ref.key), ref)
    keys: dict[str, set[str]] = defaultdict(set)
    for table, key in cited:
        keys[table].add(key)

    rows: dict[str, list[Row]] = {}
    for name in ("settlement_items", "inventory", "tips"):
        rows[name] = _rows(connection, name, tables()[name].key_sql("t"), keys[name])
    keys["settlements"] |= _values(rows["settlement_items"], "setl_id")
    rows["settlements"] = _rows(connection, "settlements", "t.setl_id", keys["settlements"])

    members: dict[str, set[str]] = defaultdict(set)
    for finding in findings:
        for member in finding.members:
            members[member.label].add(member.id)
    settled, items, moved = rows["settlements"], rows["settlement_items"], rows["inventory"]
    keys["cards"] |= members["Card"] | _values(settled, "mdtrt_cert_no")
    rows["cards"] = _rows(connection, "cards", "t.mdtrt_cert_no", keys["cards"])
    keys["persons"] |= members["Patient"] | _values(settled, "psn_no") | _values(rows["cards"], "psn_no")
    keys["institutions"] |= members["Pharmacy"] | members["Hospital"]
    keys["institutions"] |= _values(settled, "fixmedins_code") | _values(moved, "fixmedins_code")
    keys["practitioners"] |= members["Doctor"] | _values(settled, "chfpdr_code") | _values(items, "bilg_dr_code")
    keys["drugs"] |= members["Drug"] | _values(items, "med_list_codg") | _values(moved, "med_list_codg")
    for name in ("persons", "institutions", "practitioners", "drugs"):
        rows[name] = _rows(connection, name, f"t.{tables()[name].key[0]}", keys[name])
    order = {name: place for place, name in enumerate(tables())}
    return Material(
        findings=tuple(findings),
        rows={name: rows[name] for name in tables()},
        cited=tuple(sorted(cited.values(), key=lambda ref: (order[ref.table], ref.key))),
    )


def _rows(connection: duckdb.DuckDBPyConnection, table: str, column: str, values: Iterable[str]) -> list[Row]:
    wanted = sorted(values)
    if not wanted:
        return []
    found = connection.execute(
        f"SELECT t.*, {tables()[table].key_sql('t')} AS {KEY} FROM {table} t "
        f"WHERE {column} IN (SELECT unnest(?::VARCHAR[])) ORDER BY {KEY}",
        [wanted],
    )
    names = [column[0] for column in found.description or ()]
    return [dict(zip(names, row, strict=True)) for row in found.fetchall()]


def _values(rows: Iterable[Row], column: str) -> set[str]:
    return {row[column] for row in rows if row[column] is not None}
