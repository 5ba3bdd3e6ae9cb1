"""An export is whole, says what the finding says, opens in other tools, and never overwrites anything."""

from __future__ import annotations

import hashlib
import json
from pathlib import Path

import bagit
import networkx as nx
import pytest
from factories.case import PERSONS, TRACE, case

from ringtrace.errors import RingTraceError
from ringtrace.evidence import ExportReport, export, verify
from ringtrace.evidence.exporter import _require_room
from ringtrace.evidence.spreadsheet import read_csv
from ringtrace.findings import Finding
from ringtrace.texts import LANGUAGES, Language
from ringtrace.workspace import Workspace

# One process of a parallel run gets these tests, so that what they share is made once.
pytestmark = pytest.mark.xdist_group("export")


@pytest.fixture(scope="module")
def exported(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Finding, ExportReport]:
    """An export that the tests read and never change."""
    folder = tmp_path_factory.mktemp("case")
    workspace, finding = case(folder)
    report = export(workspace, [finding.finding_id], folder / "out", language="en")
    return folder / "out" / "data", finding, report


def test_folder_is_a_bag_that_other_software_accepts(exported: tuple[Path, Finding, ExportReport]) -> None:
    data, _, report = exported
    assert bagit.Bag(str(data.parent)).validate()
    assert verify(data.parent, seal=report.seal).ok
    assert {Path(name).name for name in report.files if name.startswith("data/")} == {
        "findings.jsonl", "nodes.csv", "edges.csv", "source_records.csv", "source_records.jsonl", "source_files.csv",
        "subgraph.graphml", "subgraph.json",
        "graph.html", "report.html",
    }  # fmt: skip


def test_graph_tables_and_both_graph_files_say_the_same(exported: tuple[Path, Finding, ExportReport]) -> None:
    data, finding, report = exported
    nodes = {row["id"] for row in read_csv(data / "nodes.csv")}
    edges = sorted((row["source"], row["type"], row["target"]) for row in read_csv(data / "edges.csv"))
    graphml = nx.read_graphml(data / "subgraph.graphml", force_multigraph=True)
    node_link = nx.node_link_graph(json.loads((data / "subgraph.json").read_text("utf-8")), edges="edges")
    for graph in (graphml, node_link):
        assert set(graph) == nodes
        assert sorted((a, facts["type"], b) for a, b, facts in graph.edges(data=True)) == edges
    assert {f"{member.label}:{member.id}" for member in finding.members} <= nodes
    assert (f"Patient:{PERSONS[0]}", "BOUGHT_AT", "Pharmacy:P33010000001") in edges
    assert (f"Pack:{TRACE}", "SOLD_IN", "Settlement:s0000001") in edges
    assert (f"Finding:{finding.finding_id}", "INVOLVES", f"Patient:{PERSONS[0]}") in edges
    assert (report.nodes, report.edges) == (len(nodes), len(edges))


def test_findings_file_has_the_contract_form(exported: tuple[Path, Finding, ExportReport]) -> None:
    data, finding, _ = exported
    lines = (data / "findings.jsonl").read_text("utf-8").splitlines()
    assert [json.loads(line) for line in lines] == [finding.to_contract("en")]


def test_every_cited_row_is_among_the_source_records(exported: tuple[Path, Finding, ExportReport]) -> None:
    data, finding, report = exported
    rows = list(read_csv(data / "source_records.csv"))
    assert {(row["_table"], row["_key"], row["_sha256"]) for row in rows} == {
        (ref.table, ref.key, ref.sha256) for ref in finding.evidence
    }
    assert report.rows == len(rows) == len(finding.evidence)


def test_source_rows_stand_as_they_came(exported: tuple[Path, Finding, ExportReport]) -> None:
    data, finding, _ = exported
    row = next(row for row in read_csv(data / "source_records.csv") if row["_key"] == "s0000001")
    assert (row["psn_no"], row["medfee_sumamt"], row["_file"], row["_row"]) == (
        PERSONS[0],
        "61.50",
        "settlements.csv",
        "1",
    )
    for line in (data / "source_records.jsonl").read_text("utf-8").splitlines():
        content = json.loads(line)
        written = json.dumps(content["cells"], ensure_ascii=False, separators=(",", ":"))
        assert hashlib.sha256(written.encode()).hexdigest() == content["sha256"]
    files = {row["file"]: row["sha256"] for row in read_csv(data / "source_files.csv")}
    assert set(files) == {ref.file for ref in finding.evidence}


@pytest.mark.parametrize("language", LANGUAGES)
def test_report_answers_the_questions(tmp_path: Path, language: Language) -> None:
    workspace, finding = case(tmp_path)
    export(workspace, [finding.finding_id], tmp_path / "out", language=language)
    page = (tmp_path / "out" / "data" / "report.html").read_text("utf-8")
    asked = {"en": ("Who", "From – until", "Amount at risk", "What speaks against it", "Where the proof is")}
    asked["zh"] = ("涉及谁", "起止时间", "涉及金额", "反证", "证据在哪里")
    for question in asked[language]:
        assert question in page
    assert "¥553.50" in page
    assert "2025-03-03 08:00 – 2025-03-17 08:02" in page
    assert "康民大药房" in page
    assert "settlements.csv : 1" in page


@pytest.mark.parametrize("page", ["report.html", "graph.html"])
def test_pages_fetch_nothing(exported: tuple[Path, Finding, ExportReport], page: str) -> None:
    content = (exported[0] / page).read_text("utf-8")
    assert "default-src 'none'" in content
    assert 'src="' not in content.split("<script>")[0]
    assert "<link" not in content


def test_same_export_twice_differs_in_the_clock_only(tmp_path: Path) -> None:
    workspace, finding = case(tmp_path)
    for name in ("a", "b"):
        export(workspace, [finding.finding_id], tmp_path / name, language="zh")
    for file in sorted((tmp_path / "a" / "data").iterdir()):
        if file.name != "report.html":
            assert file.read_bytes() == (tmp_path / "b" / "data" / file.name).read_bytes(), file.name


def test_a_filled_folder_is_left_alone(tmp_path: Path) -> None:
    workspace, finding = case(tmp_path)
    (tmp_path / "out").mkdir()
    (tmp_path / "out" / "mine.txt").write_text("mine")
    with pytest.raises(RingTraceError, match="not an empty folder"):
        export(workspace, [finding.finding_id], tmp_path / "out")
    assert [each.name for each in (tmp_path / "out").iterdir()] == ["mine.txt"]


def test_a_failed_export_leaves_nothing(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    workspace, finding = case(tmp_path)

    def full(*_: object, **__: object) -> str:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr("ringtrace.evidence.exporter.report", full)
    before = set(tmp_path.iterdir())
    with pytest.raises(RingTraceError, match="No space left on device"):
        export(workspace, [finding.finding_id], tmp_path / "out")
    assert set(tmp_path.iterdir()) == before


def test_unknown_and_no_findings_are_named(tmp_path: Path) -> None:
    workspace, _ = case(tmp_path)
    with pytest.raises(RingTraceError, match="nobody-0"):
        export(workspace, ["nobody-0"], tmp_path / "out")
    with pytest.raises(RingTraceError, match="No finding was named"):
        export(workspace, [], tmp_path / "out")
    _require_room(tmp_path / "out")
    assert not (tmp_path / "out").exists()


def test_finding_without_rows_or_members_exports(tmp_path: Path) -> None:
    from dataclasses import replace

    from ringtrace.findings import save_findings

    workspace, finding = case(tmp_path, save=False)
    bare = replace(finding, members=(), evidence=(), reasons=(), counter_evidence=(), first_time=None, last_time=None)
    with workspace.writing():
        save_findings(workspace, [bare])
    report = export(Workspace(workspace.path), [bare.finding_id], tmp_path / "out")
    assert (report.rows, report.nodes) == (0, 1)
    assert verify(report.folder).ok
