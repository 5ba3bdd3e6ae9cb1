"""An exploration as the canvas draws it: captions, and for each kind of node its own shape, colour and size."""

from __future__ import annotations

import math
from collections.abc import Collection, Mapping
from dataclasses import dataclass
from typing import Any, Final

from ringtrace.app_pages.charts import LEVEL_COLOURS
from ringtrace.app_pages.looks import Looks
from ringtrace.app_pages.plain import masked, visible
from ringtrace.app_pages.shell import Desk
from ringtrace.casework.exploration import Exploration
from ringtrace.casework.folding import Group
from ringtrace.casework.goods import HAND_OVER
from ringtrace.casework.picture import Link
from ringtrace.data_schema import Sensitivity
from ringtrace.data_schema.graph import graph_schema
from ringtrace.findings import LEVELS, Finding, Level
from ringtrace.graph.store import Node, NodeRef


@dataclass(frozen=True, slots=True)
class Style:
    """How a label is drawn: vis-network shape, fill, size; `mark` is the same shape as a character, for legends."""

    shape: str
    colour: str
    size: int
    mark: str


STYLES: Final[dict[str, Style]] = {
    "Patient": Style("dot", "#4c8bd6", 16, "●"),
    "Card": Style("square", "#2a9d8f", 11, "■"),
    "Doctor": Style("diamond", "#9b6bd3", 15, "◆"),
    "Pharmacy": Style("hexagon", "#3f9b4f", 22, "⬢"),
    "Hospital": Style("star", "#c2569b", 20, "★"),
    "Drug": Style("triangle", "#d98c1f", 15, "▲"),
    "Pack": Style("triangleDown", "#b5762a", 10, "▼"),
    "Settlement": Style("dot", "#8a93a0", 8, "•"),
    "Finding": Style("star", "#c62828", 16, "✦"),
}
_PATH: Final = "#c62828"
_OTHER: Final = Style("square", "#7d8a97", 9, "▪")


def style(label: str) -> Style:
    """How nodes of `label` are drawn."""
    return STYLES.get(label, _OTHER)


def node_id(ref: NodeRef) -> str:
    """The id of a node on the canvas."""
    return f"{ref.label}\x1f{ref.id}"


def ref_of(node: str) -> NodeRef:
    """The node that an id of the canvas stands for."""
    label, _, key = node.partition("\x1f")
    return NodeRef(label, key)


def caption(desk: Desk, node: Node) -> str:
    """One short line for a node: its name, else its key; masked where the desk's switch says so."""
    kind = graph_schema().nodes[node.label]
    if node.label == "Finding" and isinstance(node.properties.get("kind"), str):
        return desk.term("kind", node.properties["kind"])
    if node.label == "Settlement" and node.properties.get("setl_time") is not None:
        return f"{node.properties['setl_time']:%Y-%m-%d %H:%M}"
    name_privacy: Sensitivity = next((each.sensitivity for each in kind.properties if each.name == "name"), "none")
    if node.name:
        return (masked(node.name, name_privacy) or "") if desk.masked else visible(node.name, 18)
    return (masked(node.id, kind.sensitivity) or "") if desk.masked else visible(node.id, 20)


def levels_of(findings: Collection[Finding]) -> dict[NodeRef, Level]:
    """The worst level at which each suspected member stands in a finding."""
    worst: dict[NodeRef, Level] = {}
    for finding in sorted(findings, key=lambda each: -LEVELS.index(each.level)):
        for member in finding.members:
            if member.suspected and finding.level != "explained":
                worst[NodeRef(member.label, member.id)] = finding.level
    return worst


def group_caption(desk: Desk, exploration: Exploration, group: Group) -> str:
    """What a group is: how many of which kind, around what."""
    label = desk.label(group.label)
    if group.anchor is None:
        return desk.say("app.group.loose", number=len(group.members), label=label)
    anchor = exploration.picture.nodes[group.anchor]
    return desk.say("app.group.around", number=len(group.members), label=label, anchor=caption(desk, anchor))


def drawn(
    desk: Desk, exploration: Exploration, hidden: Mapping[NodeRef, int], looks: Looks, left_out: Collection[str] = ()
) -> dict[str, Any]:
    """The nodes and links of the current picture as the component's `data` wants them.

    `hidden` counts what is not shown around a node; `left_out` names the labels that the legend switched off.
    """
    view, spots = exploration.view, exploration.spots
    off = set(left_out)
    gone = {ref for ref in view.nodes if ref.label in off} | {
        ref for ref, group in view.groups.items() if group.label in off
    }
    nodes = [
        _node(desk, node, spots[ref], hidden.get(ref, 0), looks) | {"pinned": ref in exploration.picture.pinned}
        for ref, node in view.nodes.items()
        if ref not in gone
    ]
    nodes += [
        _group(desk, exploration, group, spots[ref], looks) for ref, group in view.groups.items() if ref not in gone
    ]
    beside: dict[frozenset[NodeRef], int] = {}
    edges = []
    for link in view.links.values():
        if link.source in gone or link.target in gone:
            continue
        pair = frozenset((link.source, link.target))
        beside[pair] = beside.get(pair, -1) + 1
        edges.append(_edge(desk, link, beside[pair]))
    return {"nodes": nodes, "edges": edges}


def _node(desk: Desk, node: Node, spot: tuple[float, float], hidden: int, looks: Looks) -> dict[str, Any]:
    look = style(node.label)
    label = caption(desk, node)
    level = looks.levels.get(node.ref)
    said = [f"{desk.label(node.label)} {label}"]
    if level:
        said.append(desk.term("level", level))
    if node.stub:
        said.append(desk.say("app.node.stub"))
    if hidden:
        said.append(desk.say("app.node.hidden", number=hidden))
    return {
        "id": node_id(node.ref),
        "label": label,
        "title": "\n".join(said),
        "x": spot[0],
        "y": spot[1],
        "shape": look.shape,
        "size": looks.size_of(node.ref, look.size),
        "colour": looks.colour_of(node.ref, look.colour),
        "border": LEVEL_COLOURS[level] if level else "#00000033",
        "borderWidth": 4 if level else 1,
        "shapeProperties": {"borderDashes": [4, 3] if node.stub else False},
        "hidden": hidden,
    }


def _group(
    desk: Desk, exploration: Exploration, group: Group, spot: tuple[float, float], looks: Looks
) -> dict[str, Any]:
    look = style(group.label)
    return {
        "id": node_id(group.ref),
        "label": f"{len(group.members):,} × {desk.label(group.label)}",
        "title": f"{group_caption(desk, exploration, group)}\n{desk.say('app.group.hint')}",
        "x": spot[0],
        "y": spot[1],
        "shape": look.shape,
        "size": round(18 + 7 * math.log10(len(group.members)), 1),
        "colour": looks.colour_of(group.ref, look.colour) + "88",
        "border": look.colour,
        "borderWidth": 3,
        "shapeProperties": {"borderDashes": [6, 3]},
        "hidden": 0,
        "pinned": False,
    }


def phrase(desk: Desk, link: Link) -> str:
    """What the link is, seen from its source."""
    if link.type == HAND_OVER:
        return desk.say("app.path.passed_on")
    return graph_schema().relationships[link.type].phrase("out", desk.language)


def passed_when(link: Link) -> str:
    """When goods were passed on along a link of a path, for the first time."""
    return f"{min(each.properties['time'] for each in link.relationships):%Y-%m-%d %H:%M}"


def _edge(desk: Desk, link: Link, beside: int) -> dict[str, Any]:
    number = link.times
    bend = {"enabled": True, "type": "curvedCW", "roundness": 0.12 * ((beside + 1) // 2) * (1 if beside % 2 else -1)}
    return {
        "id": link.id,
        "from": node_id(link.source),
        "to": node_id(link.target),
        "label": f"×{number:,}" if number > 1 else "",
        "title": f"{phrase(desk, link)} ×{number:,}",
        "width": min(6.0, 1.0 + 1.5 * math.log10(max(1, number))),
        "smooth": bend if beside else False,
    } | ({"colour": _PATH, "width": 4.0, "label": passed_when(link)} if link.type == HAND_OVER else {})
