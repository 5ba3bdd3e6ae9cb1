"""What the server opens while the browser starts."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest
import streamlit as st

from ringtrace.app_pages import shell
from ringtrace.app_pages.serve import warm
from ringtrace.workspace import Workspace


def test_what_was_opened_ahead_is_what_the_pages_use(workspace: Workspace, monkeypatch: pytest.MonkeyPatch) -> None:
    st.cache_resource.clear()
    warm(workspace.path)

    def refuse(*_: object) -> None:
        raise AssertionError("read again")

    monkeypatch.setattr(shell, "read_findings", refuse)
    monkeypatch.setattr(shell, "open_graph", refuse)
    desk = shell.Desk(workspace.path, "en", masked=False)
    assert desk.findings()
    assert desk.graph().counts().nodes["Patient"] > 0


def test_what_is_absent_is_left_to_the_page_that_asks(workspace: Workspace, tmp_path: Path) -> None:
    warm(tmp_path / "nowhere")
    shutil.rmtree(workspace.path / "graph")
    warm(workspace.path)
    Workspace(tmp_path / "empty", create=True)
    warm(tmp_path / "empty")
