"""Canonical rows → graph: every declared node and relationship, stubs for keys nobody described, findings, rebuilds."""

from __future__ import annotations

from decimal import Decimal
from pathlib import Path

import pytest
from factories.city import City

from ringtrace.data_schema.graph import graph_schema
from ringtrace.errors import RingTraceError
from ringtrace.findings import EvidenceRef, Finding, Member, Message, save_findings
from ringtrace.graph import GraphReport, build_graph, graph_generation, open_graph, write_findings
from ringtrace.graph.store import NodeRef
from ringtrace.workspace import Workspace


def town() -> City:
    """Two people of one household, a pharmacy, a hospital nobody described, packs with trace codes, a refund."""
    city = City()
    for number in ("p1", "p2"):
        city.person(number, psn_name=f"Name {number}", hh_no="h1", tel="138", addr="Road 1", insu_admdvs="440100")
    city.add("cards", mdtrt_cert_no="Cp1", psn_no="p1", mdtrt_cert_type="03", share_psn_no="p2")
    city.shop("S1", fixmedins_name="Shop", admdvs="440100", legrep_certno="X")
    city.drug("D1", drug_genname="Aspirin", pack_ddd=30)
    line = {"med_list_codg": "D1", "fee": 20, "drug_trac_codg": "T1|T2"}
    bought = city.visit("p1", "S1", "2025-03-01 08:00:00", items=[line])
    city.visit("p1", "S1", "2025-03-02 08:00:00", total=-20, refd_setl_flag="1", init_setl_id=bought)
    city.visit("p2", "H9", "2025-03-03 09:00:00", med_type="11", chfpdr_code="DR1", mdtrt_cert_no="Cp1")
    city.stock("S1", "D1", "purchase", "2025-01-01 00:00:00", 10, spler_name="Supply Ltd", drug_trac_codg="T1", pric=3)
    city.add(
        "tips", tip_id="t1", tip_time="2025-04-01 00:00:00", subj_type="person", subj_id="p7", content="sells drugs"
    )
    return city


def relationships(workspace: Workspace) -> set[tuple[str, str, str]]:
    with open_graph(workspace) as graph:
        found = graph.run_cypher("MATCH (a)-[r]->(b) RETURN a.id, label(r), b.id").rows
    return {(source, kind, target) for source, kind, target in found}


@pytest.fixture(scope="module")
def built(tmp_path_factory: pytest.TempPathFactory) -> tuple[Workspace, GraphReport]:
    workspace = town().workspace(tmp_path_factory.mktemp("town"))
    return workspace, build_graph(workspace)


def test_every_row_becomes_its_relationships(built: tuple[Workspace, GraphReport]) -> None:
    workspace, _ = built
    assert relationships(workspace) == {
        ("p1", "SETTLED", "s0000001"), ("p1", "SETTLED", "s0000002"), ("p2", "SETTLED", "s0000003"),
        ("Cp1", "PRESENTED_IN", "s0000001"), ("Cp1", "PRESENTED_IN", "s0000002"), ("Cp1", "PRESENTED_IN", "s0000003"),
        ("s0000001", "AT", "S1"), ("s0000002", "AT", "S1"), ("s0000003", "AT", "H9"),
        ("s0000003", "ATTENDED_BY", "DR1"), ("p2", "TREATED_BY", "DR1"),
        ("s0000001", "DISPENSED", "D1"), ("p1", "RECEIVED", "D1"), ("S1", "SOLD", "D1"),
        ("T1", "SOLD_IN", "s0000001"), ("T2", "SOLD_IN", "s0000001"), ("T1", "PACK_OF", "D1"), ("T2", "PACK_OF", "D1"),
        ("T1", "BOOKED_AT", "S1"), ("S1", "PURCHASED", "D1"), ("Supply Ltd", "SUPPLIED", "S1"),
        ("s0000002", "REFUNDS", "s0000001"),
        ("p1", "BOUGHT_AT", "S1"), ("p2", "VISITED", "H9"), ("Cp1", "USED_AT", "S1"), ("Cp1", "USED_AT", "H9"),
        ("p1", "OWNS", "Cp1"), ("p2", "MAY_USE", "Cp1"), ("p1", "SETTLED_WITH", "Cp1"), ("p2", "SETTLED_WITH", "Cp1"),
        ("p1", "MEMBER_OF", "h1"), ("p2", "MEMBER_OF", "h1"), ("p1", "HAS_PHONE", "138"), ("p2", "HAS_PHONE", "138"),
        ("p1", "LIVES_AT", "Road 1"), ("p2", "LIVES_AT", "Road 1"),
        ("p1", "INSURED_IN", "440100"), ("p2", "INSURED_IN", "440100"), ("S1", "LOCATED_IN", "440100"),
        ("t1", "ABOUT", "p7"),
    }  # fmt: skip


def test_summaries_count_times_and_net_refunds(built: tuple[Workspace, GraphReport]) -> None:
    workspace, _ = built
    with open_graph(workspace) as graph:
        found = graph.run_cypher("MATCH (:Patient {id: 'p1'})-[r:BOUGHT_AT]->() RETURN r.n, r.amount").rows
    assert found == ((1, 0.0),)


def test_unknown_keys_become_stubs(built: tuple[Workspace, GraphReport]) -> None:
    workspace, report = built
    assert report.counts.stubs == {"Patient": 1, "Doctor": 1, "Hospital": 1}
    with open_graph(workspace) as graph:
        hospital = graph.node(NodeRef("Hospital", "H9"))
        described = graph.node(NodeRef("Pharmacy", "S1"))
    assert hospital is not None
    assert hospital.stub
    assert described is not None
    assert not described.stub
    assert described.name == "Shop"


def test_counts_are_those_of_the_database(built: tuple[Workspace, GraphReport]) -> None:
    workspace, report = built
    counts = report.counts
    with open_graph(workspace) as graph:
        for label in graph_schema().nodes:
            assert graph.run_cypher(f"MATCH (n:{label}) RETURN count(*)").rows == ((counts.nodes.get(label, 0),),)
        for name in graph_schema().relationships:
            found = graph.run_cypher(f"MATCH ()-[r:{name}]->() RETURN count(*)").rows
            assert found == ((counts.relationships.get(name, 0),),)


def test_order_of_rows_changes_nothing(built: tuple[Workspace, GraphReport], tmp_path: Path) -> None:
    workspace, report = built
    shuffled = town().workspace(tmp_path, shuffle=7)
    assert build_graph(shuffled).counts == report.counts
    assert relationships(shuffled) == relationships(workspace)


def finding() -> Finding:
    return Finding(
        finding_id="borrowed_card_ring-1",
        kind="borrowed_card_ring",
        level="orange",
        score=0.8,
        title=Message("t"),
        summary=Message("s"),
        amount=Decimal("20.00"),
        first_time=None,
        last_time=None,
        members=(Member("Patient", "p1", "card_holder", 0.9), Member("Patient", "nobody", "holder")),
        reasons=(),
        counter_evidence=(),
        evidence=(
            EvidenceRef("settlements", "s0000001"),
            EvidenceRef("settlement_items", "s0000001|1"),
            EvidenceRef("settlement_items", "s0000002|1"),
            EvidenceRef("inventory", "S1|D1|purchase"),
        ),
        detector="d",
        version="1",
        parameters={},
    )


def test_findings_reach_the_graph_and_replace_the_earlier_run(tmp_path: Path) -> None:
    workspace = town().workspace(tmp_path)
    build_graph(workspace)
    save_findings(workspace, [finding()])
    write_findings(workspace)
    involved = "MATCH (f:Finding)-[r:INVOLVES]->(m) RETURN f.id, f.level, r.role, r.weight, m.id"
    with open_graph(workspace) as graph:
        assert graph.run_cypher(involved).rows == (("borrowed_card_ring-1", "orange", "card_holder", 0.9, "p1"),)
        cited = graph.run_cypher("MATCH (:Finding)-[:CITES]->(s) RETURN s.id ORDER BY s.id").rows
        assert cited == (("s0000001",), ("s0000002",))
    build_graph(workspace)
    with open_graph(workspace) as graph:
        assert len(graph.run_cypher(involved).rows) == 1
    save_findings(workspace, [])
    assert write_findings(workspace).counts.nodes["Finding"] == 0
    with open_graph(workspace) as graph:
        assert graph.run_cypher(involved).rows == ()


def test_a_reader_keeps_its_graph_through_a_rebuild(tmp_path: Path) -> None:
    workspace = town().workspace(tmp_path)
    build_graph(workspace)
    with open_graph(workspace) as before:
        build_graph(workspace)
        assert before.node(NodeRef("Patient", "p1")) is not None
        with open_graph(workspace) as after:
            assert after.node(NodeRef("Patient", "p1")) is not None
    left = sorted(file.suffix for file in (workspace.path / "graph").iterdir())
    assert left == ["", ".json", ".lbdb"]


def test_a_failed_build_leaves_the_old_graph(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    workspace = town().workspace(tmp_path)
    build_graph(workspace)

    def fail(*_: object, **__: object) -> None:
        raise OSError("disk full")

    left_by_a_killed_build = workspace.path / "graph" / "000001-dead.lbdb"
    left_by_a_killed_build.touch()

    with monkeypatch.context() as patched:
        patched.setattr("ringtrace.graph.load", fail)
        with pytest.raises(OSError, match="disk full"):
            build_graph(workspace)
    with open_graph(workspace) as graph:
        assert graph.node(NodeRef("Patient", "p1")) is not None
    build_graph(workspace)
    assert not left_by_a_killed_build.exists()


def test_without_data_or_graph_the_error_says_what_to_type(tmp_path: Path) -> None:
    workspace = Workspace(tmp_path / "w", create=True)
    assert graph_generation(workspace) is None
    with pytest.raises(RingTraceError) as empty:
        build_graph(workspace)
    assert "ringtrace load" in empty.value.hint
    with pytest.raises(RingTraceError) as missing:
        open_graph(workspace)
    assert "ringtrace graph" in missing.value.hint
