"""The app: navigation only. `ringtrace app -w WORKSPACE` starts it; the pages are in `app_pages/`."""

from __future__ import annotations

from typing import Final

import streamlit as st

from ringtrace.app_pages.shell import NOWHERE, PAGES, open_desk, show_error, sidebar
from ringtrace.errors import RingTraceError
from ringtrace.texts import text

# A picture of our own: for one of its icon font, Streamlit would let the browser ask the web.
ICON: Final = (
    '<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 32 32"><path d="M16 16 6 7m10 9 11-8M16 16 8 27m8-11 10 10"'
    ' stroke="#8a93a0" stroke-width="2"/><g fill="#4c8bd6"><circle cx="6" cy="7" r="4"/><circle cx="26" cy="26" r="4"/>'
    '</g><circle cx="27" cy="8" r="4" fill="#3f9b4f"/><circle cx="8" cy="27" r="4" fill="#d98c1f"/>'
    '<circle cx="16" cy="16" r="6" fill="#d81b60"/></svg>'
)


def main() -> None:
    st.set_page_config(page_title="RingTrace", page_icon=ICON, layout="wide")
    desk = open_desk()
    pages = [
        st.Page(
            page.path,
            title=text(page.title, desk.language),
            icon=page.icon,
            url_path=page.url,
            default=page == PAGES[0],
            visibility="hidden" if page == NOWHERE else "visible",
        )
        for page in (*PAGES, NOWHERE)
    ]
    current = st.navigation(pages)
    sidebar(desk)
    try:
        current.run()
    except RingTraceError as error:  # what a page did not look for: a server gone in the middle of it, a full disk
        show_error(error)


if __name__ == "__main__":
    main()
