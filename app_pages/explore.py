"""Explore: find a thing, see it in its relations, expand by type, and read the record and the lines beneath."""

from __future__ import annotations

from typing import Any

import streamlit as st

from ringtrace.app_pages.canvas import canvas
from ringtrace.app_pages.drawing import drawn, ref_of, style
from ringtrace.app_pages.explore_parts import Chosen, show_beneath, show_panel
from ringtrace.app_pages.explore_paths import show_behind, show_goods
from ringtrace.app_pages.explore_state import (
    canvas_of,
    choose_looks,
    chosen_looks,
    fresh,
    leave_out,
    left_out,
    looks,
    put,
    say,
)
from ringtrace.app_pages.explore_table import show_standing
from ringtrace.app_pages.painting import wait_until_painted
from ringtrace.app_pages.plain import markdown, visible
from ringtrace.app_pages.shell import Desk, open_desk, show_error, stop
from ringtrace.app_pages.wording import titles
from ringtrace.casework.exploration import Exploration
from ringtrace.casework.finding_lines import cited_places
from ringtrace.casework.lines import moments
from ringtrace.casework.relations import expand, start_from_finding, start_from_node
from ringtrace.casework.views import open_view, save_view
from ringtrace.data_schema.graph import graph_schema
from ringtrace.errors import RingTraceError
from ringtrace.graph.store import GraphStore, NodeRef
from ringtrace.queries import Answer

_HEIGHT = 560
_TOOLS = (
    "fit", "in", "out", "undo", "redo", "time", "link", "png",
    "search", "stage", "hint", "play", "moment", "span", "spans",
)  # fmt: skip


def page() -> None:
    desk = open_desk()
    try:
        store = desk.graph()
    except RingTraceError as error:
        st.title(desk.say("app.page.explore"))
        stop(desk, *error.parts(desk.language))
    _start(desk, store)
    _find(desk, store)
    _workbench()


def _start(desk: Desk, store: GraphStore) -> None:
    """Follow the address: `?finding=…` draws a finding on a fresh canvas, `?label=…&id=…` adds a thing to it."""
    asked = dict(st.query_params)
    if not asked or asked == st.session_state.get("explore_asked"):
        return
    st.session_state["explore_asked"] = asked
    if finding_id := asked.get("finding"):
        finding = next((each for each in desk.findings() if each.finding_id == finding_id), None)
        if finding is None:
            say(desk.say("app.explore.finding_gone", id=visible(finding_id)))
            return
        exploration = fresh(desk)
        exploration.finding_id = finding_id
        with desk.connect() as connection:
            places = cited_places(connection, finding)
        left_out = start_from_finding(store, finding, exploration, places)
        if left_out:
            say(desk.say("app.explore.members_left_out", number=left_out))
    elif name := asked.get("view"):
        opened = open_view(desk.workspace(), store, name)
        if opened is None:
            say(desk.say("app.explore.view_gone"))
            return
        put(opened.exploration)
        choose_looks(opened.looks)
        leave_out(opened.left_out)
    elif asked.get("label") in graph_schema().nodes and asked.get("id"):
        ref = NodeRef(asked["label"], asked["id"])
        if start_from_node(store, ref, canvas_of(desk)):
            expand(store, ref, canvas_of(desk))
        else:
            say(desk.say("app.explore.unknown", id=visible(ref.id)))


def draw_answer(desk: Desk, answer: Answer) -> int:
    """Put what a query returned on a fresh canvas; the number of nodes, 0 leaves the canvas as it is."""
    store = desk.graph()
    ends = [NodeRef(facts["label"], facts["key"]) for _, facts in answer.graph().nodes(data=True)]
    nodes = store.nodes(ends)
    if nodes:
        exploration = fresh(desk)
        exploration.add(nodes, store.between([node.ref for node in nodes]))
        say(desk.say("app.query.drawn", number=len(exploration.picture.nodes)))
    return len(nodes)


def _find(desk: Desk, store: GraphStore) -> None:
    search, start, clear = st.columns([5, 4, 1.4], vertical_alignment="bottom")
    wanted = search.text_input(
        desk.say("app.explore.find"), placeholder=desk.say("app.explore.find.hint"), key="explore.find"
    )
    named = titles(desk)
    picked = start.selectbox(
        desk.say("app.explore.from_finding"),
        list(named),
        index=None,
        format_func=lambda each: named.get(each, each),
        placeholder="–",
        key="explore.start",
    )
    if picked and st.session_state.get("explore_picked") != picked:
        st.session_state["explore_picked"] = picked
        st.query_params.from_dict({"finding": picked})
        st.rerun()
    if clear.button(desk.say("app.explore.clear"), icon=":material/delete_sweep:", width="stretch"):
        st.query_params.clear()
        fresh(desk)
        st.session_state.pop("explore_picked", None)
        st.rerun()
    if wanted.strip():
        _hits(desk, store, wanted)


def _hits(desk: Desk, store: GraphStore, wanted: str) -> None:
    hits = store.search(wanted, limit=12)
    if not hits:
        st.caption(desk.say("app.explore.nothing_found", text=markdown(wanted)))
    with st.container(horizontal=True):
        for node in hits:
            kind = desk.label(node.label)
            words = f"{style(node.label).mark} {markdown(node.name or node.id, 24)} · {kind}"
            if st.button(words, key=f"hit-{node.label}-{node.id}", help=markdown(node.id)):
                start_from_node(store, node.ref, canvas_of(desk))
                expand(store, node.ref, canvas_of(desk))


@st.fragment
def _workbench() -> None:
    """The canvas and what is chosen on it; only this runs again when something is clicked there."""
    try:
        _draw(open_desk())
    except RingTraceError as error:  # a server that went away between two clicks
        show_error(error)


def _draw(desk: Desk) -> None:
    exploration = canvas_of(desk)
    store = desk.graph()
    picture, panel = st.columns([7, 3])
    with picture:
        state = canvas("canvas", _data(desk, store, exploration), _on_command, _on_moved)
    chosen = Chosen.of(exploration, state.get("selection") or {})
    with panel:
        show_panel(desk, store, exploration, chosen, say)
    if exploration.picture.nodes:
        wait_until_painted()
        _bottom(desk, store, exploration, chosen)


def _bottom(desk: Desk, store: GraphStore, exploration: Exploration, chosen: Chosen) -> None:
    """Beneath the canvas: the lines of what is chosen, everything that stands, goods in time, the query behind."""
    titles = ("app.explore.lines", "app.explore.nodes", "app.path.title", "app.behind.title")
    # Only the one that is looked at is drawn: the others would make each expansion wait for them.
    beneath, standing, goods, behind = st.tabs(
        [desk.say(title) for title in titles], key="explore.beneath", on_change="rerun"
    )
    if beneath.open:
        with beneath:
            show_beneath(desk, chosen)
    if standing.open:
        with standing:
            show_standing(desk, exploration, chosen)
    if goods.open:
        with goods:
            show_goods(desk, store, exploration, chosen, say)
    if behind.open:
        with behind:
            show_behind(desk, exploration, chosen)


def _legend(desk: Desk, exploration: Exploration, off: set[str]) -> list[dict[str, Any]]:
    numbers: dict[str, int] = {}
    for ref in exploration.picture.nodes:
        numbers[ref.label] = numbers.get(ref.label, 0) + 1
    return [
        {
            "label": label,
            "words": f"{desk.label(label)} {number:,}",
            "mark": style(label).mark,
            "colour": style(label).colour,
            "on": label not in off,
        }
        for label, number in numbers.items()
    ]


def _data(desk: Desk, store: GraphStore, exploration: Exploration) -> dict[str, Any]:
    view, off, how = exploration.view, left_out(), looks(desk, store, exploration)
    hidden = exploration.surroundings.hidden(store, exploration.picture.nodes.keys(), view.nodes.keys())
    return drawn(desk, exploration, hidden, how, off) | {
        "view": st.session_state["exploration_id"],
        "height": _HEIGHT,
        # Told on the canvas itself: a message above would push it down, and with it everything that stands.
        "message": st.session_state.pop("explore_message", None),
        "empty": "" if exploration.picture.nodes else desk.say("app.explore.empty"),
        "legend": _legend(desk, exploration, off),
        "looks": how.told(desk),
        "undo": exploration.can_undo,
        "redo": exploration.can_redo,
        "times": _times(desk, exploration) if st.session_state.get("explore_time") else None,
        "selected": st.session_state.get("explore_selected"),
        "words": {tool: desk.say(f"app.canvas.{tool}") for tool in _TOOLS},
    }


def _times(desk: Desk, exploration: Exploration) -> dict[str, list[int]]:
    with desk.connect() as connection:
        return moments(connection, exploration.view.links.values())


def _on_moved() -> None:
    moved = st.session_state["canvas"].get("moved") or {}
    canvas_of(open_desk()).move({ref_of(node): (spot["x"], spot["y"]) for node, spot in moved.items()})


def _on_command() -> None:
    """Do what was asked on the canvas, before it is drawn again."""
    command = st.session_state["canvas"].get("command")
    if not command:
        return
    desk = open_desk()
    exploration = canvas_of(desk)
    if command["action"] == "time":
        st.session_state["explore_time"] = not st.session_state.get("explore_time", False)
        return
    if command["action"] == "legend":
        left_out().symmetric_difference_update(command["ids"])
        return
    if command["action"] in ("colour", "size"):
        choose_looks({command["action"]: command["ids"][0]})
        return
    if command["action"] == "link":
        _keep_view(desk, exploration)
        return
    refs = [ref_of(node) for node in command["ids"]]
    if command["action"] == "undo":
        exploration.undo()
    elif command["action"] == "redo":
        exploration.redo()
    elif command["action"] == "hide":
        exploration.hide(exploration.view.members(refs))
    elif command["action"] == "pin":
        exploration.pin(refs)
    elif command["action"] == "collapse":
        exploration.collapse(refs[0])
    elif command["action"] == "expand" and refs[0] in exploration.view.groups:
        exploration.bring_out(refs[0])
    elif command["action"] == "expand" and refs[0] in exploration.picture.nodes:
        try:
            added, hidden = expand(desk.graph(), refs[0], exploration)
        except RingTraceError as error:
            say(error.parts(desk.language)[0])  # drawing the canvas meets it again, and says the rest beneath
            return
        say(desk.say("app.explore.brought", number=len(added), hidden=hidden))


def _keep_view(desk: Desk, exploration: Exploration) -> None:
    """Keep the canvas in the workspace, and put the address that opens it again into the browser's bar."""
    try:
        name = save_view(desk.workspace(), exploration, chosen_looks(), left_out())
    except RingTraceError as error:
        say(" ".join(error.parts(desk.language)))
        return
    st.query_params.from_dict({"view": name})
    st.session_state["explore_asked"] = {"view": name}
    say(desk.say("app.explore.linked"))


if __name__ == "__main__":
    page()
