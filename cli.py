"""The console command `ringtrace`: the commands of `ringtrace.commands`, put together."""

from __future__ import annotations

import os
import sys
from enum import StrEnum
from typing import Annotated

import typer

from ringtrace import __version__
from ringtrace.commands import console, query
from ringtrace.commands.console import words
from ringtrace.commands.evidence import export, verify
from ringtrace.commands.expand import expand
from ringtrace.commands.findings import detect, explain, findings
from ringtrace.commands.graph import graph, read_from
from ringtrace.commands.options import DEFAULT_WORKSPACE, EngineOption, WorkspaceOption, open_workspace
from ringtrace.commands.records import load, simulate
from ringtrace.commands.run import demo, run
from ringtrace.errors import RingTraceError

app = typer.Typer(
    no_args_is_help=True, add_completion=False, pretty_exceptions_enable=False, rich_markup_mode=None,
    help=words("cli.about"),
)  # fmt: skip
for command in (load, graph, detect, run, findings, explain, expand, export, verify, simulate, demo):
    app.command(help=words(f"cli.{command.__name__}.help"))(command)
app.add_typer(query.app, name="query")


class LanguageChoice(StrEnum):
    """Languages of the catalogue."""

    zh = "zh"
    en = "en"


def _version(wanted: bool) -> None:
    if wanted:
        typer.echo(f"ringtrace {__version__}")
        raise typer.Exit


@app.callback()
def options(
    lang: Annotated[LanguageChoice | None, typer.Option(help=words("cli.lang"))] = None,
    version: Annotated[
        bool, typer.Option("--version", callback=_version, is_eager=True, help=words("cli.version"))
    ] = False,
    engine: EngineOption = None,
) -> None:
    if lang is not None:
        os.environ["RINGTRACE_LANG"] = lang.value
    read_from(engine)


@app.command("app", help=words("cli.app.help"))
def open_app(
    workspace: WorkspaceOption = DEFAULT_WORKSPACE,
    port: Annotated[int, typer.Option(help=words("cli.app.port"))] = 8501,
    headless: Annotated[bool, typer.Option("--headless", help=words("cli.app.headless"))] = False,
    engine: EngineOption = None,
) -> None:
    from ringtrace.app_pages.launch import launch

    read_from(engine)
    launch(open_workspace(workspace).path, port=port, headless=headless)


def main() -> None:
    """Run the command line; an error that the user can mend ends it with status 1 and its three parts."""
    try:
        app()
    except RingTraceError as error:
        console.show_error(error)
        sys.exit(1)
