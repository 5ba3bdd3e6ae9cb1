"""What lies below the fold of a session's first page waits until the browser has shown what is above it.

A browser that opens the app for the first time has a megabyte of scripts to read for the first table and another for
the first chart. Neither stands at the top of a page that answers an investigator's first questions, so they follow a
moment later, by themselves. Every later page of the session is drawn whole at once.

The browser says that it has shown the top by a request of its own, and not by running the page again: such a run would
cross a click that was made meanwhile, and one of the two would be lost.
"""

from __future__ import annotations

import secrets
import threading
from functools import cache
from typing import Any, Final

import streamlit as st

ADDRESS: Final = "/painted/"
"""Where a browser says so; the rest of the path is the word that its page was given."""

_STATE: Final = "painted"
_PATIENCE: Final = 3.0  # seconds; a browser that does not answer (an old one, a closed one) gets the rest all the same
_waiting: Final[dict[str, threading.Event]] = {}
# Two frames: the first is being prepared when the script runs, after the second it has been seen. A link to a section
# below (`#proof`) was perhaps followed before that section was there: it is brought into view while the rest grows.
_SIGNAL: Final = """const told = new Set();

export default function ({ data }) {
  if (told.has(data.address)) return;
  told.add(data.address);
  requestAnimationFrame(() => requestAnimationFrame(() => {
    document.documentElement.dataset.painted = "";
    fetch(data.address, { method: "POST" });
    follow();
  }));
}

function follow() {
  const end = performance.now() + 6000, over = new AbortController(), { signal } = over;
  let asked = location.hash.slice(1), top;
  for (const act of ["wheel", "pointerdown", "keydown"]) addEventListener(act, () => { asked = ""; }, { signal });
  addEventListener("hashchange", () => { asked = location.hash.slice(1); top = undefined; }, { signal });
  const step = () => {
    const section = asked && document.getElementById(asked);
    if (section && section.getBoundingClientRect().top !== top) {
      section.scrollIntoView();
      top = section.getBoundingClientRect().top;
    }
    if (performance.now() > end) over.abort();
    else requestAnimationFrame(step);
  };
  step();
}"""


def wait_until_painted() -> None:
    """On a session's first page, return once the browser has shown what was drawn so far; on any other, at once."""
    if st.session_state.get(_STATE):
        return
    st.session_state[_STATE] = True
    word, shown = secrets.token_urlsafe(16), threading.Event()
    _waiting[word] = shown
    try:
        _signal()(key="painting", data={"address": ADDRESS + word})
        shown.wait(_PATIENCE)
    finally:
        del _waiting[word]


def painted(word: str) -> bool:
    """Let the page go on that waits for `word`; False if none does."""
    shown = _waiting.get(word)
    if shown is not None:
        shown.set()
    return shown is not None


@cache
def _signal() -> Any:
    return st.components.v2.component("ringtrace_painting", html="<i hidden></i>", js=_SIGNAL)
