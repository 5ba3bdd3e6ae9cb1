"""What every page stands on: the open workspace, the language, the switch for masked names, how errors are shown."""

from __future__ import annotations

import sys
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final, NoReturn, TypeVar

import duckdb
import streamlit as st

from ringtrace.app_pages.launch import workspace_path
from ringtrace.app_pages.plain import markdown
from ringtrace.data_schema.graph import graph_schema
from ringtrace.errors import RingTraceError
from ringtrace.findings import Finding, current_run, read_findings
from ringtrace.graph import graph_version, open_graph
from ringtrace.graph.store import GraphStore
from ringtrace.texts import Language, catalogue, default_language, text
from ringtrace.workspace import Workspace

_Kept = TypeVar("_Kept")


@dataclass(frozen=True, slots=True)
class PageLink:
    """A page in the navigation: its file, address, icon and the catalogue key of its title."""

    path: str
    url: str
    title: str
    icon: str


PAGES: Final[tuple[PageLink, ...]] = (
    PageLink("app_pages/overview.py", "overview", "app.page.overview", ":material/dashboard:"),
    PageLink("app_pages/findings.py", "findings", "app.page.findings", ":material/format_list_numbered:"),
    PageLink("app_pages/finding.py", "finding", "app.page.finding", ":material/find_in_page:"),
    PageLink("app_pages/explore.py", "explore", "app.page.explore", ":material/hub:"),
    PageLink("app_pages/queries.py", "queries", "app.page.queries", ":material/manage_search:"),
    PageLink("app_pages/entity.py", "entity", "app.page.entity", ":material/badge:"),
    PageLink("app_pages/basket.py", "basket", "app.page.basket", ":material/shopping_cart:"),
    PageLink("app_pages/data.py", "data", "app.page.data", ":material/database:"),
    PageLink("app_pages/settings.py", "settings", "app.page.settings", ":material/tune:"),
)
NOWHERE: Final = PageLink("app_pages/nowhere.py", "nowhere", "app.page.nowhere", ":material/wrong_location:")
"""The page for every address that belongs to none; no menu names it."""

_STYLE: Final = """<style>
/* Less empty space at the top: at 1366×768 it hides half a table. */
.stMainBlockContainer { padding: 3.2rem 2.2rem 2rem; }
/* Figures with Chinese characters would else stand in taller boxes than those without. */
[data-testid=stMetricValue] { line-height: 2.2rem; }
/* Streamlit's own greys and its white on a light primary colour fall short of the 4.5 to 1 of WCAG AA. */
[data-testid=stCaptionContainer] { opacity: 0.8; }
[data-testid=stBaseButton-primary], [data-testid=stBaseButton-primaryFormSubmit],
[data-testid=stMultiSelectTagsContainer] [data-tag] * { color: light-dark(#ffffff, #10151c); }
[data-testid=stBaseButton-primary]:hover, [data-testid=stBaseButton-primaryFormSubmit]:hover {
  background-color: light-dark(#174a85, #93c0f2); border-color: light-dark(#174a85, #93c0f2); }
.files { display: flex; gap: 1.2rem; }
.files a { color: light-dark(#1f5fa8, #6aa5e8); text-decoration: none; }
.files a:is(:hover, :focus-visible) { text-decoration: underline; }
</style>"""


@dataclass(frozen=True, slots=True)
class Desk:
    """Where an investigator sits: the workspace's folder, the language, and whether names are masked on this screen."""

    folder: Path | None
    language: Language
    masked: bool

    def say(self, key: str, /, **values: object) -> str:
        """The sentence `key` in the desk's language."""
        return text(key, self.language, **values)

    def term(self, family: str, code: str) -> str:
        """The word for a kind, level, role, label or outcome; a code without a word is shown as it is written."""
        entry = catalogue().get(f"terms.{family}.{code}")
        return entry[self.language] if entry else code

    def label(self, label: str) -> str:
        """The word for a kind of node."""
        declared = graph_schema().nodes.get(label)
        return declared.label(self.language) if declared else label

    def workspace(self) -> Workspace:
        """The open workspace; a page that says what to do takes the place of this one if there is none."""
        if self.folder is None:
            stop(self, self.say("app.no_workspace"), self.say("app.no_workspace.hint"))
        try:
            return Workspace(self.folder)
        except RingTraceError as error:
            stop(self, *error.parts(self.language))

    def connect(self) -> duckdb.DuckDBPyConnection:
        """A reading connection, to be closed by `with`."""
        workspace = self.workspace()
        # A cursor of one connection: making the views anew takes longer than most of the queries on them.
        return _connection(str(workspace.path), workspace.generation).cursor()

    def graph(self) -> GraphStore:
        """The current graph, opened once for all desks; nobody closes it.

        Raises
        ------
        RingTraceError
            If no graph was built yet.
        """
        workspace = self.workspace()
        return _graph(str(workspace.path), graph_version(workspace))

    def findings(self) -> Sequence[Finding]:
        """The newest run's findings, read once per run."""
        workspace = self.workspace()
        return _findings(str(workspace.path), current_run(workspace))


# Resources and not data: all of these are read only, and Streamlit would copy data for each page.
@st.cache_resource(max_entries=4, show_spinner=False)
def _findings(folder: str, run: int) -> Sequence[Finding]:
    return tuple(read_findings(Workspace(folder), run))


@st.cache_resource(max_entries=4, show_spinner=False)
def _connection(folder: str, generation: int) -> duckdb.DuckDBPyConnection:
    return Workspace(folder).connect(memory="1GB", generation=generation)


@st.cache_resource(max_entries=2, show_spinner=False)
def _graph(folder: str, version: str | None) -> GraphStore:
    return open_graph(Workspace(folder))


def open_desk() -> Desk:
    """The desk of this session: language from the browser until somebody switches it."""
    state = st.session_state
    state.setdefault("masked", False)
    if "language" not in state:
        state["language"] = "zh" if (st.context.locale or "").lower().startswith("zh") else "en"
    return Desk(workspace_path(sys.argv[1:]), state["language"], state["masked"])


def sidebar(desk: Desk) -> None:
    """The switches that stand beside every page."""
    st.html(_STYLE)
    with st.sidebar:
        choices: Sequence[Language] = ("zh", "en")
        chosen = st.segmented_control(
            desk.say("app.language"),
            choices,
            default=desk.language,
            format_func=lambda each: "中文" if each == "zh" else "English",
            required=True,
            key="language.switch",
        )
        # Keyed, so that the switch stays the one it is: another default or label would draw a second beside it.
        st.toggle(desk.say("app.mask"), key="masked", help=desk.say("app.mask.help"))
        if chosen != desk.language:
            st.session_state["language"] = chosen
            st.rerun()
        if desk.folder is not None:
            st.caption(desk.say("app.workspace.open", name=markdown(desk.folder.name)))


def kept(name: str, default: _Kept) -> _Kept:
    """What a filter was set to when the page was left: Streamlit forgets a widget that is not drawn."""
    value: _Kept = st.session_state.get("kept", {}).get(name, default)
    return value


def show_error(error: RingTraceError) -> None:
    """What went wrong, what it means and what to do, within the page."""
    parts = error.parts(st.session_state.get("language", default_language()))
    st.error("\n\n".join(markdown(part, 1000) for part in parts if part), icon=":material/error:")


def stop(desk: Desk, happened: str, *more: str) -> NoReturn:
    """Show what happened and what to do in place of the page."""
    st.warning("\n\n".join(markdown(part, 1000) for part in (happened, *more) if part), icon=":material/info:")
    st.stop()
    raise AssertionError("st.stop ends the script")
