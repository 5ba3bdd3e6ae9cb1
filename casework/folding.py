"""Folding: above what a screen can show, the crowd around a household, a pharmacy or a drug stands as one node.

Nothing is lost by it: the picture holds everything, and only what is drawn of it is chosen here.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass
from typing import Final

from ringtrace.casework.picture import Link, Picture
from ringtrace.graph.store import Node, NodeRef

GROUP: Final = "Group"
"""Label of the node that a crowd is drawn as; the graph itself has none such."""
SHOWN: Final = 2_000
"""Nodes that are drawn one by one; beyond it nobody sees anything."""
STEP: Final = 50
"""Members that come out of a group at a time."""
_LEAST: Final = 3
_PEOPLE: Final = frozenset({"Patient", "Card"})


@dataclass(frozen=True, slots=True)
class Group:
    """Neighbours of `anchor` with one label, drawn as one; `members` have the most involved first.

    Without an anchor: nodes of one label that nothing holds together.
    """

    anchor: NodeRef | None
    label: str
    members: tuple[NodeRef, ...]

    @property
    def ref(self) -> NodeRef:
        """What the group is called on the canvas."""
        return group_ref(self.anchor, self.label)


@dataclass(frozen=True, slots=True)
class View:
    """What is drawn of a picture: nodes one by one, groups, and the links between both."""

    nodes: Mapping[NodeRef, Node]
    groups: Mapping[NodeRef, Group]
    links: Mapping[str, Link]

    @property
    def shown(self) -> list[NodeRef]:
        """Everything that has a place of its own."""
        return [*self.nodes, *self.groups]

    def members(self, refs: Collection[NodeRef]) -> list[NodeRef]:
        """`refs` with each group replaced by its members."""
        return [each for ref in refs for each in (self.groups[ref].members if ref in self.groups else (ref,))]


def group_ref(anchor: NodeRef | None, label: str) -> NodeRef:
    """The name of the group of `label` around `anchor`."""
    return NodeRef(GROUP, f"{label}/{anchor.label}/{anchor.id}" if anchor else label)


def crowds(picture: Picture, anchor: NodeRef | None = None) -> dict[NodeRef, Group]:
    """Every crowd that could fold, or those around `anchor`: three neighbours of one label or more."""
    weights: dict[tuple[NodeRef, str], dict[NodeRef, int]] = {}
    for link in picture.links.values():
        for here, there in ((link.source, link.target), (link.target, link.source)):
            if here != there and anchor in (None, here):
                crowd = weights.setdefault((here, there.label), {})
                crowd[there] = crowd.get(there, 0) + link.times
    return {
        group_ref(here, label): Group(here, label, tuple(sorted(crowd, key=lambda each: (-crowd[each], each))))
        for (here, label), crowd in weights.items()
        if len(crowd) >= _LEAST
    }


def fold(picture: Picture, *, kept: Collection[NodeRef] = (), most: int = SHOWN) -> View:
    """What is drawn of `picture`: all of it while it has `most` nodes at most and nothing was folded by hand.

    Otherwise the largest crowds of people fold first, then other crowds, then whatever of one label is left, until no
    more than `most` nodes are drawn. Nodes in `kept` (suspects) and those brought out by hand never fold.
    """
    if not picture.folded and len(picture.nodes) <= most:
        return View(picture.nodes, {}, picture.links)
    free = set(picture.nodes) - set(kept)
    groups: dict[NodeRef, Group] = {}
    drawn = len(picture.nodes)

    def take(crowd: Group) -> None:
        nonlocal drawn
        staying = [each for each in crowd.members if each in free]
        out = picture.brought_out.get(crowd.ref, 0)
        free.difference_update(staying[:out])
        if len(staying) - out > 1:
            groups[crowd.ref] = Group(crowd.anchor, crowd.label, tuple(staying[out:]))
            free.difference_update(staying)
            drawn -= len(staying) - out - 1

    candidates = crowds(picture)
    for ref in sorted(picture.folded & candidates.keys()):
        take(candidates.pop(ref))
    for crowd in sorted(
        candidates.values(), key=lambda each: (each.label not in _PEOPLE, -len(each.members), each.ref)
    ):
        if drawn <= most:
            break
        take(crowd)
    rest: dict[str, list[NodeRef]] = {}
    for ref in sorted(free):
        rest.setdefault(ref.label, []).append(ref)
    for label in sorted(rest, key=lambda each: (-len(rest[each]), each)):
        if drawn <= most:
            break
        take(Group(None, label, tuple(rest[label])))
    home = {member: group.ref for group in groups.values() for member in group.members}
    return View({ref: node for ref, node in picture.nodes.items() if ref not in home}, groups, _rewired(picture, home))


def _rewired(picture: Picture, home: Mapping[NodeRef, NodeRef]) -> dict[str, Link]:
    """The picture's links, those of members leading to their group; what joins two members is not drawn."""
    links: dict[str, Link] = {}
    for link in picture.links.values():
        source, target = home.get(link.source, link.source), home.get(link.target, link.target)
        if source == target and link.source != link.target:
            continue
        moved = link if (source, target) == (link.source, link.target) else link.moved(source, target)
        before = links.get(moved.id)
        links[moved.id] = before.moved(source, target, moved.relationships) if before else moved
    return links
