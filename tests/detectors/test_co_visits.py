"""Co-visits against slow oracles, and the odd deliveries that must not blow them up."""

from __future__ import annotations

from collections import defaultdict
from datetime import timedelta
from itertools import combinations
from pathlib import Path

import networkx
import numpy as np
import pytest
from factories.city import START, City
from scipy import stats

from ringtrace.detectors.arrays import distinct_pairs
from ringtrace.detectors.detector import Context
from ringtrace.detectors.rings.co_visits import PairTest, benjamini_hochberg, co_visiting_pairs, crowded_out
from ringtrace.detectors.rings.footfall import Footfall
from ringtrace.detectors.rings.grouping import communities
from ringtrace.detectors.rings.joint_runs import find_runs
from ringtrace.detectors.rings.thresholds import RingThresholds
from ringtrace.detectors.rings.visits import build_visits

EVERYTHING = RingThresholds(weak_pair=1.0)


def pairs_of(tmp_path: Path, city: City, limits: RingThresholds) -> tuple[PairTest, Footfall, Context, list[str]]:
    context = Context()
    with city.workspace(tmp_path).connect() as tables:
        _, footfall = build_visits(tables, context, "test", window=limits.window)
        names = [name for (name,) in tables.execute("SELECT psn_no FROM visit_person ORDER BY person").fetchall()]
        return co_visiting_pairs(tables, footfall, limits), footfall, context, names


@pytest.mark.parametrize("seed", [1, 2, 3])
def test_pairs_agree_with_counting_by_hand(tmp_path: Path, seed: int) -> None:
    """Days and expectation of every pair, by loops over all visits."""
    city = City()
    city.background(seed=seed, persons=40, days=20, visits=12, shops=("S1", "S2"))
    found, _, _, names = pairs_of(tmp_path, city, EVERYTHING)
    window = EVERYTHING.window
    visits: list[tuple[str, str, int]] = []
    last: dict[tuple[str, str], int] = {}
    for row in sorted(city.rows["settlements"], key=lambda each: each["setl_time"]):
        t = int((np.datetime64(row["setl_time"]) - np.datetime64(0, "s")) / np.timedelta64(1, "s")) // 60 * 60
        key = (row["psn_no"], row["fixmedins_code"])
        if key not in last or t - last[key] > window:
            visits.append((*key, t))
        last[key] = t
    crowd = {v: sum(w[1] == v[1] and abs(w[2] - v[2]) <= window for w in visits) - 1 for v in visits}
    total: dict[str, int] = defaultdict(int)
    count: dict[tuple[str, str], int] = defaultdict(int)
    near: dict[tuple[str, str], int] = defaultdict(int)
    for person, place, _ in visits:
        total[place] += 1
        count[person, place] += 1
    for visit, others in crowd.items():
        near[visit[0], visit[1]] += others
    days: dict[tuple[str, str], set[int]] = defaultdict(set)
    for a, b in combinations(visits, 2):
        if a[0] != b[0] and a[1] == b[1] and abs(a[2] - b[2]) <= window:
            days[min(a[0], b[0]), max(a[0], b[0])].add(min(a[2], b[2]) // 86400)
    twice = {pair for pair, met in days.items() if len(met) >= EVERYTHING.min_days}
    given = {
        tuple(sorted((names[left], names[right]))): (number, expected)
        for left, right, number, expected in zip(found.left, found.right, found.days, found.expected, strict=True)
    }
    assert set(given) <= twice
    assert {pair for pair in twice if len(days[pair]) > 4} <= set(given)
    for (a, b), (number, expected) in given.items():
        assert number == len(days[a, b])
        by_hand = sum((near[a, s] * count[b, s] + near[b, s] * count[a, s]) / (2 * total[s]) for s in total)
        assert expected == pytest.approx(by_hand)


@pytest.mark.parametrize("seed", range(5))
def test_false_discovery_agrees_with_scipy(seed: int) -> None:
    p_values = np.random.default_rng(seed).beta(0.3, 2, 200)
    mine = benjamini_hochberg(p_values, len(p_values), 0.05)
    assert np.array_equal(mine, stats.false_discovery_control(p_values) <= 0.05)


def test_unobserved_hypotheses_count_as_ones() -> None:
    p_values = np.array([1e-6, 1e-3, 0.04])
    padded = np.concatenate([p_values, np.ones(997)])
    mine = benjamini_hochberg(p_values, 1000, 0.05)
    assert np.array_equal(mine, (stats.false_discovery_control(padded) <= 0.05)[:3])


@pytest.mark.parametrize("seed", range(3))
def test_communities_are_connected_and_disjoint(seed: int) -> None:
    graph = networkx.planted_partition_graph(6, 7, 0.8, 0.01, seed=seed)
    left, right = np.array(graph.edges()).T
    strong = np.ones(len(left), dtype=bool)
    pairs = PairTest(left, right, strong * 3, strong * 0.1, strong * 1e-9, strong, ~strong, 10_000)
    groups = communities(pairs, resolution=0.3)
    members = [person for group in groups for person in group.tolist()]
    assert len(members) == len(set(members))
    assert all(networkx.is_connected(graph.subgraph(group.tolist())) for group in groups)
    planted = [set(block) for block in graph.graph["partition"]]
    assert sum(set(group.tolist()) in planted for group in groups) >= 5


def test_weak_pairs_need_a_triangle() -> None:
    left, right = np.array([0, 0, 1, 3, 4]), np.array([1, 2, 2, 4, 5])
    weak = np.zeros(5, dtype=bool)
    pairs = PairTest(left, right, np.full(5, 3), np.full(5, 0.1), np.full(5, 1e-4), weak, weak, 10_000)
    assert [group.tolist() for group in communities(pairs, resolution=0.3)] == [[0, 1, 2]]


def test_runs_hold_each_visit_once(tmp_path: Path) -> None:
    city = City()
    city.background(seed=4, persons=30, days=10, visits=20, shops=("S1",))
    _, footfall, _, _ = pairs_of(tmp_path, city, EVERYTHING)
    persons = np.arange(12)
    runs = find_runs(footfall, persons, window=900, hop=3600, least=3)
    assert runs.count > 0
    assert len(set(runs.row.tolist())) == len(runs.row)
    for number in range(runs.count):
        assert len(set(footfall.person[runs.row[runs.row_run == number]].tolist())) >= 3
    again = find_runs(footfall, persons[::-1].copy(), window=900, hop=3600, least=3)
    assert np.array_equal(np.sort(again.row), np.sort(runs.row))


def test_a_crowd_makes_no_pairs_and_says_so(tmp_path: Path) -> None:
    city = City()
    for day in range(4):
        for number in range(300):
            city.visit(f"p{number}", "S1", START + timedelta(days=day, hours=9, seconds=number))
    limits = RingThresholds(max_crowd=200)
    found, footfall, _, _ = pairs_of(tmp_path, city, limits)
    assert len(found.left) == 0
    assert crowded_out(footfall, limits.max_crowd) == 1200


def test_times_without_hours_are_told(tmp_path: Path) -> None:
    city = City()
    for day in range(5):
        for number in range(4):
            city.visit(f"p{number}", "S1", START + timedelta(days=day))
    _, footfall, context, _ = pairs_of(tmp_path, city, EVERYTHING)
    assert footfall.day_only.all()
    assert [gap.message.key for gap in context.gaps] == ["rings.gap.day_only"]


@pytest.mark.parametrize("size", [0, 1, 5000])
def test_distinct_pairs_are_those_that_numpy_finds_by_column(size: int) -> None:
    rng = np.random.default_rng(size)
    first, second = rng.integers(0, 60, size), rng.integers(0, 2**31, size) % 70
    assert np.array_equal(distinct_pairs(first, second), np.unique(np.stack([first, second]), axis=1))
