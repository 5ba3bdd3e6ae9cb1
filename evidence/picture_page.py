"""The interactive picture: one HTML file that needs no network, in which every value of the data is text.

vis-network is taken from the installed pyvis. pyvis's own page is not used: even with `cdn_resources="in_line"` it
loads Bootstrap from a CDN, and it puts titles into the page as markup. The page here forbids all requests
(Content-Security-Policy), and its script shows values by `textContent` alone.
"""

from __future__ import annotations

import json
from collections import Counter
from functools import cache
from html import escape
from importlib import resources
from itertools import pairwise
from string import Template
from typing import Any, Final

import igraph
import networkx as nx

from ringtrace.data_schema.graph import graph_schema
from ringtrace.evidence.shown import role_name, shown
from ringtrace.findings import UNSUSPECTED_ROLES
from ringtrace.graph.layouts import layout
from ringtrace.texts import Language, text

MOST_NODES: Final = 600
"""More than this is no picture any more; the tables hold everything."""

MOST_PACKS: Final = 40
"""More packs than this are counted on links and not drawn one by one."""

_PEOPLE_SHARE: Final = ("Household", "Phone", "Address", "Employer", "BankAccount", "CareHome")
_DRAWN: Final = ("Finding", "Patient", "Card", "Doctor", "Pharmacy", "Hospital", "Drug", "Pack", "Supplier")
_LINKS: Final = (
    "INVOLVES", "OWNS", "MAY_USE", "SETTLED_WITH", "BOUGHT_AT", "VISITED", "TREATED_BY", "RECEIVED", "SUPPLIED",
    "BOOKED_AT", "MEMBER_OF", "HAS_PHONE", "LIVES_AT", "EMPLOYED_BY", "REIMBURSED_TO", "LIVES_IN_CARE",
)  # fmt: skip
_SHAPES: Final = {
    "Finding": ("star", "#b8336a"),
    "Patient": ("dot", "#2f6fab"),
    "Card": ("square", "#7a52a3"),
    "Doctor": ("triangle", "#1b7f79"),
    "Pharmacy": ("diamond", "#2e7d32"),
    "Hospital": ("hexagon", "#00796b"),
    "Drug": ("triangleDown", "#a15c00"),
    "Pack": ("dot", "#c08a2d"),
}
_OTHER: Final = ("square", "#7a7f87")
_SUSPECTED: Final = "#c62828"


def picture(graph: nx.MultiDiGraph[str], language: Language, *, title: str | None = None, whole: bool = False) -> str:
    """The page for a `subgraph`: people, cards, places and goods; settlements are folded into the links.

    `whole` draws every node and link as they are: for a graph that somebody has chosen already.
    """
    drawn, left_out = _everything(graph) if whole else _choose(graph)
    places = _places(drawn)
    nodes = [
        _node(graph.nodes[name] | {"roles": drawn.nodes[name]["roles"]}, name, language)
        | {"x": places[name][0], "y": places[name][1]}
        for name in drawn
    ]
    links = [_link(number, *link, language) for number, link in enumerate(drawn.edges(keys=True, data=True))]
    legend = [
        {"label": _label_name(label, language), "shape": _SHAPES.get(label, _OTHER)[0], "colour": _colour(label)}
        for label in sorted({graph.nodes[name]["label"] for name in drawn})
    ]
    said = {
        "title": shown(title) if title else text("evidence.picture.title", language),
        "hint": text("evidence.picture.hint", language),
        "suspected": text("evidence.picture.suspected", language),
        "left_out": text("evidence.picture.left_out", language, n=left_out) if left_out else "",
    }
    content = {"nodes": nodes, "links": links, "legend": legend, "said": said}
    page = resources.files(__package__).joinpath("picture.html").read_text("utf-8")
    return Template(page).substitute(
        language=language, title=escape(said["title"]), library=_library(), content=script_json(content)
    )


def _places(drawn: nx.MultiDiGraph[str]) -> dict[str, tuple[float, float]]:
    names = list(drawn)
    number = {name: place for place, name in enumerate(names)}
    pairs = sorted({tuple(sorted((number[source], number[target]))) for source, target in drawn.edges()})
    simple = igraph.Graph(n=len(names), edges=[(a, b) for a, b in pairs if a != b])
    return dict(zip(names, layout(simple, seed=7), strict=True))


def script_json(content: Any) -> str:
    """JSON that can stand inside `<script>`: nothing in it ends the element or a line of the script."""
    dumped = json.dumps(content, ensure_ascii=False)
    for character in "<>&\u2028\u2029":
        dumped = dumped.replace(character, f"\\u{ord(character):04x}")
    # A lone surrogate cannot be written as UTF-8.
    return dumped.encode("utf-8", errors="replace").decode("utf-8")


@cache
def _library() -> str:
    return resources.files("pyvis").joinpath("lib", "vis-9.1.2", "vis-network.min.js").read_text("utf-8")


def _choose(graph: nx.MultiDiGraph[str]) -> tuple[nx.MultiDiGraph[str], int]:
    """What is drawn, and how many nodes were too many; members of findings come first, then the best connected."""
    roles: dict[str, dict[str, float]] = {}
    findings = [name for name, facts in graph.nodes(data=True) if facts["label"] == "Finding"]
    for _, member, facts in graph.out_edges(findings, data=True):
        if facts["type"] == "INVOLVES":
            roles.setdefault(member, {})[facts["role"]] = facts["weight"]
    packs = sum(facts["label"] == "Pack" for _, facts in graph.nodes(data=True))
    candidates = [
        name
        for name, facts in graph.nodes(data=True)
        if _wanted(graph, name, facts, roles, findings) and (facts["label"] != "Pack" or packs <= MOST_PACKS)
    ]
    candidates.sort(key=lambda name: (name not in roles, -graph.degree(name), name))
    kept = set(candidates[:MOST_NODES])
    drawn: nx.MultiDiGraph[str] = nx.MultiDiGraph()
    for name in sorted(kept):
        drawn.add_node(name, roles=roles.get(name, {}))
    for source, target, facts in _folded(graph):
        repeats = facts["type"] == "SETTLED_WITH" and any(
            each["type"] == "OWNS" for each in (graph.get_edge_data(source, target) or {}).values()
        )
        if source in kept and target in kept and not repeats:
            drawn.add_edge(source, target, **facts)
    return drawn, len(candidates) - len(kept)


def _everything(graph: nx.MultiDiGraph[str]) -> tuple[nx.MultiDiGraph[str], int]:
    kept = sorted(graph, key=lambda name: (-graph.degree(name), name))[:MOST_NODES]
    drawn: nx.MultiDiGraph[str] = nx.MultiDiGraph()
    for name in sorted(kept):
        drawn.add_node(name, roles={})
    drawn.add_edges_from((a, b, facts) for a, b, facts in graph.edges(data=True) if a in drawn and b in drawn)
    return drawn, len(graph) - len(kept)


def _wanted(
    graph: nx.MultiDiGraph[str], name: str, facts: dict[str, Any], roles: dict[str, Any], findings: list[str]
) -> bool:
    """One finding is the page itself and needs no node; a household or phone is shown where two people share it."""
    label = facts["label"]
    if label == "Finding":
        return len(findings) > 1
    if label in _PEOPLE_SHARE:
        return len({source for source in graph.predecessors(name) if source.startswith("Patient:")}) > 1
    if label in ("Card", "Doctor"):
        # A person's own card, or a doctor with one of the patients, tells nothing that the person does not.
        return name in roles or len({end for end in nx.all_neighbors(graph, name) if end.startswith("Patient:")}) > 1
    return name in roles or (label in _DRAWN and label not in ("Drug", "Supplier"))


def _folded(graph: nx.MultiDiGraph[str]) -> list[tuple[str, str, dict[str, Any]]]:
    """The links to draw; a pack is tied to who got it and where, since its settlements are not drawn.

    Where packs are too many to draw, those sold again are counted on a link from the earlier buyer to the later place.
    """
    links = [(source, target, facts) for source, target, facts in graph.edges(data=True) if facts["type"] in _LINKS]
    sold: dict[str, list[tuple[str, list[str], list[str]]]] = {}
    for pack, settlement, facts in graph.edges(data=True):
        if facts["type"] == "SOLD_IN":
            buyers = [source for source, _, each in graph.in_edges(settlement, data=True) if each["type"] == "SETTLED"]
            places = [target for _, target, each in graph.out_edges(settlement, data=True) if each["type"] == "AT"]
            sold.setdefault(pack, []).append((facts.get("time", ""), buyers, places))
    if len(sold) <= MOST_PACKS:
        links += [
            (pack, end, {"type": "SOLD_IN", "time": time})
            for pack, sales in sold.items()
            for time, buyers, places in sales
            for end in (*buyers, *places)
        ]
    else:
        again = Counter(
            (buyer, place)
            for sales in sold.values()
            for (_, buyers, _), (_, _, places) in pairwise(sorted(sales))
            for buyer in buyers
            for place in places
        )
        links += [(buyer, place, {"type": "SOLD_IN", "n": number}) for (buyer, place), number in again.items()]
    return sorted(links, key=lambda link: (link[0], link[1], sorted(map(str, link[2].items()))))


def _label_name(label: str, language: Language) -> str:
    return graph_schema().nodes[label].label(language)


def _colour(label: str) -> str:
    return _SHAPES.get(label, _OTHER)[1]


def _node(facts: dict[str, Any], name: str, language: Language) -> dict[str, Any]:
    label = facts["label"]
    roles: dict[str, float] = facts["roles"]
    suspected = label not in ("Drug", "Pack") and any(role not in UNSUSPECTED_ROLES for role in roles)
    known = {each.name: each for each in graph_schema().nodes[label].properties}
    details = [[_label_name(label, language), shown(facts["key"])]]
    details += [
        [text("evidence.report.role", language), f"{role_name(role, language)} · {weight:.0%}"]
        for role, weight in sorted(roles.items())
    ]
    details += [
        [known[field].label(language) if field in known else field, shown(value)]
        for field, value in facts.items()
        if field not in ("label", "key", "roles", "stub")
    ]
    shape, colour = _SHAPES.get(label, _OTHER)
    return {
        "id": name,
        "label": shown(str(facts.get("name", facts["key"]))[:24]),
        "shape": shape,
        "size": 18 if roles else 10,
        "borderWidth": 4 if suspected else 1,
        "color": {"background": colour, "border": _SUSPECTED if suspected else "#5f6368"},
        "details": details,
    }


def _link(
    number: int, source: str, target: str, _key: int, facts: dict[str, Any], language: Language
) -> dict[str, Any]:
    kind = graph_schema().relationships[facts["type"]]
    known = {each.name: each for each in (*kind.properties, *graph_schema().relationships["BOUGHT_AT"].properties)}
    resold = facts["type"] == "SOLD_IN" and "n" in facts
    phrase = text("evidence.picture.sold_again", language) if resold else kind.phrase("out", language)
    details = [[phrase, ""]] + [
        [known[field].label(language) if field in known else field, shown(value)]
        for field, value in facts.items()
        if field != "type"
    ]
    times = float(facts.get("n", 1))
    width = 1 + min(6.0, times**0.5 - 1) if times > 1 else 1.0
    return {"id": number, "from": source, "to": target, "width": round(width, 2), "details": details}
