"""Goods through time: the demo town's packs, on each engine, and hand-overs told by sightings."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Literal

import pytest

from ringtrace.errors import RingTraceError
from ringtrace.graph.paths import path_in_time
from ringtrace.graph.store import GraphStore, NodeRef
from ringtrace.queries.paths_in_time import Sighting, draw_path, find_path, hand_overs, node_named, sightings

Y1, Y2, Y3, Y4 = (NodeRef("Pharmacy", f"Y{number}") for number in range(1, 5))
S1, S3 = NodeRef("Patient", "s1"), NodeRef("Patient", "s3")


def hands(graph: GraphStore, *asked: object, **options: object) -> list[tuple[str, str, str]]:
    rows = find_path(graph, *asked, **options).rows.rows  # type: ignore[arg-type]
    return [(row[3], row[5], row[6]) for row in rows]


def test_a_pack_is_followed_from_outlet_to_outlet(graph: GraphStore) -> None:
    assert hands(graph, Y1, Y4) == [("Y1", "s1", "K2"), ("s1", "Y3", "K2"), ("Y3", "s3", "K2"), ("s3", "Y4", "K2")]


def test_any_outlet_and_the_way_back(graph: GraphStore) -> None:
    assert hands(graph, S1) == [("s1", "Y3", "K1")]
    assert hands(graph, S1, optimum="earliest_arrival", begin=datetime(2025, 3, 21)) == [("s1", "Y3", "K2")]
    assert hands(graph, Y4, direction="back") == [("Y3", "s3", "K2"), ("s3", "Y4", "K2")]


def test_a_ledger_entry_tells_of_a_hand_over_too(graph: GraphStore) -> None:
    assert hands(graph, S1, Y3, pack="K5") == [("s1", "Y3", "K5")]
    assert hands(graph, S1, Y3, begin=datetime(2025, 3, 22)) == [("s1", "Y3", "K5")]


def test_window_and_gap_bound_the_path(graph: GraphStore) -> None:
    assert hands(graph, Y1, Y4, until=datetime(2025, 4, 1)) == []
    assert hands(graph, Y1, Y4, longest_gap=timedelta(days=19)) == []
    assert len(hands(graph, Y1, Y4, longest_gap=timedelta(days=21))) == 4


def test_no_path_where_no_pack_went(graph: GraphStore) -> None:
    assert hands(graph, Y4, Y1) == []
    assert hands(graph, Y1, Y2) == []  # K6 went back to the supplier


def test_refunds_and_repeats_at_one_outlet_are_no_hand_over(graph: GraphStore) -> None:
    assert hands(graph, NodeRef("Patient", "p2")) == []
    assert hands(graph, NodeRef("Patient", "p3")) == []


@pytest.mark.parametrize("direction", ["forward", "back"])
def test_over_any_packs_the_path_is_the_best_of_all_hand_overs(
    graph: GraphStore, direction: Literal["forward", "back"]
) -> None:
    """Told by every sighting of every pack, although the search reads only those that can lead on."""
    packs = [code for (code,) in graph.run_cypher("MATCH (k:Pack) RETURN k.id").rows]
    every = list(hand_overs(sightings(graph, packs), any_pack=True))
    outlets = [NodeRef("Pharmacy", f"Y{number}") for number in range(1, 5)]
    people = [NodeRef("Patient", key) for key in ("s1", "s3", "p1", "p2")]
    found = 0
    for start in (*outlets, *people):
        for end in (*outlets, *people):
            if start == end:
                continue
            ends = (start, end) if direction == "forward" else (end, start)
            best = path_in_time(every, {("", ends[0])}, {("", ends[1])})
            rows = find_path(graph, start, end, direction=direction, any_pack=True).rows.rows
            assert len(rows) == len(best), (start, end)
            assert [(row[3], row[5]) for row in rows] == [(each.source[1].id, each.target[1].id) for each in best]
            found += bool(best)
    assert found > 5


def test_a_path_can_be_drawn(graph: GraphStore) -> None:
    drawn = draw_path(graph, find_path(graph, Y1, Y4)).graph()
    assert {"Pharmacy:Y1", "Pharmacy:Y3", "Pharmacy:Y4", "Patient:s1", "Patient:s3", "Pack:K2"} <= set(drawn)
    assert {facts["type"] for *_, facts in drawn.edges(data=True)} >= {"SOLD_IN", "SETTLED", "AT"}


def test_what_is_not_there_is_said(graph: GraphStore) -> None:
    with pytest.raises(RingTraceError, match="Pharmacy:nowhere"):
        find_path(graph, NodeRef("Pharmacy", "nowhere"))
    with pytest.raises(RingTraceError, match="LABEL:ID"):
        node_named("s1")
    assert node_named("Patient:s1") == S1


def test_hand_overs_follow_the_clock() -> None:
    day = datetime(2025, 1, 1)
    seen = [
        Sighting("K", day, Y1, "a", "1"),
        Sighting("K", day + timedelta(days=2), Y2),
        Sighting("K", day + timedelta(days=3), Y2, "b", "2"),
        Sighting("K", day + timedelta(days=4), Y2, "c", "3"),
    ]
    told = [(each.source[1].id, each.target[1].id, each.time) for each in hand_overs(reversed(seen))]
    assert told == [
        ("Y1", "a", day),
        ("a", "Y2", day + timedelta(days=2)),
        ("Y2", "b", day + timedelta(days=3)),
        ("Y2", "c", day + timedelta(days=4)),
    ]
