"""Every query that comes with RingTrace runs on the demo town and gives the rows that its file says, and no others."""

from __future__ import annotations

from typing import Any

import pytest

from ringtrace.graph.store import GraphStore
from ringtrace.queries import CATEGORIES, Library, draw, population, run, suggest
from ringtrace.queries.library import prebuilt
from ringtrace.queries.query import SavedQuery

QUERIES = list(prebuilt().values())
CASES = [(query, number) for query in QUERIES for number in range(len(query.tests))]


def rounded(rows: Any) -> list[tuple[Any, ...]]:
    return [tuple(round(cell, 4) if isinstance(cell, float) else cell for cell in row) for row in rows]


@pytest.mark.parametrize(("query", "number"), CASES, ids=[f"{query.key}-{number}" for query, number in CASES])
def test_rows_on_the_demo_town(graph: GraphStore, query: SavedQuery, number: int) -> None:
    case = query.tests[number]
    assert rounded(run(graph, query, case.parameters).rows.rows) == rounded(case.rows)
    assert population(graph, query, case.parameters) == case.population


@pytest.mark.parametrize("query", QUERIES, ids=lambda query: query.key)
def test_a_query_finds_something_and_draws_it(graph: GraphStore, query: SavedQuery) -> None:
    case = query.tests[0]
    assert case.rows, "the demo town must hold at least one case of what the query looks for"
    drawn = draw(graph, query, case.parameters).graph()
    assert drawn.number_of_nodes() > 0


@pytest.mark.parametrize("query", QUERIES, ids=lambda query: query.key)
def test_each_needed_value_can_be_suggested(graph: GraphStore, query: SavedQuery) -> None:
    """Chained: what was suggested for one parameter is given to those that depend on it."""
    given: dict[str, Any] = {}
    for parameter in query.parameters:
        if not parameter.needed:
            continue
        offered = suggest(graph, query, parameter, given)
        assert offered, f"nothing is suggested for {parameter.name}"
        given[parameter.name] = offered[0].id
    run(graph, query, given)


def test_there_are_enough_and_every_category_has_some() -> None:
    assert {query.category for query in QUERIES} == set(CATEGORIES)
    assert len(QUERIES) >= 60


def test_names_and_guids_tell_queries_apart() -> None:
    told = [(each.key, each.guid, each.name, each.title("zh")) for each in QUERIES]
    for column in zip(*told, strict=True):
        assert len(set(column)) == len(QUERIES)


def test_a_query_is_found_by_key_guid_and_both_names() -> None:
    library = Library()
    query = QUERIES[0]
    assert library[query.key] is library[query.guid] is library[query.name] is library[query.title("zh")] is query
