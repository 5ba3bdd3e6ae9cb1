"""Lists of findings as files: JSON lines as in the contract, and CSV and XLSX for a spreadsheet."""

from __future__ import annotations

import io
import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

from openpyxl import Workbook
from openpyxl.cell import WriteOnlyCell
from openpyxl.utils.exceptions import IllegalCharacterError

from ringtrace.errors import RingTraceError
from ringtrace.evidence.shown import role_name, term, xml_text
from ringtrace.evidence.spreadsheet import csv_text
from ringtrace.findings import Finding
from ringtrace.texts import Language, text
from ringtrace.workspace import write_atomic

Form = Literal["jsonl", "csv", "xlsx"]
_COLUMNS = (
    "finding_id", "kind", "level", "score", "title", "summary", "amount", "first_time", "last_time", "members",
    "reasons", "counter_evidence", "rows",
)  # fmt: skip
_LONGEST_CELL = 32_000  # Excel refuses a file with more than 32,767 characters in a cell


@dataclass(frozen=True, slots=True)
class Listing:
    """A list to be written: its name, the columns and rows that people read, and the objects of its JSON lines."""

    name: str
    headers: Sequence[str]
    rows: Iterable[Sequence[Any]]
    objects: Iterable[Mapping[str, Any]]

    def text(self, form: str) -> str:
        """The list as text in the form `jsonl` or `csv`."""
        if form == "jsonl":
            return "".join(json_line(each) for each in self.objects)
        if form == "csv":
            return csv_text(self.headers, self.rows)
        raise ValueError(f"form {form!r} is not text; jsonl and csv are")

    def write(self, path: str | Path, form: str) -> None:
        """Write the list to `path` in the form `jsonl`, `csv` (with byte-order mark) or `xlsx`, whole or not at all.

        Raises
        ------
        RingTraceError
            If the file cannot be written.
        """
        if form == "xlsx":
            content = workbook(self.name, self.headers, self.rows)
        else:
            mark = "\ufeff" if form == "csv" else ""
            content = (mark + self.text(form)).encode("utf-8", errors="replace")
        write_file(Path(path), content)


def findings_text(findings: Iterable[Finding], form: str, language: Language) -> str:
    """The findings as text in the form `jsonl` or `csv`."""
    return _listing(findings, language).text(form)


def write_findings(findings: Sequence[Finding], path: str | Path, form: str, language: Language) -> None:
    """Write the findings to `path` in the form `jsonl`, `csv` or `xlsx`, as `Listing.write` does."""
    _listing(findings, language).write(path, form)


def _listing(findings: Iterable[Finding], language: Language) -> Listing:
    kept = tuple(findings)
    objects = (finding.to_contract(language) for finding in kept)
    return Listing("findings", _headers(language), _rows(kept, language), objects)


def write_file(target: Path, content: bytes) -> None:
    """Write `content` to `target`, whole or not at all.

    Raises
    ------
    RingTraceError
        If the file cannot be written.
    """
    try:
        write_atomic(target, content)
    except OSError as problem:
        raise RingTraceError.of("evidence.table.disk", path=target, reason=problem.strerror or problem) from problem


def json_line(content: Mapping[str, Any]) -> str:
    """One line for every reader, also for those that end a line at U+0085, U+2028 or U+2029."""
    dumped = json.dumps(dict(content), ensure_ascii=False)
    for character in "\u0085\u2028\u2029":
        dumped = dumped.replace(character, f"\\u{ord(character):04x}")
    return dumped + "\n"


def _headers(language: Language) -> list[str]:
    return [text(f"evidence.table.{column}", language) for column in _COLUMNS]


def _rows(findings: Iterable[Finding], language: Language) -> Iterable[list[Any]]:
    for finding in findings:
        yield [
            finding.finding_id,
            term("kind", finding.kind, language),
            term("level", finding.level, language),
            round(finding.score, 4),
            finding.title.render(language),
            finding.summary.render(language),
            finding.amount,
            finding.first_time,
            finding.last_time,
            "\n".join(f"{role_name(each.role, language)}: {each.label} {each.id}" for each in finding.members),
            "\n".join(each.message.render(language) for each in finding.reasons),
            "\n".join(
                f"{each.message.render(language)} [{term('outcome', each.outcome, language)}]"
                for each in finding.counter_evidence
            ),
            len(finding.evidence),
        ]


def workbook(name: str, headers: Sequence[str], rows: Iterable[Sequence[Any]]) -> bytes:
    """An XLSX file with one sheet `name`; every text stays text, whatever it begins with."""
    book = Workbook(write_only=True)
    sheet = book.create_sheet(name)
    sheet.freeze_panes = "A2"
    for row in (headers, *rows):
        sheet.append([_text_cell(sheet, value) if isinstance(value, str) else value for value in row])
    stream = io.BytesIO()
    book.save(stream)
    return stream.getvalue()


def _text_cell(sheet: Any, value: str) -> Any:
    """A cell that is text whatever it begins with: no formula, no number."""
    shortened = value if len(value) <= _LONGEST_CELL else f"{value[:_LONGEST_CELL]}… ({len(value):,})"
    try:
        cell = WriteOnlyCell(sheet, value=shortened)
    except IllegalCharacterError:
        cell = WriteOnlyCell(
            sheet, value="".join(each if each >= " " or each in "\t\n" else "\ufffd" for each in xml_text(shortened))
        )
    cell.data_type = "s"
    cell.number_format = "@"
    return cell
