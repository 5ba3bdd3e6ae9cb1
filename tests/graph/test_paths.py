"""Paths against networkx: in a graph, and in time over the graph of contacts that may follow each other."""

from __future__ import annotations

import random
from datetime import datetime, timedelta
from itertools import islice, pairwise
from typing import Literal

import networkx
import pytest

from ringtrace.graph.paths import Contact, path_in_time, simple_paths
from ringtrace.graph.projections import from_pairs

SEEDS = range(1, 13)
START = datetime(2025, 1, 1)


@pytest.mark.parametrize("seed", SEEDS)
@pytest.mark.parametrize("directed", [False, True])
@pytest.mark.parametrize("weighted", [False, True])
def test_k_shortest_paths_have_networkx_s_lengths(seed: int, directed: bool, weighted: bool) -> None:
    generator = random.Random(seed)
    pairs = sorted({(generator.randrange(12), generator.randrange(12)) for _ in range(24)})
    weights = [float(generator.randint(1, 9)) for _ in pairs]
    graph = from_pairs(
        [one for one, _ in pairs],
        [other for _, other in pairs],
        {"weight": weights},
        directed=directed,
        vertices=range(12),
    )
    oracle: networkx.Graph[int] = networkx.DiGraph() if directed else networkx.Graph()
    oracle.add_nodes_from(range(12))
    for (one, other), weight in zip(pairs, weights, strict=True):
        if one != other and (not oracle.has_edge(one, other) or oracle[one][other]["weight"] > weight):
            oracle.add_edge(one, other, weight=weight)
    name = "weight" if weighted else None

    def length(path: list[int]) -> float:
        return sum(oracle[one][other]["weight"] if weighted else 1 for one, other in pairwise(path))

    found = simple_paths(graph, 0, 11, k=6, weights=name, directed=directed)
    if networkx.has_path(oracle, 0, 11):
        expected = list(islice(networkx.shortest_simple_paths(oracle, 0, 11, weight=name), 6))
    else:
        expected = []
    assert [length(path) for path in found] == [length(path) for path in expected]
    assert all(len(set(path)) == len(path) for path in found)


def test_a_vertex_reaches_itself_without_a_step() -> None:
    assert simple_paths(from_pairs([1], [2]), 0, 0) == [[0]]


def contacts(seed: int, count: int = 40, nodes: int = 8, days: int = 20) -> list[Contact[int]]:
    generator = random.Random(seed)
    return [
        Contact(
            generator.randrange(nodes),
            generator.randrange(nodes),
            START + timedelta(days=generator.randrange(days)),
            str(n),
        )
        for n in range(count)
    ]


def oracle_of(listed: list[Contact[int]], longest_gap: timedelta | None) -> networkx.DiGraph[int]:
    """Contacts as nodes, an arc where one may follow the other: every path there is a path in time."""
    graph: networkx.DiGraph[int] = networkx.DiGraph()
    graph.add_nodes_from(range(len(listed)))
    for one, before in enumerate(listed):
        for other, after in enumerate(listed):
            gap = after.time - before.time
            if before.target == after.source and gap > timedelta(0) and (longest_gap is None or gap <= longest_gap):
                graph.add_edge(one, other)
    return graph


@pytest.mark.parametrize("seed", SEEDS)
@pytest.mark.parametrize("gap_days", [None, 2, 5])
@pytest.mark.parametrize("optimum", ["fewest_hops", "earliest_arrival"])
def test_paths_in_time_are_as_good_as_the_oracle_s(
    seed: int, gap_days: int | None, optimum: Literal["fewest_hops", "earliest_arrival"]
) -> None:
    gap = timedelta(days=gap_days) if gap_days else None
    begin, end = START + timedelta(days=2), START + timedelta(days=17)
    listed = contacts(seed)
    inside = [each for each in listed if begin <= each.time <= end]
    oracle = oracle_of(inside, gap)
    ranks = []
    for first, contact in enumerate(inside):
        if contact.source not in {0, 1}:
            continue
        for last, steps in networkx.single_source_shortest_path_length(oracle, first).items():
            if inside[last].target == 7:
                hops, arrival = steps + 1, inside[last].time
                ranks.append((hops, arrival) if optimum == "fewest_hops" else (arrival, hops))
    found = path_in_time(listed, [0, 1], [7], begin=begin, end=end, longest_gap=gap, optimum=optimum)
    if not ranks:
        assert found == []
        return
    rank = (len(found), found[-1].time) if optimum == "fewest_hops" else (found[-1].time, len(found))
    assert rank == min(ranks)
    assert found[0].source in {0, 1}
    assert found[-1].target == 7
    for before, after in pairwise(found):
        assert before.target == after.source
        assert before.time < after.time
        assert gap is None or after.time - before.time <= gap


def test_two_hops_at_one_moment_do_not_follow_each_other() -> None:
    same = [Contact("a", "b", START), Contact("b", "c", START)]
    assert path_in_time(same, ["a"], ["c"]) == []


def test_waiting_too_long_breaks_a_chain() -> None:
    chain = [Contact("a", "b", START), Contact("b", "c", START + timedelta(days=30))]
    assert path_in_time(chain, ["a"], ["c"], longest_gap=timedelta(days=30)) == chain
    assert path_in_time(chain, ["a"], ["c"], longest_gap=timedelta(days=29)) == []


@pytest.mark.parametrize("seed", SEEDS)
def test_the_order_of_contacts_changes_nothing(seed: int) -> None:
    listed = contacts(seed)
    shuffled = listed.copy()
    random.Random(seed).shuffle(shuffled)
    assert path_in_time(listed, [0], [7]) == path_in_time(shuffled, [0], [7])
