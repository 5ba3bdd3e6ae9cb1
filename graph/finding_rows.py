"""Findings as rows of the graph: `(Finding)-[:INVOLVES {role, weight}]->(member)` and `-[:CITES]->(Settlement)`."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from ringtrace.findings import Finding


@dataclass(frozen=True, slots=True)
class FindingRows:
    """`nodes` have the properties of `Finding`; `members` finding, label, id, role, weight; `cited` finding, id."""

    nodes: list[dict[str, Any]]
    members: list[dict[str, Any]]
    cited: list[dict[str, Any]]


def finding_rows(findings: Sequence[Finding]) -> FindingRows:
    """The rows of these findings; whether the graph holds the members and settlements is the store's to see."""
    nodes = [
        {
            "id": each.finding_id,
            "kind": each.kind,
            "level": each.level,
            "score": each.score,
            "amount": float(each.amount),
            "first": each.first_time,
            "last": each.last_time,
            "stub": False,
        }
        for each in findings
    ]
    members = [
        {
            "finding": each.finding_id,
            "label": member.label,
            "id": member.id,
            "role": member.role,
            "weight": member.weight,
        }
        for each in findings
        for member in each.members
    ]
    # A line is cited as `settlement|line`; its settlement is what the graph knows.
    settlements = {
        (each.finding_id, ref.key if ref.table == "settlements" else ref.key.rpartition("|")[0])
        for each in findings
        for ref in each.evidence
        if ref.table in {"settlements", "settlement_items"}
    }
    return FindingRows(nodes, members, [{"finding": finding, "id": key} for finding, key in sorted(settlements)])
