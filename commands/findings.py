"""`ringtrace detect`, `findings` and `explain`."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from ringtrace.commands import console
from ringtrace.commands.console import words
from ringtrace.commands.graph import refresh_server
from ringtrace.commands.options import (
    DEFAULT_WORKSPACE,
    Format,
    FormatOption,
    KindOption,
    WorkspaceOption,
    open_workspace,
)
from ringtrace.errors import RingTraceError
from ringtrace.texts import default_language, text

if TYPE_CHECKING:
    from ringtrace.findings import Finding
    from ringtrace.workspace import Workspace


def detect(workspace: WorkspaceOption = DEFAULT_WORKSPACE, kind: KindOption = None) -> None:
    opened = open_workspace(workspace)
    detect_in(opened, kind)
    refresh_server(opened)


def findings(
    workspace: WorkspaceOption = DEFAULT_WORKSPACE,
    kind: KindOption = None,
    level: Annotated[list[str] | None, typer.Option(help=words("cli.findings.level"))] = None,
    form: FormatOption = Format.table,
    out: Annotated[Path | None, typer.Option(help=words("cli.findings.out"))] = None,
) -> None:
    from ringtrace.evidence import tabular

    chosen = _chosen(open_workspace(workspace), kind, level)
    if form is Format.table:
        _show_findings(chosen)
    elif form is Format.xlsx:
        if out is None:
            raise RingTraceError.of("cli.findings.needs_out")
        tabular.write_findings(chosen, out, form.value, default_language())
        console.say("cli.written", path=out)
    elif out is not None:
        tabular.write_findings(chosen, out, form.value, default_language())
        console.say("cli.written", path=out)
    else:
        sys.stdout.write(tabular.findings_text(chosen, form.value, default_language()))


def explain(
    finding: Annotated[str, typer.Argument(help=words("cli.finding"))],
    workspace: WorkspaceOption = DEFAULT_WORKSPACE,
    rows: Annotated[int, typer.Option(min=0, help=words("cli.explain.rows"))] = 20,
) -> None:
    console.explain(named(open_workspace(workspace), [finding])[0], rows)


def detect_in(workspace: Workspace, kinds: list[str] | None) -> None:
    from ringtrace.detectors import detect as run_detectors
    from ringtrace.graph import graph_generation, write_findings

    with console.progress() as progress:
        report = run_detectors(workspace, kinds=kinds or None, progress=progress)
        if graph_generation(workspace) is not None:
            write_findings(workspace, progress=progress)  # so that Cypher and the canvas reach them
    for gap in report.gaps:
        console.out.print(gap.message.render(default_language()), style="yellow", markup=False)
    _show_findings([finding for finding in report.findings if finding.level != "explained"], limit=25)


def _chosen(workspace: Workspace, kinds: list[str] | None, levels: list[str] | None) -> list[Finding]:
    from ringtrace.findings import LEVELS, current_run, read_findings

    if unknown := set(levels or []) - set(LEVELS):
        raise RingTraceError.of("cli.unknown_level", level=", ".join(sorted(unknown)), known=", ".join(LEVELS))
    if current_run(workspace) == 0:
        raise RingTraceError.of("cli.no_run", path=workspace.path)
    return [
        finding
        for finding in read_findings(workspace)
        if (not kinds or finding.kind in kinds) and finding.level in (levels or LEVELS)
    ]


def named(workspace: Workspace, ids: list[str]) -> list[Finding]:
    """The findings of these ids; an unambiguous beginning of an id is enough."""
    every = _chosen(workspace, None, None)
    named = []
    for each in ids:
        matches = [finding for finding in every if finding.finding_id.startswith(each)]
        if len(matches) != 1:
            raise RingTraceError.of("cli.no_finding", finding=each, n=len(matches), path=workspace.path)
        named += matches
    return named


def _show_findings(chosen: list[Finding], limit: int | None = None) -> None:
    language = default_language()
    headers = [words(f"cli.findings.{name}") for name in ("id", "shown_level", "score", "amount", "title")]
    rows = [
        (
            each.finding_id,
            text(f"terms.level.{each.level}", language),
            each.score,
            float(each.amount),
            each.title.render(language),
        )
        for each in chosen[:limit]
    ]
    if rows:
        console.table(headers, rows)
    console.say("cli.findings.count", shown=len(rows), n=len(chosen))
