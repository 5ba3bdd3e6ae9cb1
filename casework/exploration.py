"""The canvas as data: what stands on it and where, with undo and redo without end.

Each step makes a new immutable `Picture`; the places belong to the whole exploration, so that neither adding, nor
undoing, nor redoing moves a node that stands.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping
from dataclasses import replace
from typing import Final

from ringtrace.casework.folding import STEP, View, fold
from ringtrace.casework.picture import Picture, merged
from ringtrace.casework.surroundings import Surroundings
from ringtrace.graph.layouts import Point, layout, place_new
from ringtrace.graph.projections import KEY, from_relationships
from ringtrace.graph.store import Node, NodeRef, Relationship

LIMIT: Final = 10_000
"""Nodes that a canvas holds at most, those in groups among them; as many rows as a query gives."""


class Exploration:
    """One investigator's canvas; `finding_id` is the finding it began with, if it did.

    `kept` are nodes that never fold into a group: those that somebody suspects.
    """

    def __init__(self, finding_id: str | None = None) -> None:
        self.finding_id = finding_id
        self.spots: dict[NodeRef, Point] = {}
        self.surroundings = Surroundings()
        self.kept: Collection[NodeRef] = frozenset()
        self._seen: tuple[Picture, Collection[NodeRef], View] | None = None
        self._history: list[Picture] = [Picture()]
        self._at = 0

    @property
    def picture(self) -> Picture:
        """What stands on the canvas now."""
        return self._history[self._at]

    @property
    def view(self) -> View:
        """What is drawn of the picture: crowds as one node each where there is too much to see."""
        self._place()
        return self._folded()

    def _folded(self) -> View:
        if self._seen is None or self._seen[0] is not self.picture or self._seen[1] != self.kept:
            self._seen = (self.picture, self.kept, fold(self.picture, kept={*self.kept, *self.picture.pinned}))
        return self._seen[2]

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
        self._do(replace(now, nodes=standing, links=links, parents={**now.parents, **brought}))
        self._place(parent)
        return added

    def begin_with(self, picture: Picture) -> None:
        """Make `picture` the beginning, with nothing to undo; what has no place in `spots` gets one."""
        self._history, self._at = [picture], 0
        self._place()

    def fold(self, ref: NodeRef) -> None:
        """Draw the group `ref` as one node, whatever else stands."""
        now = self.picture
        out = {each: number for each, number in now.brought_out.items() if each != ref}
        self._do(replace(now, folded=now.folded | {ref}, brought_out=out))

    def bring_out(self, ref: NodeRef, number: int = STEP) -> None:
        """Draw the `number` most involved members of a group one by one, those that came out before beside them."""
        now = self.picture
        if ref in self.view.groups:
            self._do(replace(now, brought_out={**now.brought_out, ref: now.brought_out.get(ref, 0) + number}))
            self._place(ref)

    def collapse(self, ref: NodeRef) -> list[NodeRef]:
        """Take away everything that expanding `ref` brought, and what was expanded from that; returns what went.

        What is pinned stays, and with it what it brought.
        """
        gone: set[NodeRef] = set()
        layer, staying = {ref}, {ref, *self.picture.pinned}
        while layer:
            layer = {child for child, parent in self.picture.parents.items() if parent in layer} - gone - staying
            gone |= layer
        if gone:
            self._do(self.picture.without(gone))
        return sorted(gone)

    def hide(self, refs: Collection[NodeRef]) -> None:
        """Take nodes off the canvas; undo brings them back."""
        if any(ref in self.picture.nodes for ref in refs):
            self._do(self.picture.without(refs))

    def pin(self, refs: Collection[NodeRef]) -> None:
        """Pin nodes where they stand, or let them go if all of them are pinned."""
        now = self.picture
        wanted = frozenset(ref for ref in refs if ref in now.nodes)
        if wanted:
            pinned = now.pinned - wanted if wanted <= now.pinned else now.pinned | wanted
            self._do(replace(now, pinned=pinned))

    def keep_only(self, refs: Collection[NodeRef]) -> None:
        """Take everything else off the canvas."""
        self.hide([ref for ref in self.picture.nodes if ref not in set(refs)])

    def move(self, spots: Mapping[NodeRef, Point]) -> None:
        """Remember where the user dragged nodes to."""
        self.spots.update({ref: spot for ref, spot in spots.items() if ref in self.spots})

    def _place(self, parent: NodeRef | None = None) -> None:
        """Give a place to whatever is drawn and has none; on an empty canvas by a layout of everything."""
        view = self._folded()
        homeless = [ref for ref in view.shown if ref not in self.spots]
        if not homeless:
            return
        if self.spots:
            # Places of nodes that an undo or a redo can bring back count as taken.
            ends = [(link.source, link.target) for link in view.links.values() for _ in link.relationships]
            self.spots.update(place_new(self.spots, homeless, ends, parent=parent))
        else:
            joining = [
                replace(each, source=link.source, target=link.target)
                for link in view.links.values()
                for each in link.relationships
            ]
            graph = from_relationships(joining, homeless)
            self.spots.update(zip(graph.vs[KEY], layout(graph), strict=True))

    def _do(self, picture: Picture) -> None:
        del self._history[self._at + 1 :]
        self._history.append(picture)
        self._at += 1
