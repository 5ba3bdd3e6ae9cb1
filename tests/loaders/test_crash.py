"""kill -9 at any step leaves the earlier state whole, and the next load goes through."""

from __future__ import annotations

import signal
import subprocess
import sys
import textwrap
from pathlib import Path

import pytest
from factories.delivery import deliver
from factories.settled import load, rows, settlement

from ringtrace.loaders import load_folder
from ringtrace.workspace import Workspace

# Where the process kills itself: a function that every load calls, and at which of its calls.
POINTS = [
    ("ringtrace.loaders.sources.make_durable", 1),
    ("ringtrace.loaders.tables.link_rows", 2),
    ("ringtrace.workspace.write_atomic", 1),  # the manifest
    ("ringtrace.workspace.write_atomic", 2),  # the pointer
]


@pytest.mark.parametrize(("function", "call"), POINTS, ids=[f"{name.split('.')[-1]}-{call}" for name, call in POINTS])
def test_a_killed_load_never_happened(tmp_path: Path, function: str, call: int) -> None:
    load(tmp_path / "1", tmp_path / "ws", {"settlements.csv": [settlement(1)], "persons.csv": [{"psn_no": "P1"}]})
    before = Workspace(tmp_path / "ws").manifest()
    second = deliver(
        tmp_path / "2",
        {
            "settlements.csv": [settlement(1, invono="new"), settlement(2)],
            "persons.csv": [{"psn_no": "P1", "tel": "1"}],
        },
    )
    code = f"""
        import importlib, os, signal
        from ringtrace.loaders import load_folder
        from ringtrace.workspace import Workspace
        module, name = {function!r}.rsplit(".", 1)
        module = importlib.import_module(module)
        original, calls = getattr(module, name), 0
        def killing(*arguments, **options):
            global calls
            calls += 1
            if calls == {call}:
                os.kill(os.getpid(), signal.SIGKILL)
            return original(*arguments, **options)
        workspace = Workspace({str(tmp_path / "ws")!r})
        setattr(module, name, killing)
        load_folder({str(second)!r}, workspace)
    """
    killed = subprocess.run([sys.executable, "-c", textwrap.dedent(code)], capture_output=True, check=False, timeout=60)
    assert killed.returncode == -signal.SIGKILL, killed.stderr.decode()

    assert Workspace(tmp_path / "ws").manifest() == before
    assert rows(tmp_path / "ws", "SELECT setl_id, invono FROM settlements") == [("S1", None)]
    report = load_folder(second, Workspace(tmp_path / "ws"))
    assert (report.total("loaded"), report.total("replaced")) == (1, 2)
    assert rows(tmp_path / "ws", "SELECT setl_id, invono FROM settlements ORDER BY 1") == [("S1", "new"), ("S2", None)]
    named = {
        file
        for number in (1, 2)
        for files in Workspace(tmp_path / "ws").manifest(number)["tables"].values()
        for file in files
    }
    left = {path.relative_to(tmp_path / "ws").as_posix() for path in (tmp_path / "ws" / "tables").rglob("*.parquet")}
    assert left == named
