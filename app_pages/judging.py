"""What an investigator does with a finding: follow it, collect it, judge it, note it."""

from __future__ import annotations

import streamlit as st

from ringtrace.app_pages.naming import Names
from ringtrace.app_pages.plain import markdown, visible
from ringtrace.app_pages.shell import Desk
from ringtrace.casework.notebook import (
    VERDICTS,
    Entry,
    Verdict,
    basket,
    member_subject,
    notes,
    put_in_basket,
    still_holds,
    tags,
    verdicts,
    write_note,
    write_tags,
    write_verdict,
)
from ringtrace.findings import Finding
from ringtrace.workspace import Workspace


def show_actions(desk: Desk, finding: Finding) -> None:
    """Buttons: see it in the graph, put it into the evidence basket."""
    inside = finding.finding_id in basket(desk.workspace())
    with st.container(horizontal=True):
        if st.button(desk.say("app.finding.graph"), icon=":material/hub:", type="primary", key="to-graph"):
            st.switch_page("app_pages/explore.py", query_params={"finding": finding.finding_id})
        if st.button(
            desk.say("app.basket.remove" if inside else "app.basket.add"),
            icon=":material/remove_shopping_cart:" if inside else ":material/add_shopping_cart:",
            key="to-basket",
        ):
            put_in_basket(desk.workspace(), finding.finding_id, not inside)
            st.rerun()


def show_verdict(desk: Desk, finding: Finding) -> None:
    """The verdict and the notes on the finding and its members, and the forms to add to them."""
    st.subheader(desk.say("app.finding.verdict"))
    workspace = desk.workspace()
    current = verdicts(workspace).get(finding.finding_id)
    if current and current.verdict:
        key = "app.finding.judged" if still_holds(current, finding) else "app.finding.judged_before"
        st.info(
            desk.say(
                key,
                verdict=desk.say(f"app.verdict.{current.verdict}"),
                author=markdown(current.author),
                time=markdown(current.time[:16].replace("T", " ")),
                reason=markdown(current.text, 1000),
            ),
            icon=":material/gavel:",
        )
    _tags(desk, finding)
    judge, note = st.columns(2, gap="large")
    with judge:
        _verdict_form(desk, finding)
    with note:
        _note_form(desk, finding)
    for entry in reversed(notes(workspace, finding.finding_id)):
        _entry(desk, finding, entry)


def _tags(desk: Desk, finding: Finding) -> None:
    """The finding's tags; one that is typed anew is offered on every finding from then on."""
    workspace, key = desk.workspace(), f"tags-{finding.finding_id}"
    known = tags(workspace)
    standing = known.get(finding.finding_id, [])
    st.multiselect(
        desk.say("app.tags"),
        sorted({tag for each in known.values() for tag in each}),
        default=standing,
        accept_new_options=True,
        placeholder=desk.say("app.tags.hint"),
        key=key,
        on_change=_keep_tags,
        args=(workspace, finding.finding_id, key),
    )


def _keep_tags(workspace: Workspace, finding_id: str, key: str) -> None:
    write_tags(workspace, finding_id, st.session_state[key])


def _verdict_form(desk: Desk, finding: Finding) -> None:
    people = [(member.label, member.id) for member in finding.members]
    names = Names.of(desk, people)
    subjects = {finding.finding_id: desk.say("app.verdict.whole")} | {
        member_subject(finding.finding_id, *pair): f"{desk.label(pair[0])} {names.caption(*pair)}" for pair in people
    }
    with st.form(f"verdict-{finding.finding_id}", clear_on_submit=True, border=True):
        about = st.selectbox(desk.say("app.verdict.about"), list(subjects), format_func=lambda each: subjects[each])
        verdict: Verdict = st.radio(
            desk.say("app.column.verdict"),
            VERDICTS,
            format_func=lambda each: desk.say(f"app.verdict.{each}"),
            horizontal=True,
        )
        reason = st.text_area(desk.say("app.verdict.reason"), height=80)
        if st.form_submit_button(desk.say("app.verdict.save"), icon=":material/gavel:"):
            if not reason.strip():
                st.error(desk.say("app.verdict.reason_missing"))
                return
            write_verdict(desk.workspace(), about, verdict, reason.strip(), finding)
            st.rerun()


def _note_form(desk: Desk, finding: Finding) -> None:
    with st.form(f"note-{finding.finding_id}", clear_on_submit=True, border=True):
        words = st.text_area(desk.say("app.note"), height=148, placeholder=desk.say("app.note.hint"))
        if st.form_submit_button(desk.say("app.note.save"), icon=":material/edit_note:") and words.strip():
            write_note(desk.workspace(), finding.finding_id, words.strip())
            st.rerun()


def _entry(desk: Desk, finding: Finding, entry: Entry) -> None:
    about = ""
    if entry.about != finding.finding_id:
        label, _, key = entry.about.removeprefix(f"{finding.finding_id}/").partition("/")
        about = f" · {markdown(desk.label(label))} {markdown(Names.of(desk, [(label, key)]).caption(label, key))}"
    verdict = f" · **{desk.say(f'app.verdict.{entry.verdict}')}**" if entry.verdict else ""
    with st.container(border=True):
        st.caption(f"{markdown(entry.time[:16].replace('T', ' '))} UTC · {markdown(entry.author)}{about}{verdict}")
        shown = "\n".join(visible(line, 10_000) for line in entry.text.splitlines())
        st.text(shown)
