"""Read: a source file → its landing, a Parquet file with every cell as text, in the file's order.

The landing is the row as it came, kept for good: what a finding cites can be shown and hashed years later. Cells are
never interpreted here; `3310052729` stays text. A CSV file takes one of two ways. The usual one is DuckDB's parallel
reader with sniffing switched off. If that reader objects, or yields another number of rows than the file has lines, the
careful reader goes row by row and sets bad rows aside with what they hold; so no row is ever lost, and none is counted
twice.
"""

from __future__ import annotations

import errno
import hashlib
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final
from zlib import error as zlib_error

import duckdb
import pyarrow as pa
import pyarrow.parquet as pq

from ringtrace.errors import RingTraceError
from ringtrace.loaders import csv_text, workbook
from ringtrace.loaders.checking import literal
from ringtrace.loaders.csv_text import Record
from ringtrace.loaders.folder import Found
from ringtrace.texts import default_language, text

_RESERVED: Final = frozenset({"_row", "_source", "_skip", "file_row_number"})
_BATCH: Final = 50_000
READ_MEMORY: Final = "2GB"


@dataclass(frozen=True, slots=True)
class BadRow:
    """A row that could not be cut into cells: its number, the code of what is wrong, the text as it came."""

    row: int
    code: str
    raw: str


@dataclass(slots=True)
class Landing:
    """A source file that was read.

    `rows` counts good and bad ones. `numbered` says that the Parquet file has a column `_row`, because bad rows make
    its own numbering differ from the source's. `bad` are the rows that have no cells.
    """

    headers: tuple[str, ...]
    rows: int
    numbered: bool
    bad: list[BadRow] = field(default_factory=list)


def unique_headers(raw: Iterable[str]) -> tuple[str, ...]:
    """Headers that can be column names: trimmed, never empty, told apart in whatever case, none of the loader's own."""
    taken: set[str] = set(_RESERVED)
    names = []
    for place, cell in enumerate(raw, start=1):
        base = cell.strip(" \t\r\n\ufeff\u00a0\u3000").replace("\0", "") or f"column_{place}"
        name, copy = base, 1
        while name.casefold() in taken or name.lower() in taken:
            copy += 1
            name = f"{base} ({copy})"
        taken |= {name.casefold(), name.lower()}
        names.append(name)
    return tuple(names)


def identifier(name: str) -> str:
    """SQL identifier."""
    return '"' + name.replace('"', '""') + '"'


def file_sha256(path: Path) -> str:
    with path.open("rb") as stream:
        return hashlib.file_digest(stream, "sha256").hexdigest()


def headers_of(found: Found) -> tuple[str, ...]:
    """The headers of a file, without reading the rest.

    Raises
    ------
    RingTraceError
        If the file cannot be read, or has none.
    """
    with reading(found):
        if found.format == "csv":
            return unique_headers(csv_text.header_cells(found))
        if found.format == "xlsx":
            headers = workbook.read_header(found)
            # An empty sheet beside others is everyday; a workbook of nothing else has no table.
            if not any(headers) and found.name.casefold().endswith(".xlsx"):
                raise RingTraceError.of("loaders.no_header", file=found.name)
            return unique_headers(headers)
        names = pq.read_schema(found.path).names
    if not names:
        raise RingTraceError.of("loaders.no_header", file=found.name)
    return unique_headers(names)


def count_rows(found: Found) -> int:
    """Number of data rows of a file that no preset uses."""
    with reading(found):
        if found.format == "parquet":
            rows: int = pq.read_metadata(found.path).num_rows
            return rows
        if found.format == "xlsx":
            return sum(1 for _ in workbook.read_rows(found))
        delimiter, encoding, _ = csv_text.read_header(found)
        width = len(csv_text.header_cells(found))
        with csv_text.open_bytes(found) as stream:
            return max(0, sum(1 for _ in csv_text.records(stream, encoding, delimiter, width)) - 1)


def read_file(found: Found, target: Path, scratch: Path) -> Landing:
    """Write the landing of `found` to `target`, using the empty folder `scratch`.

    Raises
    ------
    RingTraceError
        If the file cannot be read at all: packed wrongly, cut off, no header, no Parquet or workbook inside.
    """
    headers = headers_of(found)
    with reading(found):
        if found.format == "parquet":
            return _read_parquet(found, headers, target, scratch)
        if found.format == "xlsx":
            return _write_rows(headers, workbook.read_rows(found), target)
        return _read_csv(found, headers, target, scratch)


@contextmanager
def reading(found: Found) -> Iterator[None]:
    """Turn what libraries raise on a damaged file into an error that names the file; a lack of permission passes."""
    try:
        yield
    except (OSError, EOFError, zlib_error, pa.ArrowException, duckdb.Error, workbook.DamagedError) as error:
        if is_disk_full(error) or isinstance(error, PermissionError):
            raise
        raise RingTraceError.of("loaders.unreadable", file=found.name, reason=_reason(found, error)) from error


def _reason(found: Found, error: BaseException) -> str:
    """What is wrong with the file in the user's words; the library's own where nothing better is known."""
    said = " ".join(str(error).split())[:300] or type(error).__name__
    if isinstance(error, EOFError) or "truncated" in said.casefold():
        kind = "cut_off"
    elif isinstance(error, workbook.DamagedError):
        kind = "workbook"
    elif isinstance(error, (pa.ArrowException, duckdb.Error)) and found.format == "parquet":
        kind = "parquet"
    elif found.compression is not None:
        kind = found.compression
    else:
        return said
    return text(f"loaders.reason.{kind}", default_language())


def is_disk_full(error: BaseException) -> bool:
    """Whether the error says that there is no room left, whichever library says it."""
    if isinstance(error, OSError) and error.errno in (errno.ENOSPC, errno.EDQUOT, errno.EFBIG):
        return True
    words = str(error).casefold()
    return isinstance(error, (duckdb.Error, OSError, pa.ArrowException)) and (
        "no space left" in words or "disk quota" in words or "file too large" in words or "max_temp_directory" in words
    )


def _read_parquet(found: Found, headers: tuple[str, ...], target: Path, scratch: Path) -> Landing:
    with _connection(scratch) as connection:
        relation = f"read_parquet({literal(str(found.path))})"
        types = connection.execute(f"DESCRIBE SELECT * FROM {relation}").fetchall()
        cells = [
            f"{_as_text(identifier(name), sql_type)} AS {identifier(header)}"
            for (name, sql_type, *_), header in zip(types, headers, strict=True)
        ]
        rows = _copy(connection, f"SELECT {', '.join(cells)} FROM {relation}", target)
    return Landing(headers, rows, numbered=False)


def _as_text(column: str, sql_type: str) -> str:
    if sql_type in ("DOUBLE", "FLOAT"):
        # A nullable integer that passed through pandas comes as 1.0; as text it is the code 1 again.
        whole = f"{column} = trunc({column}) AND abs({column}) < 1e15"
        return f"CASE WHEN {whole} THEN CAST(CAST({column} AS BIGINT) AS VARCHAR) ELSE CAST({column} AS VARCHAR) END"
    return f"CAST({column} AS VARCHAR)"


def _read_csv(found: Found, headers: tuple[str, ...], target: Path, scratch: Path) -> Landing:
    delimiter, encoding, mark = csv_text.read_header(found)
    path = found.path
    with csv_text.open_bytes(found) as stream:
        if found.compression is None:
            seen = csv_text.survey(stream)
        else:
            path = scratch / "unpacked.csv"
            with path.open("wb") as copy:
                seen = csv_text.survey(stream, copy)
    if encoding == "utf-8":
        landing = _read_fast(path, delimiter, headers, seen, target, scratch)
        if landing is not None:
            return landing
        encoding = "utf-8" if mark else csv_text.guess_encoding(path)
    if encoding != "utf-8":
        recoded = scratch / "recoded.csv"
        if csv_text.recode(path, recoded, encoding, skip=mark):
            path, encoding, mark = recoded, "utf-8", 0
            with path.open("rb") as stream:
                seen = csv_text.survey(stream)
            landing = _read_fast(path, delimiter, headers, seen, target, scratch)
            if landing is not None:
                return landing
        elif encoding.startswith("utf-16"):
            raise RingTraceError.of(
                "loaders.unreadable", file=found.name, reason=text("loaders.problem.encoding", default_language())
            )
    with path.open("rb") as stream:
        stream.seek(mark)
        rows = csv_text.records(stream, encoding, delimiter, len(headers))
        next(rows)  # the header
        return _write_rows(headers, rows, target)


def _read_fast(
    path: Path, delimiter: str, headers: tuple[str, ...], seen: csv_text.Survey, target: Path, scratch: Path
) -> Landing | None:
    """DuckDB's parallel reader; None if it objects, or sees another number of rows than there are lines."""
    if not seen.plain:
        return None
    columns = ", ".join(f"{literal(header)}: 'VARCHAR'" for header in headers)
    relation = (
        f"read_csv({literal(str(path))}, auto_detect = false, header = true, delim = {literal(delimiter)},"
        f" quote = '\"', escape = '\"', comment = '', strict_mode = true, null_padding = false, ignore_errors = false,"
        f" max_line_size = {csv_text.MAX_RECORD}, columns = {{{columns}}})"
    )
    try:
        with _connection(scratch) as connection:
            rows = _copy(connection, f"SELECT * FROM {relation}", target)
    except duckdb.Error as error:
        if is_disk_full(error):
            raise
        return None
    return Landing(headers, rows, numbered=False) if rows == seen.lines - 1 else None


@contextmanager
def _connection(scratch: Path) -> Iterator[duckdb.DuckDBPyConnection]:
    """A connection of its own for each file: what a damaged file does to it ends with it."""
    connection = duckdb.connect(
        config={
            "memory_limit": READ_MEMORY,
            "temp_directory": str(scratch / "spill"),
            "autoinstall_known_extensions": False,
            "autoload_known_extensions": False,
        }
    )
    try:
        connection.execute("SET enable_progress_bar = false")
        yield connection
    finally:
        connection.close()


def _copy(connection: duckdb.DuckDBPyConnection, query: str, target: Path) -> int:
    copied = connection.execute(
        f"COPY ({query}) TO {literal(str(target))} (FORMAT parquet, COMPRESSION zstd)"
    ).fetchone()
    assert copied is not None
    return int(copied[0])


def _write_rows(headers: tuple[str, ...], rows: Iterable[Record], target: Path) -> Landing:
    """Write the good rows with their numbers, keep the bad ones."""
    schema = pa.schema([*((header, pa.string()) for header in headers), ("_row", pa.int64())])
    bad: list[BadRow] = []
    count = 0
    batch: list[tuple[str | int | None, ...]] = []
    with pq.ParquetWriter(target, schema, compression="zstd") as writer:
        for count, record in enumerate(rows, start=1):
            if record.problem is not None:
                bad.append(BadRow(count, record.problem, record.raw))
            elif len(record.cells) != len(headers):
                bad.append(BadRow(count, "columns", record.raw))
            else:
                batch.append((*(cell or None for cell in record.cells), count))
            if len(batch) == _BATCH:
                writer.write_table(_table(batch, schema))
                batch.clear()
        writer.write_table(_table(batch, schema))
    return Landing(headers, count, numbered=True, bad=bad)


def _table(batch: list[tuple[str | int | None, ...]], schema: pa.Schema) -> pa.Table:
    columns = list(zip(*batch, strict=True)) or [()] * len(schema)
    return pa.Table.from_arrays(
        [pa.array(cells, each.type) for cells, each in zip(columns, schema, strict=True)], schema=schema
    )
