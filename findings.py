"""What a detector hands over: a finding with its reasons, the checks that could clear it, its people and its rows.

Sentences are kept as catalogue key and values (`Message`), so that the same finding reads in Chinese or English; the
contract's `findings.jsonl` carries them rendered in one language (`Finding.to_contract`).
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterable, Mapping
from dataclasses import asdict, dataclass, field
from datetime import datetime
from decimal import Decimal
from pathlib import Path
from typing import Any, Literal, Self

from ringtrace.texts import LANGUAGES, Language, catalogue, text
from ringtrace.workspace import Workspace, write_atomic

Level = Literal["red", "orange", "yellow", "explained"]
LEVELS: tuple[Level, ...] = ("red", "orange", "yellow", "explained")
Outcome = Literal["explains", "partly", "does_not_explain", "unknown"]
Label = Literal["Patient", "Card", "Doctor", "Pharmacy", "Hospital", "Drug", "Pack"]
BYSTANDER_ROLES = frozenset({"buyer", "witness", "cleared"})
UNSUSPECTED_ROLES = BYSTANDER_ROLES | {"place", "drug", "pack"}
"""Roles that accuse nobody: people who only appear, the places where others met, the goods."""
ACTORS: frozenset[Label] = frozenset({"Patient", "Card", "Doctor", "Pharmacy", "Hospital"})
"""Labels that can act; a drug or a pack cannot."""
Value = str | int | float | bool | None


def _word(value: Value, language: Language) -> Value:
    """The word for a code, or for several codes between commas; any other value as it is."""
    if not isinstance(value, str):
        return value
    entries = [
        catalogue().get(f"terms.kind.{code}") or catalogue().get(f"terms.by.{code}") for code in value.split(", ")
    ]
    known = [entry[language] for entry in entries if entry]
    return ("、" if language == "zh" else ", ").join(known) if len(known) == len(entries) else value


@dataclass(frozen=True, slots=True)
class Message:
    """A sentence of the catalogue with its values; `render` gives it in a language."""

    key: str
    values: Mapping[str, Value] = field(default_factory=dict)

    def render(self, language: Language) -> str:
        """The sentence; its key and values where this version's catalogue cannot say what a stored finding holds.

        A value that is the code of a kind of finding, or of a sort of evidence, is said in words.

        `check` tells whether it can, so that the run that writes a finding fails and its readers never do.
        """
        try:
            return text(self.key, language, **{name: _word(value, language) for name, value in self.values.items()})
        except (KeyError, IndexError, ValueError):
            return f"{self.key} ({', '.join(f'{name} {value}' for name, value in self.values.items())})"

    def check(self) -> None:
        """Raise if the catalogue lacks the sentence or one of its fields is not given: a bug of who wrote it.

        Raises
        ------
        KeyError, ValueError
            If the key or a field does not exist, or a value does not fit the field's format.
        """
        for language in LANGUAGES:
            text(self.key, language, **self.values)


@dataclass(frozen=True, slots=True)
class Reason:
    """One thing that was seen, and what chance or the peer group would have given.

    `expected` has the unit of `value`. One of `p_value` (0–1) and `ratio` (observed over expected) says how far apart
    they are; `rule_ref` cites a rule or a paper where there is one.
    """

    code: str
    message: Message
    value: Value
    expected: Value
    p_value: float | None = None
    ratio: float | None = None
    rule_ref: str | None = None

    def to_contract(self, language: Language) -> dict[str, Any]:
        shown = {
            "code": self.code,
            "text": self.message.render(language),
            "value": self.value,
            "expected": self.expected,
        }
        optional = {"p_value": self.p_value, "ratio": self.ratio, "rule_ref": self.rule_ref}
        return shown | {name: value for name, value in optional.items() if value is not None}


@dataclass(frozen=True, slots=True)
class Check:
    """An innocent explanation that was looked into, and what came of it.

    `unknown` means the data to check it is absent; that neither clears nor burdens anyone.
    """

    code: str
    outcome: Outcome
    message: Message
    value: Value = None
    expected: Value = None

    def to_contract(self, language: Language) -> dict[str, Any]:
        return {
            "code": self.code,
            "outcome": self.outcome,
            "text": self.message.render(language),
            "value": self.value,
            "expected": self.expected,
        }


@dataclass(frozen=True, slots=True, order=True)
class Member:
    """Someone or something in a finding."""

    label: Label
    id: str
    role: str
    weight: float = 1.0

    @property
    def suspected(self) -> bool:
        """Whether it may have acted: a drug cannot, and a place where others met did nothing by that."""
        return self.label in ACTORS and self.role not in UNSUSPECTED_ROLES


@dataclass(frozen=True, slots=True, order=True)
class EvidenceRef:
    """A source row: canonical table and key (`Table.key_sql`), and where it came from once the lineage is resolved."""

    table: str
    key: str
    file: str | None = None
    row: int | None = None
    sha256: str | None = None


@dataclass(frozen=True, slots=True)
class Finding:
    """Indicators consistent with a scheme; never a verdict. Fields as in the contract's table of findings.

    `amount` is the yuan sum of the cited evidence lines, computed by the runner and not by the detector.
    """

    finding_id: str
    kind: str
    level: Level
    score: float
    title: Message
    summary: Message
    amount: Decimal
    first_time: datetime | None
    last_time: datetime | None
    members: tuple[Member, ...]
    reasons: tuple[Reason, ...]
    counter_evidence: tuple[Check, ...]
    evidence: tuple[EvidenceRef, ...]
    detector: str
    version: str
    parameters: Mapping[str, Value]

    def __post_init__(self) -> None:
        if self.level not in LEVELS:
            raise ValueError(f"level {self.level!r} is not one of {', '.join(LEVELS)}")
        if not 0.0 <= self.score <= 1.0:
            raise ValueError(f"score {self.score} lies outside 0–1")

    def to_contract(self, language: Language) -> dict[str, Any]:
        """The object of one line of `findings.jsonl`: texts in `language`, money as a number with two decimals."""
        return {
            "finding_id": self.finding_id,
            "kind": self.kind,
            "level": self.level,
            "score": round(self.score, 4),
            "title": self.title.render(language),
            "summary": self.summary.render(language),
            "amount": float(round(self.amount, 2)),
            "first_time": self.first_time.isoformat(sep=" ") if self.first_time else None,
            "last_time": self.last_time.isoformat(sep=" ") if self.last_time else None,
            "members": [asdict(member) for member in self.members],
            "reasons": [reason.to_contract(language) for reason in self.reasons],
            "counter_evidence": [check.to_contract(language) for check in self.counter_evidence],
            "evidence": [asdict(row) for row in self.evidence],
            "detector": self.detector,
            "version": self.version,
            "parameters": dict(self.parameters),
        }

    def to_json(self) -> str:
        """One line that `from_json` reads back unchanged: the workspace's own form, language-free."""
        return json.dumps(asdict(self), ensure_ascii=False, sort_keys=True, default=str)

    @classmethod
    def from_json(cls, line: str) -> Self:
        raw = json.loads(line)

        def message(each: dict[str, Any]) -> Message:
            return Message(**each)

        def moment(each: str | None) -> datetime | None:
            return datetime.fromisoformat(each) if each else None

        return cls(
            **raw
            | {
                "title": message(raw["title"]),
                "summary": message(raw["summary"]),
                "amount": Decimal(raw["amount"]),
                "first_time": moment(raw["first_time"]),
                "last_time": moment(raw["last_time"]),
                "members": tuple(Member(**each) for each in raw["members"]),
                "reasons": tuple(Reason(**each | {"message": message(each["message"])}) for each in raw["reasons"]),
                "counter_evidence": tuple(
                    Check(**each | {"message": message(each["message"])}) for each in raw["counter_evidence"]
                ),
                "evidence": tuple(EvidenceRef(**each) for each in raw["evidence"]),
            }
        )


def stable_id(kind: str, anchors: Iterable[str]) -> str:
    """An id that depends only on the kind and on who the finding is about, not on order, layout or run.

    `anchors` are the ids that make two findings the same (for a ring: its core cards' owners).
    """
    digest = hashlib.sha256("\x1f".join([kind, *sorted(set(anchors))]).encode()).hexdigest()
    return f"{kind}-{digest[:12]}"


def save_findings(workspace: Workspace, findings: Iterable[Finding]) -> int:
    """Store a run's findings as the newest run, keep the earlier ones for comparison, and return the run's number."""
    run = current_run(workspace) + 1
    folder = workspace.path / "findings"
    write_atomic(folder / f"{run:06d}.jsonl", "".join(finding.to_json() + "\n" for finding in findings))
    write_atomic(folder / "CURRENT", f"{run}\n")
    return run


def current_run(workspace: Workspace) -> int:
    """Number of the newest detection run; 0 if there was none."""
    pointer = workspace.path / "findings" / "CURRENT"
    return int(pointer.read_text("ascii")) if pointer.is_file() else 0


def read_findings(workspace: Workspace, run: int | None = None) -> list[Finding]:
    """The findings of a run, the newest by default; none before the first run."""
    number = current_run(workspace) if run is None else run
    if number == 0:
        return []
    lines = (workspace.path / "findings" / f"{number:06d}.jsonl").read_bytes().decode("utf-8").split("\n")
    # Not `splitlines`: a value may hold U+2028 or U+0085, which JSON leaves as they are.
    return [Finding.from_json(line) for line in lines if line]


def read_gap_messages(workspace: Workspace, run: int | None = None) -> list[tuple[str, Message]]:
    """What the detectors of a run (the newest by default) could not use, and what that costs: kind and sentence."""
    number = current_run(workspace) if run is None else run
    path = gaps_path(workspace, number)
    if number == 0 or not path.is_file():
        return []
    return [(raw["detector"], Message(**raw["message"])) for raw in json.loads(path.read_text("utf-8"))]


def gaps_path(workspace: Workspace, run: int) -> Path:
    """The file beside a run's findings that holds its gaps."""
    return workspace.path / "findings" / f"{run:06d}.gaps.json"
