"""Time the app in a real browser: first paint of every page, an expansion, and 2,000 nodes with 4,000 links.

    python bench/app.py --workspace demo/workspace [--rounds 3]

A page counts as painted when the browser has shown what stands above the fold (or all of it, on a page without more),
and as whole when its script has ended and what lies below, which a session's first page draws afterwards, stands there
too. Each page is opened by its address in a fresh browser context, as a bookmark or a link in a mail is, and once more
in a browser that has been there before ("again"); the very first page of a fresh server is a row of its own ("start").
An expansion is timed from the click to the moment when the new nodes stand on the canvas, and the places of those that
stood are compared. Exits with status 1 if a page takes more than 2 s or an expansion more than 0.5 s.
"""

from __future__ import annotations

import argparse
import os
import shutil
import statistics
import sys
import time
from pathlib import Path
from typing import Any

from playwright.sync_api import Browser, Page, sync_playwright

from ringtrace.app_pages.launch import served
from ringtrace.app_pages.shell import PAGES
from ringtrace.casework.ranking import rank
from ringtrace.findings import Finding, read_findings
from ringtrace.graph import open_graph
from ringtrace.graph.store import NodeRef
from ringtrace.workspace import Workspace

PAGE_GOAL = 2.0
EXPANSION_GOAL = 0.5
NODES, LINKS = 2_000, 4_000

_NODES = "globalThis.ringtraceCanvas?.nodes.length > {0}"
_ENDED = "[data-testid=stApp][data-test-script-state=notRunning]"
_PAINTED = f"html[data-painted], {_ENDED}"
_PLACES = "() => ringtraceCanvas.network.getPositions()"
_CROWD = """([nodes, links]) => {
  const canvas = ringtraceCanvas, side = Math.ceil(Math.sqrt(nodes)), look = canvas.data.nodes[0];
  const crowd = [...Array(nodes).keys()].map(i => ({...look, id: `bench${i}`, label: `node ${i}`,
    x: 90 * (i % side), y: 90 * Math.floor(i / side)}));
  const line = canvas.data.edges[0];
  const pairs = [...Array(links).keys()].map(i => ({...line, id: `link${i}`, from: `bench${i % nodes}`,
    to: `bench${(i * 7 + 1 + Math.floor(i / nodes)) % nodes}`}));
  const began = performance.now();
  canvas.update({...canvas.data, view: "bench", nodes: crowd, edges: pairs});
  return new Promise(done => requestAnimationFrame(() => requestAnimationFrame(() => done(performance.now() - began))));
}"""
_PAN = """() => new Promise(done => {
  const began = performance.now(); let frames = 0;
  const step = () => { ringtraceCanvas.pan(3, 2);
    if (++frames < 60) requestAnimationFrame(step); else done(60000 / (performance.now() - began)); };
  requestAnimationFrame(step);
})"""


def painted(page: Page, url: str, *, canvas: bool = False) -> float:
    """Seconds until the page of `url` has drawn what stands above the fold."""
    began = time.perf_counter()
    page.goto(url, wait_until="commit")
    page.wait_for_selector("[data-testid=stMain] :is(h1, h2, h3), [data-testid=stTextInput]", timeout=60_000)
    page.wait_for_selector(_PAINTED, state="attached", timeout=60_000)
    if canvas:
        page.wait_for_function(_NODES.format(0), timeout=60_000)
    return time.perf_counter() - began


def whole(page: Page) -> None:
    """Wait until what lies below the fold has been asked for and drawn."""
    page.wait_for_selector(_ENDED, timeout=60_000)


def addresses(workspace: Workspace, findings: list[Finding]) -> dict[str, str]:
    """Page name → address, with the first ring, resale finding and pharmacy where a page shows one."""
    first = {each.kind: each for each in reversed(rank(each for each in findings if each.level != "explained"))}
    ring = first.get("borrowed_card_ring") or next(iter(first.values()))
    named = {page.url: "" if page == PAGES[0] else page.url for page in PAGES}
    named["finding"] = f"finding?id={ring.finding_id}"
    named["explore"] = f"explore?finding={ring.finding_id}"
    person = next(each for each in ring.members if each.label == "Patient")
    named["entity"] = f"entity?label=Patient&id={person.id}"
    for kind in ("drug_resale", "pharmacy_collusion"):
        if kind in first:
            named[f"finding ({kind})"] = f"finding?id={first[kind].finding_id}"
            named[f"explore ({kind})"] = f"explore?finding={first[kind].finding_id}"
    shop = next((each.id for each in ring.members if each.label == "Pharmacy"), None)
    if shop:
        named["entity (pharmacy)"] = f"entity?label=Pharmacy&id={shop}"
    return named


def expansions(browser: Browser, base: str, path: str, store: Any, rounds: int) -> tuple[list[float], int]:
    """Seconds of double clicks on different people of the finding, and how many standing nodes moved."""
    page = browser.new_context(viewport={"width": 1366, "height": 768}).new_page()
    painted(page, f"{base}/{path}", canvas=True)
    page.wait_for_timeout(800)
    spent: list[float] = []
    moved = 0
    for node in page.evaluate("ringtraceCanvas.nodes.getIds()"):
        label, _, key = node.partition("\x1f")
        if label not in ("Patient", "Pharmacy") or len(spent) == rounds:
            continue
        before = page.evaluate(_PLACES)
        began = time.perf_counter()
        page.evaluate("id => ringtraceCanvas.send('expand', [id])", node)
        try:
            page.wait_for_function(_NODES.format(len(before)), timeout=6_000, polling=20)
        except Exception as error:
            if "Timeout" not in str(error) or store.node(NodeRef(label, key)) is None:
                raise
            continue  # everything around it stood already
        spent.append(time.perf_counter() - began)
        after = page.evaluate(_PLACES)
        moved += sum(after[each] != spot for each, spot in before.items())
        page.wait_for_selector("[data-testid=stApp][data-test-script-state=notRunning]")
    page.context.close()
    return spent, moved


def crowd(browser: Browser, base: str, path: str) -> tuple[float, float]:
    """Seconds to draw 2,000 nodes and 4,000 links at once, and frames a second while they are moved."""
    page = browser.new_context(viewport={"width": 1366, "height": 768}).new_page()
    painted(page, f"{base}/{path}", canvas=True)
    drawn = page.evaluate(_CROWD, [NODES, LINKS]) / 1000
    frames = page.evaluate(_PAN)
    page.context.close()
    return drawn, frames


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--workspace", type=Path, default=Path("demo/workspace"))
    parser.add_argument("--rounds", type=int, default=3)
    chosen = parser.parse_args()
    chromium = shutil.which("chromium")
    if chromium is None:
        sys.exit("There is no chromium on the path.")
    workspace = Workspace(chosen.workspace)
    named = addresses(workspace, read_findings(workspace))
    with workspace.connect() as connection:
        sizes = connection.execute(
            "SELECT (SELECT count(*) FROM persons), (SELECT count(*) FROM settlements)"
        ).fetchone() or (0, 0)
    print(f"{sizes[0]:,} persons, {sizes[1]:,} settlements; {os.cpu_count()} cores, load {os.getloadavg()[0]:.1f}")
    late = False
    with served(chosen.workspace) as base, sync_playwright() as playwright, open_graph(workspace) as store:
        browser = playwright.chromium.launch(executable_path=chromium, args=["--no-sandbox"])
        start = painted(browser.new_context().new_page(), f"{base}/")
        print(f"{'start (fresh server)':<32}{start:6.2f} s")
        returning = browser.new_context(viewport={"width": 1366, "height": 768})
        painted(returning.new_page(), f"{base}/")
        for name, path in named.items():
            spent, complete = [], []
            for _ in range(chosen.rounds):
                context = browser.new_context(viewport={"width": 1366, "height": 768})
                page, began = context.new_page(), time.perf_counter()
                spent.append(painted(page, f"{base}/{path}", canvas=name.startswith("explore")))
                whole(page)
                complete.append(time.perf_counter() - began)
                context.close()
            middle = statistics.median(spent)
            late |= middle > PAGE_GOAL
            tab = returning.new_page()
            again = painted(tab, f"{base}/{path}", canvas=name.startswith("explore"))
            tab.close()
            first = f"first {spent[0]:.2f} s, slowest {max(spent):.2f} s, again {again:.2f} s"
            first += f", whole {statistics.median(complete):.2f} s"
            print(f"{name:<32}{middle:6.2f} s  ({first}){'  LATE' if middle > PAGE_GOAL else ''}")
        grown, moved = expansions(browser, base, named["explore"], store, 3 * chosen.rounds)
        middle = statistics.median(grown)
        late |= middle > EXPANSION_GOAL or moved > 0
        print(f"{'expansion':<32}{middle:6.2f} s  (slowest {max(grown):.2f} s of {len(grown)}, {moved} nodes moved)")
        drawn, frames = crowd(browser, base, named["explore"])
        print(f"{f'{NODES:,} nodes, {LINKS:,} links':<32}{drawn:6.2f} s  ({frames:.0f} frames a second when moved)")
        browser.close()
    sys.exit(int(late))


if __name__ == "__main__":
    main()
