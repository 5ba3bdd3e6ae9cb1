"""A query that takes its time can be stopped, and its page says so."""

from __future__ import annotations

import threading
import time
from typing import Any

import pytest
import streamlit as st
from factories.visitor import Visitor
from playwright.sync_api import expect

from ringtrace.app_pages import running
from ringtrace.app_pages.shell import Desk
from ringtrace.errors import RingTraceError

ENDLESS = "UNWIND range(1, 100000) AS a UNWIND range(1, 100000) AS b WITH a, b WHERE a + b < 0 RETURN count(*)"


@pytest.fixture
def session(monkeypatch: pytest.MonkeyPatch) -> dict[str, Any]:
    state: dict[str, Any] = {}
    monkeypatch.setattr(st, "session_state", state)
    return state


def test_work_gives_its_result_once_or_raises_what_the_task_raised(session: dict[str, Any]) -> None:
    desk = Desk(None, "en", masked=False)
    assert running.outcome(desk, "one") is None
    running.begin("one", lambda cancel: 7)
    assert running.outcome(desk, "other") is None
    assert running.outcome(desk, "one") == 7
    assert running.outcome(desk, "one") is None

    def fail(cancel: threading.Event) -> None:
        raise RingTraceError("no")

    running.begin("two", fail)
    with pytest.raises(RingTraceError, match="no"):
        running.outcome(desk, "two")
    assert session == {}


def test_new_work_stops_what_was_under_way(session: dict[str, Any]) -> None:
    ended = threading.Event()

    def endless(cancel: threading.Event) -> None:
        if cancel.wait(30):
            ended.set()

    running.begin("one", endless)
    running.begin("two", lambda cancel: None)
    assert ended.wait(5)


@pytest.mark.browser
@pytest.mark.xdist_group("browser")
def test_a_running_query_is_stopped_by_its_button(visitor: Visitor) -> None:
    visitor.open("queries")
    page = visitor.page
    field = visitor.own_query()
    field.fill(ENDLESS)
    began = time.monotonic()
    field.press("Control+Enter")
    page.get_by_role("button", name="Stop the query").click(timeout=20_000)
    expect(page.get_by_text("The query was stopped as asked")).to_be_visible(timeout=10_000)
    assert time.monotonic() - began < 25, "it ended by itself"
