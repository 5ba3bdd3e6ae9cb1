"""Link and write: checked rows of one table against each other and against what is loaded, then into Parquet parts.

Outcome of a row, by its key:

    loaded      the key was not there
    replaced    the key was there with other content; the row now stands instead
    identical   the row changes nothing: what the delivery finally says for its key stood there already, or it repeats
                the row before it

The last row of a key within a delivery is the one that stays. Rows are compared by a 64-bit hash of their content, only
where their keys are equal; two different contents pass for equal once in 2·10¹⁹ comparisons.

Most rows of a delivery have a key of their own and meet nothing in the workspace. They are told from the *contested*
ones by hashes of their keys, so that the costly work (windows, comparisons) is done for contested rows alone.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path

import duckdb

from ringtrace.data_schema import ORDINAL, Table
from ringtrace.loaders.checking import PROBLEMS, literal
from ringtrace.loaders.preset import SKIP, VOIDED
from ringtrace.loaders.sources import Source
from ringtrace.workspace import stored_rows

PART_OPTIONS = "(FORMAT parquet, COMPRESSION zstd)"


@dataclass(slots=True)
class Linked:
    """What became of a table's rows.

    `outcomes`: (source number, outcome) → rows, of primary rows; `derived`: outcome → rows, of derived ones. `part` is
    the new Parquet file, None if no row was written; `outdated`: file → row numbers (from 0) that no longer stand.
    """

    outcomes: Counter[tuple[int, str]] = field(default_factory=Counter)
    derived: Counter[str] = field(default_factory=Counter)
    parts: list[Path] = field(default_factory=list)
    outdated: dict[str, list[int]] = field(default_factory=dict)
    removed: int = 0


@dataclass(frozen=True, slots=True)
class Checked:
    """The checked rows of a table: a relation of its typed columns and of
    `_source`, `_row`, `_skip`, `_warnings` and `_problems`.
    """

    table: Table
    relation: str
    delivered: Sequence[Source]

    @property
    def position(self) -> str:
        """SQL: where in the delivery a row's file stands; source numbers tell only when a file was first seen."""
        numbers = ", ".join(str(source.number) for source in self.delivered)
        return f"list_position([{numbers}]::INTEGER[], _source)"

    @property
    def copy(self) -> str:
        """SQL: how many files of the delivery before the row's own have the very same content.

        Equal movements in two parts of one ledger are two; in two copies of one file they are one.
        """
        seen: Counter[tuple[str, str]] = Counter()
        copies = []
        for source in self.delivered:
            content = (source.sha256, source.name.partition("#")[2])  # a workbook's sheets share the file's hash
            copies.append(seen[content])
            seen[content] += 1
        return f"[{', '.join(map(str, copies))}][{self.position}]" if any(copies) else "0"

    @property
    def keys(self) -> str:
        return ", ".join(self.table.key)


def key_hash(table: Table) -> str:
    return f"hash({', '.join(table.key)})"


def content_hash(table: Table) -> str:
    return f"hash({', '.join(column.name for column in table.columns)})"


def same_key(table: Table, left: str, right: str) -> str:
    return " AND ".join(f"{left}.{name} IS NOT DISTINCT FROM {right}.{name}" for name in table.key)


def stored(table: Table, files: Sequence[Path]) -> str:
    """Relation of the table's rows in the workspace, with the file and the row number of each."""
    return f"({stored_rows(table, files, places=True)})"


def survey_rows(connection: duckdb.DuckDBPyConnection, checked: Checked) -> None:
    """Evaluate all checks once: table `surveyed` with (_source, _row, _skip, k, _problems) of each row."""
    connection.execute(
        f"CREATE OR REPLACE TEMP TABLE surveyed AS SELECT _source, _row, {SKIP}, {key_hash(checked.table)} AS k,"
        f" CASE WHEN {SKIP} IS NULL THEN {PROBLEMS} END AS {PROBLEMS} FROM ({checked.relation})"
    )


def link_rows(
    connection: duckdb.DuckDBPyConnection, checked: Checked, existing: Sequence[Path], target: Path, warnings: str
) -> Linked:
    """Decide every surveyed row's outcome and write those that stay to `target`.

    `warnings` is the SQL of the column `_warnings`; it may name the row's own columns with the prefix `t.`.
    """
    table = checked.table
    linked = Linked()
    _find_contested(connection, table, existing)
    connection.execute(
        f"CREATE OR REPLACE TEMP TABLE excluded AS SELECT _source, _row FROM surveyed"
        f" WHERE {PROBLEMS} IS NOT NULL OR {SKIP} IS NOT NULL"
    )
    contested = _count(connection, "contested_keys") > 0
    if contested:
        _decide(connection, checked, existing, linked)
        connection.execute("INSERT INTO excluded SELECT _source, _row FROM decided WHERE NOT stays")
    for source, rows in connection.execute(
        f"SELECT _source, count(*) FROM surveyed WHERE {PROBLEMS} IS NULL AND {SKIP} IS NULL"
        " AND k NOT IN (SELECT k FROM contested_keys) GROUP BY _source"
    ).fetchall():
        linked.outcomes[source, "loaded"] += rows
    if _count(connection, "surveyed") > _count(connection, "excluded"):
        ordinal = f"coalesce(d.{ORDINAL}, 1) AS {ORDINAL}, " if table.ordinal else ""
        joined = "LEFT JOIN decided d USING (_source, _row)" if table.ordinal and contested else ""
        if not joined:
            ordinal = ordinal.replace(f"coalesce(d.{ORDINAL}, 1)", "CAST(1 AS INTEGER)")
        own = ", ".join(f"t.{column.name}" for column in table.columns)
        connection.execute(
            f"COPY (SELECT {own}, {ordinal}t._source, t._row, {warnings} AS _warnings"
            f" FROM ({checked.relation}) t {joined}"
            f" WHERE NOT EXISTS (FROM excluded e WHERE e._source = t._source AND e._row = t._row))"
            f" TO {literal(str(target))} {PART_OPTIONS}"
        )
        linked.parts.append(target)
    return linked


def _find_contested(connection: duckdb.DuckDBPyConnection, table: Table, existing: Sequence[Path]) -> None:
    met = (
        f"SELECT {key_hash(table)} AS k FROM {stored(table, existing)}"
        if existing
        else "SELECT 0::UBIGINT AS k WHERE false"
    )
    connection.execute(
        f"CREATE OR REPLACE TEMP TABLE contested_keys AS SELECT k FROM surveyed"
        f" WHERE {PROBLEMS} IS NULL AND {SKIP} IS NULL GROUP BY k HAVING count(*) > 1"
        f" UNION SELECT k FROM ({met}) SEMI JOIN surveyed USING (k)"
    )


def _decide(connection: duckdb.DuckDBPyConnection, checked: Checked, existing: Sequence[Path], linked: Linked) -> None:
    """Table `decided`: outcome of each contested row, and whether it is the one that stays."""
    table, keys = checked.table, checked.keys
    rank = f"PARTITION BY {checked.copy}, {SKIP} IS NULL, {keys} ORDER BY {checked.position}, _row"
    ordinal = f"row_number() OVER ({rank})" if table.ordinal else "1"
    stored_ordinal = ORDINAL if table.ordinal else "1"
    nothing = f"SELECT {keys}, 0 AS {ORDINAL}, 0::UBIGINT AS content, '' AS filename, 0 AS file_row_number"
    met = (
        f"SELECT {keys}, {stored_ordinal} AS {ORDINAL}, {content_hash(table)} AS content, filename, file_row_number"
        f" FROM {stored(table, existing)} WHERE {key_hash(table)} IN (SELECT k FROM contested_keys)"
        if existing
        else f"{nothing} FROM ({checked.relation}) WHERE false"
    )
    connection.execute(f"CREATE OR REPLACE TEMP TABLE met AS {met}")
    connection.execute(
        f"CREATE OR REPLACE TEMP TABLE contested AS SELECT _source, _row, {SKIP}, {keys}, {checked.position} AS place,"
        f" {content_hash(table)} AS content, CAST({ordinal} AS INTEGER) AS {ORDINAL} FROM ({checked.relation})"
        f" WHERE {key_hash(table)} IN (SELECT k FROM contested_keys)"
        f" AND ({SKIP} IS NOT NULL OR {PROBLEMS} IS NULL)"
    )
    connection.execute(
        f"""
        CREATE OR REPLACE TEMP TABLE decided AS
        WITH chain AS (
            SELECT *, lag(content) OVER w AS previous, lead(content) OVER w IS NULL AS is_last,
                last_value(content) OVER (w ROWS BETWEEN UNBOUNDED PRECEDING AND UNBOUNDED FOLLOWING) AS final
            FROM contested WHERE {SKIP} IS NULL
            WINDOW w AS (PARTITION BY {keys}, {ORDINAL} ORDER BY place, _row)
        )
        SELECT c._source, c._row, c.{ORDINAL}, c.final,
            CASE
                WHEN c.final = m.content THEN 'identical'
                WHEN coalesce(c.previous, m.content) IS NULL THEN 'loaded'
                WHEN coalesce(c.previous, m.content) = c.content THEN 'identical'
                ELSE 'replaced'
            END AS outcome,
            c.is_last AND c.final IS DISTINCT FROM m.content AS stays,
            CASE WHEN c.final <> m.content THEN m.filename END AS filename, m.file_row_number
        FROM chain c LEFT JOIN met m ON {same_key(table, "c", "m")} AND c.{ORDINAL} = m.{ORDINAL}
        """
    )
    for source, outcome, rows in connection.execute(
        "SELECT _source, outcome, count(*) FROM decided GROUP BY ALL"
    ).fetchall():
        linked.outcomes[source, outcome] += rows
    replaced = connection.execute(
        "SELECT DISTINCT filename, file_row_number FROM decided WHERE filename IS NOT NULL"
    ).fetchall()
    removed = [] if table.ordinal else _voided_since(connection, table)
    linked.removed = len(removed)
    for file, row in [*replaced, *removed]:
        linked.outdated.setdefault(file, []).append(row)


def _voided_since(connection: duckdb.DuckDBPyConnection, table: Table) -> list[tuple[str, int]]:
    """Stored rows whose key this delivery declares void and does not state anew.

    Not for ledgers, whose keys do not tell which of several equal movements is meant.
    """
    void = f"FROM contested c WHERE c.{SKIP} = {literal(VOIDED)} AND {same_key(table, 'c', 'm')}"
    stated = f"FROM contested c WHERE c.{SKIP} IS NULL AND {same_key(table, 'c', 'm')}"
    return connection.execute(
        f"SELECT DISTINCT filename, file_row_number FROM met m WHERE EXISTS ({void}) AND NOT EXISTS ({stated})"
    ).fetchall()


def link_derived(
    connection: duckdb.DuckDBPyConnection,
    table: Table,
    existing: Sequence[Path],
    authoritative: Sequence[int],
    target: Path,
    linked: Linked,
) -> None:
    """Link the rows of the temporary table `derived` (one a key) whose key no primary row of this delivery has.

    A stored row that came from a table of its own (its source is in `authoritative`) keeps its values and is only
    filled where it is empty; one that was derived itself takes the new values.
    """
    columns = [column.name for column in table.columns]
    met = f"SELECT * FROM {stored(table, existing)} WHERE {key_hash(table)} IN (SELECT {key_hash(table)} FROM derived)"
    sources = ", ".join(map(str, authoritative)) or "NULL"
    merged = ", ".join(
        f"CASE WHEN e._source IN ({sources}) THEN coalesce(e.{name}, d.{name})"
        f" ELSE coalesce(d.{name}, e.{name}) END AS {name}"
        for name in columns
    )
    lineage = ", ".join(
        f"CASE WHEN e._source IN ({sources}) THEN e.{name} ELSE d.{name} END AS {name}"
        for name in ("_source", "_row", "_warnings")
    )
    before = ", ".join(f"e.{name}" for name in columns)
    known = f"e.filename IS NOT NULL AS known, hash({before}) AS earlier, e.filename, e.file_row_number"
    connection.execute(
        f"CREATE OR REPLACE TEMP TABLE merged AS SELECT {merged}, {lineage}, {known}"
        f" FROM derived d LEFT JOIN ({met}) e ON {same_key(table, 'd', 'e')}"
        f" WHERE {key_hash(table).replace('(', '(d.').replace(', ', ', d.')} NOT IN"
        f" (SELECT k FROM surveyed WHERE {PROBLEMS} IS NULL AND {SKIP} IS NULL)"
    )
    outcome = (
        f"CASE WHEN NOT known THEN 'loaded' WHEN earlier = {content_hash(table)} THEN 'identical' ELSE 'replaced' END"
    )
    linked.derived.update(dict(connection.execute(f"SELECT {outcome}, count(*) FROM merged GROUP BY 1").fetchall()))
    if linked.derived["loaded"] + linked.derived["replaced"] == 0:
        return
    own = ", ".join(columns)
    connection.execute(
        f"COPY (SELECT {own}, _source, _row, _warnings FROM merged WHERE {outcome} <> 'identical')"
        f" TO {literal(str(target))} {PART_OPTIONS}"
    )
    linked.parts.append(target)
    for file, row in connection.execute(
        f"SELECT filename, file_row_number FROM merged WHERE {outcome} = 'replaced'"
    ).fetchall():
        linked.outdated.setdefault(file, []).append(row)


def _count(connection: duckdb.DuckDBPyConnection, table: str) -> int:
    found = connection.execute(f"SELECT count(*) FROM {table}").fetchone()
    assert found is not None
    return int(found[0])
