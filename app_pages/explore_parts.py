"""Beside and beneath the canvas: what is chosen, what can be done with it, and the lines it rests on."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Self

import pandas as pd
import streamlit as st

from ringtrace.app_pages.drawing import caption, ref_of, style
from ringtrace.app_pages.entity_parts import show_identity
from ringtrace.app_pages.explore_between import list_paths, look_for_paths
from ringtrace.app_pages.explore_groups import offer_folding, show_group
from ringtrace.app_pages.explore_link import show_figures, show_link
from ringtrace.app_pages.frames import level_sign, show_lines
from ringtrace.app_pages.plain import markdown, masked, money, visible
from ringtrace.app_pages.shell import Desk
from ringtrace.app_pages.wording import told_markdown
from ringtrace.casework.exploration import Exploration
from ringtrace.casework.folding import Group
from ringtrace.casework.lines import lines
from ringtrace.casework.picture import Link
from ringtrace.casework.ranking import findings_with
from ringtrace.casework.relations import Around, around, expand
from ringtrace.data_schema.graph import graph_schema
from ringtrace.graph.store import GraphStore, Node, NodeRef
from ringtrace.queries import Library

_STEP = 50
_MOST = 5_000
Say = Callable[[str], None]


@dataclass(frozen=True, slots=True)
class Chosen:
    """What is chosen on the canvas and still stands there."""

    nodes: Sequence[Node]
    link: Link | None
    group: Group | None = None

    @classmethod
    def of(cls, exploration: Exploration, selection: Mapping[str, Any]) -> Self:
        """Read the component's selection against the current picture."""
        picture, view = exploration.picture, exploration.view
        refs = [ref_of(node) for node in selection.get("nodes", ())]
        links = [view.links[key] for key in selection.get("edges", ()) if key in view.links]
        if links and not refs:
            # A line to a group stands for many; the group says whose they are.
            refs = [end for end in (links[0].source, links[0].target) if end in view.groups][:1]
        if len(refs) == 1 and refs[0] in view.groups:
            return cls([], None, view.groups[refs[0]])
        nodes = [picture.nodes[ref] for ref in view.members(refs) if ref in picture.nodes]
        return cls(nodes, links[0] if links and not nodes else None)

    @property
    def ends(self) -> list[NodeRef]:
        """The things whose common settlement lines lie beneath."""
        if self.link:
            return [self.link.source, self.link.target]
        return [node.ref for node in self.nodes] if len(self.nodes) in (1, 2) else []


def show_panel(desk: Desk, store: GraphStore, exploration: Exploration, chosen: Chosen, say: Say) -> None:
    """The record of what is chosen and the ways on from it."""
    with st.container(height=562, border=True):
        if chosen.link:
            show_link(desk, exploration, chosen.link)
        elif chosen.group:
            show_group(desk, exploration, chosen.group)
        elif len(chosen.nodes) == 1:
            _node(desk, store, exploration, chosen.nodes[0], say)
        elif chosen.nodes:
            _several(desk, store, exploration, chosen.nodes, say)
        else:
            st.caption(desk.say("app.explore.select"))
            _beginning(desk, exploration)


def _beginning(desk: Desk, exploration: Exploration) -> None:
    """The finding that the canvas began with, while nothing is chosen."""
    finding = next((each for each in desk.findings() if each.finding_id == exploration.finding_id), None)
    if finding is None:
        return
    st.markdown(f"#### {told_markdown(desk, finding, finding.title)}")
    st.markdown(f"{level_sign(desk, finding.level)} · {markdown(money(finding.amount, desk.language))}")
    st.markdown(told_markdown(desk, finding, finding.summary))
    for reason in finding.reasons[:4]:
        st.markdown(f"- {told_markdown(desk, finding, reason.message)}")
    if st.button(desk.say("app.explore.back"), icon=":material/arrow_back:"):
        st.switch_page("app_pages/finding.py", query_params={"id": finding.finding_id})


def _again() -> None:
    st.rerun(scope="fragment")


def _node(desk: Desk, store: GraphStore, exploration: Exploration, node: Node, say: Say) -> None:
    show_identity(desk, node.label, caption(desk, node), shown_property(desk, node, "id"), beside=True)
    if node.stub:
        st.caption(f":material/help: {desk.say('app.node.stub')}")
    show_figures(desk, [node.ref])
    record, fold, hide, pin = st.columns([4, 5, 4, 4], gap="xsmall")
    if record.button(desk.say("app.explore.record"), width="stretch", disabled=node.label == "Finding"):
        st.switch_page("app_pages/entity.py", query_params={"label": node.label, "id": node.id})
    if fold.button(desk.say("app.explore.collapse"), width="stretch", help=desk.say("app.explore.collapse.help")):
        exploration.collapse(node.ref)
        _again()
    if hide.button(desk.say("app.explore.hide"), width="stretch", help=desk.say("app.explore.hide.help")):
        exploration.hide([node.ref])
        _again()
    pinned = "app.explore.unpin" if node.ref in exploration.picture.pinned else "app.explore.pin"
    if pin.button(desk.say(pinned), width="stretch", help=desk.say("app.explore.pin.help")):
        exploration.pin([node.ref])
        _again()
    _ways(desk, store, exploration, node, say)
    offer_folding(desk, exploration, node.ref)
    _offered_queries(desk, node)
    _in_findings(desk, node.ref)
    _properties(desk, node)


def _offered_queries(desk: Desk, node: Node) -> None:
    """The saved queries that begin at such a node."""
    offered = Library(desk.workspace()).offered(node.label)
    if not offered:
        return
    with st.popover(desk.say("app.query.offered", number=len(offered)), icon=":material/manage_search:"):
        for query in offered:
            anchor = query.anchor(node.label)
            if anchor and st.button(markdown(query.title(desk.language)), type="tertiary", key=f"query-{query.key}"):
                st.switch_page("app_pages/queries.py", query_params={"key": query.key, anchor.name: node.id})


def _ways(desk: Desk, store: GraphStore, exploration: Exploration, node: Node, say: Say) -> None:
    ways = around(store, node.ref, exploration)
    if not ways:
        return
    st.markdown(f"**{desk.say('app.explore.expand')}**")
    with st.container(gap=None):
        _way_buttons(desk, store, exploration, node, ways, say)


def _way_buttons(
    desk: Desk, store: GraphStore, exploration: Exploration, node: Node, ways: Sequence[Around], say: Say
) -> None:
    for way in ways:
        each = way.count
        relationship = graph_schema().relationships[each.type]
        words = relationship.phrase(each.direction, desk.language)
        if len(relationship.targets if each.direction == "out" else relationship.sources) > 1:
            words += f" · {desk.label(each.label)}"
        key = f"way-{node.label}-{node.id}-{each.type}-{each.direction}-{each.label}"
        row = st.container(horizontal=True) if way.hidden > _STEP else st.container()
        step = row.button(
            markdown(desk.say("app.explore.way", words=words, shown=way.shown, total=each.count)),
            key=key,
            icon=":material/add:" if way.hidden else ":material/check:",
            type="tertiary",
            disabled=not way.hidden,
            help=desk.say("app.explore.more", number=min(_STEP, way.hidden)) if way.hidden else None,
        )
        many = min(way.hidden, _MOST)
        everyone = way.hidden > _STEP and row.button(
            desk.say("app.explore.all", number=many), key=f"all-{key}", type="tertiary"
        )
        if step or everyone:
            added, hidden = expand(store, node.ref, exploration, each, many if everyone else _STEP)
            say(desk.say("app.explore.brought", number=len(added), hidden=hidden))
            _again()


def _in_findings(desk: Desk, ref: NodeRef) -> None:
    within = findings_with(desk.findings(), ref.label, ref.id)
    if not within:
        return
    st.markdown(f"**{desk.say('app.explore.in_findings')}**")
    for finding, member in within[:8]:
        words = f"{level_sign(desk, finding.level)} · {told_markdown(desk, finding, finding.title, 60)}"
        if st.button(
            f"{words} · {markdown(desk.term('role', member.role))}", key=f"in-{finding.finding_id}", width="stretch"
        ):
            st.switch_page("app_pages/finding.py", query_params={"id": finding.finding_id})


def shown_property(desk: Desk, node: Node, name: str) -> str:
    """A property of a node as this screen may show it."""
    value = node.id if name == "id" else node.properties.get(name)
    declared = next((each for each in graph_schema().nodes[node.label].properties if each.name == name), None)
    if desk.masked and declared and declared.sensitivity != "none":
        return masked(value, declared.sensitivity) or ""
    return visible(value, 400)


def _properties(desk: Desk, node: Node) -> None:
    declared = [
        each
        for each in graph_schema().nodes[node.label].properties
        if each.name not in ("stub", "id") and node.properties.get(each.name) is not None
    ]
    for each in declared:
        st.markdown(f"{markdown(each.label(desk.language))}: {markdown(shown_property(desk, node, each.name), 400)}")


def _several(desk: Desk, store: GraphStore, exploration: Exploration, nodes: Sequence[Node], say: Say) -> None:
    st.markdown(f"#### {desk.say('app.explore.selected', number=len(nodes))}")
    refs = [node.ref for node in nodes]
    if len(nodes) == 2:
        look_for_paths(desk, store, exploration, refs[0], refs[1])
    with st.container(horizontal=True):
        if st.button(desk.say("app.explore.hide"), icon=":material/visibility_off:"):
            exploration.hide(refs)
            _again()
        if st.button(desk.say("app.explore.keep"), icon=":material/filter_center_focus:"):
            exploration.keep_only(refs)
            _again()
    if len(nodes) == 2:
        show_figures(desk, refs)
    if list_paths(desk, refs):
        return
    for node in nodes[:30]:
        st.markdown(f"{style(node.label).mark} {markdown(caption(desk, node))}")


def show_beneath(desk: Desk, chosen: Chosen) -> None:
    """The source lines of what is chosen."""
    frame = pd.DataFrame()
    if chosen.ends:
        with desk.connect() as connection:
            frame = lines(connection, *chosen.ends)
    if frame.empty:
        st.caption(desk.say("app.explore.no_lines" if chosen.ends else "app.explore.select"))
    else:
        show_lines(desk, frame.dropna(axis="columns", how="all"), key="explore.lines", height=300)
