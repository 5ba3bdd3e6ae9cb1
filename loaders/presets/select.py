"""SELECT texts that presets share: chosen columns of source groups in lower case, blanks and written nulls as NULL."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Final

from ringtrace.errors import RingTraceError
from ringtrace.loaders.preset import SourceGroup

JOINED: Final = "joined"
"""`_skip` reason of a row whose fields went into the rows of another file, and that has no row of its own."""

FILE_SPAN: Final = 2**40
"""More rows than any file has: file and row as one number, `_source * FILE_SPAN + _row`."""


def rows(groups: Sequence[SourceGroup], columns: Iterable[str]) -> str:
    """The rows of several groups as one relation with `_source`, `_row` and `columns`; what no file has is NULL.

    A column that decides something (a join, a flag, a COALESCE) must not take a blank or the word NULL for a value, so
    both become NULL here. Without a group the relation has its columns and no row.
    """
    names = tuple(dict.fromkeys(columns))
    if not groups:
        absent = ", ".join(f'CAST(NULL AS VARCHAR) AS "{name}"' for name in names)
        return f"SELECT CAST(NULL AS INTEGER) AS _source, CAST(NULL AS BIGINT) AS _row, {absent} WHERE false"
    return " UNION ALL ".join(
        f"SELECT _source, _row, {', '.join(_value(group, name) for name in names)} FROM {relation(group)}"
        for group in groups
    )


def require(group: SourceGroup, table: str, *needs: tuple[str, ...]) -> None:
    """Make sure that every file of a group has one column of each of `needs`.

    Raises
    ------
    RingTraceError
        If a file has none of them: it names the file, the column, and the headers that are there.
    """
    for file in group.files:
        headers = {header.casefold() for header in file.headers}
        for names in needs:
            if headers.isdisjoint(names):
                raise RingTraceError.of(
                    "loaders.missing_column",
                    file=file.name,
                    columns=names[0],
                    table=table,
                    headers=", ".join(file.headers),
                )


def relation(group: SourceGroup) -> str:
    """The name under which the loader offers a group's rows."""
    return 'delivery."' + group.role.replace('"', '""') + '"'


def _value(group: SourceGroup, name: str) -> str:
    column = group.column(name)
    if name.casefold() not in group.headers:
        return f'{column} AS "{name}"'
    return (
        rf"""CASE WHEN trim({column}) NOT IN ('', 'null', 'NULL', 'Null', '\N') THEN trim({column}) END AS "{name}" """
    )


def newest(key: str, columns: Iterable[str], seen: str) -> str:
    """One row for each `key` with the newest value that each column ever had.

    Parameters
    ----------
    seen:
        SELECT with the key, the columns, `_source`, `_row`, and `_time` as text that sorts by time (year first).

    Equal rows are folded first, so that only what differs is sorted; a tie of times falls to the later place in the
    delivery, since threads would otherwise decide it.
    """
    names = tuple(columns)
    latest = ", ".join(f"arg_max({name}, _latest) FILTER (WHERE {name} IS NOT NULL) AS {name}" for name in names)
    return f"""
    WITH told AS (
      SELECT {key}, {", ".join(names)}, max(_time) AS _time, max(CAST(_source AS BIGINT) * {FILE_SPAN} + _row) AS _place
      FROM ({seen}) WHERE {key} IS NOT NULL GROUP BY ALL
    ),
    dated AS (SELECT *, concat(coalesce(_time, ''), '|', lpad(CAST(_place AS VARCHAR), 20, '0')) AS _latest FROM told)
    SELECT {key}, {latest}, CAST(max(_place) // {FILE_SPAN} AS INTEGER) AS _source, max(_place) % {FILE_SPAN} AS _row
    FROM dated GROUP BY {key}"""
