"""Lists of findings: the contract's JSON lines, and tables that a spreadsheet shows as they are."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from factories.case import PERSONS, case
from openpyxl import load_workbook

from ringtrace.errors import RingTraceError
from ringtrace.evidence.spreadsheet import read_csv
from ringtrace.evidence.tabular import findings_text, write_findings
from ringtrace.texts import LANGUAGES, Language


def test_json_lines_are_the_contract(tmp_path: Path) -> None:
    _, finding = case(tmp_path, names={"person": "a\u2028b\u0085c"})
    lines = findings_text([finding, finding], "jsonl", "zh").splitlines()
    assert [json.loads(line) for line in lines] == [finding.to_contract("zh")] * 2


@pytest.mark.parametrize("language", LANGUAGES)
def test_csv_and_xlsx_say_the_same(tmp_path: Path, language: Language) -> None:
    _, finding = case(tmp_path)
    write_findings([finding], tmp_path / "f.csv", "csv", language)
    write_findings([finding], tmp_path / "f.xlsx", "xlsx", language)
    (row,) = read_csv(tmp_path / "f.csv")
    headers, cells = load_workbook(tmp_path / "f.xlsx")["findings"].iter_rows(values_only=True)
    assert list(row) == list(headers)
    assert (row[str(headers[0])], cells[0]) == (finding.finding_id, finding.finding_id)
    assert (row[str(headers[6])], cells[6]) == ("553.50", 553.5)
    assert PERSONS[0] in row[str(headers[9])]


def test_a_form_that_is_no_text_is_refused(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match="jsonl and csv"):
        findings_text([], "xlsx", "en")
    (tmp_path / "file").write_text("x")
    with pytest.raises(RingTraceError, match="could not be written"):
        write_findings([], tmp_path / "file" / "f.csv", "csv", "en")
