"""Canvases kept in the workspace under a name of their own, so that an address opens one again as it was.

`views/<name>.json` is never changed: its name is the digest of what it holds, so two desks may write at a time, and the
same canvas has the same address.
"""

from __future__ import annotations

import hashlib
import json
import re
from collections.abc import Collection, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final

from ringtrace.casework.exploration import Exploration
from ringtrace.casework.goods import HAND_OVER
from ringtrace.casework.picture import Picture, merged
from ringtrace.errors import RingTraceError
from ringtrace.graph.store import GraphStore, NodeRef, Relationship
from ringtrace.workspace import Workspace, write_atomic

_NAME: Final = re.compile(r"[0-9a-f]{16}")


@dataclass(frozen=True, slots=True)
class KeptView:
    """A canvas as it was kept: what its `looks` stand for, and the labels that its legend `left_out`."""

    exploration: Exploration
    looks: Mapping[str, str]
    left_out: frozenset[str]


def save_view(
    workspace: Workspace, exploration: Exploration, looks: Mapping[str, str], left_out: Collection[str] = ()
) -> str:
    """Keep what stands on the canvas and where, with what is seen of it; returns the name to open it by.

    `looks` say what colour and size stand for, `left_out` which labels the legend switched off.

    Raises
    ------
    RingTraceError
        If nobody may write there.
    """
    picture = exploration.picture
    content = {
        "finding": exploration.finding_id,
        "nodes": [[ref.label, ref.id] for ref in picture.nodes],
        "places": [[ref.label, ref.id, *exploration.spots[ref]] for ref in exploration.view.shown],
        "links": sorted(key for key, link in picture.links.items() if link.type != HAND_OVER),
        "passed": [
            [*_named(each.source), *_named(each.target), {**each.properties, "time": str(each.properties["time"])}]
            for link in picture.links.values()
            if link.type == HAND_OVER
            for each in link.relationships
        ],
        "parents": [[*_named(ref), *_named(parent)] for ref, parent in picture.parents.items()],
        "folded": [_named(ref) for ref in sorted(picture.folded)],
        "brought_out": [[*_named(ref), number] for ref, number in sorted(picture.brought_out.items())],
        "pinned": [_named(ref) for ref in sorted(picture.pinned)],
        "looks": dict(looks),
        "left_out": sorted(left_out),
    }
    text = json.dumps(content, ensure_ascii=False, sort_keys=True, separators=(",", ":"))
    name = hashlib.sha256(text.encode()).hexdigest()[:16]
    path = workspace.path / "views" / f"{name}.json"
    if not path.is_file():
        try:
            write_atomic(path, text)
        except OSError as error:
            raise RingTraceError.of("workspace.unwritable", path=workspace.path, reason=error.strerror) from error
    return name


def open_view(workspace: Workspace, store: GraphStore, name: str) -> KeptView | None:
    """The canvas of that name; None if there is none. What the graph no longer holds is left out."""
    path = workspace.path / "views" / f"{name}.json"
    if not _NAME.fullmatch(name) or not path.is_file():
        return None
    content: dict[str, Any] = json.loads(path.read_text("utf-8"))
    exploration = Exploration(content["finding"])
    exploration.spots.update({NodeRef(label, key): (x, y) for label, key, x, y in content["places"]})
    nodes = store.nodes(NodeRef(*named) for named in content["nodes"])
    wanted = set(content["links"])
    joins = exploration.surroundings.joins(store, [node.ref for node in nodes])
    passed = [
        Relationship(
            HAND_OVER,
            NodeRef(*ends[:2]),
            NodeRef(*ends[2:]),
            properties | {"time": datetime.fromisoformat(properties["time"])},
        )
        for *ends, properties in content["passed"]
    ]
    links = {each.id: each for each in merged([*joins, *passed])}
    standing = {node.ref: node for node in nodes}
    exploration.begin_with(
        Picture(
            standing,
            {key: each for key, each in links.items() if key in wanted or each.type == HAND_OVER},
            {NodeRef(*ends[:2]): NodeRef(*ends[2:]) for ends in content["parents"] if NodeRef(*ends[:2]) in standing},
            frozenset(NodeRef(*named) for named in content["folded"]),
            {NodeRef(label, key): number for label, key, number in content["brought_out"]},
            frozenset(NodeRef(*named) for named in content.get("pinned", ())) & standing.keys(),
        )
    )
    return KeptView(exploration, content["looks"], frozenset(content.get("left_out", ())))


def _named(ref: NodeRef) -> list[str]:
    return [ref.label, ref.id]
