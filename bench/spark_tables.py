"""A Spark session that answers as a DuckDB connection does, so that the detectors' own code can run on it.

Statements are put from DuckDB's dialect into Spark's by sqlglot, which leaves over what is rewritten in `portable`.
Temporary tables become checkpointed views; DELETE and INSERT make the view anew.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import duckdb
import numpy.typing as npt
import pyarrow as pa
import sqlglot
from pyspark.sql import DataFrame, SparkSession
from pyspark.sql.pandas.types import from_arrow_schema
from rapidfuzz.distance import OSA
from sqlglot import exp
from sqlglot.tokens import TokenType

from ringtrace.data_schema import tables as contract
from ringtrace.workspace import Workspace

Values = Mapping[str, Any] | Sequence[Any] | None


class Rows:
    """The result of a statement, read as DuckDB's is."""

    def __init__(self, frame: DataFrame | None) -> None:
        self.frame = frame

    @property
    def description(self) -> list[tuple[str]]:
        return [(name,) for name in self.frame.columns] if self.frame is not None else []

    def fetchall(self) -> list[tuple[Any, ...]]:
        return [tuple(row) for row in self.frame.collect()] if self.frame is not None else []

    def fetchone(self) -> tuple[Any, ...] | None:
        return next(iter(self.fetchall()), None)

    def fetchnumpy(self) -> dict[str, npt.NDArray[Any]]:
        found = self.frame.toArrow() if self.frame is not None else pa.table({})
        return {name: found[name].to_numpy() for name in found.column_names}


class SparkTables:
    """The contract's tables of a workspace on a Spark session, and the statements that were run on them."""

    def __init__(self, session: SparkSession, workspace: Workspace, beside: duckdb.DuckDBPyConnection) -> None:
        self.session = session
        self.statements = 0

        def edits(one: str, other: str) -> int:
            return int(OSA.distance(one, other))

        # A function of its own, since Spark's workers cannot import this module.
        session.udf.register("damerau_levenshtein", edits, "int")
        files = workspace.manifest()["tables"]
        for name in contract():
            paths = [str(workspace.path / file) for file in files.get(name, [])]
            if paths:
                frame = session.read.parquet(*paths)
            else:
                empty = beside.sql(f"FROM {name} LIMIT 0").to_arrow_table().schema
                frame = session.createDataFrame([], from_arrow_schema(empty))
            frame.createOrReplaceTempView(name)

    def register(self, name: str, table: pa.Table) -> None:
        self.session.createDataFrame(table).createOrReplaceTempView(name)

    def unregister(self, name: str) -> None:
        self.session.catalog.dropTempView(name)

    def execute(self, sql: str, values: Values = None) -> Rows:
        """Run what `sql`, in DuckDB's dialect, says; the rows of its last statement."""
        result = None
        for statement in sqlglot.parse(numbered(sql), read="duckdb"):
            if statement is not None:
                result = self._run(portable(bound(statement, values)))
                self.statements += 1
        return Rows(result)

    def _run(self, statement: exp.Expression) -> DataFrame | None:
        if isinstance(statement, exp.Drop):
            for table in statement.find_all(exp.Table):
                self.session.catalog.dropTempView(table.name)
            return None
        if isinstance(statement, exp.Create):
            return self._create(statement)
        if isinstance(statement, exp.Insert):
            name = statement.this.name
            return self._keep(name, self.session.table(name).union(self._query(statement.expression)))
        if isinstance(statement, exp.Delete):
            name = statement.this.name
            rest = exp.select("*").from_(name).where(exp.not_(statement.args["where"].this))
            return self._keep(name, self._query(rest))
        return self._query(statement)

    def _create(self, statement: exp.Create) -> DataFrame | None:
        if isinstance(statement.this, exp.Schema):
            columns = ", ".join(column.sql("spark") for column in statement.this.expressions)
            return self._keep(statement.this.this.name, self.session.createDataFrame([], columns))
        if statement.args.get("exists") and self.session.catalog.tableExists(statement.this.name):
            return None
        return self._keep(statement.this.name, self._query(statement.expression))

    def _query(self, query: exp.Expression) -> DataFrame:
        return self.session.sql(query.sql("spark"))

    def _keep(self, name: str, frame: DataFrame) -> DataFrame:
        kept = frame.localCheckpoint()
        kept.createOrReplaceTempView(name)
        return kept


def numbered(sql: str) -> str:
    """`sql` with each `?` named by its place in the text, which a parsed statement no longer has."""
    # sqlglot reads `?::` as one sign.
    marks = [
        token
        for token in sqlglot.tokenize(sql, read="duckdb")
        if token.token_type == TokenType.PLACEHOLDER or token.text == "?::"
    ]
    for number, mark in reversed(list(enumerate(marks))):
        sql = f"{sql[: mark.start]}$_{number}{sql[mark.start + 1 :]}"
    return sql


def bound(statement: exp.Expression, values: Values) -> exp.Expression:
    """The statement with its parameters' values written into it: Spark's views do not keep parameters."""
    named = values if isinstance(values, Mapping) else {f"_{number}": each for number, each in enumerate(values or ())}
    for mark in list(statement.find_all(exp.Placeholder, exp.Parameter)):
        mark.replace(exp.convert(named[mark.name]))
    return statement


def portable(statement: exp.Expression) -> exp.Expression:
    """The statement with what sqlglot leaves as DuckDB has it said in a way that Spark reads."""
    # From the leaves up: what is replaced may hold more of the kind.
    for node in reversed(list(statement.bfs())):
        said = _portable(node)
        if said is not node:
            node.replace(said)
    for select in list(statement.find_all(exp.Select)):
        _unnest_beside(select)
    return statement


def _portable(node: exp.Expression) -> exp.Expression:
    match node:
        case exp.Anonymous() if node.name.lower() == "hash":
            # Spark's `hash` has 32 bits.
            return exp.func("xxhash64", *node.expressions)
        case exp.Anonymous() if node.name.lower() == "to_minutes":
            return exp.func("make_dt_interval", exp.Literal.number(0), exp.Literal.number(0), *node.expressions)
        case exp.Literal() if not node.is_string and not node.is_int:
            # As in DuckDB's divisions; Spark would go on in decimals.
            return exp.cast(node.copy(), "double")
        case exp.Window() if node.arg_key != "windows":
            window = node.copy()
            counted = window.this.this if isinstance(window.this, exp.Count) else None
            if isinstance(counted, exp.Distinct):
                window.set("this", exp.func("collect_set", *counted.expressions))
                return exp.func("size", window)
            # Spark reads `OVER shop - bare` as the window `shop-bare`.
            return exp.Paren(this=window)
        # DuckDB counts midnights and new years between the two, Spark whole days and years.
        case exp.DateDiff() if node.text("unit").upper() == "DAY":
            return exp.func("datediff", exp.cast(node.this, "date"), exp.cast(node.expression, "date"))
        case exp.DateDiff() if node.text("unit").upper() == "YEAR":
            return exp.Paren(this=exp.Sub(this=exp.Year(this=node.this), expression=exp.Year(this=node.expression)))
        case exp.PercentileCont() if node.expression is not None:
            return exp.func("percentile", node.this, node.expression)
        case exp.Sub() if all(isinstance(side, exp.Cast) and side.to.this == exp.DataType.Type.DATE
                              for side in (node.this, node.expression)):  # fmt: skip
            return exp.func("datediff", node.this, node.expression)
        case exp.In() if isinstance(node.args.get("field"), exp.Array):
            return exp.In(this=node.this, expressions=node.args["field"].expressions)
        case exp.In() if (query := node.args.get("query")) is not None:
            select = query.this
            if isinstance(select, exp.Select) and isinstance(select.expressions[0], exp.Tuple):
                select.set("expressions", select.expressions[0].expressions)
    return node


def _unnest_beside(select: exp.Select) -> None:
    """Turn `SELECT f(unnest(a)), unnest(b)` into a LATERAL VIEW of both: Spark allows a generator only alone."""
    marks = [
        mark
        for column in select.expressions
        for mark in column.find_all(exp.Explode, exp.Unnest)
        if mark.find_ancestor(exp.Select) is select
    ]
    if not marks:
        return
    lists = []
    for number, mark in enumerate(marks):
        lists.append(mark.this if isinstance(mark, exp.Explode) else mark.expressions[0])
        mark.replace(exp.column(f"c{number}", table="unnested"))
    if not select.args.get("from_") and not select.args.get("from"):
        select.from_("(SELECT 1)", copy=False, dialect="spark")
    view = exp.Lateral(
        this=exp.func("inline", exp.func("arrays_zip", *(each.copy() for each in lists))),
        view=True,
        alias=exp.TableAlias(
            this=exp.to_identifier("unnested"), columns=[exp.to_identifier(f"c{n}") for n in range(len(lists))]
        ),
    )
    select.append("laterals", view)
