"""The embedded engine: a Ladybug database in the workspace, opened read-only."""

from __future__ import annotations

import threading
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from itertools import islice
from pathlib import Path as FilePath
from time import perf_counter
from typing import Any, Final
from weakref import WeakSet

import ladybug

from ringtrace.errors import RingTraceError
from ringtrace.graph.cancelling import cancelling
from ringtrace.graph.cypher_store import CypherStore
from ringtrace.graph.files import GraphVersion
from ringtrace.graph.guard import check_reading
from ringtrace.graph.ladybug import values as values
from ringtrace.graph.ladybug.plan import check_plan
from ringtrace.graph.ladybug.worker import AVAILABLE, MEMORY, Worker
from ringtrace.graph.store import DEFAULT_ROW_LIMIT, DEFAULT_TIMEOUT, Engine, Node, NodeRef, Relationship, Rows

BUFFER_POOL: Final = 1 << 30


class LadybugDialect:
    """Ladybug's own words; a database of its own needs no other names."""

    label_of = "label({})"
    type_of = "label({})"
    any_label = ":"

    def stored(self, name: str) -> str:
        return name

    def plain(self, name: str) -> str:
        return name

    def node(self, raw: Mapping[str, Any]) -> Node:
        return values.node(raw)

    def relationship(self, raw: Mapping[str, Any], source: NodeRef, target: NodeRef) -> Relationship:
        return values.relationship(raw, source, target)


class LadybugStore(CypherStore):
    """A `GraphStore` on a Ladybug file. Each thread has a connection of its own, as the engine wants it."""

    def __init__(self, database: FilePath, version: GraphVersion) -> None:
        super().__init__(LadybugDialect(), version.generation, version.counts)
        self._database = ladybug.Database(str(database), read_only=True, buffer_pool_size=BUFFER_POOL)
        self._local = threading.local()
        # Weakly: a thread that ends takes its connection along, while a store in a server lives on.
        self._connections: WeakSet[ladybug.Connection] = WeakSet()
        self._worker = Worker(database, version) if AVAILABLE else None

    # -- plumbing ---------------------------------------------------------------------------------------------------

    @property
    def engine(self) -> Engine:
        return "ladybug"

    def close(self) -> None:
        if self._worker is not None:
            self._worker.close()
        for connection in list(self._connections):
            connection.close()
        self._connections.clear()
        self._database.close()

    def _connection(self) -> ladybug.Connection:
        connection = getattr(self._local, "connection", None)
        if connection is None:
            connection = ladybug.Connection(self._database)
            connection.set_query_timeout(_milliseconds(DEFAULT_TIMEOUT))
            self._local.connection = connection
            self._connections.add(connection)
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

    # -- a user's Cypher ----------------------------------------------------------------------------------------------

    def run_cypher(
        self,
        query: str,
        parameters: Mapping[str, Any] | None = None,
        *,
        row_limit: int = DEFAULT_ROW_LIMIT,
        timeout: float = DEFAULT_TIMEOUT,
        cancel: threading.Event | None = None,
    ) -> Rows:
        check_reading(query)
        if self._worker is None:
            with self._heeding(cancel):
                return self.run_here(query, parameters or {}, row_limit, timeout)
        return self._worker.run(query, parameters or {}, row_limit, timeout, cancel)

    @contextmanager
    def _heeding(self, cancel: threading.Event | None) -> Iterator[None]:
        """Interrupt this thread's connection when `cancel` is set."""
        if cancel is None:
            yield
            return
        with cancelling(cancel, self._connection().interrupt) as asked:
            try:
                yield
            except RingTraceError as error:
                if asked():
                    raise RingTraceError.of("graph.cypher.cancelled") from error
                raise

    def run_here(self, query: str, parameters: Mapping[str, Any], row_limit: int, timeout: float) -> Rows:
        """As `run_cypher`, in this process, for a query whose words were checked."""
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
    if "bad_alloc" in message or "buffer manager" in message.lower() or "buffer pool is full" in message.lower():
        return RingTraceError.of("graph.cypher.memory", gib=MEMORY / (1 << 30))
    return RingTraceError.of("graph.cypher.failed", message=message)
