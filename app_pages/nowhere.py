"""Where every address leads that belongs to no page: it says so, and where to go on."""

from __future__ import annotations

import streamlit as st

from ringtrace.app_pages.plain import markdown
from ringtrace.app_pages.shell import NOWHERE, PAGES, open_desk


def page() -> None:
    desk = open_desk()
    st.title(desk.say("app.page.nowhere"))
    wanted = st.query_params.get("address", f"/{NOWHERE.url}")
    st.warning(desk.say("app.nowhere", address=markdown(wanted)), icon=":material/info:")
    for each in PAGES[:2]:
        st.page_link(each.path, label=desk.say(each.title), icon=each.icon)


if __name__ == "__main__":
    page()
