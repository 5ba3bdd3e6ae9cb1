"""Queries: the library with typed, chained inputs and one's own Cypher; the answer as a table and as a graph."""

from __future__ import annotations

from collections.abc import Sequence
from functools import partial
from threading import Event
from typing import Any

import pandas as pd
import streamlit as st
from streamlit.elements.lib.column_types import ColumnConfig

from ringtrace.app_pages.explore import draw_answer
from ringtrace.app_pages.frames import download, show_choices
from ringtrace.app_pages.plain import markdown, masked, visible
from ringtrace.app_pages.query_editor import own_query, put_into_editor
from ringtrace.app_pages.running import begin, outcome
from ringtrace.app_pages.shell import Desk, open_desk, show_error, stop
from ringtrace.casework.answers import shown_rows
from ringtrace.errors import RingTraceError
from ringtrace.graph.store import GraphStore
from ringtrace.queries import Answer, Library, Parameter, SavedQuery, draw, population, run, suggest
from ringtrace.queries.legal_basis import legal_bases
from ringtrace.queries.runner import bind
from ringtrace.queries.values import written

_ROWS = 2_000


def page() -> None:
    desk = open_desk()
    workspace = desk.workspace()
    st.title(desk.say("app.page.queries"))
    try:
        store = desk.graph()
    except RingTraceError as error:
        stop(desk, *error.parts(desk.language))
    library = Library(workspace)
    for broken in library.broken:
        show_error(broken)
    # One of the two runs at a time: the one that is not looked at would only delay the other.
    names = [desk.say("app.query.library", number=len(library)), desk.say("app.query.own")]
    saved, own = st.tabs(names, key="query.tab", on_change="rerun")
    if saved.open:
        with saved:
            _library(desk, store, library, names[1])
    if own.open:
        with own:
            answer = own_query(desk, store, library)
            if answer is not None:
                _answer(desk, store, answer, None, {})


def _library(desk: Desk, store: GraphStore, library: Library, own: str) -> None:
    queries = {each.key: each for each in library}
    wanted = st.query_params.get("key")
    words, chosen = st.columns([2, 5], vertical_alignment="bottom")
    text = words.text_input(desk.say("app.query.search"), key="query.search").casefold().strip()
    keys = [key for key, each in queries.items() if text in _searched(desk, each)]
    if not keys:
        st.caption(desk.say("app.query.nothing"))
        return
    key = chosen.selectbox(
        desk.say("app.query.choose"),
        keys,
        index=keys.index(wanted) if wanted in keys else None,
        format_func=lambda each: f"{queries[each].category_name(desk.language)} · {queries[each].title(desk.language)}",
        placeholder=desk.say("app.query.choose.hint"),
        key=f"query.choice-{wanted}",
    )
    if key is None:
        _shelf(desk, [queries[each] for each in keys])
        return
    query = queries[key]
    st.markdown(f"{markdown(query.about(desk.language), 2_000)}")
    _background(desk, query)
    values = _inputs(desk, store, query)
    with st.container(horizontal=True):
        wanted_now = st.button(desk.say("app.query.run"), type="primary", icon=":material/play_arrow:", key="query.run")
        st.button(
            desk.say("app.query.edit"),
            icon=":material/edit:",
            key="query.edit",
            on_click=_edit,
            args=(query, query.cypher(store.engine) or "", values, own),
            help=desk.say("app.query.edit.help"),
        )
    if wanted_now:
        st.query_params["key"] = key
        st.session_state.pop("answer", None)
        begin(f"query {key}", partial(_asked, store, query, values))
    try:
        found = outcome(desk, f"query {key}")
        if found is not None:
            st.session_state["answer"] = found
    except RingTraceError as error:
        show_error(error)
    kept = st.session_state.get("answer")
    if kept and kept[0].query is not None and kept[0].query.key == key:
        _answer(desk, store, *kept)


def _asked(
    store: GraphStore, query: SavedQuery, values: dict[str, object], cancel: Event
) -> tuple[Answer, int | None, dict[str, object]]:
    """The answer, how many it is out of, and what was asked with."""
    answer = run(store, query, values, row_limit=_ROWS, cancel=cancel)
    return answer, population(store, query, values, cancel=cancel), values


def _edit(query: SavedQuery, cypher: str, values: dict[str, object], tab: str) -> None:
    given = {each.name for each in query.parameters if not each.needed or each.name in values}
    put_into_editor(cypher, bind(query, values, only=given))
    st.session_state["query.tab"] = tab


def _shelf(desk: Desk, queries: Sequence[SavedQuery]) -> None:
    """The library to look through, a line for each question; a click opens one."""
    frame = pd.DataFrame(
        {
            "kind": [visible(each.category_name(desk.language)) for each in queries],
            "question": [visible(each.title(desk.language)) for each in queries],
            "meaning": [visible(each.about(desk.language), 400) for each in queries],
        }
    )
    widths = {"kind": 150, "question": 330, "meaning": 540}
    row = show_choices(
        desk,
        frame,
        {
            name: st.column_config.TextColumn(desk.say(f"app.query.column.{name}"), width=width)
            for name, width in widths.items()
        },
        named=frame["question"].__getitem__,
        key="query.shelf",
        height=470,
    )
    if row is not None:
        st.query_params["key"] = queries[row].key
        st.rerun()


def _searched(desk: Desk, query: SavedQuery) -> str:
    return f"{query.key} {query.title(desk.language)} {query.about(desk.language)}".casefold()


def _background(desk: Desk, query: SavedQuery) -> None:
    """Legal basis, what else would explain a row, and how to verify it."""
    if not (query.legal_basis or query.innocent_explanations or query.verification_steps):
        return
    with st.expander(desk.say("app.query.background")):
        for key in query.legal_basis:
            basis = legal_bases()[key]
            st.markdown(f"- **{markdown(basis.cite(desk.language))}** {markdown(basis.says(desk.language), 500)}")
        for group, keys in (("innocent", query.innocent_explanations), ("verify", query.verification_steps)):
            if keys:
                st.markdown(f"**{desk.say(f'queries.show.{group}')}**")
                st.markdown("\n".join(f"- {markdown(desk.say(f'queries.{group}.{key}'), 500)}" for key in keys))


def _inputs(desk: Desk, store: GraphStore, query: SavedQuery) -> dict[str, object]:
    """A field for each parameter; one that depends on others offers what goes with their values."""
    values: dict[str, object] = {}
    if not query.parameters:
        return values
    columns = st.columns(max(3, min(4, len(query.parameters))), vertical_alignment="bottom")
    for number, parameter in enumerate(query.parameters):
        with columns[number % len(columns)]:
            value = _input(desk, store, query, parameter, values)
        if value not in (None, ""):
            values[parameter.name] = value
    return values


def _input(desk: Desk, store: GraphStore, query: SavedQuery, parameter: Parameter, values: dict[str, object]) -> object:
    label, key = parameter.label(desk.language), f"param-{query.key}-{parameter.name}"
    given = st.query_params.get(parameter.name)
    if parameter.kind == "boolean":
        return st.checkbox(label, bool(parameter.default), key=key)
    if parameter.kind in ("integer", "number") and not parameter.choices:
        whole = parameter.kind == "integer"
        cast: Any = int if whole else float
        bound = {"min_value": parameter.minimum, "max_value": parameter.maximum}
        return st.number_input(
            label,
            value=cast(given or parameter.default) if given or parameter.default is not None else None,
            step=1 if whole else None,
            key=key,
            **{name: cast(each) for name, each in bound.items() if each is not None},
        )
    default = given or ("" if parameter.default is None else written(parameter.kind, parameter.default))
    offered = {each.id: each.name for each in _offered(store, query, parameter, values)}
    if not offered:
        return st.text_input(label, default, key=key, placeholder=desk.say(f"app.query.form.{parameter.kind}"))
    return st.selectbox(
        label,
        list(dict.fromkeys([*([default] if default else []), *offered])),
        index=0 if default else None,
        format_func=lambda each: visible(f"{offered.get(each) or ''} {masked_id(desk, each)}".strip(), 60),
        accept_new_options=not parameter.choices,
        key=key,
    )


def masked_id(desk: Desk, key: str) -> str:
    """An id as this screen may show it."""
    return (masked(key, "identifier") or "") if desk.masked else key


def _offered(store: GraphStore, query: SavedQuery, parameter: Parameter, values: dict[str, object]) -> list[Any]:
    try:
        return suggest(store, query, parameter, values)
    except RingTraceError:  # what it depends on was not given yet: the field stays one to type into
        return []


def _column(frame: pd.DataFrame, name: str) -> ColumnConfig:
    """Title and form of a column: money, which its heading gives away, with two decimals."""
    title = visible(name, 60)
    if pd.api.types.is_numeric_dtype(frame[name]) and any(unit in name for unit in ("元", "yuan")):
        return st.column_config.NumberColumn(title, format="%,.2f")
    return st.column_config.Column(title)


def _answer(desk: Desk, store: GraphStore, answer: Answer, out_of: int | None, values: dict[str, object]) -> None:
    number = len(answer.rows.rows)
    told = desk.say("app.query.rows", number=number, seconds=answer.rows.seconds)
    if out_of is not None:
        told += " " + desk.say("app.query.population", number=out_of)
    if answer.rows.truncated:
        told += " " + desk.say("app.query.truncated")
    st.caption(told)
    frame = shown_rows(answer, desk.language)
    if desk.masked:
        frame = frame.map(lambda value: masked(value, "identifier") if isinstance(value, str) else value)
    titles = {name: _column(frame, name) for name in frame.columns}
    safe = frame.map(lambda value: visible(value, 2_000) if isinstance(value, str) else value)
    st.dataframe(safe, column_config=titles, hide_index=True, width="stretch", key="query.answer")
    download(desk, frame, "query", key="query")
    if number and st.button(desk.say("app.query.draw"), icon=":material/hub:", key="query.draw"):
        try:
            drawn = draw(store, answer.query, values) if answer.query else answer
        except RingTraceError as error:
            show_error(error)
            return
        if draw_answer(desk, drawn):
            st.switch_page("app_pages/explore.py")
        st.info(desk.say("app.query.no_graph"), icon=":material/info:")
    with st.expander(desk.say("app.query.cypher")):
        st.code(answer.cypher, language="cypher")


if __name__ == "__main__":
    page()
