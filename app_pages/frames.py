"""Tables of the app: column titles from the schema, values as text, money and times in local form."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import Final, Literal

import pandas as pd
import streamlit as st
from pandas.io.formats.style import Styler
from streamlit.elements.lib.column_types import ColumnConfig

from ringtrace.app_pages.charts import LEVEL_COLOURS, LEVEL_MARKS
from ringtrace.app_pages.files import Form, show_links
from ringtrace.app_pages.plain import markdown, masked, visible
from ringtrace.app_pages.shell import Desk
from ringtrace.data_schema import Sensitivity, tables
from ringtrace.evidence.spreadsheet import csv_text
from ringtrace.evidence.tabular import workbook

_COLOURS: Final = {"red": "red", "orange": "orange", "yellow": "yellow", "explained": "gray"}


def level_word(desk: Desk, level: str) -> str:
    """The level with a mark of its own shape, so that colour is never the only sign."""
    return f"{LEVEL_MARKS.get(level, '')} {desk.say(f'app.level.{level}')}".strip()


def level_style(desk: Desk, shown: str) -> str:
    """The ground of a level's word in a table, as a pandas Styler wants it; a tint, so that the word stays readable."""
    level = next((level for level in LEVEL_MARKS if shown == level_word(desk, level)), None)
    return f"background-color: {LEVEL_COLOURS[level]}40" if level else ""


def level_sign(desk: Desk, level: str) -> str:
    """The same as coloured Markdown."""
    return f":{_COLOURS[level]}[{LEVEL_MARKS[level]}] {desk.say(f'app.level.{level}')}"


def sensitivity_of(column: str) -> Sensitivity:
    """The sensitivity of a column of the contract, whichever table declares it; `none` for any other name."""
    for table in tables().values():
        for declared in table.columns:
            if declared.name == column:
                return declared.sensitivity
    return "none"


def meanings_of(desk: Desk, column: str) -> dict[str, str]:
    """Code → meaning for a column whose codes the schema declares."""
    for table in tables().values():
        for declared in table.columns:
            if declared.name == column and declared.codes:
                return {code: meaning[desk.language] for code, meaning in declared.codes.items()}
    return {}


def column_title(desk: Desk, column: str, table: str | None = None) -> str:
    """The title of a column: the schema's label of it, or the app's own word."""
    places = [tables()[table]] if table else list(tables().values())
    for place in places:
        for declared in place.columns:
            if declared.name == column:
                label = declared.label(desk.language)
                return label[:1].upper() + label[1:]
    return desk.say(f"app.column.{column}")


def presentable(desk: Desk, frame: pd.DataFrame) -> pd.DataFrame:
    """A copy to show: text columns as visible text, masked where the desk's switch says so, decimals as numbers."""
    shown = frame.copy()
    for name in shown.columns:
        sensitivity = sensitivity_of(str(name))
        values = shown[name]
        if pd.api.types.is_bool_dtype(values) or pd.api.types.is_datetime64_any_dtype(values):
            continue
        if pd.api.types.is_numeric_dtype(values):
            continue
        if tables_money(str(name)):
            shown[name] = pd.to_numeric(values)
            continue
        meanings = meanings_of(desk, str(name))
        if meanings:
            shown[name] = [meanings.get(value, visible(value)) if pd.notna(value) else None for value in values]
        elif desk.masked and sensitivity != "none":
            shown[name] = [masked(value, sensitivity) for value in values]
        else:
            shown[name] = [visible(value, 10_000) if pd.notna(value) else None for value in values]
    return shown


def tables_money(column: str) -> bool:
    """Whether a column holds money or counts, kept exact as decimals in the tables."""
    return any(
        declared.name == column and declared.type in ("money", "count")
        for table in tables().values()
        for declared in table.columns
    )


def configured(desk: Desk, frame: pd.DataFrame, table: str | None = None) -> dict[str, ColumnConfig]:
    """Column settings for `st.dataframe`: titles, time and money formats."""
    settings: dict[str, ColumnConfig] = {}
    for name in map(str, frame.columns):
        title = column_title(desk, name, table)
        if pd.api.types.is_datetime64_any_dtype(frame[name]):
            settings[name] = st.column_config.DatetimeColumn(title, format="YYYY-MM-DD HH:mm:ss")
        elif pd.api.types.is_float_dtype(frame[name]):
            settings[name] = st.column_config.NumberColumn(title, format="%.2f")
        else:
            settings[name] = st.column_config.Column(title)
    return settings


def show_lines(desk: Desk, frame: pd.DataFrame, table: str | None = None, *, key: str, height: int = 320) -> None:
    """Source lines as a table that sorts, searches and copies."""
    shown = presentable(desk, frame)
    st.dataframe(
        shown, column_config=configured(desk, shown, table), hide_index=True, width="stretch", height=height, key=key
    )
    download(desk, frame, table or "lines", key=key)


def show_choices(
    desk: Desk,
    frame: pd.DataFrame | Styler,
    columns: dict[str, ColumnConfig],
    *,
    named: Callable[[int], str],
    key: str,
    height: int | Literal["content"],
) -> int | None:
    """A table whose rows stand for something that a click opens: the number of the row that was clicked.

    A click on a column's title, to sort, gives the table the focus, and the first cell on show is then selected as if
    it had been clicked. A cell of the first column is therefore only offered to be opened, by its name (`named`).
    """
    offer = st.container()
    picked = st.dataframe(
        frame,
        column_config=columns,
        hide_index=True,
        width="stretch",
        height=height,
        on_select="rerun",
        selection_mode="single-cell",
        key=key,
    )
    if not picked["selection"]["cells"]:
        return None
    row, column = picked["selection"]["cells"][0]
    if column != frame.columns[0]:
        return row
    said = desk.say("app.open.row", name=markdown(named(row), 80))
    return row if offer.button(said, icon=":material/arrow_forward:", type="tertiary", key=f"open-{key}") else None


def download(desk: Desk, frame: pd.DataFrame, name: str, *, key: str) -> None:
    """Links that hand the table over as CSV and XLSX, masked as on the screen; written only when one is followed."""
    show_links(name, partial(written, desk, frame, name), key=key)


def written(desk: Desk, frame: pd.DataFrame, name: str, form: Form) -> bytes:
    """The values under the titles on the screen, text that a spreadsheet would run or change kept as text."""
    hidden: list[Sensitivity] = [sensitivity_of(str(column)) if desk.masked else "none" for column in frame.columns]
    rows = [
        [
            None
            if value is None or value is pd.NaT or value != value
            else masked(value, kept)
            if kept != "none"
            else value
            for value, kept in zip(row, hidden, strict=True)
        ]
        for row in frame.itertuples(index=False)
    ]
    titles = [column_title(desk, str(column)) for column in frame.columns]
    return workbook(name, titles, rows) if form == "xlsx" else csv_text(titles, rows).encode("utf-8-sig")
