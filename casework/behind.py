"""The Cypher behind a view: text that gives the same nodes and links again, to copy, save and rerun."""

from __future__ import annotations

import json
from collections.abc import Collection

from ringtrace.casework.goods import HAND_OVER
from ringtrace.casework.picture import Picture
from ringtrace.graph.store import NodeRef

MOST_IDS = 500
"""Ids that a text names; with more it would be no text that anyone reads."""


def behind_picture(picture: Picture) -> str | None:
    """Cypher for the links between the nodes that stand, by label and type; None for an empty or overfull canvas."""
    if not picture.nodes or len(picture.nodes) > MOST_IDS:
        return None
    patterns = {
        (link.source.label, link.type, link.target.label) for link in picture.links.values() if link.type != HAND_OVER
    }
    if not patterns:
        return "\nUNION ALL\n".join(
            f"MATCH (n:{label}) WHERE n.id IN {_ids(picture.nodes, label)} RETURN n"
            for label in sorted({ref.label for ref in picture.nodes})
        )
    return "\nUNION ALL\n".join(
        f"MATCH (a:{source})-[r:{kind}]->(b:{target})\n"
        f"WHERE a.id IN {_ids(picture.nodes, source)}\n  AND b.id IN {_ids(picture.nodes, target)}\nRETURN a, r, b"
        for source, kind, target in sorted(patterns)
    )


def behind_node(ref: NodeRef, limit: int = 50) -> str:
    """Cypher for the neighbours of a node."""
    return f"MATCH (a:{ref.label} {{id: {_quoted(ref.id)}}})-[r]-(b)\nRETURN a, r, b LIMIT {limit}"


def _ids(refs: Collection[NodeRef], label: str) -> str:
    return "[" + ", ".join(_quoted(ref.id) for ref in sorted(refs) if ref.label == label) + "]"


def _quoted(value: str) -> str:
    # JSON's escapes are Cypher's too; without them a hostile id would end the string.
    return json.dumps(value, ensure_ascii=False)
