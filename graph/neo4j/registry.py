"""What a server knows of each workspace's graph: one node apiece, changed in the same transactions as the graph itself.

So whatever breaks, and whenever, the server itself says how far a fill came, and nobody takes a half-filled graph for a
whole one.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from dataclasses import asdict, dataclass
from typing import Any

import neo4j

from ringtrace.data_schema.graph import graph_schema
from ringtrace.errors import RingTraceError
from ringtrace.graph.neo4j.names import Names
from ringtrace.graph.neo4j.server import Address
from ringtrace.graph.neo4j.snapshot import Snapshot, workspace_id
from ringtrace.graph.neo4j.statements import EPOCH, REGISTRY
from ringtrace.graph.store import GraphCounts
from ringtrace.workspace import Workspace


@dataclass(frozen=True, slots=True)
class Entry:
    """A workspace's graph on the server; `server` is the server's name in the workspace.

    `filled` names the snapshot that it shows (empty: none yet) and `filling` the one on its way (empty: none); of that,
    `job` jobs are done, and `row` rows of the next.
    """

    workspace: str
    prefix: str
    server: str
    filled: str = ""
    filling: str = ""
    job: int = 0
    row: int = 0
    generation: int = 0
    findings_run: int = 0
    counts: str = "{}"

    @property
    def names(self) -> Names:
        return Names(self.prefix)

    def graph_counts(self) -> GraphCounts:
        return GraphCounts(**json.loads(self.counts))


class Registry:
    """The server's notes on one workspace."""

    def __init__(self, driver: neo4j.Driver, address: Address, workspace: Workspace) -> None:
        self._driver = driver
        self._database = address.database
        self._workspace = workspace_id(workspace)

    def entry(self) -> Entry | None:
        """The workspace's entry, if it ever was filled into this server."""
        rows = self._run(f"MATCH (g:{REGISTRY} {{workspace: $workspace}}) RETURN properties(g) AS entry")
        return Entry(**rows[0]["entry"]) if rows else None

    def is_shared(self) -> bool:
        """Whether other workspaces have graphs on this server."""
        return bool(self._run(f"MATCH (g:{REGISTRY}) WHERE g.workspace <> $workspace RETURN 1 LIMIT 1"))

    def claim(self) -> Entry:
        """The workspace's entry, made if there is none: with the plain names if nobody has them."""
        self._run(
            f"OPTIONAL MATCH (first:{REGISTRY} {{prefix: ''}}) WITH first IS NULL AS free "
            f"MERGE (g:{REGISTRY} {{workspace: $workspace}}) "
            "ON CREATE SET g.prefix = CASE WHEN free THEN '' ELSE $prefix END, g.server = randomUUID()",
            prefix=f"w{self._workspace[:6]}_",
        )
        entry = self.entry()
        assert entry is not None
        return entry

    def begin(self, snapshot: str) -> None:
        """Note that a fill towards `snapshot` begins."""
        self._set(filling=snapshot, job=0, row=0)

    def finish(self, snapshot: Snapshot) -> None:
        """Note that the graph shows `snapshot`."""
        counts = json.dumps(asdict(snapshot.counts()))
        self._set(
            filled=snapshot.name, filling="", job=0, row=0, generation=snapshot.generation,
            findings_run=snapshot.findings_run, counts=counts,
        )  # fmt: skip

    def forget(self) -> None:
        """Note that there is no graph of this workspace any more."""
        self._set(filled="", filling="", job=0, row=0)

    def advance(
        self, query: str, columns: Mapping[str, Any], fill: str, at: tuple[int, int], to: tuple[int, int]
    ) -> None:
        """Run one batch, and in the same transaction move on from `(job, row)` = `at` to `to`.

        Raises
        ------
        RingTraceError
            If the fill is no longer at `at`: somebody else works on the same graph.
        """

        def batch(transaction: neo4j.ManagedTransaction) -> bool:
            moved = transaction.run(
                f"MATCH (g:{REGISTRY} {{workspace: $workspace, filling: $fill, job: $job, row: $row}}) "
                "SET g.job = $to_job, g.row = $to_row RETURN 1",
                workspace=self._workspace, fill=fill, job=at[0], row=at[1], to_job=to[0], to_row=to[1],
            ).single()  # fmt: skip
            if moved is None:
                return False
            transaction.run(query, {**columns, **EPOCH}).consume()
            return True

        with self._driver.session(database=self._database) as session:
            if not session.execute_write(batch):
                raise RingTraceError.of("graph.neo4j.taken")

    def counted(self, names: Names) -> GraphCounts:
        """How many nodes and relationships there really are, from the server's own counters."""
        schema = graph_schema()
        nodes = {
            each: self._run(f"MATCH (n:{names.stored(each)}) RETURN count(n) AS n")[0]["n"] for each in schema.nodes
        }
        relationships = {
            each: self._run(f"MATCH ()-[r:{names.stored(each)}]->() RETURN count(r) AS n")[0]["n"]
            for each in schema.relationships
        }
        return GraphCounts(nodes, {}, relationships)

    def remove_graph(self, names: Names) -> None:
        """Remove every node of this workspace's labels, a batch at a time."""
        self.forget()
        with self._driver.session(database=self._database) as session:
            for label in graph_schema().nodes:
                session.run(
                    f"MATCH (n:{names.stored(label)}) CALL (n) {{ DETACH DELETE n }} IN TRANSACTIONS OF 10000 ROWS"
                ).consume()

    def run_each(self, statements: Iterable[str]) -> None:
        """Run schema statements, and wait until their indexes are there."""
        with self._driver.session(database=self._database) as session:
            for each in statements:
                session.run(each).consume()
            session.run("CALL db.awaitIndexes(3600)").consume()

    def _set(self, **properties: Any) -> None:
        self._run(f"MATCH (g:{REGISTRY} {{workspace: $workspace}}) SET g += $properties", properties=properties)

    def _run(self, query: str, **parameters: Any) -> list[neo4j.Record]:
        return self._driver.execute_query(
            query, {"workspace": self._workspace, **parameters}, database_=self._database
        ).records
