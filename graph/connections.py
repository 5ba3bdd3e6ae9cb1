"""How two nodes are connected: shortest paths, and all paths up to a length, on any engine.

Engines differ in what their path patterns mean and in how they fail on a city where everyone is three steps from
everyone. So a store only says what lies around some nodes, and the search is here: from both ends at once, a level at a
time, never through a node so crowded (a region, a common drug) that passing it connects nobody with anybody.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from itertools import pairwise
from typing import Final, Protocol

from ringtrace.errors import RingTraceError
from ringtrace.graph.store import Node, NodeRef, Path, Relationship

MAX_FRONTIER: Final = 50_000
"""More nodes at one level than this, and the search gives up with advice."""

Neighbours = dict[NodeRef, set[NodeRef]]


class Surroundings(Protocol):
    """What the search asks of a store."""

    def degrees(self, refs: Iterable[NodeRef], types: Sequence[str] | None = None) -> dict[NodeRef, int]: ...
    def adjacent(
        self, refs: Iterable[NodeRef], types: Sequence[str] | None = None
    ) -> Iterable[tuple[NodeRef, NodeRef]]: ...
    def nodes(self, refs: Iterable[NodeRef]) -> list[Node]: ...
    def between(self, refs: Iterable[NodeRef], types: Sequence[str] | None = None) -> list[Relationship]: ...


def shortest_paths(
    store: Surroundings,
    start: NodeRef,
    end: NodeRef,
    *,
    max_length: int,
    types: Sequence[str] | None,
    crowd: int,
    limit: int,
) -> list[Path]:
    """Up to `limit` of the paths with fewest steps, in the order of their keys; see `GraphStore.shortest_paths`."""
    for found in _levels(store, start, end, max_length, types, crowd):
        steps = _distances(found, end, max_length)
        if start in steps:
            return _complete(store, _walk(found, start, end, steps[start], limit), types)
    return []


def all_paths(
    store: Surroundings,
    start: NodeRef,
    end: NodeRef,
    *,
    max_length: int,
    types: Sequence[str] | None,
    crowd: int,
    limit: int,
) -> list[Path]:
    """Up to `limit` paths without a repeated node, fewest steps first; see `GraphStore.all_paths`."""
    found: Neighbours = {}
    for known in _levels(store, start, end, max_length, types, crowd):
        found = known
    paths: list[list[NodeRef]] = []
    for length in range(1, max_length + 1):
        paths += _walk(found, start, end, length, limit - len(paths))
    return _complete(store, paths, types)


def _levels(
    store: Surroundings, start: NodeRef, end: NodeRef, max_length: int, types: Sequence[str] | None, crowd: int
) -> Iterator[Neighbours]:
    """The part of the graph known after each level, from the two ends in turn; these are followed however crowded."""
    known: Neighbours = {}
    seen: list[set[NodeRef]] = [{start}, {end}]
    frontier: list[set[NodeRef]] = [{start}, {end}]
    for level in range(max_length):
        side = level % 2
        if len(frontier[side]) > MAX_FRONTIER:
            raise RingTraceError.of("graph.paths.too_many", count=len(frontier[side]))
        asked = frontier[side] - {start, end}
        degrees = store.degrees(asked, types) if asked else {}
        followed = {ref for ref in asked if degrees.get(ref, 0) <= crowd} | (frontier[side] & {start, end})
        reached: set[NodeRef] = set()
        for one, other in store.adjacent(sorted(followed), types) if followed else ():
            known.setdefault(one, set()).add(other)
            known.setdefault(other, set()).add(one)
            reached.add(other)
        frontier[side] = reached - seen[side]
        seen[side] |= reached
        yield known


def _distances(known: Neighbours, end: NodeRef, longest: int) -> dict[NodeRef, int]:
    """Steps from each node to `end`, up to `longest`."""
    steps = {end: 0}
    level = [end]
    for length in range(1, longest + 1):
        level = [other for one in level for other in known.get(one, ()) if other not in steps]
        steps.update(dict.fromkeys(level, length))
        level = list(dict.fromkeys(level))
    return steps


def _walk(known: Neighbours, start: NodeRef, end: NodeRef, length: int, limit: int) -> list[list[NodeRef]]:
    """Up to `limit` paths of exactly `length` steps without a repeated node, in the order of their keys."""
    steps = _distances(known, end, length)
    paths: list[list[NodeRef]] = []
    waiting = [[start]]
    while waiting and len(paths) < limit:
        path = waiting.pop()
        left = length - len(path) + 1
        if left == 0:
            paths.append(path)
            continue
        # Only where `end` can still be reached, and `end` itself only as the last step.
        nexts = (
            each
            for each in known.get(path[-1], ())
            if steps.get(each, length + 1) <= left - 1 and each not in path and (each != end or left == 1)
        )
        waiting.extend([*path, each] for each in sorted(nexts, reverse=True))
    return paths


def _complete(store: Surroundings, paths: list[list[NodeRef]], types: Sequence[str] | None) -> list[Path]:
    """Paths of keys → paths of nodes and relationships; of parallel relationships the first by type is shown."""
    refs = sorted({ref for path in paths for ref in path})
    nodes = {node.ref: node for node in store.nodes(refs)}
    joins: dict[frozenset[NodeRef], Relationship] = {}
    for each in sorted(store.between(refs, types), key=lambda each: (each.type, each.source, each.target)):
        joins.setdefault(frozenset({each.source, each.target}), each)
    return [
        Path(
            tuple(nodes[ref] for ref in path),
            tuple(joins[frozenset(pair)] for pair in pairwise(path)),
        )
        for path in paths
    ]
