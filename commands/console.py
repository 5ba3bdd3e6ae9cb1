"""How the command line speaks: tables, progress with an estimate, and errors in their three parts."""

from __future__ import annotations

import sys
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import TYPE_CHECKING, Final

import typer
from rich.console import Console
from rich.markup import escape
from rich.progress import BarColumn, TaskID, TaskProgressColumn, TextColumn, TimeElapsedColumn, TimeRemainingColumn
from rich.progress import Progress as RichProgress
from rich.table import Table

from ringtrace.data_schema.graph import graph_schema
from ringtrace.errors import RingTraceError
from ringtrace.progress import Progress, Step
from ringtrace.texts import default_language, text

if TYPE_CHECKING:  # heavy rooms are imported by what needs them: `ringtrace --help` answers at once
    from ringtrace.findings import Finding

# A log or a pipe has no width of its own: wide enough for a table's line, so that no number is broken in two.
_PIPED_WIDTH: Final = 160
out = Console(highlight=False, width=None if sys.stdout.isatty() else _PIPED_WIDTH)
err = Console(stderr=True, highlight=False)


def words(key: str) -> str:
    """The catalogue's sentence `key` in the user's language: help texts and headers."""
    return text(key, default_language())


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
        shown.add_column(header, justify="right" if numeric else "left", overflow="fold", no_wrap=numeric)
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
    """A `Progress` that draws bars on a terminal, and prints one line a stage where there is none.

    An interruption ends the command with status 130 and says what became of the work.
    """
    try:
        if err.is_terminal:
            with _bars() as draw:
                yield draw
        else:
            yield _Lines()
    except KeyboardInterrupt:
        say("cli.interrupted", style="yellow")
        raise typer.Exit(130) from None


@contextmanager
def _bars() -> Iterator[Progress]:
    bars = RichProgress(
        TextColumn("{task.description}"), BarColumn(), TaskProgressColumn(), TimeElapsedColumn(), TimeRemainingColumn(),
        console=err,
    )  # fmt: skip
    tasks: dict[str, TaskID] = {}

    def draw(step: Step) -> None:
        if step.key not in tasks:
            for earlier in tasks.values():  # a stage ends where the next begins
                total = bars.tasks[earlier].total or 1
                bars.update(earlier, total=total, completed=total)
            tasks[step.key] = bars.add_task(escape(text(step.key, default_language())), total=step.total)
        bars.update(tasks[step.key], completed=step.done, total=step.total)

    with bars:
        yield draw


class _Lines:
    """Progress for logs: the seconds since the start and the name of each stage as it first begins."""

    def __init__(self) -> None:
        self.seen: set[str] = set()
        self.began = time.monotonic()

    def __call__(self, step: Step) -> None:
        if step.key not in self.seen:
            self.seen.add(step.key)
            err.print(f"{time.monotonic() - self.began:7.1f} s  {escape(text(step.key, default_language()))}")


def explain(finding: Finding, rows: int) -> None:
    """Print one finding as an investigator asks: what, how sure, why, what speaks against it, who, and the proof."""
    from ringtrace.evidence.shown import role_name

    language = default_language()
    out.rule(escape(finding.title.render(language)), align="left")
    say("cli.explain.head", finding=finding.finding_id, level=text(f"terms.level.{finding.level}", language),
        score=finding.score, amount=finding.amount)  # fmt: skip
    if finding.first_time and finding.last_time:
        say("cli.explain.time", first=finding.first_time, last=finding.last_time)
    out.print(escape(finding.summary.render(language)))
    table(
        [text(f"cli.explain.{name}", language) for name in ("reason", "value", "expected", "chance")],
        [
            (each.message.render(language), each.value, each.expected, _chance(each.p_value, each.ratio))
            for each in finding.reasons
        ],
        title=text("cli.explain.reasons", language),
    )
    table(
        [text(f"cli.explain.{name}", language) for name in ("check", "outcome")],
        [
            (each.message.render(language), text(f"terms.outcome.{each.outcome}", language))
            for each in finding.counter_evidence
        ],
        title=text("cli.explain.checks", language),
    )
    table(
        [text(f"cli.explain.{name}", language) for name in ("label", "id", "role", "weight")],
        [
            (
                graph_schema().nodes[each.label].label(language),
                each.id,
                role_name(each.role, language),
                each.weight,
            )
            for each in finding.members
        ],
        title=text("cli.explain.members", language),
    )
    table(
        [text(f"cli.explain.{name}", language) for name in ("table", "key", "file", "row", "sha256")],
        [
            (each.table, each.key, each.file, str(each.row or ""), (each.sha256 or "")[:16])
            for each in finding.evidence[:rows]
        ],
        title=text("cli.explain.evidence", language, shown=min(rows, len(finding.evidence)), n=len(finding.evidence)),
    )


def _chance(p_value: float | None, ratio: float | None) -> str | None:
    if p_value is not None:
        return f"p = {p_value:.2g}"
    return f"× {ratio:,.1f}" if ratio is not None else None
