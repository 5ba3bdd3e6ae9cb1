"""No value of the data becomes markup, script, formula or a line of its own, in any file of an export."""

from __future__ import annotations

import csv
import json
import re
import tempfile
import xml.etree.ElementTree as ElementTree
from collections.abc import Sequence
from functools import cache
from html.parser import HTMLParser
from pathlib import Path

import pytest
from factories.case import case
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st
from openpyxl import load_workbook

from ringtrace.evidence import export, tabular, verify
from ringtrace.evidence.picture_page import script_json
from ringtrace.evidence.spreadsheet import cell, read_csv, restore, write_csv
from ringtrace.findings import read_findings

HOSTILE = [
    "<img src=x onerror=alert(1)>",
    "</script><script>alert(1)</script>",
    "<!--<script>",
    "=cmd|' /C calc'!A0",
    "@SUM(1+1)*cmd|' /C calc'!A0",
    "+1+1",
    "-2+3",
    "\t=1+1",
    "\r=1+1",
    "](javascript:alert(1))",
    "\u202egpj.exe\u202c",
    "a\x00b\x01\x1b[31m",
    'line\nbreak\r\n,"quoted"',
    "{{7*7}} ${7*7} {0} {name} %s $content",
    "' onmouseover='alert(1)",
    "长" * 10_000,
    "\ufeff=1",
    "<a href='https://example.com'>x</a>",
]

NAMES = ("person", "pharmacy", "drug", "file", "said")


class Elements(HTMLParser):
    """Collects every tag with its attributes, as a browser would see them."""

    def __init__(self) -> None:
        super().__init__()
        self.found: list[tuple[str, tuple[tuple[str, str | None], ...]]] = []

    def handle_starttag(self, tag: str, attributes: list[tuple[str, str | None]]) -> None:
        self.found.append((tag, tuple(attributes)))


def elements(page: str) -> list[tuple[str, tuple[tuple[str, str | None], ...]]]:
    parser = Elements()
    parser.feed(page)
    return parser.found


@cache
def harmless(masked: bool) -> dict[str, list[tuple[str, tuple[tuple[str, str | None], ...]]]]:
    """The elements of each page when no value is hostile: the only ones that may be there."""
    with tempfile.TemporaryDirectory() as folder:
        workspace, finding = case(Path(folder), names=dict.fromkeys(NAMES, "x"))
        data = Path(folder) / "out" / "data"
        export(workspace, [finding.finding_id], data.parent, masked=masked, language="zh")
        return {name: elements((data / name).read_text("utf-8")) for name in ("report.html", "graph.html")}


def check(values: Sequence[str]) -> None:
    """Export a case whose names, files and sentences are `values`, plain and masked, and look into every file."""
    with tempfile.TemporaryDirectory() as folder:
        root = Path(folder)
        hostile, finding = case(root, names=dict(zip(NAMES, values, strict=True)))
        for masked in (False, True):
            export(hostile, [finding.finding_id], root / str(masked), masked=masked, language="zh")
            theirs = root / str(masked) / "data"
            assert verify(theirs.parent).ok
            for page, tags in harmless(masked).items():
                assert elements((theirs / page).read_text("utf-8")) == tags
            content = re.search(r'id="content">(.*?)</script>', (theirs / "graph.html").read_text("utf-8"), re.DOTALL)
            assert content is not None
            json.loads(content.group(1))
            ElementTree.fromstring((theirs / "subgraph.graphml").read_bytes())
            for table in ("nodes.csv", "edges.csv", "source_records.csv"):
                with (theirs / table).open(encoding="utf-8-sig", newline="") as stream:
                    rows = list(csv.reader(stream))
                assert {len(row) for row in rows} == {len(rows[0])}
                assert not any(runs(each) for row in rows for each in row)
        tabular.write_findings(read_findings(hostile), root / "findings.xlsx", "xlsx", "zh")
        for row in load_workbook(root / "findings.xlsx")["findings"].iter_rows():
            assert all(each.data_type != "f" for each in row)


def runs(text: str) -> bool:
    """Whether a spreadsheet would run the cell; a plain negative number only is one."""
    return text.lstrip()[:1] in ("=", "+", "-", "@") and re.fullmatch(r"-\d+(\.\d+)?(e-?\d+)?", text) is None


@pytest.mark.parametrize("first", range(0, len(HOSTILE), len(NAMES)))
def test_hostile_values_stay_text(first: int) -> None:
    check([HOSTILE[(first + place) % len(HOSTILE)] for place in range(len(NAMES))])


@settings(max_examples=5, suppress_health_check=[HealthCheck.too_slow])
@given(st.tuples(*[st.text(st.characters(exclude_categories=["Cs"]), min_size=1, max_size=60)] * len(NAMES)))
def test_any_text_stays_text(values: tuple[str, ...]) -> None:
    check(values)


@given(st.text())
@example("'=1")
@example("0012")
@example("12345678901234567890")
@example("1E5")
@example("3-4")
def test_a_cell_never_runs_and_gives_its_text_back(text: str) -> None:
    written = cell(text)
    assert not runs(written)
    assert restore(written) == text.replace("\x00", "\ufffd")


@pytest.mark.parametrize(
    "code",
    ["81234567890123456789", "0012", "330106195603070417", "1E5", "3-4", "1/2", "2025-03", "10:30", "１２", "00"],
)
def test_codes_that_a_spreadsheet_would_change_are_text(code: str) -> None:
    assert cell(code) == f"'{code}"


@pytest.mark.parametrize("text", ["12", "-3.50", "0", "P3301", "C-9|1", "康民大药房", "a=b"])
def test_what_no_spreadsheet_changes_stays(text: str) -> None:
    assert cell(text) == text


@given(
    st.lists(st.dictionaries(st.sampled_from(["a", "b"]), st.text(alphabet=st.characters(exclude_categories=["Cs"]))))
)
def test_csv_gives_every_value_back(rows: list[dict[str, str]]) -> None:
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "t.csv"
        assert write_csv(path, ["a", "b"], rows) == len(rows)
        assert path.read_bytes().startswith(b"\xef\xbb\xbf")
        expected = [{name: row.get(name, "").replace("\x00", "\ufffd") for name in ("a", "b")} for row in rows]
        assert list(read_csv(path)) == expected


@given(st.recursive(st.text() | st.integers(), lambda inner: st.lists(inner) | st.dictionaries(st.text(), inner)))
def test_json_in_a_script_cannot_leave_it(content: object) -> None:
    dumped = script_json(content)
    assert not set("<>&\u2028\u2029") & set(dumped)
    dumped.encode("utf-8")
