"""The graph canvas: a thin Streamlit component around the vis-network that pyvis carries.

Physics is off and positions come from Python (`ringtrace.graph.layouts`). Streamlit's ready-made graph components were
tried first; each moves standing nodes when something is added (docs/decisions.md).
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from functools import cache
from importlib import resources
from pathlib import Path
from typing import Any, Final

import pyvis
import streamlit as st

_VIS: Final = Path(pyvis.__file__).parent / "lib" / "vis-9.1.2" / "vis-network.min.js"


@cache
def _file(name: str) -> str:
    return resources.files(__package__).joinpath(name).read_text("utf-8")


@cache
def _library() -> Any:
    # A component of its own, never changed: Streamlit then sends the 690 kB once and not with every expansion.
    return st.components.v2.component(
        "ringtrace_vis", html="<i hidden></i>", js=_VIS.read_text("utf-8") + "\nexport default function () {}"
    )


@cache
def _canvas() -> Any:
    script = "\n".join(_file(name) for name in ("timeline.js", "gestures.js", "canvas.js"))
    return st.components.v2.component("ringtrace_canvas", html=_file("canvas.html"), css=_file("canvas.css"), js=script)


def load_library() -> None:
    """Bring vis-network into the page, from the installed pyvis; call it once a page, outside any fragment."""
    _library()(key="ringtrace_vis", height=1)


def canvas(key: str, data: Mapping[str, Any], on_command: Callable[[], None], on_moved: Callable[[], None]) -> Any:
    """Draw `data` and return the component's state: `selection` is `{"nodes": ids, "edges": ids}`.

    `on_command` runs before the next drawing when the user asks for something (`state.command`: `action`, `ids`), and
    `on_moved` when nodes were dragged (`state.moved`: id → `{x, y}`).
    """
    return _canvas()(
        key=key,
        data=data,
        default={"selection": {"nodes": [], "edges": []}, "moved": {}},
        on_selection_change=_nothing,
        on_moved_change=on_moved,
        on_command_change=on_command,
    )


def _nothing() -> None:
    """Ask for the rerun that shows the selection."""
