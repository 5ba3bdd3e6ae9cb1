"""Large tables in a few lines: canonical Parquet straight from SELECTs, for data that no loop should write row by row.

written(folder, {"settlements": "SELECT 's' || i AS setl_id, … FROM range(100000) t(i)"})
"""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

import duckdb

from ringtrace.data_schema import tables
from ringtrace.loaders.sources import Source
from ringtrace.workspace import Workspace


def written(folder: Path, selects: Mapping[str, str]) -> Workspace:
    """A workspace in `folder/workspace` of these tables; columns that a SELECT does not give are NULL.

    Each table is its own source file too, in the order the rows were written, so that evidence leads back to it.
    """
    workspace = Workspace(folder / "workspace", create=True)
    listed: dict[str, list[str]] = {}
    sources = []
    with workspace.writing(), duckdb.connect() as connection:
        for part in ("tables", "sources"):
            (workspace.path / part).mkdir(exist_ok=True)
        for number, (name, sql) in enumerate(selects.items(), start=1):
            given = {column[0] for column in connection.execute(f"SELECT * FROM ({sql}) LIMIT 0").description or ()}
            own = {"_source": str(number), "_row": "row_number() OVER ()"} | {column: column for column in given}
            cells = ", ".join(
                f"CAST({own.get(column, 'NULL')} AS {sql_type}) AS {column}"
                for column, sql_type in tables()[name].sql_columns.items()
            )
            listed[name] = [f"tables/{name}-1.parquet"]
            table, landing = workspace.path / listed[name][0], f"sources/{name}-1.parquet"
            headers = tuple(column.name for column in tables()[name].columns)
            texts = ", ".join(f"CAST({column} AS VARCHAR) AS {column}" for column in headers)
            connection.execute(f"COPY (SELECT {cells} FROM ({sql})) TO '{table}' (FORMAT parquet)")
            connection.execute(f"COPY (SELECT {texts} FROM '{table}') TO '{workspace.path / landing}' (FORMAT parquet)")
            sources.append(Source(number, f"{name}.csv", name, "", 0, 0, headers, landing, False, None, name))
        workspace.commit(
            {
                "tables": listed,
                "sources": [source.to_dict() for source in sources],
                "quarantine": [],
                "reconciliation": [],
            }
        )
    return workspace
