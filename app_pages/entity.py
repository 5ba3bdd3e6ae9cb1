"""One person, card, institution, doctor, drug or pack: everything known about it, in order of interest."""

from __future__ import annotations

import streamlit as st

from ringtrace.app_pages.charts import months
from ringtrace.app_pages.frames import level_sign, show_lines
from ringtrace.app_pages.ledger import show_ledger
from ringtrace.app_pages.naming import Names
from ringtrace.app_pages.plain import markdown, masked, money, period, visible
from ringtrace.app_pages.shell import Desk, open_desk
from ringtrace.app_pages.wording import told_markdown
from ringtrace.casework.entities import record, search
from ringtrace.casework.lines import figures, lines, monthly
from ringtrace.data_schema.graph import graph_schema
from ringtrace.findings import LEVELS
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
    st.title(markdown(names.caption(ref.label, ref.id)))
    st.caption(f"{desk.label(ref.label)} · {markdown(names.key(ref.label, ref.id))}")
    with desk.connect() as connection:
        summed = figures(connection, ref)
        course = monthly(connection, ref)
        fields = record(connection, ref.label, ref.id)
        beneath = lines(connection, ref)
    if summed:
        with st.container(horizontal=True):
            st.metric(desk.say("app.figures.settlements"), f"{summed.settlements:,}", border=True)
            st.metric(desk.say("app.figures.amount"), markdown(money(summed.amount, desk.language)), border=True)
            st.metric(desk.say("app.figures.patients"), f"{summed.patients:,}", border=True)
            st.metric(desk.say("app.figures.institutions"), f"{summed.institutions:,}", border=True)
            st.metric(
                desk.say("app.figures.period"), markdown(period(summed.first, summed.last, desk.language)), border=True
            )
    if st.button(desk.say("app.finding.graph"), icon=":material/hub:", type="primary"):
        st.switch_page("app_pages/explore.py", query_params={"label": ref.label, "id": ref.id})
    left, right = st.columns(2, gap="large")
    with left:
        _findings(desk, ref)
        if len(course) > 1:
            st.subheader(desk.say("app.entity.course"))
            st.altair_chart(months(course, desk.say("app.overview.settlements"), height=180), width="stretch")
    with right:
        st.subheader(desk.say("app.entity.record"))
        if not fields:
            st.caption(desk.say("app.node.stub"))
        for column, value in fields:
            meaning = column.codes.get(str(value), {}).get(desk.language)
            hidden = desk.masked and column.sensitivity != "none"
            shown = masked(value, column.sensitivity) if hidden else visible(meaning or value, 10_000)
            st.markdown(f"{markdown(column.label(desk.language))}: **{markdown(shown, 10_000)}**")
    if ref.label in ("Pharmacy", "Hospital"):
        show_ledger(desk, ref.id)
    st.subheader(desk.say("app.explore.lines"))
    if beneath.empty:
        st.caption(desk.say("app.explore.no_lines"))
    else:
        show_lines(desk, beneath.dropna(axis="columns", how="all"), key="entity.lines")


def _findings(desk: Desk, ref: NodeRef) -> None:
    st.subheader(desk.say("app.explore.in_findings"))
    within = [
        (finding, member)
        for finding in desk.findings()
        for member in finding.members
        if (member.label, member.id) == (ref.label, ref.id)
    ]
    if not within:
        st.caption(desk.say("app.entity.no_findings"))
    for finding, member in sorted(within, key=lambda each: (LEVELS.index(each[0].level), -each[0].score)):
        with st.container(border=True, horizontal=True, vertical_alignment="center"):
            st.markdown(
                f"**{told_markdown(desk, finding, finding.title)}**  \n{level_sign(desk, finding.level)} · "
                f"{markdown(desk.term('role', member.role))} · {markdown(money(finding.amount, desk.language))}",
                width="stretch",
            )
            if st.button(desk.say("app.open"), key=f"open-{finding.finding_id}-{member.role}"):
                st.switch_page("app_pages/finding.py", query_params={"id": finding.finding_id})


if __name__ == "__main__":
    page()
