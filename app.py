"""The app: navigation only. `ringtrace app -w WORKSPACE` starts it; the pages are in `app_pages/`."""

from __future__ import annotations

import streamlit as st

from ringtrace.app_pages.shell import PAGES, open_desk, sidebar
from ringtrace.texts import text


def main() -> None:
    st.set_page_config(page_title="RingTrace", page_icon=":material/hub:", layout="wide")
    desk = open_desk()
    pages = [
        st.Page(page.path, title=text(page.title, desk.language), icon=page.icon, url_path=page.url, default=default)
        for default, page in zip((True, *[False] * len(PAGES)), PAGES, strict=False)
    ]
    current = st.navigation(pages)
    sidebar(desk)
    current.run()


if __name__ == "__main__":
    main()
