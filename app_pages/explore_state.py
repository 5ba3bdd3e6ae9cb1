"""What the explorer remembers between two clicks: the canvas, what colour and size stand for, what is told next."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping
from typing import Any, cast
from uuid import uuid4

import streamlit as st

from ringtrace.app_pages.drawing import levels_of, node_id
from ringtrace.app_pages.looks import MEASURES, Looks, Measure, Scale
from ringtrace.app_pages.shell import Desk
from ringtrace.casework.exploration import Exploration
from ringtrace.casework.lines import amounts
from ringtrace.findings import Level, current_run
from ringtrace.graph.store import GraphStore, NodeRef


def canvas_of(desk: Desk) -> Exploration:
    """The session's canvas; whoever is suspected never folds into a group on it."""
    state = st.session_state
    if "exploration" not in state:
        put(Exploration())
    kept: Exploration = state["exploration"]
    kept.kept = levels(desk).keys()
    return kept


def put(exploration: Exploration) -> None:
    """Take another canvas; the browser shows it whole."""
    st.session_state["exploration"] = exploration
    st.session_state["exploration_id"] = uuid4().hex


def fresh(desk: Desk) -> Exploration:
    """An empty canvas in place of the one before."""
    put(Exploration())
    return canvas_of(desk)


def say(message: str) -> None:
    """Tell it on the canvas when that is drawn next."""
    st.session_state["explore_message"] = message


def point_at(nodes: Iterable[NodeRef], links: Iterable[str] = ()) -> None:
    """Choose these nodes and links on the canvas when that is drawn next."""
    chosen = {"nodes": [node_id(ref) for ref in nodes], "links": list(links), "nonce": uuid4().hex}
    st.session_state["explore_selected"] = chosen


def left_out() -> set[str]:
    """The labels that the legend switched off."""
    labels: set[str] = st.session_state.setdefault("explore_left_out", set())
    return labels


def leave_out(labels: Collection[str]) -> None:
    """Switch these labels off in the legend, and all others on."""
    st.session_state["explore_left_out"] = set(labels)


def levels(desk: Desk) -> Mapping[NodeRef, Level]:
    """The worst level at which each suspected thing stands in a finding of the newest run."""
    workspace = desk.workspace()
    return _levels(str(workspace.path), current_run(workspace), desk)


@st.cache_resource(max_entries=4, show_spinner=False)
def _levels(folder: str, run: int, _desk: Desk) -> Mapping[NodeRef, Level]:
    return levels_of(_desk.findings())


def chosen_looks() -> dict[str, Measure]:
    """What colour and size stand for."""
    chosen: dict[str, Measure] = st.session_state.setdefault("explore_looks", {"colour": "type", "size": "type"})
    return chosen


def choose_looks(chosen: Mapping[str, Any]) -> None:
    """Let colour or size stand for something else; what is not known is passed over."""
    known = {name: cast(Measure, measure) for name, measure in chosen.items() if measure in MEASURES}
    chosen_looks().update({name: measure for name, measure in known.items() if name in ("colour", "size")})


def looks(desk: Desk, store: GraphStore, exploration: Exploration) -> Looks:
    """How the nodes are drawn, with the figures that this needs."""
    chosen = chosen_looks()
    shown = exploration.view.nodes.keys()
    scales: dict[Measure, Scale] = {}
    if "amount" in chosen.values():
        known = _amounts(desk, shown)
        scales["amount"] = Scale.of({ref: known[ref] for ref in shown if ref in known})
    if "degree" in chosen.values():
        scales["degree"] = Scale.of(
            {ref: float(number) for ref, number in exploration.surroundings.degrees(store, shown).items()}
        )
    return Looks(chosen["colour"], chosen["size"], levels(desk), scales)


def _amounts(desk: Desk, shown: Collection[NodeRef]) -> dict[NodeRef, float]:
    """Yuan by node, each looked up once while the data is the same; nothing for what no settlement names."""
    workspace = desk.workspace()
    of = (str(workspace.path), workspace.generation)
    if st.session_state.get("explore_amounts_of") != of:
        st.session_state["explore_amounts_of"], st.session_state["explore_amounts"] = of, {}
    known: dict[NodeRef, float] = st.session_state["explore_amounts"]
    unknown = [ref for ref in shown if ref not in known]
    if unknown:
        with desk.connect() as connection:
            known |= dict.fromkeys(unknown, 0.0) | amounts(connection, unknown)
    return known
