"""Goods followed through time on the canvas: who passed a pack to whom, drawn and as steps."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final, Literal

from ringtrace.casework.exploration import Exploration
from ringtrace.graph.paths import Optimum
from ringtrace.graph.store import GraphStore, NodeRef, Relationship
from ringtrace.queries.paths_in_time import OUTLET, find_path

HAND_OVER: Final = "PASSED_ON"
"""Type of the links drawn for a path; the graph itself has none such, since no row records a hand-over."""
CARRIERS: Final = frozenset({"Patient", "Pharmacy", "Hospital", "Pack"})
"""Labels that a path of goods may begin or end at."""


@dataclass(frozen=True, slots=True)
class Step:
    """One hand-over: `pack` (trace code) went from `source` to `target` at `time`, as `settlement` shows."""

    time: datetime
    source: NodeRef
    target: NodeRef
    pack: str
    settlement: str


def follow(
    store: GraphStore,
    start: NodeRef,
    end: NodeRef | None,
    exploration: Exploration,
    *,
    direction: Literal["forward", "back"] = "forward",
    begin: datetime | None = None,
    until: datetime | None = None,
    longest_gap: timedelta | None = None,
    optimum: Optimum = "fewest_hops",
) -> list[Step]:
    """Find the best path of goods from `start` to `end` (None: any institution), draw it, and return its steps.

    Each step is later than the one before, by `longest_gap` at most, and all lie within `begin`–`until`. Empty if there
    is no such path; the canvas is then left as it is.

    Raises
    ------
    RingTraceError
        If there are too many packs to look at.
    """
    answer = find_path(
        store,
        start,
        end or OUTLET,
        direction=direction,
        begin=begin,
        until=until,
        longest_gap=longest_gap,
        optimum=optimum,
    )
    steps = [
        Step(time, NodeRef(source_label, source), NodeRef(target_label, target), pack, settlement or "")
        for _, time, source_label, source, target_label, target, pack, settlement in answer.rows.rows
    ]
    if steps:
        ends = dict.fromkeys(end for step in steps for end in (step.source, step.target))
        nodes = store.nodes(ends)
        passed = [
            Relationship(
                HAND_OVER, step.source, step.target, {"time": step.time, "pack": step.pack, "setl_id": step.settlement}
            )
            for step in steps
        ]
        exploration.add(nodes, passed, parent=start)
    return steps
