"""Time the graph build: canonical tables → Ladybug, beside the same rows through NetworkX and python-igraph.

    python bench/graph.py
    python bench/graph.py --lines 1000000               # a smaller trial
    python bench/graph.py --lines-per-settlement 1      # the same lines in twice the settlements

The rows are made here by DuckDB, straight as canonical Parquet: two lines to a settlement, as in the simulated city;
half of the lines with a trace code; one person to twenty lines, with four usual places and eight usual drugs. The
in-memory libraries get a sample (`--peer-lines`) of the settlement grain only, since ten million lines of Python
objects do not fit; the table gives lines a second, so that the figures compare. Peak memory is that of this process, as
the operating system counts it.
"""

from __future__ import annotations

import argparse
import hashlib
import json
import os
import resource
import shutil
import sys
import time
from collections.abc import Callable
from itertools import pairwise
from pathlib import Path

import duckdb
import igraph
import networkx

from ringtrace.data_schema import tables
from ringtrace.graph import build_graph, files, open_graph
from ringtrace.graph.store import NodeRef
from ringtrace.workspace import Workspace

OUT = Path(__file__).parent / "out"


def make_rows(lines: int, per_settlement: int) -> dict[str, str]:
    """SELECTs over `range` for each table that the bench fills, by table name; columns absent here are NULL."""
    persons = max(lines // 20, 100)
    shops = max(lines // 10_000, 5)
    settlement = f"i // {per_settlement}"
    drug = f"hash(hash({settlement}) % {persons} * 8 + hash(i + 3) % 8) % 2000"
    return {
        "persons": (
            "SELECT 'P' || lpad(i::VARCHAR, 12, '0') AS psn_no, '人' || i AS psn_name, 'H' || i // 3 AS hh_no, "
            "'13' || lpad((i // 2)::VARCHAR, 9, '0') AS tel, '路' || i // 3 || '号' AS addr, "
            "'E' || i % 5000 AS emp_no, "
            f"'440' || lpad((i % 20)::VARCHAR, 3, '0') AS insu_admdvs FROM range({persons}) t(i)"
        ),
        "cards": (
            "SELECT 'C' || lpad(i::VARCHAR, 12, '0') AS mdtrt_cert_no, 'P' || lpad(i::VARCHAR, 12, '0') AS psn_no, "
            f"'03' AS mdtrt_cert_type FROM range({persons}) t(i)"
        ),
        "institutions": (
            "SELECT 'S' || lpad(i::VARCHAR, 8, '0') AS fixmedins_code, '机构' || i AS fixmedins_name, "
            f"CASE WHEN i % 20 = 0 THEN '1' ELSE '2' END AS fixmedins_type FROM range({shops}) t(i)"
        ),
        "drugs": (
            "SELECT 'D' || lpad(i::VARCHAR, 6, '0') AS med_list_codg, '药' || i AS drug_genname FROM range(2000) t(i)"
        ),
        "settlements": (
            "SELECT 'N' || lpad(i::VARCHAR, 15, '0') AS setl_id, "
            f"'P' || lpad((hash(i) % {persons})::VARCHAR, 12, '0') AS psn_no, "
            f"'C' || lpad((hash(i) % {persons})::VARCHAR, 12, '0') AS mdtrt_cert_no, "
            f"'S' || lpad((hash(hash(i) % {persons} * 4 + hash(i + 4) % 4) % {shops})::VARCHAR, 8, '0') "
            "AS fixmedins_code, '41' AS med_type, "
            "TIMESTAMP '2025-01-01 08:00:00' + to_seconds((hash(i + 1) % 31536000)::BIGINT) AS setl_time, "
            "CASE WHEN i % 5 = 0 THEN 'DR' || hash(i // 11) % 5000 END AS chfpdr_code, "
            f"((hash(i + 2) % 30000) / 100.0) AS medfee_sumamt FROM range({lines // per_settlement}) t(i)"
        ),
        "settlement_items": (
            f"SELECT 'N' || lpad(({settlement})::VARCHAR, 15, '0') AS setl_id, "
            f"(1 + i % {per_settlement})::VARCHAR AS feedetl_sn, "
            f"'D' || lpad(({drug})::VARCHAR, 6, '0') AS med_list_codg, "
            "1 AS cnt, ((hash(i + 2) % 30000) / 100.0) AS det_item_fee_sumamt, "
            f"CASE WHEN i % 2 = 0 THEN '8' || lpad(i::VARCHAR, 19, '0') END AS drug_trac_codg FROM range({lines}) t(i)"
        ),
        "inventory": (
            f"SELECT 'S' || lpad((hash(i) % {shops})::VARCHAR, 8, '0') AS fixmedins_code, "
            "'D' || lpad((hash(i + 3) % 2000)::VARCHAR, 6, '0') AS med_list_codg, 'purchase' AS chg_type, "
            "TIMESTAMP '2025-01-01' + to_seconds((hash(i) % 31536000)::BIGINT) AS chg_time, 10 AS cnt, 5.00 AS pric, "
            f"'供应商' || hash(i) % 200 AS spler_name FROM range({lines // 10}) t(i)"
        ),
    }


def make_workspace(lines: int, per_settlement: int) -> Workspace:
    """The workspace with these rows, made once for this shape of the tables and kept below bench/out."""
    rows = make_rows(lines, per_settlement)
    shape = json.dumps([rows, {name: table.sql_columns for name, table in tables().items()}])
    folder = OUT / f"graph-{lines}-{per_settlement}-{hashlib.sha256(shape.encode()).hexdigest()[:8]}"
    if (folder / "CURRENT").is_file():
        return Workspace(folder)
    for stale in OUT.glob(f"graph-{lines}-{per_settlement}-*"):
        shutil.rmtree(stale)
    workspace = Workspace(folder, create=True)
    listed = {}
    with workspace.writing(), duckdb.connect(config={"preserve_insertion_order": False}) as connection:
        (folder / "tables").mkdir()
        for name, sql in rows.items():
            columns = connection.execute(f"SELECT * FROM ({sql}) LIMIT 0").description
            given = {column[0] for column in columns or ()}
            own = ", ".join(
                f"CAST({column if column in given else 'NULL'} AS {sql_type}) AS {column}"
                for column, sql_type in tables()[name].sql_columns.items()
            )
            listed[name] = [f"tables/{name}-1.parquet"]
            connection.execute(f"COPY (SELECT {own} FROM ({sql})) TO '{folder / listed[name][0]}' (FORMAT parquet)")
        workspace.commit({"tables": listed, "sources": [], "quarantine": [], "reconciliation": []})
    return workspace


def peer_edges(workspace: Workspace, settlements: int) -> list[tuple[str, str]]:
    """The settlement grain of so many settlements, as pairs of keys: what the in-memory libraries are given."""
    connection = workspace.connect()
    rows = connection.execute(
        "WITH s AS (SELECT * FROM settlements LIMIT $1) "
        "SELECT psn_no, setl_id FROM s UNION ALL SELECT mdtrt_cert_no, setl_id FROM s "
        "UNION ALL SELECT setl_id, fixmedins_code FROM s UNION ALL SELECT setl_id, med_list_codg FROM s "
        "JOIN settlement_items USING (setl_id)",
        [settlements],
    ).fetchall()
    connection.close()
    return [(source, target) for source, target in rows]


def timed(work: Callable[[], object]) -> float:
    started = time.perf_counter()
    work()
    return time.perf_counter() - started


def peak_gib() -> float:
    """Peak memory of this process so far, in GiB."""
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / (1 << 20)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--lines", type=int, default=10_000_000)
    parser.add_argument("--lines-per-settlement", type=int, default=2)
    parser.add_argument("--peer-lines", type=int, default=200_000)
    options = parser.parse_args()
    workspace = make_workspace(options.lines, options.lines_per_settlement)
    shutil.rmtree(files.folder(workspace), ignore_errors=True)
    report = build_graph(workspace)
    memory = peak_gib()
    version = files.current(workspace)
    assert version is not None
    size = version.database(workspace).stat().st_size / (1 << 30)
    nodes, relationships = sum(report.counts.nodes.values()), sum(report.counts.relationships.values())
    sys.stdout.write(
        f"{os.cpu_count()} cores; {options.lines:,} settlement lines → "
        f"{nodes:,} nodes, {relationships:,} relationships\n"
        f"build            {report.seconds:8.1f} s  {options.lines / report.seconds:12,.0f} lines/s"
        f"  peak {memory:.1f} GiB  {size:.2f} GiB on disk   (goal for 10 M: 150 s, < 6 GB)\n"
    )
    with open_graph(workspace) as graph:
        keys = [NodeRef("Patient", f"P{number:012d}") for number in range(0, options.lines // 20, options.lines // 400)]
        graph.expand(keys[0])
        seconds = timed(lambda: [graph.expand(key) for key in keys]) / len(keys)
        sys.stdout.write(f"expand a patient {seconds * 1000:8.0f} ms  (mean of {len(keys)})\n")
        seconds = timed(lambda: [graph.neighbour_counts(key) for key in keys]) / len(keys)
        sys.stdout.write(f"count around one {seconds * 1000:8.0f} ms\n")
        seconds = timed(lambda: [graph.shortest_paths(*pair) for pair in pairwise(keys)]) / (len(keys) - 1)
        sys.stdout.write(f"join two patients{seconds * 1000:8.0f} ms  (shortest paths, up to 4 steps)\n")
        shop = NodeRef("Pharmacy", "S00000001")
        sys.stdout.write(f"expand a pharmacy{timed(lambda: graph.expand(shop)) * 1000:8.0f} ms\n")
        sys.stdout.write(f"search a name    {timed(lambda: graph.search('人123')) * 1000:8.0f} ms\n")
    edges = peer_edges(workspace, options.peer_lines // options.lines_per_settlement)
    for name, work in (
        ("networkx", lambda: networkx.DiGraph(edges)),
        ("python-igraph", lambda: igraph.Graph.TupleList(edges, directed=True)),
    ):
        seconds = timed(work)
        sys.stdout.write(
            f"{name:<16} {seconds:8.1f} s  {options.peer_lines / seconds:12,.0f} lines/s"
            f"  ({options.peer_lines:,} lines, the settlement grain only, no properties, in memory, nothing kept)\n"
        )


if __name__ == "__main__":
    main()
