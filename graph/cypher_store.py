"""What both engines answer alike: the same Cypher, in which an engine only puts its own words for label and type."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from typing import Any, Final, Protocol, Self

from ringtrace.data_schema.graph import Direction, RelationshipType, graph_schema
from ringtrace.graph import connections
from ringtrace.graph.store import (
    DEFAULT_CROWD,
    Expansion,
    GraphCounts,
    NeighbourCount,
    Node,
    NodeRef,
    Path,
    Relationship,
)

_FEW: Final = 100  # ids in a list that is faster to compare than to join
_ARROWS: Final[dict[Direction, str]] = {"out": "-[r]->", "in": "<-[r]-"}


class Dialect(Protocol):
    """An engine's words, and its values as the store's."""

    label_of: str
    """Expression for the label of the node `{}`."""
    type_of: str
    """Expression for the type of the relationship `{}`."""
    any_label: str
    """What stands between labels of which a node has one."""

    def stored(self, name: str) -> str:
        """What a label or type of the schema is called in this database."""
        ...

    def plain(self, name: str) -> str:
        """The reverse of `stored`."""
        ...

    def node(self, raw: Any) -> Node:
        """A node as the engine gives it."""
        ...

    def relationship(self, raw: Any, source: NodeRef, target: NodeRef) -> Relationship:
        """A relationship as the engine gives it, with the keys of its ends."""
        ...


class CypherStore:
    """Everything of a `GraphStore` that is asked in Cypher of our own; engines add `_rows`, `run_cypher`, `close`."""

    def __init__(self, dialect: Dialect, generation: int, counts: GraphCounts) -> None:
        self._dialect = dialect
        self._generation = generation
        self._counts = counts

    @property
    def generation(self) -> int:
        return self._generation

    def counts(self) -> GraphCounts:
        return self._counts

    def close(self) -> None:
        raise NotImplementedError

    def _rows(self, query: str, **parameters: Any) -> list[list[Any]]:
        raise NotImplementedError

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *exc: object) -> None:
        self.close()

    # -- nodes and what lies around them ------------------------------------------------------------------------------

    def node(self, ref: NodeRef) -> Node | None:
        found = self.nodes([ref])
        return found[0] if found else None

    def nodes(self, refs: Iterable[NodeRef]) -> list[Node]:
        wanted = list(dict.fromkeys(refs))
        found: dict[NodeRef, Node] = {}
        for label, ids in _by_label(wanted).items():
            each = f"(n:{self._dialect.stored(label)})"
            # An engine compares a list of ids with every node of the label; a long one is joined by key instead.
            query = f"UNWIND $ids AS key MATCH {each} WHERE n.id = key RETURN n"
            if len(ids) <= _FEW:
                query = f"MATCH {each} WHERE n.id IN $ids RETURN n"
            for (raw,) in self._rows(query, ids=ids):
                node = self._dialect.node(raw)
                found[node.ref] = node
        return [found[ref] for ref in wanted if ref in found]

    def neighbour_counts(self, ref: NodeRef) -> list[NeighbourCount]:
        start = self._dialect.stored(_label(ref.label))
        kind, label = self._dialect.type_of.format("r"), self._dialect.label_of.format("m")
        return [
            NeighbourCount(name, direction, end, count)
            for direction, arrow in _ARROWS.items()
            for name, end, count in sorted(
                (self._dialect.plain(name), self._dialect.plain(end), count)
                for name, end, count in self._rows(
                    f"MATCH (n:{start}){arrow}(m) WHERE n.id IN $ids RETURN {kind}, {label}, count(*)", ids=[ref.id]
                )
            )
        ]

    def expand(
        self,
        ref: NodeRef,
        types: Sequence[str] | None = None,
        *,
        labels: Sequence[str] | None = None,
        direction: Direction | None = None,
        limit: int = 50,
        offset: int = 0,
    ) -> Expansion:
        nodes: dict[NodeRef, Node] = {}
        relationships: list[Relationship] = []
        ways: dict[tuple[str, Direction], list[NeighbourCount]] = {}
        for each in self.neighbour_counts(ref):
            if (
                (types is None or each.type in types)
                and (labels is None or each.label in labels)
                and (direction is None or each.direction == direction)
            ):
                ways.setdefault((each.type, each.direction), []).append(each)
        for (name, way), counted in ways.items():
            others = self._dialect.any_label.join(self._dialect.stored(each.label) for each in counted)
            arrow = _ARROWS[way].replace("r", f"r:{self._dialect.stored(name)}")
            rank = graph_schema().relationships[name].rank
            # Engines differ in where they sort what is missing: it is the least involved.
            order = f"r.{rank} IS NULL, r.{rank} DESC, m.id" if rank else "m.id"
            for edge, other in self._rows(
                f"MATCH (n:{self._dialect.stored(ref.label)} {{id: $id}}){arrow}(m:{others}) RETURN r, m "
                f"ORDER BY {order} SKIP $offset LIMIT $limit",
                id=ref.id,
                offset=offset,
                limit=limit,
            ):
                node = self._dialect.node(other)
                nodes[node.ref] = node
                ends = (ref, node.ref) if way == "out" else (node.ref, ref)
                relationships.append(self._dialect.relationship(edge, *ends))
        total = sum(each.count for counted in ways.values() for each in counted)
        return Expansion(tuple(nodes.values()), tuple(relationships), total)

    def between(self, refs: Iterable[NodeRef], types: Sequence[str] | None = None) -> list[Relationship]:
        grouped = _by_label(refs)
        stored = self._dialect.stored
        found = []
        for each in graph_schema().relationships.values():
            if (types is not None and each.name not in types) or not self.counts().relationships.get(each.name):
                continue
            for source, target in each.pairs:
                if source not in grouped or target not in grouped:
                    continue
                first = f"(a:{stored(source)})-[r:{stored(each.name)}]->(b:{stored(target)})"
                condition, keys = _both_named(grouped[source], grouped[target])
                ends = set(grouped[source]), set(grouped[target])
                for start, edge, end in self._rows(f"{condition.format(first)} RETURN a.id, r, b.id", **keys):
                    if start not in ends[0] or end not in ends[1]:
                        continue
                    found.append(self._dialect.relationship(edge, NodeRef(source, start), NodeRef(target, end)))
        return found

    def hidden_counts(self, refs: Iterable[NodeRef]) -> dict[NodeRef, int]:
        shown = list(dict.fromkeys(refs))
        hidden = dict.fromkeys(shown, 0) | self.degrees(shown)
        for edge in self.between(shown):
            hidden[edge.source] -= 1
            hidden[edge.target] -= 1
        return hidden

    def degrees(self, refs: Iterable[NodeRef], types: Sequence[str] | None = None) -> dict[NodeRef, int]:
        followed = self._followed(types)
        counted: dict[NodeRef, int] = {}
        for label, ids in _by_label(refs).items():
            for arrow in _ARROWS.values():
                for key, count in self._rows(
                    f"MATCH (n:{self._dialect.stored(label)}){arrow.replace('r', f'r{followed}')}(m) "
                    "WHERE n.id IN $ids RETURN n.id, count(*)",
                    ids=ids,
                ):
                    counted[NodeRef(label, key)] = counted.get(NodeRef(label, key), 0) + count
        return counted

    def adjacent(
        self, refs: Iterable[NodeRef], types: Sequence[str] | None = None
    ) -> Iterator[tuple[NodeRef, NodeRef]]:
        followed = self._followed(types)
        end = self._dialect.label_of.format("m")
        for label, ids in _by_label(refs).items():
            for arrow in _ARROWS.values():
                for key, other, other_key in self._rows(
                    f"MATCH (n:{self._dialect.stored(label)}){arrow.replace('r', f'r{followed}')}(m) "
                    f"WHERE n.id IN $ids RETURN DISTINCT n.id, {end}, m.id",
                    ids=ids,
                ):
                    yield NodeRef(label, key), NodeRef(self._dialect.plain(other), other_key)

    # -- paths and search ---------------------------------------------------------------------------------------------

    def shortest_paths(
        self,
        start: NodeRef,
        end: NodeRef,
        *,
        max_length: int = 4,
        types: Sequence[str] | None = None,
        crowd: int = DEFAULT_CROWD,
        limit: int = 20,
    ) -> list[Path]:
        return connections.shortest_paths(
            self, start, end, max_length=max_length, types=types, crowd=crowd, limit=limit
        )

    def all_paths(
        self,
        start: NodeRef,
        end: NodeRef,
        *,
        max_length: int = 4,
        types: Sequence[str] | None = None,
        crowd: int = DEFAULT_CROWD,
        limit: int = 20,
    ) -> list[Path]:
        return connections.all_paths(self, start, end, max_length=max_length, types=types, crowd=crowd, limit=limit)

    def search(self, text: str, *, labels: Sequence[str] | None = None, limit: int = 20) -> list[Node]:
        wanted = text.strip()
        if not wanted:
            return []
        chosen = [node for node in graph_schema().nodes.values() if labels is None or node.name in labels]
        found: dict[NodeRef, Node] = {}
        for exact in self.nodes(NodeRef(node.name, wanted) for node in chosen):
            found[exact.ref] = exact
        for node in chosen:
            if len(found) >= limit:
                break
            fields = ["n.name"] if node.caption else []
            if node.searched:
                fields.append("n.id")
            if not fields:
                continue
            condition = " OR ".join(f"{each} CONTAINS $text" for each in fields)
            for (raw,) in self._rows(
                f"MATCH (n:{self._dialect.stored(node.name)}) WHERE {condition} RETURN n ORDER BY n.id LIMIT $limit",
                text=wanted,
                limit=limit - len(found),
            ):
                each_node = self._dialect.node(raw)
                found[each_node.ref] = each_node
        return list(found.values())[:limit]

    def _followed(self, types: Sequence[str] | None) -> str:
        return f":{'|'.join(self._dialect.stored(_type(each).name) for each in types)}" if types is not None else ""


def _both_named(starts: Sequence[str], ends: Sequence[str]) -> tuple[str, dict[str, Sequence[str]]]:
    """The beginning of a query on a pattern `{}` from a node `a` to a node `b`, both named by lists, and what it uses.

    Of two long lists only the longer one narrows the pattern: the rows that lead elsewhere are fewer than all pairs.
    """
    many = [len(each) > _FEW for each in (starts, ends)]
    if not any(many):
        return "MATCH {} WHERE a.id IN $sources AND b.id IN $targets", {"sources": starts, "targets": ends}
    forward = len(starts) > len(ends)
    joined, node, other = (starts, "a", "b") if forward else (ends, "b", "a")
    query = f"UNWIND $joined AS key MATCH {{}} WHERE {node}.id = key"
    if all(many):
        return query, {"joined": joined}
    return f"{query} AND {other}.id IN $listed", {"joined": joined, "listed": ends if forward else starts}


def _label(label: str) -> str:
    """The label itself, once it is known to be one: labels stand in the query's text and cannot be parameters."""
    if label not in graph_schema().nodes:
        raise KeyError(f"no label {label!r} in the graph")
    return label


def _type(name: str) -> RelationshipType:
    if name not in graph_schema().relationships:
        raise KeyError(f"no relationship type {name!r} in the graph")
    return graph_schema().relationships[name]


def _by_label(refs: Iterable[NodeRef]) -> dict[str, list[str]]:
    grouped: dict[str, list[str]] = {}
    for ref in dict.fromkeys(refs):
        grouped.setdefault(_label(ref.label), []).append(ref.id)
    return grouped
