"""Evidence basket: findings collected for hand-over, the export that anyone can verify, the check of one received."""

from __future__ import annotations

from datetime import datetime
from pathlib import Path

import streamlit as st

from ringtrace.app_pages.frames import level_sign
from ringtrace.app_pages.plain import markdown, money, period
from ringtrace.app_pages.shell import Desk, open_desk, show_error
from ringtrace.app_pages.wording import told_markdown
from ringtrace.casework.handover import hand_over
from ringtrace.casework.notebook import basket, put_in_basket
from ringtrace.errors import RingTraceError
from ringtrace.evidence import ExportReport, verify
from ringtrace.findings import Finding

_LINES = 20


def page() -> None:
    desk = open_desk()
    workspace = desk.workspace()
    st.title(desk.say("app.page.basket"))
    known = {each.finding_id: each for each in desk.findings()}
    collected = basket(workspace)
    if not collected:
        st.info(desk.say("app.basket.empty"), icon=":material/info:")
        st.page_link("app_pages/findings.py", label=desk.say("app.load.look"), icon=":material/arrow_forward:")
    for finding_id in collected:
        _collected(desk, finding_id, known.get(finding_id))
    standing = [finding_id for finding_id in collected if finding_id in known]
    if standing:
        _export(desk, standing)
    _verify(desk)


def _collected(desk: Desk, finding_id: str, finding: Finding | None) -> None:
    with st.container(border=True, horizontal=True, vertical_alignment="center"):
        if finding is None:
            st.markdown(desk.say("app.basket.gone", id=markdown(finding_id)))
        else:
            st.markdown(
                f"**{told_markdown(desk, finding, finding.title)}**  \n{level_sign(desk, finding.level)} · "
                f"{markdown(money(finding.amount, desk.language))} · "
                f"{markdown(period(finding.first_time, finding.last_time, desk.language))} · "
                f"{desk.say('app.basket.lines', number=len(finding.evidence))}",
                width="stretch",
            )
            if st.button(desk.say("app.open"), key=f"open-{finding_id}"):
                st.switch_page("app_pages/finding.py", query_params={"id": finding_id})
        if st.button(desk.say("app.basket.remove"), key=f"remove-{finding_id}"):
            put_in_basket(desk.workspace(), finding_id, False)
            st.rerun()


def _export(desk: Desk, finding_ids: list[str]) -> None:
    st.subheader(desk.say("app.basket.export"))
    st.caption(desk.say("app.basket.export.help"))
    proposed = desk.workspace().path.resolve().parent / f"evidence-{datetime.now():%Y%m%d-%H%M}"
    with st.form("export"):
        folder = st.text_input(desk.say("app.basket.folder"), str(proposed))
        masked = st.checkbox(desk.say("app.basket.masked"), help=desk.say("app.basket.masked.help"))
        wanted = st.form_submit_button(desk.say("app.basket.write"), icon=":material/inventory_2:", type="primary")
    if not wanted:
        return
    try:
        with st.spinner(desk.say("app.basket.writing")):
            report = hand_over(desk.workspace(), finding_ids, Path(folder), masked=masked, language=desk.language)
    except RingTraceError as error:
        show_error(error)
        return
    _exported(desk, report)


def _exported(desk: Desk, report: ExportReport) -> None:
    st.success(
        desk.say(
            "app.basket.written", files=len(report.files), rows=report.rows, folder=markdown(report.folder, 1_000)
        ),
        icon=":material/check_circle:",
    )
    st.caption(desk.say("app.basket.seal"))
    st.code(report.seal, language=None)


def _verify(desk: Desk) -> None:
    st.subheader(desk.say("app.basket.verify"))
    st.caption(desk.say("app.basket.verify.help"))
    with st.form("verify"):
        folder = st.text_input(desk.say("app.basket.folder"), key="verify.folder")
        wanted = st.form_submit_button(desk.say("app.basket.check"), icon=":material/verified:")
    if not wanted or not folder.strip():
        return
    try:
        report = verify(Path(folder.strip()))
    except RingTraceError as error:
        show_error(error)
        return
    show = st.success if report.ok else st.error
    told = report.lines(desk.language)
    if len(told) > _LINES:
        told = [*told[: _LINES - 2], desk.say("app.basket.more", number=len(told) - _LINES + 1), told[-1]]
    show("  \n".join(markdown(line, 1_000) for line in told))


if __name__ == "__main__":
    page()
