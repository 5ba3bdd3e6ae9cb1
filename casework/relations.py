"""What an exploration asks the graph for: a start, an expansion, what lies around, and what joins two things."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

from ringtrace.casework.exploration import Exploration
from ringtrace.data_schema.graph import Direction, graph_schema
from ringtrace.findings import BYSTANDER_ROLES, Finding
from ringtrace.graph.store import GraphStore, NeighbourCount, NodeRef, Path, Relationship

_MEMBERS_SHOWN: Final = 80
_UNASKED: Final = 6  # neighbours of each type that a double click brings
PATHS: Final = 30
"""Paths between two nodes that are drawn and listed: nobody reads more."""
_OTHERS_SHOWN: Final = 12
"""Members that only appear (buyers, witnesses): a few are enough to see that they are there."""
_SHOP_AND_DRUG: Final = frozenset({"SOLD", "PURCHASED"})
"""Drawn only for the node that is expanded: every shop sells every drug, and the lines bury those of the people."""
_GRAIN: Final = frozenset({"Settlement", "Finding", "Region", "Pack"})
"""Labels that an unasked expansion leaves out: too many, or joined to everyone."""


@dataclass(frozen=True, slots=True)
class Around:
    """One way on from a node: how many neighbours of that sort there are, and how many stand on the canvas already."""

    count: NeighbourCount
    shown: int

    @property
    def hidden(self) -> int:
        return max(0, self.count.count - self.shown)


def start_from_finding(store: GraphStore, finding: Finding, exploration: Exploration, places: Sequence[str]) -> int:
    """Put a finding's members and the `places` of its lines on the canvas; returns how many members it left out."""
    ordered = sorted(finding.members, key=lambda each: (not each.suspected, -each.weight, each.label, each.id))
    involved = [member for member in ordered if member.role not in BYSTANDER_ROLES]
    bystanders = [member for member in ordered if member.role in BYSTANDER_ROLES]
    shown = [*involved, *bystanders[:_OTHERS_SHOWN]][:_MEMBERS_SHOWN]
    wanted = {NodeRef(member.label, member.id): None for member in shown}
    for code in places:
        wanted.update(dict.fromkeys((NodeRef("Pharmacy", code), NodeRef("Hospital", code))))
    nodes = store.nodes(wanted)
    joins = exploration.surroundings.joins(store, [node.ref for node in nodes])
    exploration.add(nodes, [each for each in joins if each.type not in _SHOP_AND_DRUG])
    return len({(member.label, member.id) for member in ordered}) - len({(each.label, each.id) for each in shown})


def start_from_node(store: GraphStore, ref: NodeRef, exploration: Exploration) -> bool:
    """Put a node on the canvas with what belongs to it; False if there is no such node.

    On a canvas where other things stand, the node joins them with every relationship to them.
    """
    node = store.node(ref)
    if node is None:
        return False
    standing = list(exploration.picture.nodes)
    exploration.add([node], exploration.surroundings.joins(store, [*standing, ref]) if standing else [])
    return True


def around(store: GraphStore, ref: NodeRef, exploration: Exploration) -> list[Around]:
    """The ways on from a node, largest hidden count first."""
    shown: dict[tuple[str, Direction, str], int] = {}
    for link in exploration.picture.links.values():
        for here, there, direction in ((link.source, link.target, "out"), (link.target, link.source, "in")):
            if here == ref:
                place: tuple[str, Direction, str] = (link.type, "out" if direction == "out" else "in", there.label)
                shown[place] = shown.get(place, 0) + len(link.relationships)
    ways = [Around(each, shown.get((each.type, each.direction, each.label), 0)) for each in store.neighbour_counts(ref)]
    return sorted(ways, key=lambda each: (-each.hidden, each.count))


def expand(
    store: GraphStore, ref: NodeRef, exploration: Exploration, way: NeighbourCount | None = None, limit: int = 50
) -> tuple[list[NodeRef], int]:
    """Bring neighbours of `ref` onto the canvas, the most involved first, with every link to what stands there.

    `way` narrows it to one type, direction and label. Returns the new nodes and how many neighbours stay hidden.
    """
    standing = set(exploration.picture.nodes)
    if way is None:
        found = store.expand(ref, labels=sorted(graph_schema().nodes.keys() - _GRAIN), limit=_UNASKED)
        fresh = [node for node in found.nodes if node.ref not in standing]
    else:
        # What stands may have come another way and need not be the most involved: ask past it, then take the first.
        shown = next((each.shown for each in around(store, ref, exploration) if each.count == way), 0)
        found = store.expand(ref, [way.type], labels=[way.label], direction=way.direction, limit=limit + shown)
        fresh = [node for node in found.nodes if node.ref not in standing][:limit]
    joined = standing | {ref} | {node.ref for node in fresh}
    found_joins = exploration.surroundings.joins(store, joined)
    joins = [each for each in found_joins if each.type not in _SHOP_AND_DRUG or _names(each, ref)]
    added = exploration.add(fresh, joins, parent=ref)
    return added, max(0, found.total - sum(each.other(ref) in joined for each in found.relationships))


def _names(relationship: Relationship, ref: NodeRef) -> bool:
    return ref in (relationship.source, relationship.target)


def connect(
    store: GraphStore,
    start: NodeRef,
    end: NodeRef,
    exploration: Exploration,
    max_length: int = 4,
    *,
    every: bool = False,
) -> list[Path]:
    """Draw the shortest paths between two nodes, or `every` one of up to `max_length` steps; returns what it drew.

    Paths come shortest first, of the same length the most involved first, `PATHS` at most. A region or a finding joins
    everyone in it; no path leads through one.

    Raises
    ------
    RingTraceError
        If there are too many nodes within that many steps.
    """
    find = store.all_paths if every else store.shortest_paths
    everyones = {"Region", "Finding"} - {start.label, end.label}
    types = [
        name
        for name, each in graph_schema().relationships.items()
        if everyones.isdisjoint({*each.sources, *each.targets})
    ]
    paths = sorted(
        find(start, end, max_length=max_length, types=types, limit=PATHS),
        key=lambda path: (len(path), -min(int(each.properties.get("n") or 1) for each in path.relationships)),
    )
    nodes = [node for path in paths for node in path.nodes]
    exploration.add(nodes, [each for path in paths for each in path.relationships], parent=start)
    return paths
