"""The pictures of docs/pictures, taken of the real app on the demo city by Debian's Chromium.

    python bench/pictures.py [--workspace demo/workspace] [--out docs/pictures]

Takes the first suspected finding of a kind where a picture is of one; run `make demo` before.
"""

from __future__ import annotations

import argparse
import shutil
import sys
from dataclasses import dataclass
from pathlib import Path

from playwright.sync_api import Browser, Page, sync_playwright

from ringtrace.app_pages.launch import served
from ringtrace.casework.ranking import rank
from ringtrace.findings import read_findings
from ringtrace.workspace import Workspace

LARGEST = 300_000  # bytes of a picture
WAIT = 1_500  # ms for charts to settle


@dataclass(frozen=True, slots=True)
class Shot:
    """A picture: its file, page, the kind of finding that it shows, language, theme, what to scroll to and press."""

    name: str
    page: str
    kind: str | None = None
    locale: str = "en-US"
    theme: str = "light"
    scroll_to: str | None = None
    click: str | None = None
    expand: bool = False
    press: str | None = None


SHOTS = (
    Shot("overview-en", ""),
    Shot("overview-zh", "", locale="zh-CN", theme="dark"),
    Shot("findings-en", "findings"),
    Shot("findings-zh", "findings", locale="zh-CN"),
    Shot("ring-en", "finding?id={id}", "borrowed_card_ring"),
    Shot("ring-zh", "finding?id={id}", "borrowed_card_ring", locale="zh-CN"),
    Shot("lanes-en", "finding?id={id}", "borrowed_card_ring", scroll_to="Timeline"),
    Shot("lanes-zh", "finding?id={id}", "borrowed_card_ring", locale="zh-CN", theme="dark", scroll_to="时间线"),
    Shot("routes-en", "finding?id={id}", "drug_resale", scroll_to="The route of each pack"),
    Shot("routes-zh", "finding?id={id}", "drug_resale", locale="zh-CN", scroll_to="每盒药的去向"),
    Shot("queries-en", "queries?key=people_in_several_findings", press="Run"),
    Shot("queries-zh", "queries?key=people_in_several_findings", locale="zh-CN", theme="dark", press="运行"),
    Shot("explore-en", "explore?finding={id}", "borrowed_card_ring", click="Patient", expand=True),
    Shot("explore-zh", "explore?finding={id}", "borrowed_card_ring", locale="zh-CN", theme="dark", click="Pharmacy"),
)


def ready(page: Page) -> None:
    page.wait_for_selector("[data-testid=stSidebarNav]")
    page.wait_for_selector("[data-testid=stApp][data-test-script-state=notRunning]", timeout=60_000)
    page.wait_for_timeout(WAIT)


def take(browser: Browser, base: str, shot: Shot, finding: str, out: Path) -> None:
    context = browser.new_context(
        viewport={"width": 1366, "height": 768},
        locale=shot.locale,
        color_scheme="dark" if shot.theme == "dark" else "light",
    )
    page = context.new_page()
    page.goto(f"{base}/{shot.page.format(id=finding)}")
    ready(page)
    if shot.page.startswith("explore"):
        page.wait_for_function("globalThis.ringtraceCanvas?.nodes.length > 0")
    if shot.scroll_to:
        page.get_by_role("heading", name=shot.scroll_to).scroll_into_view_if_needed()
        page.get_by_role("heading", name=shot.scroll_to).evaluate("each => each.scrollIntoView()")
        page.wait_for_timeout(WAIT)
    if shot.click:
        place = page.evaluate(
            "label => { const c = ringtraceCanvas; return c.at(c.nodes.getIds().find(id => id.startsWith(label))); }",
            shot.click,
        )
        page.mouse.click(place["x"], place["y"])
        ready(page)
        if shot.expand:
            page.mouse.dblclick(place["x"], place["y"])
            ready(page)
            page.locator("[data-tool=fit]").click()
        page.mouse.move(640, 5)
        page.wait_for_timeout(WAIT)
    if shot.press:
        page.get_by_role("button", name=shot.press).first.click()
        ready(page)
    target = out / f"{shot.name}.png"
    page.screenshot(path=target)
    context.close()
    size = target.stat().st_size
    if size > LARGEST:
        sys.exit(f"{target} has {size:,} bytes, more than {LARGEST:,}")
    print(f"{target}  {size:,} bytes")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--workspace", type=Path, default=Path("demo/workspace"))
    parser.add_argument("--out", type=Path, default=Path("docs/pictures"))
    chosen = parser.parse_args()
    chromium = shutil.which("chromium")
    if chromium is None:
        sys.exit("There is no chromium on the path.")
    ranked = rank(each for each in read_findings(Workspace(chosen.workspace)) if each.level != "explained")
    first = {
        kind: next((each.finding_id for each in ranked if each.kind == kind), "") for kind in {s.kind for s in SHOTS}
    }
    chosen.out.mkdir(parents=True, exist_ok=True)
    with served(chosen.workspace) as base, sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=chromium, args=["--no-sandbox"])
        for shot in SHOTS:
            if shot.kind is None or first[shot.kind]:
                take(browser, base, shot, first[shot.kind] if shot.kind else "", chosen.out)
        browser.close()


if __name__ == "__main__":
    main()
