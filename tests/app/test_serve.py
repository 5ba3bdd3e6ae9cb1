"""What the server opens while the browser starts."""

from __future__ import annotations

import asyncio
import gc
import re
import shutil
import sys
import threading
from pathlib import Path
from typing import Any
from unittest.mock import Mock

import pytest
import streamlit as st
from factories.casebook import RING, Opener
from streamlit.testing.v1 import AppTest

from ringtrace.app_pages import painting, serve, shell
from ringtrace.app_pages.frontend import DRAWN, DRAWN_WITH_CANVAS, Frontend, library_address, scripts_of
from ringtrace.app_pages.serve import warm
from ringtrace.findings import Finding, read_findings
from ringtrace.workspace import Workspace

STATIC = Path(st.__file__).parent / "static"


def test_what_was_opened_ahead_is_what_the_pages_use(workspace: Workspace, monkeypatch: pytest.MonkeyPatch) -> None:
    st.cache_resource.clear()
    read = Mock(wraps=Finding.from_json)
    monkeypatch.setattr(Finding, "from_json", read)
    warm(workspace.path)

    def refuse(*_: object) -> None:
        raise AssertionError("read again")

    monkeypatch.setattr(shell, "read_findings", refuse)
    monkeypatch.setattr(shell, "open_graph", refuse)
    desk = shell.Desk(workspace.path, "en", masked=False)
    assert len(desk.findings()) == read.call_count
    assert desk.graph().counts().nodes["Patient"] > 0


def test_what_streamlit_and_the_queries_put_off_is_done_ahead(monkeypatch: pytest.MonkeyPatch) -> None:
    modules, library = Mock(), Mock()
    monkeypatch.setattr(serve, "runtime", Mock(exists=Mock(side_effect=[False, True])))
    monkeypatch.setattr("streamlit.env_util.is_repl", modules)
    monkeypatch.setattr(serve, "prebuilt", library)
    monkeypatch.delitem(sys.modules, "streamlit.emojis", raising=False)
    serve.import_pages()
    assert modules.called
    assert library.called
    assert "streamlit.emojis" in sys.modules


def test_what_is_absent_is_left_to_the_page_that_asks(workspace: Workspace, tmp_path: Path) -> None:
    warm(tmp_path / "nowhere")
    shutil.rmtree(workspace.path / "graph")
    warm(workspace.path)
    Workspace(tmp_path / "empty", create=True)
    warm(tmp_path / "empty")


def _ask(path: str, method: str = "GET", *, typed: bool = False) -> tuple[int, bytes]:
    """Status and body of what the browser gets; 0 and the path where Streamlit is left to answer.

    `typed`: somebody typed the address or followed a link to it; else a script of the page asks.
    """
    sent: list[dict[str, Any]] = []

    async def streamlit_itself(scope: Any, receive: Any, send: Any) -> None:
        await send({"status": 0, "body": scope["path"].encode()})

    async def send(message: Any) -> None:
        sent.append(dict(message))

    async def receive() -> dict[str, Any]:
        return {}

    headers = [(b"sec-fetch-mode", b"navigate" if typed else b"cors")]
    asked = {"type": "http", "method": method, "path": path, "headers": headers}
    asyncio.run(Frontend(streamlit_itself, ["finding", "explore"], ["explore"])(asked, receive, send))
    return sent[0]["status"], dict(sent[0].get("headers", [])).get(b"location", sent[-1]["body"])


def test_the_page_says_where_the_server_is_and_its_files_come_from_memory() -> None:
    status, page = _ask("/finding")
    assert status == 200
    assert b"BACKEND_BASE_URL: location.origin" in page
    assert library_address().encode() not in page
    assert library_address().encode() in _ask("/explore")[1]
    scripts = re.findall(r'(?:src|href)="\.(/static/js/[^"]+)"', page.decode())
    assert len(scripts) > 20
    for script in scripts:
        assert _ask(script) == (200, (STATIC / script[1:]).read_bytes())
    assert b"vis-network" in _ask(library_address())[1][:2_000]


def test_the_scripts_of_what_is_drawn_are_named_in_the_page() -> None:
    """Streamlit would ask for them one after another; a new version may call them otherwise."""
    parts = (*DRAWN, *DRAWN_WITH_CANVAS)
    wanted = scripts_of(parts)
    assert {name.split(".")[0] for name in wanted} >= set(parts)
    assert scripts_of(["NoSuchPart"]) == []
    finding, explore = (_ask(path)[1].decode() for path in ("/finding", "/explore"))
    for name in wanted:
        assert _ask(f"/static/js/{name}")[0] == 200
        assert explore.count(name) == 1
    assert all(name in finding for name in scripts_of(DRAWN))
    assert not any(name in finding for name in wanted if name.split(".")[0] in DRAWN_WITH_CANVAS)


def test_an_address_of_no_page_leads_to_the_page_that_says_so() -> None:
    assert _ask("/old/<b>?", typed=True) == (303, b"/nowhere?address=%2Fold%2F%3Cb%3E%3F")
    assert _ask("/finding/x", typed=True)[0] == 303
    for path in ("/finding/", "//", "/media/x.png", "/_stcore/health", "/component/x/index.html"):
        assert _ask(path, typed=True) == (0, path.encode())
    assert _ask("/finding", typed=True)[0] == 200


@pytest.mark.parametrize(
    ("path", "method"),
    [("/static/js/absent.js", "GET"), ("/static/../../config.py", "GET"), ("/static", "GET"), ("/finding/x", "GET"),
     ("/_stcore/health", "GET"), ("/finding", "POST"), ("/finding", "HEAD")],
)  # fmt: skip
def test_everything_else_is_left_to_streamlit(path: str, method: str) -> None:
    assert _ask(path, method) == (0, path.encode())


def test_no_file_outside_is_handed_over() -> None:
    outside = f"/static/{'../' * 20}etc/hostname"
    assert _ask(outside) == (0, outside.encode())


def test_a_table_has_one_address_while_its_session_lasts(workspace: Workspace, open_app: Opener) -> None:
    app = open_app(workspace, "finding", id=RING)
    links = [each for html in app.get("html") for each in re.findall(r'href="(/table/[^"]+)"', html.proto.body)]
    assert [link.rpartition("/")[2] for link in links] == ["ringtrace-settlements.csv", "ringtrace-settlements.xlsx"]
    app.run()
    status, content = _ask(links[0])
    assert (status, content.decode("utf-8-sig").count("康宁大药房")) == (200, 0)
    assert content.count(b"\n") == 1 + len(read_findings(workspace)[0].evidence)
    assert _ask(links[1])[1].startswith(b"PK")
    assert _ask(links[0].replace("/table/", "/table/x"))[0] == 404
    assert _ask(links[0] + ".exe")[0] == 404
    del app.session_state["shelf"]  # as when the session ends
    gc.collect()
    assert _ask(links[0])[0] == 404


def test_a_session_keeps_its_latest_tables_only() -> None:
    def page() -> None:
        from functools import partial

        from ringtrace.app_pages.files import show_links

        def written(number: int, form: str) -> bytes:
            return f"{form} {number}".encode()

        for number in range(20):
            show_links(f"t{number}", partial(written, number), key=str(number))

    app = AppTest.from_function(page).run()
    links = [re.findall(r'href="([^"]+)"', html.proto.body)[0] for html in app.get("html")]
    assert [_ask(link)[0] for link in links] == [404] * 4 + [200] * 16
    assert _ask(links[-1]) == (200, b"csv 19")


def test_the_browser_tells_once_that_the_top_is_shown_and_strangers_tell_nothing() -> None:
    shown = threading.Event()
    painting._waiting["word"] = shown
    try:
        assert _ask("/painted/other", "POST") == (0, b"/painted/other")
        assert _ask("/painted/word") == (0, b"/painted/word")
        assert not shown.is_set()
        assert _ask("/painted/word", "POST") == (200, b"")
        assert shown.is_set()
    finally:
        painting._waiting.clear()
