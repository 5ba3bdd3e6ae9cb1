"""Data: load a folder, what became of every row of the last one, and what was refused and why."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from typing import Any

import pandas as pd
import streamlit as st

from ringtrace.app_pages.frames import column_title, download
from ringtrace.app_pages.loading import show_loading
from ringtrace.app_pages.plain import visible
from ringtrace.app_pages.shell import Desk, open_desk
from ringtrace.data_schema import tables
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
        st.info(desk.say("app.nothing_loaded.here"), icon=":material/info:")
        return
    with st.container(horizontal=True):
        for outcome in ("read", "loaded", "replaced", "identical", "quarantined"):
            st.metric(desk.say(f"app.data.{outcome}"), f"{report.total(outcome):,}", border=True)
    _quarantine(desk)
    for number, sheet in enumerate(report.tables(desk.language)):
        st.subheader(sheet.title)
        _sheet(sheet, number)


def _sheet(sheet: Sheet, number: int) -> None:
    rows = [[visible(cell) if isinstance(cell, str) else cell for cell in row] for row in sheet.rows]
    frame = pd.DataFrame(rows, columns=[header[:1].upper() + header[1:] for header in sheet.headers])
    st.dataframe(
        frame,
        column_config={
            name: st.column_config.NumberColumn(format="%,d")
            for name in frame.columns
            if pd.api.types.is_integer_dtype(frame[name])
        },
        hide_index=True,
        width="stretch",
        height="content" if len(frame) <= 14 else 480,
        key=f"sheet-{number}",
    )


def _quarantine(desk: Desk) -> None:
    """The refused rows with the rules that they broke and what to do; filtered by table and by rule."""
    refused = read_quarantine(desk.workspace(), _ROWS)
    if refused.empty:
        st.caption(f":material/check_circle: {desk.say('app.overview.clean')}")
        return
    st.subheader(desk.say("app.data.quarantine"))
    st.caption(desk.say("app.data.quarantine.help", number=len(refused)))
    codes = {problem["code"] for problems in refused["problems"] for problem in problems}
    first, second = st.columns(2)
    in_tables = first.multiselect(
        desk.say("app.column.table"),
        sorted(refused["table"].unique()),
        format_func=lambda each: tables()[each].label(desk.language) if each in tables() else "–",
        placeholder=desk.say("app.data.all"),
        key="quarantine.tables",
    )
    broken = second.multiselect(
        desk.say("app.column.problems"),
        sorted(codes),
        format_func=lambda each: _sentence(desk, "problem", each),
        placeholder=desk.say("app.data.all"),
        key="quarantine.rules",
    )
    kept = [
        (not in_tables or table in in_tables) and (not broken or any(each["code"] in broken for each in problems))
        for table, problems in zip(refused["table"], refused["problems"], strict=True)
    ]
    chosen = refused[kept]
    shown = pd.DataFrame(
        {
            "file": [visible(value) for value in chosen["file"]],
            "row": chosen["row"],
            "problems": [
                _problems(desk, table, each) for table, each in zip(chosen["table"], chosen["problems"], strict=True)
            ],
            "remedy": [_remedies(desk, each) for each in chosen["problems"]],
            "raw": ["" if desk.masked else visible(_text(raw), 2_000) for raw in chosen["raw"]],
        }
    )
    widths = {"file": 140, "row": 60, "problems": 300, "remedy": 270, "raw": 420}
    st.dataframe(
        shown,
        column_config={
            name: st.column_config.Column(desk.say(f"app.column.{name}"), width=width) for name, width in widths.items()
        },
        hide_index=True,
        width="stretch",
        height="content" if len(shown) <= 8 else 320,
        key="quarantine",
    )
    download(desk, shown, "quarantine", key="quarantine")


def _problems(desk: Desk, table: str, problems: Iterable[Mapping[str, Any]]) -> str:
    """Each rule broken: the field in words, what is wrong with it, the value that came."""
    told = []
    for problem in problems:
        field = column_title(desk, problem["column"], table) if problem["column"] else ""
        value = f" ({problem['value']})" if problem["value"] and not desk.masked else ""
        told.append(f"{field}: {_sentence(desk, 'problem', problem['code'])}{value}".removeprefix(": "))
    return visible("; ".join(told), 1_000)


def _remedies(desk: Desk, problems: Iterable[Mapping[str, Any]]) -> str:
    told = dict.fromkeys(_sentence(desk, "remedy", problem["code"]) for problem in problems)
    return visible("; ".join(told), 1_000)


def _sentence(desk: Desk, family: str, code: str) -> str:
    said = catalogue().get(f"loaders.{family}.{code}")
    return said[desk.language] if said else code


def _text(raw: Any) -> str:
    return raw if isinstance(raw, str) else json.dumps(raw, ensure_ascii=False, default=str)


if __name__ == "__main__":
    page()
