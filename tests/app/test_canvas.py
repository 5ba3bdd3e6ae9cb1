"""The canvas in a real browser: what colour and size stand for, groups, and the address that opens a canvas again."""

from __future__ import annotations

from typing import Any

import pytest
from factories.casebook import RING
from factories.visitor import Visitor
from playwright.sync_api import expect

pytestmark = [pytest.mark.browser, pytest.mark.xdist_group("browser")]

_COLOURS = "Object.fromEntries(ringtraceCanvas.nodes.get().map(each => [each.id, each.color.background]))"
_SIZES = "Object.fromEntries(ringtraceCanvas.nodes.get().map(each => [each.id, each.size]))"


def patient(number: int) -> str:
    return f"Patient\x1fP{number}"


def test_colour_and_size_are_chosen_and_the_address_opens_the_canvas_again(
    visitor: Visitor, browser: Any, address: str
) -> None:
    visitor.open(f"explore?finding={RING}")
    visitor.canvas(10)
    page = visitor.page
    before, usual = visitor.view(), page.evaluate(_COLOURS)
    page.locator("[data-look=colour]").select_option(label="by level")
    page.wait_for_function(f"({_COLOURS})['{patient(1)}'] !== '{usual[patient(1)]}'")
    expect(page.locator(".scale span").first).to_be_visible()
    sizes = page.evaluate(_SIZES)
    page.locator("[data-look=size]").select_option(label="by amount")
    page.wait_for_function(f"({_SIZES})['{patient(1)}'] !== {sizes[patient(1)]}")
    assert visitor.view() == before

    page.mouse.dblclick(*visitor.at(patient(1)))
    page.wait_for_function("ringtraceCanvas.nodes.length > 10")
    page.locator("[data-tool=link]").click()
    page.wait_for_url("**/explore?view=*")
    expect(page.locator(".hint.told")).to_contain_text("opens it again")
    places, colours = visitor.view()["positions"], page.evaluate(_COLOURS)

    context = browser.new_context(viewport={"width": 1366, "height": 768}, locale="en-US")
    other = Visitor(context.new_page(), address)
    other.open(page.url.removeprefix(f"{address}/"))
    other.canvas(len(places))
    assert other.view()["positions"] == places
    assert other.page.evaluate(_COLOURS) == colours
    other.open("explore?view=0123456789abcdef")
    expect(other.page.locator(".hint.told")).to_contain_text("not in this workspace")
    context.close()


def test_a_crowd_folds_into_one_node_and_comes_out_again(visitor: Visitor) -> None:
    visitor.open(f"explore?finding={RING}")
    visitor.canvas(10)
    page = visitor.page
    page.mouse.click(*visitor.at("Pharmacy\x1fS1"))
    page.get_by_role("button", name="customers").first.click()
    page.wait_for_function("ringtraceCanvas.nodes.length > 10")
    page.wait_for_timeout(400)
    grown = visitor.view()
    page.get_by_role("button", name="Fold").first.click()
    page.wait_for_function(f"ringtraceCanvas.nodes.length < {len(grown['positions'])}")
    group = next(each for each in visitor.view()["positions"] if each.startswith("Group"))
    page.mouse.click(*visitor.at(group))
    expect(page.get_by_role("heading", name="around 康宁大药房")).to_be_visible()
    page.keyboard.press("f")
    page.mouse.dblclick(*visitor.at(group))
    page.wait_for_function(f"ringtraceCanvas.nodes.length >= {len(grown['positions'])}")
    after = visitor.view()["positions"]
    assert {each: after[each] for each in grown["positions"]} == grown["positions"]


_CHOSEN = "ringtraceCanvas.network.getSelectedNodes().sort().join(' ')"


def test_paths_are_listed_and_chosen_on_the_canvas(visitor: Visitor) -> None:
    visitor.open(f"explore?finding={RING}")
    visitor.canvas(10)
    page = visitor.page
    page.mouse.click(*visitor.at(patient(1)))
    expect(page.get_by_role("heading", name="张三1")).to_be_visible()
    page.keyboard.down("Control")
    page.mouse.click(*visitor.at(patient(2)))
    page.keyboard.up("Control")
    page.get_by_role("button", name="Shortest").click()
    expect(page.get_by_role("button", name="Path 1 (steps: 2)")).to_be_visible()
    expect(page.get_by_text("张三1 — pharmacies used → 康宁大药房")).to_be_visible()
    before = visitor.view()["positions"]
    page.get_by_role("button", name="All", exact=True).click()
    expect(page.get_by_role("button", name="(steps: 3)").first).to_be_visible()
    after = visitor.view()["positions"]
    assert {key: after[key] for key in before} == before
    page.get_by_role("button", name="Path 1 (steps: 2)").click()
    expect(page.get_by_text("3 selected")).to_be_visible()
    chosen = page.evaluate("ringtraceCanvas.network.getSelectedNodes()")
    assert {patient(1), patient(2)} < set(chosen)


def test_the_table_and_the_canvas_choose_for_each_other(visitor: Visitor) -> None:
    visitor.open(f"explore?finding={RING}")
    visitor.canvas(10)
    page = visitor.page
    page.get_by_role("tab", name="On the canvas").click()
    table = page.locator("[data-testid=stDataFrame]")
    chosen = table.locator("tr[aria-selected=true]")
    expect(table).to_be_visible()
    page.mouse.click(*visitor.at(patient(3)))
    expect(page.get_by_role("heading", name="张三3")).to_be_visible()
    expect(chosen).to_have_count(1)
    expect(chosen).to_contain_text("张三3")
    table.scroll_into_view_if_needed()
    frame = table.bounding_box()
    assert frame is not None
    page.mouse.click(frame["x"] + 18, frame["y"] + 35 * 1.5)  # the first row: the shop, which has most links
    page.wait_for_function(f"{_CHOSEN} === {[patient(3), 'Pharmacy' + chr(31) + 'S1']}.join(' ')")
    expect(page.get_by_text("2 selected")).to_be_visible()
    with page.expect_download() as handed:
        page.get_by_role("link", name="XLSX").click()
    assert handed.value.suggested_filename == "ringtrace-canvas.xlsx"


def test_a_pinned_node_cannot_be_dragged(visitor: Visitor) -> None:
    visitor.open(f"explore?finding={RING}")
    visitor.canvas(10)
    page = visitor.page
    page.mouse.click(*visitor.at(patient(3)))
    page.get_by_role("button", name="Pin", exact=True).click()
    expect(page.get_by_role("button", name="Unpin")).to_be_visible()
    page.wait_for_function("ringtraceCanvas.pins.length === 1")
    before = visitor.view()["positions"]
    start = visitor.at(patient(3))
    page.mouse.move(*start)
    page.mouse.down()
    page.mouse.move(start[0] + 60, start[1] + 40, steps=4)
    page.mouse.up()
    assert visitor.view()["positions"] == before
    page.keyboard.press("p")
    page.wait_for_function("ringtraceCanvas.pins.length === 0")
    page.mouse.move(*start)
    page.mouse.down()
    page.mouse.move(start[0] + 60, start[1] + 40, steps=4)
    page.mouse.up()
    assert visitor.view()["positions"][patient(3)] != before[patient(3)]
