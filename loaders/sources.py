"""Source files known to a workspace, and the relations through which presets see them."""

from __future__ import annotations

import os
import shutil
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, Self
from uuid import uuid4

import duckdb
import pyarrow as pa
import pyarrow.parquet as pq

from ringtrace.loaders.checking import literal
from ringtrace.loaders.folder import Found
from ringtrace.loaders.mapping import HeaderMapping
from ringtrace.loaders.reading import BadRow, identifier, read_file

BAD_SCHEMA = pa.schema([("row", pa.int64()), ("code", pa.string()), ("raw", pa.string())])


@dataclass(frozen=True, slots=True)
class Source:
    """A source file as the manifest lists it.

    `number` is the value of `_source` in canonical rows; `sha256` is that of the file as delivered. `landing` and `bad`
    are Parquet files relative to the workspace: the cells of every row, and the rows that could not be cut into cells
    (None if there are none). With `numbered` the landing has a column `_row`; else its rows count from 1. `table` is
    the table whose rows this file's rows are, None if rows were only derived from it.
    """

    number: int
    name: str
    role: str
    sha256: str
    bytes: int
    rows: int
    headers: tuple[str, ...]
    landing: str
    numbered: bool
    bad: str | None
    table: str | None

    @classmethod
    def from_dict(cls, raw: Mapping[str, Any]) -> Self:
        return cls(**{**raw, "headers": tuple(raw["headers"])})

    def to_dict(self) -> dict[str, Any]:
        return asdict(self)

    def relation(self, workspace: Path, mapping: HeaderMapping) -> str:
        """SELECT of the cells under their mapped names, `_source` and `_row`."""
        names = mapped_headers(self.headers, mapping)
        cells = ", ".join(
            f"{identifier(old)} AS {identifier(new)}" for old, new in zip(self.headers, names, strict=True)
        )
        file = literal(str(workspace / self.landing))
        if self.numbered:
            return f"SELECT {cells}, CAST({self.number} AS INTEGER) AS _source, _row FROM read_parquet({file})"
        return (
            f"SELECT {cells}, CAST({self.number} AS INTEGER) AS _source, file_row_number + 1 AS _row"
            f" FROM read_parquet({file}, file_row_number = true)"
        )

    def bad_rows(self, workspace: Path) -> list[BadRow]:
        if self.bad is None:
            return []
        return [BadRow(**row) for row in pq.read_table(workspace / self.bad).to_pylist()]


def mapped_headers(headers: Sequence[str], mapping: HeaderMapping) -> tuple[str, ...]:
    """The headers after the renames; one whose new name is taken keeps its own."""
    taken = {header.casefold() for header in headers}
    names = []
    for header in headers:
        new = mapping.header(header)
        if new.casefold() != header.casefold() and new.casefold() not in taken:
            taken.add(new.casefold())
            names.append(new)
        else:
            names.append(header)
    return tuple(names)


def read_source(found: Found, number: int, sha256: str, workspace: Path, scratch: Path) -> Source:
    """Read one file into the workspace's `sources/`, under a name that no earlier landing has."""
    stem = f"sources/{number:06d}-{uuid4().hex[:12]}"
    (workspace / "sources").mkdir(exist_ok=True)
    own = scratch / f"read-{number}"
    own.mkdir()
    landing = read_file(found, own / "landing.parquet", own)
    make_durable(own / "landing.parquet").replace(workspace / f"{stem}.parquet")
    if landing.bad:
        rows = [{"row": bad.row, "code": bad.code, "raw": bad.raw} for bad in landing.bad]
        pq.write_table(pa.Table.from_pylist(rows, BAD_SCHEMA), own / "bad.parquet", compression="zstd")
        make_durable(own / "bad.parquet").replace(workspace / f"{stem}.bad.parquet")
    shutil.rmtree(own)
    return Source(
        number=number,
        name=found.name,
        role=found.role,
        sha256=sha256,
        bytes=found.path.stat().st_size,
        rows=landing.rows,
        headers=landing.headers,
        landing=f"{stem}.parquet",
        numbered=landing.numbered,
        bad=f"{stem}.bad.parquet" if landing.bad else None,
        table=None,
    )


def make_durable(path: Path) -> Path:
    """Have the file's bytes on the disk before a manifest names it."""
    with path.open("rb+") as stream:
        os.fsync(stream.fileno())
    return path


def make_relations(
    connection: duckdb.DuckDBPyConnection, workspace: Path, sources: Sequence[Source], mapping: HeaderMapping
) -> None:
    """A view `delivery."<role>"` for each role: the union of its files, by column name."""
    connection.execute("CREATE SCHEMA delivery")
    for role in {source.role for source in sources}:
        parts = [source.relation(workspace, mapping) for source in sources if source.role == role]
        connection.execute(f"CREATE VIEW delivery.{identifier(role)} AS {' UNION ALL BY NAME '.join(parts)}")
