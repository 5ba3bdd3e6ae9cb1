"""What a load did, in numbers that add up: the reconciliation of every file, and the state of every table."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from typing import Any, Self


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
class LoadReport:
    """Outcome of `load_folder`; the workspace's manifest keeps the last one that changed something.

    `changed` is false if the delivery said nothing new: the generation is then the one before.
    """

    preset: str
    generation: int
    changed: bool
    files: tuple[FileReport, ...]
    tables: tuple[TableReport, ...]
    seconds: float

    def total(self, outcome: str) -> int:
        """Sum of a column of the reconciliation (`read`, `loaded`, `replaced`, …) over all files."""
        return sum(int(getattr(file, outcome)) for file in self.files)

    def to_manifest(self) -> dict[str, Any]:
        """The manifest's entries `reconciliation` (one object a file) and `summary`."""
        return {
            "reconciliation": [asdict(file) for file in self.files],
            "summary": {
                "preset": self.preset,
                "seconds": self.seconds,
                "tables": {table.table: asdict(table) for table in self.tables},
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
            tables=tuple(TableReport(**each) for each in summary["tables"].values()),
            seconds=summary["seconds"],
        )
