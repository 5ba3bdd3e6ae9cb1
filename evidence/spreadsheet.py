"""CSV that opens in a spreadsheet as it was meant: no cell runs as a formula, no code turns into a number.

A cell that a spreadsheet would take for a formula, or for a number or date that it is not, is written with one
apostrophe before it. A cell that begins with an apostrophe gets one too, so the rule can be undone without loss:
`restore` takes one leading apostrophe off. Files are UTF-8 with a byte-order mark, since Excel takes them for the
system's code page otherwise.
"""

from __future__ import annotations

import csv
import io
import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from datetime import date, datetime
from decimal import Decimal
from pathlib import Path
from typing import Any, Final, TextIO

_FORMULA: Final = ("=", "+", "-", "@", "\t", "\r", "\n", "'", "＝", "＋", "－", "＠")  # full-width forms run too
_NUMBER_OF_ITS_OWN: Final = re.compile(r"-?[0-9]{1,11}(\.[0-9]+)?")
_TAKEN_FOR_A_NUMBER: Final = re.compile(r"\s*[(（]?[\d０-９.,:/\\ -]*\d[\d０-９.,:/\\ %-]*([eE][+-]?\d+)?[)）]?\s*")
_LEADING_ZERO: Final = re.compile(r"-?0\d")


def cell(value: Any) -> str:
    """`value` as the text of one CSV cell; numbers and times stay what they are, text stays text."""
    if value is None:
        return ""
    if isinstance(value, bool):
        return "1" if value else "0"
    if isinstance(value, (int, float, Decimal)):
        return str(value)
    if isinstance(value, datetime):
        return value.isoformat(sep=" ")
    if isinstance(value, date):
        return value.isoformat()
    # NUL ends the text of a cell for many readers; it has no other meaning in a table.
    text = str(value).replace("\x00", "\ufffd")
    return f"'{text}" if _changes(text) else text


def _changes(text: str) -> bool:
    """Whether a spreadsheet would run `text`, or show it as something else."""
    if _NUMBER_OF_ITS_OWN.fullmatch(text) and not _LEADING_ZERO.match(text):
        return False
    return text.lstrip(" \u00a0\ufeff").startswith(_FORMULA) or _TAKEN_FOR_A_NUMBER.fullmatch(text) is not None


def restore(text: str) -> str:
    """The text that `cell` was given."""
    return text[1:] if text.startswith("'") else text


def write_csv(path: Path, columns: Sequence[str], rows: Iterable[Mapping[str, Any]]) -> int:
    """Write `rows` (column → value; absent columns are empty) and return their number."""
    with path.open("w", encoding="utf-8-sig", errors="replace", newline="") as stream:
        return _write(stream, columns, ([row.get(column) for column in columns] for row in rows))


def csv_text(columns: Sequence[str], rows: Iterable[Sequence[Any]]) -> str:
    """The same as text, without the byte-order mark."""
    stream = io.StringIO(newline="")
    _write(stream, columns, rows)
    return stream.getvalue()


def _write(stream: TextIO, columns: Sequence[str], rows: Iterable[Sequence[Any]]) -> int:
    # RFC 4180 line ends, and quotes wherever a cell holds a line end of its own.
    writer = csv.writer(stream, lineterminator="\r\n")
    writer.writerow([cell(column) for column in columns])
    number = 0
    for row in rows:
        writer.writerow([cell(value) for value in row])
        number += 1
    return number


def read_csv(path: Path) -> Iterator[dict[str, str]]:
    """The rows of a file of `write_csv`, each cell as the text it was."""
    csv.field_size_limit(2**31 - 1)
    with path.open(encoding="utf-8-sig", newline="") as stream:
        for row in csv.DictReader(stream):
            yield {restore(column): restore(value or "") for column, value in row.items() if column is not None}
