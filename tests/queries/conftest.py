"""The demo town of the queries, built once, as a graph in the embedded engine."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from factories.query_town import query_town

from ringtrace.graph import open_graph
from ringtrace.graph.store import GraphStore
from ringtrace.workspace import Workspace


@pytest.fixture(scope="session")
def town(tmp_path_factory: pytest.TempPathFactory) -> Workspace:
    return query_town(tmp_path_factory.mktemp("town"))


@pytest.fixture(scope="session")
def graph(town: Workspace) -> Iterator[GraphStore]:
    with open_graph(town) as store:
        yield store
