"""Someone at a real browser: a page, and what it tried to fetch from elsewhere or to run."""

from __future__ import annotations

from typing import Any

from playwright.sync_api import Dialog, Locator, Page, Request, Response, Route, expect

VIEW = """() => ({positions: ringtraceCanvas.network.getPositions(), scale: ringtraceCanvas.network.getScale(),
    centre: ringtraceCanvas.network.getViewPosition(), mounts: ringtraceMounts})"""


class Visitor:
    """A page, and what it tried to fetch from elsewhere or to run."""

    def __init__(self, page: Page, base: str) -> None:
        self.page, self.base = page, base
        self.left: list[str] = []
        self.broken: list[str] = []
        page.route("**/*", self._local_only)
        page.on("dialog", self._dismiss)
        page.on("pageerror", lambda error: self.broken.append(str(error)))
        page.on("response", self._missing)

    def _dismiss(self, dialog: Dialog) -> None:
        self.broken.append(f"dialog {dialog.message}")
        dialog.dismiss()

    def _missing(self, response: Response) -> None:
        if response.status >= 400:
            self.broken.append(f"{response.status} {response.url}")

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

    def own_query(self) -> Locator:
        """Open the tab for Cypher of one's own; the field to type it into."""
        self.page.get_by_role("tab", name="Write your own").click()
        field = self.page.get_by_role("combobox", name="Cypher query")
        expect(field).to_be_visible()
        return field

    def canvas(self, nodes: int) -> None:
        """Wait until that many nodes stand on the canvas."""
        self.page.wait_for_function(f"globalThis.ringtraceCanvas?.nodes.length === {nodes}")

    def view(self) -> dict[str, Any]:
        seen: dict[str, Any] = self.page.evaluate(VIEW)
        return seen

    def at(self, node_id: str) -> tuple[float, float]:
        where = self.page.evaluate("id => ringtraceCanvas.at(id)", node_id)
        return where["x"], where["y"]
