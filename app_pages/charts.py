"""Colours and charts that several pages share, drawn by the Vega that Streamlit carries (nothing is fetched)."""

from __future__ import annotations

from datetime import datetime
from typing import Any, Final

import altair as alt
import pandas as pd
import streamlit as st

from ringtrace.app_pages.plain import visible
from ringtrace.app_pages.shell import Desk

LEVEL_COLOURS: Final = {"red": "#c62828", "orange": "#ef6c00", "yellow": "#c9a200", "explained": "#7d8a97"}
"""Level → colour, from red down; each stands out from light and dark ground."""
_RANKED: Final = tuple(LEVEL_COLOURS)

LEVEL_MARKS: Final = {"red": "●", "orange": "▲", "yellow": "◆", "explained": "○"}
"""Level → a mark of its own shape, so that colour is never the only sign."""

PLACE_COLOURS: Final = (
    "#0072b2", "#d55e00", "#009e73", "#cc79a7", "#b8860b", "#56b4e9", "#7b4ea3", "#8c564b", "#5f9e3f", "#7f7f7f",
)  # fmt: skip
"""Okabe and Ito's colours for the colour-blind, and a few more for many places."""

_TIME: Final = alt.Axis(
    labelOverlap=True,
    # Figures only: Vega would name the months in English.
    labelExpr="timeFormat(datum.value, hours(datum.value) || minutes(datum.value) ? '%H:%M'"
    " : date(datum.value) > 1 ? '%m-%d' : '%Y-%m')",
)

_MONTHS: Final = alt.Axis(format="%Y-%m", labelOverlap=True, labelAngle=0)

PLACE_SHAPES: Final = ("circle", "square", "triangle-up", "diamond", "cross", "triangle-down")


def lanes(desk: Desk, uses: pd.DataFrame, names: dict[str, str], span: tuple[datetime, datetime] | None = None) -> Any:
    """Swim-lanes of a ring: a row per card, a mark per use, coloured and shaped by place; cited ones stand out.

    `uses` as `ringtrace.casework.finding_lines.card_uses` gives it; `names` are the captions of the rows; `span`
    narrows the time. The wheel zooms it, dragging moves it. Returns an Altair chart.
    """
    frame = uses.assign(
        row=[names.get(card, visible(card, 24)) for card in uses["card"]],
        place_name=[visible(name, 40) for name in uses["place_name"]],
        use=[desk.say("app.lanes.cited" if cited else "app.lanes.other") for cited in uses["cited"]],
    )
    domain = _places(desk, frame)
    rows = list(frame.groupby("row")["cited"].sum().sort_values(ascending=False).index)
    scale = alt.Scale(domain=[each.isoformat() for each in span]) if span else alt.Scale(padding=12)
    cited_word = desk.say("app.lanes.cited")
    return (
        alt.Chart(frame)
        .mark_point(filled=True, clip=True)
        .encode(
            x=alt.X("time:T", title=None, axis=_TIME, scale=scale),
            y=alt.Y("row:N", sort=rows, title=None, axis=alt.Axis(grid=True, labelLimit=220)),
            color=_place_colour(desk, domain),
            shape=_place_shape(domain),
            size=alt.condition(alt.datum.use == cited_word, alt.value(90), alt.value(28)),
            opacity=alt.condition(alt.datum.use == cited_word, alt.value(0.95), alt.value(0.4)),
            tooltip=[
                alt.Tooltip("row:N", title=desk.say("app.lanes.card")),
                alt.Tooltip("time:T", title=desk.say("app.column.time"), format="%Y-%m-%d %H:%M:%S"),
                alt.Tooltip("place_name:N", title=desk.say("app.lanes.place")),
                alt.Tooltip("amount:Q", title=desk.say("app.column.amount"), format=",.2f"),
                alt.Tooltip("setl_id:N", title=desk.say("app.column.setl_id")),
                alt.Tooltip("use:N", title=desk.say("app.lanes.use")),
            ],
        )
        .properties(height=max(140, min(620, 26 * len(rows) + 110)))
        .interactive(bind_y=False)
    )


def show_chart(chart: Any, key: str | None = None) -> None:
    """Put a chart on the page; its words in an ink that stands out, since Streamlit's grey does not (WCAG AA)."""
    ink = "#c9ccd3" if st.context.theme.type == "dark" else "#4a4f57"
    inked = chart.configure_axis(labelColor=ink, titleColor=ink).configure_legend(labelColor=ink, titleColor=ink)
    st.altair_chart(inked, width="stretch", key=key)


def _places(desk: Desk, frame: pd.DataFrame) -> list[str]:
    """Name the places that get a colour, most used first; the others are one, "elsewhere". Adds the column `where`."""
    places = list(frame.groupby("place_name").size().sort_values(ascending=False).index)
    shown = places[: len(PLACE_COLOURS) - 1]
    other = desk.say("app.lanes.elsewhere")
    frame["where"] = [name if name in shown else other for name in frame["place_name"]]
    return [*shown, *([other] if len(places) > len(shown) else [])]


def _place_colour(desk: Desk, domain: list[str]) -> alt.Color:
    return alt.Color(
        "where:N",
        scale=alt.Scale(domain=domain, range=list(PLACE_COLOURS[: len(domain)])),
        legend=alt.Legend(title=desk.say("app.lanes.place"), orient="bottom", columns=3, labelLimit=260),
    )


def _place_shape(domain: list[str]) -> alt.Shape:
    shapes = [PLACE_SHAPES[place % len(PLACE_SHAPES)] for place in range(len(domain))]
    return alt.Shape("where:N", scale=alt.Scale(domain=domain, range=shapes))


def routes(desk: Desk, sales: pd.DataFrame, people: dict[str, str]) -> Any:
    """The route of each pack: a row per trace code, a mark per sale, joined by a line in time, coloured by place.

    `sales` as `ringtrace.casework.finding_lines.pack_routes` gives it; `people` are the captions of the buyers.
    Returns an Altair chart.
    """
    frame = sales.assign(
        place_name=[visible(name, 40) for name in sales["place_name"]],
        person=[people.get(person, "") for person in sales["person"]],
        drug_name=[visible(name, 40) for name in sales["drug_name"]],
    )
    domain = _places(desk, frame)
    order = list(dict.fromkeys(frame["pack"]))
    base = alt.Chart(frame).encode(
        x=alt.X("time:T", title=None, axis=_TIME, scale=alt.Scale(padding=12)),
        y=alt.Y("pack:N", sort=order, title=None, axis=alt.Axis(grid=True, labelLimit=220)),
    )
    marks = base.mark_point(filled=True, size=80).encode(
        color=_place_colour(desk, domain),
        shape=_place_shape(domain),
        tooltip=[
            alt.Tooltip("pack:N", title=desk.say("app.routes.pack")),
            alt.Tooltip("drug_name:N", title=desk.say("app.routes.drug")),
            alt.Tooltip("time:T", title=desk.say("app.column.time"), format="%Y-%m-%d %H:%M:%S"),
            alt.Tooltip("place_name:N", title=desk.say("app.lanes.place")),
            alt.Tooltip("person:N", title=desk.say("app.routes.person")),
            alt.Tooltip("setl_id:N", title=desk.say("app.column.setl_id")),
        ],
    )
    lines = base.mark_line(strokeWidth=1, color="#8a93a0").encode(detail="pack:N", order="time:T")
    return (lines + marks).properties(height=max(140, min(700, 20 * len(order) + 110))).interactive(bind_y=False)


def months(frame: pd.DataFrame, title: str, height: int = 120) -> Any:
    """Settlements per month as bars; `frame` has `month` and `settlements`."""
    return (
        alt.Chart(frame)
        .mark_bar()
        .encode(
            x=alt.X("yearmonth(month):O", title=None, axis=_MONTHS),
            y=alt.Y("settlements:Q", title=title, axis=alt.Axis(tickMinStep=1, format="d")),
        )
        .properties(height=height)
    )


def ledger(desk: Desk, frame: pd.DataFrame) -> Any:
    """Packs booked in and settled, summed up month by month; `frame` has `month`, `bought`, `sold`."""
    words = {name: desk.say(f"app.ledger.{name}") for name in ("in", "out")}
    long = frame.melt("month", ["bought", "sold"], "what", "packs")
    long["what"] = long["what"].map({"bought": words["in"], "sold": words["out"]})
    domain = list(words.values())
    return (
        alt.Chart(long)
        .mark_line(point=True, interpolate="step-after")
        .encode(
            x=alt.X("yearmonth(month):T", title=None, axis=alt.Axis(format="%Y-%m", labelOverlap=True)),
            y=alt.Y("packs:Q", title=desk.say("app.ledger.packs")),
            color=alt.Color(
                "what:N",
                scale=alt.Scale(domain=domain, range=[PLACE_COLOURS[0], PLACE_COLOURS[1]]),
                legend=alt.Legend(title=None, orient="top", offset=6, padding=0),
            ),
            strokeDash=alt.StrokeDash("what:N", scale=alt.Scale(domain=domain, range=[[1, 0], [6, 3]])),
            tooltip=[
                alt.Tooltip("what:N", title=" "),
                alt.Tooltip("month:T", format="%Y-%m", title=desk.say("app.column.time")),
                alt.Tooltip("packs:Q", format=",.0f", title=desk.say("app.ledger.packs")),
            ],
        )
        .properties(height=230)
    )


def level_bars(desk: Desk, frame: pd.DataFrame, title: str) -> Any:
    """Findings as bars, stacked by level; `frame` has `what` (in its order), `level`, `words`, `findings`, `amount`."""
    order = list(dict.fromkeys(frame["what"]))
    return (
        alt.Chart(frame.assign(rank=[_RANKED.index(level) for level in frame["level"]]))
        .mark_bar()
        .encode(
            y=alt.Y("what:N", sort=order, title=None, axis=alt.Axis(labelLimit=260, labelOverlap=False)),
            x=alt.X("findings:Q", title=desk.say("app.overview.number"), axis=alt.Axis(tickMinStep=1, format="d")),
            color=_level_colour(desk),
            order="rank:Q",
            tooltip=[
                alt.Tooltip("what:N", title=title),
                alt.Tooltip("words:N", title=desk.say("app.column.level")),
                alt.Tooltip("findings:Q", title=desk.say("app.overview.number")),
                alt.Tooltip("amount:Q", title=desk.say("app.column.amount"), format=",.2f"),
            ],
        )
        .properties(height=26 * len(order) + 70)
    )


def level_course(desk: Desk, frame: pd.DataFrame) -> Any:
    """Findings under way month by month, stacked by level; `frame` has `month`, `level`, `words`, `findings`."""
    return (
        alt.Chart(frame.assign(rank=[_RANKED.index(level) for level in frame["level"]]))
        .mark_bar()
        .encode(
            x=alt.X("yearmonth(month):O", title=None, axis=_MONTHS),
            y=alt.Y("findings:Q", title=desk.say("app.overview.number"), axis=alt.Axis(tickMinStep=1, format="d")),
            color=_level_colour(desk),
            order="rank:Q",
            tooltip=[
                alt.Tooltip("month:T", format="%Y-%m", title=desk.say("app.column.time")),
                alt.Tooltip("words:N", title=desk.say("app.column.level")),
                alt.Tooltip("findings:Q", title=desk.say("app.overview.number")),
            ],
        )
        .properties(height=260)
    )


def _level_colour(desk: Desk) -> alt.Color:
    listed = [f"{LEVEL_MARKS[level]} {desk.say(f'app.level.{level}')}" for level in _RANKED[:3]]
    return alt.Color(
        "words:N",
        scale=alt.Scale(domain=listed, range=[LEVEL_COLOURS[level] for level in _RANKED[:3]]),
        legend=alt.Legend(title=None, orient="top", offset=6, padding=0),
    )


def institutions(desk: Desk, frame: pd.DataFrame) -> Any:
    """Institutions where they lie, coloured by level, drawn without any map from the web; returns an Altair chart.

    `frame` as `ringtrace.casework.overview.institutions_on_map` gives it. North is up, and a degree of longitude
    is as wide as it is there.
    """
    none = desk.say("app.map.none")
    words = {level: desk.say(f"app.level.{level}") for level in LEVEL_COLOURS}
    shown = frame.assign(
        name=[visible(name, 40) for name in frame["name"]],
        level=[words[level] if isinstance(level, str) else none for level in frame["level"]],
        order=[isinstance(level, str) for level in frame["level"]],
    ).sort_values("order")
    listed = ("red", "orange", "yellow")
    return (
        alt.Chart(shown)
        .mark_point(filled=True, opacity=0.9)
        .encode(
            longitude="lon:Q",
            latitude="lat:Q",
            color=alt.Color(
                "level:N",
                scale=alt.Scale(
                    domain=[*(words[each] for each in listed), none],
                    range=[*(LEVEL_COLOURS[each] for each in listed), "#8a93a066"],
                ),
                legend=alt.Legend(title=None, orient="top", offset=6, padding=0),
            ),
            shape=alt.Shape(
                "level:N",
                scale=alt.Scale(
                    domain=[*(words[each] for each in listed), none],
                    range=["circle", "triangle-up", "diamond", "circle"],
                ),
            ),
            size=alt.Size("findings:Q", scale=alt.Scale(range=[50, 320]), legend=None),
            tooltip=[
                alt.Tooltip("name:N", title=desk.say("app.column.name")),
                alt.Tooltip("code:N", title=desk.say("app.column.id")),
                alt.Tooltip("level:N", title=desk.say("app.column.level")),
                alt.Tooltip("findings:Q", title=desk.say("app.overview.number")),
            ],
        )
        .project("mercator")
        .properties(height=280)
    )
