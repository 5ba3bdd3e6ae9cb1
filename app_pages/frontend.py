"""What a browser fetches before it can draw: the page itself, Streamlit's scripts, the library of the canvas.

A first visit asks for more than a hundred files. Streamlit looks each of them up on the disk and through its whole
stack; here they are kept in memory and answered at once, which halves what a first visit costs the server. The page
also tells the browser where the server is: otherwise Streamlit guesses it from the address, and at every address below
the root asks in the wrong place first. And it names the scripts of what every page draws: Streamlit asks for them one
after another when it meets the first of each, while the server is busy with the page itself.
"""

from __future__ import annotations

import asyncio
import hashlib
import mimetypes
import re
from collections.abc import Collection
from functools import cache
from pathlib import Path
from typing import Final
from urllib.parse import quote

import pyvis
import streamlit
from starlette.types import ASGIApp, Receive, Scope, Send

from ringtrace.app_pages.files import ADDRESS as TABLES
from ringtrace.app_pages.files import KINDS, asked_for
from ringtrace.app_pages.painting import ADDRESS as PAINTED
from ringtrace.app_pages.painting import painted
from ringtrace.app_pages.shell import NOWHERE

_STATIC: Final = Path(streamlit.__file__).parent / "static"
_VIS: Final = Path(pyvis.__file__).parent / "lib" / "vis-9.1.2" / "vis-network.min.js"
_HERE: Final = "<script>window.__streamlit = {BACKEND_BASE_URL: location.origin}</script>"
DRAWN: Final = ("ButtonGroup", "Checkbox", "Html")
"""Scripts of what stands on every page, by the beginning of their files' names."""
DRAWN_WITH_CANVAS: Final = ("TextInput", "Selectbox", "Button", "BidiComponent")
_NO_PAGES: Final = (TABLES, "/static/", "/library/", "/_stcore/", "/media/", "/component/")
"""What a browser may open that is no page."""
_IMPORTED: Final = re.compile(r'(?:from|import)"\./([^"]+\.js)"')
_FOREVER: Final = b"public, immutable, max-age=31536000"  # a file's name holds its digest

Answer = tuple[list[tuple[bytes, bytes]], bytes]
"""Headers and body; no headers for what is not there."""


class Frontend:
    """ASGI middleware that answers for the pages' addresses and the files they load, and hands the rest on to `app`.

    Parameters
    ----------
    app:
        Streamlit.
    pages:
        The addresses of the pages, without a slash.
    canvas:
        Those of them that draw the canvas: its library is fetched beside Streamlit's scripts.
    """

    def __init__(self, app: ASGIApp, pages: Collection[str], canvas: Collection[str] = ()) -> None:
        self._app = app
        self._pages = {f"/{page}": _index(page in canvas) for page in ("", *pages)}
        self._files: dict[str, Answer | None] = {library_address(): _kept(_VIS)}
        for address in re.findall(r'(?:src|href)="\./(static/[^"]+)"', _index_text()):
            self._file(f"/{address}")

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] == "http" and self._leads_nowhere(scope):
            there = f"/{NOWHERE.url}?address={quote(scope['path'], safe='')}"
            await send({"type": "http.response.start", "status": 303, "headers": [(b"location", there.encode())]})
            await send({"type": "http.response.body", "body": b""})
            return
        answer = await self._answer(scope["method"], scope["path"]) if scope["type"] == "http" else None
        if answer is None:
            await self._app(scope, receive, send)
            return
        headers, body = answer
        await send({"type": "http.response.start", "status": 200 if headers else 404, "headers": headers})
        await send({"type": "http.response.body", "body": body})

    def _leads_nowhere(self, scope: Scope) -> bool:
        """Whether somebody typed or followed an address of no page; Streamlit would show an empty one, or another."""
        path = scope["path"]
        return (
            scope["method"] == "GET"
            and (b"sec-fetch-mode", b"navigate") in scope["headers"]
            and path.rstrip("/") not in {page.rstrip("/") for page in self._pages}
            and not path.startswith(_NO_PAGES)
        )

    async def _answer(self, method: str, path: str) -> Answer | None:
        if method == "POST" and path.startswith(PAINTED) and painted(path.removeprefix(PAINTED)):
            return _with_headers(b"", "text/plain", b"no-store")
        if method != "GET":
            return None
        if path.startswith("/static/"):
            return self._file(path)
        if path.startswith(TABLES):
            return await asyncio.to_thread(_table, path)  # others do not wait while a workbook is written
        return self._pages.get(path) or self._files.get(path)

    def _file(self, path: str) -> Answer | None:
        """A file of Streamlit's, from memory after the first time; None for what is not there, kept for nobody."""
        if path not in self._files:
            file = (_STATIC / path[1:]).resolve()
            if not file.is_relative_to(_STATIC.resolve()) or not file.is_file():
                return None
            self._files[path] = _kept(file)
        return self._files[path]


@cache
def library_address() -> str:
    """Where the browser finds vis-network, from the installed pyvis."""
    return f"/library/vis-network.{hashlib.sha256(_VIS.read_bytes()).hexdigest()[:8]}.js"


def scripts_of(parts: Collection[str]) -> list[str]:
    """The files of Streamlit's scripts for `parts`, with all that they import; without a part that it no longer has."""
    folder = _STATIC / "static" / "js"
    waiting = [file.name for part in parts for file in folder.glob(f"{part}.*.js")]
    found: dict[str, None] = {}
    while waiting:
        name = waiting.pop()
        if name not in found:
            found[name] = None
            waiting += _IMPORTED.findall((folder / name).read_text("utf-8"))
    return [name for name in sorted(found) if name not in _index_text()]


@cache
def _index_text() -> str:
    return (_STATIC / "index.html").read_text("utf-8")


@cache
def _index(canvas: bool) -> Answer:
    """Streamlit's page, with the server's place and the app's name in its head."""
    library = f'<script defer fetchpriority="low" src="{library_address()}"></script>' if canvas else ""
    wanted = scripts_of((*DRAWN, *(DRAWN_WITH_CANVAS if canvas else ())))
    early = "".join(
        f'<link rel="modulepreload" crossorigin fetchpriority="low" href="/static/js/{name}">' for name in wanted
    )
    page = _index_text().replace("<title>Streamlit</title>", "<title>RingTrace</title>")
    page = page.replace("</head>", f"{_HERE}{library}{early}</head>")
    return _with_headers(page.encode(), "text/html; charset=utf-8", b"no-cache")


def _table(path: str) -> Answer:
    """The file that a page hands over at that address; a stranger's address, or that of an ended session, has none."""
    asked = asked_for(path)
    if asked is None:
        return [], b""
    form, write = asked
    headers, body = _with_headers(write(), KINDS[form], b"no-store")
    return [*headers, (b"content-disposition", b"attachment")], body  # its name is in the address


def _kept(file: Path) -> Answer:
    return _with_headers(file.read_bytes(), mimetypes.guess_type(file.name)[0] or "application/octet-stream", _FOREVER)


def _with_headers(body: bytes, kind: str, caching: bytes) -> Answer:
    return [
        (b"content-type", kind.encode()),
        (b"content-length", str(len(body)).encode()),
        (b"cache-control", caching),
        (b"x-content-type-options", b"nosniff"),
    ], body
