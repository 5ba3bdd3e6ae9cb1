"""Answers of queries as tables that people read."""

from __future__ import annotations

from typing import Any

import pandas as pd

from ringtrace.graph.store import Node, Path, Relationship
from ringtrace.queries import Answer
from ringtrace.texts import Language


def shown_rows(answer: Answer, language: Language) -> pd.DataFrame:
    """The rows under readable headings; nodes, relationships and paths as one line of text each."""
    headers = list(dict.fromkeys(answer.headers(language)))
    if len(headers) < len(answer.columns):
        headers = list(answer.columns)
    return pd.DataFrame([[_plain(cell) for cell in row] for row in answer.rows.rows], columns=headers)


def _plain(cell: Any) -> Any:
    if isinstance(cell, Node):
        return f"{cell.name or ''} {cell.id}".strip()
    if isinstance(cell, Relationship):
        return f"{cell.source.id} — {cell.type} → {cell.target.id}"
    if isinstance(cell, Path):
        return " → ".join(_plain(node) for node in cell.nodes)
    if isinstance(cell, list | tuple):
        return ", ".join(str(_plain(each)) for each in cell)
    if isinstance(cell, dict):
        return ", ".join(f"{name}: {_plain(each)}" for name, each in cell.items())
    return cell
