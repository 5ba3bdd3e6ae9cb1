"""Workspaces that the app's tests open: made once, copied where a test writes."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest
from factories.casebook import Opener, casebook
from streamlit.testing.v1 import AppTest

from ringtrace.app_pages.launch import WORKSPACE_VARIABLE
from ringtrace.workspace import Workspace

ROOT = Path(__file__).parent.parent.parent


@pytest.fixture(scope="session")
def built(tmp_path_factory: pytest.TempPathFactory) -> Workspace:
    return casebook(tmp_path_factory.mktemp("casebook"))


@pytest.fixture
def workspace(built: Workspace, tmp_path: Path) -> Workspace:
    """A copy that a test may write to."""
    shutil.copytree(built.path, tmp_path / "workspace")
    return Workspace(tmp_path / "workspace")


@pytest.fixture
def open_app(monkeypatch: pytest.MonkeyPatch) -> Opener:
    def opened(
        workspace: Workspace | Path | None,
        page: str | None = None,
        language: str = "en",
        masked: bool = False,
        **query: str,
    ) -> AppTest:
        monkeypatch.setattr("sys.argv", ["app.py"])
        if workspace is None:
            monkeypatch.delenv(WORKSPACE_VARIABLE, raising=False)
        else:
            monkeypatch.setenv(WORKSPACE_VARIABLE, str(getattr(workspace, "path", workspace)))
        app = AppTest.from_file(str(ROOT / "app.py"), default_timeout=60)
        # One run only: the page is asked for before the first, with language and mask as a browser would have them.
        app.session_state["language"] = language
        app.session_state["masked"] = masked
        if page:
            app.switch_page(f"app_pages/{page}.py")
            app.query_params.update(query)
        return app.run()

    return opened
