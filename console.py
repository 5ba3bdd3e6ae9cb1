"""How the command line speaks: tables, progress with an estimate, and errors in their three parts."""

from __future__ import annotations

import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager

from rich.console import Console
from rich.markup import escape
from rich.progress import BarColumn, MofNCompleteColumn, TaskID, TextColumn, TimeElapsedColumn, TimeRemainingColumn
from rich.progress import Progress as RichProgress
from rich.table import Table

from ringtrace.errors import RingTraceError
from ringtrace.progress import Progress, Step
from ringtrace.texts import default_language, text

out = Console(highlight=False)
err = Console(stderr=True, highlight=False)


def say(key: str, /, style: str | None = None, **values: object) -> None:
    """Print the catalogue's sentence `key` in the user's language; values are data and never markup."""
    out.print(escape(text(key, default_language(), **values)), style=style)


def show_error(error: RingTraceError) -> None:
    """What happened, what it means, what to type: on standard error, one below the other."""
    err.print(escape(error.happened), style="bold red")
    for part in (error.means, error.hint):
        if part:
            err.print(escape(part))


def table(headers: Sequence[str], rows: Sequence[Sequence[object]], *, title: str | None = None) -> None:
    """Print a table; numbers stand on the right, and None is an empty cell."""
    shown = Table(title=title, title_justify="left", header_style="bold")
    for index, header in enumerate(headers):
        numeric = bool(rows) and all(isinstance(row[index], int | float) or row[index] is None for row in rows)
        shown.add_column(header, justify="right" if numeric else "left", overflow="fold")
    for row in rows:
        shown.add_row(*("" if cell is None else escape(_cell(cell)) for cell in row))
    out.print(shown)


def _cell(value: object) -> str:
    if isinstance(value, bool):
        return str(value)
    if isinstance(value, int):
        return f"{value:,}"
    if isinstance(value, float):
        return f"{value:,.2f}"
    return str(value)


@contextmanager
def progress() -> Iterator[Progress]:
    """A `Progress` that draws bars on a terminal, and prints one line a finished stage where there is none."""
    if not err.is_terminal:
        yield _Lines()
        return
    bars = RichProgress(
        TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), TimeElapsedColumn(), TimeRemainingColumn(),
        console=err, transient=False,
    )  # fmt: skip
    tasks: dict[str, TaskID] = {}

    def draw(step: Step) -> None:
        if step.key not in tasks:
            for earlier in tasks.values():  # a stage ends where the next begins
                bars.update(earlier, total=bars.tasks[earlier].total or 1, completed=bars.tasks[earlier].total or 1)
            tasks[step.key] = bars.add_task(escape(text(step.key, default_language())), total=step.total)
        bars.update(tasks[step.key], completed=step.done, total=step.total)

    with bars:
        yield draw


class _Lines:
    """Progress for logs: the seconds since the start and the name of each stage as it begins."""

    def __init__(self) -> None:
        self.stage: str | None = None
        self.began = time.monotonic()

    def __call__(self, step: Step) -> None:
        if step.key != self.stage:
            self.stage = step.key
            err.print(f"{time.monotonic() - self.began:7.1f} s  {escape(text(step.key, default_language()))}")
