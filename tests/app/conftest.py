"""Workspaces that the app's tests open: made once, copied where a test writes."""

from __future__ import annotations

import os
import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from factories.casebook import Opener, casebook
from factories.visitor import Visitor
from playwright.sync_api import sync_playwright
from streamlit.testing.v1 import AppTest

from ringtrace.app_pages.launch import WORKSPACE_VARIABLE, served
from ringtrace.workspace import Workspace

ROOT = Path(__file__).parent.parent.parent
CHROMIUM = shutil.which("chromium") or shutil.which("chromium-browser")
REQUIRED = os.environ.get("REQUIRE_BROWSER") == "1"


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
        app.session_state["painted"] = True  # as in a browser that has shown a page: everything is drawn
        if page:
            app.switch_page(f"app_pages/{page}.py")
            app.query_params.update(query)
        return app.run()

    return opened


# The server lives as long as the tests; the browser only for a module, since Playwright keeps an event loop running
# that other tests in the same process would trip over.
@pytest.fixture(scope="session")
def address(built: Workspace, tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    if CHROMIUM is None:
        if REQUIRED:
            pytest.fail("REQUIRE_BROWSER=1, but there is no chromium on the path")
        pytest.skip("there is no chromium on the path")
    copy = tmp_path_factory.mktemp("served") / "workspace"
    shutil.copytree(built.path, copy)
    with served(copy) as base:
        yield base


@pytest.fixture(scope="module")
def browser(address: str) -> Iterator[Any]:
    with sync_playwright() as playwright:
        chromium = playwright.chromium.launch(
            executable_path=CHROMIUM, args=["--no-sandbox", "--disable-background-networking"]
        )
        yield chromium
        chromium.close()


@pytest.fixture
def visitor(browser: Any, address: str) -> Iterator[Visitor]:
    context = browser.new_context(viewport={"width": 1366, "height": 768}, locale="en-US")
    visit = Visitor(context.new_page(), address)
    yield visit
    context.close()
    assert visit.left == []
    assert visit.broken == []
