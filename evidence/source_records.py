"""The rows behind the findings, as they came in or, masked, as the contract's columns."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

from ringtrace.data_schema import tables
from ringtrace.evidence.material import Material
from ringtrace.evidence.spreadsheet import write_csv
from ringtrace.findings import EvidenceRef
from ringtrace.loaders.lineage import OriginalRow, original_rows
from ringtrace.workspace import Workspace

LINEAGE: Final = ("_table", "_key", "_file", "_row", "_sha256")
"""First columns of source_records.csv: canonical table and key, then source file, data row and the row's hash."""

_FILE_COLUMNS: Final = ("file", "sha256", "bytes", "rows")


@dataclass(frozen=True, slots=True)
class Records:
    """What goes into source_records.csv (columns and rows), source_records.jsonl (`originals`) and source_files.csv."""

    columns: Sequence[str]
    rows: Sequence[dict[str, Any]]
    originals: Sequence[OriginalRow]
    files: Sequence[dict[str, Any]]

    def write(self, folder: Path) -> None:
        """Write the files; a masked copy has no source_records.jsonl, since that holds the rows as they came."""
        write_csv(folder / "source_records.csv", self.columns, self.rows)
        write_csv(folder / "source_files.csv", _FILE_COLUMNS, self.files)
        if self.originals:
            with (folder / "source_records.jsonl").open(
                "w", encoding="utf-8", errors="replace", newline="\n"
            ) as stream:
                stream.writelines(_line(row) for row in self.originals)


def original_records(workspace: Workspace, material: Material) -> Records:
    """The cited rows with their cells as they came, under the headers of their own files."""
    originals = original_rows(workspace, material.cited)
    found = {(row.table, row.key): row for row in originals}
    rows = [
        (dict(found[ref.table, ref.key].cells) if (ref.table, ref.key) in found else {}) | _lineage(ref)
        for ref in material.cited
    ]
    return Records(_columns(rows), rows, originals, _files(workspace, material))


def masked_records(workspace: Workspace, plain: Material, masked: Material) -> Records:
    """The same of a masked copy: the contract's columns, since only of these is known what they reveal."""
    lookup = {name: masked.by_key(name) for name in masked.rows}
    rows = [
        _lineage(ref)
        | {column.name: lookup[ref.table].get(ref.key, {}).get(column.name) for column in tables()[ref.table].columns}
        for ref in masked.cited
    ]
    shown = {before.file: after.file for before, after in zip(plain.cited, masked.cited, strict=True)}
    files = [each | {"file": shown[each["file"]]} for each in _files(workspace, plain)]
    return Records(_columns(rows), rows, (), files)


def _files(workspace: Workspace, material: Material) -> list[dict[str, Any]]:
    """The delivered files that hold cited rows, with the SHA-256 that tells whoever keeps them that these are they."""
    cited = {ref.file for ref in material.cited}
    return [
        {"file": source["name"], "sha256": source["sha256"], "bytes": source["bytes"], "rows": source["rows"]}
        for source in workspace.manifest()["sources"]
        if source["name"] in cited
    ]


def _line(row: OriginalRow) -> str:
    content = {"table": row.table, "key": row.key, "file": row.file, "row": row.row, "sha256": row.sha256}
    return (
        json.dumps(content | {"headers": list(row.cells), "cells": list(row.cells.values())}, ensure_ascii=True) + "\n"
    )


def _lineage(ref: EvidenceRef) -> dict[str, Any]:
    return dict(zip(LINEAGE, (ref.table, ref.key, ref.file, ref.row, ref.sha256), strict=True))


def _columns(rows: Sequence[dict[str, Any]]) -> list[str]:
    return list(dict.fromkeys((*LINEAGE, *(column for row in rows for column in row))))
