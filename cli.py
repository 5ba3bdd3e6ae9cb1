"""The console command `ringtrace`: each command is a thin front on the function of a room."""

from __future__ import annotations

import os
import sys
from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from ringtrace import __version__, console, expand_cli, query_cli
from ringtrace.console import DEFAULT_WORKSPACE, WorkspaceOption, open_workspace, words
from ringtrace.errors import RingTraceError
from ringtrace.texts import default_language, text

if TYPE_CHECKING:  # rooms are imported by the command that needs them: `ringtrace --help` answers at once
    from ringtrace.findings import Finding
    from ringtrace.graph.neo4j_fill import FillReport
    from ringtrace.workspace import Workspace


app = typer.Typer(
    no_args_is_help=True, add_completion=False, pretty_exceptions_enable=False, rich_markup_mode=None,
    help=words("cli.about"),
)  # fmt: skip

app.add_typer(query_cli.app, name="query")
app.command(help=words("cli.expand.help"))(expand_cli.expand)


class Format(StrEnum):
    """How `ringtrace findings` writes."""

    table = "table"
    jsonl = "jsonl"
    csv = "csv"
    xlsx = "xlsx"


class Difficulty(StrEnum):
    """How well the planted schemes hide."""

    easy = "easy"
    medium = "medium"
    hard = "hard"
    mixed = "mixed"


class LanguageChoice(StrEnum):
    """Languages of the catalogue."""

    zh = "zh"
    en = "en"


# `readable=False`: load_folder says it in three parts and in the user's language.
FolderArgument = Annotated[Path, typer.Argument(readable=False, help=words("cli.folder"))]
# Text, so that an unknown one is answered by the loaders, who know all presets, in the user's language.
PresetOption = Annotated[str | None, typer.Option(metavar="NAME", help=words("cli.preset"))]
MappingOption = Annotated[Path | None, typer.Option(help=words("cli.mapping"))]
BadShareOption = Annotated[float, typer.Option("--max-bad", min=0, max=1, help=words("cli.max_bad"))]
KindOption = Annotated[list[str] | None, typer.Option("--kind", help=words("cli.kind"))]


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
    engine: Annotated[str | None, typer.Option("--graph", help=words("cli.engine"))] = None,
) -> None:
    if lang is not None:
        os.environ["RINGTRACE_LANG"] = lang.value
    _read_from(engine)


@app.command(help=words("cli.load.help"))
def load(
    folder: FolderArgument,
    workspace: WorkspaceOption = DEFAULT_WORKSPACE,
    preset: PresetOption = None,
    mapping: MappingOption = None,
    max_bad: BadShareOption = 0.05,
) -> None:
    _load(folder, open_workspace(workspace, create=True), preset, mapping, max_bad)


@app.command(help=words("cli.graph.help"))
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
        _graph(opened)


@app.command(help=words("cli.detect.help"))
def detect(workspace: WorkspaceOption = DEFAULT_WORKSPACE, kind: KindOption = None) -> None:
    opened = open_workspace(workspace)
    _detect(opened, kind)
    _refresh_server(opened)


@app.command(help=words("cli.run.help"))
def run(
    folder: FolderArgument,
    workspace: Annotated[
        Path | None, typer.Option("--workspace", "-w", envvar="RINGTRACE_WORKSPACE", help=words("cli.run.workspace"))
    ] = None,
    out: Annotated[Path | None, typer.Option(help=words("cli.run.out"))] = None,
    preset: PresetOption = None,
    mapping: MappingOption = None,
    max_bad: BadShareOption = 0.05,
) -> None:
    name = folder.resolve().name
    opened = open_workspace(workspace or Path(f"{name}.workspace"), create=True)
    _run(folder, opened, out or Path(f"{name}.findings"), preset, mapping, max_bad)
    console.say("cli.run.next", workspace=opened.path)


@app.command(help=words("cli.findings.help"))
def findings(
    workspace: WorkspaceOption = DEFAULT_WORKSPACE,
    kind: KindOption = None,
    level: Annotated[list[str] | None, typer.Option(help=words("cli.findings.level"))] = None,
    form: Annotated[Format, typer.Option("--format", help=words("cli.findings.format"))] = Format.table,
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


@app.command(help=words("cli.explain.help"))
def explain(
    finding: Annotated[str, typer.Argument(help=words("cli.finding"))],
    workspace: WorkspaceOption = DEFAULT_WORKSPACE,
    rows: Annotated[int, typer.Option(min=0, help=words("cli.explain.rows"))] = 20,
) -> None:
    console.explain(_named(open_workspace(workspace), [finding])[0], rows)


@app.command(help=words("cli.export.help"))
def export(
    finding: Annotated[list[str], typer.Argument(help=words("cli.finding"))],
    out: Annotated[Path, typer.Option(help=words("cli.export.out"))],
    workspace: WorkspaceOption = DEFAULT_WORKSPACE,
    masked: Annotated[bool, typer.Option("--masked", help=words("cli.export.masked"))] = False,
) -> None:
    from ringtrace.evidence import export as export_evidence

    opened = open_workspace(workspace)
    ids = [each.finding_id for each in _named(opened, finding)]
    report = export_evidence(opened, ids, out, masked=masked, language=default_language())
    console.say("cli.export.done", path=out, findings=report.findings, rows=report.rows, seal=report.seal)


@app.command(help=words("cli.verify.help"))
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


@app.command(help=words("cli.simulate.help"))
def simulate(
    persons: Annotated[int, typer.Option(min=200, help=words("cli.simulate.persons"))],
    out: Annotated[Path, typer.Option(help=words("cli.simulate.out"))],
    seed: Annotated[int, typer.Option(help=words("cli.simulate.seed"))] = 1,
    difficulty: Annotated[Difficulty, typer.Option(help=words("cli.simulate.difficulty"))] = Difficulty.medium,
    months: Annotated[int, typer.Option(min=1, max=60, help=words("cli.simulate.months"))] = 12,
    clean: Annotated[bool, typer.Option("--no-schemes", help=words("cli.simulate.clean"))] = False,
) -> None:
    from ringtrace.simulate import simulate as make_city

    with console.progress() as progress:
        make_city(
            out, persons=persons, seed=seed, difficulty=difficulty.value, months=months, schemes=not clean,
            progress=progress,
        )  # fmt: skip
    console.say("cli.simulate.done", path=out)


@app.command(help=words("cli.demo.help"))
def demo(
    folder: Annotated[Path, typer.Option(help=words("cli.demo.folder"))] = Path("demo"),
    persons: Annotated[int, typer.Option(min=200, help=words("cli.simulate.persons"))] = 20_000,
    seed: Annotated[int, typer.Option(help=words("cli.simulate.seed"))] = 1,
) -> None:
    from ringtrace.simulate import simulate as make_city

    city = folder / "city"
    if not (city / "settlements.csv").exists() and not any(city.glob("settlements*")):
        with console.progress() as progress:
            make_city(city, persons=persons, seed=seed, difficulty="mixed", progress=progress)
    opened = open_workspace(folder / "workspace", create=True)
    _run(city, opened, folder / "findings", None, None, 0.05)
    console.say("cli.demo.next", workspace=opened.path)


@app.command("app", help=words("cli.app.help"))
def open_app(
    workspace: WorkspaceOption = DEFAULT_WORKSPACE,
    port: Annotated[int, typer.Option(help=words("cli.app.port"))] = 8501,
    headless: Annotated[bool, typer.Option("--headless", help=words("cli.app.headless"))] = False,
    engine: Annotated[str | None, typer.Option("--graph", help=words("cli.engine"))] = None,
) -> None:
    from ringtrace.app_pages.launch import launch

    _read_from(engine)
    launch(open_workspace(workspace).path, port=port, headless=headless)


def _load(folder: Path, workspace: Workspace, preset: str | None, mapping: Path | None, max_bad: float) -> None:
    from ringtrace.loaders import load_folder

    with console.progress() as progress:
        report = load_folder(
            folder, workspace, preset=preset, mapping=mapping, max_bad_share=max_bad,
            progress=progress,
        )  # fmt: skip
    for line in report.tables(default_language()):
        console.table(line.headers, line.rows, title=line.title)


def _graph(workspace: Workspace) -> None:
    from ringtrace.graph import build_graph

    with console.progress() as progress:
        report = build_graph(workspace, progress=progress)
    console.say(
        "cli.graph.done", nodes=sum(report.counts.nodes.values()),
        relationships=sum(report.counts.relationships.values()), seconds=report.seconds,
    )  # fmt: skip


def _fill(workspace: Workspace, url: str, user: str | None) -> None:
    from ringtrace.graph.engine import address
    from ringtrace.graph.neo4j_fill import fill_neo4j

    _ask_password(url)
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
    from ringtrace.graph.neo4j_import import write_import_files

    with console.progress() as progress:
        files = write_import_files(workspace, folder, progress=progress)
    console.say("cli.graph.files_written", folder=folder, command=files.command, workspace=workspace.path)


def _use(workspace: Workspace, url: str, user: str | None) -> None:
    from ringtrace.graph import open_graph
    from ringtrace.graph.engine import use

    if url != "embedded":
        _read_from(url)
        if user:
            os.environ["NEO4J_USER"] = user
        open_graph(workspace).close()  # so that a wrong address is said now, and not by the next command
    use(workspace, url, user)
    console.say("cli.graph.used", workspace=workspace.path, url=url)


def _read_from(url: str | None) -> None:
    """Let this command, and what it starts, read the graph from `url`."""
    if url is not None:
        os.environ["RINGTRACE_GRAPH"] = url
        if url != "embedded":
            _ask_password(url)


def _ask_password(url: str) -> None:
    """Ask for the server's password unless the environment has it; it never stands in a command."""
    if "NEO4J_PASSWORD" not in os.environ and sys.stdin.isatty():
        os.environ["NEO4J_PASSWORD"] = typer.prompt(
            text("cli.password", default_language(), url=url), hide_input=True, err=True
        )


def _detect(workspace: Workspace, kinds: list[str] | None) -> None:
    from ringtrace.detectors import detect as run_detectors
    from ringtrace.graph import graph_generation, write_findings

    with console.progress() as progress:
        report = run_detectors(workspace, kinds=kinds or None, progress=progress)
        if graph_generation(workspace) is not None:
            write_findings(workspace, progress=progress)  # so that Cypher and the canvas reach them
    for gap in report.gaps:
        console.out.print(gap.message.render(default_language()), style="yellow", markup=False)
    _show_findings([finding for finding in report.findings if finding.level != "explained"], limit=25)


def _refresh_server(workspace: Workspace) -> None:
    """Bring data and findings to the server that the graph is read from, if it is; what was found is kept anyway."""
    from ringtrace.graph import refresh_server
    from ringtrace.graph.engine import chosen

    server = chosen(workspace)
    if server is None:
        return
    _ask_password(server.url)
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


def _run(
    folder: Path, workspace: Workspace, out: Path, preset: str | None, mapping: Path | None, max_bad: float
) -> None:
    from ringtrace.evidence import tabular
    from ringtrace.findings import read_findings

    _load(folder, workspace, preset, mapping, max_bad)
    _graph(workspace)
    _detect(workspace, None)
    target = out / "findings.jsonl"
    tabular.write_findings(read_findings(workspace), target, "jsonl", default_language())
    console.say("cli.written", path=target)
    _refresh_server(workspace)


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


def _named(workspace: Workspace, ids: list[str]) -> list[Finding]:
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


def main() -> None:
    """Run the command line; an error that the user can mend ends it with status 1 and its three parts."""
    try:
        app()
    except RingTraceError as error:
        console.show_error(error)
        sys.exit(1)
