"""A delivery in a few lines: CSV files from rows as dictionaries."""

from __future__ import annotations

import csv
from collections.abc import Mapping, Sequence
from pathlib import Path


def deliver(folder: Path, files: Mapping[str, Sequence[Mapping[str, object]]]) -> Path:
    """Write each `name: rows` as a CSV file; its header is every column that any row has, absent cells are blank."""
    folder.mkdir(parents=True, exist_ok=True)
    for name, rows in files.items():
        columns = list(dict.fromkeys(column for row in rows for column in row))
        with (folder / name).open("w", encoding="utf-8", newline="") as stream:
            writer = csv.DictWriter(stream, columns, restval="")
            writer.writeheader()
            writer.writerows(rows)
    return folder
