"""One's own Cypher: a field that completes names of the graph, and beside it what can be named."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

import streamlit as st

from ringtrace.app_pages.editor import editor
from ringtrace.app_pages.plain import markdown, masked
from ringtrace.app_pages.running import begin, outcome
from ringtrace.app_pages.shell import Desk, show_error
from ringtrace.casework.cypher import vocabulary
from ringtrace.data_schema.graph import graph_schema
from ringtrace.errors import RingTraceError
from ringtrace.graph.store import GraphStore
from ringtrace.queries import Answer, Library, run_text
from ringtrace.queries.exchange import draft

FIRST: Final = "MATCH (p:Patient)-[b:BOUGHT_AT]->(s:Pharmacy)\nRETURN p, b, s\nLIMIT 20"
_ROWS: Final = 2_000


def put_into_editor(cypher: str, values: Mapping[str, Any]) -> None:
    """Replace what stands in the field, and the values of the `$parameters` that it names."""
    st.session_state["own.text"] = cypher
    st.session_state["own.values"] = dict(values)
    st.session_state.pop("own.answer", None)
    st.session_state["own.stamp"] = st.session_state.get("own.stamp", 0) + 1


def own_query(desk: Desk, store: GraphStore, library: Library) -> Answer | None:
    """The field with its buttons; the answer to what was run last."""
    state: Any = st.session_state
    write, known = st.columns([3, 1])
    with write:
        written = editor(
            "cypher",
            state.get("own.text", FIRST),
            state.get("own.stamp", 0),
            vocabulary(desk.language),
            {name: desk.say(f"app.editor.{name}") for name in ("label", "offers", "hint")},
        )
        state["own.text"] = written.text
        given = {name: value for name, value in state.get("own.values", {}).items() if f"${name}" in written.text}
        if given:
            hidden = desk.masked
            shown = " · ".join(
                f"`${name}` = {markdown(masked(value, 'identifier') if hidden else value)}"
                for name, value in given.items()
            )
            st.caption(f"{desk.say('app.query.values')} {shown}")
        with st.container(horizontal=True, vertical_alignment="bottom"):
            wanted = st.button(desk.say("app.query.run"), icon=":material/play_arrow:", type="primary", key="own.run")
            name = st.text_input(
                desk.say("app.behind.name"), placeholder=desk.say("app.behind.name.hint"), key="own.as"
            )
            keep = st.button(desk.say("app.behind.save"), icon=":material/bookmark_add:", key="own.save")
    with known, st.container(height=330):
        _known(desk)
    try:
        if wanted or written.run:
            state.pop("own.answer", None)
            begin("own", lambda cancel: run_text(store, written.text, given, row_limit=_ROWS, cancel=cancel))
        found: Answer | None = outcome(desk, "own")
        if found is not None:
            state["own.answer"] = found
        if keep and name.strip():
            called = name.strip()
            saved = library.save(called, draft(called, written.text, description=called))
            st.success(desk.say("app.behind.saved", revision=saved.revision), icon=":material/check_circle:")
    except RingTraceError as error:
        show_error(error)
    answer: Answer | None = state.get("own.answer")
    return answer


def _known(desk: Desk) -> None:
    """Labels with their properties, and types with what they join, to read through."""
    told = [f"**{desk.say('app.query.known')}**"]
    for label, node in graph_schema().nodes.items():
        names = " ".join(f"`{each.name}`" for each in node.properties)
        told.append(f"**:{label}** {markdown(desk.label(label))}  \n{names}")
    for name, kind in graph_schema().relationships.items():
        ends = f"(:{'|'.join(kind.sources)})-[:{name}]->(:{'|'.join(kind.targets)})"
        names = " ".join(f"`{each.name}`" for each in kind.properties)
        told.append(f"`{ends}` {markdown(kind.phrase('out', desk.language))}  \n{names}")
    st.markdown("\n\n".join(told))
