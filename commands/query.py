"""`ringtrace query`: list, show, run, write, import and export saved queries, and follow goods through time."""

from __future__ import annotations

import sys
from datetime import datetime
from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from ringtrace.commands import console
from ringtrace.commands.console import words
from ringtrace.commands.options import DEFAULT_WORKSPACE, WorkspaceOption, open_workspace
from ringtrace.errors import RingTraceError
from ringtrace.texts import default_language, text

if TYPE_CHECKING:  # rooms are imported by the command that needs them: `ringtrace --help` answers at once
    from ringtrace.queries import Answer, Library, SavedQuery


app = typer.Typer(no_args_is_help=True, rich_markup_mode=None, help=words("queries.cli.help"))


class Form(StrEnum):
    """How an answer is written."""

    table = "table"
    csv = "csv"
    xlsx = "xlsx"
    json = "json"
    arrow = "arrow"
    graphml = "graphml"
    html = "html"


class Target(StrEnum):
    """What an export is for."""

    yaml = "yaml"
    browser = "browser"
    bloodhound = "bloodhound"


class Optimum(StrEnum):
    """Which path in time is the best."""

    fewest_hops = "fewest_hops"
    earliest_arrival = "earliest_arrival"


class Direction(StrEnum):
    """Whether to follow goods forward, to where they went, or back, to where they came from."""

    forward = "forward"
    back = "back"


FormOption = Annotated[Form, typer.Option("--format", help=words("queries.cli.format"))]
OutOption = Annotated[Path | None, typer.Option(help=words("queries.cli.out"))]


@app.command("list", help=words("queries.cli.list.help"))
def list_queries(
    workspace: WorkspaceOption = DEFAULT_WORKSPACE,
    category: Annotated[str | None, typer.Option(help=words("queries.cli.category"))] = None,
    label: Annotated[str | None, typer.Option(help=words("queries.cli.label"))] = None,
) -> None:
    language = default_language()
    library = _library(workspace)
    shown = [
        each
        for each in library
        if (category is None or category in (each.category, each.category_name(language)))
        and (label is None or label in each.applies_to)
    ]
    console.table(
        [words(f"queries.cli.column.{name}") for name in ("category", "key", "name", "parameters")],
        [(each.category_name(language), each.key, each.title(language), " ".join(_parameters(each))) for each in shown],
    )
    console.say("queries.cli.list.count", shown=len(shown), n=len(library))
    for error in library.broken:
        console.show_error(error)


@app.command(help=words("queries.cli.show.help"))
def show(
    query: Annotated[str, typer.Argument(help=words("queries.cli.query"))],
    workspace: WorkspaceOption = DEFAULT_WORKSPACE,
) -> None:
    from ringtrace.queries.showing import described

    found = _library(workspace)[query]
    for line in described(found, default_language()):
        console.out.print(line, markup=False, soft_wrap=True)


@app.command(help=words("queries.cli.run.help"))
def run(
    query: Annotated[str, typer.Argument(help=words("queries.cli.run.query"))],
    workspace: WorkspaceOption = DEFAULT_WORKSPACE,
    param: Annotated[list[str] | None, typer.Option("--param", "-p", help=words("queries.cli.param"))] = None,
    form: FormOption = Form.table,
    out: OutOption = None,
    limit: Annotated[int, typer.Option(min=1, help=words("queries.cli.limit"))] = 10_000,
    timeout: Annotated[float, typer.Option(min=0.001, help=words("queries.cli.timeout"))] = 30.0,
) -> None:
    from ringtrace import queries
    from ringtrace.graph import open_graph

    opened = open_workspace(workspace)
    values = _values(param or [])
    drawn = form in (Form.graphml, Form.html)
    with open_graph(opened) as store:
        cypher = _own_text(query)
        if cypher is None:
            ask = queries.draw if drawn else queries.run
            answer = ask(store, queries.Library(opened)[query], values, row_limit=limit, timeout=timeout)
        else:
            answer = queries.run_text(store, cypher, values, row_limit=limit, timeout=timeout)
        _show(answer, form, out)
        if form is Form.table and answer.query is not None:
            population = queries.population(store, answer.query, values, timeout=timeout)
            if population is not None:
                console.say("queries.cli.population", rows=len(answer.rows.rows), n=population)


@app.command(help=words("queries.cli.new.help"))
def new(
    key: Annotated[str, typer.Argument(help=words("queries.cli.key"))],
    source: Annotated[str, typer.Option("--from", help=words("queries.cli.new.source"))] = "-",
    workspace: WorkspaceOption = DEFAULT_WORKSPACE,
    name: Annotated[str | None, typer.Option(help=words("queries.cli.new.name"))] = None,
    description: Annotated[str | None, typer.Option(help=words("queries.cli.new.description"))] = None,
    category: Annotated[str, typer.Option(help=words("queries.cli.category"))] = "own",
    author: Annotated[str | None, typer.Option(help=words("queries.cli.new.author"))] = None,
) -> None:
    from ringtrace.graph.guard import check_reading
    from ringtrace.queries import Library
    from ringtrace.queries.exchange import draft

    cypher = _own_text(source) or source
    check_reading(cypher)
    library = Library(open_workspace(workspace))
    raw = draft(key, cypher, name=name, description=description, category=category, author=author)
    saved = library.save(key, raw)
    console.say("queries.cli.saved", path=library.path(key), revision=saved.revision)


@app.command("import", help=words("queries.cli.import.help"))
def import_queries(
    files: Annotated[list[Path], typer.Argument(help=words("queries.cli.import.files"))],
    workspace: WorkspaceOption = DEFAULT_WORKSPACE,
) -> None:
    from ringtrace.queries import Library
    from ringtrace.queries.exchange import read_files

    library = Library(open_workspace(workspace))
    for key, raw in read_files(files):
        saved = library.save(key, raw)
        console.say("queries.cli.saved", path=library.path(key), revision=saved.revision)


@app.command(help=words("queries.cli.export.help"))
def export(
    out: Annotated[Path, typer.Option(help=words("queries.cli.export.out"))],
    query: Annotated[list[str] | None, typer.Argument(help=words("queries.cli.export.query"))] = None,
    to: Annotated[Target, typer.Option(help=words("queries.cli.export.to"))] = Target.yaml,
    workspace: WorkspaceOption = DEFAULT_WORKSPACE,
) -> None:
    from ringtrace.queries.exchange import write_bloodhound, write_browser, write_yaml

    library = _library(workspace)
    chosen = [library[each] for each in query] if query else list(library)
    writers = {Target.yaml: write_yaml, Target.browser: write_browser, Target.bloodhound: write_bloodhound}
    writers[to](chosen, out, default_language())
    console.say("queries.cli.exported", n=len(chosen), path=out)


@app.command(help=words("queries.cli.path.help"))
def path(
    start: Annotated[str, typer.Option("--from", help=words("queries.cli.path.start"))],
    end: Annotated[str, typer.Option("--to", help=words("queries.cli.path.end"))] = "outlet",
    workspace: WorkspaceOption = DEFAULT_WORKSPACE,
    direction: Annotated[Direction, typer.Option(help=words("queries.cli.path.direction"))] = Direction.forward,
    since: Annotated[datetime | None, typer.Option(help=words("queries.cli.path.since"))] = None,
    until: Annotated[datetime | None, typer.Option(help=words("queries.cli.path.until"))] = None,
    longest_gap: Annotated[str | None, typer.Option(help=words("queries.cli.path.gap"))] = None,
    optimum: Annotated[Optimum, typer.Option(help=words("queries.cli.path.optimum"))] = Optimum.fewest_hops,
    pack: Annotated[str | None, typer.Option(help=words("queries.cli.path.pack"))] = None,
    any_pack: Annotated[bool, typer.Option("--any-pack", help=words("queries.cli.path.any_pack"))] = False,
    form: FormOption = Form.table,
    out: OutOption = None,
) -> None:
    from ringtrace.graph import open_graph
    from ringtrace.queries.paths_in_time import OUTLET, draw_path, find_path, node_named
    from ringtrace.queries.values import typed

    try:
        gap = typed("duration", longest_gap) if longest_gap else None
    except ValueError as error:
        raise RingTraceError.of(
            "queries.parameter.wrong", name="longest-gap", value=longest_gap, form=str(error)
        ) from error
    with open_graph(open_workspace(workspace)) as store:
        answer = find_path(
            store, node_named(start), OUTLET if end == OUTLET else node_named(end), direction=direction.value,
            begin=since, until=until, longest_gap=gap, optimum=optimum.value, pack=pack, any_pack=any_pack,
        )  # fmt: skip
        _show(draw_path(store, answer) if form in (Form.graphml, Form.html) and answer.rows.rows else answer, form, out)


def _library(path: Path) -> Library:
    """A workspace adds queries of its own; without one, ours can still be listed, read and exported."""
    from ringtrace.queries import Library

    return Library(open_workspace(path) if path.exists() or path != DEFAULT_WORKSPACE else None)


def _parameters(query: SavedQuery) -> list[str]:
    """As a command line writes them; those that can be left out stand in brackets."""
    return [f"{each.name}=…" if each.needed else f"[{each.name}]" for each in query.parameters]


def _own_text(query: str) -> str | None:
    """Cypher from standard input (`-`) or a file that `query` names; None if it names a saved query."""
    if query == "-":
        return sys.stdin.read()
    path = Path(query)
    if path.suffix not in (".cypher", ".cql", ".txt") and not path.is_file():
        return None
    try:
        return path.read_text("utf-8")
    except (OSError, UnicodeDecodeError) as error:
        raise RingTraceError.of("queries.file", path=path, reason=str(error)) from error


def _values(given: list[str]) -> dict[str, Any]:
    values: dict[str, Any] = {}
    for each in given:
        name, separator, value = each.partition("=")
        if not separator or not name:
            raise RingTraceError.of("queries.parameter.form", given=each)
        values[name.strip()] = value
    return values


def _show(answer: Answer, form: Form, out: Path | None) -> None:
    from ringtrace.evidence import answers

    language = default_language()
    if form is Form.table:
        if out is not None:
            raise RingTraceError.of("queries.table_is_printed", path=out)
        cells = [[answers.cell(value) for value in row] for row in answer.rows.rows]
        console.table(answer.headers(language), cells)
        console.say("queries.cli.rows", n=len(cells), seconds=answer.rows.seconds)
    elif out is not None:
        answers.write(answer, out, form.value, language)
        console.say("cli.written", path=out)
    elif form in (Form.xlsx, Form.arrow) and sys.stdout.isatty():
        raise RingTraceError.of("queries.needs_out", form=form.value)
    else:
        # The byte-order mark is for a spreadsheet that opens a file; in a pipe it would be part of the first heading.
        sys.stdout.buffer.write(answers.written(answer, form.value, language).removeprefix("\ufeff".encode()))
        sys.stdout.buffer.flush()
    if answer.rows.truncated:
        console.err.print(text("queries.cli.truncated", language, n=len(answer.rows.rows)), style="yellow")
