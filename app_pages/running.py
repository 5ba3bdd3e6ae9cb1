"""Work that takes its time, with a button that stops it: a thread does it, and the page waits beside it.

A click on another page leaves it running; whoever comes back finds what came of it.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from concurrent.futures import Future, wait
from dataclasses import dataclass, field
from typing import Any, Final

import streamlit as st

from ringtrace.app_pages.shell import Desk

_UNSEEN: Final = 0.4  # seconds in which most work ends, before anybody looks for a button
_TURN: Final = 0.2


@dataclass(frozen=True, slots=True)
class Work:
    """Something under way: what it is called, how to stop it, and what will come of it."""

    name: str
    cancel: threading.Event = field(default_factory=threading.Event)
    result: Future[Any] = field(default_factory=Future)
    began: float = field(default_factory=time.monotonic)


def begin(name: str, task: Callable[[threading.Event], Any]) -> None:
    """Do `task` in a thread, and stop what the session had under way; `task` ends early when its event is set."""
    before: Work | None = st.session_state.get("work")
    if before is not None:
        before.cancel.set()
    work = Work(name)

    def done() -> None:
        try:
            work.result.set_result(task(work.cancel))
        except BaseException as error:  # noqa: BLE001  (whoever waits raises it)
            work.result.set_exception(error)

    st.session_state["work"] = work
    threading.Thread(target=done, name=name, daemon=True).start()


def outcome(desk: Desk, name: str) -> Any:
    """What came of the work `name`, waiting for it beside a button that stops it; None if there is none such.

    Raises whatever the task raised.
    """
    work: Work | None = st.session_state.get("work")
    if work is None or work.name != name:
        return None
    if not wait([work.result], timeout=_UNSEEN).done:
        shown = st.empty()
        with shown.container(horizontal=True, vertical_alignment="center"):
            told = st.empty()
            st.button(desk.say("app.query.stop"), icon=":material/stop_circle:", on_click=work.cancel.set, key="stop")
        while not wait([work.result], timeout=_TURN).done:
            # Writing here lets Streamlit end this run when somebody clicks.
            seconds = int(time.monotonic() - work.began)
            told.markdown(f":material/hourglass_top: {desk.say('app.query.running', seconds=seconds)}")
        shown.empty()
    del st.session_state["work"]
    return work.result.result()
