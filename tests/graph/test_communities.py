"""Projections and communities: against networkx and against what each promises of any graph."""

from __future__ import annotations

import random
from itertools import pairwise

import igraph
import networkx
import pytest

from ringtrace.graph.communities import components, leiden, overlapping
from ringtrace.graph.projections import from_pairs, from_relationships, merged
from ringtrace.graph.store import NodeRef, Relationship

SEEDS = [1, 2, 3, 4, 5]


def random_pairs(seed: int, nodes: int = 60, edges: int = 90) -> list[tuple[int, int]]:
    generator = random.Random(seed)
    return [(generator.randrange(nodes), generator.randrange(nodes)) for _ in range(edges)]


def graph_of(pairs: list[tuple[int, int]], weights: list[float] | None = None) -> igraph.Graph:
    attributes = {"weight": weights} if weights is not None else None
    return from_pairs([pair[0] for pair in pairs], [pair[1] for pair in pairs], attributes)


def cliques(*sizes: int, shared: int = 0) -> igraph.Graph:
    """Cliques in a row; each shares its first `shared` vertices with the one before."""
    pairs = []
    first = 0
    for size in sizes:
        members = range(first, first + size)
        pairs += [(one, other) for one in members for other in members if one < other]
        first += size - shared
    return graph_of(pairs)


def keys(graph: igraph.Graph, groups: list[list[int]]) -> set[frozenset[object]]:
    return {frozenset(graph.vs[vertex]["name"] for vertex in group) for group in groups}


@pytest.mark.parametrize("seed", SEEDS)
@pytest.mark.parametrize("directed", [False, True])
def test_a_projection_holds_the_edges_it_was_given(seed: int, directed: bool) -> None:
    pairs = random_pairs(seed)
    weights = [float(place) for place in range(len(pairs))]
    graph = from_pairs(
        [one for one, _ in pairs], [other for _, other in pairs], {"weight": weights}, directed=directed, vertices=[999]
    )
    oracle: networkx.MultiGraph[int] = networkx.MultiDiGraph() if directed else networkx.MultiGraph()
    oracle.add_node(999)
    oracle.add_weighted_edges_from((one, other, weight) for (one, other), weight in zip(pairs, weights, strict=True))
    assert sorted(graph.vs["name"]) == sorted(oracle.nodes)

    def written(one: int, other: int, weight: float) -> tuple[int, int, float]:
        return (one, other, weight) if directed else (min(one, other), max(one, other), weight)

    names = graph.vs["name"]
    found = sorted(written(names[edge.source], names[edge.target], edge["weight"]) for edge in graph.es)
    assert found == sorted(written(*edge) for edge in oracle.edges(data="weight", default=0.0))


@pytest.mark.parametrize("seed", SEEDS)
def test_the_order_of_rows_changes_no_projection(seed: int) -> None:
    pairs = random_pairs(seed)
    shuffled = pairs.copy()
    random.Random(seed).shuffle(shuffled)
    one, other = graph_of(pairs), graph_of(shuffled)
    assert one.vs["name"] == other.vs["name"]
    assert one.get_edgelist() == other.get_edgelist()


def test_relationships_become_edges_with_their_weight() -> None:
    patient, shop, card = NodeRef("Patient", "p"), NodeRef("Pharmacy", "s"), NodeRef("Card", "c")
    rows = [
        Relationship("BOUGHT_AT", patient, shop, {"amount": 12.5}),
        Relationship("OWNS", patient, card, {}),
        Relationship("SETTLED_WITH", patient, card, {"amount": 2.0}),
    ]
    graph = from_relationships(rows, [NodeRef("Drug", "d")], weight="amount")
    assert set(graph.vs["name"]) == {patient, shop, card, NodeRef("Drug", "d")}
    simple = merged(graph)
    assert sorted(simple.es["weight"]) == [3.0, 12.5]


def test_columns_of_different_length_are_an_error() -> None:
    with pytest.raises(ValueError, match="weight has 1 values for 2 edges"):
        from_pairs([1, 2], [2, 3], {"weight": [1.0]})


@pytest.mark.parametrize("seed", SEEDS)
def test_components_are_networkx_s(seed: int) -> None:
    pairs = random_pairs(seed, edges=40)
    graph = graph_of(pairs)
    oracle = networkx.Graph(pairs)
    assert keys(graph, components(graph)) == {frozenset(part) for part in networkx.connected_components(oracle)}


@pytest.mark.parametrize("seed", SEEDS)
@pytest.mark.parametrize("objective", ["CPM", "modularity"])
def test_leiden_is_a_repeatable_partition_into_connected_groups(seed: int, objective: str) -> None:
    graph = graph_of(random_pairs(seed))
    found = leiden(graph, resolution=0.3, objective=objective, weights=None, seed=seed)  # type: ignore[arg-type]
    assert sorted(vertex for group in found for vertex in group) == list(range(graph.vcount()))
    assert all(graph.induced_subgraph(group).is_connected() for group in found)
    assert [len(group) for group in found] == sorted((len(group) for group in found), reverse=True)
    again = leiden(graph, resolution=0.3, objective=objective, weights=None, seed=seed)  # type: ignore[arg-type]
    assert again == found


@pytest.mark.parametrize("seed", SEEDS)
def test_leiden_s_modularity_is_not_below_networkx_louvain(seed: int) -> None:
    pairs = [pair for pair in random_pairs(seed, nodes=80, edges=200) if pair[0] != pair[1]]
    oracle = networkx.Graph(pairs)
    graph = graph_of(sorted({(min(pair), max(pair)) for pair in pairs}))
    groups = keys(graph, leiden(graph, resolution=1.0, objective="modularity", weights=None, seed=seed))
    ours = networkx.community.modularity(oracle, [set(group) for group in groups])
    louvain = networkx.community.modularity(oracle, networkx.community.louvain_communities(oracle, seed=seed))
    assert ours >= louvain - 0.02


def test_cpm_keeps_small_dense_groups_apart_in_a_large_graph() -> None:
    sizes = [5] * 60
    graph = cliques(*sizes)
    bridged = graph.copy()
    bridged.add_edges([(one, other) for one, other in pairwise(range(0, 300, 5))])
    found = leiden(bridged, resolution=0.4, weights=None)
    assert [len(group) for group in found] == sizes


def test_a_vertex_of_two_cliques_is_in_both_groups() -> None:
    graph = cliques(6, 6, shared=1)
    assert overlapping(graph, resolution=0.5, weights=None) == [[0, 1, 2, 3, 4, 5], [5, 6, 7, 8, 9, 10]]
    assert sum(map(len, leiden(graph, resolution=0.5, weights=None))) == 11


@pytest.mark.parametrize("seed", SEEDS)
def test_an_overlapping_cover_leaves_nobody_out(seed: int) -> None:
    pairs = random_pairs(seed, edges=150)
    graph = graph_of(pairs, [1.0] * len(pairs))
    found = overlapping(graph, resolution=0.2, seed=seed)
    assert {vertex for group in found for vertex in group} == set(range(graph.vcount()))
    assert all(len(set(group)) == len(group) for group in found)
    assert found == overlapping(graph, resolution=0.2, seed=seed)


def test_a_graph_without_edges_is_single_vertices() -> None:
    graph = from_pairs([], [], vertices=["a", "b"])
    assert components(graph) == leiden(graph, resolution=1.0) == overlapping(graph, resolution=1.0) == [[0], [1]]


def test_python_s_own_random_numbers_are_left_alone() -> None:
    random.seed(5)
    expected = random.random()
    random.seed(5)
    leiden(cliques(4, 4), resolution=0.5, weights=None, seed=9)
    assert random.random() == expected
