"""One finding: why, how sure, who, since when, how much, what speaks against it, and where the proof is."""

from __future__ import annotations

from typing import Final

import streamlit as st

from ringtrace.app_pages.finding_glance import show_answers, show_facts
from ringtrace.app_pages.finding_parts import (
    show_checks,
    show_lanes,
    show_members,
    show_proof,
    show_reasons,
    show_routes,
    show_settings,
)
from ringtrace.app_pages.judging import show_actions, show_verdict
from ringtrace.app_pages.leads import SEEDS, show_leads
from ringtrace.app_pages.ledger import show_ledger
from ringtrace.app_pages.painting import wait_until_painted
from ringtrace.app_pages.plain import markdown
from ringtrace.app_pages.shell import Desk, open_desk
from ringtrace.app_pages.wording import titles, told_markdown
from ringtrace.casework.ranking import rank
from ringtrace.findings import Finding

_SHOWN: Final = "finding.shown"
_LEDGER_KINDS: Final = frozenset({"pharmacy_collusion", "stock_imbalance", "drug_resale"})


def page() -> None:
    desk = open_desk()
    findings = {each.finding_id: each for each in rank(desk.findings())}
    if not findings:
        st.title(desk.say("app.page.finding"))
        st.info(desk.say("app.no_findings"), icon=":material/info:")
        return
    # Back from another page, a browser stops where this page still had the address of that one: show what was shown.
    passing = not st.query_params.keys().isdisjoint({"label", "finding"})
    wanted = st.session_state.get(_SHOWN) if passing else st.query_params.get("id")
    gone = wanted is not None and wanted not in findings
    if gone:
        st.title(desk.say("app.page.finding"))
        st.warning(desk.say("app.finding.gone", id=markdown(wanted)), icon=":material/info:")
        wanted = None
    finding = _chosen(desk, findings, wanted)
    stays = finding.finding_id == (wanted or next(iter(findings)))
    if not (stays and (passing or gone)):  # such an address stays: another one put before it would catch who goes back
        st.query_params.from_dict({"id": finding.finding_id})
    st.session_state[_SHOWN] = finding.finding_id
    _show(desk, finding)


def _chosen(desk: Desk, findings: dict[str, Finding], wanted: str | None) -> Finding:
    ids = list(findings)
    at = ids.index(wanted) if wanted else 0
    before, middle, after = st.columns([1, 12, 1], vertical_alignment="bottom")
    if before.button("◀", help=desk.say("app.finding.previous"), disabled=at == 0, width="stretch", key="previous"):
        at -= 1
    if after.button("▶", help=desk.say("app.finding.next"), disabled=at == len(ids) - 1, width="stretch", key="next"):
        at += 1
    picked = middle.selectbox(
        desk.say("app.finding.choose"),
        ids,
        index=at,
        format_func=titles(desk).__getitem__,
        key=f"finding-{ids[at]}",
        label_visibility="collapsed",
    )
    return findings[picked]


def _show(desk: Desk, finding: Finding) -> None:
    st.header(told_markdown(desk, finding, finding.title))
    st.markdown(told_markdown(desk, finding, finding.summary))
    show_facts(desk, finding)
    show_answers(desk, finding)
    show_actions(desk, finding)
    why, against = st.columns(2, gap="large")
    with why:
        show_reasons(desk, finding)
    with against:
        show_checks(desk, finding)
    wait_until_painted()
    _show_grounds(desk, finding)


def _show_grounds(desk: Desk, finding: Finding) -> None:
    """Below the fold: who, when, where the proof is, what follows."""
    show_members(desk, finding)
    show_routes(desk, finding)
    if finding.kind in _LEDGER_KINDS:
        for place in [each.id for each in finding.members if each.suspected and each.label == "Pharmacy"][:1]:
            show_ledger(desk, place)
    show_lanes(desk, finding)
    show_proof(desk, finding)
    if finding.level != "explained":
        show_leads(desk, _seeds(finding), key=finding.finding_id)
    show_verdict(desk, finding)
    show_settings(desk, finding)


def _seeds(finding: Finding) -> list[str]:
    """Whom an expansion starts from: the suspected people, or the suspected places where there are none."""
    suspected = sorted((each for each in finding.members if each.suspected), key=lambda each: (-each.weight, each.id))
    people = [each.id for each in suspected if each.label in ("Patient", "Card")]
    return list(dict.fromkeys(people or [each.id for each in suspected if each.label in SEEDS]))


if __name__ == "__main__":
    page()
