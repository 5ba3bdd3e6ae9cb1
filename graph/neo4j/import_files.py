"""The graph as files of Neo4j's own offline importer, the fastest way into a server that holds nothing yet.

The importer makes a new database of them while the server stands still. A note on this workspace comes along, so that
`fill_neo4j` knows afterwards what is there, adds the constraints, and from then on sends changes only.
"""

from __future__ import annotations

import csv
import json
import shlex
from collections.abc import Iterator
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Final
from uuid import uuid4

import duckdb

from ringtrace.data_schema.graph import GraphType, Property
from ringtrace.errors import RingTraceError
from ringtrace.graph.neo4j import snapshot as snapshots
from ringtrace.graph.neo4j.registry import Entry
from ringtrace.graph.neo4j.snapshot import KEY, Part, Snapshot
from ringtrace.graph.neo4j.statements import REGISTRY
from ringtrace.graph.store import GraphCounts
from ringtrace.progress import Progress, Step, silent
from ringtrace.workspace import Workspace

IMPORT_TYPES: Final[dict[GraphType, str]] = {
    "string": "string",
    "boolean": "boolean",
    "integer": "long",
    "number": "double",
    "date": "date",
    "timestamp": "localdatetime",
}

_REGISTRY_TYPES: Final = {"job": "int", "row": "int", "generation": "int", "findings_run": "int"}


@dataclass(frozen=True, slots=True)
class ImportFiles:
    """The files' folder, the importer's arguments (to be given in that folder), and what is in the files."""

    folder: Path
    arguments: tuple[str, ...]
    counts: GraphCounts

    @property
    def command(self) -> str:
        """What to type in the folder, on a machine with Neo4j."""
        return shlex.join(("neo4j-admin", *self.arguments))


def write_import_files(workspace: Workspace, folder: Path, *, progress: Progress = silent) -> ImportFiles:
    """Write the importer's files of the current generation and its findings, and two scripts that run it.

    Raises
    ------
    RingTraceError
        If nothing was loaded yet, another process is writing, or `folder` already holds something.
    """
    if workspace.generation == 0:
        raise RingTraceError.of("graph.empty", workspace=workspace.path)
    if folder.exists() and any(folder.iterdir()):
        raise RingTraceError.of("graph.neo4j.not_empty", folder=folder)
    folder.mkdir(parents=True, exist_ok=True)
    with workspace.writing() as scratch:
        snapshot = snapshots.take(workspace, scratch, progress)
        entry = Entry(
            workspace=snapshots.workspace_id(workspace), prefix="", server=uuid4().hex, filled=snapshot.name,
            generation=snapshot.generation, findings_run=snapshot.findings_run,
            counts=json.dumps(asdict(snapshot.counts())),
        )  # fmt: skip
        arguments = [
            "database", "import", "full", "neo4j", "--overwrite-destination", "--multiline-fields=true",
            "--bad-tolerance=0", "--report-file=/tmp/neo4j-import.report",
        ]  # fmt: skip
        arguments += _write(snapshot, folder, scratch, progress)
        arguments.append(f"--nodes={REGISTRY}={_write_registry(entry, folder)}")
        snapshots.remember(workspace, entry.server, snapshot.name)
    files = ImportFiles(folder, tuple(arguments), snapshot.counts())
    _write_scripts(files)
    return files


def _write(snapshot: Snapshot, folder: Path, scratch: Path, progress: Progress) -> Iterator[str]:
    """Write each part as a header and a body; the argument that names them."""
    with duckdb.connect(config={"memory_limit": "2GB", "temp_directory": str(scratch / "spill")}) as connection:
        for number, part in enumerate(snapshot.parts):
            progress(Step("graph.step.import_files", number, len(snapshot.parts)))
            if not part.count:
                continue
            stem = Path(part.file).stem
            (folder / f"{stem}-header.csv").write_text(",".join(_header(part)) + "\n", "utf-8")
            columns = ["id"] if part.is_node else ["source", "target", KEY]
            columns += [_cell(each) for each in part.properties if each.name != "id" or not part.is_node]
            connection.execute(
                f"COPY (SELECT {', '.join(columns)} FROM read_parquet('{_quoted(snapshot.path(part))}')) "
                f"TO '{_quoted(folder / f'{stem}.csv')}' (FORMAT csv, HEADER false)"
            )
            kind = "nodes" if part.is_node else "relationships"
            yield f"--{kind}={part.name}={stem}-header.csv,{stem}.csv"


def _header(part: Part) -> list[str]:
    if part.is_node:
        own = [each for each in part.properties if each.name != "id"]
        return [f"id:ID({part.name})", *(f"{each.name}:{IMPORT_TYPES[each.type]}" for each in own)]
    ends = [f":START_ID({part.source})", f":END_ID({part.target})", f"{KEY}:long"]
    return ends + [f"{each.name}:{IMPORT_TYPES[each.type]}" for each in part.properties]


def _cell(declared: Property) -> str:
    if declared.type == "timestamp":
        return f"strftime({declared.name}, '%Y-%m-%dT%H:%M:%S.%f')"
    return declared.name


def _write_registry(entry: Entry, folder: Path) -> str:
    values = asdict(entry)
    with (folder / f"{REGISTRY}.csv").open("w", encoding="utf-8", newline="") as stream:
        writer = csv.writer(stream)
        writer.writerow(f"{name}:{_REGISTRY_TYPES.get(name, 'string')}" for name in values)
        # An empty string must not be taken for a missing one.
        csv.writer(stream, quoting=csv.QUOTE_NONNUMERIC).writerow(values.values())
    return f"{REGISTRY}.csv"


def _write_scripts(files: ImportFiles) -> None:
    lines = " \\\n  ".join(shlex.quote(each) for each in files.arguments)
    here = '#!/bin/sh\nset -eu\ncd "$(dirname "$0")"\n'
    (files.folder / "import.sh").write_text(
        f"{here}# The server must not run meanwhile. What its database held is replaced.\nneo4j-admin {lines}\n",
        "utf-8",
    )
    (files.folder / "import-in-container.sh").write_text(
        f"{here}# For the server of RingTrace's compose.yaml: COMPOSE_FILE names that file unless it is here.\n"
        "docker compose stop neo4j\n"
        'docker compose run --rm --no-deps --volume "$PWD:/ringtrace:ro" --workdir /ringtrace neo4j \\\n'
        f"  neo4j-admin {lines}\n"
        "docker compose up --detach neo4j\n",
        "utf-8",
    )
    for name in ("import.sh", "import-in-container.sh"):
        (files.folder / name).chmod(0o755)


def _quoted(path: Path) -> str:
    return str(path).replace("'", "''")
