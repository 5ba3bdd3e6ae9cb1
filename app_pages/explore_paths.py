"""Under the canvas: goods followed through time step by step, and the query behind the view."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime, time, timedelta
from typing import get_args

import pandas as pd
import streamlit as st

from ringtrace.app_pages.explore_parts import Chosen
from ringtrace.app_pages.frames import configured, download, presentable
from ringtrace.app_pages.naming import Names
from ringtrace.app_pages.query_editor import put_into_editor
from ringtrace.app_pages.shell import Desk, show_error
from ringtrace.casework.behind import behind_node, behind_picture
from ringtrace.casework.exploration import Exploration
from ringtrace.casework.goods import CARRIERS, Step, follow
from ringtrace.errors import RingTraceError
from ringtrace.graph.paths import Optimum
from ringtrace.graph.store import GraphStore
from ringtrace.queries import Library
from ringtrace.queries.exchange import draft

Say = Callable[[str], None]


def show_goods(desk: Desk, store: GraphStore, exploration: Exploration, chosen: Chosen, say: Say) -> None:
    """The form that follows goods from what is chosen, and the steps of the path found last."""
    ends = [node.ref for node in chosen.nodes if node.label in CARRIERS]
    if len(chosen.nodes) not in (1, 2) or len(ends) != len(chosen.nodes):
        st.caption(desk.say("app.path.select"))
    else:
        with st.form("path", border=False):
            first, second, third, fourth = st.columns([3, 3, 2, 3], vertical_alignment="bottom")
            forward = desk.say("app.path.forward" if len(ends) == 1 else "app.path.between")
            direction = first.selectbox(
                desk.say("app.path.direction"), [forward, desk.say("app.path.back")], key="path.direction"
            )
            window = second.date_input(desk.say("app.path.window"), value=[], key="path.window")
            gap = third.number_input(desk.say("app.path.gap"), 1, 1_000, 90, key="path.gap")
            optima: tuple[Optimum, ...] = get_args(Optimum)
            optimum = fourth.selectbox(
                desk.say("app.path.optimum"), optima, format_func=lambda each: desk.say(f"app.path.{each}")
            )
            wanted = st.form_submit_button(desk.say("app.path.follow"), icon=":material/timeline:")
        if wanted:
            days = window if isinstance(window, tuple) else (window,)
            try:
                with st.spinner(desk.say("app.path.following")):
                    steps = follow(
                        store,
                        ends[0],
                        ends[1] if len(ends) == 2 else None,
                        exploration,
                        direction="forward" if direction == forward else "back",
                        begin=datetime.combine(days[0], time.min) if days else None,
                        until=datetime.combine(days[1], time.max) if len(days) > 1 else None,
                        longest_gap=timedelta(days=int(gap)),
                        optimum=optimum,
                    )
            except RingTraceError as error:
                show_error(error)
                return
            st.session_state["explore_steps"] = steps
            say(desk.say("app.path.found" if steps else "app.path.none", number=len(steps)))
            st.rerun(scope="fragment")
    found: list[Step] = st.session_state.get("explore_steps", [])
    if found:
        _steps(desk, found)


def _steps(desk: Desk, steps: list[Step]) -> None:
    names = Names.of(desk, {(end.label, end.id) for step in steps for end in (step.source, step.target)})
    st.markdown(f"**{desk.say('app.path.steps', number=len(steps))}**")
    frame = pd.DataFrame(
        {
            "step": range(1, len(steps) + 1),
            "time": [each.time for each in steps],
            "from": [names.caption(each.source.label, each.source.id) for each in steps],
            "to": [names.caption(each.target.label, each.target.id) for each in steps],
            "pack": [each.pack for each in steps],
            "setl_id": [each.settlement for each in steps],
        }
    )
    shown = presentable(desk, frame)
    st.dataframe(shown, column_config=configured(desk, shown), hide_index=True, width="stretch", key="path.steps")
    download(desk, frame, "path", key="path")


def show_behind(desk: Desk, exploration: Exploration, chosen: Chosen) -> None:
    """The Cypher of the view, to copy, and a form that saves it among the workspace's queries."""
    cypher = behind_node(chosen.nodes[0].ref) if len(chosen.nodes) == 1 else behind_picture(exploration.picture)
    if cypher is None:
        st.caption(desk.say("app.behind.too_many"))
        return
    if desk.masked:
        st.caption(desk.say("app.behind.masked"))
        return
    st.caption(desk.say("app.behind.node" if len(chosen.nodes) == 1 else "app.behind.picture"))
    st.code(cypher, language="cypher", height=220 if cypher.count("\n") > 8 else "content")
    if st.button(desk.say("app.behind.run"), icon=":material/play_arrow:", key="behind.run"):
        put_into_editor(cypher, {})
        st.session_state["query.tab"] = desk.say("app.query.own")
        st.switch_page("app_pages/queries.py")
    with st.form("behind", border=False):
        field, button = st.columns([4, 1], vertical_alignment="bottom")
        name = field.text_input(desk.say("app.behind.name"), placeholder=desk.say("app.behind.name.hint"))
        wanted = button.form_submit_button(desk.say("app.behind.save"), icon=":material/bookmark_add:", width="stretch")
    if wanted and name.strip():
        try:
            saved = Library(desk.workspace()).save(name.strip(), draft(name.strip(), cypher, description=name.strip()))
        except RingTraceError as error:
            show_error(error)
            return
        st.success(desk.say("app.behind.saved", revision=saved.revision), icon=":material/check_circle:")
