"""Reference graphs of LDBC Graphalytics, where ../shared/data holds them: components, levels, distances, PageRank."""

from __future__ import annotations

import math
from pathlib import Path

import igraph
import pytest

from ringtrace.graph.communities import components
from ringtrace.graph.paths import simple_paths
from ringtrace.graph.projections import from_pairs

GRAPHS = (
    Path(__file__).parents[3] / "shared/data/graphalytics/graphalytics-validation/src/main/resources/validation-graphs"
)
UNREACHED = {"9223372036854775807", "infinity", "Infinity"}

pytestmark = pytest.mark.skipif(not GRAPHS.is_dir(), reason="the reference graphs are not part of the repository")


def adjacency(file: Path, *, directed: bool) -> igraph.Graph:
    """A graph from lines `vertex neighbour neighbour …`; an undirected edge stands at both of its ends."""
    lines = [[int(each) for each in line.split()] for line in file.read_text("ascii").splitlines() if line.strip()]
    edges = [(first, other) for first, *others in lines for other in others]
    if not directed:
        edges = sorted({(min(edge), max(edge)) for edge in edges})
    return from_pairs(
        [one for one, _ in edges],
        [other for _, other in edges],
        vertices=[line[0] for line in lines],
        directed=directed,
    )


def expected(file: Path) -> dict[int, str]:
    return {int(vertex): value for vertex, value in (line.split() for line in file.read_text("ascii").splitlines())}


@pytest.mark.parametrize("kind", ["dir", "undir"])
def test_weakly_connected_components(kind: str) -> None:
    graph = adjacency(GRAPHS / f"wcc/{kind}-input", directed=kind == "dir")
    ours = {
        graph.vs[vertex]["name"]: min(graph.vs[each]["name"] for each in group)
        for group in components(graph)
        for vertex in group
    }
    assert ours == {vertex: int(least) for vertex, least in expected(GRAPHS / f"wcc/{kind}-output").items()}


@pytest.mark.parametrize("kind", ["dir", "undir"])
def test_breadth_first_levels_are_the_lengths_of_shortest_paths(kind: str) -> None:
    graph = adjacency(GRAPHS / f"bfs/{kind}-input", directed=kind == "dir")
    start = graph.vs.find(name=1).index
    for vertex, level in expected(GRAPHS / f"bfs/{kind}-output").items():
        found = simple_paths(graph, start, graph.vs.find(name=vertex).index, directed=kind == "dir")
        assert (str(len(found[0]) - 1) if found else "9223372036854775807") == level


@pytest.mark.parametrize("kind", ["dir", "undir"])
def test_distances_by_weight(kind: str) -> None:
    lines = [line.split() for line in (GRAPHS / f"sssp/{kind}-input.e").read_text("ascii").splitlines()]
    graph = from_pairs(
        [int(line[0]) for line in lines],
        [int(line[1]) for line in lines],
        {"weight": [float(line[2]) for line in lines]},
        vertices=map(int, (GRAPHS / f"sssp/{kind}-input.v").read_text("ascii").split()),
        directed=kind == "dir",
    )
    start = graph.vs.find(name=1).index
    for vertex, distance in expected(GRAPHS / f"sssp/{kind}-output").items():
        end = graph.vs.find(name=vertex).index
        found = simple_paths(graph, start, end, weights="weight", directed=kind == "dir")
        if distance in UNREACHED:
            assert found == []
        else:
            steps = graph.get_eids(list(zip(found[0], found[0][1:], strict=False))) if len(found[0]) > 1 else []
            assert math.isclose(sum(graph.es[steps]["weight"]) if steps else 0.0, float(distance), abs_tol=1e-9)


@pytest.mark.parametrize("kind", ["dir", "undir"])
def test_local_clustering_of_a_projection(kind: str) -> None:
    graph = adjacency(GRAPHS / f"lcc/{kind}-input", directed=kind == "dir")
    for vertex, value in expected(GRAPHS / f"lcc/{kind}-output").items():
        around = sorted(set(graph.neighbors(graph.vs.find(name=vertex), mode="all")))
        inside = graph.induced_subgraph(around).ecount() * (1 if kind == "dir" else 2)
        ours = inside / (len(around) * (len(around) - 1)) if len(around) > 1 else 0.0
        assert math.isclose(ours, float(value), abs_tol=1e-9)
