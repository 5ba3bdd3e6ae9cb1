"""A pharmacy's ledger against its sales, as a section of a page."""

from __future__ import annotations

import pandas as pd
import streamlit as st

from ringtrace.app_pages.charts import ledger, show_chart
from ringtrace.app_pages.plain import visible
from ringtrace.app_pages.shell import Desk
from ringtrace.casework.ledger import ledger_and_sales

_ALL = ""


def show_ledger(desk: Desk, place: str) -> None:
    """What came in beside what was settled, for all drugs or one of them; nothing where there is no ledger."""
    workspace = desk.workspace()
    frame = _read(desk, str(workspace.path), workspace.generation, place)
    if frame.empty:
        return
    st.subheader(desk.say("app.ledger.title"))
    st.caption(desk.say("app.ledger.help"))
    names = {_ALL: desk.say("app.ledger.all"), **dict(zip(frame["drug"], frame["drug_name"], strict=True))}
    drug = st.selectbox(
        desk.say("app.ledger.drug"),
        list(names),
        index=1,
        format_func=lambda each: visible(names[each], 60) + (f" {visible(each, 30)}" if each else ""),
        key=f"ledger-{place}",
    )
    chosen = frame[frame["drug"] == drug] if drug else frame
    course = chosen.groupby("month", as_index=False)[["bought", "sold"]].sum()
    show_chart(ledger(desk, course), key=f"ledger-chart-{place}")


@st.cache_data(max_entries=32, show_spinner=False)
def _read(_desk: Desk, folder: str, generation: int, place: str) -> pd.DataFrame:
    with _desk.connect() as connection:
        return ledger_and_sales(connection, place)
