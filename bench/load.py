"""Time the loading of ten million settlement lines, beside pandas and beside the bare copy to Parquet.

    python bench/load.py [--rows 10000000] [--bad 0.001]

Writes a CSV of settlements once (kept in bench/out), then measures in fresh processes, one after another:

    ringtrace   load_folder into a new workspace: every check, duplicates, quarantine, Parquet, manifest
    pandas      read_csv, which only parses
    duckdb      COPY of the CSV to Parquet with types sniffed: the limit of what the disk and the parser allow

Prints cores, seconds, processor time and peak memory of each; on a busy machine the processor time is the truer one.
"""

from __future__ import annotations

import argparse
import multiprocessing
import os
import resource
import shutil
import sys
import time
from collections.abc import Callable
from multiprocessing.connection import Connection
from pathlib import Path

import duckdb
import pandas as pd

from ringtrace.loaders import load_folder
from ringtrace.workspace import Workspace

OUT = Path(__file__).parent / "out"


def make_settlements(target: Path, rows: int, bad: float) -> None:
    """A year of settlements with every column of the contract filled; a share `bad` has no amount."""
    target.parent.mkdir(parents=True, exist_ok=True)
    every = round(1 / bad) if bad else rows + 1
    duckdb.execute(
        f"""
        COPY (
            SELECT printf('S%014d', i) AS setl_id, printf('V%014d', i) AS mdtrt_id,
                printf('3310%010d', hash(i) % {rows // 20 + 1}) AS psn_no,
                printf('A%012d', hash(i) % {rows // 20 + 1}) AS mdtrt_cert_no,
                printf('%02d', 1 + hash(i + 1) % 3) AS mdtrt_cert_type,
                printf('P%08d', hash(i + 2) % 3000) AS fixmedins_code, printf('T%d', hash(i + 3) % 4) AS pos_no,
                '41' AS med_type, moment AS begntime, moment AS endtime, moment AS setl_time, 'I10' AS dise_codg,
                printf('D%06d', hash(i + 4) % 5000) AS chfpdr_code,
                CASE WHEN i % {every} = 0 THEN 'x' ELSE CAST(fund + account + cash AS VARCHAR) END AS medfee_sumamt,
                fund AS fund_pay_sumamt, account AS acct_pay, cash AS cash_payamt,
                '0' AS manl_reim_flag, printf('%012d', i) AS invono, '0' AS refd_setl_flag, '' AS init_setl_id
            FROM (
                SELECT i,
                    strftime(TIMESTAMP '2025-01-01' + to_seconds(i * 31536000 // {rows}), '%Y-%m-%d %H:%M:%S')
                        AS moment,
                    CAST(hash(i + 5) % 20000 / 100.0 AS DECIMAL(18, 2)) AS fund,
                    CAST(hash(i + 6) % 9000 / 100.0 AS DECIMAL(18, 2)) AS account,
                    CAST(hash(i + 7) % 9000 / 100.0 AS DECIMAL(18, 2)) AS cash
                FROM range(1, {rows} + 1) t(i)
            )
        ) TO '{target}' (FORMAT csv, HEADER)
        """
    )


def load(source: Path, scratch: Path) -> None:
    report = load_folder(source.parent, Workspace(scratch / "workspace", create=True))
    assert report.total("read") == sum(file.accounted for file in report.files)


def read_with_pandas(source: Path, scratch: Path) -> None:
    pd.read_csv(source)


def copy_with_duckdb(source: Path, scratch: Path) -> None:
    connection = duckdb.connect()
    connection.execute("SET enable_progress_bar = false")
    connection.execute(
        f"COPY (FROM read_csv('{source}')) TO '{scratch / 'bare.parquet'}' (FORMAT parquet, COMPRESSION zstd)"
    )


def measured(work: Callable[[Path, Path], None], source: Path) -> tuple[float, float, float]:
    """Seconds, seconds of processor time and peak memory in GB of `work` in a process of its own."""
    receiver, sender = multiprocessing.Pipe(duplex=False)
    process = multiprocessing.get_context("spawn").Process(target=_timed, args=(work, source, sender))
    process.start()
    sender.close()  # so that a process that dies ends the wait
    result: tuple[float, float, float] = receiver.recv()
    process.join()
    return result


def _timed(work: Callable[[Path, Path], None], source: Path, sender: Connection) -> None:
    scratch = OUT / f"load-{os.getpid()}"
    scratch.mkdir()
    try:
        started = time.monotonic()
        work(source, scratch)
        seconds = time.monotonic() - started
    finally:
        shutil.rmtree(scratch)
    used = resource.getrusage(resource.RUSAGE_SELF)
    sender.send((seconds, used.ru_utime + used.ru_stime, used.ru_maxrss / 2**20))


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else None)
    parser.add_argument("--rows", type=int, default=10_000_000)
    parser.add_argument("--bad", type=float, default=0.001, help="share of rows that break a rule")
    options = parser.parse_args()
    source = OUT / f"load-{options.rows}-{options.bad}" / "settlements.csv"
    if not source.is_file():
        make_settlements(source, options.rows, options.bad)
    size = source.stat().st_size / 2**30
    sys.stdout.write(f"{options.rows:,} settlement lines, {size:.2f} GB CSV, {os.cpu_count()} cores\n")
    sys.stdout.write(f"{'':12}{'seconds':>9}{'CPU s':>9}{'peak GB':>9}{'rows/s':>12}\n")
    for name, work in (("ringtrace", load), ("pandas", read_with_pandas), ("duckdb", copy_with_duckdb)):
        seconds, cpu, peak = measured(work, source)
        sys.stdout.write(f"{name:12}{seconds:9.1f}{cpu:9.1f}{peak:9.2f}{options.rows / seconds:12,.0f}\n")
        sys.stdout.flush()


if __name__ == "__main__":
    main()
