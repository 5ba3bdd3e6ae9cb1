"""`ringtrace export` and `ringtrace verify`: evidence for others, and whether it is still what it was."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from ringtrace.commands import console
from ringtrace.commands.console import words
from ringtrace.commands.findings import named
from ringtrace.commands.options import DEFAULT_WORKSPACE, WorkspaceOption, open_workspace
from ringtrace.errors import RingTraceError
from ringtrace.texts import default_language


def export(
    finding: Annotated[list[str], typer.Argument(help=words("cli.finding"))],
    out: Annotated[Path, typer.Option(help=words("cli.export.out"))],
    workspace: WorkspaceOption = DEFAULT_WORKSPACE,
    masked: Annotated[bool, typer.Option("--masked", help=words("cli.export.masked"))] = False,
) -> None:
    from ringtrace.casework.handover import hand_over

    opened = open_workspace(workspace)
    ids = [each.finding_id for each in named(opened, finding)]
    report = hand_over(opened, ids, out, masked=masked, language=default_language())
    console.say("cli.export.done", path=out, findings=report.findings, rows=report.rows, seal=report.seal)


def verify(
    folder: Annotated[Path, typer.Argument(help=words("cli.verify.folder"))],
    seal: Annotated[str | None, typer.Option(help=words("cli.verify.seal"))] = None,
) -> None:
    from ringtrace.evidence import verify as verify_evidence

    report = verify_evidence(folder, seal=seal)
    for line in report.lines(default_language()):
        console.out.print(line, style="green" if report.ok else "red", markup=False)
    if not report.ok:
        raise RingTraceError.of("cli.verify.failed", path=folder, n=len(report.problems))
