"""What lies below the fold of a session's first page waits until the browser has shown what is above it.

A browser that opens the app for the first time has a megabyte of scripts to read for the first table and another for
the first chart. Neither stands at the top of a page that answers an investigator's first questions, so they follow a
moment later, by themselves. Every later page of the session is drawn whole at once.
"""

from __future__ import annotations

from functools import cache
from typing import Any, Final

import streamlit as st

_STATE: Final = "painted"
# Two frames: the first is being prepared when the script runs, after the second it has been seen. While a script runs,
# somebody may have clicked: a second request from the same page would take them back to it. And a link to a section
# below (`#proof`) was perhaps followed before that section was there: it is brought into view while the rest grows.
_SIGNAL: Final = """export default function ({ setTriggerValue }) {
  const busy = () => (document.querySelector("[data-test-script-state]")?.dataset.testScriptState ?? "notRunning")
    !== "notRunning";
  let quiet = 0; // a click shows as busy only when the server has answered it
  const still = new AbortController();
  for (const act of ["pointerdown", "click", "keydown"]) {
    addEventListener(act, () => { quiet = performance.now() + 1000; }, { capture: true, signal: still.signal });
  }
  const ask = () => {
    if (busy() || performance.now() < quiet) frame = requestAnimationFrame(ask);
    else setTriggerValue("shown", true);
  };
  let frame = requestAnimationFrame(() => { frame = requestAnimationFrame(ask); });
  return () => { cancelAnimationFrame(frame); still.abort(); follow(); };
}

function follow() {
  const asked = location.hash.slice(1), end = performance.now() + 4000;
  const over = new AbortController(), { signal } = over;
  for (const act of ["wheel", "pointerdown", "keydown"]) addEventListener(act, () => over.abort(), { signal });
  let top;
  const step = () => {
    const section = document.getElementById(asked);
    if (section && section.getBoundingClientRect().top !== top) {
      section.scrollIntoView();
      top = section.getBoundingClientRect().top;
    }
    if (performance.now() > end) over.abort();
    if (!signal.aborted) requestAnimationFrame(step);
  };
  if (asked) step();
}"""


def painted() -> bool:
    """Whether to draw what is below the fold; if not yet, the browser asks for it once it has shown the rest."""
    if not st.session_state.get(_STATE):
        _signal()(key="painting", on_shown_change=_shown)
        return False
    return True


@cache
def _signal() -> Any:
    return st.components.v2.component("ringtrace_painting", html="<i hidden></i>", js=_SIGNAL)


def _shown() -> None:
    st.session_state[_STATE] = True
