"""The workspace: the folder on disk that holds everything RingTrace knows, and survives kill -9 at any moment.

Nothing in it is ever changed in place. Data files are written under new names; then one small pointer file is replaced
by an atomic rename, and only that makes them count. A reader that opened an earlier state keeps it whole.

    workspace.json            what this folder is
    CURRENT                   number of the current generation
    generations/000007.json   manifest of a generation: its data files, sources, reconciliation
    tables/ sources/ quarantine/   Parquet files that manifests name
    graph/ findings/          derived from a generation, each with a pointer of its own
    tmp/                      unfinished work; emptied by the next writer
    writer.lock               held by the one process that writes
"""

from __future__ import annotations

import json
import os
import shutil
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from functools import lru_cache
from pathlib import Path
from typing import Any, Final
from uuid import uuid4

import duckdb
import pyarrow.parquet as pq
from filelock import FileLock, Timeout

from ringtrace.data_schema import Table, tables
from ringtrace.errors import RingTraceError

FORMAT: Final = 1
DEFAULT_MEMORY: Final = "4GB"


def write_atomic(path: Path, content: str | bytes) -> None:
    """Write `content` to `path` so that a reader, or a crash, sees the old file or the new one and nothing between."""
    path.parent.mkdir(parents=True, exist_ok=True)
    temporary = path.with_name(f".{path.name}.{uuid4().hex}")
    data = content.encode() if isinstance(content, str) else content
    try:
        with temporary.open("wb") as stream:
            stream.write(data)
            stream.flush()
            os.fsync(stream.fileno())
        temporary.replace(path)
    except BaseException:
        temporary.unlink(missing_ok=True)
        raise
    _sync_folder(path.parent)


def _sync_folder(folder: Path) -> None:
    """Make a rename in `folder` durable; a platform that cannot open folders (Windows) orders renames itself."""
    if os.name == "nt":
        return
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


class Workspace:
    """A workspace folder, opened for reading; writers take `writing()` first.

    Parameters
    ----------
    path:
        The folder.
    create:
        Make it if it does not exist or is empty.

    Raises
    ------
    RingTraceError
        If the folder is not a workspace and cannot become one, or was written by a later format than this version
        reads.
    """

    def __init__(self, path: str | Path, *, create: bool = False) -> None:
        self.path = Path(path)
        marker = self.path / "workspace.json"
        if not marker.is_file():
            if not create:
                raise RingTraceError.of("workspace.absent", path=self.path)
            if self.path.is_dir() and any(self.path.iterdir()):
                raise RingTraceError.of("workspace.foreign", path=self.path)
            try:
                write_atomic(marker, json.dumps({"ringtrace_workspace": FORMAT}))
            except OSError as error:
                raise RingTraceError.of("workspace.unwritable", path=self.path, reason=error.strerror) from error
        found = json.loads(marker.read_text("utf-8")).get("ringtrace_workspace")
        if found != FORMAT:
            raise RingTraceError.of("workspace.format", path=self.path, found=found, known=FORMAT)

    # -- generations -------------------------------------------------------------------------------------------------

    @property
    def generation(self) -> int:
        """Number of the current generation; 0 before the first load."""
        pointer = self.path / "CURRENT"
        return int(pointer.read_text("ascii")) if pointer.is_file() else 0

    def manifest(self, generation: int | None = None) -> dict[str, Any]:
        """The manifest of a generation (the current one by default); `{"tables": {}}` before the first load.

        `manifest["tables"][name]` is the list of that table's Parquet files, relative to the workspace, and
        `manifest["sources"]` the list of source files with their number, name, SHA-256 and landing Parquet.
        """
        number = self.generation if generation is None else generation
        if number == 0:
            return {"generation": 0, "tables": {}, "sources": [], "quarantine": [], "reconciliation": []}
        content: dict[str, Any] = json.loads((self.path / "generations" / f"{number:06d}.json").read_text("utf-8"))
        return content

    def commit(self, manifest: dict[str, Any]) -> int:
        """Make `manifest` the current generation and return its number; the caller holds `writing()`."""
        number = self.generation + 1
        write_atomic(
            self.path / "generations" / f"{number:06d}.json",
            json.dumps(manifest | {"generation": number}, ensure_ascii=False, indent=1),
        )
        write_atomic(self.path / "CURRENT", f"{number}\n")
        return number

    # -- writing -----------------------------------------------------------------------------------------------------

    @contextmanager
    def writing(self) -> Iterator[Path]:
        """Hold the one writer's lock; yields an empty scratch folder on the same disk, removed afterwards.

        Raises
        ------
        RingTraceError
            If another process is writing (at once, not after a wait), or this one may not write there.
        """
        lock = FileLock(self.path / "writer.lock")
        try:
            lock.acquire(timeout=0)
        except Timeout:
            raise RingTraceError.of("workspace.busy", path=self.path) from None
        except PermissionError as error:
            raise RingTraceError.of("workspace.unwritable", path=self.path, reason=error.strerror) from error
        scratch = self.path / "tmp" / uuid4().hex
        try:
            # What a killed writer left there belongs to nobody: the lock proves that no writer is alive.
            shutil.rmtree(self.path / "tmp", ignore_errors=True)
            scratch.mkdir(parents=True)
            yield scratch
        finally:
            shutil.rmtree(scratch, ignore_errors=True)
            lock.release()

    # -- reading -----------------------------------------------------------------------------------------------------

    def connect(
        self, *, memory: str = DEFAULT_MEMORY, threads: int | None = None, generation: int | None = None
    ) -> duckdb.DuckDBPyConnection:
        """A DuckDB connection with one view for every table of the contract, typed as `Table.sql_columns`.

        A table that was never loaded is an empty view, so that SQL need not ask which tables exist; `has_rows` does.
        Work larger than `memory` spills to a folder that is removed with the connection's process.
        """
        spill = self.path / "spill" / f"{os.getpid()}-{uuid4().hex[:8]}"
        # DuckDB makes the last folder only, and only once it spills.
        spill.parent.mkdir(exist_ok=True)
        settings: dict[str, str | bool | int | float | list[str]] = {
            "memory_limit": memory,
            "temp_directory": str(spill),
            "preserve_insertion_order": False,
            "autoinstall_known_extensions": False,
            "autoload_known_extensions": False,
        }
        if threads:
            settings["threads"] = threads
        connection = duckdb.connect(config=settings)
        # A front shows progress; the library prints nothing. DuckDB takes this setting from a session only.
        connection.execute("SET enable_progress_bar = false")
        listed = self.manifest(generation)["tables"]
        for table in tables().values():
            files = [self.path / file for file in listed.get(table.name, [])]
            connection.execute(f"CREATE VIEW {table.name} AS {stored_rows(table, files)}")
        return connection


def stored_rows(table: Table, files: Sequence[Path], *, places: bool = False) -> str:
    """SELECT of the rows of a table's Parquet files, typed as `Table.sql_columns`.

    A file that an earlier version wrote may lack a column that was declared since: it is NULL there. With `places` each
    row also has its `filename` and its `file_row_number`, counted from 0.
    """
    columns = table.sql_columns
    known = [_columns(file) for file in files]
    nowhere = [name for name in columns if not any(name in each for each in known)]
    chosen = ", ".join(f"CAST(NULL AS {columns[name]}) AS {name}" if name in nowhere else name for name in columns)
    if not files:
        return f"SELECT {chosen}{', NULL AS filename, 0 AS file_row_number' if places else ''} WHERE false"
    options = ", union_by_name = true" if any(not each.issuperset({*columns} - {*nowhere}) for each in known) else ""
    if places:
        chosen += ", filename, file_row_number"
        options += ", filename = true, file_row_number = true"
    quoted = ", ".join("'" + str(file).replace("'", "''") + "'" for file in files)
    return f"SELECT {chosen} FROM read_parquet([{quoted}]{options})"


@lru_cache(maxsize=65_536)
def _columns(file: Path) -> frozenset[str]:
    """Names of a data file's columns; it never changes under its name, so they are read once."""
    return frozenset(pq.read_schema(file).names)


def has_rows(connection: duckdb.DuckDBPyConnection, table: str) -> bool:
    """Whether the table has a row at all."""
    found = connection.execute(f"SELECT 1 FROM {table} LIMIT 1").fetchone()
    return found is not None
