"""Rows, relationships and whole relationship types → python-igraph graphs, for the algorithms beside this file.

Vertices are sorted by their key and edges by their ends, so that the order in which rows arrive changes nothing.
"""

from __future__ import annotations

from collections.abc import Hashable, Iterable, Mapping, Sequence
from typing import Any

import igraph

from ringtrace.graph.store import NodeRef, Relationship

KEY = "name"
"""Vertex attribute that holds the key (`NodeRef`, or whatever the rows named)."""


def from_pairs(
    sources: Sequence[Hashable],
    targets: Sequence[Hashable],
    attributes: Mapping[str, Sequence[Any]] | None = None,
    *,
    vertices: Iterable[Hashable] = (),
    directed: bool = False,
) -> igraph.Graph:
    """A graph with the edges `sources[i]`–`targets[i]`; `attributes` are edge attributes, in the same order.

    Parameters
    ----------
    vertices:
        Keys that shall be there even without an edge.

    Raises
    ------
    ValueError
        If the columns differ in length.
    """
    columns = dict(attributes or {})
    for name, values in {"targets": targets, **columns}.items():
        if len(values) != len(sources):
            raise ValueError(f"{name} has {len(values)} values for {len(sources)} edges")
    keys = sorted({*sources, *targets, *vertices})  # type: ignore[type-var]
    number = {key: place for place, key in enumerate(keys)}
    edges = [(number[source], number[target]) for source, target in zip(sources, targets, strict=True)]
    if not directed:
        edges = [(min(edge), max(edge)) for edge in edges]
    order = sorted(
        range(len(edges)), key=lambda place: (edges[place], *(_sortable(columns[name][place]) for name in columns))
    )
    graph = igraph.Graph(n=len(keys), edges=[edges[place] for place in order], directed=directed)
    graph.vs[KEY] = keys
    for name, values in columns.items():
        graph.es[name] = [values[place] for place in order]
    return graph


def _sortable(value: Any) -> tuple[bool, Any]:
    return (value is not None, value if value is not None else 0)


def from_relationships(
    relationships: Iterable[Relationship],
    nodes: Iterable[NodeRef] = (),
    *,
    weight: str | None = None,
    directed: bool = False,
) -> igraph.Graph:
    """The graph of `relationships`, with `nodes` that may have none; `weight` is the property kept as edge weight.

    Edge attributes are `type` and, with `weight`, `weight` (1.0 where the relationship lacks the property).
    """
    listed = list(relationships)
    attributes: dict[str, list[Any]] = {"type": [each.type for each in listed]}
    if weight is not None:
        values = (each.properties.get(weight) for each in listed)
        attributes["weight"] = [1.0 if value is None else float(value) for value in values]
    return from_pairs(
        [each.source for each in listed],
        [each.target for each in listed],
        attributes,
        vertices=nodes,
        directed=directed,
    )


def merged(graph: igraph.Graph, *, weight: str = "weight") -> igraph.Graph:
    """A copy in which parallel edges are one, their weights summed (1 each where there are none), and loops gone."""
    simple = graph.copy()
    if weight not in simple.es.attributes():
        simple.es[weight] = [1.0] * simple.ecount()
    simple.simplify(multiple=True, loops=True, combine_edges={weight: "sum", None: "first"})
    return simple
