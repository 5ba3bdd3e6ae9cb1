"""What a load did, in numbers that add up: the reconciliation of every file, and the state of every table."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from typing import Any, Self

from ringtrace.data_schema import tables
from ringtrace.texts import Language, text


@dataclass(frozen=True, slots=True)
class FileReport:
    """The rows of one source file and what became of them.

    `read` = `loaded` + `replaced` + `identical` + `quarantined` + the rows of `left_out` (reason → rows, such as
    `voided`) + `only_derived` (rows of a file from which only derived rows were made) + `unused` (rows of a file that
    the preset does not use). `unmapped` are headers that nothing read.
    """

    file: str
    table: str | None
    read: int
    loaded: int = 0
    replaced: int = 0
    identical: int = 0
    quarantined: int = 0
    only_derived: int = 0
    unused: int = 0
    left_out: Mapping[str, int] = field(default_factory=dict)
    unmapped: tuple[str, ...] = ()

    @property
    def accounted(self) -> int:
        """Sum of all outcomes."""
        outcomes = self.loaded + self.replaced + self.identical + self.quarantined
        return outcomes + self.only_derived + self.unused + sum(self.left_out.values())

    @classmethod
    def from_dict(cls, raw: Mapping[str, Any]) -> Self:
        return cls(**{**raw, "unmapped": tuple(raw["unmapped"])})


@dataclass(frozen=True, slots=True)
class TableReport:
    """A canonical table after the load.

    `rows` stand in it now; `derived` counts rows derived in this load by outcome; `removed` the rows taken back because
    they were voided since. `problems` and `warnings` count the rows of this load by `column:code`; `stubs` counts, for
    each column that refers to another table, the distinct values that this table does not know.
    """

    table: str
    rows: int
    derived: Mapping[str, int] = field(default_factory=dict)
    removed: int = 0
    problems: Mapping[str, int] = field(default_factory=dict)
    warnings: Mapping[str, int] = field(default_factory=dict)
    stubs: Mapping[str, int] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Sheet:
    """A table to be shown: its title, headers and rows in one language; numbers stay numbers."""

    title: str
    headers: tuple[str, ...]
    rows: tuple[tuple[str | int, ...], ...]


@dataclass(frozen=True, slots=True)
class LoadReport:
    """Outcome of `load_folder`; the workspace's manifest keeps the last one that changed something.

    `changed` is false if the delivery said nothing new: the generation is then the one before. `passed_over` names the
    files of the folder that are of a kind which is never read.
    """

    preset: str
    generation: int
    changed: bool
    files: tuple[FileReport, ...]
    states: tuple[TableReport, ...]
    seconds: float
    passed_over: tuple[str, ...] = ()

    def total(self, outcome: str) -> int:
        """Sum of a column of the reconciliation (`read`, `loaded`, `replaced`, …) over all files."""
        return sum(int(getattr(file, outcome)) for file in self.files)

    def tables(self, language: Language) -> tuple[Sheet, ...]:
        """What a user is shown: the reconciliation, what the tables hold, and what was found wrong, if anything was."""
        notes = tuple(
            (text(f"loaders.note.{kind}", language), _label(state.table, language), _mark(kind, mark, language), rows)
            for state in self.states
            for kind, marks in (("problem", state.problems), ("warning", state.warnings), ("stub", state.stubs))
            for mark, rows in sorted(marks.items())
        )
        unmapped = tuple((file.file, ", ".join(file.unmapped)) for file in self.files if file.unmapped)
        sheets = [
            _sheet("files", language, tuple(self._file_row(file, language) for file in self.files)),
            _sheet("tables", language, tuple(_state_row(state, language) for state in self.states if state.rows)),
            _sheet("notes", language, notes),
            _sheet("unmapped", language, unmapped),
            _sheet("passed_over", language, tuple((name,) for name in self.passed_over)),
        ]
        return tuple(sheet for sheet in sheets if sheet.rows)

    @staticmethod
    def _file_row(file: FileReport, language: Language) -> tuple[str | int, ...]:
        other = file.only_derived + file.unused + sum(file.left_out.values())
        whereto = _label(file.table, language) if file.table else text("loaders.no_table", language)
        return (file.file, whereto, file.read, file.loaded, file.replaced, file.identical, file.quarantined, other)

    def to_manifest(self) -> dict[str, Any]:
        """The manifest's entries `reconciliation` (one object a file) and `summary`."""
        return {
            "reconciliation": [asdict(file) for file in self.files],
            "summary": {
                "preset": self.preset,
                "seconds": self.seconds,
                "passed_over": list(self.passed_over),
                "tables": {state.table: asdict(state) for state in self.states},
            },
        }

    @classmethod
    def from_manifest(cls, manifest: Mapping[str, Any]) -> Self | None:
        """The report of the load that made this generation; None before the first load."""
        if "summary" not in manifest:
            return None
        summary = manifest["summary"]
        return cls(
            preset=summary["preset"],
            generation=manifest["generation"],
            changed=True,
            files=tuple(FileReport.from_dict(each) for each in manifest["reconciliation"]),
            states=tuple(TableReport(**each) for each in summary["tables"].values()),
            seconds=summary["seconds"],
            passed_over=tuple(summary.get("passed_over", ())),
        )


def _sheet(key: str, language: Language, rows: tuple[tuple[str | int, ...], ...]) -> Sheet:
    headers = text(f"loaders.sheet.{key}.headers", language).split("|")
    return Sheet(text(f"loaders.sheet.{key}", language), tuple(headers), rows)


def _label(table: str, language: Language) -> str:
    return tables()[table].label(language)


def _state_row(state: TableReport, language: Language) -> tuple[str | int, ...]:
    derived = state.derived
    return (
        _label(state.table, language),
        state.rows,
        sum(derived.get(outcome, 0) for outcome in ("loaded", "replaced", "identical")),
        derived.get("quarantined", 0),
        state.removed,
    )


def _mark(kind: str, mark: str, language: Language) -> str:
    """The sentence of a `column:code`, or of a column whose references lead nowhere."""
    column, _, code = mark.partition(":")
    if kind == "stub":
        return text("loaders.stub", language, column=column)
    return f"{column} {text(f'loaders.{kind}.{code}', language)}".strip()
