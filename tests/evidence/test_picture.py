"""The picture draws who is in the finding, folds what would hide it, and can be seen in a browser without a network."""

from __future__ import annotations

import json
import os
import re
from pathlib import Path
from typing import Any

import networkx as nx
import pytest
from factories.case import PERSONS, case

from ringtrace.evidence import export
from ringtrace.evidence.picture_page import MOST_NODES, MOST_PACKS, picture

CHROMIUM = Path("/usr/bin/chromium")


def content(page: str) -> dict[str, Any]:
    found = re.search(r'id="content">(.*?)</script>', page, re.DOTALL)
    assert found is not None
    loaded: dict[str, Any] = json.loads(found.group(1))
    return loaded


def chain(packs: int) -> nx.MultiDiGraph[str]:
    """Each pack is sold to `a` at `H` and then to `b` at `S`."""
    graph: nx.MultiDiGraph[str] = nx.MultiDiGraph()
    for name, label in (("Patient:a", "Patient"), ("Patient:b", "Patient"), ("Hospital:H", "Hospital"),
                        ("Pharmacy:S", "Pharmacy"), ("Finding:f", "Finding")):  # fmt: skip
        graph.add_node(name, label=label, key=name.partition(":")[2])
    graph.add_edge("Finding:f", "Patient:a", type="INVOLVES", role="source", weight=1.0)
    graph.add_edge("Finding:f", "Patient:b", type="INVOLVES", role="buyer", weight=1.0)
    for number in range(packs):
        graph.add_node(f"Pack:{number}", label="Pack", key=str(number))
        for person, place, day in (("a", "Hospital:H", 1), ("b", "Pharmacy:S", 9)):
            settlement = f"Settlement:{person}{number}"
            graph.add_node(settlement, label="Settlement", key=settlement[11:])
            graph.add_edge(f"Patient:{person}", settlement, type="SETTLED")
            graph.add_edge(settlement, place, type="AT")
            graph.add_edge(f"Pack:{number}", settlement, type="SOLD_IN", time=f"2025-01-0{day} 08:00:00")
    return graph


def test_a_few_packs_are_drawn_with_their_route() -> None:
    drawn = content(picture(chain(2), "en"))
    links = {(link["from"], link["to"]) for link in drawn["links"]}
    assert {
        ("Pack:0", "Patient:a"),
        ("Pack:0", "Hospital:H"),
        ("Pack:0", "Patient:b"),
        ("Pack:0", "Pharmacy:S"),
    } <= links


def test_many_packs_are_counted_from_the_earlier_buyer_to_the_later_place() -> None:
    drawn = content(picture(chain(MOST_PACKS + 1), "en"))
    assert not [node for node in drawn["nodes"] if node["id"].startswith("Pack:")]
    (link,) = drawn["links"]
    assert (link["from"], link["to"]) == ("Patient:a", "Pharmacy:S")
    assert link["details"][1][1] == str(MOST_PACKS + 1)


def test_only_the_suspected_have_a_red_border() -> None:
    nodes = {node["id"]: node for node in content(picture(chain(1), "en"))["nodes"]}
    assert nodes["Patient:a"]["color"]["border"] != nodes["Patient:b"]["color"]["border"]
    assert nodes["Patient:b"]["color"]["border"] == nodes["Hospital:H"]["color"]["border"]


def test_too_many_nodes_are_left_out_and_told() -> None:
    graph: nx.MultiDiGraph[str] = nx.MultiDiGraph()
    for number in range(MOST_NODES + 7):
        graph.add_node(f"Patient:{number}", label="Patient", key=str(number))
    drawn = content(picture(graph, "en"))
    assert len(drawn["nodes"]) == MOST_NODES
    assert drawn["said"]["left_out"].startswith("7 ")


@pytest.mark.browser
@pytest.mark.skipif(
    not CHROMIUM.exists() and os.environ.get("REQUIRE_BROWSER") != "1", reason=f"no browser at {CHROMIUM}"
)
def test_the_page_shows_the_clicked_person_and_asks_nobody(tmp_path: Path) -> None:
    from playwright.sync_api import sync_playwright

    workspace, finding = case(tmp_path, names={"person": "<img src=x onerror=window.hit=1>"})
    export(workspace, [finding.finding_id], tmp_path / "out", language="en")
    asked: list[str] = []
    broken: list[str] = []
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(
            executable_path=str(CHROMIUM), args=["--no-sandbox", "--disable-background-networking"]
        )
        page = browser.new_page(viewport={"width": 1366, "height": 768})
        page.on("request", lambda request: asked.append(request.url))
        page.on("pageerror", lambda error: broken.append(str(error)))
        page.goto((tmp_path / "out" / "data" / "graph.html").as_uri())
        page.wait_for_function("network.getScale() > 0")
        point = page.evaluate(f"network.canvasToDOM(network.getPosition('Patient:{PERSONS[0]}'))")
        page.mouse.click(point["x"], point["y"])
        shown = page.inner_text("#details")
        hit = page.evaluate("window.hit")
        browser.close()
    assert PERSONS[0] in shown
    assert "<img src=x onerror=window.hit=1>" in shown
    assert hit is None
    assert broken == []
    assert [url for url in asked if not url.startswith("file:")] == []
