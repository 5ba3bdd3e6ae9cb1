"""What an expansion hands over: links between two nodes, each with its words and rows, and leads made of links."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass
from typing import Any, Literal

from ringtrace.findings import Check, EvidenceRef, Label, Message
from ringtrace.texts import Language

Pattern = Literal["meetings", "packs", "uncovered", "register"]
PATTERNS: tuple[Pattern, ...] = ("meetings", "packs", "uncovered", "register")
"""The families of links. Links of one family rest on the same rows, so that only the strongest of them counts."""


@dataclass(frozen=True, slots=True, order=True)
class Node:
    """A person or an institution, by its business key."""

    label: Label
    id: str


@dataclass(frozen=True, slots=True)
class Link:
    """What two nodes share. `strength` is the part of what was seen, 0–1, that chance does not account for.

    `excusable` says whether kinship, a common employer and the like can explain it: meeting can, a pack's way cannot;
    `joint` that it rests on several of those followed and not on `via` alone; `checks` are excuses of its own.
    """

    via: Node
    to: Node
    pattern: Pattern
    strength: float
    message: Message
    evidence: tuple[EvidenceRef, ...]
    excusable: bool = True
    joint: bool = False
    checks: tuple[Check, ...] = ()


@dataclass(frozen=True, slots=True)
class Lead:
    """Someone, or some institution, who shares the pattern of those already known; a lead to be looked at, no more.

    Fields
    ------
    hop
        Steps from the ids that were given.
    score
        0–1; what is left of the links' strength after the innocent links and the way from the seeds.
    via
        Who it was reached through, of the hop before (or the seeds): the strongest link's first.
    because
        Each link in words: what is shared, how often, what chance would give.
    innocent
        What else would explain the link: same household, employer, care home, a finding that was explained.
    evidence
        Source rows behind the links, as canonical table and key.
    """

    label: Label
    id: str
    hop: int
    score: float
    via: tuple[Node, ...]
    because: tuple[Message, ...]
    innocent: tuple[Check, ...]
    evidence: tuple[EvidenceRef, ...]

    @property
    def node(self) -> Node:
        return Node(self.label, self.id)

    def shown(self, language: Language) -> Mapping[str, Any]:
        """The lead with its sentences in `language`, ready for JSON or a table."""
        return {
            "label": self.label,
            "id": self.id,
            "hop": self.hop,
            "score": round(self.score, 4),
            "via": [asdict(node) for node in self.via],
            "because": [message.render(language) for message in self.because],
            "innocent": [check.to_contract(language) for check in self.innocent],
            "evidence": [{"table": row.table, "key": row.key} for row in self.evidence],
        }
