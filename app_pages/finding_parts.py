"""The parts of a finding's page, each a section that answers one question."""

from __future__ import annotations

import math
from datetime import datetime, timedelta
from typing import Final

import pandas as pd
import streamlit as st

from ringtrace.app_pages.charts import lanes, routes, show_chart
from ringtrace.app_pages.finding_glance import AGAINST, FIRST_ROLES, PROOF
from ringtrace.app_pages.frames import configured, presentable, show_choices, show_lines
from ringtrace.app_pages.naming import Names
from ringtrace.app_pages.plain import markdown, period, visible
from ringtrace.app_pages.shell import Desk
from ringtrace.app_pages.wording import told_markdown
from ringtrace.casework.finding_lines import card_uses, cited_rows, meetings, pack_routes
from ringtrace.casework.notebook import member_subject, verdicts
from ringtrace.data_schema import tables
from ringtrace.findings import Finding, Reason, Value, current_run

_OUTCOMES: Final = {
    "explains": ":material/check_circle:",
    "partly": ":material/contrast:",
    "unknown": ":material/help:",
    "does_not_explain": ":material/cancel:",
}
"""Outcome of a check → its sign; those that may clear come first."""
_LEAST_CHANCE: Final = 1e-9


def show_reasons(desk: Desk, finding: Finding) -> None:
    """Why it stands out: what was seen beside what chance or the peer group would give."""
    st.subheader(desk.say("app.finding.why"))
    for reason in finding.reasons:
        measured = " · ".join(_measures(desk, reason))
        with st.container(border=True):
            st.markdown(told_markdown(desk, finding, reason.message) + (f"  \n:small[{measured}]" if measured else ""))


def _measures(desk: Desk, reason: Reason) -> list[str]:
    """The figures behind the sentence; what was seen only where there is something to hold it against."""
    parts = []
    figure = _share if _told_as_share(desk, reason) else _figure
    if reason.expected is not None:
        if reason.value is not None:
            parts.append(desk.say("app.finding.seen", value=figure(reason.value)))
        parts.append(desk.say("app.finding.expected", value=figure(reason.expected)))
    if reason.ratio is not None:
        parts.append(desk.say("app.finding.ratio", value=_figure(reason.ratio)))
    if reason.p_value is not None:
        parts.append(_chance(desk, reason.p_value))
    if reason.rule_ref:
        parts.append(markdown(desk.term("rule", reason.rule_ref)))
    return parts


def _chance(desk: Desk, p_value: float) -> str:
    """A probability as people say it: one in so many."""
    if p_value < _LEAST_CHANCE:
        return desk.say("app.finding.chance.least")
    if p_value > 0.1:
        return desk.say("app.finding.chance", value=markdown(f"{p_value:.0%}"))
    odds = 1 / p_value
    rounded = round(odds, 1 - math.floor(math.log10(odds)))
    return desk.say("app.finding.chance", value=desk.say("app.finding.odds", number=int(rounded)))


def _told_as_share(desk: Desk, reason: Reason) -> bool:
    """Whether the sentence says the value in per cent: the figures beneath then do so too."""
    if isinstance(reason.value, bool) or not isinstance(reason.value, int | float):
        return False
    said = reason.message.render(desk.language)
    return any(f"{reason.value:.{digits}%}" in said for digits in (0, 1))


def _share(value: Value) -> str:
    return markdown(f"{100 * value:.3g}%") if isinstance(value, int | float) else _figure(value)


def _figure(value: Value) -> str:
    if isinstance(value, bool) or not isinstance(value, int | float):
        return markdown(value)
    whole = float(value).is_integer() or abs(value) >= 100
    return markdown(f"{value:,.0f}" if whole else f"{value:,.2f}" if abs(value) >= 0.01 else f"{value:.2g}")


def show_checks(desk: Desk, finding: Finding) -> None:
    """What speaks against it: each innocent explanation that was looked into, those that hold first."""
    st.subheader(desk.say("app.finding.against"), anchor=AGAINST)
    if not finding.counter_evidence:
        st.caption(desk.say("app.finding.no_checks"))
    for outcome, icon in _OUTCOMES.items():
        checks = [each for each in finding.counter_evidence if each.outcome == outcome]
        if checks:
            told = "\n".join(f"- {told_markdown(desk, finding, each.message)}" for each in checks)
            with st.container(border=True):
                st.markdown(f"{icon} **{desk.term('outcome', outcome)}** ({len(checks)})\n{told}")


def show_members(desk: Desk, finding: Finding) -> None:
    """Who is in it, in which role; those who are not suspected stand apart, below."""
    st.subheader(desk.say("app.finding.who"))
    names = Names.of(desk, [(member.label, member.id) for member in finding.members])
    judged = verdicts(desk.workspace())
    ordered = sorted(
        finding.members,
        key=lambda each: (not each.suspected, each.role not in FIRST_ROLES, each.role, -each.weight, each.id),
    )
    rows = []
    for member in ordered:
        entry = judged.get(member_subject(finding.finding_id, member.label, member.id))
        rows.append(
            {
                "role": desk.term("role", member.role),
                "suspected": desk.say("app.yes" if member.suspected and finding.level != "explained" else "app.no"),
                "label": desk.label(member.label),
                "name": names.name(member.label, member.id),
                "id": names.key(member.label, member.id),
                "weight": member.weight,
                "verdict": desk.say(f"app.verdict.{entry.verdict}") if entry else "",
            }
        )
    config = st.column_config
    st.caption(desk.say("app.finding.who.click"))
    row = show_choices(
        desk,
        pd.DataFrame(rows),
        {
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
        named=lambda row: names.caption(ordered[row].label, ordered[row].id),
        key=f"members-{finding.finding_id}",
        height="content" if len(rows) <= 16 else 480,
    )  # fmt: skip
    if row is not None:
        st.switch_page("app_pages/entity.py", query_params={"label": ordered[row].label, "id": ordered[row].id})


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
    show_chart(lanes(desk, uses, captions, span), key=f"lanes-{finding.finding_id}")


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
    show_chart(routes(desk, sales, people), key=f"routes-{finding.finding_id}")


def show_proof(desk: Desk, finding: Finding) -> None:
    """Where the proof is: every cited row with its file, row number and digest."""
    st.subheader(desk.say("app.finding.proof"), anchor=PROOF)
    frames = _rows(*_key(desk, finding), desk, finding)
    st.caption(desk.say("app.finding.proof.help", number=len(finding.evidence)))
    if not frames:
        return
    tabs = st.tabs([f"{tables()[name].label(desk.language)} ({len(frame):,})" for name, frame in frames.items()])
    for tab, (name, frame) in zip(tabs, frames.items(), strict=True):
        with tab:
            # Where a row stands comes first: at the end, it would be out of sight.
            stands = [column for column in ("file", "row") if column in frame.columns]
            ordered = frame[[*stands, *(column for column in frame.columns if column not in stands)]]
            show_lines(desk, ordered, name, key=f"proof-{finding.finding_id}-{name}")


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
    lines = _rows(folder, generation, run, finding_id, _desk, _finding).get("settlement_items")
    if lines is None:
        return pd.DataFrame()
    with _desk.connect() as connection:
        return pack_routes(connection, _finding, lines)


@st.cache_data(max_entries=16, show_spinner=False)
def _rows(
    folder: str, generation: int, run: int, finding_id: str, _desk: Desk, _finding: Finding
) -> dict[str, pd.DataFrame]:
    with _desk.connect() as connection:
        return cited_rows(connection, _finding)
