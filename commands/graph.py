"""`ringtrace graph`: the property graph, embedded or on a Neo4j server."""

from __future__ import annotations

import os
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from ringtrace.commands import console
from ringtrace.commands.console import words
from ringtrace.commands.options import DEFAULT_WORKSPACE, WorkspaceOption, open_workspace
from ringtrace.errors import RingTraceError
from ringtrace.texts import default_language, text

if TYPE_CHECKING:
    from ringtrace.graph.neo4j.fill import FillReport
    from ringtrace.workspace import Workspace


def graph(
    workspace: WorkspaceOption = DEFAULT_WORKSPACE,
    to: Annotated[str | None, typer.Option(help=words("cli.graph.to"))] = None,
    user: Annotated[str | None, typer.Option(envvar="NEO4J_USER", help=words("cli.graph.user"))] = None,
    files: Annotated[Path | None, typer.Option("--neo4j-import", help=words("cli.graph.files"))] = None,
    use: Annotated[str | None, typer.Option(help=words("cli.graph.use"))] = None,
) -> None:
    opened = open_workspace(workspace)
    if to is not None:
        _fill(opened, to, user)
    if files is not None:
        _write_import_files(opened, files)
    if use is not None:
        _use(opened, use, user)
    if to is None and files is None and use is None:
        build(opened)


def build(workspace: Workspace) -> None:
    from ringtrace.graph import build_graph

    with console.progress() as progress:
        report = build_graph(workspace, progress=progress)
    console.say(
        "cli.graph.done", nodes=sum(report.counts.nodes.values()),
        relationships=sum(report.counts.relationships.values()), seconds=report.seconds,
    )  # fmt: skip


def _fill(workspace: Workspace, url: str, user: str | None) -> None:
    from ringtrace.graph.engine import address
    from ringtrace.graph.neo4j.fill import fill_neo4j

    ask_password(url)
    with console.progress() as progress:
        report = fill_neo4j(workspace, address(url, user), progress=progress)
    _say_filled(url, report)


def _say_filled(url: str, report: FillReport) -> None:
    console.say(
        "cli.graph.filled", url=url, nodes=sum(report.counts.nodes.values()), sent=report.sent,
        relationships=sum(report.counts.relationships.values()), seconds=report.seconds,
    )  # fmt: skip
    if report.prefix:
        console.say("cli.graph.prefix", prefix=report.prefix)


def _write_import_files(workspace: Workspace, folder: Path) -> None:
    from ringtrace.graph.neo4j.import_files import write_import_files

    with console.progress() as progress:
        files = write_import_files(workspace, folder, progress=progress)
    console.say("cli.graph.files_written", folder=folder, command=files.command, workspace=workspace.path)


def _use(workspace: Workspace, url: str, user: str | None) -> None:
    from ringtrace.graph import open_graph
    from ringtrace.graph.engine import use

    if url != "embedded":
        read_from(url)
        if user:
            os.environ["NEO4J_USER"] = user
        open_graph(workspace).close()  # so that a wrong address is said now, and not by the next command
    use(workspace, url, user)
    console.say("cli.graph.used", workspace=workspace.path, url=url)


def read_from(url: str | None) -> None:
    """Let this command, and what it starts, read the graph from `url`."""
    if url is not None:
        os.environ["RINGTRACE_GRAPH"] = url
        if url != "embedded":
            ask_password(url)


def ask_password(url: str) -> None:
    """Ask for the server's password unless the environment has it; it never stands in a command."""
    if "NEO4J_PASSWORD" not in os.environ and sys.stdin.isatty():
        os.environ["NEO4J_PASSWORD"] = typer.prompt(
            text("cli.password", default_language(), url=url), hide_input=True, err=True
        )


def refresh_server(workspace: Workspace) -> None:
    """Bring data and findings to the server that the graph is read from, if it is; what was found is kept anyway."""
    from ringtrace.graph import refresh_server
    from ringtrace.graph.engine import chosen

    server = chosen(workspace)
    if server is None:
        return
    ask_password(server.url)
    try:
        with console.progress() as progress:
            report = refresh_server(workspace, progress=progress)
    except RingTraceError as error:
        raise RingTraceError(
            error.happened,
            means=words("cli.detect.server.means"),
            hint=text("cli.detect.server.hint", default_language(), url=server.url, workspace=workspace.path),
        ) from error
    assert report is not None
    _say_filled(server.url, report)
