"""One table's way through a load: its extracts are checked, linked and written; the report is counted on the way."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from uuid import uuid4

import duckdb

from ringtrace.data_schema import Table, tables
from ringtrace.errors import RingTraceError
from ringtrace.loaders.checking import PROBLEMS, literal, typed_sql
from ringtrace.loaders.delivery import Plan
from ringtrace.loaders.linking import PART_OPTIONS, Checked, Linked, link_derived, link_rows, survey_rows
from ringtrace.loaders.mapping import HeaderMapping
from ringtrace.loaders.preset import SKIP, Extract
from ringtrace.loaders.quarantine import check_share, write_quarantine
from ringtrace.loaders.reading import identifier
from ringtrace.loaders.report import TableReport
from ringtrace.loaders.settled import (
    REFUNDED_ITEM,
    SUM_WARNING,
    find_refunds,
    refresh_sums,
    sum_items,
    turn_stored_items,
)
from ringtrace.loaders.sources import Source
from ringtrace.progress import Progress, Step
from ringtrace.workspace import stored_rows

_EXTRA = ("_source", "_row", SKIP)
_NO_FILE_HAS_MORE_ROWS = 2**40


@dataclass(slots=True)
class TableResult:
    """What a load did to one table; counters are by (source number, outcome or reason), or by `column:code`."""

    outcomes: Counter[tuple[int, str]] = field(default_factory=Counter)
    left_out: Counter[tuple[int, str]] = field(default_factory=Counter)
    quarantined: Counter[int] = field(default_factory=Counter)
    derived: Counter[str] = field(default_factory=Counter)
    problems: Counter[str] = field(default_factory=Counter)
    warnings: Counter[str] = field(default_factory=Counter)
    quarantine: list[str] = field(default_factory=list)
    removed: int = 0
    changed: bool = False


class TableLoader:
    """Loads tables one after another into the scratch folder; nothing counts before the manifest names it.

    `files` maps each table to its Parquet files relative to the workspace and is brought up to date table by table.
    """

    def __init__(
        self,
        connection: duckdb.DuckDBPyConnection,
        workspace: Path,
        scratch: Path,
        plan: Plan,
        mapping: HeaderMapping,
        delivered: Sequence[Source],
        known: Sequence[Source],
        files: dict[str, list[str]],
    ) -> None:
        self.connection = connection
        self.workspace = workspace
        self.scratch = scratch
        self.plan = plan
        self.mapping = mapping
        self.delivered = delivered
        self.known = known
        self.files = files
        self.changed: set[str] = set()

    def load(self, name: str, max_bad_share: float, progress: Progress) -> TableResult:
        """Check, link and write one table.

        Raises
        ------
        RingTraceError
            If too many of its rows are bad, or its files lack a required column.
        """
        table = tables()[name]
        result = TableResult()
        existing = [self.path(file) for file in self.files.get(name, [])]
        derived = self._derive(table, result)
        checked = self._checked(table, derived)
        linked = Linked()
        new_items = name == "settlements" and "settlement_items" in self.changed
        if name == "settlements" and (checked is not None or new_items):
            sum_items(self.connection, [self.path(file) for file in self.files.get("settlement_items", [])])
        if checked is not None:
            relation, cells = checked
            survey_rows(self.connection, relation)
            self._account(table, result, cells, max_bad_share)
            progress(Step("loaders.link"))
            target = self._new_file(name)
            warnings = SUM_WARNING if name == "settlements" else "t._warnings"
            linked = link_rows(self.connection, relation, existing, self.scratch / target, warnings)
        else:
            self.connection.execute(
                f"CREATE OR REPLACE TEMP TABLE surveyed AS SELECT 0::INTEGER AS _source, 0::BIGINT AS _row,"
                f" NULL::VARCHAR AS {SKIP}, 0::UBIGINT AS k, NULL::VARCHAR AS {PROBLEMS} WHERE false"
            )
        if derived:
            authoritative = [source.number for source in self.known if source.table == name]
            link_derived(self.connection, table, existing, authoritative, self.scratch / self._new_file(name), linked)
        if name == "settlement_items" and existing and self._refunds_exist():
            turn_stored_items(self.connection, existing, self.scratch / self._new_file(name), linked)
        if new_items and existing:
            refresh_sums(self.connection, existing, self.scratch / self._new_file(name), linked)
        result.outcomes.update(linked.outcomes)
        result.derived.update(linked.derived)
        result.removed = linked.removed
        result.changed = bool(linked.parts or linked.outdated)
        if result.changed:
            self.changed.add(name)
        for part in linked.parts:
            self._count_warnings(part, result)
        self._replace_files(table, linked)
        return result

    def path(self, file: str) -> Path:
        """Where a data file stands now: in the scratch folder if this load wrote it."""
        staged = self.scratch / file
        return staged if staged.is_file() else self.workspace / file

    # -- check -------------------------------------------------------------------------------------------------------

    def _cells(self, table: Table, extracts: Sequence[Extract]) -> tuple[str, list[str]]:
        """Relation of the extracts' rows as text, with `_source`, `_row`, `_skip`; and the contract columns in it."""
        parts = [
            f"(WITH landing AS NOT MATERIALIZED (SELECT * FROM delivery.{identifier(extract.role)})"
            f" SELECT * FROM ({extract.sql}))"
            for extract in extracts
        ]
        union = " UNION ALL BY NAME ".join(parts)
        found = {row[0] for row in self.connection.execute(f"DESCRIBE {union}").fetchall()}
        present = [column.name for column in table.columns if column.name in found]
        for column in table.required:
            if column.name not in found:
                role = next(source for source in self.delivered if source.role == extracts[0].role)
                raise RingTraceError.of(
                    "loaders.missing_column",
                    file=role.name,
                    columns=column.name,
                    table=table.name,
                    headers=", ".join(role.headers),
                )
        cells = ", ".join(f"CAST({name} AS VARCHAR) AS {name}" for name in present)
        skip = f"CAST({SKIP} AS VARCHAR)" if SKIP in found else "CAST(NULL AS VARCHAR)"
        numbers = "CAST(_source AS INTEGER) AS _source, CAST(_row AS BIGINT) AS _row"
        return f"SELECT {cells}, {numbers}, {skip} AS {SKIP} FROM ({union})", present

    def _checked(self, table: Table, derived: bool) -> tuple[Checked, str] | None:
        extracts = self.plan.of(table.name, primary=True)
        if not extracts:
            return None
        cells, present = self._cells(table, extracts)
        relation = typed_sql(
            table,
            f"({cells})",
            present,
            codes=self.mapping.codes,
            extra=_EXTRA,
            refunded=self._refunded(table, present),
        )
        if derived:
            columns = ", ".join(
                f"p.{c.name}" if c.name in table.key else f"coalesce(p.{c.name}, d.{c.name}) AS {c.name}"
                for c in table.columns
            )
            on = " AND ".join(f"p.{name} = d.{name}" for name in table.key)
            rest = ", ".join(f"p.{name}" for name in (*_EXTRA, "_warnings", PROBLEMS))
            relation = f"SELECT {columns}, {rest} FROM ({relation}) p LEFT JOIN derived d ON {on}"
        return Checked(table, relation, self.delivered), cells

    def _refunded(self, table: Table, present: Sequence[str]) -> str | None:
        """SQL over the raw columns: the row belongs to a refund; None where no row does."""
        if table.name == "settlements" and "refd_setl_flag" in present:
            return "refd_setl_flag$ = '1'"
        if table.name == "settlement_items" and self._refunds_exist():
            return REFUNDED_ITEM
        return None

    def _refunds_exist(self) -> bool:
        settlements = tables()["settlements"]
        extracts = self.plan.of("settlements", primary=True)
        delivered = None
        if extracts:
            cells, present = self._cells(settlements, extracts)
            if "refd_setl_flag" in present:
                delivered = typed_sql(settlements, f"({cells})", present, codes=self.mapping.codes, extra=_EXTRA)
        return find_refunds(self.connection, delivered)

    def _derive(self, table: Table, result: TableResult) -> bool:
        """Table `derived`: one row a key, each column with its last value in the order of the delivery."""
        extracts = self.plan.of(table.name, primary=False)
        if not extracts:
            return False
        if table.ordinal:
            raise ValueError(f"{table.name} has no key by which derived rows could be told apart")
        cells, present = self._cells(table, extracts)
        typed = typed_sql(table, f"({cells})", present, codes=self.mapping.codes, extra=_EXTRA, lenient=True)
        order = Checked(table, typed, self.delivered)
        place = f"{order.position} * {_NO_FILE_HAS_MORE_ROWS} + _row"
        values = ", ".join(
            f"arg_max({name}, _place) AS {name}"
            for name in (*(c.name for c in table.columns if c.name not in table.key), "_source", "_row", "_warnings")
        )
        self.connection.execute(f"CREATE OR REPLACE TEMP TABLE lenient AS SELECT *, {place} AS _place FROM ({typed})")
        self.connection.execute(
            f"CREATE OR REPLACE TEMP TABLE derived AS SELECT {order.keys}, {values} FROM lenient"
            f" WHERE {PROBLEMS} IS NULL AND {SKIP} IS NULL GROUP BY {order.keys}"
        )
        result.derived["quarantined"] = self._number(f"SELECT count(*) FROM lenient WHERE {PROBLEMS} IS NOT NULL")
        self.connection.execute("DROP TABLE lenient")
        return True

    def _account(self, table: Table, result: TableResult, cells: str, max_bad_share: float) -> None:
        """Count what was left out and what is bad, and set the bad rows aside."""
        sources = [source for source in self.delivered if source.table == table.name]
        check_share(self.connection, table.name, sources, max_bad_share, self.workspace, cells)
        for source, reason, rows in self.connection.execute(
            f"SELECT _source, {SKIP}, count(*) FROM surveyed WHERE {SKIP} IS NOT NULL GROUP BY ALL"
        ).fetchall():
            result.left_out[source, reason] = rows
        result.problems.update(
            dict(
                self.connection.execute(
                    f"SELECT unnest(string_split({PROBLEMS}, '|')) AS mark, count(*) FROM surveyed"
                    f" WHERE {PROBLEMS} IS NOT NULL GROUP BY mark"
                ).fetchall()
            )
        )
        broken = {
            row[0]
            for row in self.connection.execute(
                f"SELECT DISTINCT _source FROM surveyed WHERE {PROBLEMS} IS NOT NULL"
            ).fetchall()
        }
        (self.scratch / "quarantine").mkdir(exist_ok=True)
        for source in sources:
            result.problems.update(f":{bad.code}" for bad in source.bad_rows(self.workspace))
            if source.number in broken or source.bad:
                file = f"quarantine/{source.number:06d}-{uuid4().hex[:12]}.parquet"
                checked = cells if source.number in broken else None
                rows = write_quarantine(self.connection, self.workspace, source, checked, self.scratch / file)
                result.quarantined[source.number] = rows
                result.quarantine.append(file)

    # -- link and write ----------------------------------------------------------------------------------------------

    def _replace_files(self, table: Table, linked: Linked) -> None:
        """Bring the table's list of files up to date; only files with rows that no longer stand are written anew."""
        by_path = {str(self.path(file)): file for file in self.files.get(table.name, [])}
        current = []
        for path, file in by_path.items():
            rows = linked.outdated.get(path)
            if rows is None:
                current.append(file)
                continue
            self.connection.execute("CREATE OR REPLACE TEMP TABLE outdated AS SELECT unnest(?::BIGINT[]) AS n", [rows])
            target = self._new_file(table.name)
            columns = ", ".join(table.sql_columns)
            copied = self.connection.execute(
                f"COPY (SELECT {columns} FROM ({stored_rows(table, [Path(path)], places=True)})"
                f" WHERE file_row_number NOT IN (SELECT n FROM outdated)) TO {literal(str(self.scratch / target))}"
                f" {PART_OPTIONS}"
            ).fetchone()
            if copied is not None and copied[0]:
                current.append(target)
        current += [part.relative_to(self.scratch).as_posix() for part in linked.parts]
        self.files[table.name] = current

    def _count_warnings(self, part: Path, result: TableResult) -> None:
        counted = self.connection.execute(
            f"SELECT unnest(string_split(_warnings, '|')) AS mark, count(*) FROM read_parquet({literal(str(part))})"
            " WHERE _warnings IS NOT NULL GROUP BY mark"
        ).fetchall()
        for mark, rows in counted:
            result.warnings[mark] += rows

    def _new_file(self, name: str) -> str:
        folder = self.scratch / "tables" / name
        folder.mkdir(parents=True, exist_ok=True)
        return f"tables/{name}/{uuid4().hex[:16]}.parquet"

    # -- report ------------------------------------------------------------------------------------------------------

    def report(self, name: str, result: TableResult) -> TableReport:
        """The table's state after the load, with the references that lead nowhere."""
        table = tables()[name]
        rows = self._number(f"SELECT count(*) FROM {self._relation(name)}") if self.files.get(name) else 0
        stubs = {}
        for column in table.columns:
            if column.references is not None and rows:
                key = tables()[column.references].key[0]
                unknown = self._number(
                    f"SELECT count(DISTINCT {column.name}) FROM {self._relation(name)} WHERE {column.name} IS NOT NULL"
                    f" AND {column.name} NOT IN (SELECT {key} FROM {self._relation(column.references)})"
                )
                if unknown:
                    stubs[column.name] = unknown
        return TableReport(
            table=name,
            rows=rows,
            derived=dict(result.derived),
            removed=result.removed,
            problems=dict(result.problems),
            warnings=dict(result.warnings),
            stubs=stubs,
        )

    def _relation(self, name: str) -> str:
        return f"({stored_rows(tables()[name], [self.path(file) for file in self.files.get(name, [])])})"

    def _number(self, query: str) -> int:
        found = self.connection.execute(query).fetchone()
        assert found is not None
        return int(found[0])
