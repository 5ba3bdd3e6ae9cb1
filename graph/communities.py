"""Groups in a graph: connected components, Leiden communities, and overlapping ones by ego splitting.

All give a list of groups, each a sorted list of vertex numbers, largest first; seeded, so that a second run gives the
same.
"""

from __future__ import annotations

import random
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Literal

import igraph

Groups = list[list[int]]


@contextmanager
def seeded(seed: int) -> Iterator[None]:
    """Let igraph draw from a generator of this seed, and from Python's own again afterwards."""
    igraph.set_random_number_generator(random.Random(seed))
    try:
        yield
    finally:
        igraph.set_random_number_generator(random)


def components(graph: igraph.Graph) -> Groups:
    """Connected components, ignoring direction. O(V + E)."""
    return _ordered(list(graph.connected_components(mode="weak")))


def leiden(
    graph: igraph.Graph,
    *,
    resolution: float,
    objective: Literal["CPM", "modularity"] = "CPM",
    weights: str | None = "weight",
    seed: int = 0,
) -> Groups:
    """Leiden communities: groups that are connected inside and denser than `resolution` asks.

    With the constant Potts model a group is kept whole when the weight between two halves of it exceeds `resolution`
    times the product of their sizes; unlike modularity, that does not depend on the rest of the graph, so small groups
    stay small in a large city (no resolution limit).

    Parameters
    ----------
    graph:
        Undirected; parallel edges count separately.
    resolution:
        For CPM the least density of a group, in units of the edge weight; for modularity 1 is usual.
    weights:
        Edge attribute; None counts edges.

    Returns
    -------
    A partition: each vertex in one group.

    References
    ----------
    Traag, Waltman, van Eck (2019), "From Louvain to Leiden: guaranteeing well-connected communities", Sci. Rep. 9:5233.
    Traag, Van Dooren, Nesterov (2011), "Narrow scope for resolution-limit-free community detection", Phys. Rev. E 84.
    """
    if not graph.ecount():
        return _ordered([[vertex] for vertex in range(graph.vcount())])
    with seeded(seed):
        found = graph.community_leiden(
            objective_function=objective, weights=weights, resolution=resolution, n_iterations=-1
        )
    return _ordered(list(found))


def overlapping(graph: igraph.Graph, *, resolution: float, weights: str | None = "weight", seed: int = 0) -> Groups:
    """Communities that may share vertices: one card may serve two rings.

    Ego splitting: a vertex whose neighbours fall into several components once it is taken away plays several roles; it
    is split into one persona for each, the graph of personas is partitioned by `leiden` (CPM), and a vertex belongs to
    every group that one of its personas belongs to. Only the ego's own neighbourhood decides, so the cost is that of
    listing triangles: O(E · √E).

    Returns
    -------
    A cover: each vertex in at least one group, none twice in the same one.

    References
    ----------
    Epasto, Lattanzi, Paes Leme (2017), "Ego-splitting framework: from non-overlapping to overlapping clusters", KDD.
    """
    persona: dict[tuple[int, int], int] = {}
    owner: list[int] = []
    for ego in range(graph.vcount()):
        neighbours = sorted(set(graph.neighbors(ego)) - {ego})
        parts = components(graph.induced_subgraph(neighbours)) if neighbours else [[]]
        for part in parts:
            for place in part:
                persona[ego, neighbours[place]] = len(owner)
            owner.append(ego)
    split = igraph.Graph(n=len(owner))
    kept = [edge for edge in graph.es if edge.source != edge.target]
    split.add_edges([(persona[edge.source, edge.target], persona[edge.target, edge.source]) for edge in kept])
    if weights is not None and weights in graph.es.attributes():
        split.es[weights] = [edge[weights] for edge in kept]
    else:
        weights = None
    groups = {
        tuple(sorted({owner[each] for each in group}))
        for group in leiden(split, resolution=resolution, weights=weights, seed=seed)
    }
    return _ordered([list(group) for group in groups])


def _ordered(groups: Groups) -> Groups:
    return sorted((sorted(group) for group in groups), key=lambda group: (-len(group), group))
