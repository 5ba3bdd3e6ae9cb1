"""What a canvas remembers of the graph is what the graph says, whatever was added, undone and redone."""

from __future__ import annotations

from factories.casebook import RING

from ringtrace.casework.exploration import Exploration
from ringtrace.casework.relations import around, expand, start_from_finding
from ringtrace.findings import read_findings
from ringtrace.graph import open_graph
from ringtrace.graph.store import NodeRef
from ringtrace.workspace import Workspace


def test_hidden_counts_are_those_of_the_graph(built: Workspace) -> None:
    finding = next(each for each in read_findings(built) if each.finding_id == RING)
    canvas = Exploration()
    with open_graph(built) as store:

        def same() -> None:
            standing = list(canvas.picture.nodes)
            assert canvas.surroundings.hidden(store, standing) == store.hidden_counts(standing)

        same()
        start_from_finding(store, finding, canvas, ["S1"])
        same()
        for key in ("P1", "P4"):
            expand(store, NodeRef("Patient", key), canvas)
            same()
        clients = around(store, NodeRef("Pharmacy", "S1"), canvas)[0].count
        expand(store, NodeRef("Pharmacy", "S1"), canvas, clients, 10)
        same()
        canvas.undo()
        canvas.hide([NodeRef("Patient", "P1")])
        same()
        canvas.undo()
        canvas.redo()
        canvas.undo()
        expand(store, NodeRef("Patient", "P2"), canvas)
        same()


def test_another_store_is_asked_anew(built: Workspace) -> None:
    canvas = Exploration()
    ref = NodeRef("Patient", "P1")
    with open_graph(built) as first:
        known = canvas.surroundings.degrees(first, [ref])
    with open_graph(built) as second:  # the first is closed: an answer proves that this one was asked
        assert canvas.surroundings.degrees(second, [ref, NodeRef("Patient", "P2")])[ref] == known[ref]
        assert canvas.surroundings.joins(second, [ref, NodeRef("Patient", "P2")]) == second.between(
            [ref, NodeRef("Patient", "P2")]
        )
