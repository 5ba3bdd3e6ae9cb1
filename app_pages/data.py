"""Data: what the last load did with every row, what it refused and why."""

from __future__ import annotations

import json
from typing import Any

import pandas as pd
import streamlit as st

from ringtrace.app_pages.frames import download
from ringtrace.app_pages.loading import show_loading
from ringtrace.app_pages.plain import visible
from ringtrace.app_pages.shell import Desk, open_desk
from ringtrace.loaders.quarantine import read_quarantine
from ringtrace.loaders.report import LoadReport, Sheet
from ringtrace.texts import catalogue

_ROWS = 5_000


def page() -> None:
    desk = open_desk()
    workspace = desk.workspace()
    st.title(desk.say("app.page.data"))
    report = LoadReport.from_manifest(workspace.manifest())
    show_loading(desk, expanded=report is None)
    if report is None:
        st.info(desk.say("app.nothing_loaded"), icon=":material/info:")
        return
    with st.container(horizontal=True):
        for outcome in ("read", "loaded", "replaced", "identical", "quarantined"):
            st.metric(desk.say(f"app.data.{outcome}"), f"{report.total(outcome):,}", border=True)
    for number, sheet in enumerate(report.tables(desk.language)):
        st.subheader(sheet.title)
        _sheet(sheet, number)
    _quarantine(desk)


def _sheet(sheet: Sheet, number: int) -> None:
    rows = [[visible(cell) if isinstance(cell, str) else cell for cell in row] for row in sheet.rows]
    st.dataframe(
        pd.DataFrame(rows, columns=list(sheet.headers)), hide_index=True, width="stretch", key=f"sheet-{number}"
    )


def _quarantine(desk: Desk) -> None:
    st.subheader(desk.say("app.data.quarantine"))
    refused = read_quarantine(desk.workspace(), _ROWS)
    if refused.empty:
        st.success(desk.say("app.overview.clean"), icon=":material/check_circle:")
        return
    st.caption(desk.say("app.data.quarantine.help", number=len(refused)))
    shown = pd.DataFrame(
        {
            "file": [visible(value) for value in refused["file"]],
            "row": refused["row"],
            "problems": [_problems(desk, problems) for problems in refused["problems"]],
            "raw": ["" if desk.masked else visible(_text(raw), 2_000) for raw in refused["raw"]],
        }
    )
    titles = {name: st.column_config.Column(desk.say(f"app.column.{name}")) for name in shown.columns}
    st.dataframe(shown, column_config=titles, hide_index=True, width="stretch", height=360, key="quarantine")
    download(desk, shown, "quarantine", key="quarantine")


def _problems(desk: Desk, problems: Any) -> str:
    told = []
    for problem in problems:
        sentence = catalogue().get(f"loaders.problem.{problem['code']}")
        told.append(f"{problem['column']}: {sentence[desk.language] if sentence else problem['code']}")
    return visible("; ".join(told), 1_000)


def _text(raw: Any) -> str:
    return raw if isinstance(raw, str) else json.dumps(raw, ensure_ascii=False, default=str)


if __name__ == "__main__":
    page()
