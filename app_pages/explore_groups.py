"""Groups on the canvas: what stands in one, and how it is folded and brought out again."""

from __future__ import annotations

from typing import Final

import streamlit as st

from ringtrace.app_pages.drawing import caption, group_caption, style
from ringtrace.app_pages.plain import markdown
from ringtrace.app_pages.shell import Desk
from ringtrace.casework.exploration import Exploration
from ringtrace.casework.folding import STEP, Group, crowds
from ringtrace.graph.store import NodeRef

_LISTED: Final = 14


def show_group(desk: Desk, exploration: Exploration, group: Group) -> None:
    """Who is in a group, the most involved first, and the ways out of it."""
    st.markdown(f"#### {style(group.label).mark} {markdown(group_caption(desk, exploration, group))}")
    st.caption(desk.say("app.group.why"))
    number = len(group.members)
    with st.container(horizontal=True):
        if st.button(desk.say("app.group.out", number=min(STEP, number)), icon=":material/unfold_more:"):
            exploration.bring_out(group.ref)
            st.rerun(scope="fragment")
        if number > STEP and st.button(desk.say("app.group.all", number=number), type="tertiary"):
            exploration.bring_out(group.ref, number)
            st.rerun(scope="fragment")
        if st.button(desk.say("app.explore.hide"), help=desk.say("app.explore.hide.help"), type="tertiary"):
            exploration.hide(group.members)
            st.rerun(scope="fragment")
    told = [markdown(caption(desk, exploration.picture.nodes[ref])) for ref in group.members[:_LISTED]]
    if number > _LISTED:
        told.append("…")
    st.markdown("  \n".join(told))


def offer_folding(desk: Desk, exploration: Exploration, ref: NodeRef) -> None:
    """The crowds around a node that stand one by one and could stand as one."""
    view = exploration.view
    kept = set(exploration.kept)
    for crowd in crowds(exploration.picture, ref).values():
        loose = [each for each in crowd.members if each in view.nodes and each not in kept]
        if len(loose) < 3:
            continue
        words = desk.say("app.group.fold", number=len(loose), label=desk.label(crowd.label))
        key = f"fold-{crowd.ref.id}"
        if st.button(words, icon=":material/unfold_less:", type="tertiary", key=key):
            exploration.fold(crowd.ref)
            st.rerun(scope="fragment")
