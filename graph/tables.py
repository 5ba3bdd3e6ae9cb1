"""Canonical tables → one Parquet file set for each node label and each relationship between two labels, by DuckDB.

Both engines load the same files: Ladybug by COPY, Neo4j by batches or its importer, so that they hold the same graph.
Columns stand in the order of the schema: a node's properties (`id` first, `stub` last), and `source`, `target` and the
properties of a relationship.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import duckdb

from ringtrace.data_schema import Table
from ringtrace.data_schema.graph import GraphType, NodeType, Property, RelationshipType, graph_schema

DUCKDB_TYPES: Final[dict[GraphType, str]] = {
    "string": "VARCHAR",
    "boolean": "BOOLEAN",
    "integer": "BIGINT",
    "number": "DOUBLE",
    "date": "DATE",
    "timestamp": "TIMESTAMP",
}


@dataclass(frozen=True, slots=True)
class NodeFiles:
    """The Parquet files of a label, with how many nodes they hold and how many of those are stubs."""

    label: str
    files: tuple[Path, ...]
    count: int
    stubs: int


@dataclass(frozen=True, slots=True)
class RelationshipFiles:
    """The Parquet files of a relationship type between two labels, with how many relationships they hold."""

    type: str
    source: str
    target: str
    files: tuple[Path, ...]
    count: int


GraphFiles = NodeFiles | RelationshipFiles


def graph_tables(tables: duckdb.DuckDBPyConnection, folder: Path) -> Iterator[GraphFiles]:
    """Write the graph's Parquet files below `folder`, one label or type after the other, nodes before relationships.

    `tables` is a `Workspace.connect()` connection; this adds the schema's prepared tables to it, as temporary ones. A
    label without a row gives empty files, a relationship type without a row none.
    """
    schema = graph_schema()
    for name, sql in schema.prepared.items():
        tables.execute(f"CREATE OR REPLACE TEMP TABLE {name} AS {sql}")
    for node in schema.nodes.values():
        if not node.written:
            yield _write_nodes(tables, node, folder / "nodes" / node.name)
    for relationship in schema.relationships.values():
        if not relationship.written:
            yield from _write_relationships(tables, relationship, folder / "relationships" / relationship.name)


def node_sql(node: NodeType) -> str:
    """The SELECT that gives the nodes of a label, in stored order."""
    if node.sql is not None:
        return f"SELECT {_typed(node.properties[:-1])}, false AS stub FROM ({node.sql})"
    if node.table is None:
        union = " UNION ALL ".join(
            f"SELECT {column} AS id FROM {table}" for table, column in (value.split(".") for value in node.values)
        )
        return f"SELECT DISTINCT id, false AS stub FROM ({union}) WHERE id IS NOT NULL"
    # `id` and `name` rename the key and the caption column; every other property keeps its column's name.
    renamed = {"id": node.key, "name": node.caption, "stub": "false"}
    own = ", ".join(
        f"CAST({renamed.get(each.name, each.name)} AS {DUCKDB_TYPES[each.type]}) AS {each.name}"
        for each in node.properties
    )
    condition = f" WHERE {node.where}" if node.where else ""
    order = f" ORDER BY {', '.join(node.order)}" if node.order else ""
    rows = f"SELECT {own} FROM {node.table.name}{condition}{order}"
    stubs = _stub_sql(node, node.table)
    return f"SELECT * FROM ({rows}) UNION ALL {stubs}" if stubs else rows


def _stub_sql(node: NodeType, table: Table) -> str:
    """The SELECT that gives the keys of this label that other rows name and `table` lacks; empty if none can."""
    # A label that is only some rows of its table (a pharmacy) says itself which keys are its own.
    references = () if node.where else node.references
    mentions = [f"SELECT {column} AS id FROM {other}" for other, column in references]
    if node.mentioned:
        mentions.append(f"SELECT * FROM ({node.mentioned}) AS mentioned(id)")
    if not mentions:
        return ""
    absent = ", ".join(f"CAST(NULL AS {DUCKDB_TYPES[each.type]})" for each in node.properties[1:-1])
    return (
        f"SELECT DISTINCT id, {absent}, true FROM ({' UNION ALL '.join(mentions)}) "
        f"WHERE id IS NOT NULL AND id NOT IN (SELECT {node.key} FROM {table.name})"
    )


def relationship_sql(relationship: RelationshipType) -> str:
    """The SELECT that gives a relationship's rows: `source_label`, `target_label`, `source`, `target`, properties."""
    source = "source_label" if len(relationship.sources) > 1 else f"'{relationship.sources[0]}'"
    target = "target_label" if len(relationship.targets) > 1 else f"'{relationship.targets[0]}'"
    own = ", ".join(["source", "target", *([_typed(relationship.properties)] if relationship.properties else [])])
    return f"SELECT {source} AS source_label, {target} AS target_label, {own} FROM ({relationship.sql})"


def _typed(properties: tuple[Property, ...]) -> str:
    return ", ".join(f"CAST({each.name} AS {DUCKDB_TYPES[each.type]}) AS {each.name}" for each in properties)


def _write_nodes(tables: duckdb.DuckDBPyConnection, node: NodeType, folder: Path) -> NodeFiles:
    folder.mkdir(parents=True)
    tables.execute("SET preserve_insertion_order = $1", [bool(node.order)])
    tables.execute(f"COPY ({node_sql(node)}) TO '{_quoted(folder / 'part.parquet')}' (FORMAT parquet)")
    found = tables.execute(
        "SELECT count(*), count(*) FILTER (stub) FROM read_parquet($1)", [str(folder / "part.parquet")]
    ).fetchone()
    assert found is not None
    return NodeFiles(node.name, (folder / "part.parquet",), found[0], found[1])


def _write_relationships(
    tables: duckdb.DuckDBPyConnection, relationship: RelationshipType, folder: Path
) -> Iterator[RelationshipFiles]:
    folder.mkdir(parents=True)
    tables.execute("SET preserve_insertion_order = false")
    tables.execute(
        f"COPY ({relationship_sql(relationship)}) TO '{_quoted(folder)}' "
        "(FORMAT parquet, PARTITION_BY (source_label, target_label))"
    )
    for source, target in relationship.pairs:
        files = tuple(sorted((folder / f"source_label={source}" / f"target_label={target}").glob("*.parquet")))
        if not files:
            continue
        found = tables.execute(
            "SELECT sum(num_rows) FROM parquet_file_metadata($1)", [[str(file) for file in files]]
        ).fetchone()
        assert found is not None
        yield RelationshipFiles(relationship.name, source, target, files, int(found[0]))


def _quoted(path: Path) -> str:
    return str(path).replace("'", "''")
