"""The graph's files in the workspace: each build under a new name, one pointer that says which counts.

graph/CURRENT              name of the current graph
graph/000007-ab12.lbdb     the database
graph/000007-ab12.json     what it was built from, and its counts
"""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass
from pathlib import Path
from uuid import uuid4

from ringtrace.graph.store import GraphCounts
from ringtrace.workspace import Workspace, write_atomic


@dataclass(frozen=True, slots=True)
class GraphVersion:
    """One built graph: the generation and the detection run that it shows (0 = none), and its counts."""

    name: str
    generation: int
    findings_run: int
    counts: GraphCounts

    def database(self, workspace: Workspace) -> Path:
        return folder(workspace) / f"{self.name}.lbdb"


def folder(workspace: Workspace) -> Path:
    return workspace.path / "graph"


def new_name(generation: int) -> str:
    """A name that no other build has, so that nothing that a reader has open is ever written to."""
    return f"{generation:06d}-{uuid4().hex[:8]}"


def current(workspace: Workspace) -> GraphVersion | None:
    """The graph that counts; None before the first build, or when its files are no longer there."""
    pointer, seen = folder(workspace) / "CURRENT", None
    while pointer.is_file():
        name = pointer.read_text("ascii").strip()
        if name == seen:  # nobody published another one meanwhile: its files were taken away
            return None
        seen = name
        try:
            raw = json.loads((folder(workspace) / f"{name}.json").read_text("utf-8"))
        except FileNotFoundError:
            continue
        version = GraphVersion(name, raw["generation"], raw["findings_run"], GraphCounts(**raw["counts"]))
        if version.database(workspace).exists():
            return version
    return None


def publish(workspace: Workspace, version: GraphVersion) -> None:
    """Make `version` the graph that counts, then remove the others; the caller holds `Workspace.writing()`."""
    raw = {
        "generation": version.generation,
        "findings_run": version.findings_run,
        "counts": asdict(version.counts),
    }
    write_atomic(folder(workspace) / f"{version.name}.json", json.dumps(raw, indent=1))
    write_atomic(folder(workspace) / "CURRENT", f"{version.name}\n")
    remove_stale(workspace, keep=version.name)


def remove_stale(workspace: Workspace, *, keep: str) -> None:
    """Remove every file of other builds, finished or not.

    A reader that still has one open keeps it on systems that unlink open files; on Windows the removal is refused and
    the next build tries again.
    """
    for file in folder(workspace).iterdir():
        if file.name == "CURRENT" or file.name.split(".")[0] == keep:
            continue
        try:
            file.unlink()
        except PermissionError:
            continue
