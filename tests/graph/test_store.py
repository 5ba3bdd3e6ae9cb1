"""The store: one story of a small town, told through the interface that every engine must offer."""

from __future__ import annotations

import threading
from collections import Counter
from collections.abc import Iterator
from pathlib import Path

import networkx
import pytest
from factories.city import City
from factories.engines import ENGINES, opened, relationships

from ringtrace.data_schema.graph import graph_schema
from ringtrace.graph import build_graph, open_graph
from ringtrace.graph.store import GraphStore, NeighbourCount, Node, NodeRef, Relationship
from ringtrace.graph.store import Path as GraphPath

ANN, BEN = NodeRef("Patient", "ann"), NodeRef("Patient", "ben")
SHOP = NodeRef("Pharmacy", "S1")


def town() -> City:
    city = City()
    city.person("ann", psn_name="王安", hh_no="h1", tel="138")
    city.person("ben", psn_name="李本", hh_no="h1", tel="139")
    city.shop("S1", fixmedins_name="仁心大药房")
    for day in range(1, 21):
        line = {"med_list_codg": f"D{day % 3}", "fee": day}
        city.visit("ann", "S1", f"2025-03-{day:02d} 08:00:00", items=[line])
    city.visit("ben", "S1", "2025-03-30 08:00:00")
    city.visit("ben", "S2", "2025-03-31 08:00:00")
    city.background(seed=3, persons=30, shops=("S1", "S2"), visits=4)
    return city


@pytest.fixture(scope="module", params=ENGINES)
def graph(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[GraphStore]:
    with opened(request.param, town().workspace(tmp_path_factory.mktemp("store"))) as store:
        yield store


def oracle(graph: GraphStore) -> networkx.MultiDiGraph[NodeRef]:
    found: networkx.MultiDiGraph[NodeRef] = networkx.MultiDiGraph()
    for each in relationships(graph):
        found.add_edge(each.source, each.target, type=each.type)
    return found


def test_a_node_by_its_business_key(graph: GraphStore) -> None:
    node = graph.node(ANN)
    assert node is not None
    assert (node.name, node.stub, set(node.properties)) == (
        "王安",
        False,
        {each.name for each in graph_schema().nodes["Patient"].properties},
    )
    assert graph.node(NodeRef("Patient", "nobody")) is None
    assert graph.node(NodeRef("Pharmacy", "ann")) is None


def test_nodes_come_in_the_order_asked_and_once(graph: GraphStore) -> None:
    asked = [SHOP, BEN, NodeRef("Card", "nothing"), ANN, BEN]
    assert [node.ref for node in graph.nodes(asked)] == [SHOP, BEN, ANN]


def test_an_unknown_label_is_a_bug_and_not_a_query(graph: GraphStore) -> None:
    with pytest.raises(KeyError, match="Nobody"):
        graph.node(NodeRef("Nobody) DETACH DELETE (n", "x"))
    with pytest.raises(KeyError, match="NOTHING"):
        graph.shortest_paths(ANN, BEN, types=["NOTHING"])


def test_neighbours_are_counted_by_type_direction_and_label(graph: GraphStore) -> None:
    assert set(graph.neighbour_counts(BEN)) == {
        NeighbourCount("SETTLED", "out", "Settlement", 2),
        NeighbourCount("BOUGHT_AT", "out", "Pharmacy", 2),
        NeighbourCount("SETTLED_WITH", "out", "Card", 1),
        NeighbourCount("MEMBER_OF", "out", "Household", 1),
        NeighbourCount("HAS_PHONE", "out", "Phone", 1),
    }


def test_counts_around_every_node_are_those_of_the_whole_graph(graph: GraphStore) -> None:
    everything = oracle(graph)
    for ref in list(everything.nodes)[::7]:
        counted = Counter({(each.type, each.direction, each.label): each.count for each in graph.neighbour_counts(ref)})
        expected: Counter[tuple[str, str, str]] = Counter()
        expected.update((kind, "out", end.label) for _, end, kind in everything.out_edges(ref, data="type", default=""))
        expected.update(
            (kind, "in", start.label) for start, _, kind in everything.in_edges(ref, data="type", default="")
        )
        assert counted == expected


def test_an_expansion_shows_the_most_involved_first_and_says_what_it_hides(graph: GraphStore) -> None:
    found = graph.expand(ANN, ["RECEIVED", "SETTLED"], limit=2)
    amounts = [each.properties["amount"] for each in found.relationships if each.type == "RECEIVED"]
    assert amounts == [77.0, 70.0]
    latest = [each.target.id for each in found.relationships if each.type == "SETTLED"]
    assert latest == ["s0000020", "s0000019"]
    assert (found.total, found.hidden) == (23, 19)
    assert {node.ref for node in found.nodes} == {each.other(ANN) for each in found.relationships}
    rest = graph.expand(ANN, ["SETTLED"], limit=50, offset=2)
    assert len(rest.relationships) == 18
    assert not {each.target.id for each in rest.relationships} & set(latest)


def test_an_expansion_can_be_narrowed(graph: GraphStore) -> None:
    assert {each.type for each in graph.expand(SHOP, labels=["Patient"]).relationships} == {"BOUGHT_AT"}
    assert all(each.source == SHOP for each in graph.expand(SHOP, direction="out").relationships)
    assert graph.expand(SHOP, []).relationships == ()


def test_hidden_counts_are_what_the_canvas_does_not_show(graph: GraphStore) -> None:
    everything = oracle(graph)
    shown = [ANN, BEN, SHOP, NodeRef("Household", "h1")]
    between = graph.between(shown)
    assert {(each.source, each.type, each.target) for each in between} == {
        (ANN, "BOUGHT_AT", SHOP),
        (BEN, "BOUGHT_AT", SHOP),
        (ANN, "MEMBER_OF", NodeRef("Household", "h1")),
        (BEN, "MEMBER_OF", NodeRef("Household", "h1")),
    }
    inside = everything.subgraph(shown)
    assert graph.hidden_counts(shown) == {ref: everything.degree(ref) - inside.degree(ref) for ref in shown}


def test_shortest_paths_are_networkx_s(graph: GraphStore) -> None:
    undirected = networkx.Graph(oracle(graph))
    for end in (BEN, NodeRef("Phone", "139"), NodeRef("Drug", "D2"), NodeRef("Patient", "b00004")):
        found = graph.shortest_paths(ANN, end, max_length=5, limit=1000)
        nodes = {tuple(node.ref for node in path.nodes) for path in found}
        assert nodes == {tuple(path) for path in networkx.all_shortest_paths(undirected, ANN, end)}
        for path in found:
            steps = zip(path.nodes, path.relationships, path.nodes[1:], strict=False)
            assert all(each.other(before.ref) == after.ref for before, each, after in steps)


def test_all_paths_repeat_no_node_and_come_shortest_first(graph: GraphStore) -> None:
    types = ["MEMBER_OF", "HAS_PHONE", "BOUGHT_AT"]
    undirected = networkx.Graph(
        (start, end) for start, end, kind in oracle(graph).edges(data="type", default="") if kind in types
    )
    found = graph.all_paths(ANN, BEN, max_length=4, types=types, limit=10_000)
    expected = list(networkx.all_simple_paths(undirected, ANN, BEN, cutoff=4))
    assert {tuple(node.ref for node in path.nodes) for path in found} == {tuple(path) for path in expected}
    assert [len(path) for path in found] == sorted(len(path) - 1 for path in expected)
    assert graph.shortest_paths(ANN, BEN, types=["HAS_PHONE"]) == []


def test_search_finds_ids_and_parts_of_names(graph: GraphStore) -> None:
    assert [node.ref for node in graph.search("仁心")] == [SHOP]
    assert graph.search("ann")[0].ref == ANN
    assert graph.search("s0000001")[0].ref == NodeRef("Settlement", "s0000001")
    assert [node.ref for node in graph.search("王", labels=["Pharmacy"])] == []
    assert len(graph.search("b000", limit=5)) == 5
    assert graph.search("  ") == []


def test_cypher_gives_nodes_relationships_and_paths_by_business_keys(graph: GraphStore) -> None:
    rows = graph.run_cypher(
        "MATCH q = (p:Patient {id: $id})-[r:MEMBER_OF]->(h) RETURN p, r, q, {who: [p]} AS nested, p.id", {"id": "ben"}
    )
    assert rows.columns == ("p", "r", "q", "nested", "p.id")
    ((person, relationship, path, nested, key),) = rows.rows
    household = NodeRef("Household", "h1")
    assert relationship == Relationship("MEMBER_OF", BEN, household, {})
    assert isinstance(person, Node)
    assert nested == {"who": [person]}
    assert isinstance(path, GraphPath)
    assert [node.ref for node in path.nodes] == [BEN, household]
    assert key == "ben"
    assert "_ID" not in repr(rows)
    assert "offset" not in repr(rows)
    assert "_key" not in repr(rows)


def test_a_relationship_alone_names_its_ends(graph: GraphStore) -> None:
    rows = graph.run_cypher("MATCH (:Patient {id: 'ann'})-[r:MEMBER_OF]->() RETURN r").rows
    assert rows == ((Relationship("MEMBER_OF", ANN, NodeRef("Household", "h1"), {}),),)


def test_threads_share_a_store(graph: GraphStore) -> None:
    failures: list[BaseException] = []

    def ask() -> None:
        try:
            for _ in range(5):
                assert graph.node(ANN) is not None
                assert len(graph.expand(SHOP, limit=5).relationships) > 0
        except BaseException as error:  # noqa: BLE001  (a thread's failure must reach the test)
            failures.append(error)

    threads = [threading.Thread(target=ask) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert failures == []


def test_every_declared_phrase_is_there_in_both_languages() -> None:
    schema = graph_schema()
    for node in schema.nodes.values():
        assert node.label("zh")
        assert node.label("en")
        assert schema.around(node.name), f"{node.name} has no relationship"
        for each in node.properties:
            assert each.label("zh")
            assert each.label("en")
    for relationship in schema.relationships.values():
        for language in ("zh", "en"):
            assert relationship.phrase("out", language)
            assert relationship.phrase("in", language)


def test_a_closed_store_lets_go_of_its_files(tmp_path: Path) -> None:
    workspace = City()
    workspace.visit("p", "S", "2025-01-01 08:00:00")
    folder = workspace.workspace(tmp_path)
    build_graph(folder)
    with open_graph(folder) as store:
        assert store.generation == 1
    build_graph(folder)
    assert len(list((folder.path / "graph").glob("*.lbdb"))) == 1
