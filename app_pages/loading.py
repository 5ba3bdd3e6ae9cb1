"""Load a folder from the app: check and load, detect, build the graph, with what happens shown as it goes."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Final

import streamlit as st

from ringtrace.app_pages.plain import markdown
from ringtrace.app_pages.shell import Desk, open_desk, show_error
from ringtrace.loaders.presets import PRESETS
from ringtrace.texts import catalogue

if TYPE_CHECKING:
    from ringtrace.casework.intake import Intake

_ANY: Final = "any"
_EVERY: Final = 1.0  # seconds between two looks at what is under way


@st.cache_resource(show_spinner=False)
def _under_way() -> dict[str, Intake]:
    """What is being taken in, or was last, by workspace: one record for all desks of this server."""
    return {}


def show_loading(desk: Desk, *, expanded: bool) -> None:
    """The form that names the folder; in its place the progress of what is under way, whoever started it."""
    intake = _under_way().get(str(desk.workspace().path))
    if intake is not None and intake.running:
        _progress()
        return
    if intake is not None:
        _outcome(desk, intake)
    with st.expander(desk.say("app.load.title"), expanded=expanded, icon=":material/upload_file:"):
        st.caption(desk.say("app.load.help"))
        with st.form("load", border=False):
            folder, kind, most, button = st.columns([5, 2.4, 1.5, 1.6], vertical_alignment="bottom")
            named = folder.text_input(desk.say("app.load.folder"), key="load.folder")
            preset = kind.selectbox(
                desk.say("app.load.preset"),
                [_ANY, *(each.name for each in reversed(PRESETS))],
                format_func=lambda each: desk.say(f"app.load.preset.{each}"),
                key="load.preset",
            )
            limit = most.number_input(
                desk.say("app.load.limit"), 0, 100, 5, help=desk.say("app.load.limit.help"), key="load.limit"
            )
            wanted = button.form_submit_button(desk.say("app.load.start"), icon=":material/upload:", width="stretch")
    if wanted and named.strip():
        # Asked for here only: these rooms take long to import, and no other page needs them.
        from ringtrace.casework.intake import take_in

        workspace = desk.workspace()
        chosen = None if preset == _ANY else preset
        _under_way()[str(workspace.path)] = take_in(
            workspace, Path(named.strip()), preset=chosen, max_bad_share=limit / 100
        )
        st.rerun()


@st.fragment(run_every=_EVERY)
def _progress() -> None:
    """How far it is, looked at each second; the whole page again once it is over."""
    desk = open_desk()
    intake = _under_way()[str(desk.workspace().path)]
    if not intake.running:
        st.rerun()
    with st.container(border=True):
        st.markdown(
            f":material/hourglass_top: **{desk.say(f'app.load.{intake.stage}')}** {markdown(intake.folder, 200)}"
        )
        step = intake.step
        sentence = catalogue().get(step.key, {}).get(desk.language, "") if step else ""
        share = min(1.0, step.done / step.total) if step and step.total else 0.0
        st.progress(share, sentence if "{" not in sentence else None)
        st.caption(desk.say("app.load.meanwhile"))


def _outcome(desk: Desk, intake: Intake) -> None:
    folder = markdown(intake.folder, 200)
    if intake.stage == "failed":
        st.warning(
            desk.say("app.load.halfway" if intake.kept else "app.load.failed", folder=folder), icon=":material/report:"
        )
    if intake.error is not None:
        show_error(intake.error)
    elif intake.broken is not None:
        st.error(desk.say("app.load.broken", error=intake.broken), icon=":material/error:")
    else:
        told = {"loaded": intake.loaded, "refused": intake.refused, "findings": intake.findings}
        st.success(desk.say("app.load.done", folder=folder, **told), icon=":material/check_circle:")
        st.page_link("app_pages/findings.py", label=desk.say("app.load.look"), icon=":material/arrow_forward:")
