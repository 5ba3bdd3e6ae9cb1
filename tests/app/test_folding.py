"""Crowds fold into one node and come out again; a kept canvas opens as it was; colour and size follow the figures."""

from __future__ import annotations

from collections import Counter
from datetime import datetime
from pathlib import Path

import pytest
from factories.casebook import RING
from hypothesis import given, settings
from hypothesis import strategies as st

from ringtrace.app_pages.looks import SHADES, Looks, Scale
from ringtrace.casework.exploration import Exploration
from ringtrace.casework.folding import GROUP, SHOWN, STEP, crowds, fold, group_ref
from ringtrace.casework.goods import HAND_OVER
from ringtrace.casework.lines import amounts, figures
from ringtrace.casework.picture import Picture, merged
from ringtrace.casework.relations import expand, start_from_finding
from ringtrace.casework.views import open_view, save_view
from ringtrace.errors import RingTraceError
from ringtrace.findings import read_findings
from ringtrace.graph import open_graph
from ringtrace.graph.store import Node, NodeRef, Relationship
from ringtrace.workspace import Workspace

SHOP = NodeRef("Pharmacy", "S")


def person(number: int) -> NodeRef:
    return NodeRef("Patient", f"p{number:05}")


def crowd(clients: int, households: int = 0) -> Picture:
    """A pharmacy with clients, the first ones coming most often, some of whom live together in threes."""
    joins = [Relationship("BOUGHT_AT", person(each), SHOP, {"n": clients - each}) for each in range(clients)]
    for each in range(3 * households):
        joins.append(Relationship("MEMBER_OF", person(each), NodeRef("Household", f"h{each // 3}"), {}))
    refs = {end for join in joins for end in (join.source, join.target)}
    return Picture({ref: Node(ref, {}) for ref in sorted(refs)}, {link.id: link for link in merged(joins)})


def test_little_is_drawn_as_it_is() -> None:
    picture = crowd(100, 5)
    view = fold(picture)
    assert view.nodes is picture.nodes
    assert view.links is picture.links
    assert view.groups == {}


def test_the_clients_of_a_pharmacy_fold_and_suspects_never_do() -> None:
    picture = crowd(SHOWN + 500, 4)
    suspects = {person(3), person(SHOWN + 400)}
    view = fold(picture, kept=suspects)
    ((ref, group),) = view.groups.items()
    assert ref == group_ref(SHOP, "Patient")
    assert suspects <= view.nodes.keys()
    assert group.members[:3] == (person(0), person(1), person(2))  # the most involved come first
    assert len(view.nodes) + len(view.groups) <= SHOWN
    bought = [link for link in view.links.values() if link.source == ref and link.target == SHOP]
    assert [len(link.relationships) for link in bought] == [len(group.members)]
    assert {link.target for link in view.links.values() if link.source == ref} == {
        SHOP,
        *(NodeRef("Household", f"h{number}") for number in range(4)),
    }


@settings(deadline=None, max_examples=60)
@given(
    links=st.lists(st.tuples(st.integers(0, 40), st.integers(0, 40)), max_size=120),
    kept=st.sets(st.integers(0, 40)),
    most=st.integers(1, 30),
)
def test_folding_loses_nobody(links: list[tuple[int, int]], kept: set[int], most: int) -> None:
    """Each node stands once, alone or in one group; nobody kept is in a group; links lead to what stands."""
    labels = ("Patient", "Pharmacy", "Household")
    refs = [NodeRef(labels[number % 3], str(number)) for number in range(41)]
    joins = [Relationship("KNOWS", refs[one], refs[other], {}) for one, other in links]
    picture = Picture({ref: Node(ref, {}) for ref in refs}, {link.id: link for link in merged(joins)})
    staying = {refs[number] for number in kept}
    view = fold(picture, kept=staying, most=most)
    inside = [member for group in view.groups.values() for member in group.members]
    assert sorted([*view.nodes, *inside]) == sorted(refs)
    assert staying <= view.nodes.keys()
    assert all(len(group.members) > 1 for group in view.groups.values())
    stands = {*view.nodes, *view.groups}
    assert all({link.source, link.target} <= stands and key == link.id for key, link in view.links.items())
    assert all(ref.label == GROUP for ref in view.groups)
    if not staying and len(stands) > most:
        loose = Counter(ref.label for ref in view.nodes)
        assert not loose or max(loose.values()) == 1, "what could still fold stands alone"


def test_a_group_comes_out_step_by_step_and_nothing_moves() -> None:
    canvas = Exploration()
    picture = crowd(SHOWN + 200)
    canvas.add(picture.nodes.values(), [each for link in picture.links.values() for each in link.relationships])
    ref = group_ref(SHOP, "Patient")
    before = dict(canvas.spots)
    assert set(before) == {SHOP, ref}, "only what is drawn has a place"
    canvas.bring_out(ref)
    assert person(0) in canvas.view.nodes
    assert person(STEP - 1) in canvas.view.nodes
    assert person(STEP) not in canvas.view.nodes
    assert {each: canvas.spots[each] for each in before} == before
    assert canvas.view.shown == [*canvas.view.nodes, ref]
    assert all(each in canvas.spots for each in canvas.view.shown)
    canvas.undo()
    assert canvas.view.shown == [SHOP, ref]
    canvas.redo()
    assert len(canvas.view.nodes) == STEP + 1
    canvas.fold(ref)
    assert canvas.view.shown == [SHOP, ref]


def test_a_few_fold_by_hand_and_all_come_out() -> None:
    canvas = Exploration()
    picture = crowd(6)
    canvas.add(picture.nodes.values(), [each for link in picture.links.values() for each in link.relationships])
    ref = next(iter(crowds(canvas.picture, SHOP)))
    before = dict(canvas.spots)
    canvas.fold(ref)
    assert canvas.view.shown == [SHOP, ref]
    assert canvas.view.members([ref]) == [person(number) for number in range(6)]
    canvas.bring_out(ref)
    assert canvas.view.groups == {}
    assert {each: canvas.spots[each] for each in before} == before


# -- kept canvases --------------------------------------------------------------------------------------------------


def test_a_kept_canvas_opens_as_it_was(workspace: Workspace) -> None:
    finding = next(each for each in read_findings(workspace) if each.finding_id == RING)
    canvas = Exploration(RING)
    one, other = NodeRef("Patient", "P1"), NodeRef("Pharmacy", "S2")
    with open_graph(workspace) as store:
        start_from_finding(store, finding, canvas, ["S1"])
        expand(store, one, canvas)
        canvas.move({one: (1.5, -7.25)})
        canvas.hide([NodeRef("Patient", "P5")])
        passed = {"time": datetime(2025, 3, 1, 10), "pack": "8123", "setl_id": "x"}
        canvas.add([], [Relationship(HAND_OVER, one, other, passed)])
        canvas.fold(group_ref(NodeRef("Pharmacy", "S1"), "Patient"))
        looks = {"colour": "level", "size": "amount"}
        name = save_view(workspace, canvas, looks, {"Drug", "Card"})
        assert save_view(workspace, canvas, looks, ["Card", "Drug"]) == name != save_view(workspace, canvas, looks)
        opened = open_view(workspace, store, name)
        assert opened is not None
        again = opened.exploration
        assert opened.looks == looks
        assert opened.left_out == {"Card", "Drug"}
        assert again.finding_id == RING
        assert again.view.shown == canvas.view.shown
        assert {ref: again.spots[ref] for ref in again.view.shown} == {
            ref: canvas.spots[ref] for ref in canvas.view.shown
        }
        assert again.picture.links.keys() == canvas.picture.links.keys()
        assert again.picture.parents == canvas.picture.parents
        assert not again.can_undo
        again.collapse(one)
        assert len(again.picture.nodes) < len(canvas.picture.nodes)
        for name in ("0" * 16, "../CURRENT", ""):
            assert open_view(workspace, store, name) is None


def test_a_canvas_that_cannot_be_kept_says_so(workspace: Workspace, monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(path: Path, content: str) -> None:
        raise PermissionError(13, "Permission denied")

    monkeypatch.setattr("ringtrace.casework.views.write_atomic", refuse)
    with pytest.raises(RingTraceError, match="Permission denied"):
        save_view(workspace, Exploration(), {})


# -- colour and size ------------------------------------------------------------------------------------------------


def test_colour_and_size_follow_the_figures() -> None:
    refs = [person(number) for number in range(4)]
    scale = Scale.of({refs[0]: 1.0, refs[1]: 10.0, refs[2]: 100.0, refs[3]: 0.0})
    assert [scale.share(ref) for ref in refs] == [0.0, 0.5, 1.0, None]
    looks = Looks("amount", "amount", {refs[0]: "red"}, {"amount": scale})
    assert looks.colour_of(refs[0], "#fff") == SHADES[0]
    assert looks.colour_of(refs[2], "#fff") == SHADES[-1]
    sizes = [looks.size_of(ref, 5) for ref in refs]
    assert sizes == [*sorted(sizes[:3]), sizes[0]]
    by_level = Looks("level", "level", {refs[0]: "red", refs[1]: "yellow"})
    assert by_level.size_of(refs[0], 5) > by_level.size_of(refs[1], 5) > by_level.size_of(refs[2], 5)
    assert len({by_level.colour_of(ref, "#fff") for ref in refs[:3]}) == 3
    assert Looks().colour_of(refs[0], "#abc") == "#abc"


def test_amounts_are_those_of_the_settlements(built: Workspace) -> None:
    refs = [NodeRef("Patient", "P1"), NodeRef("Pharmacy", "S1"), NodeRef("Card", "CP1"), NodeRef("Household", "H1")]
    with built.connect() as connection:
        found = amounts(connection, [*refs, NodeRef("Drug", "nothing")])
        for ref in refs[:3]:
            summed = figures(connection, ref)
            assert summed is not None
            assert found[ref] == pytest.approx(float(summed.amount))
    assert found.keys() == set(refs[:3])
