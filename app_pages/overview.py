"""Overview: what came in, what was refused, and what was found."""

from __future__ import annotations

from typing import Final

import altair as alt
import pandas as pd
import streamlit as st

from ringtrace.app_pages.charts import LEVEL_COLOURS, institutions
from ringtrace.app_pages.charts import months as by_month
from ringtrace.app_pages.frames import level_sign, level_word
from ringtrace.app_pages.plain import markdown, money, period
from ringtrace.app_pages.shell import Desk, open_desk
from ringtrace.app_pages.wording import told_markdown
from ringtrace.casework.overview import (
    KindCount,
    TableSize,
    count_findings,
    institutions_on_map,
    settlements_by_month,
    table_sizes,
)
from ringtrace.casework.ranking import rank, suspects
from ringtrace.data_schema import tables
from ringtrace.loaders.report import LoadReport
from ringtrace.workspace import Workspace

_SUSPICIOUS: Final = ("red", "orange", "yellow")


def page() -> None:
    desk = open_desk()
    workspace = desk.workspace()
    st.title(desk.say("app.page.overview"))
    if workspace.generation == 0:
        st.info(desk.say("app.nothing_loaded"), icon=":material/info:")
        return
    _figures(desk)
    left, right = st.columns([3, 2], gap="large")
    with left:
        _urgent(desk)
        _kinds(desk)
    with right:
        _loaded(desk, workspace)


def _figures(desk: Desk) -> None:
    findings = desk.findings()
    standing = [each for each in findings if each.level != "explained"]
    people = {
        member.id for each in standing for member in each.members if member.suspected and member.label == "Patient"
    }
    places = {
        member.id
        for each in standing
        for member in each.members
        if member.suspected and member.label in ("Pharmacy", "Hospital")
    }
    with st.container(horizontal=True):
        st.metric(desk.say("app.overview.findings"), f"{len(standing):,}", border=True)
        st.metric(desk.say("app.overview.urgent"), f"{sum(each.level == 'red' for each in standing):,}", border=True)
        st.metric(desk.say("app.overview.people"), f"{len(people):,}", border=True)
        st.metric(desk.say("app.overview.places"), f"{len(places):,}", border=True)
        st.metric(
            desk.say("app.overview.amount"),
            markdown(money(sum((each.amount for each in standing), start=0), desk.language)),
            border=True,
            help=desk.say("app.overview.amount.help"),
        )


def _kinds(desk: Desk) -> None:
    st.subheader(desk.say("app.overview.by_kind"))
    counts = [each for each in count_findings(desk.findings()) if each.level != "explained"]
    cleared = sum(each.level == "explained" for each in desk.findings())
    if cleared:
        st.caption(desk.say("app.overview.explained", number=cleared))
    if not counts:
        st.info(desk.say("app.no_findings"), icon=":material/info:")
        return
    frame = _long(desk, counts)
    order = list(dict.fromkeys(frame["kind"]))
    listed = [level_word(desk, each) for each in _SUSPICIOUS]
    chart = (
        alt.Chart(frame)
        .mark_bar()
        .encode(
            y=alt.Y("kind:N", sort=order, title=None, axis=alt.Axis(labelLimit=260, labelOverlap=False)),
            x=alt.X("findings:Q", title=desk.say("app.overview.number"), axis=alt.Axis(tickMinStep=1, format="d")),
            color=alt.Color(
                "level:N",
                sort=[level_word(desk, level) for level in LEVEL_COLOURS],
                scale=alt.Scale(
                    domain=[level_word(desk, level) for level in LEVEL_COLOURS], range=list(LEVEL_COLOURS.values())
                ),
                legend=alt.Legend(
                    title=None,
                    orient="top",
                    offset=6,
                    padding=0,
                    values=listed,
                ),
            ),
            order="rank:Q",
            tooltip=[
                alt.Tooltip("kind:N", title=desk.say("app.column.kind")),
                alt.Tooltip("level:N", title=desk.say("app.column.level")),
                alt.Tooltip("findings:Q", title=desk.say("app.overview.number")),
                alt.Tooltip("amount:Q", title=desk.say("app.column.amount"), format=",.2f"),
            ],
        )
        .properties(height=26 * len(order) + 70)
    )
    st.altair_chart(chart, width="stretch")


def _long(desk: Desk, counts: list[KindCount]) -> pd.DataFrame:
    levels = list(LEVEL_COLOURS)
    return pd.DataFrame(
        {
            "kind": [desk.term("kind", each.kind) for each in counts],
            "level": [level_word(desk, each.level) for each in counts],
            "rank": [levels.index(each.level) for each in counts],
            "findings": [each.findings for each in counts],
            "amount": [float(each.amount) for each in counts],
        }
    )


def _urgent(desk: Desk) -> None:
    standing = [each for each in desk.findings() if each.level != "explained"]
    if not standing:
        return
    st.subheader(desk.say("app.overview.first"))
    for finding in rank(standing)[:5]:
        with st.container(border=True, horizontal=True, vertical_alignment="center"):
            st.markdown(
                f"**{told_markdown(desk, finding, finding.title)}**  \n"
                f"{level_sign(desk, finding.level)} · {markdown(desk.term('kind', finding.kind))} · "
                f"{markdown(money(finding.amount, desk.language))} · "
                f"{desk.say('app.people', number=suspects(finding))}",
                width="stretch",
            )
            if st.button(desk.say("app.open"), key=f"open-{finding.finding_id}", icon=":material/arrow_forward:"):
                st.switch_page("app_pages/finding.py", query_params={"id": finding.finding_id})


def _loaded(desk: Desk, workspace: Workspace) -> None:
    st.subheader(desk.say("app.overview.loaded"))
    sizes = _sizes(desk, str(workspace.path), workspace.generation)
    frame = pd.DataFrame(
        {
            "table": [tables()[size.table].label(desk.language) for size in sizes],
            "rows": [size.rows for size in sizes],
            "span": [period(size.first, size.last, desk.language) if size.first else "" for size in sizes],
        }
    )
    widths = {"table": 115, "span": 190}
    titles = {name: st.column_config.Column(desk.say(f"app.column.{name}"), width=widths[name]) for name in widths}
    rows = st.column_config.NumberColumn(desk.say("app.column.rows"), format="%,d", width=70)
    st.dataframe(frame, column_config={**titles, "rows": rows}, hide_index=True, width="stretch", height="content")
    report = LoadReport.from_manifest(workspace.manifest())
    refused = report.total("quarantined") if report else 0
    if refused:
        st.warning(desk.say("app.overview.quarantined", number=refused), icon=":material/report:")
    else:
        st.caption(f":material/check_circle: {desk.say('app.overview.clean')}")
    st.page_link("app_pages/data.py", label=desk.say("app.overview.files"), icon=":material/database:")
    months = _months(desk, str(workspace.path), workspace.generation)
    if len(months) > 1:
        st.altair_chart(by_month(months, desk.say("app.overview.settlements"), height=160), width="stretch")
    with desk.connect() as connection:
        located = institutions_on_map(connection, desk.findings())
    if len(located) > 1:
        st.subheader(desk.say("app.overview.map"))
        st.altair_chart(institutions(desk, located), width="stretch")


@st.cache_data(max_entries=4, show_spinner=False)
def _sizes(_desk: Desk, folder: str, generation: int) -> list[TableSize]:
    with _desk.connect() as connection:
        return table_sizes(connection)


@st.cache_data(max_entries=4, show_spinner=False)
def _months(_desk: Desk, folder: str, generation: int) -> pd.DataFrame:
    with _desk.connect() as connection:
        return settlements_by_month(connection)


if __name__ == "__main__":
    page()
