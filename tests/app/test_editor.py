"""Cypher of one's own, typed in a real browser: what is offered where, and what comes of it."""

from __future__ import annotations

import re

import pytest
from factories.visitor import Visitor
from playwright.sync_api import Locator, Page, expect

from ringtrace.casework.cypher import vocabulary
from ringtrace.data_schema.graph import graph_schema


def test_vocabulary_names_the_whole_schema_in_both_languages() -> None:
    for language in ("zh", "en"):
        known = vocabulary(language)
        assert known["labels"].keys() == graph_schema().nodes.keys()
        assert known["types"].keys() == graph_schema().relationships.keys()
        assert all(each["words"] for each in (*known["labels"].values(), *known["types"].values()))
    assert "setl_time" in vocabulary("en")["labels"]["Settlement"]["properties"]


def written(page: Page, text: str) -> tuple[Locator, list[str]]:
    """Type `text` into the empty field; the field, and the names that are offered then."""
    field = page.get_by_role("combobox", name="Cypher query")
    field.fill("")
    field.press_sequentially(text)
    return field, page.locator(".editor li b").all_text_contents()


@pytest.mark.browser
@pytest.mark.xdist_group("browser")
def test_editor_offers_what_fits_and_runs(visitor: Visitor) -> None:
    visitor.open("queries")
    page = visitor.page
    visitor.own_query()

    assert written(page, "MATCH (p:Pat")[1][0] == "Patient"
    assert (
        written(page, "MATCH (p:Patient)-[b:")[1][:3]
        == [name for name, kind in graph_schema().relationships.items() if "Patient" in kind.sources][:3]
    )
    assert written(page, "MATCH (p:Patient)-[b:BOUGHT_AT]->(s:")[1][0] == "Pharmacy"
    named = written(page, "MATCH (p:Patient)-[b:BOUGHT_AT]->(s:Pharmacy) RETURN s.")[1]
    assert set(named) == {each.name for each in graph_schema().nodes["Pharmacy"].properties}
    assert "amount" in written(page, "MATCH ()-[b:BOUGHT_AT]->() RETURN b.am")[1]
    assert written(page, "MATCH (p:Patient) WHERE p.name = 'Pat")[1] == []
    assert written(page, "// MATCH (p:Pat")[1] == []

    field, offered = written(page, "MATCH (p:Patient {i")
    assert "id" in offered
    field.press("Escape")
    assert page.locator(".editor ul").is_hidden()
    field, _ = written(page, "MATCH (p:Pat")
    field.press("Enter")
    expect(field).to_have_value("MATCH (p:Patient")
    field.press_sequentially(" {id: 'P1'}) RETURN p.na")
    field.press("ArrowDown")
    field.press("ArrowUp")
    field.press("Tab")
    expect(field).to_have_value("MATCH (p:Patient {id: 'P1'}) RETURN p.name")
    field.press("Control+Enter")
    expect(page.get_by_text("Rows: 1, in")).to_be_visible()
    expect(field).to_have_value("MATCH (p:Patient {id: 'P1'}) RETURN p.name")

    field, _ = written(page, "MATCH (p:Patient) RETURN p.id LIMIT 3")
    page.get_by_role("button", name="Run").click()
    expect(page.get_by_text("Rows: 3, in")).to_be_visible()
    page.get_by_role("link", name="Findings").click()
    expect(page.get_by_role("heading", name="Findings")).to_be_visible()
    page.get_by_role("link", name="Queries").click()
    expect(visitor.own_query()).to_have_value("MATCH (p:Patient) RETURN p.id LIMIT 3")


@pytest.mark.browser
@pytest.mark.xdist_group("browser")
def test_a_saved_query_becomes_a_draft_with_its_values(visitor: Visitor) -> None:
    visitor.open("queries?key=people_in_several_findings")
    page = visitor.page
    page.get_by_role("button", name="Edit a copy").click()
    field = page.get_by_role("combobox", name="Cypher query")
    expect(field).to_have_value(re.compile(r"MATCH[\s\S]+RETURN"))
    page.get_by_role("button", name="Run").click()
    expect(page.get_by_text("Rows: ")).to_be_visible()
