"""The sections of an entity's page; the first also heads what is chosen on the canvas."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, Final

import pandas as pd
import streamlit as st

from ringtrace.app_pages.drawing import style
from ringtrace.app_pages.frames import column_title, level_sign, show_choices
from ringtrace.app_pages.naming import Names
from ringtrace.app_pages.plain import markdown, masked, money, period, visible
from ringtrace.app_pages.shell import Desk
from ringtrace.app_pages.wording import told_markdown
from ringtrace.casework.company import Company, Shared
from ringtrace.casework.lines import Figures
from ringtrace.casework.notebook import Entry, member_subject, verdicts
from ringtrace.casework.ranking import findings_with
from ringtrace.data_schema import Column
from ringtrace.findings import Finding, Member
from ringtrace.graph.store import NodeRef

ITSELF: Final = {"Patient": "patients", "Card": "patients", "Pharmacy": "institutions", "Hospital": "institutions"}
"""Label → the figure that would only count the thing itself."""


def show_identity(desk: Desk, label: str, called: str, key: str, *, beside: bool = False) -> None:
    """What it is called, what it is, its number: as a page's title, or smaller `beside` the canvas."""
    name = f"{style(label).mark} {markdown(called)}"
    if beside:
        st.markdown(f"#### {name}")
    else:
        st.title(name)
    st.caption(f"{desk.label(label)} · {markdown(key)}")


def show_entity_figures(desk: Desk, ref: NodeRef, summed: Figures) -> None:
    """Number, sum and time of its settlements, how many people and places they join it to."""
    figures = {
        "settlements": f"{summed.settlements:,}",
        "amount": markdown(money(summed.amount, desk.language)),
        "patients": f"{summed.patients:,}",
        "institutions": f"{summed.institutions:,}",
        "period": markdown(period(summed.first, summed.last, desk.language)),
    }
    with st.container(horizontal=True):
        for name, shown in figures.items():
            if name != ITSELF.get(ref.label):
                st.metric(desk.say(f"app.figures.{name}"), shown, border=True)


def show_its_findings(desk: Desk, ref: NodeRef) -> None:
    """Every finding that it is in, with its role there and the verdict on it."""
    st.subheader(desk.say("app.explore.in_findings"))
    within = findings_with(desk.findings(), ref.label, ref.id)
    if not within:
        st.caption(desk.say("app.entity.no_findings"))
        return
    judged = verdicts(desk.workspace())
    standing = [each for each in within if each[0].level != "explained"]
    for finding, member in standing:
        _its_finding(desk, ref, finding, member, judged)
    if len(standing) < len(within):
        with st.expander(desk.say("app.entity.explained", number=len(within) - len(standing)), expanded=not standing):
            for finding, member in within[len(standing) :]:
                _its_finding(desk, ref, finding, member, judged)


def _its_finding(desk: Desk, ref: NodeRef, finding: Finding, member: Member, judged: Mapping[str, Entry]) -> None:
    entry = judged.get(member_subject(finding.finding_id, ref.label, ref.id)) or judged.get(finding.finding_id)
    verdict = f" · **{desk.say(f'app.verdict.{entry.verdict}')}**" if entry else ""
    with st.container(border=True, horizontal=True, vertical_alignment="center"):
        st.markdown(
            f"**{told_markdown(desk, finding, finding.title)}**  \n{level_sign(desk, finding.level)}"
            f" · {markdown(desk.term('role', member.role))} · {markdown(money(finding.amount, desk.language))}"
            f"{verdict}",
            width="stretch",
        )
        if st.button(desk.say("app.open"), key=f"open-{finding.finding_id}-{member.role}"):
            st.switch_page("app_pages/finding.py", query_params={"id": finding.finding_id})


def show_record(desk: Desk, fields: Sequence[tuple[Column, Any]]) -> None:
    """Its row of the register, field by field."""
    st.subheader(desk.say("app.entity.record"))
    if not fields:
        st.caption(desk.say("app.node.stub"))
        return
    told = []
    for column, value in fields:
        meaning = column.codes.get(str(value), {}).get(desk.language)
        hidden = desk.masked and column.sensitivity != "none"
        shown = masked(value, column.sensitivity) if hidden else visible(meaning or value, 10_000)
        told.append(f"{markdown(column_title(desk, column.name))} **{markdown(shown, 10_000)}**")
    with st.container(border=True):
        st.markdown("  \n".join(told))


def show_shared(desk: Desk, common: Sequence[Shared]) -> None:
    """With whom a person shares a household, a telephone, an account: what often explains much."""
    if not common:
        return
    st.subheader(desk.say("app.entity.shared"))
    names = Names.of(desk, [("Patient", person) for each in common for person in each.people])
    mark = "、" if desk.language == "zh" else ", "
    told = []
    for each in common:
        people = mark.join(markdown(names.caption("Patient", person)) for person in each.people)
        more = each.others - len(each.people)
        rest = f" {desk.say('app.glance.more', number=more)}" if more else ""
        told.append(f"{markdown(column_title(desk, each.column))} **{people}**{rest}")
    with st.container(border=True):
        st.markdown("  \n".join(told))


def show_company(desk: Desk, found: Sequence[Company]) -> None:
    """What its settlements name most; a click opens it."""
    if not found:
        return
    st.subheader(desk.say("app.entity.company"))
    st.caption(desk.say("app.finding.who.click"))
    names = Names.of(desk, [(each.label, each.id) for each in found])
    config = st.column_config
    frame = pd.DataFrame(
        {
            "label": [desk.label(each.label) for each in found],
            "name": [names.caption(each.label, each.id) for each in found],
            "settlements": [each.settlements for each in found],
            "amount": [float(each.amount) for each in found],
        }
    )
    row = show_choices(
        desk,
        frame,
        {
            "label": config.TextColumn(desk.say("app.column.label"), width=75),
            "name": config.TextColumn(desk.say("app.column.name"), width=220),
            "settlements": config.NumberColumn(desk.say("app.figures.settlements"), format="%,d", width=70),
            "amount": config.NumberColumn(desk.say("app.column.amount"), format="%,.2f", width=85),
        },
        named=frame["name"].__getitem__,
        key="entity.company",
        height="content",
    )
    if row is not None:
        st.query_params.from_dict({"label": found[row].label, "id": found[row].id})
        st.rerun()
