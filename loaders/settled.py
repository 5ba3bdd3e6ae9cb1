"""What settlements and their items have to say about each other: the signs of refunds, and the sums."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Final

import duckdb

from ringtrace.data_schema import tables
from ringtrace.loaders.checking import literal
from ringtrace.loaders.linking import PART_OPTIONS, Linked, stored
from ringtrace.workspace import stored_rows

REFUNDED_ITEM = "setl_id$ IN (SELECT setl_id FROM refunds)"
"""SQL over raw item columns: the item belongs to a refund. Needs the table that `find_refunds` makes."""


SUM_OF_ITEMS: Final = "medfee_sumamt:sum_of_items"
_MARK: Final = literal(SUM_OF_ITEMS)


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
        f" -abs(det_item_fee_sumamt) AS det_item_fee_sumamt) FROM {stored(tables()['settlement_items'], existing)}"
        " WHERE setl_id IN (SELECT setl_id FROM refunds) AND (cnt > 0 OR det_item_fee_sumamt > 0)"
        " AND filename || '|' || file_row_number NOT IN (SELECT unnest(?::VARCHAR[]))",
        [outdated],
    )
    _restate(connection, "turned", target, linked)


def sum_items(connection: duckdb.DuckDBPyConnection, items: Sequence[Path]) -> None:
    """Table `item_sums`: what the items of each settlement add up to, from the item table's files as they now are."""
    connection.execute(
        f"CREATE OR REPLACE TEMP TABLE item_sums AS SELECT setl_id, sum(det_item_fee_sumamt) AS total"
        f" FROM ({stored_rows(tables()['settlement_items'], items)}) GROUP BY setl_id"
    )


SUM_WARNING = (
    "nullif(concat_ws('|', t._warnings, CASE WHEN (SELECT total FROM item_sums i WHERE i.setl_id = t.setl_id)"
    f" <> t.medfee_sumamt THEN {literal(SUM_OF_ITEMS)} END), '')"
)
"""SQL of a settlement's `_warnings` (prefix `t.`), with a mark where its items do not add up to its total.

A settlement without items has nothing to compare. Needs the table that `sum_items` makes.
"""


def refresh_sums(connection: duckdb.DuckDBPyConnection, existing: Sequence[Path], target: Path, linked: Linked) -> None:
    """Set or take back the mark of stored settlements whose items came, or were corrected, without them."""
    outdated = [f"{file}|{row}" for file, rows in linked.outdated.items() for row in rows]
    other = f"nullif(array_to_string(list_filter(string_split(_warnings, '|'), lambda w: w <> {_MARK}), '|'), '')"
    connection.execute(
        f"CREATE OR REPLACE TEMP TABLE refreshed AS SELECT * EXCLUDE (differs, total) REPLACE ("
        f" nullif(concat_ws('|', {other}, CASE WHEN differs THEN {_MARK} END), '') AS _warnings)"
        f" FROM (SELECT s.*, total, coalesce(total <> medfee_sumamt, false) AS differs"
        f" FROM {stored(tables()['settlements'], existing)} s LEFT JOIN item_sums USING (setl_id))"
        f" WHERE differs <> coalesce(list_contains(string_split(_warnings, '|'), {_MARK}), false)"
        " AND filename || '|' || file_row_number NOT IN (SELECT unnest(?::VARCHAR[]))",
        [outdated],
    )
    _restate(connection, "refreshed", target, linked)


def _restate(connection: duckdb.DuckDBPyConnection, table: str, target: Path, linked: Linked) -> None:
    """Let the rows of a temporary table stand instead of the stored ones whose places it names."""
    places = connection.execute(f"SELECT filename, file_row_number FROM {table}").fetchall()
    if not places:
        return
    connection.execute(
        f"COPY (SELECT * EXCLUDE (filename, file_row_number) FROM {table}) TO {literal(str(target))} {PART_OPTIONS}"
    )
    linked.parts.append(target)
    for file, row in places:
        linked.outdated.setdefault(file, []).append(row)
