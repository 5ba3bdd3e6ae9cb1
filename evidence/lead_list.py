"""Leads of an expansion as files: JSON lines, and CSV and XLSX for a spreadsheet."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Any, Final

from ringtrace.data_schema.graph import graph_schema
from ringtrace.detectors import Lead
from ringtrace.evidence.tabular import Listing
from ringtrace.texts import Language, text

COLUMNS: Final = ("hop", "score", "label", "id", "via", "because", "innocent", "rows")


def headers(language: Language) -> list[str]:
    """Names of the columns, as people read them."""
    return [text(f"evidence.leads.{column}", language) for column in COLUMNS]


def rows(leads: Iterable[Lead], language: Language) -> list[list[Any]]:
    """One row a lead; several sentences in one cell stand on lines of their own, `rows` counts the source rows."""
    return [
        [
            lead.hop,
            round(lead.score, 2),
            graph_schema().nodes[lead.label].label(language),
            lead.id,
            "\n".join(node.id for node in lead.via),
            "\n".join(message.render(language) for message in lead.because),
            "\n".join(check.message.render(language) for check in lead.innocent),
            len(lead.evidence),
        ]
        for lead in leads
    ]


def leads_text(leads: Iterable[Lead], form: str, language: Language) -> str:
    """The leads as text in the form `jsonl` (with the keys of their source rows) or `csv`."""
    return _listing(leads, language).text(form)


def write_leads(leads: Sequence[Lead], path: str | Path, form: str, language: Language) -> None:
    """Write the leads to `path` in the form `jsonl`, `csv` or `xlsx`, as `Listing.write` does."""
    _listing(leads, language).write(path, form)


def _listing(leads: Iterable[Lead], language: Language) -> Listing:
    kept = tuple(leads)
    objects = (lead.shown(language) for lead in kept)
    return Listing("leads", headers(language), rows(kept, language), objects)
