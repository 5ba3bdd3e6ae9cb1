"""What is clicked in a real browser: Debian's Chromium against the running app, all but loopback blocked."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from factories.casebook import OTHER, RING
from factories.visitor import Visitor
from playwright.sync_api import expect

# One process of a parallel run gets these tests, so that there is one server and one browser.
pytestmark = [pytest.mark.browser, pytest.mark.xdist_group("browser")]


def node(label: str, key: str) -> str:
    return f"{label}\x1f{key}"


@pytest.mark.parametrize(("locale", "title"), [("zh-CN", "总览"), ("en-GB", "Overview")])
def test_language_follows_the_browser_and_can_be_switched(browser: Any, address: str, locale: str, title: str) -> None:
    context = browser.new_context(locale=locale)
    visit = Visitor(context.new_page(), address)
    visit.open("")
    expect(visit.page.get_by_role("heading", name=title, exact=True)).to_be_visible()
    other, button = ("Overview", "English") if title == "总览" else ("总览", "中文")
    visit.page.get_by_role("radio", name=button).or_(visit.page.get_by_role("button", name=button)).first.click()
    expect(visit.page.get_by_role("heading", name=other, exact=True)).to_be_visible()
    context.close()


def test_expanding_moves_nothing_and_undo_takes_it_back(visitor: Visitor) -> None:
    visitor.open(f"explore?finding={RING}")
    visitor.canvas(10)
    visitor.page.mouse.click(*visitor.at(node("Patient", "P1")))
    expect(visitor.page.get_by_role("heading", name="张三1")).to_be_visible()
    before = visitor.view()
    visitor.page.mouse.dblclick(*visitor.at(node("Patient", "P1")))
    visitor.page.wait_for_function("ringtraceCanvas.nodes.length > 10")
    visitor.page.wait_for_timeout(400)
    after = visitor.view()
    assert {key: after["positions"][key] for key in before["positions"]} == before["positions"]
    assert (after["scale"], after["centre"], after["mounts"]) == (before["scale"], before["centre"], 1)
    grown = len(after["positions"])
    visitor.page.keyboard.press("Control+z")
    visitor.canvas(10)
    visitor.page.keyboard.press("Control+y")
    visitor.canvas(grown)
    assert visitor.view() == after


def test_panel_expands_by_type_and_a_link_shows_its_lines(visitor: Visitor) -> None:
    visitor.open(f"explore?finding={RING}")
    visitor.canvas(10)
    visitor.page.mouse.click(*visitor.at(node("Patient", "P2")))
    visitor.page.get_by_role("button", name="own cards (0 of 1)").click()
    visitor.canvas(11)
    before = visitor.view()
    middle = visitor.page.evaluate(
        """([a, b]) => { const p = ringtraceCanvas.at(a), q = ringtraceCanvas.at(b);
           return {x: p.x * 0.7 + q.x * 0.3, y: p.y * 0.7 + q.y * 0.3}; }""",
        [node("Patient", "P1"), node("Pharmacy", "S1")],
    )
    visitor.page.mouse.click(middle["x"], middle["y"])
    expect(visitor.page.get_by_text("To verify:")).to_be_visible()
    expect(visitor.page.get_by_role("heading", name="张三1 — pharmacies used → 康宁大药房")).to_be_visible()
    assert visitor.view() == before


def test_keyboard_box_legend_and_drag(visitor: Visitor) -> None:
    visitor.open(f"explore?finding={RING}")
    visitor.canvas(10)
    page = visitor.page
    frame = page.evaluate(
        "(() => { const f = ringtraceCanvas.stage.getBoundingClientRect(); return [f.x, f.y, f.width, f.height]; })()"
    )
    page.keyboard.down("Shift")
    page.mouse.move(frame[0] + 110, frame[1] + 50)
    page.mouse.down()
    page.mouse.move(frame[0] + frame[2] - 5, frame[1] + frame[3] - 5, steps=5)
    page.mouse.up()
    page.keyboard.up("Shift")
    chosen = page.evaluate("ringtraceCanvas.network.getSelectedNodes().length")
    assert chosen >= 8
    expect(page.get_by_text(f"{chosen} selected")).to_be_visible()
    page.keyboard.press("Escape")
    page.mouse.click(*visitor.at(node("Patient", "P5")))
    page.keyboard.press("Delete")
    visitor.canvas(9)
    page.locator(".legend button", has_text="pharmacy").click()
    visitor.canvas(7)
    page.locator(".legend button", has_text="pharmacy").click()
    visitor.canvas(9)
    start = visitor.at(node("Patient", "P3"))
    page.mouse.move(*start)
    page.mouse.down()
    page.mouse.move(start[0] + 30, start[1] + 20, steps=4)
    page.mouse.up()
    page.wait_for_timeout(2_000)  # the drag reaches the server in its own time; nothing on the page tells when
    dragged = visitor.view()["positions"][node("Patient", "P3")]
    page.get_by_role("link", name="Findings").click()
    expect(page.get_by_role("heading", name="Findings")).to_be_visible()
    page.get_by_role("link", name="Explore").click()
    visitor.canvas(9)
    back = visitor.view()["positions"][node("Patient", "P3")]
    assert (back["x"], back["y"]) == pytest.approx((dragged["x"], dragged["y"]), abs=1)


_SHOWN_AT_EVERY_STOP = """() => {
  const line = ringtraceCanvas.timeline;
  const shown = () => ringtraceCanvas.edges.get({filter: each => !each.hidden}).length;
  const first = shown();
  const every = line.stops.map((_, at) => { line.moment.value = at; line.draw(); return shown(); });
  return [first, Math.max(...every)];
}"""


def test_the_timeline_shows_links_only_while_they_are_used(visitor: Visitor) -> None:
    visitor.open(f"explore?finding={RING}")
    visitor.canvas(10)
    page = visitor.page
    before = visitor.view()
    hidden = "ringtraceCanvas.edges.get({filter: each => each.hidden}).length"
    everything = page.evaluate("ringtraceCanvas.edges.length")
    page.locator("[data-tool=time]").click()
    slider = page.locator(".timeline input")
    expect(slider).to_be_visible()
    at_first, most = page.evaluate(_SHOWN_AT_EVERY_STOP)
    assert at_first == most, "it opens where most links are in use within the window"
    slider.fill("0")
    page.wait_for_function(f"{hidden} === {everything - 1}")  # the first use of all, by one person at one place
    page.locator(".timeline select").select_option(label="1 hour")
    slider.fill("6")
    page.wait_for_function(f"{hidden} === {everything - 7}")  # all who met in January
    page.locator("[data-tool=play]").click()
    page.wait_for_function("ringtraceCanvas.timeline.timer === undefined")
    page.locator("[data-tool=time]").click()
    page.wait_for_function(f"{hidden} === 0")
    assert visitor.view() == before


def test_a_link_to_a_section_that_is_still_to_come_leads_there(visitor: Visitor) -> None:
    visitor.page.goto(f"{visitor.base}/finding?id={RING}")
    visitor.page.locator("a[href='#proof']").first.click()  # before the page below the fold is drawn
    proof = visitor.page.get_by_role("heading", name="Where the proof is")
    expect(proof).to_be_in_viewport(timeout=15_000)
    visitor.page.wait_for_timeout(1_000)
    expect(proof).to_be_in_viewport()


def test_a_click_while_the_page_below_the_fold_is_still_to_come_is_not_lost(visitor: Visitor) -> None:
    held: list[str] = []
    visitor.page.route("**/painted/*", lambda route: held.append(route.request.url))  # never answered: a slow browser
    visitor.page.goto(visitor.base)
    visitor.page.get_by_role("button", name="Open").first.click()
    expect(visitor.page.get_by_text("probable holder: 张三1")).to_be_visible(timeout=15_000)
    visitor.page.wait_for_timeout(1_500)  # nothing takes the page back to the overview afterwards
    expect(visitor.page.get_by_text("probable holder: 张三1")).to_be_visible()
    assert len(held) == 1, "the second page of a session is drawn whole at once"


def test_the_first_half_hour_of_an_investigator(visitor: Visitor, tmp_path: Path) -> None:
    """From the overview to a verified folder; each step says what is seen, each expansion that nothing moved."""
    page = visitor.page
    visitor.open("")
    page.get_by_role("button", name="Open").first.click()  # the most urgent finding
    expect(page.get_by_text("probable holder: 张三1")).to_be_visible(timeout=15_000)  # bench/app.py measures how fast
    expect(page.get_by_text("5 Jan 2025", exact=True)).to_be_visible()
    expect(page.get_by_text("¥4,779.00").first).to_be_visible()
    expect(page.get_by_text("does not explain it").first).to_be_visible()
    expect(page.get_by_role("heading", name="Where the proof is")).to_be_visible()

    page.get_by_role("button", name="Open in the graph").click()
    visitor.canvas(10)
    before = visitor.view()
    page.mouse.click(*visitor.at(node("Pharmacy", "S1")))
    expect(page.get_by_role("heading", name="康宁大药房")).to_be_visible()
    page.get_by_role("button", name="customers").click()
    page.wait_for_function("ringtraceCanvas.nodes.length > 10")
    _unmoved(before, visitor.view())

    before, links = visitor.view(), page.evaluate("ringtraceCanvas.edges.length")
    page.mouse.click(*visitor.at(node("Patient", "P2")))
    page.get_by_role("tab", name="Goods in time").click()
    page.get_by_role("button", name="Follow").click()
    expect(page.get_by_text("Step by step (1;")).to_be_visible(timeout=20_000)
    page.wait_for_function(f"ringtraceCanvas.edges.length === {links + 1}")
    _unmoved(before, visitor.view())

    page.get_by_role("tab", name="The query behind this view").click()
    page.get_by_role("textbox", name="Save as").fill("around-P2")
    page.get_by_role("button", name="Save the query").click()
    expect(page.get_by_text("Saved among the queries")).to_be_visible()

    visitor.open(f"finding?id={RING}")
    about = page.get_by_role("combobox", name="About")
    about.fill("张三6")
    about.press("Enter")
    page.get_by_role("radiogroup", name="Verdict").get_by_text("cleared").click()
    page.get_by_role("textbox", name="Reason").fill("works next door")
    page.get_by_role("button", name="Record the verdict").click()
    expect(page.get_by_text("works next door", exact=True)).to_be_visible()

    page.get_by_role("button", name="Put into the basket").click()
    expect(page.get_by_role("button", name="Take out of the basket")).to_be_visible()
    page.get_by_role("link", name="Evidence basket").click()
    folder = page.get_by_role("textbox", name="Folder").first
    folder.fill(str(tmp_path / "evidence"))
    folder.press("Tab")
    page.get_by_role("button", name="Export").click()
    expect(page.get_by_text("were written to")).to_be_visible(timeout=20_000)
    assert (tmp_path / "evidence" / "bagit.txt").is_file()
    check = page.get_by_role("textbox", name="Folder").nth(1)
    check.fill(str(tmp_path / "evidence"))
    check.press("Tab")
    page.get_by_role("button", name="Verify").click()
    expect(page.locator("[data-testid=stAlertContentSuccess]").last).to_be_visible(timeout=20_000)


def _unmoved(before: dict[str, Any], after: dict[str, Any]) -> None:
    assert {key: after["positions"][key] for key in before["positions"]} == before["positions"]
    assert (after["scale"], after["centre"], after["mounts"]) == (before["scale"], before["centre"], 1)


def test_an_address_of_no_page_says_so_and_leads_on(visitor: Visitor) -> None:
    for address in ("nowhere", "old/page?x=1", "finding/x"):
        visitor.open(address)
        expect(visitor.page.get_by_text("No page has the address")).to_contain_text(address.partition("?")[0])
    visitor.page.get_by_test_id("stPageLink").get_by_text("Findings").click()
    expect(visitor.page.get_by_role("heading", name="Findings", exact=True)).to_be_visible()


def test_sorting_the_findings_opens_none_of_them(visitor: Visitor) -> None:
    """A click on a column's title often selects the first cell too; a row clicked then is the one that stands there."""
    page = visitor.page
    table = page.get_by_test_id("stDataFrame").first

    def click(right: float, down: float) -> None:
        frame = table.bounding_box()
        assert frame is not None
        page.mouse.click(frame["x"] + right, frame["y"] + down)

    arrow = ""
    for title, right in (("Finding", 150), ("Finding", 150), ("Level", 40)):
        visitor.open("findings")
        heading = table.locator("th", has_text=title).first
        expect(heading).to_be_attached()
        for _ in range(5):  # the grid loses a click that comes before it has drawn itself
            click(right, 15)
            page.wait_for_timeout(1_200)  # time to leave for a finding, as it did
            assert page.url == f"{visitor.base}/findings"
            arrow = (heading.text_content() or "")[0]
            if arrow in "↑↓":
                break
        assert arrow in "↑↓"
    click(150, 48)
    page.wait_for_url(f"**/finding?id={OTHER if arrow == '↑' else RING}")
