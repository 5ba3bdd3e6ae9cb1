"""Who else shares the pattern of those who are known, as a section of a page: looked for when asked, hop by hop."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import replace
from typing import TYPE_CHECKING, Final

import pandas as pd
import streamlit as st

from ringtrace.app_pages.frames import download
from ringtrace.app_pages.naming import Names
from ringtrace.app_pages.plain import markdown, masked
from ringtrace.app_pages.shell import Desk, show_error
from ringtrace.errors import RingTraceError
from ringtrace.findings import Message, current_run

if TYPE_CHECKING:
    from ringtrace.detectors import Lead

SEEDS: Final = frozenset({"Patient", "Card", "Pharmacy", "Hospital"})
"""Labels from which an expansion may start."""
_MOST: Final = 30
_NAMED: Final = ("Patient", "Pharmacy", "Hospital")  # labels that a lead's sentences name by their numbers


def show_leads(desk: Desk, ids: Sequence[str], *, key: str) -> None:
    """A button, and once it was pressed the leads: who, how it is joined, what else would explain it."""
    if not ids:
        return
    st.subheader(desk.say("app.leads.title"))
    st.caption(desk.say("app.leads.help", number=len(ids)))
    asked = f"leads-{key}"
    if st.button(desk.say("app.leads.look"), icon=":material/travel_explore:", key=f"look-{key}"):
        st.session_state[asked] = True
    if not st.session_state.get(asked):
        return
    workspace = desk.workspace()
    try:
        with st.spinner(desk.say("app.leads.looking")):
            found = _leads(desk, str(workspace.path), workspace.generation, current_run(workspace), tuple(ids))
    except RingTraceError as error:
        show_error(error)
        return
    if not found:
        st.success(desk.say("app.leads.none"), icon=":material/check_circle:")
        return
    _table(desk, found, key)


# A resource and not data, which Streamlit would copy at each click.
@st.cache_resource(max_entries=8, show_spinner=False)
def _leads(_desk: Desk, folder: str, generation: int, run: int, ids: tuple[str, ...]) -> Sequence[Lead]:
    # Asked for here only: it takes long to import, and most visits of a page do not look for leads.
    from ringtrace.detectors import expand

    return expand(_desk.workspace(), ids, limit=_MOST)


def _table(desk: Desk, found: Sequence[Lead], key: str) -> None:
    nodes = {(each.label, each.id) for lead in found for each in (lead.node, *lead.via)}
    names = Names.of(desk, nodes | {(label, number) for number in _numbers(found) for label in _NAMED})
    frame = pd.DataFrame(
        {
            "hop": [lead.hop for lead in found],
            "score": [lead.score for lead in found],
            "label": [desk.label(lead.label) for lead in found],
            "name": [names.name(lead.label, lead.id) for lead in found],
            "id": [names.key(lead.label, lead.id) for lead in found],
            "via": [", ".join(names.caption(each.label, each.id) for each in lead.via[:3]) for lead in found],
            "innocent": [
                desk.say("app.leads.innocent", number=len(lead.innocent)) if lead.innocent else "" for lead in found
            ],
            "lines": [len(lead.evidence) for lead in found],
        }
    )
    config = st.column_config
    st.caption(desk.say("app.leads.click"))
    picked = st.dataframe(
        frame,
        column_config={
            "hop": config.NumberColumn(desk.say("app.column.hop"), width=55),
            "score": config.ProgressColumn(
                desk.say("app.column.score"), format="%.2f", min_value=0, max_value=1, width=95
            ),
            "label": config.TextColumn(desk.say("app.column.label"), width=80),
            "name": config.TextColumn(desk.say("app.column.name"), width=150),
            "id": config.TextColumn(desk.say("app.column.id"), width=150),
            "via": config.TextColumn(desk.say("app.column.via"), width=200),
            "innocent": config.TextColumn(desk.say("app.column.innocent"), width=150),
            "lines": config.NumberColumn(desk.say("app.explore.lines"), width=80),
        },
        hide_index=True,
        width="stretch",
        height="content" if len(found) <= 8 else 300,
        on_select="rerun",
        selection_mode="single-cell",
        key=f"leads-table-{key}",
    )
    download(desk, frame, "leads", key=f"leads-{key}")
    cells = picked["selection"]["cells"]
    _lead(desk, found[cells[0][0] if cells else 0], names, key)


def _numbers(found: Iterable[Lead]) -> set[str]:
    """The text values of the leads' sentences: numbers of people, cards, institutions."""
    messages = [message for lead in found for message in (*lead.because, *(check.message for check in lead.innocent))]
    return {value for message in messages for value in message.values.values() if isinstance(value, str)}


def _said(desk: Desk, message: Message, names: Names) -> str:
    """The sentence with names in place of numbers, or with masked ones."""
    values = dict(message.values)
    for field, value in message.values.items():
        if not isinstance(value, str):
            continue
        known = next((names.name(label, value) for label in _NAMED if (label, value) in names.known), "")
        values[field] = known or (masked(value, "identifier") if desk.masked else value)
    return markdown(replace(message, values=values).render(desk.language), 600)


def _lead(desk: Desk, lead: Lead, names: Names, key: str) -> None:
    """One lead in words, with the way to its record."""
    told = [f"- {_said(desk, each, names)}" for each in lead.because]
    told += [
        f"- :material/balance: {desk.term('outcome', each.outcome)} – {_said(desk, each.message, names)}"
        for each in lead.innocent
    ]
    with st.container(border=True):
        st.markdown(f"**{markdown(names.caption(lead.label, lead.id))}** {markdown(names.key(lead.label, lead.id))}")
        st.markdown("\n".join(told))
        with st.container(horizontal=True):
            target = {"label": lead.label, "id": lead.id}
            if st.button(desk.say("app.explore.record"), icon=":material/badge:", key=f"record-{key}"):
                st.switch_page("app_pages/entity.py", query_params=target)
            if st.button(desk.say("app.finding.graph"), icon=":material/hub:", key=f"graph-{key}"):
                st.switch_page("app_pages/explore.py", query_params=target)
