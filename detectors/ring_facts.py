"""What is known about a group once it is found: its people's ties, what they bought, how the counter saw them."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime

import duckdb
import numpy as np

from ringtrace.detectors.grouping import Group
from ringtrace.detectors.ties import Ties


@dataclass(frozen=True, slots=True)
class RunVisit:
    """A member's settlement in a joint run; `t` in seconds since 1970."""

    run: int
    psn_no: str
    setl_id: str
    fixmedins_code: str
    pos_no: str | None
    t: int

    @property
    def moment(self) -> datetime:
        return datetime.fromtimestamp(self.t, UTC).replace(tzinfo=None)


@dataclass(frozen=True, slots=True)
class RingFacts:
    """A group with everything that its reasons, checks and score are made of.

    `share`, `expected` and `solo` are by person: share of the runs attended, runs that chance would give, and the
    person's visits outside the runs.
    """

    group: Group
    visits: tuple[RunVisit, ...]
    share: dict[str, float]
    expected: dict[str, float]
    solo: dict[str, int]
    families: tuple[tuple[str, ...], ...]
    ties: Ties

    @property
    def persons(self) -> list[str]:
        return sorted(self.share)

    @property
    def size(self) -> int:
        return len(self.share)

    @property
    def runs(self) -> int:
        return self.group.runs.count

    @property
    def places(self) -> list[str]:
        return sorted({visit.fixmedins_code for visit in self.visits})

    @property
    def log_p(self) -> float:
        """log10 of the largest (worst) member's p-value, floored where floating point ends."""
        return float(np.log10(np.maximum(self.group.p_value, 1e-300)).max())


def read_facts(tables: duckdb.DuckDBPyConnection, groups: list[Group], ties: Ties) -> list[RingFacts]:
    """The facts of each group, in order, from the tables of `build_ring_tables`."""
    members: list[list[tuple[str, int, float, int]]] = [[] for _ in groups]
    for ring, psn_no, attended, expected, visits in tables.execute(
        "SELECT ring, psn_no, attended, expected, visits FROM ring_member ORDER BY ring, psn_no"
    ).fetchall():
        members[ring].append((psn_no, attended, expected, visits))
    seen: list[list[RunVisit]] = [[] for _ in groups]
    for ring, *row in tables.execute(
        "SELECT ring, run, psn_no, setl_id, fixmedins_code, pos_no, t FROM ring_visit ORDER BY ring, run, t, setl_id"
    ).fetchall():
        seen[ring].append(RunVisit(*row))
    return [
        RingFacts(
            group=group,
            visits=tuple(seen[number]),
            share={psn_no: attended / group.runs.count for psn_no, attended, _, _ in members[number]},
            expected={psn_no: expected for psn_no, _, expected, _ in members[number]},
            solo={psn_no: max(0, total - attended) for psn_no, attended, _, total in members[number]},
            families=tuple(tuple(each) for each in ties.families(row[0] for row in members[number])),
            ties=ties,
        )
        for number, group in enumerate(groups)
    ]
