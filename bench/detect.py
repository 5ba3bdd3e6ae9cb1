"""Time every detector on N million settlement lines, and how the time grows from a quarter of them to all.

    python bench/detect.py
    python bench/detect.py --rows 2000000           # a smaller trial
    python bench/detect.py --workspace demo/workspace

The rows are made here by DuckDB, straight as canonical Parquet, two lines to a settlement, one person to twenty lines
with four usual places and eight usual drugs; at pharmacies most packs carry a code, which the shop bought a month
before, and the ledger records the sale. Nothing is planted: the figures are those of the search, and each finding adds
the citing of its rows. Every measurement runs in a process of its own, so that the peak memory is its own. CPU seconds
stand beside the clock's, since a machine may be busy with other things.
"""

from __future__ import annotations

import argparse
import hashlib
import json
import os
import resource
import shutil
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import duckdb

from ringtrace.data_schema import tables
from ringtrace.detectors import detect
from ringtrace.loaders.sources import Source
from ringtrace.workspace import Workspace

OUT = Path(__file__).parent / "out"


def make_rows(lines: int) -> dict[str, str]:
    """SELECTs for each table that the bench fills, in an order in which one may read those before it."""
    persons = max(lines // 20, 100)
    shops = max(lines // 10_000, 20)
    person, drug = f"hash(i) % {persons}", f"hash(hash(i // 2) % {persons} * 8 + hash(i, 3) % 8) % 400"
    at = f"hash(({person}) * 4 + hash(i, 4) % 4) % {shops}"
    return {
        "persons": (
            "SELECT 'P' || lpad(i::VARCHAR, 12, '0') AS psn_no, 'H' || i // 3 AS hh_no, 'E' || i % 5000 AS emp_no, "
            "'13' || lpad((i // 2)::VARCHAR, 9, '0') AS tel, '路' || i // 3 || '号' AS addr, "
            "(1 + i % 2)::VARCHAR AS gend, DATE '1940-01-01' + to_days((hash(i) % 25000)::INTEGER) AS brdy, "
            f"'440' || lpad((i % 20)::VARCHAR, 3, '0') AS insu_admdvs FROM range({persons}) t(i)"
        ),
        "institutions": (
            "SELECT 'S' || lpad(i::VARCHAR, 8, '0') AS fixmedins_code, "
            "CASE WHEN i % 20 = 0 THEN '1' ELSE '2' END AS fixmedins_type, "
            "113 + (i % 40) / 100 AS lon, 23 + (i // 40) / 100 AS lat, 8 AS open_hour, 21 AS close_hour "
            f"FROM range({shops}) t(i)"
        ),
        "drugs": (
            "SELECT 'D' || lpad(i::VARCHAR, 6, '0') AS med_list_codg, '药' || i AS drug_genname, 14 AS pack_ddd, "
            "'C0' || i % 9 || 'AA' || lpad((i // 9)::VARCHAR, 2, '0') AS atc_code FROM range(400) t(i)"
        ),
        "settlements": (
            f"SELECT 'N' || lpad(i::VARCHAR, 15, '0') AS setl_id, 'P' || lpad(({person})::VARCHAR, 12, '0') AS psn_no, "
            f"'C' || lpad(({person})::VARCHAR, 12, '0') AS mdtrt_cert_no, "
            "CASE WHEN hash(i, 5) % 5 < 2 THEN '01' ELSE '03' END AS mdtrt_cert_type, "
            f"'S' || lpad(({at})::VARCHAR, 8, '0') AS fixmedins_code, 'T' || i % 2 AS pos_no, "
            f"CASE WHEN ({at}) % 20 = 0 THEN '11' ELSE '41' END AS med_type, "
            f"CASE WHEN ({at}) % 20 = 0 THEN 'I' || (10 + hash(i, 6) % 60) END AS dise_codg, "
            "TIMESTAMP '2025-01-01 08:00:00' + to_days((hash(i, 1) % 365)::INTEGER) "
            "+ to_seconds((hash(i, 2) % 43200)::BIGINT) AS setl_time, "
            "(10 + hash(i) % 20000 / 100.0) AS medfee_sumamt, (10 + hash(i) % 20000 / 100.0) AS acct_pay "
            f"FROM range({lines // 2}) t(i)"
        ),
        "settlement_items": (
            "SELECT 'N' || lpad((i // 2)::VARCHAR, 15, '0') AS setl_id, (1 + i % 2)::VARCHAR AS feedetl_sn, "
            f"'D' || lpad(({drug})::VARCHAR, 6, '0') AS med_list_codg, 1 AS cnt, "
            "(5 + hash(i // 2) % 20000 / 200.0) AS det_item_fee_sumamt, "
            f"CASE WHEN hash(i, 7) % 10 < 9 THEN '8' || lpad(i::VARCHAR, 19, '0') END AS drug_trac_codg "
            f"FROM range({lines}) t(i)"
        ),
        "inventory": (
            "WITH sold AS ("
            "  SELECT s.fixmedins_code, i.med_list_codg, s.setl_time, i.drug_trac_codg "
            "  FROM settlement_items i JOIN settlements s USING (setl_id) WHERE s.med_type = '41'"
            ") SELECT fixmedins_code, med_list_codg, 'sale' AS chg_type, setl_time AS chg_time, 1 AS cnt, "
            "drug_trac_codg FROM sold UNION ALL "
            "SELECT fixmedins_code, med_list_codg, 'purchase', date_trunc('month', setl_time) - INTERVAL 10 DAYS, "
            "count(*), string_agg(drug_trac_codg, '|') FROM sold GROUP BY 1, 2, 4"
        ),
    }


def make_workspace(lines: int) -> Path:
    """The workspace with these rows, made once for this shape of the tables and kept below bench/out."""
    rows = make_rows(lines)
    shape = json.dumps([rows, {name: table.sql_columns for name, table in tables().items()}])
    folder = OUT / f"detect-{lines}-{hashlib.sha256(shape.encode()).hexdigest()[:8]}"
    if (folder / "CURRENT").is_file():
        return folder
    for stale in OUT.glob(f"detect-{lines}-*"):
        shutil.rmtree(stale)
    workspace = Workspace(folder, create=True)
    listed: dict[str, list[str]] = {}
    sources: list[Source] = []
    spill: dict[str, Any] = {
        "preserve_insertion_order": False,
        "temp_directory": str(folder / "spill"),
        "memory_limit": "4GB",
    }
    with workspace.writing(), duckdb.connect(config=spill) as connection:
        for part in ("tables", "sources"):
            (folder / part).mkdir()
        for number, (name, sql) in enumerate(rows.items(), start=1):
            given = {column[0] for column in connection.execute(f"SELECT * FROM ({sql}) LIMIT 0").description or ()}
            own = {"_source": str(number), "_row": "row_number() OVER ()"} | {column: column for column in given}
            cells = ", ".join(
                f"CAST({own.get(column, 'NULL')} AS {sql_type}) AS {column}"
                for column, sql_type in tables()[name].sql_columns.items()
            )
            file = folder / "tables" / f"{name}-1.parquet"
            connection.execute(f"COPY (SELECT {cells} FROM ({sql})) TO '{file}' (FORMAT parquet)")
            connection.execute(f"CREATE VIEW {name} AS SELECT * FROM '{file}'")
            listed[name] = [f"tables/{file.name}"]
            # Findings cite rows of the files that came in: the same rows, as text.
            headers = tuple(column.name for column in tables()[name].columns)
            texts = ", ".join(f"CAST({column} AS VARCHAR) AS {column}" for column in headers)
            landing = f"sources/{file.name}"
            connection.execute(f"COPY (SELECT _row, {texts} FROM {name}) TO '{folder / landing}' (FORMAT parquet)")
            sources.append(Source(number, file.name, name, "", 0, 0, headers, landing, True, None, name))
        workspace.commit(
            {
                "tables": listed,
                "sources": [source.to_dict() for source in sources],
                "quarantine": [],
                "reconciliation": [],
            }
        )
    return folder


def measure(folder: Path) -> dict[str, Any]:
    """Detect once, in this process."""
    begun, cpu = time.perf_counter(), time.process_time()
    report = detect(Workspace(folder))
    return {
        "seconds": time.perf_counter() - begun,
        "cpu": time.process_time() - cpu,
        "peak_gib": resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / (1 << 20),
        "kinds": report.seconds,
        "findings": len(report.findings),
    }


def in_own_process(folder: Path) -> dict[str, Any]:
    output = subprocess.run([sys.executable, __file__, "--one", str(folder)], check=True, stdout=subprocess.PIPE).stdout
    result: dict[str, Any] = json.loads(output)
    return result


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rows", type=int, default=10_000_000, help="settlement lines")
    parser.add_argument("--workspace", type=Path, help="detect in this workspace instead")
    parser.add_argument("--one", type=Path, help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.one:
        json.dump(measure(options.one), sys.stdout)
        return
    if options.workspace:
        runs = {str(options.workspace): in_own_process(options.workspace)}
    else:
        sizes = (options.rows // 4, options.rows)
        runs = {f"{lines:,} lines": in_own_process(make_workspace(lines)) for lines in sizes}
    sys.stdout.write(f"{os.cpu_count()} cores   " + "".join(f"{name:>20}" for name in runs) + "\n")
    for kind in next(iter(runs.values()))["kinds"]:
        sys.stdout.write(f"{kind:24}" + "".join(f"{run['kinds'][kind]:18.1f} s" for run in runs.values()) + "\n")
    for name, unit in (("seconds", "s"), ("cpu", "s"), ("peak_gib", "G"), ("findings", " ")):
        sys.stdout.write(f"{name:24}" + "".join(f"{run[name]:18.1f} {unit}" for run in runs.values()) + "\n")
    if len(runs) == 2:
        small, large = runs.values()
        sys.stdout.write(
            f"4 times the lines take {large['seconds'] / small['seconds']:.1f} times the seconds, "
            f"{large['cpu'] / small['cpu']:.1f} times the CPU   (goals at 10 M: 60 s, 6 GB; at most 5.2 times)\n"
        )


if __name__ == "__main__":
    main()
