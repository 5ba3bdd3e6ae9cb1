"""The command line, Python and the notebook: exit status, forms of an answer, and what a session gives."""

from __future__ import annotations

import io
import json
from pathlib import Path

import igraph
import networkx as nx
import openpyxl
import pandas as pd
import pyarrow as pa
import pytest
from factories.city import City
from typer.testing import CliRunner, Result

import ringtrace
from ringtrace.cli import app
from ringtrace.commands import query
from ringtrace.errors import RingTraceError
from ringtrace.findings import current_run
from ringtrace.graph import engine
from ringtrace.workspace import Workspace

ROOT = Path(__file__).parents[2]


def ask(town: Workspace, *words: str, typed: str | None = None) -> Result:
    return CliRunner().invoke(app, ["query", *words, "-w", str(town.path)], input=typed)


def test_a_saved_query_a_file_and_standard_input_run(town: Workspace, tmp_path: Path) -> None:
    saved = ask(town, "run", "uses_of_card", "-p", "card=Cr4", "--format", "json")
    assert saved.exit_code == 0
    assert [row["patient"] for row in json.loads(saved.stdout)["rows"]] == ["r4", "x1", "r4", "r4", "r4"]
    file = tmp_path / "count.cypher"
    file.write_text("MATCH (p:Patient {id: $id}) RETURN p.name AS name", "utf-8")
    for given, text in ((str(file), None), ("-", file.read_text("utf-8"))):
        answered = ask(town, "run", given, "-p", "id=r1", "--format", "csv", typed=text)
        assert (answered.exit_code, answered.stdout_bytes.decode()) == (0, "name\r\n环员1\r\n")


@pytest.mark.parametrize(
    "words",
    [
        ("run", "no_such_query"),
        ("run", "uses_of_card"),
        ("run", "uses_of_card", "-p", "card"),
        ("run", "uses_of_card", "-p", "card=Cr4", "--out", "x.txt"),
        ("run", "-"),
        ("run", "absent.cypher"),
        ("path", "--from", "s1"),
        ("path", "--from", "Patient:s1", "--longest-gap", "soon"),
    ],
)
def test_the_status_is_not_0_where_nothing_ran(town: Workspace, words: tuple[str, ...]) -> None:
    refused = ask(town, *words, typed="MATCH (n) DELETE n")
    assert refused.exit_code != 0
    assert isinstance(refused.exception, RingTraceError)


def test_each_form_is_written(town: Workspace, tmp_path: Path) -> None:
    for form in ("csv", "xlsx", "json", "arrow", "graphml", "html"):
        out = tmp_path / f"answer.{form}"
        assert ask(town, "run", "card_used_by_other", "--format", form, "--out", str(out)).exit_code == 0
    assert pd.read_csv(tmp_path / "answer.csv")["card"].tolist() == ["Cr4", "Cdd"]
    sheet = openpyxl.load_workbook(tmp_path / "answer.xlsx").active
    assert sheet is not None
    assert [row[0] for row in sheet.iter_rows(values_only=True)] == ["card", "Cr4", "Cdd"]
    table = pa.ipc.open_file(io.BytesIO((tmp_path / "answer.arrow").read_bytes())).read_all()
    assert table.column("amount").to_pylist() == [50.0, 9.0]
    graph = nx.read_graphml(tmp_path / "answer.graphml")
    assert {"Patient:r4", "Patient:x1", "Card:Cr4"} <= set(graph)
    page = (tmp_path / "answer.html").read_text("utf-8")
    assert "Settlements paid with another person&#x27;s card" in page
    assert "环员4" in page


def test_a_path_is_printed_and_drawn(town: Workspace, tmp_path: Path) -> None:
    told = ask(town, "path", "--from", "Pharmacy:Y1", "--to", "Pharmacy:Y4", "--format", "json")
    assert [row["target"] for row in json.loads(told.stdout)["rows"]] == ["s1", "Y3", "s3", "Y4"]
    out = tmp_path / "path.html"
    assert ask(town, "path", "--from", "Patient:s1", "--format", "html", "--out", str(out)).exit_code == 0
    assert "Pack:K1" in out.read_text("utf-8")


def test_list_show_new_export_and_import(town: Workspace, tmp_path: Path) -> None:
    assert "uses_of_card" in ask(town, "list", "--label", "Card").stdout
    assert "Legal basis" in ask(town, "show", "uses_of_card").stdout
    assert ask(town, "new", "count_cards", typed="MATCH (c:Card) RETURN count(c) AS n").exit_code == 0
    assert "count_cards" in ask(town, "list", "--category", "own").stdout
    for target, out in (("yaml", tmp_path / "y"), ("browser", tmp_path / "b"), ("bloodhound", tmp_path / "h.json")):
        assert ask(town, "export", "count_cards", "--to", target, "--out", str(out)).exit_code == 0
    assert ask(town, "import", str(tmp_path / "y" / "count_cards.yaml")).exit_code == 0
    assert "revision 2" in ask(town, "show", "count_cards").stdout
    hostile = ask(town, "new", "hostile", typed="LOAD CSV FROM 'file:///etc/passwd' AS x RETURN x")
    assert isinstance(hostile.exception, RingTraceError)


def test_every_option_is_in_the_reference() -> None:
    section = (ROOT / "docs" / "commands.md").read_text("utf-8").split("## `ringtrace query`")[1].split("\n## ")[0]
    import typer.main

    for name, command in typer.main.get_command(query.app).commands.items():  # type: ignore[attr-defined]
        assert f"ringtrace query {name}" in section
        for parameter in command.params:
            for option in parameter.opts:
                assert not option.startswith("--") or option == "--help" or option in section, f"{name} {option}"


def test_a_session_gives_frames_and_graphs(town: Workspace) -> None:
    with ringtrace.open(town.path) as session:
        frame = session.query("uses_of_card", card="Cr4")
        assert list(frame["patient"]) == ["r4", "x1", "r4", "r4", "r4"]
        assert session.query("MATCH (p:Patient {id: $id}) RETURN p.id AS id", id="r1")["id"].tolist() == ["r1"]
        assert session.query("MATCH (p:Patient) RETURN p.id", row_limit=3).attrs["truncated"]
        graph = session.graph("uses_of_card", card="Cr4")
        assert {"Card:Cr4", "Pharmacy:Y1", "Patient:x1"} <= set(graph)
        other = session.graph("uses_of_card", library="igraph", card="Cr4")
        assert isinstance(other, igraph.Graph)
        assert sorted(other.vs["name"]) == sorted(graph)
        assert other.ecount() == graph.number_of_edges()
        assert session.population("uses_of_card", card="Cr4") == 5
        assert len(session.findings()) == 2
        assert "uses_of_card" in set(session.queries()["key"])


def test_the_notebook_runs(town: Workspace, monkeypatch: pytest.MonkeyPatch) -> None:
    """Its code cells, in order, as a kernel would run them; on the town instead of the demo workspace."""
    monkeypatch.setenv("RINGTRACE_WORKSPACE", str(town.path))
    notebook = json.loads((ROOT / "docs" / "queries.ipynb").read_text("utf-8"))
    names: dict[str, object] = {}
    cells = ["".join(each["source"]) for each in notebook["cells"] if each["cell_type"] == "code"]
    assert len(cells) >= 4
    for cell in cells:
        exec(compile(cell, "docs/queries.ipynb", "exec"), names)


def test_findings_are_kept_when_the_server_that_shows_them_is_away(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("NEO4J_PASSWORD", "any")
    city = City()
    city.visit("p1", "S1", "2025-03-01 08:00:00")
    workspace = city.workspace(tmp_path)
    engine.use(workspace, "bolt://127.0.0.1:9")
    detected = CliRunner().invoke(app, ["detect", "-w", str(workspace.path), "--kind", "ghost_patient"])
    assert isinstance(detected.exception, RingTraceError)
    assert "cannot be reached" in detected.exception.happened
    assert f"graph -w {workspace.path} --to bolt://127.0.0.1:9" in detected.exception.hint
    assert current_run(workspace) == 1
