"""Ladybug's values → the store's: nodes, relationships and paths by business keys, without internal ids.

The engine gives a node as `{_ID: {table, offset}, _LABEL, …properties}`, a relationship with `_SRC` and `_DST` beside,
and a path as `{_NODES, _RELS}`; properties of other labels are padded with None.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from decimal import Decimal
from typing import Any

from ringtrace.data_schema.graph import graph_schema
from ringtrace.graph.store import Node, NodeRef, Path, Relationship

InternalId = tuple[int, int]


def internal_id(raw: Mapping[str, int]) -> InternalId:
    """The engine's own number of a node, for matching relationship ends to nodes within one answer."""
    return raw["table"], raw["offset"]


def elements(value: Any) -> Iterator[Mapping[str, Any]]:
    """Every node or relationship, as the engine gives it, anywhere inside a value."""
    if isinstance(value, Mapping):
        if isinstance(value.get("_ID"), Mapping):
            yield value
        for each in value.values():
            yield from elements(each)
    elif isinstance(value, list | tuple):
        for each in value:
            yield from elements(each)


def _own(raw: Mapping[str, Any], declared: Iterable[str]) -> dict[str, Any]:
    """The properties that the type declares: the engine pads a node with the other labels' as None."""
    return {name: raw.get(name) for name in declared}


def node(raw: Mapping[str, Any]) -> Node:
    """A node as the engine gives it."""
    declared = graph_schema().nodes[raw["_LABEL"]].properties
    return Node(NodeRef(raw["_LABEL"], raw["id"]), _own(raw, (each.name for each in declared)))


def relationship(raw: Mapping[str, Any], source: NodeRef, target: NodeRef) -> Relationship:
    """A relationship as the engine gives it, with the business keys of its ends."""
    declared = graph_schema().relationships[raw["_LABEL"]].properties
    return Relationship(raw["_LABEL"], source, target, _own(raw, (each.name for each in declared)))


def path(raw: Mapping[str, Any]) -> Path:
    """A path as the engine gives it."""
    nodes = tuple(node(each) for each in raw["_NODES"])
    keys = {internal_id(each["_ID"]): made.ref for each, made in zip(raw["_NODES"], nodes, strict=True)}
    edges = (
        relationship(each, keys[internal_id(each["_SRC"])], keys[internal_id(each["_DST"])]) for each in raw["_RELS"]
    )
    return Path(nodes, tuple(edges))


def plain(value: Any, keys: Mapping[InternalId, NodeRef]) -> Any:
    """A cell of a row, whatever it holds; `keys` has the ends of every relationship in it."""
    if isinstance(value, Mapping):
        if "_NODES" in value:
            return path(value)
        if isinstance(value.get("_SRC"), Mapping):
            return relationship(value, keys[internal_id(value["_SRC"])], keys[internal_id(value["_DST"])])
        if isinstance(value.get("_ID"), Mapping):
            return node(value)
        return {name: plain(each, keys) for name, each in value.items()}
    if isinstance(value, list):
        return [plain(each, keys) for each in value]
    if isinstance(value, Decimal):
        # The engine sums integers to 128 bits and gives those as decimals; both engines shall give whole numbers.
        return int(value) if value.as_tuple().exponent == 0 else float(value)
    return value
