"""`ringtrace expand`: from known people, cards or institutions to those who share their pattern."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Annotated

import typer

from ringtrace.commands import console
from ringtrace.commands.console import words
from ringtrace.commands.options import DEFAULT_WORKSPACE, Format, FormatOption, WorkspaceOption, open_workspace
from ringtrace.errors import RingTraceError
from ringtrace.texts import default_language


def expand(
    start: Annotated[list[str], typer.Option("--from", help=words("cli.expand.from"))],
    workspace: WorkspaceOption = DEFAULT_WORKSPACE,
    hops: Annotated[int, typer.Option(min=1, max=6, help=words("cli.expand.hops"))] = 2,
    limit: Annotated[int, typer.Option(min=1, help=words("cli.expand.limit"))] = 50,
    form: FormatOption = Format.table,
    out: Annotated[Path | None, typer.Option(help=words("cli.findings.out"))] = None,
) -> None:
    from ringtrace.detectors import expand as search
    from ringtrace.evidence import lead_list

    if form is Format.xlsx and out is None:
        raise RingTraceError.of("cli.expand.needs_out")
    language, opened = default_language(), open_workspace(workspace)
    with console.progress() as progress:
        leads = search(opened, start, hops=hops, limit=limit, progress=progress)
    if form is Format.table and out is None:
        console.table(lead_list.headers(language), lead_list.rows(leads, language))
        console.say("cli.expand.count", n=len(leads), hops=hops)
    elif out is not None:
        lead_list.write_leads(leads, out, "csv" if form is Format.table else form.value, language)
        console.say("cli.written", path=out)
    else:
        sys.stdout.write(lead_list.leads_text(leads, form.value, language))
