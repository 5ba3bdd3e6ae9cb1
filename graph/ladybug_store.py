"""The embedded engine: a Ladybug database in the workspace, opened read-only."""

from __future__ import annotations

import threading
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from itertools import islice
from pathlib import Path as FilePath
from time import perf_counter
from typing import Any, Final, Self

import ladybug

from ringtrace.data_schema.graph import Direction, RelationshipType, graph_schema
from ringtrace.errors import RingTraceError
from ringtrace.graph import connections
from ringtrace.graph import ladybug_values as values
from ringtrace.graph.files import GraphVersion
from ringtrace.graph.guard import check_plan, check_reading
from ringtrace.graph.store import (
    DEFAULT_CROWD,
    DEFAULT_ROW_LIMIT,
    DEFAULT_TIMEOUT,
    Engine,
    Expansion,
    GraphCounts,
    NeighbourCount,
    Node,
    NodeRef,
    Path,
    Relationship,
    Rows,
)

BUFFER_POOL: Final = 1 << 30

_ARROWS: Final[dict[Direction, str]] = {"out": "-[r]->", "in": "<-[r]-"}


class LadybugStore:
    """A `GraphStore` on a Ladybug file. Each thread has a connection of its own, as the engine wants it."""

    def __init__(self, database: FilePath, version: GraphVersion) -> None:
        self._version = version
        self._database = ladybug.Database(str(database), read_only=True, buffer_pool_size=BUFFER_POOL)
        self._local = threading.local()
        self._connections: list[ladybug.Connection] = []

    # -- plumbing ---------------------------------------------------------------------------------------------------

    @property
    def engine(self) -> Engine:
        return "ladybug"

    @property
    def generation(self) -> int:
        return self._version.generation

    def counts(self) -> GraphCounts:
        return self._version.counts

    def close(self) -> None:
        for connection in self._connections:
            connection.close()
        self._connections.clear()
        self._database.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *exc: object) -> None:
        self.close()

    def _connection(self) -> ladybug.Connection:
        connection = getattr(self._local, "connection", None)
        if connection is None:
            connection = ladybug.Connection(self._database)
            connection.set_query_timeout(_milliseconds(DEFAULT_TIMEOUT))
            self._local.connection = connection
            self._connections.append(connection)
        return connection

    @contextmanager
    def _result(
        self, query: str, parameters: Mapping[str, Any] | None = None, timeout: float = DEFAULT_TIMEOUT
    ) -> Iterator[ladybug.QueryResult]:
        try:
            result = self._connection().execute(query, dict(parameters or {}))
        except RuntimeError as error:
            raise _failure(str(error), timeout) from error
        assert isinstance(result, ladybug.QueryResult)
        try:
            yield result
        finally:
            result.close()

    def _rows(self, query: str, **parameters: Any) -> list[list[Any]]:
        with self._result(query, parameters) as result:
            return _listed(result)

    # -- nodes ------------------------------------------------------------------------------------------------------

    def node(self, ref: NodeRef) -> Node | None:
        found = self.nodes([ref])
        return found[0] if found else None

    def nodes(self, refs: Iterable[NodeRef]) -> list[Node]:
        wanted = list(dict.fromkeys(refs))
        found: dict[NodeRef, Node] = {}
        for label, ids in _by_label(wanted).items():
            for (raw,) in self._rows(f"MATCH (n:{label}) WHERE n.id IN $ids RETURN n", ids=ids):
                node = values.node(raw)
                found[node.ref] = node
        return [found[ref] for ref in wanted if ref in found]

    def neighbour_counts(self, ref: NodeRef) -> list[NeighbourCount]:
        return [
            NeighbourCount(name, direction, label, count)
            for direction, arrow in _ARROWS.items()
            for name, label, count in sorted(
                self._rows(
                    f"MATCH (n:{_label(ref.label)}){arrow}(m) WHERE n.id IN $ids RETURN label(r), label(m), count(*)",
                    ids=[ref.id],
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
            others = ":".join(each.label for each in counted)
            rank = graph_schema().relationships[name].rank
            for edge, other in self._rows(
                f"MATCH (n:{ref.label} {{id: $id}}){_ARROWS[way].replace('r', f'r:{name}')}(m:{others}) RETURN r, m "
                f"ORDER BY {f'r.{rank} DESC, ' if rank else ''}m.id SKIP $offset LIMIT $limit",
                id=ref.id,
                offset=offset,
                limit=limit,
            ):
                node = values.node(other)
                nodes[node.ref] = node
                ends = (ref, node.ref) if way == "out" else (node.ref, ref)
                relationships.append(values.relationship(edge, *ends))
        total = sum(each.count for counted in ways.values() for each in counted)
        return Expansion(tuple(nodes.values()), tuple(relationships), total)

    def between(self, refs: Iterable[NodeRef], types: Sequence[str] | None = None) -> list[Relationship]:
        grouped = _by_label(refs)
        found = []
        for each in graph_schema().relationships.values():
            if (types is not None and each.name not in types) or not self.counts().relationships.get(each.name):
                continue
            for source, target in each.pairs:
                if source not in grouped or target not in grouped:
                    continue
                for start, edge, end in self._rows(
                    f"MATCH (a:{source})-[r:{each.name}]->(b:{target}) WHERE a.id IN $sources AND b.id IN $targets "
                    "RETURN a.id, r, b.id",
                    sources=grouped[source],
                    targets=grouped[target],
                ):
                    found.append(values.relationship(edge, NodeRef(source, start), NodeRef(target, end)))
        return found

    def hidden_counts(self, refs: Iterable[NodeRef]) -> dict[NodeRef, int]:
        shown = list(dict.fromkeys(refs))
        hidden = dict.fromkeys(shown, 0) | self.degrees(shown)
        for edge in self.between(shown):
            hidden[edge.source] -= 1
            hidden[edge.target] -= 1
        return hidden

    def degrees(self, refs: Iterable[NodeRef], types: Sequence[str] | None = None) -> dict[NodeRef, int]:
        followed = _followed(types)
        counted: dict[NodeRef, int] = {}
        for label, ids in _by_label(refs).items():
            for arrow in _ARROWS.values():
                for key, count in self._rows(
                    f"MATCH (n:{label}){arrow.replace('r', f'r{followed}')}(m) WHERE n.id IN $ids "
                    "RETURN n.id, count(*)",
                    ids=ids,
                ):
                    counted[NodeRef(label, key)] = counted.get(NodeRef(label, key), 0) + count
        return counted

    def adjacent(
        self, refs: Iterable[NodeRef], types: Sequence[str] | None = None
    ) -> Iterator[tuple[NodeRef, NodeRef]]:
        followed = _followed(types)
        for label, ids in _by_label(refs).items():
            for arrow in _ARROWS.values():
                for key, other, other_key in self._rows(
                    f"MATCH (n:{label}){arrow.replace('r', f'r{followed}')}(m) WHERE n.id IN $ids "
                    "RETURN DISTINCT n.id, label(m), m.id",
                    ids=ids,
                ):
                    yield NodeRef(label, key), NodeRef(other, other_key)

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
                f"MATCH (n:{node.name}) WHERE {condition} RETURN n ORDER BY n.id LIMIT $limit",
                text=wanted,
                limit=limit - len(found),
            ):
                each_node = values.node(raw)
                found[each_node.ref] = each_node
        return list(found.values())[:limit]

    # -- a user's Cypher ----------------------------------------------------------------------------------------------

    def run_cypher(
        self,
        query: str,
        parameters: Mapping[str, Any] | None = None,
        *,
        row_limit: int = DEFAULT_ROW_LIMIT,
        timeout: float = DEFAULT_TIMEOUT,
    ) -> Rows:
        check_reading(query)
        connection = self._connection()
        connection.set_query_timeout(_milliseconds(timeout))
        started = perf_counter()
        try:
            with self._result(f"EXPLAIN {query}", parameters, timeout) as plan:
                check_plan(str(_listed(plan)[0][0]))
            with self._result(query, parameters, timeout) as result:
                columns = tuple(result.get_column_names())
                raw = _listed(result, row_limit + 1)
        finally:
            connection.set_query_timeout(_milliseconds(DEFAULT_TIMEOUT))
        keys = self._keys(raw[:row_limit])
        rows = tuple(tuple(values.plain(cell, keys) for cell in row) for row in raw[:row_limit])
        return Rows(columns, rows, len(raw) > row_limit, perf_counter() - started)

    def _keys(self, rows: list[list[Any]]) -> dict[values.InternalId, NodeRef]:
        """The business keys of relationship ends whose nodes were not returned: the engine gives internal ids only."""
        known: dict[values.InternalId, NodeRef] = {}
        ends: set[values.InternalId] = set()
        for raw in values.elements(rows):
            if "_SRC" in raw:
                ends.update((values.internal_id(raw["_SRC"]), values.internal_id(raw["_DST"])))
            elif "_LABEL" in raw:
                known[values.internal_id(raw["_ID"])] = NodeRef(raw["_LABEL"], raw["id"])
        offsets: dict[int, list[int]] = {}
        for table, offset in ends - known.keys():
            offsets.setdefault(table, []).append(offset)
        labels = (
            {number: name for number, name, *_ in self._rows("CALL show_tables() RETURN id, name")} if offsets else {}
        )
        for table, wanted in offsets.items():
            # One scan of the label for all of them: the engine has no lookup by a list of internal ids.
            for offset, key in self._rows(
                f"MATCH (n:{labels[table]}) WHERE offset(id(n)) IN $wanted RETURN offset(id(n)), n.id", wanted=wanted
            ):
                known[table, offset] = NodeRef(labels[table], key)
        return known


def _listed(result: ladybug.QueryResult, limit: int | None = None) -> list[list[Any]]:
    return [list(row) for row in islice(result, limit)]


def _milliseconds(seconds: float) -> int:
    return max(1, int(seconds * 1000))


def _failure(message: str, timeout: float) -> RingTraceError:
    if "interrupted" in message.lower():
        return RingTraceError.of("graph.cypher.timeout", seconds=timeout)
    return RingTraceError.of("graph.cypher.failed", message=message)


def _label(label: str) -> str:
    """The label itself, once it is known to be one: labels stand in the query's text and cannot be parameters."""
    if label not in graph_schema().nodes:
        raise KeyError(f"no label {label!r} in the graph")
    return label


def _type(name: str) -> RelationshipType:
    if name not in graph_schema().relationships:
        raise KeyError(f"no relationship type {name!r} in the graph")
    return graph_schema().relationships[name]


def _followed(types: Sequence[str] | None) -> str:
    return f":{'|'.join(_type(each).name for each in types)}" if types is not None else ""


def _by_label(refs: Iterable[NodeRef]) -> dict[str, list[str]]:
    grouped: dict[str, list[str]] = {}
    for ref in refs:
        grouped.setdefault(_label(ref.label), []).append(ref.id)
    return grouped
