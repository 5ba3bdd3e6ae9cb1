"""`ringtrace load` and `ringtrace simulate`: where records come from."""

from __future__ import annotations

from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from ringtrace.commands import console
from ringtrace.commands.console import words
from ringtrace.commands.options import (
    DEFAULT_WORKSPACE,
    BadShareOption,
    FolderArgument,
    MappingOption,
    PresetOption,
    WorkspaceOption,
    open_workspace,
)
from ringtrace.texts import default_language

if TYPE_CHECKING:
    from ringtrace.workspace import Workspace


class Difficulty(StrEnum):
    """How well the planted schemes hide."""

    easy = "easy"
    medium = "medium"
    hard = "hard"
    mixed = "mixed"


def load(
    folder: FolderArgument,
    workspace: WorkspaceOption = DEFAULT_WORKSPACE,
    preset: PresetOption = None,
    mapping: MappingOption = None,
    max_bad: BadShareOption = 0.05,
) -> None:
    load_into(folder, open_workspace(workspace, create=True), preset, mapping, max_bad)


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


def load_into(folder: Path, workspace: Workspace, preset: str | None, mapping: Path | None, max_bad: float) -> None:
    from ringtrace.loaders import load_folder

    with console.progress() as progress:
        report = load_folder(
            folder, workspace, preset=preset, mapping=mapping, max_bad_share=max_bad,
            progress=progress,
        )  # fmt: skip
    for line in report.tables(default_language()):
        console.table(line.headers, line.rows, title=line.title)
