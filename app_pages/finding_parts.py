"""The parts of a finding's page, each a section that answers one question."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Final

import pandas as pd
import streamlit as st

from ringtrace.app_pages.charts import lanes, routes
from ringtrace.app_pages.frames import configured, level_sign, presentable, show_lines
from ringtrace.app_pages.naming import Names
from ringtrace.app_pages.plain import day, markdown, money, period, visible
from ringtrace.app_pages.shell import Desk
from ringtrace.app_pages.wording import told_markdown
from ringtrace.casework.finding_lines import card_uses, cited_rows, meetings, pack_routes
from ringtrace.casework.notebook import member_subject, verdicts
from ringtrace.casework.ranking import suspects
from ringtrace.data_schema import tables
from ringtrace.findings import Finding, Reason, Value, current_run

_OUTCOMES: Final = {
    "explains": ":material/check_circle:",
    "partly": ":material/contrast:",
    "does_not_explain": ":material/cancel:",
    "unknown": ":material/help:",
}
_FIRST_ROLES: Final = ("holder", "collector", "organiser", "reseller", "seller")


def show_facts(desk: Desk, finding: Finding) -> None:
    """Level, money, people, time and score at one glance."""
    language = desk.language
    with st.container(horizontal=True):
        st.metric(desk.say("app.column.level"), level_sign(desk, finding.level), border=True)
        st.metric(
            desk.say("app.column.amount"),
            markdown(money(finding.amount, language)),
            border=True,
            help=desk.say("app.overview.amount.help"),
        )
        st.metric(desk.say("app.column.people"), suspects(finding), border=True)
        st.metric(desk.say("app.column.first"), markdown(day(finding.first_time, language)), border=True)
        st.metric(desk.say("app.column.last"), markdown(day(finding.last_time, language)), border=True)
        st.metric(
            desk.say("app.column.score"), f"{finding.score:.2f}", border=True, help=desk.say("app.finding.score.help")
        )


def show_key_people(desk: Desk, finding: Finding) -> None:
    """Who stands in the middle of it, by name: the holder, collector or organiser, and how involved they are."""
    chief = [each for each in finding.members if each.suspected and each.role in _FIRST_ROLES]
    if not chief:
        return
    names = Names.of(desk, [(member.label, member.id) for member in chief])
    for member in sorted(chief, key=lambda each: (-each.weight, each.id))[:3]:
        st.markdown(
            f":material/person_pin: {markdown(desk.term('role', member.role))}: "
            f"**{markdown(names.caption(member.label, member.id))}** {markdown(names.key(member.label, member.id))}"
        )


def show_reasons(desk: Desk, finding: Finding) -> None:
    """Why it stands out: what was seen beside what chance or the peer group would give."""
    st.subheader(desk.say("app.finding.why"))
    for reason in finding.reasons:
        with st.container(border=True):
            st.markdown(told_markdown(desk, finding, reason.message))
            st.caption(" · ".join(_measures(desk, reason)))


def _measures(desk: Desk, reason: Reason) -> list[str]:
    parts = []
    if reason.value is not None:
        parts.append(desk.say("app.finding.seen", value=_figure(reason.value)))
    if reason.expected is not None:
        parts.append(desk.say("app.finding.expected", value=_figure(reason.expected)))
    if reason.ratio is not None:
        parts.append(desk.say("app.finding.ratio", value=_figure(reason.ratio)))
    if reason.p_value is not None:
        parts.append(desk.say("app.finding.chance", value=markdown(f"{reason.p_value:.2g}")))
    if reason.rule_ref:
        parts.append(markdown(reason.rule_ref))
    return parts


def _figure(value: Value) -> str:
    if isinstance(value, bool) or not isinstance(value, int | float):
        return markdown(value)
    shown = f"{value:,}" if isinstance(value, int) else f"{value:,.2f}" if abs(value) >= 0.01 else f"{value:.2g}"
    return markdown(shown)


def show_checks(desk: Desk, finding: Finding) -> None:
    """What speaks against it: each innocent explanation that was looked into, and what came of it."""
    st.subheader(desk.say("app.finding.against"))
    if not finding.counter_evidence:
        st.caption(desk.say("app.finding.no_checks"))
    for check in finding.counter_evidence:
        with st.container(border=True):
            icon = _OUTCOMES[check.outcome]
            told = told_markdown(desk, finding, check.message)
            st.markdown(f"{icon} **{desk.term('outcome', check.outcome)}** — {told}")


def show_members(desk: Desk, finding: Finding) -> None:
    """Who is in it, in which role; those who are not suspected stand apart, below."""
    st.subheader(desk.say("app.finding.who"))
    names = Names.of(desk, [(member.label, member.id) for member in finding.members])
    judged = verdicts(desk.workspace())
    ordered = sorted(
        finding.members,
        key=lambda each: (not each.suspected, each.role not in _FIRST_ROLES, each.role, -each.weight, each.id),
    )
    rows = []
    for member in ordered:
        entry = judged.get(member_subject(finding.finding_id, member.label, member.id))
        rows.append(
            {
                "role": desk.term("role", member.role),
                "suspected": desk.say("app.yes" if member.suspected else "app.no"),
                "label": desk.label(member.label),
                "name": names.name(member.label, member.id),
                "id": names.key(member.label, member.id),
                "weight": member.weight,
                "verdict": desk.say(f"app.verdict.{entry.verdict}") if entry else "",
            }
        )
    config = st.column_config
    st.caption(desk.say("app.finding.who.click"))
    picked = st.dataframe(
        pd.DataFrame(rows),
        column_config={
            "role": config.TextColumn(desk.say("app.column.role")),
            "suspected": config.TextColumn(desk.say("app.column.suspected"), width="small"),
            "label": config.TextColumn(desk.say("app.column.label")),
            "name": config.TextColumn(desk.say("app.column.name")),
            "id": config.TextColumn(desk.say("app.column.id")),
            "weight": config.ProgressColumn(
                desk.say("app.column.weight"), help=desk.say("app.finding.weight.help"), min_value=0, max_value=1,
                format="%.2f",
            ),
            "verdict": config.TextColumn(desk.say("app.column.verdict")),
        },
        hide_index=True,
        width="stretch",
        height="content" if len(rows) <= 12 else 380,
        on_select="rerun",
        selection_mode=["single-row", "single-cell"],
        key=f"members-{finding.finding_id}",
    )  # fmt: skip
    selection = picked["selection"]
    chosen = list(selection["rows"]) or [cell[0] for cell in selection["cells"]]
    if chosen:
        member = ordered[chosen[0]]
        st.switch_page("app_pages/entity.py", query_params={"label": member.label, "id": member.id})


def show_lanes(desk: Desk, finding: Finding) -> None:
    """When: a row for each card, a mark for each use, coloured by place."""
    uses, cut = _uses(*_key(desk, finding), desk, finding)
    if uses.empty:
        return
    st.subheader(desk.say("app.finding.lanes"))
    st.caption(
        desk.say("app.finding.lanes.help", period=period(finding.first_time, finding.last_time, desk.language))
        + (" " + desk.say("app.finding.lanes.cut", number=len(uses)) if cut else "")
    )
    owners = dict(zip(uses["card"], uses["person"], strict=True))
    names = Names.of(desk, [("Patient", person) for person in set(owners.values())])
    captions = {card: names.lane(card, person) for card, person in owners.items()}
    span = _occasion(desk, finding, uses)
    if span:
        first, last = span
        present = set(uses[uses["time"].between(first, last)]["card"])
        uses = uses[uses["card"].isin(present)]
    st.altair_chart(lanes(desk, uses, captions, span), width="stretch", key=f"lanes-{finding.finding_id}")


def _occasion(desk: Desk, finding: Finding, uses: pd.DataFrame) -> tuple[datetime, datetime] | None:
    """The occasion that the user wants to see minute by minute; None for the whole time."""
    occasions = meetings(uses)
    if occasions.empty:
        return None
    picked = st.selectbox(
        desk.say("app.lanes.show"),
        [-1, *range(len(occasions))],
        format_func=lambda each: (
            desk.say("app.lanes.whole", number=len(occasions))
            if each < 0
            else desk.say(
                "app.lanes.occasion",
                time=f"{occasions.loc[each, 'first']:%Y-%m-%d %H:%M}",
                minutes=max(
                    1, round((occasions.loc[each, "last"] - occasions.loc[each, "first"]).total_seconds() / 60)
                ),
                cards=occasions.loc[each, "cards"],
                places=visible(occasions.loc[each, "places"], 60),
            )
        ),
        key=f"occasion-{finding.finding_id}",
    )
    if picked < 0:
        return None
    margin = timedelta(minutes=4)
    return occasions.loc[picked, "first"] - margin, occasions.loc[picked, "last"] + margin


def show_routes(desk: Desk, finding: Finding) -> None:
    """The route of each pack whose trace code was sold more than once."""
    sales = _sales(*_key(desk, finding), desk, finding)
    if sales.empty:
        return
    st.subheader(desk.say("app.finding.routes"))
    st.caption(desk.say("app.finding.routes.help", number=sales["pack"].nunique()))
    names = Names.of(desk, [("Patient", person) for person in set(sales["person"])])
    people = {person: names.caption("Patient", person) for person in set(sales["person"])}
    st.altair_chart(routes(desk, sales, people), width="stretch", key=f"routes-{finding.finding_id}")


def show_proof(desk: Desk, finding: Finding) -> None:
    """Where the proof is: every cited row with its file, row number and digest."""
    st.subheader(desk.say("app.finding.proof"))
    frames = _rows(*_key(desk, finding), desk, finding)
    st.caption(desk.say("app.finding.proof.help", number=len(finding.evidence)))
    if not frames:
        return
    tabs = st.tabs([f"{tables()[name].label(desk.language)} ({len(frame):,})" for name, frame in frames.items()])
    for tab, (name, frame) in zip(tabs, frames.items(), strict=True):
        with tab:
            show_lines(desk, frame, name, key=f"proof-{finding.finding_id}-{name}")


def show_settings(desk: Desk, finding: Finding) -> None:
    """How it was found: detector, version and thresholds."""
    with st.expander(desk.say("app.finding.settings")):
        st.caption(f"{markdown(finding.finding_id)} · {markdown(finding.detector)} {markdown(finding.version)}")
        frame = pd.DataFrame(
            {"parameter": list(finding.parameters), "value": [str(value) for value in finding.parameters.values()]}
        )
        shown = presentable(desk, frame)
        st.dataframe(shown, column_config=configured(desk, shown), hide_index=True)


# What a finding's page reads, kept while data and run are the same: each click on the page runs all of it again.
def _key(desk: Desk, finding: Finding) -> tuple[str, int, int, str]:
    workspace = desk.workspace()
    return str(workspace.path), workspace.generation, current_run(workspace), finding.finding_id


@st.cache_data(max_entries=16, show_spinner=False)
def _uses(
    folder: str, generation: int, run: int, finding_id: str, _desk: Desk, _finding: Finding
) -> tuple[pd.DataFrame, bool]:
    with _desk.connect() as connection:
        return card_uses(connection, _finding)


@st.cache_data(max_entries=16, show_spinner=False)
def _sales(folder: str, generation: int, run: int, finding_id: str, _desk: Desk, _finding: Finding) -> pd.DataFrame:
    with _desk.connect() as connection:
        return pack_routes(connection, _finding)


@st.cache_data(max_entries=16, show_spinner=False)
def _rows(
    folder: str, generation: int, run: int, finding_id: str, _desk: Desk, _finding: Finding
) -> dict[str, pd.DataFrame]:
    with _desk.connect() as connection:
        return cited_rows(connection, _finding)
