"""From the keys that drafts cite to the source rows behind them and the yuan that they add up to."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass
from decimal import Decimal

import duckdb
import pyarrow as pa

from ringtrace.data_schema import tables as declared_tables
from ringtrace.detectors.arrays import materialise
from ringtrace.detectors.detector import Draft
from ringtrace.findings import EvidenceRef
from ringtrace.loaders import source_rows
from ringtrace.workspace import Workspace


@dataclass(frozen=True, slots=True)
class Citation:
    """Per draft, by its number: the evidence with file, row and hash, and the amount at risk in yuan."""

    rows: dict[int, tuple[EvidenceRef, ...]]
    amounts: dict[int, Decimal]


def cite(tables: duckdb.DuckDBPyConnection, workspace: Workspace, drafts: Sequence[Draft]) -> Citation:
    """Resolve every cited key once, however many drafts cite it.

    Raises
    ------
    LookupError
        If a draft cites a row that does not exist: a bug of that detector, never of the data.
    """
    cited = sorted({(number, row.table, row.key) for number, draft in enumerate(drafts) for row in draft.evidence})
    materialise(
        tables,
        "cited",
        {
            "draft": pa.array([number for number, _, _ in cited], pa.int64()),
            "cited": pa.array([table for _, table, _ in cited], pa.string()),
            "key": pa.array([key for _, _, key in cited], pa.string()),
        },
    )
    origin = _origins(workspace, cited)
    rows: dict[int, list[EvidenceRef]] = {number: [] for number in range(len(drafts))}
    for number, table, key in cited:
        if (table, key) not in origin:
            raise LookupError(f"evidence cites {table} {key!r}, which is not in the workspace")
        rows[number].append(origin[table, key])
    amounts = _amounts(tables)
    tables.execute("DROP TABLE cited")
    return Citation({number: tuple(each) for number, each in rows.items()}, amounts)


def _origins(workspace: Workspace, cited: Sequence[tuple[int, str, str]]) -> dict[tuple[str, str], EvidenceRef]:
    keys: dict[str, set[str]] = defaultdict(set)
    for _, table, key in cited:
        keys[table].add(key)
    found: dict[tuple[str, str], EvidenceRef] = {}
    for name in sorted(keys):
        located = source_rows(workspace, name, sorted(keys[name]))
        for _, key, file, row, digest in located.itertuples(index=False):
            found[name, key] = EvidenceRef(name, key, file, int(row), digest)
    return found


def _amounts(tables: duckdb.DuckDBPyConnection) -> dict[int, Decimal]:
    """Sum per draft over its distinct settlements, and over items of settlements that it does not cite themselves."""
    item_key = declared_tables()["settlement_items"].key_sql("t")
    sums = tables.execute(
        f"""
        WITH keys AS (
            SELECT DISTINCT draft, cited, key FROM cited WHERE cited IN ('settlements', 'settlement_items')
        ), settled AS (
            SELECT k.draft, t.setl_id, t.medfee_sumamt AS amount
            FROM keys k JOIN settlements t ON k.cited = 'settlements' AND t.setl_id = k.key
        ), itemised AS (
            SELECT k.draft, t.setl_id, t.det_item_fee_sumamt AS amount
            FROM keys k JOIN (
                SELECT {item_key} AS key, t.setl_id, t.det_item_fee_sumamt FROM settlement_items t
                WHERE {item_key} IN (SELECT key FROM keys WHERE cited = 'settlement_items')
            ) t ON k.cited = 'settlement_items' AND t.key = k.key
            WHERE (k.draft, t.setl_id) NOT IN (SELECT (draft, setl_id) FROM settled)
        )
        SELECT draft, sum(amount) FROM (SELECT * FROM settled UNION ALL SELECT * FROM itemised) GROUP BY draft
        """
    ).fetchall()
    return {int(draft): Decimal(amount) for draft, amount in sums}
