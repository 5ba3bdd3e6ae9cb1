"""SELECT texts that presets share: chosen columns of source groups in lower case, blanks and written nulls as NULL."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from ringtrace.loaders.preset import SourceGroup

JOINED = "joined"
"""`_skip` reason of a row whose fields went into the rows of another file, and that has no row of its own."""

VOIDED = "voided"
"""`_skip` reason of a row that the source itself declares void."""


def rows(groups: Sequence[SourceGroup], columns: Iterable[str]) -> str:
    """The rows of several groups as one relation with `_source`, `_row` and `columns`; what no file has is NULL.

    A column that decides something (a join, a flag, a COALESCE) must not take a blank or the word NULL for a value, so
    both become NULL here. Without a group the relation has its columns and no row.
    """
    names = tuple(dict.fromkeys(columns))
    if not groups:
        absent = ", ".join(f"CAST(NULL AS VARCHAR) AS {name}" for name in names)
        return f"SELECT CAST(NULL AS INTEGER) AS _source, CAST(NULL AS BIGINT) AS _row, {absent} WHERE false"
    return " UNION ALL ".join(
        f"SELECT _source, _row, {', '.join(f'{_value(group, name)} AS {name}' for name in names)} "
        f"FROM {relation(group)}"
        for group in groups
    )


def relation(group: SourceGroup) -> str:
    """The name under which the loader offers a group's rows."""
    return 'delivery."' + group.role.replace('"', '""') + '"'


def _value(group: SourceGroup, name: str) -> str:
    column = group.column(name)
    if name.casefold() not in group.headers:
        return column
    return rf"CASE WHEN trim({column}) NOT IN ('', 'null', 'NULL', 'Null', '\N') THEN trim({column}) END"


def latest(column: str, name: str | None = None) -> str:
    """Aggregate: the newest value by `_latest` of a column, where there is one, as `name`."""
    return f"arg_max({column}, _latest) FILTER (WHERE {column} IS NOT NULL) AS {name or column}"


def recency(time: str) -> str:
    """SQL text that sorts by a time (as text, year first) and, where that ties, by place in the delivery.

    Without the second part a tie would be broken by the order in which threads finish.
    """
    place = "lpad(CAST(_source AS VARCHAR), 6, '0'), lpad(CAST(_row AS VARCHAR), 12, '0')"
    return f"concat(coalesce({time}, ''), '|', {place})"
