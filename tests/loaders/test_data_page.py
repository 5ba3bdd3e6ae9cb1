"""docs/data.md says what the declarations say."""

from __future__ import annotations

from pathlib import Path

from ringtrace.data_schema import tables
from ringtrace.data_schema.document import page

PAGE = Path(__file__).parents[2] / "docs" / "data.md"


def test_the_page_is_the_one_that_the_declarations_give() -> None:
    assert PAGE.read_text("utf-8") == page(), "run: python -m ringtrace.data_schema.document > docs/data.md"


def test_the_page_names_every_column_and_marks_those_that_are_required() -> None:
    shown = page()
    for table in tables().values():
        section = shown.split(f"### {table.name} ·")[1].split("\n##")[0]
        for column in table.columns:
            assert f"| `{column.name}`{'*' if column.required else ''} |" in section
