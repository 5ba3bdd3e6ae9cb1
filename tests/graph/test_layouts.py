"""Layouts: the same every time, nobody on top of another, and nobody moved by a newcomer."""

from __future__ import annotations

import math
import random
import time
from itertools import combinations

import pytest

from ringtrace.graph.layouts import SPACING, layout, place_new
from ringtrace.graph.projections import from_pairs

SEEDS = [1, 2, 3]


def pairs(seed: int, nodes: int, edges: int) -> list[tuple[int, int]]:
    generator = random.Random(seed)
    return [(generator.randrange(nodes), generator.randrange(nodes)) for _ in range(edges)]


@pytest.mark.parametrize("seed", SEEDS)
@pytest.mark.parametrize(("nodes", "edges"), [(1, 0), (2, 1), (30, 25), (60, 200), (150, 300)])
def test_a_layout_repeats_and_keeps_nodes_apart(seed: int, nodes: int, edges: int) -> None:
    listed = pairs(seed, nodes, edges)
    graph = from_pairs([one for one, _ in listed], [other for _, other in listed], vertices=range(nodes))
    points = layout(graph, seed=seed)
    assert len(points) == nodes
    assert points == layout(graph, seed=seed)
    assert all(math.isfinite(x) and math.isfinite(y) for x, y in points)
    assert min((math.dist(one, other) for one, other in combinations(points, 2)), default=SPACING) >= SPACING - 0.1


@pytest.mark.parametrize("seed", SEEDS)
def test_newcomers_stand_near_their_neighbours_and_move_nobody(seed: int) -> None:
    listed = pairs(seed, 60, 100)
    graph = from_pairs([one for one, _ in listed], [other for _, other in listed], vertices=range(60))
    standing = dict(zip(range(60), layout(graph, seed=seed), strict=True))
    before = dict(standing)
    new = list(range(100, 130))
    placed = place_new(standing, new, [(7, key) for key in new], parent=7)
    assert standing == before
    assert placed.keys() == set(new)
    everyone = [*standing.values(), *placed.values()]
    assert min(math.dist(one, other) for one, other in combinations(everyone, 2)) >= SPACING - 0.1
    span = max(math.dist(one, other) for one, other in combinations(standing.values(), 2))
    assert max(math.dist(standing[7], point) for point in placed.values()) < span
    shuffled = new.copy()
    random.Random(seed).shuffle(shuffled)
    assert place_new(standing, shuffled, [(key, 7) for key in shuffled], parent=7) == placed


def test_the_first_node_and_one_without_neighbours_find_a_place() -> None:
    assert place_new({}, ["a"], []) == {"a": (SPACING, 0.0)}
    placed = place_new({"a": (0.0, 0.0)}, ["b"], [], parent="gone")
    assert math.dist(placed["b"], (0.0, 0.0)) >= SPACING


def test_who_stands_already_is_no_newcomer() -> None:
    assert place_new({"a": (0.0, 0.0)}, ["a"], [("a", "a")]) == {}


def test_fifty_newcomers_among_two_thousand_are_placed_at_once() -> None:
    standing = {number: (100.0 * (number % 45), 100.0 * (number // 45)) for number in range(2000)}
    started = time.perf_counter()
    place_new(standing, range(5000, 5050), [(1000, key) for key in range(5000, 5050)])
    assert time.perf_counter() - started < 2
