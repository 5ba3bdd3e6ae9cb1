"""Load a folder from the app: check and load, build the graph, detect, with what happens shown as it goes."""

from __future__ import annotations

from pathlib import Path

import streamlit as st

from ringtrace.app_pages.plain import markdown
from ringtrace.app_pages.shell import Desk, show_error
from ringtrace.errors import RingTraceError
from ringtrace.progress import Step
from ringtrace.texts import catalogue


def show_loading(desk: Desk, *, expanded: bool) -> None:
    """The form that names the folder, and its progress once started."""
    with st.expander(desk.say("app.load.title"), expanded=expanded, icon=":material/upload_file:"):
        st.caption(desk.say("app.load.help"))
        with st.form("load", border=False):
            folder, button = st.columns([5, 1.4], vertical_alignment="bottom")
            named = folder.text_input(desk.say("app.load.folder"), key="load.folder")
            wanted = button.form_submit_button(desk.say("app.load.start"), icon=":material/upload:", width="stretch")
        if wanted and named.strip():
            _load(desk, Path(named.strip()))


def _load(desk: Desk, folder: Path) -> None:
    # Asked for here only: these rooms take long to import, and no other page needs them.
    from ringtrace.detectors import detect
    from ringtrace.graph import build_graph
    from ringtrace.loaders import load_folder

    workspace = desk.workspace()
    bar = st.progress(0.0)
    with st.status(desk.say("app.load.loading"), expanded=True) as status:

        def told(step: Step) -> None:
            said = catalogue().get(step.key)
            share = min(1.0, step.done / step.total) if step.total else 0.0
            bar.progress(share, said[desk.language] if said and "{" not in said[desk.language] else None)

        try:
            report = load_folder(folder, workspace, progress=told)
            status.update(label=desk.say("app.load.detecting"))
            found = detect(workspace, progress=told)
            status.update(label=desk.say("app.load.graph"))
            build_graph(workspace, progress=told)
        except RingTraceError as error:
            status.update(label=desk.say("app.load.failed"), state="error")
            show_error(error)
            return
        status.update(
            label=desk.say(
                "app.load.done",
                loaded=report.total("loaded"),
                refused=report.total("quarantined"),
                findings=len(found.findings),
            ),
            state="complete",
        )
    bar.empty()
    st.caption(markdown(folder, 1_000))
