"""Paths between two chosen nodes: the shortest, or all up to a length; drawn, and listed step by step."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from itertools import pairwise

import streamlit as st

from ringtrace.app_pages.drawing import caption
from ringtrace.app_pages.explore_state import point_at, say
from ringtrace.app_pages.plain import markdown
from ringtrace.app_pages.shell import Desk, show_error
from ringtrace.casework.exploration import Exploration
from ringtrace.casework.picture import merged
from ringtrace.casework.relations import PATHS, connect
from ringtrace.data_schema.graph import Direction, graph_schema
from ringtrace.errors import RingTraceError
from ringtrace.graph.store import GraphStore, NodeRef, Path

_LONGEST = 6


def look_for_paths(desk: Desk, store: GraphStore, exploration: Exploration, start: NodeRef, end: NodeRef) -> None:
    """The form that looks for paths between two nodes and draws them."""
    st.markdown(f"**{desk.say('app.between.title')}**")
    steps, nearest, each = st.columns([4, 3, 2], gap="xsmall", vertical_alignment="bottom")
    longest = steps.number_input(desk.say("app.between.longest"), 1, _LONGEST, 4, key="between.longest")
    shortest = nearest.button(desk.say("app.between.shortest"), width="stretch")
    every = each.button(desk.say("app.between.every"), width="stretch")
    if not (shortest or every):
        return
    try:
        found = connect(store, start, end, exploration, int(longest), every=every)
    except RingTraceError as error:
        show_error(error)
        return
    st.session_state["explore_paths"] = found
    if not found:
        say(desk.say("app.between.none", longest=int(longest)))
    elif len(found) == PATHS:
        say(desk.say("app.between.many", number=PATHS))
    else:
        say(desk.say("app.between.found", number=len(found)))
    st.rerun(scope="fragment")


def list_paths(desk: Desk, chosen: Collection[NodeRef]) -> bool:
    """The paths found last, if they join what is chosen; a click chooses one on the canvas. Whether there were any."""
    found: Sequence[Path] = st.session_state.get("explore_paths", ())
    ends = {found[0].nodes[0].ref, found[0].nodes[-1].ref} if found else set()
    standing = {node.ref for path in found for node in path.nodes}
    if not found or not ends <= set(chosen) or not set(chosen) <= standing:
        return False
    st.caption(desk.say("app.between.listed"))
    for number, path in enumerate(found, 1):
        title = desk.say("app.between.path", number=number, steps=len(path))
        if st.button(title, key=f"path-{number}", type="tertiary", icon=":material/conversion_path:"):
            point_at([node.ref for node in path.nodes], [each.id for each in merged(path.relationships)])
            st.rerun(scope="fragment")
        st.markdown("\n".join(_steps(desk, path)))
    return True


def _steps(desk: Desk, path: Path) -> list[str]:
    """A line for each step, told from the end that it leaves."""
    told = []
    for number, ((here, there), each) in enumerate(zip(pairwise(path.nodes), path.relationships, strict=True), 1):
        direction: Direction = "out" if each.source == here.ref else "in"
        words = graph_schema().relationships[each.type].phrase(direction, desk.language)
        told.append(f"{number}. {markdown(caption(desk, here))} — {markdown(words)} → {markdown(caption(desk, there))}")
    return told
