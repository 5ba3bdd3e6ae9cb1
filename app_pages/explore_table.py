"""Everything on the canvas as a table beside it: what is chosen in one is chosen in the other."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import pandas as pd
import streamlit as st

from ringtrace.app_pages.drawing import caption
from ringtrace.app_pages.explore_parts import Chosen, shown_property
from ringtrace.app_pages.explore_state import point_at
from ringtrace.app_pages.frames import configured, download
from ringtrace.app_pages.shell import Desk
from ringtrace.casework.exploration import Exploration
from ringtrace.graph.store import Node, NodeRef


def show_standing(desk: Desk, exploration: Exploration, chosen: Chosen) -> None:
    """Everything that stands on the canvas, as a table that selects there and follows what is selected there."""
    degree: dict[NodeRef, int] = {}
    for link in exploration.picture.links.values():
        for end in (link.source, link.target):
            degree[end] = degree.get(end, 0) + 1
    nodes = sorted(exploration.picture.nodes.values(), key=lambda each: (-degree.get(each.ref, 0), each.ref))
    st.caption(desk.say("app.explore.nodes.click"))
    frame = pd.DataFrame(
        {
            "label": [desk.label(each.label) for each in nodes],
            "name": [caption(desk, each) for each in nodes],
            "id": [shown_property(desk, each, "id") for each in nodes],
            "links": [degree.get(each.ref, 0) for each in nodes],
        }
    )
    key, rows = _key_and_rows(nodes, [node.ref for node in chosen.nodes])
    st.dataframe(
        frame,
        column_config=configured(desk, frame),
        hide_index=True,
        width="stretch",
        height=300,
        on_select=lambda: _picked(key, nodes, chosen),
        selection_mode="multi-row",
        selection_default={"selection": {"rows": rows}},
        key=key,
    )
    download(desk, frame, "canvas", key="standing")


def _picked(key: str, nodes: Sequence[Node], chosen: Chosen) -> None:
    """Rows were chosen: choose their nodes on the canvas, which tells of it when that is done."""
    point_at(nodes[row].ref for row in st.session_state[key]["selection"]["rows"])
    st.session_state["standing_before"] = [node.ref for node in chosen.nodes]


def _key_and_rows(nodes: Sequence[Node], chosen: Sequence[NodeRef]) -> tuple[str, list[int]]:
    """The table's key and the rows that it begins with: a new key for other nodes, or a choice made on the canvas."""
    state: Any = st.session_state
    standing = [node.ref for node in nodes]
    rows = [row for row, ref in enumerate(standing) if ref in set(chosen)]
    known: tuple[list[NodeRef], int, list[int]] | None = state.get("standing")
    if known is not None and known[0] == standing:
        key = f"standing-{known[1]}"
        shown = state[key]["selection"]["rows"] if key in state else known[2]
        if state.get("standing_before") == list(chosen) or sorted(shown) == rows:
            return key, known[2]
    state.pop("standing_before", None)
    number = known[1] + 1 if known else 0
    state["standing"] = (standing, number, rows)
    return f"standing-{number}", rows
