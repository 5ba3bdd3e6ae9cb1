"""The process that serves the app: Streamlit, and beside its start a thread that opens what every page will ask for.

Libraries, views, findings and graph take as long to open as a page takes to draw; while the browser starts, nobody
waits for them.
"""

from __future__ import annotations

import importlib
import sys
import threading
import time
from pathlib import Path

from streamlit import runtime
from streamlit.web import cli

from ringtrace.app_pages.launch import workspace_path
from ringtrace.app_pages.shell import PAGES, Desk
from ringtrace.app_pages.wording import titles
from ringtrace.errors import RingTraceError
from ringtrace.texts import default_language
from ringtrace.workspace import Workspace


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
    importlib.import_module("ringtrace.detectors")  # which pages ask for late, since it takes longer than all of them


def _prepare(folder: Path) -> None:
    warm(folder)
    import_pages()


def main() -> None:
    """Serve as `streamlit` does with the same arguments."""
    folder = workspace_path(sys.argv)
    if folder is not None:
        threading.Thread(target=_prepare, args=(folder,), name="warm", daemon=True).start()
    cli.main(prog_name="streamlit")


if __name__ == "__main__":
    main()
