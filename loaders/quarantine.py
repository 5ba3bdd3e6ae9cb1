"""Rows that broke a rule: kept as they came, with every rule they broke, and counted."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import duckdb
import pandas as pd

from ringtrace.errors import RingTraceError
from ringtrace.loaders.checking import PROBLEMS, literal
from ringtrace.loaders.preset import SKIP
from ringtrace.loaders.reading import identifier
from ringtrace.loaders.sources import Source
from ringtrace.texts import default_language, text
from ringtrace.workspace import Workspace

SHOWN_LENGTH = 80


def write_quarantine(
    connection: duckdb.DuckDBPyConnection, workspace: Path, source: Source, cells: str | None, target: Path
) -> int:
    """Write the bad rows of one source to `target` and return their number; no file if there are none.

    `cells` is the relation of the contract's columns as text, from which the offending values are quoted; the rules
    broken stand in the temporary table `surveyed`. None if no row of the source was checked.
    """
    file = literal(str(workspace / source.landing))
    parts = []
    if source.bad is not None:
        parts.append(
            "SELECT row AS _row, raw, [{'column': NULL::VARCHAR, 'code': code, 'value': NULL::VARCHAR}] AS problems"
            f" FROM read_parquet({literal(str(workspace / source.bad))})"
        )
    if cells is not None:
        row = "_row" if source.numbered else "file_row_number + 1 AS _row"
        names = ", ".join(identifier(header) for header in source.headers)
        as_it_came = ", ".join(f"{literal(h)}, coalesce({identifier(h)}, '')" for h in source.headers)
        parts.append(
            f"SELECT _row, json_object({as_it_came})::VARCHAR AS raw, list_transform(string_split({PROBLEMS}, '|'),"
            " lambda p: {'column': split_part(p, ':', 1), 'code': split_part(p, ':', 2),"
            " 'value': json_extract_string(contract, '$.' || split_part(p, ':', 1))}) AS problems"
            f" FROM (SELECT {row}, {names} FROM read_parquet({file}, file_row_number = {not source.numbered}))"
            f" JOIN (SELECT _row, {PROBLEMS} FROM surveyed WHERE _source = {source.number} AND {PROBLEMS} IS NOT NULL)"
            " USING (_row)"
            f" JOIN (SELECT c._row, to_json(c) AS contract FROM ({cells}) c WHERE c._source = {source.number}"
            f" AND c._row IN (SELECT _row FROM surveyed WHERE _source = {source.number} AND {PROBLEMS} IS NOT NULL))"
            " USING (_row)"
        )
    if not parts:
        return 0
    query = (
        f"SELECT {source.number} AS source, {literal(source.name)} AS file, _row AS row,"
        f' {literal(source.table or "")} AS "table", raw, problems'
        f" FROM ({' UNION ALL BY NAME '.join(parts)}) ORDER BY row"
    )
    counted = connection.execute(
        f"COPY ({query}) TO {literal(str(target))} (FORMAT parquet, COMPRESSION zstd)"
    ).fetchone()
    assert counted is not None
    if counted[0] == 0:
        target.unlink()
    return int(counted[0])


def check_share(
    connection: duckdb.DuckDBPyConnection,
    table: str,
    sources: Sequence[Source],
    limit: float,
    workspace: Path,
    cells: str,
) -> None:
    """Stop the load if more than `limit` of the table's rows are bad.

    Raises
    ------
    RingTraceError
        It names the file, the column and the rule that most of them broke, with an example.
    """
    # Rows that were left out on purpose are none of this table's, and must not make a bad file look good.
    left_out = connection.execute(f"SELECT count(*) FROM surveyed WHERE {SKIP} IS NOT NULL").fetchone()
    assert left_out is not None
    read = sum(source.rows for source in sources) - int(left_out[0])
    uncut = {source: source.bad_rows(workspace) for source in sources}
    checked = connection.execute(f"SELECT count(*) FROM surveyed WHERE {PROBLEMS} IS NOT NULL").fetchone()
    assert checked is not None
    bad = int(checked[0]) + sum(map(len, uncut.values()))
    if bad <= limit * read:
        return
    broken = connection.execute(
        f"SELECT _source, mark, count(*), min(_row) FROM (SELECT _source, _row,"
        f" unnest(string_split({PROBLEMS}, '|')) AS mark FROM surveyed WHERE {PROBLEMS} IS NOT NULL)"
        " GROUP BY _source, mark ORDER BY count(*) DESC, _source, mark LIMIT 1"
    ).fetchone()
    most: tuple[int, str, str, str, str] = (0, "", "", "", "")  # rows, file, column, code, example
    for source, rows in uncut.items():
        if len(rows) > most[0]:
            most = (len(rows), source.name, "", rows[0].code, rows[0].raw[:SHOWN_LENGTH])
    if broken is not None and broken[2] > most[0]:
        number, mark, count, row = broken
        column, code = mark.split(":")
        found = connection.execute(
            f"SELECT {column} FROM ({cells}) WHERE _source = ? AND _row = ?", [number, row]
        ).fetchone()
        value = str(found[0] or "")[:SHOWN_LENGTH] if found else ""
        most = (count, next(each.name for each in sources if each.number == number), column, code, value)
    raise RingTraceError.of(
        "loaders.too_many_bad" if most[2] else "loaders.too_many_damaged",
        table=table,
        read=read,
        bad=bad,
        limit=limit,
        file=most[1],
        column=most[2],
        problem=text(f"loaders.problem.{most[3]}", default_language()),
        remedy=text(f"loaders.remedy.{most[3]}", default_language()),
        count=most[0],
        value=most[4],
    )


def read_quarantine(workspace: Workspace, limit: int | None = None) -> pd.DataFrame:
    """The quarantined rows: file, row, table, raw (the row as it came), problems (list of {column, code, value}).

    The sentence of a code is `loaders.problem.<code>`. Rows are in the order of files and rows; `limit` takes the
    first.
    """
    files = [literal(str(workspace.path / file)) for file in workspace.manifest()["quarantine"]]
    if not files:
        return pd.DataFrame(columns=["file", "row", "table", "raw", "problems"])
    with duckdb.connect() as connection:
        return connection.execute(
            f'SELECT file, row, "table", raw, problems FROM read_parquet([{", ".join(files)}])'
            " ORDER BY source, row LIMIT ?",
            [limit if limit is not None else 2**62],
        ).df()
