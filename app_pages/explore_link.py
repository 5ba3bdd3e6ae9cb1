"""A link of the canvas in words: what it is, how strong, what else explains it, how to verify it."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

import streamlit as st

from ringtrace.app_pages.charts import months, show_chart
from ringtrace.app_pages.drawing import caption, phrase
from ringtrace.app_pages.entity_parts import ITSELF
from ringtrace.app_pages.plain import day, markdown, money, period
from ringtrace.app_pages.shell import Desk
from ringtrace.casework.exploration import Exploration
from ringtrace.casework.goods import HAND_OVER
from ringtrace.casework.lines import figures, link_strength, monthly
from ringtrace.casework.picture import Link
from ringtrace.data_schema.graph import graph_schema
from ringtrace.graph.store import NodeRef, Relationship

_MEANING: Final = {
    "BOUGHT_AT": "app.link.is.visits",
    "VISITED": "app.link.is.visits",
    "USED_AT": "app.link.is.visits",
    "SETTLED_WITH": "app.link.is.card",
    "OWNS": "app.link.is.owner",
    "MAY_USE": "app.link.is.family",
    "RECEIVED": "app.link.is.drug",
    HAND_OVER: "app.link.is.hand_over",
}
_INNOCENT: Final = {
    "BOUGHT_AT": "app.link.innocent",
    "VISITED": "app.link.innocent",
    "USED_AT": "app.link.innocent",
    "SETTLED_WITH": "app.link.innocent.card",
    "RECEIVED": "app.link.innocent.drug",
    HAND_OVER: "app.link.innocent.hand_over",
}


def show_link(desk: Desk, exploration: Exploration, link: Link) -> None:
    """What the link is, how strong, what is usual there, what else explains it, how to verify it."""
    ends = [caption(desk, exploration.picture.nodes[ref]) for ref in (link.source, link.target)]
    st.markdown(
        "#### "
        + desk.say(
            "app.link.seen", source=markdown(ends[0]), phrase=markdown(phrase(desk, link)), target=markdown(ends[1])
        )
    )
    st.markdown(desk.say(_MEANING.get(link.type, "app.link.is.record")))
    for each in link.relationships[:20]:
        st.markdown(" · ".join(_measures(desk, link, each)) or f"×{link.times}")
    show_figures(desk, [link.source, link.target])
    _chance(desk, link)
    st.caption(desk.say(_INNOCENT.get(link.type, "app.link.innocent.record")))
    st.caption(desk.say("app.link.verify"))


def _measures(desk: Desk, link: Link, relationship: Relationship) -> list[str]:
    """What the relationship holds, as the schema names it."""
    if link.type == HAND_OVER:
        return [
            f"{markdown(relationship.properties['time'])}",
            f"{desk.say('app.routes.pack')} **{markdown(relationship.properties['pack'])}**",
        ]
    told = []
    for declared in graph_schema().relationships[link.type].properties:
        value = relationship.properties.get(declared.name)
        if value is None:
            continue
        if declared.unit == "yuan":
            value = money(value, desk.language)
        elif declared.type in ("timestamp", "date"):
            value = day(value, desk.language)
        elif isinstance(value, float):
            value = f"{value:,.4g}"
        told.append(f"{markdown(declared.label(desk.language))} **{markdown(value)}**")
    return told


def _chance(desk: Desk, link: Link) -> None:
    """How strong the link is beside what is usual: the share of each end's settlements, and of its peers'."""
    with desk.connect() as connection:
        strength = link_strength(connection, link.source, link.target)
    if strength is None:
        return
    st.markdown(
        desk.say(
            "app.link.strength",
            number=strength.together,
            share=f"{strength.of_source:.0%}",
            total=strength.source_total,
        )
    )
    st.markdown(desk.say("app.link.chance", usual=f"{strength.usual:.1f}", people=strength.peers))


def show_figures(desk: Desk, refs: Sequence[NodeRef]) -> None:
    """Number, sum and course of the settlements that name all of `refs`."""
    with desk.connect() as connection:
        summed = figures(connection, *refs)
        course = monthly(connection, *refs)
    if summed is None or not summed.settlements:
        return
    shown = {
        "settlements": f"{summed.settlements:,}",
        "amount": markdown(money(summed.amount, desk.language)),
        "patients": f"{summed.patients:,}",
        "institutions": f"{summed.institutions:,}",
    }
    only_itself = {ITSELF.get(ref.label) for ref in refs}
    parts = [
        f"{desk.say(f'app.figures.{name}')} **{value}**" for name, value in shown.items() if name not in only_itself
    ]
    st.markdown(" · ".join(parts))
    st.caption(markdown(period(summed.first, summed.last, desk.language)))
    if len(course) > 1:
        show_chart(months(course, "", height=80))
