"""One person, card, institution, doctor, drug or pack: everything known about it, in order of interest."""

from __future__ import annotations

from typing import Any

import pandas as pd
import streamlit as st

from ringtrace.app_pages.charts import months, show_chart
from ringtrace.app_pages.entity_parts import (
    show_company,
    show_entity_figures,
    show_identity,
    show_its_findings,
    show_record,
    show_shared,
)
from ringtrace.app_pages.frames import show_lines
from ringtrace.app_pages.leads import SEEDS, show_leads
from ringtrace.app_pages.ledger import show_ledger
from ringtrace.app_pages.naming import Names
from ringtrace.app_pages.painting import wait_until_painted
from ringtrace.app_pages.plain import markdown
from ringtrace.app_pages.shell import Desk, open_desk
from ringtrace.casework.company import Company, Shared, company, shared
from ringtrace.casework.entities import record, search
from ringtrace.casework.lines import Figures, figures, lines, monthly
from ringtrace.data_schema import Column
from ringtrace.data_schema.graph import graph_schema
from ringtrace.graph.store import NodeRef


def page() -> None:
    desk = open_desk()
    desk.workspace()  # says so at once where there is none
    label, key = st.query_params.get("label"), st.query_params.get("id")
    wanted = st.text_input(desk.say("app.explore.find"), placeholder=desk.say("app.explore.find.hint"))
    if wanted.strip():
        _hits(desk, wanted)
    if label in graph_schema().nodes and key:
        _show(desk, NodeRef(label, key))
    elif not wanted.strip():
        st.title(desk.say("app.page.entity"))
        st.info(desk.say("app.entity.none"), icon=":material/info:")


def _hits(desk: Desk, wanted: str) -> None:
    with desk.connect() as connection:
        hits = search(connection, wanted)
    if not hits:
        st.caption(desk.say("app.explore.nothing_found", text=markdown(wanted)))
    with st.container(horizontal=True):
        for hit in hits:
            kind = desk.label(hit.label)
            if st.button(f"{markdown(hit.name or hit.key, 24)} · {kind}", key=f"hit-{hit.label}-{hit.key}"):
                st.query_params.from_dict({"label": hit.label, "id": hit.key})
                st.rerun()


def _show(desk: Desk, ref: NodeRef) -> None:
    names = Names.of(desk, [(ref.label, ref.id)])
    show_identity(desk, ref.label, names.caption(ref.label, ref.id), names.key(ref.label, ref.id))
    workspace = desk.workspace()
    asked = (str(workspace.path), workspace.generation, ref.label, ref.id, desk)
    summed, fields, common = _head(*asked)
    if not fields and (summed is None or not summed.settlements):
        st.info(desk.say("app.entity.unknown"), icon=":material/info:")
    if summed:
        show_entity_figures(desk, ref, summed)
    if st.button(desk.say("app.finding.graph"), icon=":material/hub:", type="primary"):
        st.switch_page("app_pages/explore.py", query_params={"label": ref.label, "id": ref.id})
    left, right = st.columns([3, 2], gap="large")
    with left:
        show_its_findings(desk, ref)
    with right:
        show_record(desk, fields)
        show_shared(desk, common)
    wait_until_painted()
    course, involved, beneath = _rest(*asked)
    with left:
        show_company(desk, involved)
    with right:
        if len(course) > 1:
            st.subheader(desk.say("app.entity.course"))
            show_chart(months(course, desk.say("app.overview.settlements"), height=150))
    if ref.label in SEEDS:
        show_leads(desk, [ref.id], key=f"{ref.label}-{ref.id}")
    if ref.label in ("Pharmacy", "Hospital"):
        show_ledger(desk, ref.id)
    st.subheader(desk.say("app.explore.lines"))
    if beneath.empty:
        st.caption(desk.say("app.explore.no_lines"))
    else:
        show_lines(desk, beneath.dropna(axis="columns", how="all"), key="entity.lines")


# Kept while the data is the same: each click on the page runs all of it again.
@st.cache_data(max_entries=32, show_spinner=False)
def _head(
    folder: str, generation: int, label: str, key: str, _desk: Desk
) -> tuple[Figures | None, list[tuple[Column, Any]], list[Shared]]:
    ref = NodeRef(label, key)
    with _desk.connect() as connection:
        return (
            figures(connection, ref),
            record(connection, ref.label, ref.id),
            shared(connection, ref.id) if ref.label == "Patient" else [],
        )


@st.cache_data(max_entries=32, show_spinner=False)
def _rest(
    folder: str, generation: int, label: str, key: str, _desk: Desk
) -> tuple[pd.DataFrame, list[Company], pd.DataFrame]:
    ref = NodeRef(label, key)
    with _desk.connect() as connection:
        return monthly(connection, ref), company(connection, ref), lines(connection, ref)


if __name__ == "__main__":
    page()
