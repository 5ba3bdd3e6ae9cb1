"""What settlements and their items have to say about each other: the signs of refunds, and the sums."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import duckdb

from ringtrace.loaders.checking import literal
from ringtrace.loaders.linking import PART_OPTIONS, Linked, stored

REFUNDED_ITEM = "setl_id$ IN (SELECT setl_id FROM refunds)"
"""SQL over raw item columns: the item belongs to a refund. Needs the table that `find_refunds` makes."""


def find_refunds(connection: duckdb.DuckDBPyConnection, delivered: str | None) -> bool:
    """Table `refunds` with the ids of the refunding settlements, stored ones and those of the relation `delivered`.

    False if there are none.
    """
    query = "SELECT setl_id FROM settlements WHERE refd_setl_flag = '1'"
    if delivered is not None:
        query += f" UNION SELECT setl_id FROM ({delivered}) WHERE refd_setl_flag = '1'"
    connection.execute(f"CREATE OR REPLACE TEMP TABLE refunds AS {query}")
    return connection.execute("SELECT 1 FROM refunds LIMIT 1").fetchone() is not None


def turn_stored_items(
    connection: duckdb.DuckDBPyConnection, existing: Sequence[Path], target: Path, linked: Linked
) -> None:
    """Make items negative that were stored before their settlement was known to be a refund."""
    if not existing:
        return
    outdated = [f"{file}|{row}" for file, rows in linked.outdated.items() for row in rows]
    connection.execute(
        f"CREATE OR REPLACE TEMP TABLE turned AS SELECT * REPLACE (-abs(cnt) AS cnt,"
        f" -abs(det_item_fee_sumamt) AS det_item_fee_sumamt) FROM {stored(existing)}"
        " WHERE setl_id IN (SELECT setl_id FROM refunds) AND (cnt > 0 OR det_item_fee_sumamt > 0)"
        " AND filename || '|' || file_row_number NOT IN (SELECT unnest(?::VARCHAR[]))",
        [outdated],
    )
    places = connection.execute("SELECT filename, file_row_number FROM turned").fetchall()
    if not places:
        return
    connection.execute(
        f"COPY (SELECT * EXCLUDE (filename, file_row_number) FROM turned) TO {literal(str(target))} {PART_OPTIONS}"
    )
    linked.parts.append(target)
    for file, row in places:
        linked.outdated.setdefault(file, []).append(row)


def sum_of_items_warning(connection: duckdb.DuckDBPyConnection, items: Sequence[Path]) -> str:
    """SQL of a settlement's `_warnings` (prefix `t.`), with a mark where its items do not add up to its total.

    A settlement without items has nothing to compare.
    """
    if not items:
        return "t._warnings"
    listed = ", ".join(literal(str(file)) for file in items)
    connection.execute(
        f"CREATE OR REPLACE TEMP TABLE item_sums AS SELECT setl_id, sum(det_item_fee_sumamt) AS total"
        f" FROM read_parquet([{listed}]) GROUP BY setl_id"
    )
    total = "(SELECT total FROM item_sums i WHERE i.setl_id = t.setl_id)"
    return (
        f"nullif(concat_ws('|', t._warnings, CASE WHEN {total} <> t.medfee_sumamt"
        " THEN 'medfee_sumamt:sum_of_items' END), '')"
    )
