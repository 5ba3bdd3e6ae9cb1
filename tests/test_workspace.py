"""A workspace is whole at every moment: one writer, pointers that move at once, readers that keep what they opened."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from ringtrace.data_schema import tables
from ringtrace.errors import RingTraceError
from ringtrace.workspace import Workspace, has_rows, write_atomic


@pytest.fixture
def workspace(tmp_path: Path) -> Workspace:
    return Workspace(tmp_path / "workspace", create=True)


def test_a_new_workspace_has_every_table_empty_and_typed(workspace: Workspace) -> None:
    connection = workspace.connect()
    for table in tables().values():
        described = {row[0]: row[1] for row in connection.execute(f"DESCRIBE {table.name}").fetchall()}
        assert described == table.sql_columns
        assert not has_rows(connection, table.name)


def test_a_missing_workspace_says_what_to_type(tmp_path: Path) -> None:
    with pytest.raises(RingTraceError, match="not a RingTrace workspace") as caught:
        Workspace(tmp_path / "nowhere")
    assert "ringtrace load" in caught.value.hint


def test_a_folder_of_other_files_is_left_alone(tmp_path: Path) -> None:
    (tmp_path / "thesis.doc").write_text("mine")
    with pytest.raises(RingTraceError, match="other files"):
        Workspace(tmp_path, create=True)
    assert [file.name for file in tmp_path.iterdir()] == ["thesis.doc"]


def test_a_later_format_is_refused(workspace: Workspace) -> None:
    (workspace.path / "workspace.json").write_text('{"ringtrace_workspace": 99}')
    with pytest.raises(RingTraceError, match="format 99"):
        Workspace(workspace.path)


def test_generations_follow_each_other(workspace: Workspace) -> None:
    assert workspace.generation == 0
    assert workspace.commit({"tables": {}}) == 1
    assert workspace.commit({"tables": {}}) == 2
    assert (workspace.generation, workspace.manifest(1)["generation"]) == (2, 1)


def test_a_manifest_without_its_pointer_does_not_count(workspace: Workspace) -> None:
    workspace.commit({"tables": {}})
    write_atomic(workspace.path / "generations" / "000002.json", '{"tables": {"persons": ["gone.parquet"]}}')
    assert workspace.manifest()["generation"] == 1


def test_a_failed_write_leaves_the_old_file_and_nothing_else(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    target = tmp_path / "CURRENT"
    write_atomic(target, "1\n")

    def fail(*_: object) -> None:
        raise OSError("No space left on device")

    monkeypatch.setattr(Path, "replace", fail)
    with pytest.raises(OSError, match="No space left"):
        write_atomic(target, "2\n")
    assert target.read_text() == "1\n"
    assert list(tmp_path.iterdir()) == [target]


def test_the_second_writer_is_told_at_once(workspace: Workspace) -> None:
    second = "import sys; from ringtrace.workspace import Workspace; Workspace(sys.argv[1]).writing().__enter__()"
    with workspace.writing() as scratch:
        tried = subprocess.run(
            [sys.executable, "-c", second, workspace.path], capture_output=True, text=True, env={"LANG": "C"}
        )
        assert "Another process is writing" in tried.stderr
        assert scratch.is_dir(), "the refused writer must not empty the other one's scratch folder"
    with workspace.writing():
        pass


def test_a_killed_writers_scratch_is_emptied_by_the_next(workspace: Workspace) -> None:
    left = workspace.path / "tmp" / "left-by-a-killed-writer"
    left.mkdir(parents=True)
    with workspace.writing() as scratch:
        assert not left.exists()
        assert scratch.is_dir()
    assert not scratch.exists()
