"""The demo town of the queries, built once, as a graph in each engine."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from factories import neo4j_server
from factories.query_town import query_town

from ringtrace.graph import open_graph
from ringtrace.graph.neo4j.fill import fill_neo4j
from ringtrace.graph.neo4j.store import Neo4jStore
from ringtrace.graph.store import GraphStore
from ringtrace.workspace import Workspace


@pytest.fixture(scope="session")
def town(tmp_path_factory: pytest.TempPathFactory) -> Workspace:
    return query_town(tmp_path_factory.mktemp("town"))


@pytest.fixture(
    scope="module",
    params=["ladybug", pytest.param("neo4j", marks=[pytest.mark.neo4j, pytest.mark.xdist_group("neo4j")])],
)
def graph(town: Workspace, request: pytest.FixtureRequest) -> Iterator[GraphStore]:
    if request.param == "ladybug":
        with open_graph(town) as store:
            yield store
        return
    address = neo4j_server.emptied()
    fill_neo4j(town, address)
    with Neo4jStore(town, address) as server:
        yield server
