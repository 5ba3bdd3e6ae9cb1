"""Filling a Neo4j server: the same content as embedded, only changes afterwards, and nothing lost by what breaks."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from datetime import date, datetime
from decimal import Decimal
from pathlib import Path

import pytest
from factories import neo4j_server
from factories.city import City
from factories.engines import NEO4J_MARKS, nodes, relationships
from factories.neo4j_server import Neo4jServer

from ringtrace.errors import RingTraceError
from ringtrace.findings import EvidenceRef, Finding, Member, Message, save_findings
from ringtrace.graph import build_graph, engine, open_graph, refresh_server
from ringtrace.graph.neo4j.fill import fill_neo4j
from ringtrace.graph.neo4j.import_files import write_import_files
from ringtrace.graph.neo4j.registry import Registry
from ringtrace.graph.neo4j.server import Address, connected
from ringtrace.graph.neo4j.snapshot import folder
from ringtrace.graph.neo4j.store import Neo4jStore
from ringtrace.graph.store import GraphStore, NodeRef
from ringtrace.loaders import load_folder
from ringtrace.progress import Step
from ringtrace.simulate import simulate
from ringtrace.workspace import Workspace

pytestmark = list(NEO4J_MARKS)

Content = tuple[frozenset[object], frozenset[object]]


def content(store: GraphStore) -> Content:
    """All nodes and all relationships, each with all its properties."""
    return (
        frozenset((node.ref, frozenset(node.properties.items())) for node in nodes(store)),
        frozenset(
            (each.type, each.source, each.target, frozenset(each.properties.items())) for each in relationships(store)
        ),
    )


def embedded(workspace: Workspace) -> Content:
    build_graph(workspace)
    with open_graph(workspace) as store:
        return content(store)


def on_server(workspace: Workspace, address: Address) -> Content:
    with Neo4jStore(workspace, address) as store:
        return content(store)


def town(*, visits: int = 15, without: str = "", odd: bool = True) -> City:
    """People, cards, two shops and packs; names hold what trips a careless writer of files."""
    city = City()
    for number in range(1, 6):
        if f"p{number}" != without:
            city.person(f"p{number}", psn_name=f"Name {number}", hh_no=f"h{number // 2}", brdy=f"19{50 + number}-02-03")
    if odd:
        city.person("o1", psn_name='quo"te, comma', addr="line\nbreak", brdy="1899-12-31")
        city.person("o2", psn_name="back\\slash'", addr="")
        city.person("o3", psn_name="😀 王", addr=" spaces ")
    city.shop("S1", fixmedins_name="Shop", lon=113.5)
    city.shop("S2", fixmedins_name="Ward", hospital=True)
    for number in range(visits):
        line = {"med_list_codg": f"D{number % 3}", "fee": 10 + number, "drug_trac_codg": f"T{number}|T{number + 1}"}
        moment = f"2025-03-{number % 28 + 1:02d} 08:00:{number % 60:02d}.123456"
        city.visit(f"p{number % 5 + 1}", f"S{number % 2 + 1}", moment, items=[line])
        city.stock("S1", f"D{number % 3}", "purchase", moment, 5, drug_trac_codg=f"T{number}|T{number}", pric=1)
    city.visit("p1", "S1", "1969-07-20 20:17:40.5", setl_id="before-1970")
    return city


def finding(person: str) -> Finding:
    return Finding(
        finding_id=f"ring-{person}",
        kind="borrowed_card_ring",
        level="orange",
        score=0.8,
        title=Message("t"),
        summary=Message("s"),
        amount=Decimal("20.00"),
        first_time=datetime(2025, 3, 1, 8),
        last_time=None,
        members=(Member("Patient", person, "card_holder", 0.9), Member("Patient", "nobody", "holder")),
        reasons=(),
        counter_evidence=(),
        evidence=(EvidenceRef("settlements", "s0000001"), EvidenceRef("settlement_items", "s0000002|1")),
        detector="d",
        version="1",
        parameters={},
    )  # fmt: skip


@pytest.fixture
def address() -> Address:
    return neo4j_server.emptied()


def changed(workspace: Workspace, city: City, scratch: Path) -> None:
    """Make `city` the next generation of `workspace`."""
    other = city.workspace(scratch)
    manifest = other.manifest()
    for kind in ("tables", "sources"):
        source, target = other.path / kind, workspace.path / f"{kind}-{scratch.name}"
        source.rename(target)
    manifest["tables"] = {
        name: [file.replace("tables/", f"tables-{scratch.name}/") for file in files]
        for name, files in manifest["tables"].items()
    }
    with workspace.writing():
        workspace.commit(manifest)


@pytest.mark.timeout(900)
def test_a_demo_city_with_its_findings_is_the_same_on_both_engines(tmp_path: Path, address: Address) -> None:
    simulate(tmp_path / "city", persons=500, seed=1, difficulty="mixed")
    workspace = Workspace(tmp_path / "w", create=True)
    load_folder(tmp_path / "city", workspace)
    with workspace.connect() as tables:
        people = tables.execute("SELECT psn_no FROM persons ORDER BY psn_no LIMIT 3").fetchall()
    save_findings(workspace, [finding(person) for (person,) in people])
    report = fill_neo4j(workspace, address)
    expected = embedded(workspace)
    assert on_server(workspace, address) == expected
    assert (len(expected[0]), len(expected[1])) == (
        sum(report.counts.nodes.values()),
        sum(report.counts.relationships.values()),
    )
    with open_graph(workspace) as one, Neo4jStore(workspace, address) as other:
        assert one.counts() == other.counts()
        assert one.generation == other.generation


def test_odd_values_arrive_as_they_are(tmp_path: Path, address: Address) -> None:
    workspace = town().workspace(tmp_path)
    fill_neo4j(workspace, address)
    assert on_server(workspace, address) == embedded(workspace)
    with Neo4jStore(workspace, address) as store:
        person = store.node(NodeRef("Patient", "o1"))
        early = store.node(NodeRef("Settlement", "before-1970"))
    assert person is not None
    assert (person.name, person.properties["brdy"]) == ('quo"te, comma', date(1899, 12, 31))
    assert early is not None
    assert early.properties["setl_time"] == datetime(1969, 7, 20, 20, 17, 40, 500000)


def test_only_changes_travel_and_what_is_gone_goes(tmp_path: Path, address: Address) -> None:
    workspace = town().workspace(tmp_path / "one")
    first = fill_neo4j(workspace, address)
    assert fill_neo4j(workspace, address).sent == 0
    changed(workspace, town(visits=16), tmp_path / "two")
    grown = fill_neo4j(workspace, address)
    assert 0 < grown.sent < first.sent / 2
    assert on_server(workspace, address) == embedded(workspace)
    changed(workspace, town(visits=9, without="p4", odd=False), tmp_path / "three")
    fill_neo4j(workspace, address)
    assert on_server(workspace, address) == embedded(workspace)
    save_findings(workspace, [finding("p1")])
    assert 0 < fill_neo4j(workspace, address).sent < 10
    save_findings(workspace, [finding("p2")])
    fill_neo4j(workspace, address)
    assert on_server(workspace, address) == embedded(workspace)


def test_new_findings_come_to_the_server_that_the_workspace_is_read_from(
    tmp_path: Path, address: Address, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("NEO4J_PASSWORD", address.password)
    workspace = town().workspace(tmp_path)
    assert refresh_server(workspace) is None
    fill_neo4j(workspace, address)
    engine.use(workspace, address.url, address.user)
    save_findings(workspace, [finding("p1")])
    # Only findings changed: no table is read again, and what else the server was given stands in the same files.
    monkeypatch.setattr("ringtrace.graph.neo4j.snapshot._of_tables", None)
    report = refresh_server(workspace)
    assert report is not None
    assert 0 < report.sent < 10
    with open_graph(workspace) as store:
        assert store.engine == "neo4j"
        assert store.run_cypher("MATCH (f:Finding)-[:INVOLVES]->(p:Patient) RETURN p.id").rows == (("p1",),)
    engine.use(workspace, engine.EMBEDDED)
    assert on_server(workspace, address) == embedded(workspace)


def test_workspaces_share_a_server_without_mixing(tmp_path: Path, address: Address) -> None:
    one, other = town().workspace(tmp_path / "one"), town(visits=7, odd=False).workspace(tmp_path / "other")
    assert fill_neo4j(one, address).prefix == ""
    assert fill_neo4j(other, address).prefix != ""
    for workspace in (one, other):
        expected = embedded(workspace)
        assert on_server(workspace, address) == expected
        with Neo4jStore(workspace, address) as store:
            asked = "MATCH (n) WITH labels(n)[0] AS label, count(*) AS n RETURN label, n ORDER BY label"
            counted = dict(store.run_cypher(asked).rows)
            assert counted == {label: n for label, n in store.counts().nodes.items() if n}
            assert store.run_cypher("MATCH (n {id: 'p1'}) RETURN count(*)").rows == ((1,),)
            with pytest.raises(RingTraceError, match=r"also read"):
                store.run_cypher("MATCH (p:Patient) RETURN EXISTS { (x)-->(y) }")
            with pytest.raises(RingTraceError, match="not allowed"):
                store.run_cypher("MATCH (g:RingTraceGraph) RETURN g")
    with Neo4jStore(one, address) as store, pytest.raises(RingTraceError, match="not allowed"):
        store.run_cypher(f"MATCH (p:w{(folder(other) / 'ID').read_text()[:6]}_Patient) RETURN p")
    changed(other, town(visits=3, odd=False), tmp_path / "less")
    fill_neo4j(other, address)
    assert on_server(one, address) == embedded(one)


class CutError(Exception):
    """The connection is lost, as far as the fill can tell."""


@pytest.mark.parametrize("loaded_meanwhile", [False, True])
def test_a_fill_that_was_cut_off_goes_on(
    tmp_path: Path, address: Address, monkeypatch: pytest.MonkeyPatch, loaded_meanwhile: bool
) -> None:
    monkeypatch.setattr("ringtrace.graph.neo4j.changes.BATCH", 20)
    workspace = town().workspace(tmp_path / "one")

    def cut(step: Step) -> None:
        if step.key == "graph.step.send" and step.done > 100:
            raise CutError

    with pytest.raises(CutError):
        fill_neo4j(workspace, address, progress=cut)
    with pytest.raises(RingTraceError, match="not complete"):
        Neo4jStore(workspace, address)
    if loaded_meanwhile:
        changed(workspace, town(visits=17), tmp_path / "two")
    report = fill_neo4j(workspace, address)
    if not loaded_meanwhile:
        assert report.sent < sum(report.counts.nodes.values()) + sum(report.counts.relationships.values())
    assert on_server(workspace, address) == embedded(workspace)


_KILLED = """
import os, signal, sys
from ringtrace.graph.neo4j import changes
from ringtrace.graph.engine import address
from ringtrace.graph.neo4j.fill import fill_neo4j
from ringtrace.workspace import Workspace

changes.BATCH = 20

def kill(step):
    if step.key == "graph.step.send" and step.done > 100:
        os.kill(os.getpid(), signal.SIGKILL)

fill_neo4j(Workspace(sys.argv[1]), address(sys.argv[2]), progress=kill)
"""


def test_a_killed_fill_goes_on(tmp_path: Path, address: Address) -> None:
    workspace = town().workspace(tmp_path)
    environment = os.environ | {"NEO4J_USER": address.user, "NEO4J_PASSWORD": address.password}
    killed = subprocess.run([sys.executable, "-c", _KILLED, workspace.path, address.url], env=environment, check=False)
    assert killed.returncode == -signal.SIGKILL
    fill_neo4j(workspace, address)
    assert on_server(workspace, address) == embedded(workspace)


def test_what_the_workspace_forgot_or_somebody_changed_is_filled_anew(tmp_path: Path, address: Address) -> None:
    workspace = town().workspace(tmp_path)
    whole = fill_neo4j(workspace, address).sent
    with connected(address) as driver:
        driver.execute_query("MATCH (p:Patient {id: 'p1'}) DETACH DELETE p")
    assert fill_neo4j(workspace, address).sent == whole
    for about in folder(workspace).glob("*/about.json"):
        about.unlink()
    assert fill_neo4j(workspace, address).sent == whole
    assert on_server(workspace, address) == embedded(workspace)


def test_two_fills_of_one_graph_do_not_write_twice(tmp_path: Path, address: Address) -> None:
    workspace = town().workspace(tmp_path)
    fill_neo4j(workspace, address)
    with connected(address) as driver:
        registry = Registry(driver, address, workspace)
        registry.begin("elsewhere")
        with pytest.raises(RingTraceError, match="Another process"):
            registry.advance("RETURN 1", {}, "elsewhere", (3, 0), (4, 0))


@pytest.fixture
def own_server(tmp_path: Path) -> Iterator[Neo4jServer]:
    """A server of this test's own, not yet started."""
    neo4j_server.need_java()
    server = Neo4jServer(tmp_path / "neo4j", heap="512m")
    yield server
    server.stop()


def test_an_imported_graph_is_the_same_and_takes_changes(tmp_path: Path, own_server: Neo4jServer) -> None:
    workspace = town().workspace(tmp_path / "one")
    save_findings(workspace, [finding("p1")])
    files = write_import_files(workspace, tmp_path / "import")
    assert files.command in (files.folder / "import.sh").read_text().replace("\\\n  ", "")
    own_server.admin(*files.arguments, cwd=files.folder)
    own_server.start()
    assert fill_neo4j(workspace, own_server.address).sent == 0
    assert on_server(workspace, own_server.address) == embedded(workspace)
    changed(workspace, town(visits=16), tmp_path / "two")
    save_findings(workspace, [finding("p2")])
    assert fill_neo4j(workspace, own_server.address).sent < 60
    assert on_server(workspace, own_server.address) == embedded(workspace)
    with pytest.raises(RingTraceError, match="not empty"):
        write_import_files(workspace, tmp_path / "import")


def test_a_server_lost_in_the_middle_says_so_and_the_fill_goes_on(
    tmp_path: Path, own_server: Neo4jServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("ringtrace.graph.neo4j.changes.BATCH", 20)
    own_server.start()
    workspace = town().workspace(tmp_path / "one")

    def pull_the_plug(step: Step) -> None:
        if step.key == "graph.step.send" and step.done > 100:
            own_server.stop()

    with pytest.raises(RingTraceError, match="cannot be reached") as lost:
        fill_neo4j(workspace, own_server.address, progress=pull_the_plug)
    assert "goes on" in lost.value.hint
    own_server.start()
    fill_neo4j(workspace, own_server.address)
    assert on_server(workspace, own_server.address) == embedded(workspace)
    own_server.stop()
    own_server.configure("server.databases.default_to_read_only=true")
    own_server.start()
    changed(workspace, town(visits=16), tmp_path / "two")
    with pytest.raises(RingTraceError, match="may only be read"):
        fill_neo4j(workspace, own_server.address)
    with Neo4jStore(workspace, own_server.address) as store:
        assert store.generation == 1


def test_a_graph_that_is_not_there_says_what_to_type(tmp_path: Path, address: Address) -> None:
    with pytest.raises(RingTraceError, match="holds no graph") as error:
        Neo4jStore(town().workspace(tmp_path), address)
    assert "--to" in error.value.hint
    with pytest.raises(RingTraceError, match="holds no records"):
        fill_neo4j(Workspace(tmp_path / "none", create=True), address)


def test_the_setting_of_a_workspace_chooses_the_engine(
    tmp_path: Path, address: Address, monkeypatch: pytest.MonkeyPatch
) -> None:
    workspace = town().workspace(tmp_path)
    build_graph(workspace)
    fill_neo4j(workspace, address)
    monkeypatch.setenv("NEO4J_PASSWORD", address.password)
    engine.use(workspace, address.url, address.user)
    with open_graph(workspace) as store:
        assert store.engine == "neo4j"
    monkeypatch.setenv("RINGTRACE_GRAPH", "embedded")
    with open_graph(workspace) as store:
        assert store.engine == "ladybug"
    monkeypatch.setenv("RINGTRACE_GRAPH", address.url)
    engine.use(workspace, "embedded")
    with open_graph(workspace) as store:
        assert store.engine == "neo4j"
