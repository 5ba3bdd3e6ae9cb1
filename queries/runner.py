"""Runs a saved query, or a text of one's own, on a graph: values travel as typed parameters and never as text."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from functools import cache
from importlib import resources
from threading import Event
from typing import Any

import networkx as nx
import pandas as pd
import yaml

from ringtrace.errors import RingTraceError
from ringtrace.graph.store import (
    DEFAULT_ROW_LIMIT,
    DEFAULT_TIMEOUT,
    GraphStore,
    Node,
    NodeRef,
    Path,
    Relationship,
    Rows,
)
from ringtrace.queries.parameter import Parameter
from ringtrace.queries.query import SavedQuery
from ringtrace.texts import Language, catalogue

SUGGESTIONS = 50


@dataclass(frozen=True, slots=True)
class Answer:
    """The rows of a query, the text that ran and the values it ran with; `query` is None for a text of one's own."""

    cypher: str
    parameters: Mapping[str, Any]
    rows: Rows
    query: SavedQuery | None = None

    @property
    def columns(self) -> tuple[str, ...]:
        return self.rows.columns

    def headers(self, language: Language) -> list[str]:
        """The columns as people read them; one without a name in the catalogue is shown as it is written."""
        return [_header(each, language) for each in self.columns]

    def frame(self) -> pd.DataFrame:
        """The rows as a DataFrame; columns are the query's own names, nodes and relationships stand as they are."""
        return pd.DataFrame.from_records([tuple(row) for row in self.rows.rows], columns=list(self.columns))

    def graph(self) -> nx.MultiDiGraph[str]:
        """Every node, relationship and path in the rows as one graph; see `as_graph`."""
        return as_graph(self.rows.rows)


@dataclass(frozen=True, slots=True)
class Suggestion:
    """A value worth offering for a parameter, and how it is called."""

    id: str
    name: str | None = None


@dataclass(slots=True)
class _Elements:
    nodes: dict[NodeRef, Node] = field(default_factory=dict)
    relationships: list[Relationship] = field(default_factory=list)


def run(
    store: GraphStore,
    query: SavedQuery,
    values: Mapping[str, object] | None = None,
    *,
    row_limit: int = DEFAULT_ROW_LIMIT,
    timeout: float = DEFAULT_TIMEOUT,
    cancel: Event | None = None,
) -> Answer:
    """Run a saved query; `values` are as typed or already Python values, the others take their defaults.

    Raises
    ------
    RingTraceError
        If a value is missing, unknown or of another type, or the statement fails, takes over `timeout` seconds,
        or `cancel` is set meanwhile (by another thread).
    """
    return _run(store, query, "query", values or {}, row_limit, timeout, cancel)


def draw(
    store: GraphStore,
    query: SavedQuery,
    values: Mapping[str, object] | None = None,
    *,
    row_limit: int = DEFAULT_ROW_LIMIT,
    timeout: float = DEFAULT_TIMEOUT,
    cancel: Event | None = None,
) -> Answer:
    """Run the same match for drawing: rows of nodes, relationships and paths. Raises as `run` does."""
    return _run(store, query, "visual_query", values or {}, row_limit, timeout, cancel)


def population(
    store: GraphStore,
    query: SavedQuery,
    values: Mapping[str, object] | None = None,
    *,
    timeout: float = DEFAULT_TIMEOUT,
    cancel: Event | None = None,
) -> int | None:
    """How many there are of what the rows were taken from ("7 of 3,120 cards"); None if the query does not say."""
    if query.cypher(store.engine, "count_query") is None:
        return None
    rows = _run(store, query, "count_query", values or {}, 1, timeout, cancel).rows.rows
    return int(rows[0][0]) if rows else 0


def run_text(
    store: GraphStore,
    cypher: str,
    parameters: Mapping[str, Any] | None = None,
    *,
    row_limit: int = DEFAULT_ROW_LIMIT,
    timeout: float = DEFAULT_TIMEOUT,
    cancel: Event | None = None,
) -> Answer:
    """Run Cypher of one's own; raises as `GraphStore.run_cypher` does."""
    given = dict(parameters or {})
    return Answer(cypher, given, store.run_cypher(cypher, given, row_limit=row_limit, timeout=timeout, cancel=cancel))


def suggest(
    store: GraphStore, query: SavedQuery, parameter: Parameter, values: Mapping[str, object] | None = None
) -> list[Suggestion]:
    """Values worth offering for `parameter`, given those of the parameters that it depends on.

    Without a `suggest` of its own, its choices, or the most involved nodes of its label (queries/suggestions.yaml).
    """
    if parameter.choices:
        return [Suggestion(str(each)) for each in parameter.choices]
    texts = [parameter.suggest] if parameter.suggest else [_suggestions()[each] for each in parameter.labels]
    given = bind(query, values or {}, only=set(parameter.depends_on))
    found: list[tuple[Any, ...]] = []
    for text in texts:
        found += store.run_cypher(text, given, row_limit=SUGGESTIONS).rows
    return [Suggestion(str(row[0]), row[1] if len(row) > 1 else None) for row in found]


@cache
def _suggestions() -> dict[str, str]:
    texts: dict[str, str] = yaml.safe_load(resources.files(__package__).joinpath("suggestions.yaml").read_text("utf-8"))
    return texts


def bind(query: SavedQuery, values: Mapping[str, object], *, only: set[str] | None = None) -> dict[str, Any]:
    """The typed value of each parameter of `query` (of those in `only`): as given, else its default.

    Raises
    ------
    RingTraceError
        Naming the parameter that is missing, unknown, or given a value of another form.
    """
    known = {each.name for each in query.parameters}
    if unknown := sorted(values.keys() - known):
        raise RingTraceError.of(
            "queries.parameter.unknown", name=unknown[0], key=query.key, known=", ".join(sorted(known)) or "–"
        )
    bound: dict[str, Any] = {}
    for parameter in query.parameters:
        if only is not None and parameter.name not in only:
            continue
        given = values.get(parameter.name)
        if given is None:
            if parameter.needed:
                raise RingTraceError.of("queries.parameter.missing", name=parameter.name, key=query.key)
            bound[parameter.name] = parameter.default
            continue
        try:
            bound[parameter.name] = parameter.value(given)
        except ValueError as error:
            raise RingTraceError.of(
                "queries.parameter.wrong", name=parameter.name, value=given, form=str(error)
            ) from error
    return bound


def as_graph(values: Iterable[Any]) -> nx.MultiDiGraph[str]:
    """Everything in `values` that is a node, relationship or path, as a graph named as evidence exports name theirs.

    Node ids are `Label:key`; nodes have `label`, `key` and their properties, edges `type` and theirs, and the edge key
    is the type. The end of a relationship that was not returned itself is a node with label and key only.
    """
    found = _Elements()
    for _ in _collect(values, found):
        pass
    graph: nx.MultiDiGraph[str] = nx.MultiDiGraph()
    ends = [end for each in found.relationships for end in (each.source, each.target)]
    for ref in sorted({*found.nodes, *ends}):
        graph.add_node(_id(ref), label=ref.label, key=ref.id, **_facts(found.nodes.get(ref)))
    for each in found.relationships:
        facts = {name: value for name, value in each.properties.items() if value is not None}
        source, target = _id(each.source), _id(each.target)
        if not any(
            other == {"type": each.type} | facts for other in (graph.get_edge_data(source, target) or {}).values()
        ):
            key = each.type if not graph.has_edge(source, target, each.type) else None
            graph.add_edge(source, target, key=key, type=each.type, **facts)
    return graph


def _collect(values: Any, found: _Elements) -> Iterator[None]:
    if isinstance(values, Node):
        found.nodes[values.ref] = values
    elif isinstance(values, Relationship):
        found.relationships.append(values)
    elif isinstance(values, Path):
        yield from _collect((*values.nodes, *values.relationships), found)
    elif isinstance(values, Mapping):
        yield from _collect(tuple(values.values()), found)
    elif isinstance(values, list | tuple):
        for each in values:
            yield from _collect(each, found)


def _id(ref: NodeRef) -> str:
    return f"{ref.label}:{ref.id}"


def _facts(node: Node | None) -> dict[str, Any]:
    if node is None:
        return {}
    return {name: value for name, value in node.properties.items() if name != "id" and value is not None}


def _header(column: str, language: Language) -> str:
    entry = catalogue().get(f"queries.column.{column}")
    return entry[language] if entry else column


def _run(
    store: GraphStore,
    query: SavedQuery,
    which: str,
    values: Mapping[str, object],
    row_limit: int,
    timeout: float,
    cancel: Event | None,
) -> Answer:
    text = query.cypher(store.engine, which)
    if text is None:
        raise RingTraceError.of("queries.no_text", key=query.key, which=which)
    bound = bind(query, values)
    # Neo4j takes parameters that a text does not use; Ladybug refuses them.
    used = {name: value for name, value in bound.items() if f"${name}" in text}
    return Answer(text, bound, store.run_cypher(text, used, row_limit=row_limit, timeout=timeout, cancel=cancel), query)
