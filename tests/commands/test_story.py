"""The console commands as their user types them, one after the other on one small city."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from openpyxl import load_workbook
from typer.testing import CliRunner, Result

from ringtrace.casework.notebook import write_note
from ringtrace.cli import app
from ringtrace.errors import RingTraceError
from ringtrace.findings import LEVELS, Finding, read_findings
from ringtrace.workspace import Workspace

# One process of a parallel run gets these tests, so that the city is made once.
pytestmark = pytest.mark.xdist_group("story")


def typed(*words: str | Path) -> Result:
    """Run `ringtrace` with these words; an error for the user comes out as itself, since only `main` prints it."""
    result = CliRunner().invoke(app, [str(word) for word in words])
    if isinstance(result.exception, RingTraceError):
        raise result.exception
    return result


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with `city/` simulated, `desk/` the workspace, and `found/` what `ringtrace run` wrote."""
    folder = tmp_path_factory.mktemp("story")
    made = typed("simulate", "--persons", "800", "--seed", "7", "--difficulty", "easy", "--months", "4",
                 "--out", folder / "city")  # fmt: skip
    assert made.exit_code == 0, made.output
    ran = typed("run", folder / "city", "-w", folder / "desk", "--out", folder / "found")
    assert ran.exit_code == 0, ran.output
    return folder


@pytest.fixture(scope="module")
def suspected(folder: Path) -> Finding:
    return next(each for each in read_findings(Workspace(folder / "desk")) if each.level in ("red", "orange"))


def test_a_run_reconciles_and_writes_every_finding(folder: Path) -> None:
    lines = [json.loads(line) for line in (folder / "found" / "findings.jsonl").read_text("utf-8").splitlines()]
    kept = read_findings(Workspace(folder / "desk"))
    assert [line["finding_id"] for line in lines] == [finding.finding_id for finding in kept]
    assert all(row["sha256"] for line in lines for row in line["evidence"])
    again = typed("load", folder / "city", "-w", folder / "desk")
    assert "Every file reconciled" in again.output
    assert Workspace(folder / "desk").generation == 1, "loading the same again changes nothing"


@pytest.mark.parametrize("form", ["table", "jsonl", "csv"])
def test_findings_are_listed_by_kind_and_level(folder: Path, form: str) -> None:
    for level in LEVELS:
        shown = typed("findings", "-w", folder / "desk", "--level", level, "--format", form)
        wanted = {each.finding_id for each in read_findings(Workspace(folder / "desk")) if each.level == level}
        assert shown.exit_code == 0
        assert all(finding_id in shown.output for finding_id in wanted)
    with pytest.raises(RingTraceError, match="purple"):
        typed("findings", "-w", folder / "desk", "--level", "purple")


def test_a_workbook_needs_a_file_name(folder: Path, tmp_path: Path) -> None:
    with pytest.raises(RingTraceError) as refused:
        typed("findings", "-w", folder / "desk", "--format", "xlsx")
    assert "--out" in (refused.value.hint or "")
    typed("findings", "-w", folder / "desk", "--format", "xlsx", "--out", tmp_path / "all.xlsx")
    rows = list(load_workbook(tmp_path / "all.xlsx").worksheets[0].values)
    assert len(rows) == 1 + len(read_findings(Workspace(folder / "desk")))


def test_the_beginning_of_an_id_is_enough(folder: Path, suspected: Finding) -> None:
    shown = typed("explain", suspected.finding_id[:-2], "-w", folder / "desk")
    assert shown.exit_code == 0
    assert suspected.finding_id in shown.output
    assert "consistent with" in shown.output.replace("\n", " ")
    with pytest.raises(RingTraceError):
        typed("explain", "no-such-finding", "-w", folder / "desk")


def test_evidence_goes_out_with_what_was_concluded_and_can_be_verified(
    folder: Path, suspected: Finding, tmp_path: Path
) -> None:
    write_note(Workspace(folder / "desk"), suspected.finding_id, "Called the pharmacy on Monday.", author="A. Li")
    bag = tmp_path / "bag"
    assert typed("export", suspected.finding_id, "--out", bag, "-w", folder / "desk").exit_code == 0
    assert "Called the pharmacy" in (bag / "data" / "conclusions.csv").read_text("utf-8-sig")
    assert typed("verify", bag).exit_code == 0
    masked = tmp_path / "masked"
    assert typed("export", suspected.finding_id, "--out", masked, "-w", folder / "desk", "--masked").exit_code == 0
    assert not (masked / "data" / "conclusions.csv").exists()
    (bag / "data" / "conclusions.csv").write_text("changed", "utf-8")
    with pytest.raises(RingTraceError):
        typed("verify", bag)


def test_one_kind_can_be_searched_again(folder: Path) -> None:
    before = {each.finding_id: each.score for each in read_findings(Workspace(folder / "desk"))}
    again = typed("detect", "-w", folder / "desk", "--kind", "borrowed_card_ring")
    assert again.exit_code == 0, again.output
    rings = [each for each in read_findings(Workspace(folder / "desk")) if each.kind == "borrowed_card_ring"]
    assert rings
    assert all(before[ring.finding_id] == ring.score for ring in rings)


def test_an_unknown_preset_names_the_known_ones(folder: Path) -> None:
    with pytest.raises(RingTraceError) as refused:
        typed("load", folder / "city", "-w", folder / "desk", "--preset", "hl7")
    assert "nhsa" in (refused.value.hint or "")


def test_a_workspace_that_is_not_there_is_said_so(tmp_path: Path) -> None:
    with pytest.raises(RingTraceError) as refused:
        typed("findings", "-w", tmp_path / "nowhere")
    assert refused.value.hint
