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
