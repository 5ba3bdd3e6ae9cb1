"""Tips as leads: a public report counts where the data, by themselves, point at the same subject."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime
from typing import ClassVar

import duckdb

from ringtrace.detectors.detector import Context, Draft, Gap
from ringtrace.findings import Check, EvidenceRef, Label, Member, Message, Reason, Value
from ringtrace.workspace import has_rows

_SUBJECTS: dict[str, tuple[Label, ...]] = {
    "person": ("Patient",),
    "institution": ("Pharmacy", "Hospital"),
    "practitioner": ("Doctor",),
}


@dataclass(frozen=True, slots=True)
class Thresholds:
    """`least_weight`: weight that the subject must carry in a finding for it to agree with the tip."""

    least_weight: float = 0.3


class TipLead:
    """A yellow draft for each subject of a tip whom another detector suspects; it raises attention, never a level.

    A tip without such support is no finding: anyone can be denounced. Their number is told.
    """

    kind: ClassVar[str] = "tip_lead"
    version: ClassVar[str] = "1"

    def __init__(self, thresholds: Thresholds | None = None) -> None:
        self.thresholds = thresholds or Thresholds()

    def detect(self, tables: duckdb.DuckDBPyConnection, context: Context) -> Iterable[Draft]:
        if not has_rows(tables, "tips"):
            context.gaps.append(Gap(self.kind, Message("claims.gap.no_tips")))
            return
        suspected = self._suspected(context)
        rows = tables.execute("""
            SELECT subj_type, subj_id, list(tip_id ORDER BY tip_time, tip_id), min(tip_time), max(tip_time)
            FROM tips WHERE subj_id IS NOT NULL GROUP BY 1, 2 ORDER BY 1, 2
        """).fetchall()
        unsupported = 0
        for subject_type, subject, tips, first, last in rows:
            found = [
                (label, suspected[label, subject])
                for label in _SUBJECTS.get(subject_type or "", ())
                if (label, subject) in suspected
            ]
            unsupported += 0 if found else len(tips)
            for label, drafts in found:
                yield self._draft(label, subject, tips, first, last, drafts)
        if unsupported:
            context.gaps.append(Gap(self.kind, Message("claims.gap.tips_alone", {"n": unsupported})))

    def _suspected(self, context: Context) -> dict[tuple[Label, str], dict[str, float]]:
        """Highest score by kind of the drafts that suspect someone, by label and id."""
        found: dict[tuple[Label, str], dict[str, float]] = defaultdict(dict)
        for kind, drafts in context.drafts.items():
            for draft in drafts if kind != self.kind else ():
                for member in draft.members if draft.level != "explained" else ():
                    if member.suspected and member.weight >= self.thresholds.least_weight:
                        kinds = found[member.label, member.id]
                        kinds[kind] = max(kinds.get(kind, 0.0), draft.score)
        return found

    def _draft(
        self, label: Label, subject: str, tips: list[str], first: datetime, last: datetime, kinds: dict[str, float]
    ) -> Draft:
        values: dict[str, Value] = {"subject": subject, "tips": len(tips), "kinds": len(kinds)}
        return Draft(
            anchors=(label, subject),
            level="yellow",
            # Whether the tip leads anywhere is as certain as the best finding that agrees, and yellow says no more.
            score=min(0.59, max(kinds.values())),
            title=Message("claims.tip.title", values),
            summary=Message("claims.tip.summary", values),
            first_time=first,
            last_time=last,
            members=(Member(label, subject, "subject"),),
            reasons=(
                Reason("tips", Message("claims.tip.reason", values), len(tips), 0),
                *(
                    Reason(
                        "agrees", Message("claims.tip.agrees", {"kind": kind, "score": score}), round(score, 3), None
                    )
                    for kind, score in sorted(kinds.items())
                ),
            ),
            counter_evidence=(Check("denunciation", "unknown", Message("claims.tip.check.denunciation")),),
            evidence=tuple(EvidenceRef("tips", tip) for tip in tips),
        )
