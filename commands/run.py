"""`ringtrace run` and `ringtrace demo`: the whole way in one command."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from ringtrace.commands import console
from ringtrace.commands.console import words
from ringtrace.commands.findings import detect_in
from ringtrace.commands.graph import build, refresh_server
from ringtrace.commands.options import BadShareOption, FolderArgument, MappingOption, PresetOption, open_workspace
from ringtrace.commands.records import load_into
from ringtrace.texts import default_language

if TYPE_CHECKING:
    from ringtrace.workspace import Workspace


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


def _run(
    folder: Path, workspace: Workspace, out: Path, preset: str | None, mapping: Path | None, max_bad: float
) -> None:
    from ringtrace.evidence import tabular
    from ringtrace.findings import read_findings

    load_into(folder, workspace, preset, mapping, max_bad)
    build(workspace)
    detect_in(workspace, None)
    target = out / "findings.jsonl"
    tabular.write_findings(read_findings(workspace), target, "jsonl", default_language())
    console.say("cli.written", path=target)
    refresh_server(workspace)
