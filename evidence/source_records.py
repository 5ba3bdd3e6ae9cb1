"""The rows behind the findings, as they came in or, masked, as the contract's columns."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Final

from ringtrace.data_schema import tables
from ringtrace.evidence.material import Material
from ringtrace.findings import EvidenceRef
from ringtrace.workspace import Workspace

LINEAGE: Final = ("_table", "_key", "_file", "_row", "_sha256")
"""First columns of source_records.csv: canonical table and key, then source file, data row and the row's hash."""

Records = tuple[Sequence[str], list[dict[str, Any]]]


def original_records(workspace: Workspace, material: Material) -> Records:
    return masked_records(material)


def masked_records(material: Material) -> Records:
    """Columns and rows of a masked copy: the contract's columns, since only of these is known what they reveal."""
    lookup = {name: material.by_key(name) for name in material.rows}
    rows = [
        _lineage(ref)
        | {column.name: lookup[ref.table].get(ref.key, {}).get(column.name) for column in tables()[ref.table].columns}
        for ref in material.cited
    ]
    return _columns(rows), rows


def _lineage(ref: EvidenceRef) -> dict[str, Any]:
    return dict(zip(LINEAGE, (ref.table, ref.key, ref.file, ref.row, ref.sha256), strict=True))


def _columns(rows: Sequence[dict[str, Any]]) -> list[str]:
    return list(dict.fromkeys((*LINEAGE, *(column for row in rows for column in row))))
