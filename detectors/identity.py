"""Ids that survive: a ring found again in a later run, with more months or a member more, keeps the id it had."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence
from typing import Final

from ringtrace.detectors.detector import Draft
from ringtrace.findings import Finding, Member, stable_id

SAME: Final = 0.5
"""Jaccard index of suspected members from which two findings of a kind are the same one."""


def identify(kind: str, drafts: Sequence[Draft], known: Sequence[Finding]) -> list[str]:
    """The id of each draft, in order.

    A draft keeps the id of the known finding of its kind whose suspected members it shares by a Jaccard index of at
    least 0.5; pairs are taken best first, each draft and each known finding once. The others get `stable_id(kind,
    anchors)`; should two drafts have the same anchors, the later one's first evidence row tells them apart.
    """
    fresh = _fresh(kind, drafts)
    ids: list[str | None] = [None] * len(drafts)
    taken: set[str] = set()
    for _, _, number, finding_id in sorted(_pairs(drafts, fresh, known)):
        if ids[number] is None and finding_id not in taken:
            ids[number] = finding_id
            taken.add(finding_id)
    for number, own in enumerate(fresh):
        if ids[number] is None:
            # An id that a known finding took over from other anchors must not be given twice.
            while own in taken:
                own = stable_id(kind, [own])
            ids[number] = own
            taken.add(own)
    return [each for each in ids if each is not None]


def _fresh(kind: str, drafts: Sequence[Draft]) -> list[str]:
    ids: list[str] = []
    for draft in drafts:
        own = stable_id(kind, draft.anchors)
        if own in ids:
            own = stable_id(kind, [*draft.anchors, *(row.key for row in draft.evidence[:1])])
        ids.append(own)
    return ids


def _suspected(members: Sequence[Member]) -> frozenset[tuple[str, str]]:
    named = frozenset((member.label, member.id) for member in members if member.suspected)
    return named or frozenset((member.label, member.id) for member in members)


def _pairs(
    drafts: Sequence[Draft], fresh: Sequence[str], known: Sequence[Finding]
) -> list[tuple[float, bool, int, str]]:
    """(−Jaccard, is another id, draft's number, known id) of all pairs that are alike enough to be the same."""
    holders: dict[tuple[str, str], list[int]] = defaultdict(list)
    groups = [_suspected(finding.members) for finding in known]
    for place, group in enumerate(groups):
        for member in group:
            holders[member].append(place)
    pairs: list[tuple[float, bool, int, str]] = []
    for number, draft in enumerate(drafts):
        own = _suspected(draft.members)
        for place in sorted({place for member in own for place in holders.get(member, ())}):
            jaccard = len(own & groups[place]) / len(own | groups[place])
            if jaccard >= SAME:
                finding_id = known[place].finding_id
                pairs.append((-jaccard, finding_id != fresh[number], number, finding_id))
    return pairs
