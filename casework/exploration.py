"""The canvas as data: what stands on it and where, with undo and redo without end.

Each step makes a new immutable `Picture`; the places belong to the whole exploration, so that neither adding, nor
undoing, nor redoing moves a node that stands.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass, field, replace
from typing import Final

from ringtrace.casework.surroundings import Surroundings
from ringtrace.graph.layouts import Point, layout, place_new
from ringtrace.graph.projections import KEY, from_relationships
from ringtrace.graph.store import Node, NodeRef, Relationship

LIMIT: Final = 2_000
"""Nodes that a canvas holds at most; beyond it nobody sees anything."""


@dataclass(frozen=True, slots=True)
class Link:
    """What joins two nodes in one type: several relationships are drawn as one line."""

    type: str
    source: NodeRef
    target: NodeRef
    relationships: tuple[Relationship, ...]

    @property
    def id(self) -> str:
        return "\x1f".join((self.type, self.source.label, self.source.id, self.target.label, self.target.id))


@dataclass(frozen=True, slots=True)
class Picture:
    """What stands on the canvas after a step; `parents` says whose expansion brought a node."""

    nodes: Mapping[NodeRef, Node] = field(default_factory=dict)
    links: Mapping[str, Link] = field(default_factory=dict)
    parents: Mapping[NodeRef, NodeRef] = field(default_factory=dict)

    def without(self, gone: Collection[NodeRef]) -> Picture:
        """The picture without some nodes and the links that lead to them."""
        lost = set(gone)
        return Picture(
            {ref: node for ref, node in self.nodes.items() if ref not in lost},
            {key: link for key, link in self.links.items() if link.source not in lost and link.target not in lost},
            {ref: parent for ref, parent in self.parents.items() if ref not in lost and parent not in lost},
        )


class Exploration:
    """One investigator's canvas; `finding_id` is the finding it began with, if it did."""

    def __init__(self, finding_id: str | None = None) -> None:
        self.finding_id = finding_id
        self.spots: dict[NodeRef, Point] = {}
        self.surroundings = Surroundings()
        self._history: list[Picture] = [Picture()]
        self._at = 0

    @property
    def picture(self) -> Picture:
        """What stands on the canvas now."""
        return self._history[self._at]

    @property
    def can_undo(self) -> bool:
        return self._at > 0

    @property
    def can_redo(self) -> bool:
        return self._at < len(self._history) - 1

    def undo(self) -> None:
        """Go back one step, if there is one."""
        self._at = max(0, self._at - 1)

    def redo(self) -> None:
        """Take back the last undo, if there is one."""
        self._at = min(len(self._history) - 1, self._at + 1)

    def add(
        self, nodes: Iterable[Node], relationships: Iterable[Relationship], *, parent: NodeRef | None = None
    ) -> list[NodeRef]:
        """Put nodes and relationships on the canvas and return the refs that are new.

        Relationships with an end that does not stand are left out. New nodes stand near what they are linked to,
        or near `parent`; on an empty canvas where the first layout puts them. Nodes beyond `LIMIT` are left out.
        """
        now = self.picture
        room = LIMIT - len(now.nodes)
        fresh = [node for node in {each.ref: each for each in nodes}.values() if node.ref not in now.nodes][:room]
        standing = {**now.nodes, **{node.ref: node for node in fresh}}
        links = dict(now.links)
        for link in merged(relationships):
            if link.source in standing and link.target in standing:
                links[link.id] = link
        if not fresh and len(links) == len(now.links):
            return []
        added = [node.ref for node in fresh]
        brought = dict.fromkeys(added, parent) if parent else {}
        picture = Picture(standing, links, {**now.parents, **brought})
        self._place(added, picture, parent)
        self._do(picture)
        return added

    def collapse(self, ref: NodeRef) -> list[NodeRef]:
        """Take away everything that expanding `ref` brought, and what was expanded from that; returns what went."""
        gone: set[NodeRef] = set()
        layer = {ref}
        while layer:
            layer = {child for child, parent in self.picture.parents.items() if parent in layer} - gone - {ref}
            gone |= layer
        if gone:
            self._do(self.picture.without(gone))
        return sorted(gone)

    def hide(self, refs: Collection[NodeRef]) -> None:
        """Take nodes off the canvas; undo brings them back."""
        if any(ref in self.picture.nodes for ref in refs):
            self._do(self.picture.without(refs))

    def keep_only(self, refs: Collection[NodeRef]) -> None:
        """Take everything else off the canvas."""
        self.hide([ref for ref in self.picture.nodes if ref not in set(refs)])

    def move(self, spots: Mapping[NodeRef, Point]) -> None:
        """Remember where the user dragged nodes to."""
        self.spots.update({ref: spot for ref, spot in spots.items() if ref in self.spots})

    def _place(self, added: list[NodeRef], picture: Picture, parent: NodeRef | None) -> None:
        homeless = [ref for ref in added if ref not in self.spots]
        if not homeless:
            return
        joining = [each for link in picture.links.values() for each in link.relationships]
        if self.spots:
            # Places of nodes that an undo or a redo can bring back count as taken.
            ends = [(each.source, each.target) for each in joining]
            self.spots.update(place_new(self.spots, homeless, ends, parent=parent))
        else:
            graph = from_relationships(joining, homeless)
            self.spots.update(zip(graph.vs[KEY], layout(graph), strict=True))

    def _do(self, picture: Picture) -> None:
        del self._history[self._at + 1 :]
        self._history.append(picture)
        self._at += 1


def merged(relationships: Iterable[Relationship]) -> list[Link]:
    """Relationships of the same type between the same two nodes, as one link each."""
    links: dict[str, Link] = {}
    for relationship in relationships:
        link = Link(relationship.type, relationship.source, relationship.target, (relationship,))
        before = links.get(link.id)
        links[link.id] = replace(before, relationships=(*before.relationships, relationship)) if before else link
    return list(links.values())
