"""Someone at a real browser: a page, and what it tried to fetch from elsewhere or to run."""

from __future__ import annotations

import contextlib
import socket
import subprocess
import time
import urllib.request
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import Dialog, Page, Request, Route

from ringtrace.app_pages.launch import command

VIEW = """() => ({positions: ringtraceCanvas.network.getPositions(), scale: ringtraceCanvas.network.getScale(),
    centre: ringtraceCanvas.network.getViewPosition(), mounts: ringtraceMounts})"""


@contextlib.contextmanager
def served(folder: Path) -> Iterator[str]:
    """The app for the workspace in `folder`, on a free port of loopback."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    with subprocess.Popen(command(folder, port=port, headless=True), stdout=subprocess.DEVNULL) as process:
        try:
            base = f"http://127.0.0.1:{port}"
            _wait(f"{base}/_stcore/health")
            yield base
        finally:
            process.terminate()


def _wait(url: str) -> None:
    for _ in range(100):
        try:
            with urllib.request.urlopen(url, timeout=1):
                return
        except OSError:
            time.sleep(0.2)
    pytest.fail(f"{url} does not answer")


class Visitor:
    """A page, and what it tried to fetch from elsewhere or to run."""

    def __init__(self, page: Page, base: str) -> None:
        self.page, self.base = page, base
        self.left: list[str] = []
        self.broken: list[str] = []
        page.route("**/*", self._local_only)
        page.on("dialog", self._dismiss)
        page.on("pageerror", lambda error: self.broken.append(str(error)))

    def _dismiss(self, dialog: Dialog) -> None:
        self.broken.append(f"dialog {dialog.message}")
        dialog.dismiss()

    def _local_only(self, route: Route, request: Request) -> None:
        if request.url.startswith((self.base, "data:", "blob:")):
            route.continue_()
        else:
            self.left.append(request.url)
            route.abort()

    def open(self, path: str) -> None:
        self.page.goto(f"{self.base}/{path}")
        self.page.wait_for_selector("[data-testid=stSidebarNav]")
        self.page.wait_for_selector("[data-testid=stApp][data-test-script-state=notRunning]")

    def canvas(self, nodes: int) -> None:
        """Wait until that many nodes stand on the canvas."""
        self.page.wait_for_function(f"globalThis.ringtraceCanvas?.nodes.length === {nodes}")

    def view(self) -> dict[str, Any]:
        seen: dict[str, Any] = self.page.evaluate(VIEW)
        return seen

    def at(self, node_id: str) -> tuple[float, float]:
        where = self.page.evaluate("id => ringtraceCanvas.at(id)", node_id)
        return where["x"], where["y"]
