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
from ringtrace.graph import ladybug_values as values
from ringtrace.graph.files import GraphVersion
from ringtrace.graph.guard import check_plan, check_reading
from ringtrace.graph.store import (
    DEFAULT_ROW_LIMIT,
    DEFAULT_TIMEOUT,
    Expansion,
    GraphCounts,
    NeighbourCount,
    Node,
    NodeRef,
    Path,
    Relationship,
    Rows,
)
from ringtrace.texts import default_language, text

BUFFER_POOL: Final = 1 << 30


class LadybugStore:
    """A `GraphStore` on a Ladybug file. Each thread has a connection of its own, as the engine wants it."""

    def __init__(self, database: FilePath, version: GraphVersion) -> None:
        self._version = version
        self._database = ladybug.Database(str(database), read_only=True, buffer_pool_size=BUFFER_POOL)
        self._local = threading.local()
        self._connections: list[ladybug.Connection] = []

    # -- plumbing ---------------------------------------------------------------------------------------------------

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
            for (raw,) in self._rows(f"UNWIND $ids AS key MATCH (n:{label} {{id: key}}) RETURN n", ids=ids):
                node = values.node(raw)
                found[node.ref] = node
        return [found[ref] for ref in wanted if ref in found]

    def neighbour_counts(self, ref: NodeRef) -> list[NeighbourCount]:
        counted: list[NeighbourCount] = []
        for each, direction in graph_schema().around(_label(ref.label)):
            pattern = _pattern(each.name, direction)
            rows = self._rows(f"MATCH (n:{ref.label} {{id: $id}}){pattern}(m) RETURN label(m), count(*)", id=ref.id)
            counted.extend(NeighbourCount(each.name, direction, label, count) for label, count in rows)
        return counted

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
        total = 0
        for each, way in graph_schema().around(_label(ref.label)):
            if (types is not None and each.name not in types) or (direction is not None and way != direction):
                continue
            others = each.targets if way == "out" else each.sources
            shown = [label for label in others if labels is None or label in labels]
            if not shown:
                continue
            matched = f"MATCH (n:{ref.label} {{id: $id}}){_pattern(each.name, way, 'r')}(m:{':'.join(shown)})"
            total += self._rows(f"{matched} RETURN count(*)", id=ref.id)[0][0]
            order = f"r.{each.rank} DESC, m.id" if each.rank else "m.id"
            for edge, other in self._rows(
                f"{matched} RETURN r, m ORDER BY {order} SKIP $offset LIMIT $limit",
                id=ref.id,
                offset=offset,
                limit=limit,
            ):
                node = values.node(other)
                nodes[node.ref] = node
                ends = (ref, node.ref) if way == "out" else (node.ref, ref)
                relationships.append(values.relationship(edge, *ends))
        return Expansion(tuple(nodes.values()), tuple(relationships), total)

    def between(self, refs: Iterable[NodeRef], types: Sequence[str] | None = None) -> list[Relationship]:
        grouped = _by_label(refs)
        found = []
        for each in graph_schema().relationships.values():
            if types is not None and each.name not in types:
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
        hidden = dict.fromkeys(shown, 0)
        for label, ids in _by_label(shown).items():
            for each, direction in graph_schema().around(label):
                pattern = _pattern(each.name, direction)
                for key, count in self._rows(
                    f"UNWIND $ids AS key MATCH (n:{label} {{id: key}}){pattern}(m) RETURN key, count(*)", ids=ids
                ):
                    hidden[NodeRef(label, key)] += count
        for edge in self.between(shown):
            hidden[edge.source] -= 1
            hidden[edge.target] -= 1
        return hidden

    # -- paths and search ---------------------------------------------------------------------------------------------

    def shortest_paths(
        self,
        start: NodeRef,
        end: NodeRef,
        *,
        max_length: int = 4,
        types: Sequence[str] | None = None,
        limit: int = 20,
    ) -> list[Path]:
        return self._paths(start, end, f"* ALL SHORTEST 1..{int(max_length)}", types, limit)

    def all_paths(
        self,
        start: NodeRef,
        end: NodeRef,
        *,
        max_length: int = 4,
        types: Sequence[str] | None = None,
        limit: int = 20,
    ) -> list[Path]:
        return self._paths(start, end, f"* ACYCLIC 1..{int(max_length)}", types, limit)

    def _paths(self, start: NodeRef, end: NodeRef, length: str, types: Sequence[str] | None, limit: int) -> list[Path]:
        known = graph_schema().relationships
        followed = "|".join(_type(each).name for each in (types if types is not None else known))
        rows = self._rows(
            f"MATCH p = (a:{_label(start.label)} {{id: $first}})-[:{followed}{length}]-(b:{_label(end.label)}) "
            "WHERE b.id = $last AND is_acyclic(p) RETURN p ORDER BY length(p) LIMIT $limit",
            first=start.id,
            last=end.id,
            limit=limit,
        )
        return [values.path(raw) for (raw,) in rows]

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
    language = default_language()
    if "interrupted" in message.lower():
        return RingTraceError(
            text("graph.cypher.timeout.happened", language, seconds=timeout),
            means=text("graph.cypher.nothing_changed", language),
            hint=text("graph.cypher.timeout.hint", language),
        )
    return RingTraceError(
        text("graph.cypher.failed.happened", language, message=message),
        means=text("graph.cypher.nothing_changed", language),
        hint=text("graph.cypher.failed.hint", language),
    )


def _label(label: str) -> str:
    """The label itself, once it is known to be one: labels stand in the query's text and cannot be parameters."""
    if label not in graph_schema().nodes:
        raise KeyError(f"no label {label!r} in the graph")
    return label


def _type(name: str) -> RelationshipType:
    if name not in graph_schema().relationships:
        raise KeyError(f"no relationship type {name!r} in the graph")
    return graph_schema().relationships[name]


def _pattern(name: str, direction: Direction, variable: str = "") -> str:
    return f"-[{variable}:{name}]->" if direction == "out" else f"<-[{variable}:{name}]-"


def _by_label(refs: Iterable[NodeRef]) -> dict[str, list[str]]:
    grouped: dict[str, list[str]] = {}
    for ref in refs:
        grouped.setdefault(_label(ref.label), []).append(ref.id)
    return grouped
