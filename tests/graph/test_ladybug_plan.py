"""Plans on which Ladybug loses rows are refused: random patterns against the same joins in DuckDB."""

from __future__ import annotations

import random
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import duckdb
import ladybug
import pytest

from ringtrace.errors import RingTraceError
from ringtrace.graph.ladybug.build import ddl
from ringtrace.graph.ladybug.plan import check_plan, operator_chains

LABELS = ("Patient", "Settlement", "Pharmacy", "Pack")
TYPES = {
    "SETTLED": ("Patient", "Settlement"),
    "AT": ("Settlement", "Pharmacy"),
    "BOUGHT_AT": ("Patient", "Pharmacy"),
    "REFUNDS": ("Settlement", "Settlement"),
    "SOLD_IN": ("Pack", "Settlement"),
    "BOOKED_AT": ("Pack", "Pharmacy"),
}
PARALLEL = {"BOOKED_AT"}
"""Several relationships of this type may join two nodes (its `identity` in the schema tells them apart)."""

Rows = Counter[tuple[object, ...]]


@dataclass(frozen=True)
class Pair:
    """The same random graph in both engines; `sizes` says how many nodes a label has."""

    graph: ladybug.Connection
    tables: duckdb.DuckDBPyConnection
    sizes: dict[str, int]

    def cypher(self, query: str) -> Rows:
        return Counter(tuple(row) for row in self._all(query))

    def sql(self, query: str) -> Rows:
        return Counter(self.tables.execute(query).fetchall())

    def plan(self, query: str) -> str:
        return str(self._all(f"EXPLAIN {query}")[0][0])

    def _all(self, query: str) -> list[list[object]]:
        result = self.graph.execute(query)
        assert isinstance(result, ladybug.QueryResult)
        return [list(row) for row in result]


@pytest.fixture(scope="module", params=range(4))
def pair(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[int, Pair]]:
    folder = tmp_path_factory.mktemp("plans")
    dice = random.Random(f"graph {request.param}")
    with (
        ladybug.Database(str(folder / "g.lbdb")) as base,
        ladybug.Connection(base) as graph,
        duckdb.connect() as tables,
    ):
        yield request.param, _made(dice, graph, tables, folder)


def _made(dice: random.Random, graph: ladybug.Connection, tables: duckdb.DuckDBPyConnection, folder: Path) -> Pair:
    for statement in ddl():
        graph.execute(statement)
    sizes = {label: dice.choice([4, 20, 40]) for label in LABELS}
    for label, size in sizes.items():
        tables.execute(f"CREATE TABLE {label} AS SELECT '{label[:2]}' || i AS id FROM range({size}) AS r(i)")
        graph.execute(f"UNWIND $ids AS id CREATE (:{label} {{id: id}})", {"ids": _ids(label, size)})
    for name, (source, target) in TYPES.items():
        ends = [
            (dice.choice(_ids(source, sizes[source])), dice.choice(_ids(target, sizes[target])))
            for _ in range(dice.choice([10, 60, 150]))
        ]
        if name not in PARALLEL:
            ends = sorted(set(ends))
        tables.execute(f'CREATE TABLE "{name}" (source VARCHAR, target VARCHAR)')
        tables.executemany(f'INSERT INTO "{name}" VALUES (?, ?)', ends)
        graph.execute(
            f"UNWIND $pairs AS e MATCH (a:{source} {{id: e[1]}}), (b:{target} {{id: e[2]}}) CREATE (a)-[:{name}]->(b)",
            {"pairs": [list(each) for each in ends]},
        )
    return Pair(graph, tables, sizes)


def _ids(label: str, size: int) -> list[str]:
    return [f"{label[:2]}{number}" for number in range(size)]


def pattern(dice: random.Random, sizes: dict[str, int]) -> tuple[str, str]:
    """A random connected pattern: its MATCH, and the FROM and WHERE of the same joins."""
    labels = {"n0": dice.choice(LABELS)}
    edges: list[tuple[str, str, str]] = []
    for _ in range(dice.randint(2, 5)):
        known = dice.choice(list(labels))
        ways = [(name, ends) for name, ends in TYPES.items() if labels[known] in ends]
        name, (source, target) = dice.choice(ways)
        outward = source == labels[known] and (target != source or dice.random() < 0.5)
        far = target if outward else source
        closing = [each for each, label in labels.items() if label == far and each != known]
        other = dice.choice(closing) if closing and dice.random() < 0.15 else f"n{len(labels)}"
        labels[other] = far
        edges.append((name, known, other) if outward else (name, other, known))
    keys = {each: dice.choice(_ids(label, sizes[label])) for each, label in labels.items() if dice.random() < 0.3}
    written: set[str] = set()

    def node(name: str) -> str:
        if name in written:
            return f"({name})"
        written.add(name)
        return f"({name}:{labels[name]} {{id: '{keys[name]}'}})" if name in keys else f"({name}:{labels[name]})"

    parts = [
        f"{node(a)}-[:{name}]->{node(b)}" if dice.random() < 0.5 else f"{node(b)}<-[:{name}]-{node(a)}"
        for name, a, b in edges
    ]
    text = "MATCH " + dice.choice([", ", " MATCH ", " WITH * MATCH "]).join(parts)
    tables = [f"{label} AS {name}" for name, label in labels.items()]
    tables += [f'"{name}" AS e{number}' for number, (name, *_) in enumerate(edges)]
    conditions = [f"e{number}.source = {a}.id AND e{number}.target = {b}.id" for number, (_, a, b) in enumerate(edges)]
    conditions += [f"{name}.id = '{key}'" for name, key in keys.items()]
    return text, f"FROM {', '.join(tables)} WHERE {' AND '.join(conditions)}"


def test_what_is_not_refused_finds_every_row(pair: tuple[int, Pair]) -> None:
    seed, both = pair
    dice = random.Random(f"patterns {seed}")
    refused: list[str] = []
    for _ in range(60):
        text, joins = pattern(dice, both.sizes)
        columns = dice.choice(["count(*)", "n0.id, n1.id", "n1.id, count(*)"])
        group = " GROUP BY n1.id" if columns.startswith("n1.id, count") else ""
        if both.sql(f"SELECT count(*) > 20000 {joins}")[(True,)]:
            continue
        query = f"{text} RETURN {columns}"
        try:
            check_plan(both.plan(query))
        except RingTraceError as error:
            refused.append(error.happened)
            continue
        assert both.cypher(query) == both.sql(f"SELECT {columns} {joins}{group}"), f"graph and patterns {seed}: {query}"
    assert [each for each in refused if "loses rows" not in each] == []
    assert len(refused) < 20


HALF = "MATCH (p:Patient)-[:SETTLED]->(s:Settlement)-[:AT]->(i:Pharmacy {id: 'Ph1'})"
REST = "<-[:AT]-(t:Settlement)<-[:SETTLED]-(o:Patient)"
PARTED = f"{HALF} WITH * MATCH (i){REST} RETURN count(*)"


@pytest.mark.parametrize(
    ("query", "place"),
    [
        (f"{HALF}{REST} RETURN count(*)", "s"),
        (f"{HALF}{REST} RETURN count(*)".replace("(s:", "(结算:"), "结算"),
        (f"{HALF}{REST} RETURN count(*)".replace("(s:", "(:").replace("(t:", "(:"), ""),
    ],
)
def test_a_plan_that_loses_rows_names_the_place(pair: tuple[int, Pair], query: str, place: str) -> None:
    _, both = pair
    with pytest.raises(RingTraceError, match=f"loses rows.*“{place}”") as refused:
        check_plan(both.plan(query))
    assert "WITH *" in refused.value.hint


def test_neighbours_are_not_intersected_where_relationships_may_be_parallel(pair: tuple[int, Pair]) -> None:
    seed, both = pair
    query = "MATCH (k:Pack)-[:BOOKED_AT]->(i:Pharmacy) MATCH (i)<-[:AT]-(:Settlement) MATCH (i)<-[:BOOKED_AT]-(k) "
    plan = both.plan(f"{query} RETURN count(*)")
    assert ("INTERSECT_BUILD" in plan) == (seed < 2)
    if seed < 2:
        with pytest.raises(RingTraceError, match=r"loses rows.*“BOOKED_AT”"):
            check_plan(plan)


def test_the_advice_cures_it(pair: tuple[int, Pair]) -> None:
    _, both = pair
    check_plan(both.plan(PARTED))
    assert both.cypher(PARTED) == both.sql(
        'SELECT count(*) FROM SETTLED a JOIN "AT" b ON a.target = b.source JOIN "AT" c ON c.target = b.target '
        "JOIN SETTLED d ON d.target = c.source WHERE b.target = 'Ph1'"
    )


def test_a_plan_is_read_as_drawn(pair: tuple[int, Pair]) -> None:
    _, both = pair
    plan = both.plan("MATCH (患者:Patient {id: 'Pa1'})-[:SETTLED]->(s:Settlement) RETURN 患者.id, s.id")
    chains = list(operator_chains(plan))
    assert sorted(int(each.number) for chain in chains for each in chain) == list(range(plan.count("ExecutionTime")))
    (top,) = (chain for chain in chains if chain[-1].fact("Expressions") == "患者.id s.id".encode().decode("latin-1"))
    assert top[-1].name == "RESULT_COLLECTOR"
