"""What every graph engine offers: nodes, neighbours, paths, search and Cypher, by business keys only."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from threading import Event
from typing import Any, Final, Literal, Protocol, Self, get_args

from ringtrace.data_schema.graph import Direction

Engine = Literal["ladybug", "neo4j"]
ENGINES: Final[tuple[Engine, ...]] = get_args(Engine)

DEFAULT_ROW_LIMIT = 10_000
DEFAULT_TIMEOUT = 30.0
DEFAULT_CROWD = 1_000
"""A path does not pass through a node with more relationships than this: a region or a common drug connects nobody."""


@dataclass(frozen=True, slots=True, order=True)
class NodeRef:
    """A node by its label and business key."""

    label: str
    id: str


@dataclass(frozen=True, slots=True)
class Node:
    """A node with its properties; `stub` says that other rows name it and its own table lacks it."""

    ref: NodeRef
    properties: Mapping[str, Any]

    @property
    def label(self) -> str:
        return self.ref.label

    @property
    def id(self) -> str:
        return self.ref.id

    @property
    def name(self) -> str | None:
        return self.properties.get("name")

    @property
    def stub(self) -> bool:
        return bool(self.properties.get("stub"))


@dataclass(frozen=True, slots=True)
class Relationship:
    """`(source)-[:type {properties}]->(target)`."""

    type: str
    source: NodeRef
    target: NodeRef
    properties: Mapping[str, Any]

    def other(self, end: NodeRef) -> NodeRef:
        return self.target if end == self.source else self.source


@dataclass(frozen=True, slots=True, order=True)
class NeighbourCount:
    """How many relationships of a type lead from a node, in that direction, to neighbours of `label`."""

    type: str
    direction: Direction
    label: str
    count: int


@dataclass(frozen=True, slots=True)
class Expansion:
    """Nodes and relationships to show; `total` counts the relationships that matched, shown or not."""

    nodes: tuple[Node, ...] = ()
    relationships: tuple[Relationship, ...] = ()
    total: int = 0

    @property
    def hidden(self) -> int:
        return self.total - len(self.relationships)


@dataclass(frozen=True, slots=True)
class Path:
    """A path: `nodes[i]` and `nodes[i + 1]` are joined by `relationships[i]`, whichever way that points."""

    nodes: tuple[Node, ...]
    relationships: tuple[Relationship, ...]

    def __len__(self) -> int:
        return len(self.relationships)


@dataclass(frozen=True, slots=True)
class Rows:
    """What a Cypher query gave. Cells are plain values, `Node`, `Relationship`, `Path`, or lists and maps of them.

    `truncated` says that the query had more rows than the limit.
    """

    columns: tuple[str, ...]
    rows: tuple[tuple[Any, ...], ...]
    truncated: bool
    seconds: float


@dataclass(frozen=True, slots=True)
class GraphCounts:
    """Nodes and stubs by label, relationships by type."""

    nodes: Mapping[str, int] = field(default_factory=dict)
    stubs: Mapping[str, int] = field(default_factory=dict)
    relationships: Mapping[str, int] = field(default_factory=dict)


class GraphStore(Protocol):
    """A graph opened for reading. Close it, or use it in a `with`; calls from several threads are safe."""

    @property
    def engine(self) -> Engine:
        """Whose Cypher `run_cypher` reads."""
        ...

    @property
    def generation(self) -> int:
        """The workspace generation that the graph was built from."""
        ...

    def counts(self) -> GraphCounts:
        """How many nodes and relationships there are."""
        ...

    def node(self, ref: NodeRef) -> Node | None:
        """The node, or None if there is none."""
        ...

    def nodes(self, refs: Iterable[NodeRef]) -> list[Node]:
        """The nodes that exist among `refs`, in their order."""
        ...

    def neighbour_counts(self, ref: NodeRef) -> list[NeighbourCount]:
        """What lies around a node, by relationship type, direction and label; only what is there."""
        ...

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
        """Neighbours of a node with the relationships to them, the most involved of each type first.

        `types`, `labels` (of the neighbours) and `direction` narrow it; `limit` and `offset` count relationships of
        each type and direction, so that one crowded type does not hide the others.
        """
        ...

    def between(self, refs: Iterable[NodeRef], types: Sequence[str] | None = None) -> list[Relationship]:
        """Every relationship that joins two of `refs`."""
        ...

    def hidden_counts(self, refs: Iterable[NodeRef]) -> dict[NodeRef, int]:
        """For each node shown, how many of its relationships lead to nodes that are not shown."""
        ...

    def degrees(self, refs: Iterable[NodeRef], types: Sequence[str] | None = None) -> dict[NodeRef, int]:
        """How many relationships each of `refs` has; those without any may be left out."""
        ...

    def adjacent(
        self, refs: Iterable[NodeRef], types: Sequence[str] | None = None
    ) -> Iterable[tuple[NodeRef, NodeRef]]:
        """Each of `refs` with each of its neighbours, whichever way the relationship points."""
        ...

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
        """Shortest paths between two nodes, ignoring direction; none if no path of `max_length` steps exists.

        A node with more than `crowd` relationships may be where the two ends meet, and is not followed any further.
        One path is given for each sequence of nodes.

        Raises
        ------
        RingTraceError
            If there are too many nodes within that many steps.
        """
        ...

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
        """Paths without a repeated node between two nodes, shortest first; otherwise as `shortest_paths`."""
        ...

    def search(self, text: str, *, labels: Sequence[str] | None = None, limit: int = 20) -> list[Node]:
        """Nodes whose id is `text`, or whose id or name contains it; exact ids first."""
        ...

    def run_cypher(
        self,
        query: str,
        parameters: Mapping[str, Any] | None = None,
        *,
        row_limit: int = DEFAULT_ROW_LIMIT,
        timeout: float = DEFAULT_TIMEOUT,
        cancel: Event | None = None,
    ) -> Rows:
        """Run one reading statement; `timeout` in seconds. Setting `cancel`, in another thread, ends it at once.

        Raises
        ------
        RingTraceError
            If the statement could write or leave the graph, would lose rows on this engine, is wrong, takes longer, or
            was cancelled.
        """
        ...

    def close(self) -> None:
        """Let go of the engine's files."""
        ...

    def __enter__(self) -> Self: ...

    def __exit__(self, *exc: object) -> None: ...
