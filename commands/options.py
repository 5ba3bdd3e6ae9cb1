"""Arguments and options that several commands share, each declared once."""

from __future__ import annotations

from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Final

import typer

from ringtrace.commands.console import words

if TYPE_CHECKING:  # rooms are imported by the command that needs them: `ringtrace --help` answers at once
    from ringtrace.workspace import Workspace


class Format(StrEnum):
    """How a list is written."""

    table = "table"
    jsonl = "jsonl"
    csv = "csv"
    xlsx = "xlsx"


WorkspaceOption = Annotated[
    Path, typer.Option("--workspace", "-w", envvar="RINGTRACE_WORKSPACE", help=words("cli.workspace"))
]
DEFAULT_WORKSPACE: Final = Path("ringtrace-workspace")

# `readable=False`: load_folder says it in three parts and in the user's language.
FolderArgument = Annotated[Path, typer.Argument(readable=False, help=words("cli.folder"))]
# Text, so that an unknown one is answered by the loaders, who know all presets, in the user's language.
PresetOption = Annotated[str | None, typer.Option(metavar="NAME", help=words("cli.preset"))]
MappingOption = Annotated[Path | None, typer.Option(help=words("cli.mapping"))]
BadShareOption = Annotated[float, typer.Option("--max-bad", min=0, max=1, help=words("cli.max_bad"))]
KindOption = Annotated[list[str] | None, typer.Option("--kind", help=words("cli.kind"))]
FormatOption = Annotated[Format, typer.Option("--format", help=words("cli.findings.format"))]
EngineOption = Annotated[str | None, typer.Option("--graph", help=words("cli.engine"))]


def open_workspace(path: Path, *, create: bool = False) -> Workspace:
    """The workspace at `path`; its room is imported here, so that `ringtrace --help` answers at once."""
    from ringtrace.workspace import Workspace

    return Workspace(path, create=create)
