"""The server engine: a workspace's graph on a Neo4j server, opened for reading."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from itertools import islice
from threading import Event
from time import perf_counter
from typing import Any, Final
from uuid import uuid4

import neo4j
import neo4j.graph
from neo4j.exceptions import Neo4jError

from ringtrace.errors import RingTraceError
from ringtrace.graph.cancelling import cancelling
from ringtrace.graph.cypher_store import CypherStore
from ringtrace.graph.guard import check_reading
from ringtrace.graph.neo4j import values as values
from ringtrace.graph.neo4j.guard import check_plan, scoped
from ringtrace.graph.neo4j.names import Names
from ringtrace.graph.neo4j.registry import Registry
from ringtrace.graph.neo4j.server import Address, open_driver, speaking
from ringtrace.graph.store import DEFAULT_ROW_LIMIT, DEFAULT_TIMEOUT, Engine, Node, NodeRef, Relationship, Rows
from ringtrace.workspace import Workspace

MARK: Final = "ringtrace"
"""Key of a transaction's metadata by which another connection finds it."""


class Neo4jDialect:
    """Neo4j's own words, and the names that this workspace has on its server."""

    label_of = "labels({})[0]"
    type_of = "type({})"
    any_label = "|"

    def __init__(self, names: Names) -> None:
        self.names = names

    def stored(self, name: str) -> str:
        return self.names.stored(name)

    def plain(self, name: str) -> str:
        return self.names.plain(name)

    def node(self, raw: neo4j.graph.Node) -> Node:
        return values.node(raw, self.names)

    def relationship(self, raw: neo4j.graph.Relationship, source: NodeRef, target: NodeRef) -> Relationship:
        return values.relationship(raw, source, target, self.names)


class Neo4jStore(CypherStore):
    """A `GraphStore` on a Neo4j server.

    Raises
    ------
    RingTraceError
        If the server is away or unusable, or its graph of this workspace is absent or incomplete.
    """

    def __init__(self, workspace: Workspace, address: Address) -> None:
        self._address = address
        self._driver = open_driver(address)
        try:
            with speaking(address):
                registry = Registry(self._driver, address, workspace)
                entry = registry.entry()
                self._shared = registry.is_shared()
            if entry is None or not (entry.filled or entry.filling):
                raise RingTraceError.of("graph.neo4j.missing", url=address.url, workspace=workspace.path)
            if entry.filling:
                raise RingTraceError.of("graph.neo4j.unfinished", url=address.url, workspace=workspace.path)
        except BaseException:
            self._driver.close()
            raise
        super().__init__(Neo4jDialect(entry.names), entry.generation, entry.graph_counts())
        self._names = entry.names

    @property
    def engine(self) -> Engine:
        return "neo4j"

    def close(self) -> None:
        self._driver.close()

    @contextmanager
    def _transaction(
        self, timeout: float = DEFAULT_TIMEOUT, cancel: Event | None = None
    ) -> Iterator[neo4j.Transaction]:
        """A transaction that may only read, and that the server ends after `timeout` seconds, or at `cancel`."""
        mark, asked = uuid4().hex, cancel or Event()
        try:
            with (
                cancelling(asked, lambda: self._terminate(mark)),
                self._driver.session(database=self._address.database, default_access_mode=neo4j.READ_ACCESS) as session,
                session.begin_transaction(timeout=timeout, metadata={MARK: mark}) as transaction,
            ):
                try:
                    yield transaction
                except KeyboardInterrupt:
                    # Without this the driver would wait until the server has rolled back what still runs. The server
                    # may not have begun it: so it is ended again and again until the transaction is left.
                    asked.set()
                    raise
        except Neo4jError as error:
            if "TransactionTimedOut" in (error.code or "") or "Terminated" in (error.code or ""):
                if asked.is_set():
                    raise RingTraceError.of("graph.cypher.cancelled") from error
                raise RingTraceError.of("graph.cypher.timeout", seconds=timeout) from error
            with speaking(self._address):
                raise

    def _terminate(self, mark: str) -> None:
        """End the transaction of this mark; a user may always end their own."""
        with self._driver.session(database=self._address.database) as session:
            found = session.run(
                f"SHOW TRANSACTIONS YIELD transactionId, metaData WHERE metaData.{MARK} = $mark RETURN transactionId",
                mark=mark,
            ).value()
            if found:
                session.run("TERMINATE TRANSACTIONS $found", found=found).consume()

    def _rows(self, query: str, **parameters: Any) -> list[list[Any]]:
        with speaking(self._address), self._transaction() as transaction:
            return transaction.run(query, parameters).values()

    def run_cypher(
        self,
        query: str,
        parameters: Mapping[str, Any] | None = None,
        *,
        row_limit: int = DEFAULT_ROW_LIMIT,
        timeout: float = DEFAULT_TIMEOUT,
        cancel: Event | None = None,
    ) -> Rows:
        check_reading(query)
        own = scoped(query, self._names)
        given = dict(parameters or {})
        started = perf_counter()
        with speaking(self._address), self._transaction(timeout, cancel) as transaction:
            try:
                summary = transaction.run(f"EXPLAIN {own}", given).consume()
                check_plan(summary.query_type, summary.plan or {}, shared=self._shared)
                result = transaction.run(own, given)
                columns = tuple(self._names.plain_value(each) for each in result.keys())  # noqa: SIM118
                raw = [list(record.values()) for record in islice(result, row_limit + 1)]
            except Neo4jError as error:
                if ".Statement." in (error.code or ""):
                    raise RingTraceError.of("graph.cypher.failed", message=error.message) from error
                raise
            keys = self._keys(transaction, raw[:row_limit])
        rows = tuple(tuple(values.plain(cell, keys, self._names) for cell in row) for row in raw[:row_limit])
        return Rows(columns, rows, len(raw) > row_limit, perf_counter() - started)

    def _keys(self, transaction: neo4j.Transaction, rows: Sequence[Sequence[Any]]) -> dict[str, NodeRef]:
        """The business keys of relationship ends: the server sends those that were not returned without any."""
        known: dict[str, NodeRef] = {}
        ends: set[str] = set()
        for each in values.elements(rows):
            if isinstance(each, neo4j.graph.Relationship):
                ends.update(end.element_id for end in each.nodes if end is not None)
            elif (ref := values.ref(each, self._names)) is not None:
                known[each.element_id] = ref
        wanted = sorted(ends - known.keys())
        if wanted:
            for record in transaction.run(
                "MATCH (n) WHERE elementId(n) IN $wanted RETURN elementId(n), labels(n)[0], n.id", wanted=wanted
            ):
                identity, label, key = record.values()
                known[identity] = NodeRef(self._names.plain(label), key)
        return known
