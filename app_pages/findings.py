"""Findings: ranked, filtered, compared with the run before; a click opens one."""

from __future__ import annotations

from collections.abc import Sequence
from functools import partial
from typing import Final, get_args

import pandas as pd
import streamlit as st
from streamlit.elements.lib.column_types import ColumnConfig

from ringtrace.app_pages.frames import level_style, level_word, show_choices
from ringtrace.app_pages.plain import visible
from ringtrace.app_pages.shell import Desk, kept, open_desk
from ringtrace.app_pages.wording import told
from ringtrace.casework.notebook import Entry, cleared, still_holds, tags, verdicts
from ringtrace.casework.ranking import CHANGES, ORDERS, Change, Comparison, Order, compare_runs, rank, select, suspects
from ringtrace.findings import LEVELS, Finding, Level, current_run
from ringtrace.workspace import Workspace

# Widths of the columns that are there only where they say something.
_EXTRA: Final = {"verdict": 75, "tags": 90, "change": 90}


def page() -> None:
    desk = open_desk()
    findings = desk.findings()
    st.title(desk.say("app.page.findings"))
    if not findings:
        st.info(desk.say("app.no_findings"), icon=":material/info:")
        return
    comparison = _compared(desk)
    chosen = _filtered(desk, findings, comparison)
    told = desk.say("app.findings.shown", shown=len(chosen), total=len(findings))
    st.caption(f"{told} · {desk.say('app.findings.click')}")
    _table(desk, chosen, comparison)
    if comparison and comparison.gone:
        with st.expander(desk.say("app.findings.gone", number=len(comparison.gone))):
            st.caption(desk.say("app.findings.gone.means"))
            _plain_table(desk, list(comparison.gone))


def _compared(desk: Desk) -> Comparison | None:
    workspace = desk.workspace()
    return _comparison(str(workspace.path), current_run(workspace))


@st.cache_resource(max_entries=4, show_spinner=False)
def _comparison(folder: str, run: int) -> Comparison | None:
    return compare_runs(Workspace(folder))


def _filtered(desk: Desk, findings: Sequence[Finding], comparison: Comparison | None) -> list[Finding]:
    kinds = sorted({each.kind for each in findings}, key=lambda kind: desk.term("kind", kind))
    first, second, third, fourth, *fifth = st.columns([7, 4, 4, 5, 4] if comparison else [3, 3, 2, 2])
    suspicious: list[Level] = [level for level in LEVELS if level != "explained"]
    levels = first.multiselect(
        desk.say("app.column.level"),
        LEVELS,
        default=kept("levels", suspicious),
        format_func=lambda level: level_word(desk, level),
        key="findings.levels",
    )
    wanted = second.multiselect(
        desk.say("app.column.kind"),
        kinds,
        default=[kind for kind in kept("kinds", list[str]()) if kind in kinds],
        format_func=lambda kind: desk.term("kind", kind),
        placeholder=desk.say("app.findings.all_kinds"),
        key="findings.kinds",
    )
    orders: tuple[Order, ...] = get_args(Order)
    order = third.selectbox(
        desk.say("app.findings.order"),
        orders,
        index=orders.index(kept("order", ORDERS[0])),
        format_func=lambda each: desk.say(f"app.order.{each}"),
        key="findings.order",
    )
    searched = fourth.text_input(
        desk.say("app.findings.search"), kept("search", ""), placeholder=desk.say("app.findings.search.hint")
    )
    changed: list[Change] = []
    for place in fifth:  # only where there is an earlier run to compare with
        changed = place.multiselect(
            desk.say("app.column.change"),
            CHANGES,
            default=kept("changed", changed),
            format_func=lambda change: desk.say(f"app.change.{change}"),
            placeholder=desk.say("app.findings.all_changes"),
            key="findings.changed",
        )
    st.session_state["kept"] = {
        "levels": levels, "kinds": wanted, "order": order, "search": searched, "changed": changed,
    }  # fmt: skip

    tagged = tags(desk.workspace())

    def _words(finding: Finding) -> str:
        said = (told(desk, finding, message) for message in (finding.title, finding.summary))
        return " ".join((*said, *tagged.get(finding.finding_id, ())))

    chosen = rank(select(findings, kinds=wanted, levels=levels, text=searched, told=_words), order)
    if comparison:
        chosen = comparison.only(chosen, changed)
    done = cleared(desk.workspace(), chosen)
    return sorted(chosen, key=lambda each: each.finding_id in done)  # what was cleared comes after what is open


def _frame(desk: Desk, findings: Sequence[Finding], comparison: Comparison | None) -> pd.DataFrame:
    judged, tagged = verdicts(desk.workspace()), tags(desk.workspace())
    rows = {
        "level": [level_word(desk, each.level) for each in findings],
        "title": [told(desk, each, each.title, 200) for each in findings],
        "kind": [desk.term("kind", each.kind) for each in findings],
        "score": [each.score for each in findings],
        "amount": [float(each.amount) for each in findings],
        "people": [suspects(each) for each in findings],
        "first": [each.first_time for each in findings],
        "last": [each.last_time for each in findings],
    }
    if any(each.finding_id in judged for each in findings):
        rows["verdict"] = [
            _verdict(desk, judged[each.finding_id], each) if each.finding_id in judged else "" for each in findings
        ]
    if any(each.finding_id in tagged for each in findings):
        rows["tags"] = [", ".join(visible(tag, 40) for tag in tagged.get(each.finding_id, ())) for each in findings]
    if comparison:
        rows["change"] = [desk.say(f"app.change.{comparison.changes[each.finding_id]}") for each in findings]
    return pd.DataFrame(rows)


def _verdict(desk: Desk, entry: Entry, finding: Finding) -> str:
    """The verdict in a word, with a sign where the evidence has changed since."""
    word = desk.say(f"app.verdict.{entry.verdict}")
    return word if still_holds(entry, finding) else desk.say("app.verdict.again", verdict=word)


def _columns(desk: Desk, frame: pd.DataFrame) -> dict[str, ColumnConfig]:
    config = st.column_config
    # The columns that are not always there take their room from the title: at 1366×768 none is out of sight.
    room = 431 - sum(_EXTRA[name] for name in frame.columns if name in _EXTRA)
    return {
        "level": config.TextColumn(desk.say("app.column.level"), width=74),
        "title": config.TextColumn(desk.say("app.column.title"), width=room),
        "kind": config.TextColumn(desk.say("app.column.kind"), width=150),
        "score": config.ProgressColumn(desk.say("app.column.score"), format="%.2f", min_value=0, max_value=1, width=70),
        "amount": config.NumberColumn(desk.say("app.column.amount"), format="%,.2f", width=82),
        "people": config.NumberColumn(desk.say("app.column.people"), width=65),
        "first": config.DateColumn(desk.say("app.column.first"), format="YYYY-MM-DD", width=85),
        "last": config.DateColumn(desk.say("app.column.last"), format="YYYY-MM-DD", width=85),
        "verdict": config.TextColumn(desk.say("app.column.verdict"), width=_EXTRA["verdict"]),
        "tags": config.TextColumn(desk.say("app.column.tags"), width=_EXTRA["tags"]),
        "change": config.TextColumn(desk.say("app.column.change"), width=_EXTRA["change"]),
    }


def _table(desk: Desk, findings: Sequence[Finding], comparison: Comparison | None) -> None:
    frame = _frame(desk, findings, comparison)
    row = show_choices(
        desk,
        frame.style.map(partial(level_style, desk), subset=["level"]),
        _columns(desk, frame),
        named=frame["title"].__getitem__,
        key="findings.table",
        height="content" if len(findings) <= 16 else 540,
    )
    if row is not None:
        st.switch_page("app_pages/finding.py", query_params={"id": findings[row].finding_id})


def _plain_table(desk: Desk, findings: Sequence[Finding]) -> None:
    frame = _frame(desk, findings, None)
    st.dataframe(frame, column_config=_columns(desk, frame), hide_index=True, width="stretch")


if __name__ == "__main__":
    page()
