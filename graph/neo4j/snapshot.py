"""What a Neo4j server was last given, kept as Parquet in the workspace, so that next time only changes need to travel.

neo4j/ID                    this workspace's name on servers
neo4j/servers.json          which snapshot each server shows
neo4j/<snapshot>/           the whole graph, one file a label or a pair of labels that a type joins
neo4j/<snapshot>/about.json what it was made from, its parts, and the work that leads to it

A relationship has a key of its own, `_key`: a number made of its type, its ends and what else tells it from others
between them. It is the same whenever and wherever it is computed.
"""

from __future__ import annotations

import hashlib
import json
import os
import shutil
from collections.abc import Iterator, Sequence
from contextlib import closing
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, Final
from uuid import uuid4

import duckdb
import pyarrow as pa
import pyarrow.parquet as pq

from ringtrace.data_schema.graph import GraphType, Property, graph_schema
from ringtrace.findings import current_run, read_findings
from ringtrace.graph.ahead import made_ahead
from ringtrace.graph.finding_rows import FindingRows, finding_rows
from ringtrace.graph.store import GraphCounts
from ringtrace.graph.tables import GraphFiles, NodeFiles, graph_tables
from ringtrace.progress import Progress, Step
from ringtrace.workspace import Workspace, write_atomic

KEY: Final = "_key"
DUCKDB_MEMORY: Final = "2GB"

_ARROW: Final[dict[GraphType, pa.DataType]] = {
    "string": pa.string(),
    "boolean": pa.bool_(),
    "integer": pa.int64(),
    "number": pa.float64(),
    "date": pa.date32(),
    "timestamp": pa.timestamp("us"),
}


@dataclass(frozen=True, slots=True)
class Part:
    """The nodes of a label (`source` and `target` empty), or a type's relationships between two labels, in one file."""

    name: str
    source: str
    target: str
    file: str
    count: int
    stubs: int = 0

    @property
    def is_node(self) -> bool:
        return not self.source

    @property
    def properties(self) -> tuple[Property, ...]:
        """The declared properties, in the order of the file's columns (after source, target and key)."""
        schema = graph_schema()
        return schema.nodes[self.name].properties if self.is_node else schema.relationships[self.name].properties


@dataclass(frozen=True, slots=True)
class Snapshot:
    """A whole graph in files: made from a generation and a detection run (0 = none), in the shape of a schema."""

    folder: Path
    generation: int
    findings_run: int
    shape: str
    parts: tuple[Part, ...]

    @property
    def name(self) -> str:
        return self.folder.name

    def path(self, part: Part) -> Path:
        return self.folder / part.file

    def counts(self) -> GraphCounts:
        """Counts of every declared label and type; what has no rows has no part, and counts as 0."""
        schema = graph_schema()
        nodes = dict.fromkeys(schema.nodes, 0) | {part.name: part.count for part in self.parts if part.is_node}
        stubs = {part.name: part.stubs for part in self.parts if part.stubs}
        relationships = dict.fromkeys(schema.relationships, 0)
        for part in self.parts:
            if not part.is_node:
                relationships[part.name] += part.count
        return GraphCounts(nodes, stubs, relationships)


def shape() -> str:
    """Short for every label, type and property: snapshots of different shapes cannot be compared row by row."""
    schema = graph_schema()
    nodes = [(each.name, [(own.name, own.type) for own in each.properties]) for each in schema.nodes.values()]
    relationships = [
        (each.name, each.identity, [(own.name, own.type) for own in each.properties])
        for each in schema.relationships.values()
    ]
    return hashlib.sha256(json.dumps([nodes, relationships]).encode()).hexdigest()[:16]


def folder(workspace: Workspace) -> Path:
    return workspace.path / "neo4j"


def workspace_id(workspace: Workspace) -> str:
    """The workspace's name on servers, made when first asked for."""
    file = folder(workspace) / "ID"
    if not file.is_file():
        write_atomic(file, uuid4().hex)
    return file.read_text("ascii").strip()


def kept(workspace: Workspace, name: str) -> Snapshot | None:
    """The snapshot of that name, if it is still there and complete."""
    about = folder(workspace) / name / "about.json"
    if not name or not about.is_file():
        return None
    raw = json.loads(about.read_text("utf-8"))
    parts = tuple(Part(**part) for part in raw["parts"])
    return Snapshot(about.parent, raw["generation"], raw["findings_run"], raw["shape"], parts)


def remember(workspace: Workspace, server: str, snapshot: str) -> None:
    """Note that `server` shows `snapshot`, and remove the snapshots that no server shows."""
    file = folder(workspace) / "servers.json"
    shown = json.loads(file.read_text("utf-8")) if file.is_file() else {}
    shown[server] = snapshot
    write_atomic(file, json.dumps(shown, indent=1))
    for each in folder(workspace).iterdir():
        if each.is_dir() and each.name not in shown.values():
            shutil.rmtree(each)


def take(workspace: Workspace, scratch: Path, progress: Progress, base: Snapshot | None = None) -> Snapshot:
    """Write a snapshot of the current generation and its newest findings; the caller holds `Workspace.writing()`.

    Of `base`, an earlier snapshot, the files of the same generation are taken over: new findings change no others.
    """
    generation, run = workspace.generation, current_run(workspace)
    target = folder(workspace) / uuid4().hex
    target.mkdir(parents=True)
    config: dict[str, Any] = {"memory_limit": DUCKDB_MEMORY, "temp_directory": str(scratch / "spill")}
    with closing(duckdb.connect(config=config)) as own:
        if base is not None and (base.generation, base.shape) == (generation, shape()):
            parts = _taken_over(base, target)
        else:
            parts = _of_tables(workspace, generation, scratch, own, target, progress)
        parts += _finding_parts(own, finding_rows(read_findings(workspace)), parts, target)
    snapshot = Snapshot(target, generation, run, shape(), tuple(parts))
    about: dict[str, Any] = asdict(snapshot)
    del about["folder"]
    write_atomic(target / "about.json", json.dumps(about, indent=1))
    return snapshot


def _of_tables(
    workspace: Workspace,
    generation: int,
    scratch: Path,
    own: duckdb.DuckDBPyConnection,
    target: Path,
    progress: Progress,
) -> list[Part]:
    """The parts that come from the canonical tables."""
    parts: list[Part] = []
    schema = graph_schema()
    total = len(schema.nodes) + len(schema.relationships)
    with (
        closing(workspace.connect(memory=DUCKDB_MEMORY, generation=generation)) as tables,
        made_ahead(graph_tables(tables, scratch / "graph")) as made,
    ):
        for files in made:
            progress(Step("graph.step.snapshot", len({part.name for part in parts}), total))
            parts.append(_part(own, files, target))
    return parts


def _taken_over(base: Snapshot, target: Path) -> list[Part]:
    """The same parts as they stand in `base`."""
    schema = graph_schema()
    written = {each.name for each in schema.nodes.values() if each.written}
    written |= {each.name for each in schema.relationships.values() if each.written}
    parts = [part for part in base.parts if part.name not in written]
    for part in parts:
        try:
            os.link(base.path(part), target / part.file)
        except OSError:  # a file system without hard links
            shutil.copyfile(base.path(part), target / part.file)
    return parts


def _part(own: duckdb.DuckDBPyConnection, files: GraphFiles, target: Path) -> Part:
    if isinstance(files, NodeFiles):
        name = f"{files.label}.parquet"
        (only,) = files.files
        only.rename(target / name)
        return Part(files.label, "", "", name, files.count, files.stubs)
    name = f"{files.type}-{files.source}-{files.target}.parquet"
    made = Part(files.type, files.source, files.target, name, files.count)
    listed = ", ".join(f"'{_quoted(file)}'" for file in files.files)
    own.execute(
        f"COPY (SELECT {_columns(made)} FROM read_parquet([{listed}], hive_partitioning = false)) "
        f"TO '{_quoted(target / name)}' (FORMAT parquet)"
    )
    for file in files.files:
        file.unlink()
    return made


def _columns(part: Part) -> str:
    """A relationship's columns: source, target, `_key`, properties."""
    identity = graph_schema().relationships[part.name].identity
    told = ", ".join(f"coalesce(CAST({each} AS VARCHAR), '')" for each in ("source", "target", *identity))
    # Half of a 128-bit digest, without its last bit: a signed whole number, and no two among ten million alike but once
    # in 100,000 graphs; the server's constraint would tell.
    digest = f"md5_number_lower(concat_ws(chr(31), '{part.name}', '{part.source}', '{part.target}', {told}))"
    key = f"CAST({digest} >> 1 AS BIGINT)"
    return ", ".join(["source", "target", f"{key} AS {KEY}", *(each.name for each in part.properties)])


def _finding_parts(
    own: duckdb.DuckDBPyConnection, rows: FindingRows, parts: Sequence[Part], target: Path
) -> Iterator[Part]:
    """The findings' nodes and relationships, as far as the graph holds what they name."""
    schema = graph_schema()
    fields = pa.schema([(each.name, _ARROW[each.type]) for each in schema.nodes["Finding"].properties])
    pq.write_table(pa.Table.from_pylist(rows.nodes, fields), target / "Finding.parquet")
    yield Part("Finding", "", "", "Finding.parquet", len(rows.nodes))
    files = {part.name: target / part.file for part in parts if part.is_node}
    ends = [(each.name, label) for each in schema.relationships.values() if each.written for label in each.targets]
    for name, label in ends:
        listed = [each for each in rows.members if each["label"] == label] if name == "INVOLVES" else rows.cited
        columns: list[tuple[str, pa.DataType]] = [("finding", pa.string()), ("id", pa.string())]
        columns += [(each.name, _ARROW[each.type]) for each in schema.relationships[name].properties]
        part = Part(name, "Finding", label, f"{name}-Finding-{label}.parquet", 0)
        own.register("named", pa.Table.from_pylist(listed, pa.schema(columns)))
        own.execute(
            f"COPY (SELECT {_columns(part)} FROM (SELECT finding AS source, id AS target, * FROM named) "
            f"WHERE target IN (SELECT id FROM read_parquet('{_quoted(files[label])}'))) "
            f"TO '{_quoted(target / part.file)}' (FORMAT parquet)"
        )
        own.unregister("named")
        count = pq.read_metadata(target / part.file).num_rows
        if count:
            yield Part(name, "Finding", label, part.file, count)


def _quoted(path: Path) -> str:
    return str(path).replace("'", "''")
