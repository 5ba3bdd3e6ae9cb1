"""Two snapshots → the work that turns one into the other, as files of rows to create, merge or delete.

The work is written down before it begins, so that a fill that was cut off goes on at the very row where it stopped.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, Final, Literal

import duckdb
import pyarrow as pa
import pyarrow.parquet as pq

from ringtrace.graph.neo4j.snapshot import KEY, Part, Snapshot
from ringtrace.workspace import write_atomic

Verb = Literal["create", "merge", "delete"]

BATCH: Final = 5_000
"""Rows sent in one transaction."""


@dataclass(frozen=True, slots=True)
class Job:
    """Rows of one part that are all treated alike; `file` lies in the snapshot's folder."""

    verb: Verb
    part: Part
    file: str
    rows: int


def plan(new: Snapshot, old: Snapshot | None, scratch: Path) -> list[Job]:
    """The jobs that make `new` of `old` (of nothing, if None), in their order; kept in the folder of `new`."""
    jobs = _everything(new) if old is None else _differences(new, old, scratch)
    write_atomic(new.folder / "jobs.json", json.dumps([asdict(job) for job in jobs], indent=1))
    return jobs


def planned(snapshot: Snapshot) -> list[Job] | None:
    """The jobs that `plan` wrote down; None if it did not get that far."""
    file = snapshot.folder / "jobs.json"
    if not file.is_file():
        return None
    return [Job(**(raw | {"part": Part(**raw["part"])})) for raw in json.loads(file.read_text("utf-8"))]


def batches(snapshot: Snapshot, job: Job, start: int) -> Iterator[tuple[int, dict[str, list[Any]]]]:
    """The rows of a job from number `start` on, as columns `c0, c1, …`, each with the number of its last row + 1.

    Times are whole numbers: microseconds since 1970, or days.
    """
    with pq.ParquetFile(snapshot.folder / job.file) as file:
        position = 0
        for batch in file.iter_batches(BATCH):
            end = position + batch.num_rows
            if end > start:
                wanted = batch.slice(max(0, start - position))
                yield end, {f"c{place}": _plain(column) for place, column in enumerate(wanted.columns)}
            position = end


def _plain(column: pa.Array) -> list[Any]:
    if pa.types.is_timestamp(column.type):
        column = column.cast(pa.timestamp("us")).cast(pa.int64())
    elif pa.types.is_date(column.type):
        column = column.cast(pa.int32())
    found: list[Any] = column.to_pylist()
    return found


def _everything(new: Snapshot) -> list[Job]:
    return [Job("create", part, part.file, part.count) for part in new.parts if part.count]


def _differences(new: Snapshot, old: Snapshot, scratch: Path) -> list[Job]:
    """Relationships go before the nodes at their ends, and come after them."""
    before = {part.file: part for part in old.parts}
    after = {part.file: part for part in new.parts}
    gone: list[Job] = []
    changed: list[Job] = []
    config: dict[str, Any] = {"memory_limit": "2GB", "temp_directory": str(scratch / "spill")}
    with duckdb.connect(config=config) as connection:
        for file in [*before, *(file for file in after if file not in before)]:
            part = after.get(file) or before[file]
            if file in before and file in after and (old.folder / file).samefile(new.folder / file):
                continue
            key = "id" if part.is_node else KEY
            old_rows = f"read_parquet('{_quoted(old.folder / file)}')" if file in before else None
            new_rows = f"read_parquet('{_quoted(new.folder / file)}')" if file in after else None
            if old_rows:
                kept = f" WHERE {key} NOT IN (SELECT {key} FROM {new_rows})" if new_rows else ""
                gone += _job(connection, new, "delete", part, f"SELECT {key} FROM {old_rows}{kept}")
            if new_rows:
                known = f" EXCEPT SELECT * FROM {old_rows}" if old_rows else ""
                changed += _job(connection, new, "merge", part, f"SELECT * FROM {new_rows}{known}")
    gone.sort(key=lambda job: job.part.is_node)
    changed.sort(key=lambda job: not job.part.is_node)
    return gone + changed


def _job(connection: duckdb.DuckDBPyConnection, new: Snapshot, verb: Verb, part: Part, sql: str) -> list[Job]:
    file = f"{verb}-{part.file}"
    connection.execute(f"COPY ({sql}) TO '{_quoted(new.folder / file)}' (FORMAT parquet)")
    rows = pq.read_metadata(new.folder / file).num_rows
    if rows:
        return [Job(verb, part, file, rows)]
    (new.folder / file).unlink()
    return []


def _quoted(path: Path) -> str:
    return str(path).replace("'", "''")
