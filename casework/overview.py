"""The first page as data: what came in, what was refused, and what was found."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal

import duckdb
import pandas as pd

from ringtrace.data_schema import tables
from ringtrace.findings import LEVELS, Finding, Level


@dataclass(frozen=True, slots=True)
class TableSize:
    """Rows of a canonical table and, where it has a time column, the span they cover."""

    table: str
    rows: int
    first: datetime | None
    last: datetime | None


@dataclass(frozen=True, slots=True)
class KindCount:
    """Findings of one kind and level: how many, and the yuan their evidence lines add up to."""

    kind: str
    level: Level
    findings: int
    amount: Decimal


def table_sizes(connection: duckdb.DuckDBPyConnection) -> list[TableSize]:
    """Every contract table that has rows, in the contract's order."""
    sizes = []
    for table in tables().values():
        span = f"min({table.time}), max({table.time})" if table.time else "NULL, NULL"
        row = connection.execute(f"SELECT count(*), {span} FROM {table.name}").fetchone()
        if row and row[0]:
            sizes.append(TableSize(table.name, *row))
    return sizes


def count_findings(findings: Iterable[Finding]) -> list[KindCount]:
    """Findings by kind and level: kinds by their worst level and amount, levels from red down."""
    sums: dict[tuple[str, Level], tuple[int, Decimal]] = {}
    for finding in findings:
        number, amount = sums.get((finding.kind, finding.level), (0, Decimal(0)))
        sums[finding.kind, finding.level] = (number + 1, amount + finding.amount)
    counts = [KindCount(kind, level, *total) for (kind, level), total in sums.items()]
    rank = {
        kind: min((LEVELS.index(each.level), -each.amount) for each in counts if each.kind == kind)
        for kind in {each.kind for each in counts}
    }
    return sorted(counts, key=lambda each: (rank[each.kind], each.kind, LEVELS.index(each.level)))


def count_by_region(connection: duckdb.DuckDBPyConnection, findings: Iterable[Finding]) -> pd.DataFrame:
    """Suspected findings by region: columns `region` (code, "" where none is known), `level`, `findings`, `amount`.

    A finding belongs to the regions of its suspected institutions, or of its suspected people where it has none; one
    that spans two regions counts in both.
    """
    ends = [
        (finding.finding_id, finding.level, float(finding.amount), member.label, member.id)
        for finding in findings
        if finding.level != "explained"
        for member in finding.members
        if member.suspected and member.label in ("Pharmacy", "Hospital", "Patient")
    ]
    columns = list(zip(*ends, strict=True)) if ends else [(), (), (), (), ()]
    return connection.execute(
        """
        WITH ends AS (
          SELECT unnest($ids) AS finding, unnest($levels) AS level, unnest($amounts) AS amount,
                 unnest($labels) AS label, unnest($keys) AS key
        ),
        placed AS (
          SELECT ends.finding, ends.level, ends.amount, ends.label <> 'Patient' AS institution,
                 coalesce(i.admdvs, p.insu_admdvs, '') AS region
          FROM ends
          LEFT JOIN institutions AS i ON ends.label <> 'Patient' AND i.fixmedins_code = ends.key
          LEFT JOIN persons AS p ON ends.label = 'Patient' AND p.psn_no = ends.key
        ),
        chosen AS (
          SELECT DISTINCT finding, level, amount, region FROM placed
          QUALIFY institution = bool_or(institution) OVER (PARTITION BY finding)
        )
        SELECT region, level, count(*) AS findings, sum(amount) AS amount FROM chosen GROUP BY ALL ORDER BY ALL
        """,
        {
            name: list(values)
            for name, values in zip(("ids", "levels", "amounts", "labels", "keys"), columns, strict=True)
        },
    ).df()


def count_by_month(findings: Iterable[Finding]) -> pd.DataFrame:
    """Suspected findings under way in each month, from the first to the last row that they cite.

    Columns: `month` (first day), `level`, `findings`.
    """
    under_way: dict[tuple[datetime, Level], int] = {}
    for finding in findings:
        if finding.level == "explained" or finding.first_time is None or finding.last_time is None:
            continue
        month = datetime(finding.first_time.year, finding.first_time.month, 1)
        while month <= finding.last_time:
            under_way[month, finding.level] = under_way.get((month, finding.level), 0) + 1
            month = datetime(month.year + month.month // 12, month.month % 12 + 1, 1)
    rows = sorted((month, level, number) for (month, level), number in under_way.items())
    return pd.DataFrame(rows, columns=["month", "level", "findings"])


def settlements_by_month(connection: duckdb.DuckDBPyConnection) -> pd.DataFrame:
    """Settlements per calendar month: columns `month` (first day), `settlements`, `amount` (yuan)."""
    return connection.execute(
        """
        SELECT date_trunc('month', setl_time) AS month, count(*) AS settlements,
               CAST(sum(medfee_sumamt) AS DOUBLE) AS amount
        FROM settlements GROUP BY 1 ORDER BY 1
        """
    ).df()


def institutions_on_map(connection: duckdb.DuckDBPyConnection, findings: Iterable[Finding]) -> pd.DataFrame:
    """Institutions with coordinates: columns `code`, `name`, `lon`, `lat`, `level`, `findings`.

    `level` is the worst in which the institution is suspected, None if in none; `findings` counts those.
    """
    worst: dict[str, Level] = {}
    number: dict[str, int] = {}
    for finding in findings:
        if finding.level == "explained":
            continue
        for member in finding.members:
            if member.label in ("Pharmacy", "Hospital") and member.suspected:
                number[member.id] = number.get(member.id, 0) + 1
                worst[member.id] = min(worst.get(member.id, finding.level), finding.level, key=LEVELS.index)
    frame = connection.execute(
        """
        SELECT fixmedins_code AS code, coalesce(fixmedins_name, fixmedins_code) AS name, lon, lat
        FROM institutions WHERE lon IS NOT NULL AND lat IS NOT NULL ORDER BY code
        """
    ).df()
    frame["level"] = frame["code"].map(worst)
    frame["findings"] = frame["code"].map(number).fillna(0).astype(int)
    return frame
