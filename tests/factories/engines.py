"""One story on both engines: a fixture with `params=ENGINES` opens the same workspace embedded and on a real Neo4j."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, Final

import pytest

from factories import neo4j_server
from ringtrace.graph import build_graph, open_graph
from ringtrace.graph.neo4j.fill import fill_neo4j
from ringtrace.graph.neo4j.store import Neo4jStore
from ringtrace.graph.store import GraphStore, Node, Relationship
from ringtrace.workspace import Workspace

# One process of a parallel run gets all tests of the server, so that there is one server.
NEO4J_MARKS: Final = (pytest.mark.neo4j, pytest.mark.xdist_group("neo4j"))
ENGINES: Final[list[Any]] = ["ladybug", pytest.param("neo4j", marks=NEO4J_MARKS)]


def opened(engine: str, workspace: Workspace) -> GraphStore:
    """The workspace's graph on that engine, built and opened."""
    if engine == "ladybug":
        build_graph(workspace)
        return open_graph(workspace)
    fill_neo4j(workspace, neo4j_server.address())
    return Neo4jStore(workspace, neo4j_server.address())


def nodes(store: GraphStore) -> Iterator[Node]:
    """Every node of a graph."""
    for label in store.counts().nodes:
        for (node,) in _all(store, f"MATCH (n:{label}) RETURN n"):
            yield node


def relationships(store: GraphStore) -> Iterator[Relationship]:
    """Every relationship of a graph; a query apiece for each type, since a shared server refuses to mix them."""
    for name in store.counts().relationships:
        for start, edge, _ in _all(store, f"MATCH (a)-[r:{name}]->(b) RETURN a, r, b"):
            assert edge.source == start.ref
            yield edge


def _all(store: GraphStore, query: str) -> tuple[tuple[Any, ...], ...]:
    rows = store.run_cypher(query, row_limit=1_000_000, timeout=120)
    assert not rows.truncated
    return rows.rows
