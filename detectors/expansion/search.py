"""The search hop by hop: links from everyone followed so far → excuses → scores → the leads that are followed next."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping, Sequence
from math import prod
from typing import Final

from ringtrace.detectors.expansion.goods import pack_links, uncovered_links
from ringtrace.detectors.expansion.lead import Lead, Link, Node
from ringtrace.detectors.expansion.meetings import gather_visits, occasion_links, pair_links
from ringtrace.detectors.expansion.register import excuses, register_links, remaining
from ringtrace.detectors.expansion.seeds import resolve
from ringtrace.findings import Check, Finding, read_findings
from ringtrace.progress import Progress, Step, silent
from ringtrace.workspace import Workspace

FOLLOWED: Final = 0.5
"""Score from which a lead is followed to the next hop: what is more likely innocent leads no further."""
FURTHER: Final = 0.8
"""What each further hop leaves of a link that rests on one node alone: a second circle may be another story."""
SUREST: Final = 0.99
"""Highest score of a lead; only what was given is certain."""
SHOWN: Final = 0.05
"""Score below which a link is not worth an investigator's time."""


def expand(
    workspace: Workspace, ids: Sequence[str], *, hops: int = 2, limit: int = 50, progress: Progress = silent
) -> tuple[Lead, ...]:
    """From known people, cards or institutions to those who share their pattern, best first within each hop.

    Patterns are joint visits beyond footfall and habit, packs that passed on, sales without a pack at the same
    pharmacy, and a phone, bank account or card in common. A lead's score is 1 − Π over patterns (1 − score of the one
    it was reached through · strength of the strongest link · what innocent links and the way leave); seeds have 1.

    Parameters
    ----------
    workspace:
        Where the tables are; findings of its newest run are read for innocent explanations only.
    ids:
        Person numbers, card numbers and institution codes, mixed as they come.
    hops:
        How far to go; 1 gives those who share a pattern with the ids themselves.
    limit:
        Most leads to return, and most to follow from one hop to the next.

    Raises
    ------
    RingTraceError
        If an id is unknown to the workspace, or none is given.
    """
    with workspace.connect() as tables:
        frontier = resolve(tables, ids)
    findings = read_findings(workspace)
    scores = dict.fromkeys(frontier, 1.0)
    leads: list[Lead] = []
    for hop in range(1, hops + 1):
        progress(Step("expansion.step", hop - 1, hops))
        links = [each for each in _links(workspace, frontier, scores) if each.to not in scores]
        found = _leads(workspace, links, scores, findings, hop)[:limit]
        leads += found
        scores |= {lead.node: lead.score for lead in found}
        frontier = [lead.node for lead in found if lead.score >= FOLLOWED]
        if not frontier:
            break
    progress(Step("expansion.step", hops, hops))
    return tuple(leads[:limit])


def _links(workspace: Workspace, frontier: Sequence[Node], scores: Mapping[Node, float]) -> list[Link]:
    """All links from the frontier, and from the occasions of everyone followed so far."""
    people = [node.id for node in frontier if node.label == "Patient"]
    places = [node.id for node in frontier if node.label != "Patient"]
    core = sorted(node.id for node, score in scores.items() if node.label == "Patient" and score >= FOLLOWED)
    known = [node.id for node in scores if node.label == "Patient"]
    links: list[Link] = []
    if people:
        with workspace.connect() as tables:
            gather_visits(tables, core)
            links += pair_links(tables, people, known)
            if len(core) > 1:
                links += occasion_links(tables, core)
            links += register_links(tables, people, known)
    return [*links, *pack_links(workspace, people, places), *uncovered_links(workspace, people, places)]


def _leads(
    workspace: Workspace, links: Sequence[Link], scores: Mapping[Node, float], findings: Sequence[Finding], hop: int
) -> list[Lead]:
    """One lead for each node that links lead to, best first."""
    pairs = sorted({(each.via.id, each.to.id) for each in links if each.via.label == each.to.label == "Patient"})
    with workspace.connect() as tables:
        innocent = excuses(tables, pairs, findings) if pairs else {}
    by_node: dict[Node, list[tuple[float, Link, tuple[Check, ...]]]] = defaultdict(list)
    for link in links:
        checks = link.checks + (innocent.get((link.via.id, link.to.id), ()) if link.excusable else ())
        way = 1.0 if link.joint else FURTHER ** (hop - 1)
        # Rounded, for sums over threads end in another last digit each time, and equal links would change places.
        weight = round(scores[link.via] * link.strength * remaining(checks) * way, 6)
        if weight >= SHOWN:
            by_node[link.to].append((weight, link, checks))
    leads = [_lead(node, weighed, hop) for node, weighed in by_node.items()]
    return sorted(leads, key=lambda lead: (-lead.score, lead.node))


def _lead(node: Node, weighed: Sequence[tuple[float, Link, tuple[Check, ...]]], hop: int) -> Lead:
    ordered = sorted(weighed, key=lambda each: (-each[0], each[1].pattern, each[1].via))
    best: dict[str, tuple[float, Link, tuple[Check, ...]]] = {}
    for weight, link, checks in ordered:
        best.setdefault(link.message.key, (weight, link, checks))
    strongest: dict[str, float] = {}
    for weight, link, _ in best.values():
        strongest[link.pattern] = max(weight, strongest.get(link.pattern, 0.0))
    innocent = {check.code: check for _, _, checks in ordered for check in checks}
    return Lead(
        label=node.label,
        id=node.id,
        hop=hop,
        score=round(min(SUREST, 1 - prod(1 - weight for weight in strongest.values())), 6),
        via=tuple(dict.fromkeys(link.via for _, link, _ in best.values())),
        because=tuple(link.message for _, link, _ in best.values()),
        innocent=tuple(innocent.values()),
        evidence=tuple(sorted({row for _, link, _ in best.values() for row in link.evidence})),
    )
