"""What the project has to beat: today's practice, each in its plain form, with the number of people told where it asks.

Each takes a connection and gives groups of patients. The rankings are also told how many people to name: a help that no
detector of ours gets.
"""

from __future__ import annotations

import heapq
import math
from collections import defaultdict
from collections.abc import Callable
from typing import Final

import duckdb
import igraph

Groups = list[frozenset[str]]

WINDOW = 600
LEAST = 3


def _co_visits(tables: duckdb.DuckDBPyConnection) -> list[tuple[str, str, int]]:
    """Pairs within ten minutes at one place on at least three days."""
    tables.execute(
        f"""
        CREATE OR REPLACE TEMP TABLE stood AS
        SELECT DISTINCT psn_no, fixmedins_code AS place, CAST(epoch(setl_time) AS BIGINT) AS t,
            CAST(epoch(setl_time) AS BIGINT) // {WINDOW} AS bucket
        FROM settlements WHERE coalesce(med_type, '') <> '21'
        """
    )
    return tables.execute(
        f"""
        SELECT least(a.psn_no, b.psn_no) AS l, greatest(a.psn_no, b.psn_no) AS r, count(DISTINCT a.t // 86400) AS n
        FROM stood a JOIN (SELECT *, bucket AS met FROM stood UNION ALL SELECT *, bucket - 1 FROM stood) b
            ON a.place = b.place AND a.bucket = b.met
        WHERE a.psn_no <> b.psn_no AND b.t - a.t BETWEEN 0 AND {WINDOW} GROUP BY l, r HAVING n >= {LEAST} ORDER BY l, r
        """
    ).fetchall()


def _graph(tables: duckdb.DuckDBPyConnection) -> igraph.Graph:
    return igraph.Graph.TupleList(_co_visits(tables), edge_attrs=["weight"])


def _groups(graph: igraph.Graph, parts: igraph.VertexClustering) -> Groups:
    return [frozenset(graph.vs[each]["name"] for each in part) for part in parts if len(part) >= 3]


def co_visits_louvain(tables: duckdb.DuckDBPyConnection) -> Groups:
    graph = _graph(tables)
    return _groups(graph, graph.community_multilevel(weights="weight"))


def co_visits_components(tables: duckdb.DuckDBPyConnection) -> Groups:
    graph = _graph(tables)
    return _groups(graph, graph.connected_components())


def fraudar(tables: duckdb.DuckDBPyConnection) -> Groups:
    """FRAUDAR (Hooi et al., KDD 2016) on patients × institutions: greedy peeling of log-weighted degrees, one block."""
    edges = tables.execute(
        "SELECT psn_no, fixmedins_code, count(*) FROM settlements GROUP BY ALL ORDER BY ALL"
    ).fetchall()
    column: dict[str, int] = defaultdict(int)
    for _, place, number in edges:
        column[place] += number
    near: dict[tuple[str, str], list[tuple[tuple[str, str], float]]] = defaultdict(list)
    for person, place, number in edges:
        weight = number / math.log(column[place] + 5)
        near["p", person].append((("f", place), weight))
        near["f", place].append((("p", person), weight))
    degree = {node: sum(weight for _, weight in edges_) for node, edges_ in near.items()}
    total, left = sum(degree.values()) / 2, set(degree)
    heap = [(value, node) for node, value in degree.items()]
    heapq.heapify(heap)
    gone: list[tuple[str, str]] = []
    best, keep = total / max(len(left), 1), 0
    while left:
        value, node = heapq.heappop(heap)
        if node not in left or value > degree[node] + 1e-9:
            continue
        left.discard(node)
        gone.append(node)
        total -= degree[node]
        for other, weight in near[node]:
            if other in left:
                degree[other] -= weight
                heapq.heappush(heap, (degree[other], other))
        if left and total / len(left) > best:
            best, keep = total / len(left), len(gone)
    block = set(gone[keep:])
    return [frozenset(name for side, name in block if side == "p")]


def ranked(tables: duckdb.DuckDBPyConnection, order: str, people: int) -> Groups:
    """The `people` who are first by `order`, an aggregate of settlements, as one group."""
    top = tables.execute(
        f"SELECT psn_no FROM settlements GROUP BY psn_no ORDER BY {order} DESC, psn_no LIMIT $n", {"n": people}
    ).fetchall()
    return [frozenset(person for (person,) in top)]


GROUPINGS: Final[dict[str, Callable[[duckdb.DuckDBPyConnection], Groups]]] = {
    "co-visits + Louvain": co_visits_louvain,
    "co-visits + components": co_visits_components,
    "FRAUDAR": fraudar,
}
RANKINGS: Final[dict[str, str]] = {
    "ranking by amount": "sum(medfee_sumamt)",
    "ranking by degree": "count(DISTINCT fixmedins_code)",
}
