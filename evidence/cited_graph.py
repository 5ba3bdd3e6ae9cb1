"""The graph of what an export cites: the declarations of `data_schema/graph.yaml`, run on the cited rows alone.

So nodes, relationships and their names are those of the whole graph, while counts and amounts on the summaries
(`BOUGHT_AT` and the like) cover the cited settlements only.
"""

from __future__ import annotations

from collections.abc import Iterable
from datetime import date, datetime
from decimal import Decimal
from typing import Any

import duckdb
import networkx as nx
import pyarrow as pa

from ringtrace.data_schema import tables
from ringtrace.data_schema.graph import NodeType, RelationshipType, graph_schema
from ringtrace.evidence.material import Material, Row
from ringtrace.findings import Finding


def node_id(label: str, key: str) -> str:
    """How an export names a node: `Patient:3301…`; unique, and never a bare number."""
    return f"{label}:{key}"


def subgraph(material: Material) -> nx.MultiDiGraph[str]:
    """The cited rows as a graph, with the findings in it.

    Node ids are `node_id(label, key)`; every node has `label` and `key`, and its declared properties where known. Edges
    have `type` and their declared facts; the edge key is the type.
    """
    graph: nx.MultiDiGraph[str] = nx.MultiDiGraph()
    schema = graph_schema()
    with duckdb.connect() as connection:
        for name, rows in material.rows.items():
            _fill(connection, name, rows)
        for name, sql in schema.prepared.items():
            connection.execute(f"CREATE TEMP TABLE {name} AS {sql}")
        _take_labels_of_members(connection, material.findings)
        for node_type in schema.nodes.values():
            _add_nodes(connection, graph, node_type)
        for relationship in schema.relationships.values():
            if relationship.sql is not None:
                _add_edges(connection, graph, relationship)
    settled = {row["setl_id"] for row in material.rows["settlements"]}
    for finding in material.findings:
        _add_finding(graph, finding, settled)
    return graph


def _fill(connection: duckdb.DuckDBPyConnection, name: str, rows: list[Row]) -> None:
    """Make the canonical table `name` of these rows; a masked column holds text, whatever it held before."""
    table = tables()[name]
    types = dict(table.sql_columns)
    for column in table.columns:
        if column.sensitivity != "none":
            types[column.name] = "VARCHAR"
    arrow = pa.table(
        {
            column: pa.array([None if row[column] is None else str(row[column]) for row in rows], pa.string())
            for column in types
        }
    )
    casts = ", ".join(f"CAST({column} AS {sql_type}) AS {column}" for column, sql_type in types.items())
    connection.register("cited_rows", arrow)
    connection.execute(f"CREATE TABLE {name} AS SELECT {casts} FROM cited_rows")
    connection.unregister("cited_rows")


def _take_labels_of_members(connection: duckdb.DuckDBPyConnection, findings: Iterable[Finding]) -> None:
    """A finding saw all rows of an institution, not the cited ones alone: its label stands."""
    known = sorted(
        {
            (member.id, member.label)
            for finding in findings
            for member in finding.members
            if member.label in ("Pharmacy", "Hospital")
        }
    )
    for code, label in known:
        connection.execute("UPDATE institution_labels SET label = ? WHERE fixmedins_code = ?", [label, code])


def _add_nodes(connection: duckdb.DuckDBPyConnection, graph: nx.MultiDiGraph[str], node_type: NodeType) -> None:
    if node_type.table is not None:
        named = [f"{node_type.caption} AS name"] if node_type.caption else []
        own = [each.name for each in node_type.properties if each.name not in ("id", "name", "stub")]
        where = f"WHERE {node_type.where}" if node_type.where else ""
        sql = f"SELECT {', '.join([f'{node_type.key} AS id', *named, *own])} FROM {node_type.table.name} {where}"
    elif node_type.values:
        sql = " UNION ".join(
            f"SELECT {column} AS id FROM {table} WHERE {column} IS NOT NULL"
            for table, column in (value.split(".") for value in node_type.values)
        )
    elif node_type.sql is not None:
        sql = node_type.sql
    else:
        return
    for row in _records(connection, sql):
        key = row.pop("id")
        graph.add_node(node_id(node_type.name, key), label=node_type.name, key=key, **row)


def _add_edges(connection: duckdb.DuckDBPyConnection, graph: nx.MultiDiGraph[str], kind: RelationshipType) -> None:
    assert kind.sql is not None
    for row in _records(connection, kind.sql):
        ends = []
        for end, labels in (("source", kind.sources), ("target", kind.targets)):
            label, key = row.pop(f"{end}_label", labels[0]), row.pop(end)
            ends.append(node_id(label, key))
            _add_stub(graph, label, key)
        graph.add_edge(*ends, type=kind.name, **row)


def _add_stub(graph: nx.MultiDiGraph[str], label: str, key: str) -> None:
    if node_id(label, key) not in graph:
        graph.add_node(node_id(label, key), label=label, key=key, stub=True)


def _add_finding(graph: nx.MultiDiGraph[str], finding: Finding, settled: set[str]) -> None:
    own = node_id("Finding", finding.finding_id)
    moments = {"first": finding.first_time, "last": finding.last_time}
    graph.add_node(
        own,
        label="Finding",
        key=finding.finding_id,
        kind=finding.kind,
        level=finding.level,
        score=round(finding.score, 4),
        amount=float(finding.amount),
        **{name: moment.isoformat(sep=" ") for name, moment in moments.items() if moment},
    )
    for member in finding.members:
        _add_stub(graph, member.label, member.id)
        graph.add_edge(
            own, node_id(member.label, member.id), type="INVOLVES", role=member.role, weight=round(member.weight, 4)
        )
    items = {ref.key.rpartition("|")[0] for ref in finding.evidence if ref.table == "settlement_items"}
    cited = {ref.key for ref in finding.evidence if ref.table == "settlements"} | items
    for key in sorted(cited & settled):
        graph.add_edge(own, node_id("Settlement", key), type="CITES")


def _records(connection: duckdb.DuckDBPyConnection, sql: str) -> list[dict[str, Any]]:
    found = connection.execute(sql)
    names = [column[0] for column in found.description or ()]
    rows = sorted(found.fetchall(), key=repr)  # the order of an export must not depend on threads
    return [{name: _plain(value) for name, value in zip(names, row, strict=True) if value is not None} for row in rows]


def _plain(value: Any) -> str | int | float | bool:
    """Numbers as numbers and times as ISO text: what GraphML and JSON both carry."""
    if isinstance(value, Decimal):
        return float(value)
    if isinstance(value, datetime):
        return value.isoformat(sep=" ")
    if isinstance(value, date):
        return value.isoformat()
    if isinstance(value, (str, int, float, bool)):
        return value
    raise TypeError(f"no form in an export for {type(value).__name__}")
