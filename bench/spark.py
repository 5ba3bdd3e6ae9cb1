"""The detectors' own statements on Spark: do they run there, and do they find the same?

    .venv/bin/pip install --editable '.[spark]'      # needs Java 17 or later
    .venv/bin/python bench/spark.py --persons 3000 --seed 1

A city's tables are searched twice by the same code: on DuckDB, and on a Spark session of this machine whose statements
are those of the detectors, put into Spark's dialect (spark_tables.py). Prints for each kind the statements, the drafts
of findings on either engine, how many have the same anchors and score, and the seconds; exits with 1 where they differ.
The seconds say nothing about a cluster: on one machine and a small city, Spark's are those of starting jobs.
"""

from __future__ import annotations

import argparse
import os
import sys
import time
from typing import cast

import duckdb
from pyspark.sql import SparkSession
from quality import city
from spark_tables import SparkTables

from ringtrace.detectors import DETECTORS
from ringtrace.detectors.detector import Context, Draft


def told(draft: Draft) -> tuple[tuple[str, ...], str, float]:
    """What must be the same: anchors, level and the score to five places."""
    return tuple(sorted(draft.anchors)), draft.level, round(draft.score, 5)


def local_session() -> SparkSession:
    builder = SparkSession.builder.master("local[2]").config("spark.ui.enabled", "false")
    options = {
        "spark.ui.showConsoleProgress": "false",
        "spark.sql.shuffle.partitions": "2",
        "spark.driver.memory": "4g",
        "spark.sql.session.timeZone": "UTC",
    }
    for name, setting in options.items():
        builder = builder.config(name, setting)
    # The workers run the edit distance, which Spark lacks, with the packages of this very interpreter.
    os.environ["PYSPARK_PYTHON"] = sys.executable
    session = builder.getOrCreate()
    session.sparkContext.setLogLevel("OFF")
    return session


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--persons", type=int, default=3_000)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--kinds", nargs="+", default=[each.kind for each in DETECTORS])
    options = parser.parse_args()
    workspace, _ = city(options.persons, options.seed, "medium")
    differ = False
    with workspace.connect() as tables:
        spark = SparkTables(local_session(), workspace, tables)
        context, on_spark = Context(), Context()
        print(f"{'':24}{'statements':>11}{'DuckDB':>8}{'Spark':>7}{'same':>6}{'s':>8}{'s on Spark':>12}")
        for detector in DETECTORS:
            begun = time.perf_counter()
            here = list(detector.detect(tables, context))
            middle = time.perf_counter()
            # Later kinds read the drafts of earlier ones: both engines are given the same.
            context.drafts[detector.kind] = on_spark.drafts[detector.kind] = here
            if detector.kind not in options.kinds:
                continue
            spark.statements = 0
            there = list(detector.detect(cast(duckdb.DuckDBPyConnection, spark), on_spark))
            same = len({*map(told, here)} & {*map(told, there)})
            differ |= not same == len(here) == len(there)
            print(
                f"{detector.kind:24}{spark.statements:11}{len(here):8}{len(there):7}{same:6}"
                f"{middle - begun:8.1f}{time.perf_counter() - middle:12.1f}",
                flush=True,
            )
    sys.exit(int(differ))


if __name__ == "__main__":
    main()
