"""What a detector is: tables in, drafts of findings out. The runner makes ids, amounts and lineage of them."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import asdict, dataclass, field, is_dataclass
from datetime import datetime
from typing import Any, ClassVar, Protocol

import duckdb

from ringtrace.findings import Check, EvidenceRef, Level, Member, Message, Reason, Value
from ringtrace.progress import Progress, silent


@dataclass(frozen=True, slots=True)
class Draft:
    """A finding before the runner completes it.

    `anchors` are the ids that make two findings the same one (for a ring: its core members); `evidence` needs table and
    key only. Fields otherwise as in `Finding`.
    """

    anchors: tuple[str, ...]
    level: Level
    score: float
    title: Message
    summary: Message
    first_time: datetime | None
    last_time: datetime | None
    members: tuple[Member, ...]
    reasons: tuple[Reason, ...]
    counter_evidence: tuple[Check, ...]
    evidence: tuple[EvidenceRef, ...]

    @property
    def accuses(self) -> bool:
        """Whether it stands at orange or above: what others lean on, and what is counted against an innocent."""
        return self.level in ("red", "orange")

    @property
    def suspected_people(self) -> frozenset[str]:
        return frozenset(each.id for each in self.members if each.label == "Patient" and each.suspected)

    @property
    def suspected_places(self) -> frozenset[str]:
        return frozenset(each.id for each in self.members if each.label in ("Pharmacy", "Hospital") and each.suspected)


@dataclass(frozen=True, slots=True)
class Gap:
    """Data that a detector could not use, and what that costs: shown beside its findings, or instead of them."""

    detector: str
    message: Message


@dataclass(slots=True)
class Context:
    """What detectors of one run share: the drafts made before (by kind), the gaps they met, the progress to report.

    Resale runs before collusion, which leaves out the sales that resale has claimed; so the order of the registry
    matters and each detector reads only the kinds before it.
    """

    drafts: dict[str, list[Draft]] = field(default_factory=dict)
    gaps: list[Gap] = field(default_factory=list)
    progress: Progress = silent
    without: frozenset[str] = frozenset()

    def without_of(self, kind: str) -> frozenset[str]:
        """Signals and checks of a kind that this run leaves out (`parts`), to measure what they are worth."""
        return frozenset(each.removeprefix(f"{kind}.") for each in self.without if each.startswith(f"{kind}."))

    def accused(self, *kinds: str) -> frozenset[str]:
        """People whom findings to act on of these kinds, among the drafts made before, name."""
        return frozenset(
            person
            for kind in kinds
            for draft in self.drafts.get(kind, ())
            if draft.accuses
            for person in draft.suspected_people
        )

    def accused_places(self, *kinds: str) -> frozenset[str]:
        """Institutions whom findings to act on of these kinds, among the drafts made before, name."""
        drafts = (draft for kind in kinds for draft in self.drafts.get(kind, ()) if draft.accuses)
        return frozenset(place for draft in drafts for place in draft.suspected_places)

    def evidence_keys(self, kind: str, table: str) -> set[str]:
        """Keys of `table` rows that drafts of `kind` already cite which accuse somebody."""
        return {
            row.key
            for draft in self.drafts.get(kind, [])
            if draft.accuses
            for row in draft.evidence
            if row.table == table
        }


class Detector(Protocol):
    """One kind of finding; `thresholds` is a frozen dataclass whose fields each finding shows as `parameters`."""

    kind: ClassVar[str]
    version: ClassVar[str]
    thresholds: Any

    def detect(self, tables: duckdb.DuckDBPyConnection, context: Context) -> Iterable[Draft]:
        """Drafts found in `tables` (a `Workspace.connect()` connection; temporary tables of its own are welcome)."""
        ...


def parameters(detector: Detector) -> Mapping[str, Value]:
    """The detector's thresholds by name, as findings show them."""
    if not is_dataclass(detector.thresholds) or isinstance(detector.thresholds, type):
        raise TypeError(f"{detector.kind}: thresholds must be a dataclass instance")
    return asdict(detector.thresholds)
