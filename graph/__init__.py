"""The property graph: built from the canonical tables, opened for reading, and enriched with findings."""

from __future__ import annotations

from contextlib import closing
from dataclasses import dataclass
from time import perf_counter

from ringtrace.errors import RingTraceError
from ringtrace.findings import current_run, read_findings
from ringtrace.graph import engine, files
from ringtrace.graph.ahead import made_ahead
from ringtrace.graph.ladybug.build import add_findings, load, with_findings
from ringtrace.graph.ladybug.store import LadybugStore
from ringtrace.graph.neo4j.fill import FillReport, fill_neo4j
from ringtrace.graph.neo4j.store import Neo4jStore
from ringtrace.graph.store import GraphCounts, GraphStore
from ringtrace.graph.tables import graph_tables
from ringtrace.progress import Progress, Step, silent
from ringtrace.workspace import Workspace

DUCKDB_MEMORY = "2GB"


@dataclass(frozen=True, slots=True)
class GraphReport:
    """What a build made: counts by label and type, the generation it shows, and the seconds it took."""

    generation: int
    counts: GraphCounts
    seconds: float


def build_graph(workspace: Workspace, *, progress: Progress = silent) -> GraphReport:
    """Build the graph of the current generation beside the old one, then let it take the old one's place.

    The findings of the newest detection run come along. Whoever reads the old graph keeps it until they open it anew.

    Raises
    ------
    RingTraceError
        If nothing was loaded yet, or another process is writing.
    """
    started = perf_counter()
    generation = workspace.generation
    if generation == 0:
        raise RingTraceError.of("graph.empty", workspace=workspace.path)
    with workspace.writing() as scratch:
        name = files.new_name(generation)
        database = files.folder(workspace) / f"{name}.lbdb"
        database.parent.mkdir(exist_ok=True)
        with (
            closing(workspace.connect(memory=DUCKDB_MEMORY, generation=generation)) as tables,
            made_ahead(graph_tables(tables, scratch / "graph")) as made,
        ):
            counts = load(database, made, progress=progress)
        version = files.GraphVersion(name, generation, 0, counts)
        version = add_findings(database, version, current_run(workspace), read_findings(workspace))
        files.publish(workspace, version)
    return GraphReport(generation, version.counts, perf_counter() - started)


def write_findings(workspace: Workspace, *, progress: Progress = silent) -> GraphReport:
    """Put the findings of the newest detection run into the graph, in the place of an earlier run's.

    Works on a copy of the graph, so that its readers are not disturbed.

    Raises
    ------
    RingTraceError
        If there is no graph yet, or another process is writing.
    """
    started = perf_counter()
    with workspace.writing():
        version = files.current(workspace)
        if version is None:
            raise RingTraceError.of("graph.missing", workspace=workspace.path)
        progress(Step("graph.step.findings"))
        version = with_findings(workspace, version, current_run(workspace), read_findings(workspace))
        files.publish(workspace, version)
    return GraphReport(version.generation, version.counts, perf_counter() - started)


def refresh_server(workspace: Workspace, *, progress: Progress = silent) -> FillReport | None:
    """Bring the server that this workspace's graph is read from up to the newest data and findings.

    Returns
    -------
    FillReport | None
        None if the graph is read from the workspace itself.

    Raises
    ------
    RingTraceError
        As `fill_neo4j`.
    """
    server = engine.chosen(workspace)
    return fill_neo4j(workspace, server, progress=progress) if server is not None else None


def open_graph(workspace: Workspace) -> GraphStore:
    """The current graph, opened for reading; close it after use. `engine.chosen` says on which engine.

    Raises
    ------
    RingTraceError
        If no graph was built yet, or the server that holds it is away or unusable.
    """
    if (server := engine.chosen(workspace)) is not None:
        return Neo4jStore(workspace, server)
    version = files.current(workspace)
    if version is None:
        raise RingTraceError.of("graph.missing", workspace=workspace.path)
    return LadybugStore(version.database(workspace), version)


def graph_generation(workspace: Workspace) -> int | None:
    """The generation that the current graph shows; None without a graph. Behind `workspace.generation`: build anew."""
    version = files.current(workspace)
    return version.generation if version else None


def graph_version(workspace: Workspace) -> str | None:
    """Name of the current graph, another one after each build; None without a graph."""
    version = files.current(workspace)
    return version.name if version else None
