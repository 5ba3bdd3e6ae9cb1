"""The graph's Parquet files → a Ladybug database, by COPY; findings are added to a copy of it."""

from __future__ import annotations

import shutil
from collections.abc import Iterable, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Final

import ladybug
import pyarrow as pa

from ringtrace.data_schema.graph import GraphType, Property, graph_schema
from ringtrace.findings import Finding
from ringtrace.graph.files import GraphVersion, new_name
from ringtrace.graph.finding_rows import finding_rows
from ringtrace.graph.store import GraphCounts
from ringtrace.graph.tables import GraphFiles, NodeFiles
from ringtrace.progress import Progress, Step, silent
from ringtrace.workspace import Workspace

BUFFER_POOL: Final = 2 << 30

LADYBUG_TYPES: Final[dict[GraphType, str]] = {
    "string": "STRING",
    "boolean": "BOOL",
    "integer": "INT64",
    "number": "DOUBLE",
    "date": "DATE",
    "timestamp": "TIMESTAMP",
}


def ddl() -> list[str]:
    """The CREATE statements of the declared graph, nodes first."""
    schema = graph_schema()
    nodes = [
        f"CREATE NODE TABLE {node.name}({_columns(node.properties)}, PRIMARY KEY(id))" for node in schema.nodes.values()
    ]
    relationships = []
    for each in schema.relationships.values():
        pairs = ", ".join(f"FROM {source} TO {target}" for source, target in each.pairs)
        own = f", {_columns(each.properties)}" if each.properties else ""
        relationships.append(f"CREATE REL TABLE {each.name}({pairs}{own})")
    return nodes + relationships


def _columns(properties: tuple[Property, ...]) -> str:
    return ", ".join(f"{each.name} {LADYBUG_TYPES[each.type]}" for each in properties)


def load(database: Path, tables: Iterable[GraphFiles], *, progress: Progress = silent) -> GraphCounts:
    """Make a new database at `database`, COPY every file set into it, and say how much that was.

    Each file set is removed once it is in, since both together would need twice the disk.
    """
    schema = graph_schema()
    total = sum(not node.written for node in schema.nodes.values())
    total += sum(not each.written for each in schema.relationships.values())
    nodes = dict.fromkeys(schema.nodes, 0)
    stubs: dict[str, int] = {}
    relationships = dict.fromkeys(schema.relationships, 0)
    done = 0
    with ladybug.Database(str(database), buffer_pool_size=BUFFER_POOL) as base, ladybug.Connection(base) as connection:
        for statement in ddl():
            connection.execute(statement)
        for made in tables:
            progress(Step("graph.step.load", min(done, total), total))
            done += 1
            if isinstance(made, NodeFiles):
                connection.execute(f"COPY {made.label} FROM {_listed(made.files)}")
                nodes[made.label], stubs[made.label] = made.count, made.stubs
            else:
                ends = f"(from='{made.source}', to='{made.target}')"
                connection.execute(f"COPY {made.type} FROM {_listed(made.files)} {ends}")
                relationships[made.type] += made.count
            for file in made.files:
                file.unlink()
        progress(Step("graph.step.load", total, total))
    return GraphCounts(nodes, {label: count for label, count in stubs.items() if count}, relationships)


def _listed(files: tuple[Path, ...]) -> str:
    quoted = ("'" + str(file).replace("\\", "\\\\").replace("'", "\\'") + "'" for file in files)
    return f"[{', '.join(quoted)}]"


def with_findings(workspace: Workspace, version: GraphVersion, run: int, findings: Sequence[Finding]) -> GraphVersion:
    """A copy of `version`, under a new name, that shows `findings` in the place of an earlier run's."""
    name = new_name(version.generation)
    copied = replace(version, name=name)
    shutil.copyfile(version.database(workspace), copied.database(workspace))
    return add_findings(copied.database(workspace), copied, run, findings)


def add_findings(database: Path, version: GraphVersion, run: int, findings: Sequence[Finding]) -> GraphVersion:
    """Write `findings` as nodes `(Finding)-[:INVOLVES {role, weight}]->(member)` and `-[:CITES]->(Settlement)`.

    Members and settlements that the graph does not hold are left out; findings of an earlier run are removed first.
    """
    rows = finding_rows(findings)
    with ladybug.Database(str(database), buffer_pool_size=BUFFER_POOL) as base, ladybug.Connection(base) as connection:
        connection.execute("MATCH (f:Finding) DETACH DELETE f")
        if rows.nodes:
            connection.execute(
                "UNWIND $rows AS row CREATE (:Finding {id: row.id, kind: row.kind, level: row.level, score: row.score, "
                "amount: row.amount, first: row.first, last: row.last, stub: row.stub})",
                {"rows": rows.nodes},
            )
        # COPY, since CREATE takes a millisecond for each relationship.
        for label in sorted({each["label"] for each in rows.members}):
            connection.execute(
                f"COPY INVOLVES FROM (LOAD FROM $rows MATCH (m:{label} {{id: id}}) RETURN finding, id, role, weight) "
                f"(from='Finding', to='{label}')",
                {"rows": pa.Table.from_pylist([each for each in rows.members if each["label"] == label])},
            )
        if rows.cited:
            connection.execute(
                "COPY CITES FROM (LOAD FROM $rows MATCH (s:Settlement {id: id}) RETURN finding, id)",
                {"rows": pa.Table.from_pylist(rows.cited)},
            )
        counted = {name: _count(connection, name) for name in ("INVOLVES", "CITES")}
    counts = replace(
        version.counts,
        nodes={**version.counts.nodes, "Finding": len(rows.nodes)},
        relationships={**version.counts.relationships, **counted},
    )
    return replace(version, findings_run=run, counts=counts)


def _count(connection: ladybug.Connection, relationship: str) -> int:
    result = connection.execute(f"MATCH ()-[r:{relationship}]->() RETURN count(*)")
    assert isinstance(result, ladybug.QueryResult)
    row = result.get_next()
    assert isinstance(row, list)
    return int(row[0])
