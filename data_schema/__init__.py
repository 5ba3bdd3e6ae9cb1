"""What exists: the tables, the graph and the findings, declared once in the YAML files of this folder.

Loader checks, the generated `docs/data.md`, masks, the graph's DDL and the app's labels all read these declarations.
A declaration checks itself when it is read, so a slip in a YAML file is an error at once and not a wrong result later.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from functools import cache
from importlib import resources
from typing import Any, Final, Literal, get_args

from ringtrace.texts import Language, read_yaml

ColumnType = Literal["code", "text", "date", "timestamp", "money", "count", "number"]
Sensitivity = Literal["none", "identifier", "name", "contact", "quasi", "health"]

SQL_TYPES: Final[dict[ColumnType, str]] = {
    "code": "VARCHAR",  # codes are text: leading zeros and 20-digit trace codes never pass through a number
    "text": "VARCHAR",
    "date": "DATE",
    "timestamp": "TIMESTAMP",
    "money": "DECIMAL(18,2)",
    "count": "DECIMAL(18,4)",
    "number": "DOUBLE",
}

LINEAGE: Final[dict[str, str]] = {
    "_source": "INTEGER",  # number of the source file within the workspace
    "_row": "BIGINT",  # row of that file, the first data row being 1
    "_warnings": "VARCHAR",  # codes of the warnings kept with the row, `|` between several; NULL if none
}
"""Columns that every canonical table carries beside its own, with their SQL types."""

ORDINAL: Final = "_ordinal"
"""Column that tells equal keys of one delivery apart, in tables declared `ordinal: true`."""


@dataclass(frozen=True, slots=True)
class Column:
    """One column of a table.

    `codes` maps each allowed value to its meaning by language; with `open_codes` other values load too, with a warning.
    `references` names the table whose key the value is; an unknown value is kept, as a stub, and counted.
    """

    name: str
    type: ColumnType
    zh: str
    en: str
    required: bool = False
    codes: dict[str, dict[Language, str]] = field(default_factory=dict)
    open_codes: bool = False
    references: str | None = None
    rule: Literal["id_number"] | None = None
    minimum: float | None = None
    maximum: float | None = None
    not_before: str | None = None
    unit: str | None = None
    sensitivity: Sensitivity = "none"

    def __post_init__(self) -> None:
        if self.type not in SQL_TYPES:
            raise ValueError(f"{self.name}: type {self.type!r} is not one of {', '.join(SQL_TYPES)}")
        if self.sensitivity not in get_args(Sensitivity):
            raise ValueError(f"{self.name}: sensitivity {self.sensitivity!r} is not one of {get_args(Sensitivity)}")

    @property
    def sql_type(self) -> str:
        return SQL_TYPES[self.type]

    def label(self, language: Language) -> str:
        return self.zh if language == "zh" else self.en


@dataclass(frozen=True, slots=True)
class Table:
    """One input table: its columns in the contract's order, and the key by which a newer delivery replaces rows."""

    name: str
    zh: str
    en: str
    key: tuple[str, ...]
    columns: tuple[Column, ...]
    ordinal: bool = False
    time: str | None = None

    def __post_init__(self) -> None:
        names = [column.name for column in self.columns]
        if len(set(names)) != len(names):
            raise ValueError(f"{self.name}: a column is declared twice")
        for name in (*self.key, *([self.time] if self.time else [])):
            if name not in names:
                raise ValueError(f"{self.name}: key or time column {name!r} is not among its columns")

    def __getitem__(self, column: str) -> Column:
        for each in self.columns:
            if each.name == column:
                return each
        raise KeyError(f"{self.name}.{column}")

    @property
    def required(self) -> tuple[Column, ...]:
        return tuple(column for column in self.columns if column.required)

    @property
    def sql_columns(self) -> dict[str, str]:
        """Name → SQL type of every column of the canonical table, lineage included, in stored order."""
        own = {column.name: column.sql_type for column in self.columns}
        return own | ({ORDINAL: "INTEGER"} if self.ordinal else {}) | LINEAGE

    def key_sql(self, alias: str | None = None) -> str:
        """SQL text expression for the key as findings cite it: the key's values joined by `|`.

        `|` never occurs in a single-column key as delivered; in a joined key a NULL part is an empty string.
        """
        prefix = f"{alias}." if alias else ""
        parts = [*self.key, *([ORDINAL] if self.ordinal else [])]
        if len(parts) == 1:
            return f"{prefix}{parts[0]}"
        return " || '|' || ".join(f"coalesce(CAST({prefix}{part} AS VARCHAR), '')" for part in parts)

    def label(self, language: Language) -> str:
        return self.zh if language == "zh" else self.en


TABLE_NAMES: Final = (
    "persons", "cards", "institutions", "practitioners", "drugs",
    "settlements", "settlement_items", "inventory", "tips",
)  # fmt: skip


def _read(path: str) -> dict[str, Any]:
    declared: dict[str, Any] = read_yaml(resources.files(__package__).joinpath(path).read_text("utf-8"))
    return declared


@cache
def tables() -> dict[str, Table]:
    """The input tables by name, in the order of the contract.

    Raises
    ------
    ValueError
        If a declaration contradicts itself or names a table that does not exist.
    """
    declared: dict[str, Table] = {}
    for name in TABLE_NAMES:
        raw = _read(f"tables/{name}.yaml")
        if raw.pop("table") != name:
            raise ValueError(f"data_schema/tables/{name}.yaml must say `table: {name}`")
        columns = tuple(Column(**column) for column in raw.pop("columns"))
        declared[name] = Table(name=name, columns=columns, key=tuple(raw.pop("key")), **raw)
    for table in declared.values():
        for column in table.columns:
            if column.references is not None and column.references not in declared:
                raise ValueError(f"{table.name}.{column.name} references {column.references!r}, which is no table")
    return declared
