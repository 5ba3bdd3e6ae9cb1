"""The same city through every layout gives the same findings, id for id."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from factories.layouts import LAYOUTS

from ringtrace.detectors import detect
from ringtrace.findings import Finding, read_findings
from ringtrace.loaders import LoadReport, load_folder
from ringtrace.simulate import simulate
from ringtrace.workspace import Workspace

# One process of a parallel run gets these tests, so that what they share is made once.
pytestmark = pytest.mark.xdist_group("layouts")

SEED = 7


def found_in(folder: Path, workspace: Workspace) -> tuple[LoadReport, list[Finding]]:
    report = load_folder(folder, workspace)
    detect(workspace)
    return report, sorted(read_findings(workspace), key=lambda finding: finding.finding_id)


def told(finding: Finding) -> dict[str, Any]:
    """A finding without what names the source file."""
    said = finding.to_contract("en")
    said["evidence"] = sorted((row["table"], row["key"]) for row in said["evidence"])
    return said


@pytest.fixture(scope="module")
def city(tmp_path_factory: pytest.TempPathFactory) -> Path:
    out = tmp_path_factory.mktemp("city") / "contract"
    simulate(out, persons=800, seed=SEED, difficulty="easy", months=4)
    return out


@pytest.fixture(scope="module")
def contract(city: Path, tmp_path_factory: pytest.TempPathFactory) -> tuple[Workspace, list[Finding]]:
    workspace = Workspace(tmp_path_factory.mktemp("contract"), create=True)
    _, findings = found_in(city, workspace)
    kinds = {finding.kind for finding in findings}
    assert len(kinds) >= 3, f"seed {SEED} gives a city with findings of {kinds} only: the comparison would say little"
    return workspace, findings


@pytest.mark.parametrize("layout", LAYOUTS)
def test_every_layout_gives_the_same_findings(
    layout: str, city: Path, contract: tuple[Workspace, list[Finding]], tmp_path: Path
) -> None:
    workspace = Workspace(tmp_path / "workspace", create=True)
    report, findings = found_in(LAYOUTS[layout](city, tmp_path / layout), workspace)
    assert report.total("quarantined") == 0
    with workspace.connect() as connection, contract[0].connect() as expected:
        for name in ("settlements", "settlement_items", "inventory", "tips"):
            rows = f"SELECT * EXCLUDE (_source, _row) FROM {name} ORDER BY ALL"
            assert connection.execute(rows).fetchall() == expected.execute(rows).fetchall(), name
    assert [told(finding) for finding in findings] == [told(finding) for finding in contract[1]]
