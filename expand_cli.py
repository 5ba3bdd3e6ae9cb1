"""`ringtrace expand`: from known people, cards or institutions to those who share their pattern."""

from __future__ import annotations

import sys
from enum import StrEnum
from pathlib import Path
from typing import Annotated

import typer

from ringtrace import console
from ringtrace.console import DEFAULT_WORKSPACE, WorkspaceOption, open_workspace, words
from ringtrace.errors import RingTraceError
from ringtrace.texts import default_language


class Form(StrEnum):
    """How leads are written."""

    table = "table"
    jsonl = "jsonl"
    csv = "csv"
    xlsx = "xlsx"


def expand(
    start: Annotated[list[str], typer.Option("--from", help=words("cli.expand.from"))],
    workspace: WorkspaceOption = DEFAULT_WORKSPACE,
    hops: Annotated[int, typer.Option(min=1, max=6, help=words("cli.expand.hops"))] = 2,
    limit: Annotated[int, typer.Option(min=1, help=words("cli.expand.limit"))] = 50,
    form: Annotated[Form, typer.Option("--format", help=words("cli.findings.format"))] = Form.table,
    out: Annotated[Path | None, typer.Option(help=words("cli.findings.out"))] = None,
) -> None:
    from ringtrace.detectors import expand as search
    from ringtrace.evidence import lead_list

    if form is Form.xlsx and out is None:
        raise RingTraceError.of("cli.expand.needs_out")
    language, opened = default_language(), open_workspace(workspace)
    with console.progress() as progress:
        leads = search(opened, start, hops=hops, limit=limit, progress=progress)
    if form is Form.table and out is None:
        console.table(lead_list.headers(language), lead_list.rows(leads, language))
        console.say("cli.expand.count", n=len(leads), hops=hops)
    elif out is not None:
        lead_list.write_leads(leads, out, "csv" if form is Form.table else form.value, language)
        console.say("cli.written", path=out)
    else:
        sys.stdout.write(lead_list.leads_text(leads, form.value, language))
