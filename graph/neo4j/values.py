"""Neo4j's values → the store's: nodes, relationships and paths by business keys, Python's own dates and times."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from datetime import timedelta
from typing import Any

import neo4j.graph
import neo4j.time

from ringtrace.data_schema.graph import graph_schema
from ringtrace.graph.neo4j.names import Names
from ringtrace.graph.store import Node, NodeRef, Path, Relationship


def elements(value: Any) -> Iterator[neo4j.graph.Node | neo4j.graph.Relationship]:
    """Every node and relationship anywhere inside a value."""
    if isinstance(value, neo4j.graph.Node | neo4j.graph.Relationship):
        yield value
    elif isinstance(value, neo4j.graph.Path):
        yield from value.nodes
    elif isinstance(value, Mapping):
        for each in value.values():
            yield from elements(each)
    elif isinstance(value, list | tuple):
        for each in value:
            yield from elements(each)


def ref(raw: neo4j.graph.Node, names: Names) -> NodeRef | None:
    """The node's label and key; None if the server sent neither, as for the ends of a lone relationship."""
    label = next(iter(raw.labels), None)
    return NodeRef(names.plain(label), raw["id"]) if label is not None else None


def node(raw: neo4j.graph.Node, names: Names) -> Node:
    """A node as the driver gives it."""
    found = ref(raw, names)
    assert found is not None
    declared = graph_schema().nodes[found.label].properties
    return Node(found, _own(raw, (each.name for each in declared)))


def relationship(raw: neo4j.graph.Relationship, source: NodeRef, target: NodeRef, names: Names) -> Relationship:
    """A relationship as the driver gives it, with the keys of its ends."""
    name = names.plain(raw.type)
    declared = graph_schema().relationships[name].properties
    return Relationship(name, source, target, _own(raw, (each.name for each in declared)))


def plain(value: Any, keys: Mapping[str, NodeRef], names: Names) -> Any:
    """A cell of a row, whatever it holds; `keys` has the ends of every relationship in it, by the server's ids."""
    if isinstance(value, neo4j.graph.Node):
        return node(value, names)
    if isinstance(value, neo4j.graph.Relationship):
        start, end = value.nodes
        assert start is not None
        assert end is not None
        return relationship(value, keys[start.element_id], keys[end.element_id], names)
    if isinstance(value, neo4j.graph.Path):
        nodes = tuple(node(each, names) for each in value.nodes)
        return Path(nodes, tuple(plain(each, keys, names) for each in value.relationships))
    if isinstance(value, Mapping):
        return {name: plain(each, keys, names) for name, each in value.items()}
    if isinstance(value, list):
        return [plain(each, keys, names) for each in value]
    return names.plain_value(_native(value))


def _own(raw: neo4j.graph.Entity, declared: Iterable[str]) -> dict[str, Any]:
    """The declared properties; the server keeps none that are missing."""
    return {name: _native(raw.get(name)) for name in declared}


def _native(value: Any) -> Any:
    if isinstance(value, neo4j.time.Date | neo4j.time.Time | neo4j.time.DateTime):
        return value.to_native()
    if isinstance(value, neo4j.time.Duration):
        if value.months:
            return value.iso_format()
        return timedelta(days=value.days, seconds=value.seconds, microseconds=value.nanoseconds // 1000)
    return value
