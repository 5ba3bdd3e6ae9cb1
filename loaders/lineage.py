"""From a canonical row back to the row as it came, with a hash that anyone can recompute.

The SHA-256 of a source row is that of its cells, in the order of the file's columns, written as a JSON array of strings
without blanks, in UTF-8; an empty cell is `""`. Without this software:

    hashlib.sha256(json.dumps(cells, ensure_ascii=False, separators=(",", ":")).encode()).hexdigest()

where `cells` is a row of `csv.reader` over the delivered file.
"""

from __future__ import annotations

import hashlib
import json
from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq

from ringtrace.data_schema import tables
from ringtrace.findings import EvidenceRef
from ringtrace.loaders.sources import Source
from ringtrace.workspace import Workspace


@dataclass(frozen=True, slots=True)
class OriginalRow:
    """A source row as it came: where it stands, and its cells by header, in the file's order."""

    table: str
    key: str
    file: str
    row: int
    sha256: str
    cells: Mapping[str, str]


def row_sha256(cells: Iterable[str]) -> str:
    """SHA-256 of a row's cells, as the module says."""
    written = json.dumps(list(cells), ensure_ascii=False, separators=(",", ":"))
    return hashlib.sha256(written.encode()).hexdigest()


def source_rows(workspace: Workspace, table: str, keys: Sequence[str]) -> pd.DataFrame:
    """Where rows of a canonical table came from: table, key, file, row, sha256.

    Parameters
    ----------
    keys:
        Keys as findings cite them (`Table.key_sql`). A key that the table does not hold has no line in the result.

    Returns
    -------
    pandas.DataFrame
        One line for each key found, in the order of `keys`; `row` counts from 1.
    """
    rows = [(row.table, row.key, row.file, row.row, row.sha256) for row in _rows(workspace, table, keys)]
    return pd.DataFrame(rows, columns=["table", "key", "file", "row", "sha256"])


def original_rows(workspace: Workspace, refs: Iterable[EvidenceRef]) -> list[OriginalRow]:
    """The source rows that evidence cites, in its order; a reference whose row is no longer stored is left out."""
    wanted: dict[str, list[str]] = defaultdict(list)
    refs = list(refs)
    for ref in refs:
        wanted[ref.table].append(ref.key)
    found = {(row.table, row.key): row for table, keys in wanted.items() for row in _rows(workspace, table, keys)}
    return [found[ref.table, ref.key] for ref in refs if (ref.table, ref.key) in found]


def _rows(workspace: Workspace, table: str, keys: Sequence[str]) -> Iterator[OriginalRow]:
    manifest = workspace.manifest()
    sources = {raw["number"]: Source.from_dict(raw) for raw in manifest["sources"]}
    wanted = pa.table({"key": pa.array(dict.fromkeys(keys), pa.string())})
    with workspace.connect() as connection:
        connection.register("wanted", wanted)
        located = connection.execute(
            f"SELECT {tables()[table].key_sql('t')} AS key, _source, _row FROM {table} t"
            f" WHERE {tables()[table].key_sql('t')} IN (SELECT key FROM wanted)"
        ).fetchall()
    by_source: dict[int, list[tuple[str, int]]] = defaultdict(list)
    for key, number, row in located:
        by_source[number].append((key, row))
    found: dict[str, OriginalRow] = {}
    for number, places in by_source.items():
        source = sources[number]
        cells = _cells(workspace.path / source.landing, source.numbered, sorted({row for _, row in places}))
        for key, row in places:
            found[key] = OriginalRow(
                table, key, source.name, row, row_sha256(cells[row]), dict(zip(source.headers, cells[row], strict=True))
            )
    for key in dict.fromkeys(keys):
        if key in found:
            yield found[key]


def _cells(landing: Path, numbered: bool, rows: Sequence[int]) -> dict[int, tuple[str, ...]]:
    """Cells of the given rows; only the row groups that hold one of them are read."""
    cells: dict[int, tuple[str, ...]] = {}
    with pq.ParquetFile(landing) as file:
        start = 0
        for group in range(file.num_row_groups):
            size = file.metadata.row_group(group).num_rows
            numbers = (
                file.read_row_group(group, columns=["_row"])["_row"].to_numpy()
                if numbered
                else np.arange(start + 1, start + size + 1)
            )
            start += size
            hit = np.flatnonzero(np.isin(numbers, rows))
            if hit.size == 0:
                continue
            names = [name for name in file.schema_arrow.names if not (numbered and name == "_row")]
            part = file.read_row_group(group, columns=names).take(hit)
            columns = [part.column(name).to_pylist() for name in names]
            for number, *row in zip(numbers[hit].tolist(), *columns, strict=True):
                cells[number] = tuple(cell or "" for cell in row)
    return cells
