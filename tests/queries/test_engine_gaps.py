"""What the embedded engine cannot do: each fails on the day it can, so that docs/queries.md is mended with it."""

from __future__ import annotations

import pytest

from ringtrace.errors import RingTraceError
from ringtrace.graph import open_graph
from ringtrace.graph.ladybug.store import LadybugStore
from ringtrace.workspace import Workspace

HALF = "MATCH (p:Patient)-[:SETTLED]->(s:Settlement)-[:AT]->(i:Pharmacy {id: 'Y1'})"
WHOLE = f"{HALF}<-[:AT]-(t:Settlement)<-[:SETTLED]-(o:Patient) RETURN count(*) AS n"
PARTED = f"{HALF} WITH p, s, i MATCH (i)<-[:AT]-(t:Settlement)<-[:SETTLED]-(o:Patient) RETURN count(*) AS n"


def counted(town: Workspace, query: str) -> int:
    with open_graph(town) as graph:
        return int(graph.run_cypher(query).rows[0][0])


def test_a_pattern_parted_by_with_finds_every_pair(town: Workspace) -> None:
    settlements = counted(town, f"{HALF} RETURN count(*) AS n")
    assert counted(town, PARTED) == settlements**2


@pytest.mark.xfail(strict=True, reason="Ladybug 0.22 loses rows of a pattern that grows on both sides of a key")
def test_the_engine_finds_every_pair_of_the_same_pattern_in_one_piece(town: Workspace) -> None:
    with open_graph(town) as graph:
        assert isinstance(graph, LadybugStore)
        assert graph._rows(WHOLE) == [[counted(town, PARTED)]]


def test_so_it_is_refused_with_the_cure(town: Workspace) -> None:
    with open_graph(town) as graph, pytest.raises(RingTraceError, match="loses rows") as refused:
        graph.run_cypher(WHOLE)
    assert "WITH *" in refused.value.hint
