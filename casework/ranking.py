"""Findings in the order an investigator reads them, filtered, and compared with the run before."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Sequence
from dataclasses import dataclass
from typing import Any, Final, Literal, get_args

from ringtrace.findings import LEVELS, Finding, Level, Member, current_run, read_findings
from ringtrace.workspace import Workspace

Order = Literal["urgency", "score", "amount", "newest", "people"]
Change = Literal["new", "grown", "shrunk", "same"]
CHANGES: Final[tuple[Change, ...]] = get_args(Change)


def suspects(finding: Finding) -> int:
    """Number of suspected patients, or of all suspected members where no patient is among them."""
    suspected = {(member.label, member.id) for member in finding.members if member.suspected}
    patients = [label for label, _ in suspected if label == "Patient"]
    return len(patients) or len(suspected)


_ORDERS: Final[dict[Order, Callable[[Finding], Any]]] = {
    "urgency": lambda each: (LEVELS.index(each.level), -each.score, -each.amount),
    "score": lambda each: -each.score,
    "amount": lambda each: -each.amount,
    "newest": lambda each: -(each.last_time.timestamp() if each.last_time else 0.0),
    "people": lambda each: -suspects(each),
}
ORDERS: Final[tuple[Order, ...]] = tuple(_ORDERS)


def rank(findings: Iterable[Finding], order: Order = "urgency") -> list[Finding]:
    """The findings in `order`; equal ones by id, so that the list is the same each time."""
    key = _ORDERS[order]
    return sorted(findings, key=lambda each: (key(each), each.finding_id))


def select(
    findings: Iterable[Finding],
    *,
    kinds: Collection[str] = (),
    levels: Collection[Level] = (),
    text: str = "",
    told: Callable[[Finding], str] = lambda finding: finding.finding_id,
) -> list[Finding]:
    """The findings of the given kinds and levels (empty: all) that mention `text` in id, members, or what is `told`."""
    wanted = text.strip().casefold()
    return [
        finding
        for finding in findings
        if (not kinds or finding.kind in kinds)
        and (not levels or finding.level in levels)
        and (not wanted or any(wanted in each.casefold() for each in _searched(finding, told)))
    ]


def _searched(finding: Finding, told: Callable[[Finding], str]) -> Iterable[str]:
    yield finding.finding_id
    yield told(finding)
    yield from (member.id for member in finding.members)


def findings_with(findings: Iterable[Finding], label: str, key: str) -> list[tuple[Finding, Member]]:
    """The findings that something is in, with it as their member, gravest first."""
    within = [
        (finding, member)
        for finding in findings
        for member in finding.members
        if (member.label, member.id) == (label, key)
    ]
    return sorted(within, key=lambda each: (LEVELS.index(each[0].level), -each[0].score, each[0].finding_id))


@dataclass(frozen=True, slots=True)
class Comparison:
    """The newest run beside the one before: the change of each finding by id, and the findings that are gone."""

    changes: dict[str, Change]
    gone: Sequence[Finding]

    def only(self, findings: Iterable[Finding], wanted: Collection[Change]) -> list[Finding]:
        """The findings that changed in one of the `wanted` ways (empty: all)."""
        return [each for each in findings if not wanted or self.changes[each.finding_id] in wanted]


def compare_runs(workspace: Workspace) -> Comparison | None:
    """How the newest run differs from the one before it; None if there was only one."""
    run = current_run(workspace)
    if run < 2:
        return None
    earlier = {finding.finding_id: finding for finding in read_findings(workspace, run - 1)}
    changes: dict[str, Change] = {}
    for finding in read_findings(workspace, run):
        before = earlier.pop(finding.finding_id, None)
        changes[finding.finding_id] = "new" if before is None else _growth(before, finding)
    return Comparison(changes, tuple(earlier.values()))


def _growth(before: Finding, now: Finding) -> Change:
    size_before, size_now = (suspects(before), len(before.evidence)), (suspects(now), len(now.evidence))
    if size_now == size_before:
        return "same"
    return "grown" if size_now > size_before else "shrunk"
