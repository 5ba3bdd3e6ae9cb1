"""Fill a Neo4j server in three ways with the same rows: plain UNWIND, `ringtrace graph --to`, the offline importer.

    python bench/neo4j_fill.py
    python bench/neo4j_fill.py --lines 50000      # a smaller trial

(Not `neo4j.py`: a script's own folder comes first on the path, and that name would hide the driver.)

Each way gets a new server on this machine, started here as in the tests (Java and Maven are needed). Plain UNWIND is
what most write first: maps with Python's own dates and datetimes, batches of the same size, the same node keys first.
Every way is timed from the canonical tables to a graph with its indexes, without the start of the server. What the
servers hold in the end is compared by a fingerprint: counts, sums and extremes of each label's and type's properties.
Processor time is that of this process, of the importer and of the server together, its start included; on a machine
with other work it tells more than the clock. A small trial says little: a server that has just started is slow, and the
importer's own start takes seconds.
"""

from __future__ import annotations

import argparse
import importlib.util
import os
import resource
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

HERE = Path(__file__).parent
sys.path.insert(0, str(HERE.parent / "tests"))  # the server's factory

import neo4j  # noqa: E402
import pyarrow.parquet as pq  # noqa: E402
from factories.neo4j_server import Neo4jServer  # noqa: E402

from ringtrace.data_schema.graph import Property, graph_schema  # noqa: E402
from ringtrace.graph.neo4j import snapshot as snapshots  # noqa: E402
from ringtrace.graph.neo4j.changes import BATCH  # noqa: E402
from ringtrace.graph.neo4j.fill import fill_neo4j  # noqa: E402
from ringtrace.graph.neo4j.import_files import write_import_files  # noqa: E402
from ringtrace.graph.neo4j.server import connected  # noqa: E402
from ringtrace.progress import silent  # noqa: E402
from ringtrace.workspace import Workspace  # noqa: E402

Fingerprint = dict[str, tuple[Any, ...]]


def make_workspace(lines: int) -> Workspace:
    """The same rows as in bench/graph.py."""
    spec = importlib.util.spec_from_file_location("bench_graph", HERE / "graph.py")
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    workspace: Workspace = module.make_workspace(lines, 2)
    return workspace


def _send(transaction: neo4j.ManagedTransaction, query: str, rows: list[dict[str, Any]]) -> None:
    transaction.run(query, rows=rows).consume()


def plain(workspace: Workspace, server: Neo4jServer) -> float:
    """Plain UNWIND of maps with Python's dates and datetimes; the seconds it took."""
    server.start()
    started = time.perf_counter()
    with workspace.writing() as scratch, connected(server.address) as driver, driver.session() as session:
        snapshot = snapshots.take(workspace, scratch, silent)
        for part in snapshot.parts:
            if part.is_node:
                session.run(f"CREATE CONSTRAINT FOR (n:{part.name}) REQUIRE n.id IS UNIQUE").consume()
        session.run("CALL db.awaitIndexes(3600)").consume()
        for part in snapshot.parts:
            own = ", ".join(f"{each.name}: row.{each.name}" for each in part.properties)
            query = (
                f"UNWIND $rows AS row CREATE (:{part.name} {{{own}}})"
                if part.is_node
                else f"UNWIND $rows AS row MATCH (a:{part.source} {{id: row.source}}) "
                f"MATCH (b:{part.target} {{id: row.target}}) CREATE (a)-[:{part.name} {{{own}}}]->(b)"
            )
            with pq.ParquetFile(snapshot.path(part)) as file:
                for batch in file.iter_batches(BATCH):
                    rows = batch.to_pylist()
                    session.execute_write(_send, query, rows)
    return time.perf_counter() - started


def online(workspace: Workspace, server: Neo4jServer) -> float:
    """`ringtrace graph --to`; the seconds it took."""
    server.start()
    return fill_neo4j(workspace, server.address).seconds


def offline(workspace: Workspace, server: Neo4jServer) -> float:
    """The importer, then `--to` for the constraints; the seconds both took."""
    started = time.perf_counter()
    with tempfile.TemporaryDirectory(prefix="ringtrace-import-") as folder:
        files = write_import_files(workspace, Path(folder))
        server.admin(*files.arguments, cwd=files.folder)
    imported = time.perf_counter() - started
    server.start()
    report = fill_neo4j(workspace, server.address)
    assert report.sent == 0
    return imported + report.seconds


def fingerprint(driver: neo4j.Driver) -> Fingerprint:
    """Counts, sums and extremes of every property, by label and type."""
    schema = graph_schema()
    found: Fingerprint = {}
    for name, pattern, properties in (
        *((each.name, f"(x:{each.name})", each.properties) for each in schema.nodes.values()),
        *((each.name, f"()-[x:{each.name}]->()", each.properties) for each in schema.relationships.values()),
    ):
        columns = ", ".join(["count(x)", *(column for each in properties for column in _told(each))])
        found[name] = tuple(driver.execute_query(f"MATCH {pattern} RETURN {columns}").records[0].values())
    return found


def _told(declared: Property) -> tuple[str, ...]:
    name = f"x.{declared.name}"
    if declared.type in {"integer", "number"}:
        return (f"toInteger(round(sum({name}) * 100))",)
    if declared.type == "string":
        return (f"sum(size({name}))", f"min({name})", f"max({name})")
    return (f"count({name})", f"toString(min({name}))", f"toString(max({name}))")


def measured(
    way: Callable[[Workspace, Neo4jServer], float], workspace: Workspace, home: Path, heap: str
) -> tuple[float, float, Fingerprint]:
    """Seconds by the clock and of processor time, and what the server then holds."""
    server = Neo4jServer(home, heap=heap, brief=False)
    before = _processor_seconds()
    try:
        seconds = way(workspace, server)
        processor = _processor_seconds() - before + server.processor_seconds()
        with connected(server.address) as driver:
            return seconds, processor, fingerprint(driver)
    finally:
        server.stop()


def _processor_seconds() -> float:
    used = [resource.getrusage(who) for who in (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN)]
    return sum(each.ru_utime + each.ru_stime for each in used)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--lines", type=int, default=1_000_000)
    parser.add_argument("--heap", default="3g")
    options = parser.parse_args()
    workspace = make_workspace(options.lines)
    seconds: dict[str, float] = {}
    contents: list[Fingerprint] = []
    with tempfile.TemporaryDirectory(prefix="ringtrace-neo4j-bench-") as folder:
        for way in (plain, online, offline):
            taken, processor, content = measured(way, workspace, Path(folder) / way.__name__, options.heap)
            seconds[way.__name__] = taken
            contents.append(content)
            rows = sum(counts[0] for counts in content.values())
            sys.stdout.write(
                f"{way.__name__:<8} {taken:8.1f} s  {rows:,} nodes and relationships, {rows / taken:,.0f} a second, "
                f"{seconds['plain'] / taken:.1f} × plain; processor {processor:.1f} s\n"
            )
            sys.stdout.flush()
    differing = sorted(name for name in contents[0] if len({content[name] for content in contents}) > 1)
    sys.stdout.write(
        f"{os.cpu_count()} cores; {options.lines:,} settlement lines; "
        f"content {'differs: ' + ', '.join(differing) if differing else 'the same in all three'}; "
        "goals: online 1.5 ×, offline 5 ×\n"
    )
    sys.exit(1 if differing else 0)


if __name__ == "__main__":
    main()
