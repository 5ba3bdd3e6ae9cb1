"""The process that serves the app: Streamlit, and beside its start a thread that opens what every page will ask for.

Libraries, views, findings and graph take as long to open as a page takes to draw; while the browser starts, nobody
waits for them.
"""

from __future__ import annotations

import argparse
import contextlib
import importlib
import sys
import threading
import time
import webbrowser
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any, Final

import streamlit as st
from starlette.middleware import Middleware
from streamlit import config, env_util, runtime

from ringtrace.app_pages.frontend import Frontend
from ringtrace.app_pages.shell import NOWHERE, PAGES, Desk
from ringtrace.app_pages.wording import titles
from ringtrace.errors import RingTraceError
from ringtrace.queries.library import prebuilt
from ringtrace.texts import default_language
from ringtrace.workspace import Workspace

_SCRIPT: Final = Path(__file__).parent.parent / "app.py"


def warm(folder: Path) -> None:
    """Open the workspace as the pages do; what is absent is told by the page that asks for it."""
    try:
        Workspace(folder)
        desk = Desk(folder, default_language(), masked=False)
        titles(desk)
        with desk.connect() as connection:
            connection.execute("SELECT setl_time, medfee_sumamt FROM settlements LIMIT 1").df()
        desk.graph()
    except RingTraceError:
        return


def import_pages() -> None:
    """Import what the pages import, once Streamlit runs: their caches ask it where to keep things."""
    while not runtime.exists():
        time.sleep(0.02)
    for page in PAGES:
        importlib.import_module(f"ringtrace.app_pages.{page.url}")
    # What Streamlit itself puts off until the first page is drawn: a list of emoji, a look through all modules.
    importlib.import_module("streamlit.emojis")
    env_util.is_repl()
    prebuilt()
    importlib.import_module("ringtrace.detectors")  # which pages ask for late, since it takes longer than all of them


def _prepare(folder: Path) -> None:
    warm(folder)
    import_pages()


@contextlib.asynccontextmanager
async def _shown(_: st.App) -> AsyncIterator[dict[str, Any] | None]:
    """Open the browser as the server begins to answer; its socket listens already, so it only waits."""
    if not config.get_option("server.headless"):
        address = f"http://127.0.0.1:{config.get_option('server.port')}"
        threading.Thread(target=webbrowser.open, args=(address,), name="browser", daemon=True).start()
    yield None


def main() -> None:
    """Serve until the process is stopped. Arguments: `--port N`, `--headless`, `--workspace DIR`."""
    parser = argparse.ArgumentParser(prog="ringtrace app")
    parser.add_argument("--port", type=int, default=8501)
    parser.add_argument("--headless", action="store_true")
    parser.add_argument("--workspace", type=Path, required=True)
    asked = parser.parse_args()
    threading.Thread(target=_prepare, args=(asked.workspace,), name="warm", daemon=True).start()
    # Streamlit looks for its settings beside the script that was started, and the pages for their workspace here.
    sys.argv = [str(_SCRIPT), "--workspace", str(asked.workspace)]
    frontend = Middleware(Frontend, pages=[page.url for page in (*PAGES, NOWHERE)], canvas=["explore"])
    served = st.App(_SCRIPT, middleware=[frontend], lifespan=_shown)
    # Ctrl-C has closed everything in order by the time it is raised again.
    with contextlib.suppress(KeyboardInterrupt):
        served.run(config={"server.port": asked.port, "server.headless": asked.headless})


if __name__ == "__main__":
    main()
