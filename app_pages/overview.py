"""Overview: what came in, what was refused, and what was found."""

from __future__ import annotations

import pandas as pd
import streamlit as st

from ringtrace.app_pages.charts import institutions, level_bars, level_course, show_chart
from ringtrace.app_pages.charts import months as by_month
from ringtrace.app_pages.frames import level_sign, level_word
from ringtrace.app_pages.painting import wait_until_painted
from ringtrace.app_pages.plain import markdown, money, period, visible
from ringtrace.app_pages.shell import Desk, open_desk
from ringtrace.app_pages.wording import told_markdown
from ringtrace.casework.notebook import cleared
from ringtrace.casework.overview import (
    KindCount,
    TableSize,
    count_by_month,
    count_by_region,
    count_findings,
    institutions_on_map,
    settlements_by_month,
    table_sizes,
)
from ringtrace.casework.ranking import rank, suspects
from ringtrace.data_schema import tables
from ringtrace.findings import read_gap_messages
from ringtrace.loaders.report import LoadReport
from ringtrace.workspace import Workspace


def page() -> None:
    desk = open_desk()
    workspace = desk.workspace()
    st.title(desk.say("app.page.overview"))
    if workspace.generation == 0:
        st.info(desk.say("app.nothing_loaded"), icon=":material/info:")
        st.page_link("app_pages/data.py", label=desk.say("app.load.title"), icon=":material/upload_file:")
        return
    _figures(desk)
    left, right = st.columns([3, 2], gap="large")
    with left:
        _urgent(desk)
    with right:
        _loaded(desk, workspace)
    wait_until_painted()
    with left:
        _alarm(desk)
    with right:
        _course(desk, workspace)


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


def _alarm(desk: Desk) -> None:
    """The level of alarm by kind, by region, and in time."""
    st.subheader(desk.say("app.overview.alarm"))
    cleared = sum(each.level == "explained" for each in desk.findings())
    if cleared:
        st.caption(desk.say("app.overview.explained", number=cleared))
    standing = [each for each in desk.findings() if each.level != "explained"]
    if not standing:
        st.info(desk.say("app.no_findings"), icon=":material/info:")
        return
    # Only the one that is looked at is computed and drawn.
    names = [desk.say(f"app.overview.{name}") for name in ("by_kind", "by_region", "by_month")]
    kinds, regions, trend = st.tabs(names, key="overview.alarm", on_change="rerun")
    if kinds.open:
        with kinds:
            counts = [each for each in count_findings(standing) if each.level != "explained"]
            show_chart(level_bars(desk, _long(desk, counts), desk.say("app.column.kind")))
    if regions.open:
        with regions:
            show_chart(level_bars(desk, _by_region(desk), desk.say("app.column.region")))
    if trend.open:
        with trend:
            frame = count_by_month(standing)
            frame["words"] = [level_word(desk, level) for level in frame["level"]]
            show_chart(level_course(desk, frame))


def _long(desk: Desk, counts: list[KindCount]) -> pd.DataFrame:
    return pd.DataFrame(
        {
            "what": [desk.term("kind", each.kind) for each in counts],
            "level": [each.level for each in counts],
            "words": [level_word(desk, each.level) for each in counts],
            "findings": [each.findings for each in counts],
            "amount": [float(each.amount) for each in counts],
        }
    )


def _by_region(desk: Desk) -> pd.DataFrame:
    with desk.connect() as connection:
        frame = count_by_region(connection, desk.findings())
    worst = frame.groupby("region")["findings"].sum().sort_values(ascending=False)
    frame = frame.set_index("region").loc[worst.index].reset_index()
    frame["what"] = [visible(region, 20) or desk.say("app.overview.no_region") for region in frame["region"]]
    frame["words"] = [level_word(desk, level) for level in frame["level"]]
    return frame


def _urgent(desk: Desk) -> None:
    done = cleared(desk.workspace(), desk.findings())
    standing = [each for each in desk.findings() if each.level != "explained" and each.finding_id not in done]
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
    widths = {"table": 135, "span": 175} if desk.language == "en" else {"table": 100, "span": 215}
    titles = {name: st.column_config.Column(desk.say(f"app.column.{name}"), width=widths[name]) for name in widths}
    rows = st.column_config.NumberColumn(desk.say("app.column.rows"), format="%,d", width=68)
    st.dataframe(frame, column_config={**titles, "rows": rows}, hide_index=True, width="stretch", height="content")
    report = LoadReport.from_manifest(workspace.manifest())
    refused = report.total("quarantined") if report else 0
    if refused:
        st.warning(desk.say("app.overview.quarantined", number=refused), icon=":material/report:")
    else:
        st.caption(f":material/check_circle: {desk.say('app.overview.clean')}")
    st.page_link("app_pages/data.py", label=desk.say("app.overview.files"), icon=":material/database:")
    gaps = read_gap_messages(workspace)
    if gaps:
        with st.expander(desk.say("app.overview.gaps", number=len(gaps)), icon=":material/help:"):
            for kind, message in gaps:
                st.markdown(f"**{desk.term('kind', kind)}** {markdown(message.render(desk.language), 1_000)}")


def _course(desk: Desk, workspace: Workspace) -> None:
    """The settlements month by month, and where the institutions lie."""
    months = _months(desk, str(workspace.path), workspace.generation)
    if len(months) > 1:
        show_chart(by_month(months, desk.say("app.overview.settlements"), height=160))
    with desk.connect() as connection:
        located = institutions_on_map(connection, desk.findings())
    if len(located) > 1:
        st.subheader(desk.say("app.overview.map"))
        show_chart(institutions(desk, located))


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
