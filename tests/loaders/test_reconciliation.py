"""Every row read is loaded, replaced, identical, in quarantine or counted with its reason: for every preset."""

from __future__ import annotations

import copy
import tempfile
from pathlib import Path

import pytest
from factories.delivery import deliver
from factories.fuzz import examples
from factories.presets import SMALL, Files
from factories.settled import assert_reconciled, rows
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st

from ringtrace.errors import RingTraceError
from ringtrace.loaders import LoadReport, load_folder, read_quarantine
from ringtrace.loaders.presets import PRESETS
from ringtrace.workspace import Workspace

WRITTEN = (
    "",
    " ",
    "0",
    "1",
    "-5",
    "D",
    "P1",
    "e1",
    "S1",
    "x|y",
    "1,234.5",
    "2025-13-01",
    "2024年5月6日",
    "\0",
    '"',
    "٣",
)


@st.composite
def damaged(draw: st.DrawFn, preset: str) -> Files:
    """The preset's delivery with cells overwritten and rows repeated, in any of its files."""
    files = copy.deepcopy(SMALL[preset])
    for _ in range(draw(st.integers(0, 6))):
        content = files[draw(st.sampled_from(sorted(files)))]
        row = draw(st.sampled_from(content))
        if draw(st.booleans()):
            content.append(dict(row))
        row[draw(st.sampled_from(sorted(row)))] = draw(st.sampled_from(WRITTEN))
    return files


def check(files: Files, report: LoadReport, workspace: Path) -> None:
    assert {file.file: file.read for file in report.files} == {name: len(content) for name, content in files.items()}
    assert_reconciled(report)
    assert report.total("quarantined") == len(read_quarantine(Workspace(workspace)))


def test_every_preset_has_its_small_delivery() -> None:
    assert SMALL.keys() == {preset.name for preset in PRESETS}


@pytest.mark.parametrize("preset", SMALL)
@settings(
    max_examples=examples(2),
    suppress_health_check=[HealthCheck.too_slow],
    phases=[Phase.explicit, Phase.reuse, Phase.generate],
)
@given(data=st.data())
def test_the_sum_is_right_whatever_the_rows_hold(preset: str, data: st.DataObject) -> None:
    files = data.draw(damaged(preset))
    with tempfile.TemporaryDirectory() as name:
        folder, workspace = deliver(Path(name) / "in", files), Path(name) / "ws"
        first = load_folder(folder, Workspace(workspace, create=True), max_bad_share=1.0)
        assert first.preset == preset
        check(files, first, workspace)
        for state in first.states:
            loaded = sum(file.loaded for file in first.files if file.table == state.table)
            assert state.rows == loaded + state.derived.get("loaded", 0), state
            assert rows(workspace, f"SELECT count(*) FROM {state.table}") == [(state.rows,)]
        again = load_folder(folder, Workspace(workspace), max_bad_share=1.0)
        check(files, again, workspace)
        assert (again.changed, again.total("loaded"), again.total("replaced")) == (False, 0, 0)


@pytest.mark.parametrize("preset", SMALL)
def test_a_refused_delivery_leaves_no_generation(tmp_path: Path, preset: str) -> None:
    files = copy.deepcopy(SMALL[preset])
    for content in files.values():
        content[:] = [dict.fromkeys(row, "\x00") for row in content]
    with pytest.raises(RingTraceError):
        load_folder(deliver(tmp_path / "in", files), Workspace(tmp_path / "ws", create=True))
    assert Workspace(tmp_path / "ws").generation == 0
