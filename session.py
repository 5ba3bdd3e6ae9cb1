"""RingTrace in Python: `ringtrace.open("workspace")` gives a session that asks saved queries and Cypher."""

from __future__ import annotations

from pathlib import Path
from threading import Event
from types import TracebackType
from typing import Any, Literal, Self, overload

import igraph
import networkx as nx
import pandas as pd

from ringtrace.findings import Finding, read_findings
from ringtrace.graph import open_graph
from ringtrace.graph.store import DEFAULT_ROW_LIMIT, DEFAULT_TIMEOUT, GraphStore
from ringtrace.queries import Answer, Library, SavedQuery, draw, population, run, run_text
from ringtrace.workspace import Workspace


class Session:
    """A workspace opened for asking; use it in a `with`, or `close` it.

        with ringtrace.open("demo/workspace") as session:
            session.query("card_presented_for_several", persons=3)     # a DataFrame
            session.graph("card_presented_for_several", persons=3)     # a networkx graph of the same

    Parameters
    ----------
    workspace:
        The folder.
    """

    def __init__(self, workspace: str | Path) -> None:
        self.workspace = Workspace(workspace)
        self.library = Library(self.workspace)
        self._store: GraphStore | None = None

    @property
    def store(self) -> GraphStore:
        """The graph, opened when it is first asked for."""
        if self._store is None:
            self._store = open_graph(self.workspace)
        return self._store

    def queries(self) -> pd.DataFrame:
        """What can be asked: key, category, name, parameters, description."""
        listed = [
            (each.key, each.category, each.name, ", ".join(one.name for one in each.parameters), each.description)
            for each in self.library
        ]
        return pd.DataFrame.from_records(listed, columns=["key", "category", "name", "parameters", "description"])

    def answer(
        self,
        query: str,
        /,
        row_limit: int = DEFAULT_ROW_LIMIT,
        timeout: float = DEFAULT_TIMEOUT,
        cancel: Event | None = None,
        **parameters: Any,
    ) -> Answer:
        """The rows of a saved query (by key, name or guid), or of Cypher; setting `cancel` in another thread ends it.

        Raises
        ------
        RingTraceError
            If there is no such query, a parameter is missing or wrong, or the statement is refused or fails.
        """
        if _is_cypher(query):
            return run_text(self.store, query, parameters, row_limit=row_limit, timeout=timeout, cancel=cancel)
        return run(self.store, self.library[query], parameters, row_limit=row_limit, timeout=timeout, cancel=cancel)

    def query(
        self, query: str, /, row_limit: int = DEFAULT_ROW_LIMIT, timeout: float = DEFAULT_TIMEOUT, **parameters: Any
    ) -> pd.DataFrame:
        """The same as a DataFrame, with one column for each column of the query. Raises as `answer`.

        `frame.attrs["truncated"]` is true if there were more than `row_limit` rows.
        """
        answer = self.answer(query, row_limit, timeout, **parameters)
        frame = answer.frame()
        frame.attrs["truncated"] = answer.rows.truncated
        return frame

    @overload
    def graph(
        self, query: str, /, *, library: Literal["networkx"] = "networkx", **parameters: Any
    ) -> nx.MultiDiGraph[str]: ...

    @overload
    def graph(self, query: str, /, *, library: Literal["igraph"], **parameters: Any) -> igraph.Graph: ...

    def graph(
        self, query: str, /, *, library: Literal["networkx", "igraph"] = "networkx", **parameters: Any
    ) -> nx.MultiDiGraph[str] | igraph.Graph:
        """What a saved query found as a graph (its `visual_query`), or the nodes and relationships that Cypher returns.

        Node ids are `Label:key`; nodes have `label`, `key` and their properties, edges `type` and theirs. In igraph
        the ids are the vertex attribute `name`, and a node's own name is `title`. Raises as `answer`.
        """
        if _is_cypher(query):
            answer = run_text(self.store, query, parameters)
        else:
            answer = draw(self.store, self.library[query], parameters)
        graph = answer.graph()
        return graph if library == "networkx" else _as_igraph(graph)

    def population(self, query: str, /, **parameters: Any) -> int | None:
        """How many there are of what the rows were taken from; None if the query does not say."""
        return population(self.store, self.library[query], parameters)

    def saved(self, query: str) -> SavedQuery:
        """The declaration of a saved query: its text, parameters, legal basis and what else would explain a row."""
        return self.library[query]

    def findings(self) -> list[Finding]:
        """The findings of the newest detection run."""
        return read_findings(self.workspace)

    def close(self) -> None:
        """Let go of the graph's files."""
        if self._store is not None:
            self._store.close()
            self._store = None

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()


def _is_cypher(query: str) -> bool:
    """A key or name is one line and calls nothing; Cypher begins with a clause and has brackets."""
    return "(" in query or "\n" in query or query.lstrip().upper().startswith(("RETURN ", "UNWIND "))


def _as_igraph(graph: nx.MultiDiGraph[str]) -> igraph.Graph:
    names = list(graph)
    number = {name: place for place, name in enumerate(names)}
    made = igraph.Graph(directed=True)
    made.add_vertices(len(names))
    made.vs["name"] = names
    made.add_edges([(number[source], number[target]) for source, target in graph.edges()])
    for place, facts in enumerate(facts for _, facts in graph.nodes(data=True)):
        made.vs[place].update_attributes(
            {("title" if name == "name" else name): value for name, value in facts.items()}
        )
    for place, facts in enumerate(facts for *_, facts in graph.edges(data=True)):
        made.es[place].update_attributes(facts)
    return made
