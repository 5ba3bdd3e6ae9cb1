"""What stands on a canvas: nodes, and links that draw several relationships as one line."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass, field, replace

from ringtrace.graph.store import Node, NodeRef, Relationship


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

    @property
    def times(self) -> int:
        """How often: the sum of the relationships' own counts, or their number."""
        return sum(int(each.properties.get("n") or 1) for each in self.relationships)

    def moved(self, source: NodeRef, target: NodeRef, more: tuple[Relationship, ...] = ()) -> Link:
        """The same link between two other ends, with the relationships of another link beside its own."""
        return Link(self.type, source, target, (*self.relationships, *more))


@dataclass(frozen=True, slots=True)
class Picture:
    """What stands on the canvas after a step; `parents` says whose expansion brought a node.

    `folded` names the groups that were folded by hand, `brought_out` how many members came out of a group by hand,
    `pinned` the nodes that stay: they are neither dragged, nor folded, nor collapsed.
    """

    nodes: Mapping[NodeRef, Node] = field(default_factory=dict)
    links: Mapping[str, Link] = field(default_factory=dict)
    parents: Mapping[NodeRef, NodeRef] = field(default_factory=dict)

    folded: frozenset[NodeRef] = frozenset()
    brought_out: Mapping[NodeRef, int] = field(default_factory=dict)
    pinned: frozenset[NodeRef] = frozenset()

    def without(self, gone: Collection[NodeRef]) -> Picture:
        """The picture without some nodes and the links that lead to them."""
        lost = set(gone)
        return replace(
            self,
            nodes={ref: node for ref, node in self.nodes.items() if ref not in lost},
            links={
                key: link for key, link in self.links.items() if link.source not in lost and link.target not in lost
            },
            parents={ref: parent for ref, parent in self.parents.items() if ref not in lost and parent not in lost},
            pinned=self.pinned - lost,
        )


def merged(relationships: Iterable[Relationship]) -> list[Link]:
    """Relationships of the same type between the same two nodes, as one link each."""
    links: dict[str, Link] = {}
    for relationship in relationships:
        link = Link(relationship.type, relationship.source, relationship.target, (relationship,))
        before = links.get(link.id)
        links[link.id] = replace(before, relationships=(*before.relationships, relationship)) if before else link
    return list(links.values())
