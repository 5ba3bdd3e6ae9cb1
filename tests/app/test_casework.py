"""The read models behind the pages: canvas, notebook, ranking, lines."""

from __future__ import annotations

import multiprocessing
from dataclasses import replace
from datetime import datetime
from pathlib import Path

import pandas as pd
import pytest
from factories.casebook import OTHER, RING, city, ring_finding
from hypothesis import given, settings
from hypothesis import strategies as st

from ringtrace.casework import notebook
from ringtrace.casework.company import company, shared
from ringtrace.casework.entities import names, record, search
from ringtrace.casework.exploration import LIMIT, Exploration
from ringtrace.casework.finding_lines import card_uses, cited_places, cited_rows, meetings
from ringtrace.casework.folding import crowds
from ringtrace.casework.lines import figures, lines, moments, monthly
from ringtrace.casework.overview import count_by_month, count_by_region
from ringtrace.casework.ranking import ORDERS, compare_runs, rank, select
from ringtrace.casework.relations import around, connect, expand, start_from_finding, start_from_node
from ringtrace.findings import read_findings
from ringtrace.graph import open_graph
from ringtrace.graph.store import Node, NodeRef, Relationship
from ringtrace.workspace import Workspace

P1 = NodeRef("Patient", "P1")


def person(number: int) -> Node:
    return Node(NodeRef("Patient", f"p{number}"), {"name": f"n{number}"})


def tie(one: int, other: int) -> Relationship:
    return Relationship("KNOWS", person(one).ref, person(other).ref, {"n": 1})


STEPS = st.lists(
    st.one_of(
        st.tuples(st.just("add"), st.integers(0, 12), st.integers(0, 40)),
        st.tuples(st.sampled_from(["collapse", "hide"]), st.integers(0, 40), st.just(0)),
        st.tuples(st.sampled_from(["undo", "redo"]), st.just(0), st.just(0)),
    ),
    max_size=25,
)


@given(STEPS)
@settings(max_examples=60)
def test_nothing_that_stands_ever_moves(steps: list[tuple[str, int, int]]) -> None:
    """Whatever is added, collapsed, hidden, undone and redone, a place once given stays, and no two are the same."""
    canvas = Exploration()
    canvas.add([person(0)], [])
    seen = dict(canvas.spots)
    for action, one, other in steps:
        parent = person(one).ref if person(one).ref in canvas.picture.nodes else None
        if action == "add":
            canvas.add([person(other), person(other + 1)], [tie(one, other), tie(other, other + 1)], parent=parent)
        elif action == "collapse":
            canvas.collapse(person(one).ref)
        elif action == "hide":
            canvas.hide([person(one).ref])
        elif action == "undo":
            canvas.undo()
        else:
            canvas.redo()
        assert {ref: canvas.spots[ref] for ref in seen} == seen
        seen = dict(canvas.spots)
        picture = canvas.picture
        assert set(picture.nodes) <= set(canvas.spots)
        assert all(link.source in picture.nodes and link.target in picture.nodes for link in picture.links.values())
        places = [canvas.spots[ref] for ref in picture.nodes]
        assert len(set(places)) == len(places)


def test_undo_and_redo_give_the_same_pictures_back() -> None:
    canvas = Exploration()
    pictures = [canvas.picture]
    for number in range(6):
        canvas.add([person(number)], [], parent=person(0).ref)
        pictures.append(canvas.picture)
    for expected in reversed(pictures[:-1]):
        canvas.undo()
        assert canvas.picture == expected
    assert not canvas.can_undo
    for expected in pictures[1:]:
        canvas.redo()
        assert canvas.picture == expected
    assert not canvas.can_redo


def test_collapse_takes_what_the_expansion_brought_and_no_more() -> None:
    canvas = Exploration()
    canvas.add([person(0), person(1)], [tie(0, 1)])
    canvas.add([person(2)], [tie(0, 2)], parent=person(0).ref)
    canvas.add([person(3)], [tie(2, 3)], parent=person(2).ref)
    assert canvas.collapse(person(0).ref) == [person(2).ref, person(3).ref]
    assert set(canvas.picture.nodes) == {person(0).ref, person(1).ref}


def test_a_pinned_node_is_neither_collapsed_nor_folded() -> None:
    canvas = Exploration()
    canvas.add([person(0)], [])
    canvas.add(
        [person(1), person(2), person(3), person(4)], [tie(0, each) for each in range(1, 5)], parent=person(0).ref
    )
    canvas.add([person(5)], [tie(1, 5)], parent=person(1).ref)
    canvas.pin([person(1).ref])
    crowd = next(each.ref for each in crowds(canvas.picture, person(0).ref).values())
    canvas.fold(crowd)
    assert person(1).ref in canvas.view.nodes
    assert person(2).ref not in canvas.view.nodes
    canvas.undo()
    assert canvas.collapse(person(0).ref) == [person(2).ref, person(3).ref, person(4).ref]
    canvas.pin([person(1).ref, person(0).ref])
    assert canvas.picture.pinned == {person(0).ref, person(1).ref}
    canvas.pin([person(1).ref])
    assert canvas.picture.pinned == {person(0).ref}
    canvas.hide([person(0).ref])
    assert not canvas.picture.pinned
    canvas.undo()
    assert canvas.picture.pinned == {person(0).ref}


def test_a_dragged_node_stays_where_it_was_put() -> None:
    canvas = Exploration()
    canvas.add([person(0)], [])
    canvas.move({person(0).ref: (500.0, -40.0), person(9).ref: (1.0, 1.0)})
    canvas.add([person(1)], [tie(0, 1)], parent=person(0).ref)
    assert canvas.spots[person(0).ref] == (500.0, -40.0)
    assert person(9).ref not in canvas.spots


def test_the_canvas_has_a_limit() -> None:
    canvas = Exploration()
    assert len(canvas.add([person(number) for number in range(LIMIT + 5)], [])) == LIMIT


def test_a_finding_expands_into_its_neighbourhood(built: Workspace) -> None:
    canvas = Exploration()
    with open_graph(built) as store:
        left_out = start_from_finding(store, read_findings(built)[0], canvas, ["S1", "S2"])
        assert left_out == 0
        assert {ref.id for ref in canvas.picture.nodes} == {*(f"P{number}" for number in range(1, 9)), "S1", "S2"}
        ways = {(each.count.type, each.count.direction): each for each in around(store, P1, canvas)}
        assert ways["BOUGHT_AT", "out"].hidden == 0
        cards = ways["OWNS", "out"]
        assert (cards.count.count, cards.shown) == (1, 0)
        added, hidden = expand(store, P1, canvas, cards.count)
        assert added == [NodeRef("Card", "CP1")]
        assert hidden == 0
        clients = next(
            each for each in around(store, NodeRef("Pharmacy", "S1"), canvas) if each.count.type == "BOUGHT_AT"
        )
        added, hidden = expand(store, NodeRef("Pharmacy", "S1"), canvas, clients.count, 10)
        assert len(added) == 10
        assert hidden == clients.hidden - 10


def test_paths_are_drawn_between_two_nodes(built: Workspace) -> None:
    canvas = Exploration()
    with open_graph(built) as store:
        assert start_from_node(store, P1, canvas)
        assert start_from_node(store, NodeRef("Patient", "P2"), canvas)
        assert not start_from_node(store, NodeRef("Patient", "nobody"), canvas)
        shortest = connect(store, P1, NodeRef("Patient", "P2"), canvas)
        assert NodeRef("Pharmacy", "S1") in canvas.picture.nodes
        every = connect(store, P1, NodeRef("Patient", "P2"), canvas, every=True)
    assert {len(path) for path in shortest} == {2}
    assert len(every) > len(shortest)
    assert every[: len(shortest)] == shortest
    assert {node.ref for path in every for node in path.nodes} <= canvas.picture.nodes.keys()


def test_lines_name_both_ends_and_add_up(built: Workspace) -> None:
    with built.connect() as connection:
        shop = NodeRef("Pharmacy", "S1")
        summed = figures(connection, P1, shop)
        beneath = lines(connection, P1, shop)
        course = monthly(connection, P1, shop)
    assert summed is not None
    assert summed.settlements == len(beneath) == course["settlements"].sum()
    assert set(beneath["psn_no"]) == {"P1"}
    assert float(summed.amount) == pytest.approx(course["amount"].sum())


def test_moments_date_the_links_that_settlements_name(built: Workspace) -> None:
    canvas = Exploration()
    with open_graph(built) as store:
        start_from_finding(store, read_findings(built)[0], canvas, ["S1"])
        expand(store, P1, canvas)
    with built.connect() as connection:
        dated = moments(connection, canvas.picture.links.values())
        summed = figures(connection, P1, NodeRef("Pharmacy", "S1"))
    link = next(each for each in canvas.picture.links.values() if (each.source, each.target.id) == (P1, "S1"))
    assert summed is not None
    assert len(dated[link.id]) == summed.settlements
    assert dated[link.id] == sorted(dated[link.id])
    assert not [each for each in dated if each.startswith(("MEMBER_OF", "RECEIVED"))]


def test_entities_are_found_named_and_described(built: Workspace) -> None:
    with built.connect() as connection:
        assert search(connection, "张三1")[0].key == "P1"
        assert search(connection, "P1")[0].key == "P1"
        assert search(connection, "  ") == []
        assert search(connection, "80000000010000000001")[0].label == "Pack"
        assert names(connection, [("Patient", "P1"), ("Card", "CP1")]) == {("Patient", "P1"): "张三1"}
        assert {column.name: value for column, value in record(connection, "Patient", "P1")}["hh_no"] == "H1"
        assert record(connection, "Patient", "nobody") == []


def test_cited_rows_and_meetings(built: Workspace) -> None:
    finding = read_findings(built)[0]
    with built.connect() as connection:
        frame = cited_rows(connection, finding)["settlements"]
        uses, cut = card_uses(connection, finding)
        few, was_cut = card_uses(connection, finding, max_rows=5)
        places = cited_places(connection, finding)
        first = cited_places(connection, finding, limit=1)
    assert list(frame["setl_id"]) == [ref.key for ref in finding.evidence]
    assert frame["setl_time"].is_monotonic_increasing
    by_place = uses[uses["cited"]].groupby("place").size()
    assert set(places) == set(by_place.index)
    assert list(by_place[places]) == sorted(by_place, reverse=True)
    assert first == places[:1]
    assert not cut
    assert was_cut
    assert len(few) == 5
    found = meetings(uses)
    assert len(found) == 7  # every month but the fifth, where each number times five is left out
    assert found["cards"].is_monotonic_decreasing
    assert meetings(uses.iloc[:0]).empty


def test_meetings_need_several_cards() -> None:
    moment = datetime(2025, 1, 1, 10)
    uses = pd.DataFrame({"card": ["a", "a"], "time": [moment, moment], "place_name": ["x", "y"], "cited": [True, True]})
    assert meetings(uses).empty


def test_ranking_filters_and_compares(built: Workspace) -> None:
    findings = read_findings(built)
    for order in ORDERS:
        assert sorted(each.finding_id for each in rank(findings, order)) == sorted([RING, OTHER])
        assert rank(findings[::-1], order) == rank(findings, order)
    assert [each.finding_id for each in select(findings, levels=["orange"])] == [OTHER]
    assert [each.finding_id for each in select(findings, kinds=["borrowed_card_ring"], text="p3")] == [RING]
    assert select(findings, text="nobody at all") == []
    assert len(select(findings, text="spoken", told=lambda each: "What is SPOKEN of it")) == 2
    comparison = compare_runs(built)
    assert comparison is not None
    assert comparison.changes == {RING: "same", OTHER: "new"}
    assert [each.finding_id for each in comparison.only(findings, ["new", "grown"])] == [OTHER]
    assert comparison.only(findings, []) == findings
    assert [each.finding_id for each in comparison.gone] == ["overuse-0003"]


# -- the notebook ---------------------------------------------------------------------------------------------------


def test_the_journal_keeps_everything_and_the_last_word_counts(workspace: Workspace) -> None:
    finding = ring_finding(city()[1])
    notebook.write_note(workspace, RING, "first\nsecond \u2028 line")
    notebook.write_verdict(workspace, RING, "suspect", "at first", finding)
    notebook.write_verdict(workspace, RING, "cleared", "a family", finding, author="li")
    member = notebook.member_subject(RING, "Patient", "P1")
    notebook.write_verdict(workspace, member, "unclear", "away", finding)
    assert notebook.verdicts(workspace)[RING].verdict == "cleared"
    assert [entry.text for entry in notebook.notes(workspace, RING)] == [
        "first\nsecond \u2028 line",
        "at first",
        "a family",
        "away",
    ]
    assert notebook.still_holds(notebook.verdicts(workspace)[RING], finding)
    assert not notebook.still_holds(notebook.verdicts(workspace)[RING], ring_finding(city()[1][1:]))


def test_the_basket_keeps_its_order(workspace: Workspace) -> None:
    for finding_id, inside in ((RING, True), (OTHER, True), (RING, False), (RING, True)):
        notebook.put_in_basket(workspace, finding_id, inside)
    assert notebook.basket(workspace) == [OTHER, RING]


def test_a_line_cut_off_by_a_crash_costs_only_itself(workspace: Workspace) -> None:
    notebook.write_note(workspace, RING, "one")
    path = workspace.path / "cases" / "journal.jsonl"
    path.write_bytes(path.read_bytes() + '{"kind": "note", "about": "x", "text": "价'.encode()[:-1])
    notebook.write_note(workspace, RING, "two")
    assert [entry.text for entry in notebook.entries(workspace)] == ["one", "two"]


def _write_many(folder: Path, author: str) -> None:
    for number in range(25):
        notebook.write_note(Workspace(folder), RING, f"{author}{number}", author=author)


def test_two_desks_write_at_a_time(workspace: Workspace) -> None:
    context = multiprocessing.get_context("spawn")
    desks = [context.Process(target=_write_many, args=(workspace.path, author)) for author in "ab"]
    for desk in desks:
        desk.start()
    for desk in desks:
        desk.join()
    written = [entry.text for entry in notebook.entries(workspace)]
    assert sorted(written) == sorted(f"{author}{number}" for author in "ab" for number in range(25))


def test_company_counts_settlements_and_what_the_register_shares(built: Workspace) -> None:
    with built.connect() as connection:
        of_person = {(each.label, each.id): each.settlements for each in company(connection, P1)}
        of_shop = company(connection, NodeRef("Pharmacy", "S1"), limit=3)
        alone = shared(connection, "P1")
        expected = connection.execute(
            "SELECT fixmedins_code, count(*) FROM settlements WHERE psn_no = 'P1' GROUP BY ALL"
        ).fetchall()
    assert {key: number for (label, key), number in of_person.items() if label == "Pharmacy"} == dict(expected)
    assert [each.label for each in of_shop].count("Patient") == 3
    assert [each.settlements for each in of_shop[:3]] == sorted(
        (each.settlements for each in of_shop[:3]), reverse=True
    )
    assert all(each.others >= len(each.people) > 0 for each in alone)
    assert "hh_no" not in {each.column for each in alone}


def test_findings_are_counted_where_and_while_they_happen(built: Workspace) -> None:
    ring = next(each for each in read_findings(built) if each.finding_id == RING)
    with built.connect() as connection:
        regions = count_by_region(connection, read_findings(built))
        known = connection.execute("SELECT DISTINCT insu_admdvs FROM persons WHERE psn_no = 'P1'").fetchall()
        nobody = count_by_region(connection, [])
    assert set(regions["region"]) == {known[0][0] or ""}  # no place is suspected, so the people's region counts
    assert dict(zip(regions["level"], regions["findings"], strict=True)) == {"red": 1, "orange": 1}
    assert nobody.empty
    months = count_by_month([ring, replace(ring, level="explained")])
    assert list(months["month"]) == [datetime(2025, month, 1) for month in range(1, 9)]
    assert set(months["findings"]) == {1}
    over_new_year = replace(ring, first_time=datetime(2024, 11, 30), last_time=datetime(2025, 1, 1))
    assert list(count_by_month([over_new_year])["month"].dt.month) == [11, 12, 1]
