"""XLSX workbooks: a sheet as rows of text."""

from __future__ import annotations

import warnings
import zlib
from collections.abc import Iterator
from contextlib import closing, contextmanager
from dataclasses import replace
from datetime import date, datetime, time
from typing import Any, Final
from xml.etree.ElementTree import ParseError
from zipfile import BadZipFile

from openpyxl import load_workbook
from openpyxl.utils.exceptions import InvalidFileException

from ringtrace.loaders.csv_text import Record
from ringtrace.loaders.folder import Found, role_of

_EXACT_DIGITS: Final = 10**15
"""From here on a spreadsheet's number no longer holds every digit that was typed."""

# What comes out of openpyxl, the archive or the XML beneath it: a sheet is read piece by piece, so anywhere on the way.
_DAMAGES: Final = (
    BadZipFile, InvalidFileException, ParseError, zlib.error, EOFError, AttributeError, LookupError, RuntimeError,
    TypeError, ValueError,
)  # fmt: skip


class DamagedError(Exception):
    """The file is no workbook, or a part of it is missing."""


def sheets(found: Found) -> list[Found]:
    """The sheets of a workbook as files of their own; a workbook with one sheet keeps the file's name."""
    with _opened(found) as book:
        names = [sheet.title for sheet in book.worksheets if sheet.sheet_state == "visible"]
    if not names:
        raise DamagedError("no visible sheet")
    if len(names) == 1:
        return [replace(found, sheet=names[0])]
    return [replace(found, name=f"{found.name}#{name}", role=role_of(name), sheet=name) for name in names]


def read_header(found: Found) -> tuple[str, ...]:
    """Cells of the first row."""
    with _opened(found) as book:
        for row in book[found.sheet].iter_rows(values_only=True):
            return tuple(_text(cell) for cell in row)
    return ()


def read_rows(found: Found) -> Iterator[Record]:
    """The rows below the header; wholly empty ones are no rows.

    A code that the spreadsheet turned into a number too long for it has lost its last digits: that row is bad.
    """
    with _opened(found) as book:
        rows = book[found.sheet].iter_rows(values_only=True)
        width = len(next(rows, ()))
        for row in rows:
            cells = tuple(_text(cell) for cell in row)
            if not any(cells):
                continue
            lost = any(isinstance(cell, (int, float)) and abs(cell) >= _EXACT_DIGITS for cell in row)
            raw = "\t".join(cells)
            padded = cells[:width] + ("",) * (width - len(cells))
            yield Record(cells=padded, problem="digits_lost" if lost else None, raw=raw)


def _text(cell: object) -> str:
    if cell is None:
        return ""
    if isinstance(cell, datetime):
        return cell.isoformat(sep=" ", timespec="seconds")
    if isinstance(cell, (date, time)):
        return cell.isoformat()
    if isinstance(cell, float) and cell.is_integer():
        return str(int(cell))
    return str(cell)


@contextmanager
def _opened(found: Found) -> Iterator[Any]:
    """The workbook, read-only; what openpyxl raises on a damaged one, or one with a password, is a `DamagedError`."""
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # openpyxl warns of styles and extensions, which no cell needs
            book = load_workbook(found.path, read_only=True, data_only=True)
        with closing(book):
            yield book
    except _DAMAGES as error:
        raise DamagedError(str(error)) from error
