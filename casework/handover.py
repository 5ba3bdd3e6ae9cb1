"""The evidence folder as a desk hands it over: the findings, and beside them what investigators concluded."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Final

from ringtrace.casework.notebook import entries, still_holds
from ringtrace.evidence import ExportReport, export
from ringtrace.evidence.spreadsheet import csv_text
from ringtrace.findings import read_findings
from ringtrace.texts import Language, text
from ringtrace.workspace import Workspace

CONCLUSIONS: Final = "conclusions.csv"
_COLUMNS: Final = ("time", "author", "finding", "about", "entry", "verdict", "text", "evidence")


def hand_over(
    workspace: Workspace, finding_ids: Sequence[str], out: str | Path, *, masked: bool, language: Language
) -> ExportReport:
    """Export the findings with their notes, tags and verdicts in `data/conclusions.csv`.

    A masked folder goes without them: what people wrote may name anyone. Raises as `ringtrace.evidence.export` does.
    """
    said = "" if masked else conclusions(workspace, finding_ids, language)
    return export(
        workspace, finding_ids, out, masked=masked, language=language, beside={CONCLUSIONS: said} if said else None
    )


def conclusions(workspace: Workspace, finding_ids: Sequence[str], language: Language) -> str:
    """The journal's lines on these findings and their members as CSV, oldest first; empty if there are none.

    The last column tells of a verdict whether the evidence is still the one that it was given on.
    """
    known = {finding.finding_id: finding for finding in read_findings(workspace)}
    rows = []
    for entry in entries(workspace):
        finding_id, _, member = entry.about.partition("/")
        if finding_id not in finding_ids or entry.kind == "basket":
            continue
        kind = "tag_removed" if entry.kind == "tag" and not entry.inside else entry.kind
        verdict = text(f"app.verdict.{entry.verdict}", language) if entry.verdict else ""
        holds = ""
        if entry.kind == "verdict" and finding_id in known:
            same = still_holds(entry, known[finding_id])
            holds = text("app.handover.same" if same else "app.handover.changed", language)
        about = member.replace("/", " ", 1)
        said = text(f"app.handover.entry.{kind}", language)
        rows.append([entry.time, entry.author, finding_id, about, said, verdict, entry.text, holds])
    if not rows:
        return ""
    return "\ufeff" + csv_text([text(f"app.handover.{column}", language) for column in _COLUMNS], rows)
