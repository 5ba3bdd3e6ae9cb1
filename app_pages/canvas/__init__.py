"""The graph canvas: a thin Streamlit component around the vis-network that pyvis carries.

Physics is off and positions come from Python (`ringtrace.graph.layouts`). Streamlit's ready-made graph components were
tried first; each moves standing nodes when something is added (docs/decisions.md).
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from functools import cache
from importlib import resources
from typing import Any

import streamlit as st

from ringtrace.app_pages.frontend import library_address


@cache
def _file(name: str) -> str:
    return resources.files(__package__).joinpath(name).read_text("utf-8")


@cache
def _canvas() -> Any:
    script = "\n".join(_file(name) for name in ("timeline.js", "gestures.js", "canvas.js"))
    return st.components.v2.component("ringtrace_canvas", html=_file("canvas.html"), css=_file("canvas.css"), js=script)


def canvas(key: str, data: Mapping[str, Any], on_command: Callable[[], None], on_moved: Callable[[], None]) -> Any:
    """Draw `data` and return the component's state: `selection` is `{"nodes": ids, "edges": ids}`.

    `on_command` runs before the next drawing when the user asks for something (`state.command`: `action`, `ids`), and
    `on_moved` when nodes were dragged (`state.moved`: id → `{x, y}`).
    """
    return _canvas()(
        key=key,
        data={**data, "library": library_address()},
        default={"selection": {"nodes": [], "edges": []}, "moved": {}},
        on_selection_change=_nothing,
        on_moved_change=on_moved,
        on_command_change=on_command,
    )


def _nothing() -> None:
    """Ask for the rerun that shows the selection."""
