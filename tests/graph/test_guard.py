"""A user's Cypher: what is refused, and what only looks as if it should be."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from time import perf_counter

import pytest
from factories.city import City
from factories.engines import ENGINES, opened

from ringtrace.errors import RingTraceError
from ringtrace.graph.guard import check_reading
from ringtrace.graph.ladybug.plan import check_plan
from ringtrace.graph.store import GraphStore

HOSTILE = [
    # -- writing -----------------------------------------------------------------------------------------------------
    "CREATE (:Patient {id: 'x'})",
    "create (:Patient {id: 'x'})",
    "CrEaTe (:Patient {id: 'x'})",
    "MATCH (p:Patient) SET p.name = 'x'",
    "MATCH (p:Patient) SET p += {name: 'x'}",
    "MATCH (p:Patient) DELETE p",
    "MATCH (p:Patient) DETACH DELETE p",
    "MATCH (p:Patient)\nDETACH\nDELETE p",
    "MATCH (p:Patient) REMOVE p.name",
    "MERGE (:Patient {id: 'x'})",
    "MATCH (p:Patient) WITH p LIMIT 1 CREATE (p)-[:OWNS]->(:Card {id: 'c'})",
    "FOREACH (x IN [1, 2] | CREATE (:Patient {id: 'x'}))",
    "UNWIND [1] AS x MERGE (:Patient {id: 'x'}) RETURN x",
    "RETURN 1 UNION MATCH (p:Patient) DELETE p RETURN 1",
    "/* harmless */ CREATE (:Patient {id: 'x'})",
    "// harmless\nCREATE (:Patient {id: 'x'})",
    "MATCH (p:Patient) /**/DELETE/**/ p",
    "MATCH (p:Patient)DELETE p",
    "WITH 'it\\'s' AS s CREATE (:Patient {id: s})",
    "WITH '\\\\' AS s CREATE (:Patient {id: s}) //'",
    "RETURN 1 /* open /* not nested */ CREATE (:Patient {id: 'x'}) /* */",
    # -- schema, settings, transactions --------------------------------------------------------------------------------
    "CREATE NODE TABLE X(id STRING, PRIMARY KEY(id))",
    "CREATE INDEX x FOR (p:Patient) ON (p.id)",
    "CREATE CONSTRAINT x FOR (p:Patient) REQUIRE p.id IS UNIQUE",
    "CREATE MACRO f(a) AS a + 1",
    "CREATE SEQUENCE s",
    "DROP TABLE Patient",
    "DROP INDEX x",
    "ALTER TABLE Patient ADD x INT64",
    "ALTER TABLE Patient RENAME TO Person",
    "COMMENT ON TABLE Patient IS 'x'",
    "TRUNCATE TABLE Patient",
    "CALL threads = 1",
    "CALL timeout=0",
    "BEGIN TRANSACTION",
    "COMMIT",
    "ROLLBACK",
    "CHECKPOINT",
    "USE other",
    "USE graph.byName('x') MATCH (n) RETURN n",
    "GRANT ROLE admin TO me",
    "DENY READ {*} ON GRAPH * TO me",
    "REVOKE ROLE admin FROM me",
    "ALTER USER neo4j SET PASSWORD 'x'",
    "SHOW SETTINGS",
    "SHOW TRANSACTIONS YIELD *",
    "TERMINATE TRANSACTIONS 'neo4j-transaction-1'",
    "STOP DATABASE neo4j",
    "START DATABASE neo4j",
    # -- files and the network -----------------------------------------------------------------------------------------
    "LOAD FROM '/etc/passwd' (HEADER=false) RETURN *",
    "load from '/etc/passwd' return *",
    "LOAD WITH HEADERS (a STRING) FROM '/etc/passwd' RETURN *",
    "LOAD CSV FROM 'file:///etc/passwd' AS line RETURN line",
    "LOAD CSV WITH HEADERS FROM 'http://example.org/x' AS line RETURN line",
    "LOAD /* a comment */ CSV FROM 'file:///etc/passwd' AS line RETURN line",
    "LOAD\u00a0CSV FROM 'file:///etc/passwd' AS line RETURN line",
    "MATCH (p:Patient) LOAD CSV FROM 'http://example.org/' + p.id AS line RETURN line",
    "MATCH (p:Patient) WITH p AS load LOAD FROM '/etc/passwd' RETURN *",
    "WITH 1 AS as WITH as LOAD FROM '/etc/passwd' RETURN *",
    "LOAD FROM $file RETURN *",
    "LOAD EXTENSION httpfs",
    "INSTALL httpfs",
    "FORCE INSTALL httpfs",
    "UNINSTALL httpfs",
    "COPY Patient FROM '/tmp/x.csv'",
    "COPY (MATCH (p:Patient) RETURN p.*) TO '/tmp/x.csv'",
    "copy (match (p:Patient) return p.id) to '/tmp/x.parquet'",
    "EXPORT DATABASE '/tmp/x'",
    "IMPORT DATABASE '/tmp/x'",
    "ATTACH '/tmp/x.db' AS x (dbtype duckdb)",
    "DETACH x",
    # -- procedures and functions --------------------------------------------------------------------------------------
    "CALL apoc.load.json('http://example.org')",
    "CALL apoc.cypher.runWrite('CREATE (:X)', {})",
    "CALL dbms.listConfig()",
    "CALL db.createLabel('X')",
    "CALL `db`.`createLabel`('X')",
    "CALL db /* . */ . createLabel('X')",
    "CALL { CREATE (:Patient {id: 'x'}) }",
    "CALL { MATCH (p:Patient) RETURN p } IN TRANSACTIONS OF 10 ROWS RETURN 1",
    "CALL (p) { CALL db.createLabel('X') } RETURN 1",
    "CALL current_setting('home_directory') RETURN *",
    "CALL file_info() RETURN *",
    "CALL clear_warnings()",
    "CALL project_graph('g', ['Patient'], ['OWNS'])",
    "CALL show_tables() RETURN * UNION CALL storage_info('Patient') RETURN *",
    "UNWIND [1] AS x CALL apoc.export.csv.all('/tmp/x', {}) YIELD file RETURN file",
    "RETURN apoc.load.json('http://example.org')",
    "RETURN genai.vector.encode('x', 'OpenAI', {token: 'x'})",
    "RETURN nextval('s')",
    # -- several statements, plans, disguises -------------------------------------------------------------------------
    "MATCH (p:Patient) RETURN p; MATCH (p:Patient) DELETE p",
    "RETURN 1; RETURN 2",
    ";CREATE (:Patient {id: 'x'})",
    "EXPLAIN CREATE (:Patient {id: 'x'})",
    "PROFILE MATCH (p:Patient) DELETE p",
    "CYPHER runtime=slotted CREATE (:Patient {id: 'x'})",
    "\\u0043REATE (:Patient {id: 'x'})",
    "C\\u0052EATE (:Patient {id: 'x'})",
    "RETURN 'a\\u0027 CREATE (:Patient {id: 1}) //",
    "RETURN '\\u0027 CREATE (:Patient {id: \\u0027x\\u0027}) RETURN \\u0027'",
    "RETURN `a\\u0060 CREATE (:Patient {id: 1}) RETURN \\u0060`",
    "RETURN 'open",
    "RETURN \"open",
    "RETURN `open",
    "RETURN 1 /* open",
    "CRE\u200bATE (:Patient)",
    "\ufeffCREATE (:Patient)",
    "\uff23REATE (:Patient)",
    "RETURN 1\x00; CREATE (:Patient)",
    "",
    "   // nothing\n",
    "Patient",
]  # fmt: skip

HARMLESS = [
    "MATCH (p:Patient) RETURN p.id",
    "match (p:Patient) return p.id limit 1",
    "MATCH (p:Patient) RETURN p.id;",
    "MATCH (p:Patient) WHERE p.name = 'CREATE (x) DELETE y' RETURN p.id",
    "RETURN \"LOAD CSV FROM 'x'\" AS said",
    "RETURN 'it\\'s; DROP TABLE Patient' AS said",
    "// CREATE nothing\nMATCH (p:Patient) RETURN p.id",
    "MATCH (p:Patient) /* LOAD FROM 'x' */ RETURN p.id",
    "RETURN {load: 1, set: 2, copy: 3} AS map",
    "WITH {load: 1} AS m RETURN m.load",
    "RETURN 1 AS `create`",
    "WITH 1 AS `load` RETURN `load`",
    "MATCH (p:Patient) RETURN p.id AS created",
    "MATCH (p:Patient) RETURN p.id AS loader, p.name AS dropped",
    "MATCH (p:Patient {id: $id}) RETURN p.name",
    "MATCH (p:Patient {id: $set}) RETURN p.name",
    "MATCH (p:Patient)-[r:BOUGHT_AT]->(s:Pharmacy) WHERE r.n > 1 RETURN p.id, s.id ORDER BY r.amount DESC LIMIT 5",
    "MATCH (p:Patient) WITH count(p) AS n WHERE n > 0 RETURN n",
    "UNWIND [1, 2, 3] AS x RETURN x * 2",
    "MATCH (p:Patient) OPTIONAL MATCH (p)-[:OWNS]->(c:Card) RETURN p.id, c.id",
    "MATCH (p:Patient) RETURN p.id UNION MATCH (s:Pharmacy) RETURN s.id AS `p.id`",
    "MATCH (p:Patient) WHERE EXISTS { MATCH (p)-[:SETTLED]->() } RETURN p.id",
    "MATCH (p:Patient) RETURN CASE WHEN p.name IS NULL THEN 'none' ELSE p.name END AS name",
    "RETURN 1.5e3 + 0.5 - -2 AS number, [1, 2][1] AS first, 5 % 2 AS rest",
    "RETURN '中文' AS 名称",
]  # fmt: skip

OWN_WORDS = {
    "ladybug": [
        "MATCH q = (p:Patient {id: 'p1'})-[:SETTLED* SHORTEST 1..2]-(o:Patient) RETURN length(q)",
        "CALL show_tables() RETURN *",
        "call Show_Tables() RETURN name",
        "CALL table_info('Patient') RETURN name",
        "RETURN size('a') AS n, list_contains([1], 1) AS has, upper('x') AS big",
    ],
    "neo4j": [
        "MATCH (n) RETURN count(*)",
        "MATCH (n {id: $id}) RETURN n",
        "MATCH (n WHERE n.id = $id) RETURN n",
        "MATCH (a:Patient), (b) WHERE b.id = a.id RETURN b",
        "MATCH q = shortestPath((p:Patient {id: 'p1'})-[:SETTLED*..2]-(o:Settlement)) RETURN length(q)",
        "MATCH q = (a:Patient) ((p)-[:SETTLED]->(s)){1,2} (b) RETURN length(q)",
        "MATCH (p:Patient) CALL (p) { MATCH (p)-[:SETTLED]->(s) RETURN count(s) AS n } RETURN p.id, n",
        "MATCH (p:Patient) RETURN [(p)-[:SETTLED]->(s) | s.id] AS settlements",
        "MATCH (p:Patient) WHERE p:Patient OR p:Card RETURN labels(p)",
        "MATCH (p:`Patient`) RETURN p.id AS Patient",
        "WITH {Patient: 1} AS map RETURN map.Patient",
        "RETURN date('2025-01-01') + duration({days: 1}) AS tomorrow, datetime.fromEpoch(0, 0) AS then",
        "CALL db.labels() YIELD label RETURN label",
        "CALL db.relationshipTypes()",
        "RETURN size('a') AS n, toUpper('x') AS big, reduce(s = 0, x IN [1, 2] | s + x) AS total",
    ],
}  # fmt: skip


@pytest.mark.parametrize("query", HOSTILE)
def test_hostile_statements_are_refused_before_an_engine_sees_them(query: str) -> None:
    with pytest.raises(RingTraceError) as refused:
        check_reading(query)
    assert refused.value.hint


@pytest.fixture(scope="module", params=ENGINES)
def graph(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[GraphStore]:
    city = City()
    city.person("p1", psn_name="One")
    city.visit("p1", "S1", "2025-03-01 08:00:00")
    with opened(request.param, city.workspace(tmp_path_factory.mktemp("guard"))) as store:
        yield store


SLIPPED = [
    "CREATE (:Patient {id: 'x'})",
    "MATCH (p:Patient) SET p.name = 'x'",
    "MATCH (p:Patient) DETACH DELETE p",
    "MERGE (p:Patient {id: 'p1'}) RETURN p",
    "LOAD CSV FROM 'file:///etc/passwd' AS line RETURN line",
    "LOAD CSV FROM 'http://127.0.0.1:9/x' AS line RETURN line",
    "CALL db.createLabel('X')",
    "CALL dbms.listConfig()",
    "CALL dbms.components()",
    "SHOW SETTINGS",
    "SHOW TRANSACTIONS",
    "TERMINATE TRANSACTIONS 'x'",
    "CREATE INDEX FOR (p:Patient) ON (p.name)",
    "FOREACH (x IN [1] | CREATE (:Patient {id: 'x'}))",
]


@pytest.fixture(scope="module")
def own_words(tmp_path_factory: pytest.TempPathFactory) -> Iterator[GraphStore]:
    city = City()
    city.visit("p1", "S1", "2025-03-01 08:00:00")
    with opened("neo4j", city.workspace(tmp_path_factory.mktemp("slipped"))) as store:
        yield store


@pytest.fixture(scope="module")
def embedded(tmp_path_factory: pytest.TempPathFactory) -> Iterator[GraphStore]:
    city = City()
    city.visit("p1", "S1", "2025-03-01 08:00:00")
    with opened("ladybug", city.workspace(tmp_path_factory.mktemp("embedded"))) as store:
        yield store


@pytest.mark.parametrize("query", HARMLESS)
def test_harmless_statements_run(graph: GraphStore, query: str) -> None:
    parameters = {name: "p1" for name in ("id", "set") if f"${name}" in query}
    graph.run_cypher(query, parameters)


def test_harmless_statements_in_an_engine_s_own_words_run(graph: GraphStore) -> None:
    for query in OWN_WORDS[graph.engine]:
        graph.run_cypher(query, {"id": "p1"} if "$id" in query else {})


def test_hostile_statements_change_nothing(graph: GraphStore) -> None:
    count = "MATCH (p:Patient) RETURN count(*)"
    before = graph.run_cypher(count).rows
    for query in HOSTILE:
        with pytest.raises(RingTraceError):
            graph.run_cypher(query, {"file": "/etc/passwd"})
    assert graph.run_cypher(count).rows == before


def drawn(*boxes: list[str]) -> str:
    """A plan as Ladybug draws it: one box below the other."""
    rows = []
    for number, lines in enumerate(boxes):
        rows += ["┌" + ("┴" if number else "─").center(40, "─") + "┐", *(f"│{line:^40}│" for line in lines)]
        rows += ["└" + ("┬" if number + 1 < len(boxes) else "─").center(40, "─") + "┘"]
    return "\n".join(rows)


@pytest.mark.parametrize(
    ("lines", "refused"),
    [
        (["COPY_TO[0]"], "COPY_TO"),
        (["SET_PROPERTY[0]"], "SET_PROPERTY"),
        (["TABLE_FUNCTION_CALL[0]", "Function: READ_PARQUET"], "read_parquet"),
        (["TABLE_FUNCTION_CALL[0]"], "EXPLAIN"),
    ],
)
def test_a_plan_with_anything_else_than_reading_is_refused(lines: list[str], refused: str) -> None:
    with pytest.raises(RingTraceError, match=refused):
        check_plan(drawn(["RESULT_COLLECTOR[1]"], lines))
    check_plan(drawn(["PROJECTION[1]"], ["TABLE_FUNCTION_CALL[0]", "Function: READ_FTABLE"]))
    with pytest.raises(RingTraceError, match="EXPLAIN"):
        check_plan(drawn(["PROJECTION[1]"], ["UNREADABLE", "COPY_TO[0]"]))


@pytest.mark.parametrize("query", SLIPPED)
@pytest.mark.neo4j
@pytest.mark.xdist_group("neo4j")
def test_neo4j_s_plan_refuses_what_slipped_through_the_words(
    own_words: GraphStore, query: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("ringtrace.graph.neo4j.store.check_reading", lambda query: None)
    with pytest.raises(RingTraceError) as refused:
        own_words.run_cypher(query)
    assert "not allowed" in refused.value.happened or "could not be run" in refused.value.happened


def test_a_statement_that_slipped_through_the_words_fails_by_its_plan(
    embedded: GraphStore, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("ringtrace.graph.ladybug.store.check_reading", lambda query: None)
    target = tmp_path / "leaked.csv"
    with pytest.raises(RingTraceError, match="COPY_TO"):
        embedded.run_cypher(f"COPY (MATCH (p:Patient) RETURN p.id) TO '{target}'")
    assert not target.exists()


def test_a_long_query_is_stopped(graph: GraphStore) -> None:
    with pytest.raises(RingTraceError, match=r"0\.2"):
        graph.run_cypher("UNWIND range(1, 100000) AS x UNWIND range(1, 100000) AS y RETURN sum(x * y)", timeout=0.2)
    assert graph.run_cypher("RETURN 1").rows == ((1,),)


@pytest.mark.parametrize(
    ("query", "happened"),
    [
        ("RETURN size(range(1, 250000000))", "memory"),
        ("UNWIND range(1, 20000000) AS x RETURN collect(x)", "memory|seconds"),
    ],
)
def test_a_query_that_heeds_no_limit_is_ended_and_the_next_one_runs(
    embedded: GraphStore, query: str, happened: str
) -> None:
    started = perf_counter()
    with pytest.raises(RingTraceError, match=happened):
        embedded.run_cypher(query, timeout=3)
    assert perf_counter() - started < 60
    assert embedded.run_cypher("RETURN 1").rows == ((1,),)


def test_more_rows_than_the_limit_say_so(graph: GraphStore) -> None:
    found = graph.run_cypher("UNWIND range(1, 100) AS x RETURN x", row_limit=10)
    assert (len(found.rows), found.truncated) == (10, True)
    found = graph.run_cypher("UNWIND range(1, 10) AS x RETURN x", row_limit=10)
    assert (len(found.rows), found.truncated) == (10, False)


def test_a_wrong_query_gives_the_engine_s_own_words(graph: GraphStore) -> None:
    with pytest.raises(RingTraceError, match="nope"):
        graph.run_cypher("MATCH (p:Patient) RETURN nope.id")


@pytest.mark.parametrize("value", ["' OR 1=1 //", "x'}) DETACH DELETE n //", "`", "\\", "\x00", "中文"])
def test_values_travel_as_parameters(graph: GraphStore, value: str) -> None:
    assert graph.run_cypher("MATCH (p:Patient) WHERE p.id = $id RETURN p.id", {"id": value}).rows == ()
    assert graph.search(value) == []
