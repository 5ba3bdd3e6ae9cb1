"""Fill a Neo4j server from the canonical tables: only what changed, exactly once, whatever interrupts it."""

from __future__ import annotations

from dataclasses import dataclass
from time import perf_counter

from ringtrace.errors import RingTraceError
from ringtrace.findings import current_run
from ringtrace.graph.ahead import made_ahead
from ringtrace.graph.neo4j import snapshot as snapshots
from ringtrace.graph.neo4j.changes import batches, plan, planned
from ringtrace.graph.neo4j.names import Names
from ringtrace.graph.neo4j.registry import Entry, Registry
from ringtrace.graph.neo4j.server import Address, connected, speaking
from ringtrace.graph.neo4j.snapshot import Snapshot
from ringtrace.graph.neo4j.statements import REGISTRY_CONSTRAINTS, constraints, statement
from ringtrace.graph.store import GraphCounts
from ringtrace.progress import Progress, Step, silent
from ringtrace.workspace import Workspace


@dataclass(frozen=True, slots=True)
class FillReport:
    """What the server now shows, how many rows travelled (created, changed, removed), and the seconds it took.

    `prefix` stands before each label and type; it is empty for the first workspace on a server.
    """

    generation: int
    counts: GraphCounts
    sent: int
    prefix: str
    seconds: float


def fill_neo4j(workspace: Workspace, address: Address, *, progress: Progress = silent) -> FillReport:
    """Make the server's graph of this workspace show the current generation and its newest findings.

    The first time everything travels, later only what differs from what was sent last. A fill that was cut off is
    carried to its end first, from the row where it stopped. A graph that lost its counterpart in the workspace, or
    that somebody else changed, is removed and filled anew; graphs of other workspaces are not touched.

    Raises
    ------
    RingTraceError
        If nothing was loaded yet, another process is writing, or the server is away, too old, full, read-only or
        refuses the password. What was sent stays; the same command goes on from there.
    """
    started = perf_counter()
    if workspace.generation == 0:
        raise RingTraceError.of("graph.empty", workspace=workspace.path)
    with workspace.writing() as scratch, connected(address) as driver, speaking(address):
        registry = Registry(driver, address, workspace)
        registry.run_each(REGISTRY_CONSTRAINTS)
        entry = registry.claim()
        sent = 0
        if entry.filling:
            sent += _go_on(workspace, registry, entry, progress)
        base = _base(workspace, registry, progress)
        if base is None or (base.generation, base.findings_run) != (workspace.generation, current_run(workspace)):
            target = snapshots.take(workspace, scratch, progress, base)
            plan(target, base, scratch)
            registry.begin(target.name)
            base = _carry_out(registry, target, (0, 0), entry.names, progress)
            sent += sum(job.rows for job in planned(target) or ())
        snapshots.remember(workspace, entry.server, base.name)
    return FillReport(base.generation, base.counts(), sent, entry.prefix, perf_counter() - started)


def _go_on(workspace: Workspace, registry: Registry, entry: Entry, progress: Progress) -> int:
    """Carry a fill that was cut off to its end, if what it was to send is still here; the rows sent."""
    target = snapshots.kept(workspace, entry.filling)
    if target is None or planned(target) is None or target.shape != snapshots.shape():
        _remove(registry, entry.names, progress)
        return 0
    jobs = planned(target) or []
    _carry_out(registry, target, (entry.job, entry.row), entry.names, progress)
    return sum(job.rows for job in jobs[entry.job :]) - entry.row


def _base(workspace: Workspace, registry: Registry, progress: Progress) -> Snapshot | None:
    """The snapshot that the server truly shows; None after removing what is there, if there is no such."""
    entry = registry.entry()
    assert entry is not None
    if not entry.filled:
        return None
    base = snapshots.kept(workspace, entry.filled)
    if base is not None and base.shape == snapshots.shape() and _agrees(registry.counted(entry.names), base.counts()):
        return base
    _remove(registry, entry.names, progress)
    return None


def _carry_out(
    registry: Registry, target: Snapshot, start: tuple[int, int], names: Names, progress: Progress
) -> Snapshot:
    jobs = planned(target) or []
    # Only changes look up the keys of relationships: for a first fill, an index made at its end costs less.
    fresh = all(job.verb == "create" for job in jobs)
    nodes = [part for part in target.parts if part.is_node]
    registry.run_each(constraints(nodes if fresh else target.parts, names))
    total = sum(job.rows for job in jobs)
    at = start
    for number in range(start[0], len(jobs)):
        job = jobs[number]
        query = statement(job.verb, job.part, names)
        done = sum(each.rows for each in jobs[:number])
        with made_ahead(batches(target, job, at[1])) as ready:
            for end, columns in ready:
                progress(Step("graph.step.send", done + at[1], total))
                to = (number, end) if end < job.rows else (number + 1, 0)
                registry.advance(query, columns, target.name, at, to)
                at = to
    progress(Step("graph.step.send", total, total))
    if fresh:
        progress(Step("graph.step.keys"))
        registry.run_each(constraints(target.parts, names))
    if not _agrees(registry.counted(names), target.counts()):
        registry.forget()
        raise RingTraceError.of("graph.neo4j.changed")
    registry.finish(target)
    return target


def _agrees(found: GraphCounts, expected: GraphCounts) -> bool:
    return all(found.nodes[label] == expected.nodes.get(label, 0) for label in found.nodes) and all(
        found.relationships[name] == expected.relationships.get(name, 0) for name in found.relationships
    )


def _remove(registry: Registry, names: Names, progress: Progress) -> None:
    progress(Step("graph.step.remove"))
    registry.remove_graph(names)
