"""Groups back into the database: who was at which run with which settlements, for all groups at once.

Temporary tables made here:

    ring_member(ring, person, psn_no, attended, expected, by_habit, visits)
        runs attended, and what footfall and own habits would give; all visits of the person
    ring_visit(ring, run, person, psn_no, setl_id, fixmedins_code, pos_no, t, medfee_sumamt)
        settlements of members in joint runs
    solo_visit(psn_no, setl_id, fixmedins_code, stay, t, timed, begun, ended)
        members' other settlements; `stay` inpatient, `timed` with a time of day
"""

from __future__ import annotations

from collections.abc import Sequence

import duckdb
import numpy as np

from ringtrace.detectors.arrays import materialise
from ringtrace.detectors.rings.footfall import Footfall
from ringtrace.detectors.rings.grouping import Group
from ringtrace.detectors.rings.habit import attended_by_habit


def build_ring_tables(
    tables: duckdb.DuckDBPyConnection, footfall: Footfall, groups: Sequence[Group], *, window: int
) -> None:
    """Make the three tables from `groups`, numbered in their order. A group's visits are those of its members only."""
    members = [(number, group) for number, group in enumerate(groups)]
    empty = [np.empty(0, dtype=np.int64)]
    sizes = [len(group.persons) for group in groups]
    materialise(
        tables,
        "ring_person",
        {
            "ring": np.repeat(np.arange(len(groups)), sizes),
            "person": np.concatenate([group.persons for group in groups] or empty),
            "attended": np.concatenate([group.attended for group in groups] or empty),
            "expected": np.concatenate([group.expected for group in groups] or empty),
            "by_habit": np.concatenate([attended_by_habit(footfall, group) for group in groups] or [np.empty(0)]),
        },
    )
    rows, runs, rings = [], [], []
    for number, group in members:
        own = np.isin(footfall.person[group.runs.row], group.persons)
        rows.append(group.runs.row[own])
        runs.append(group.runs.row_run[own])
        rings.append(np.full(int(own.sum()), number))
    row = np.concatenate(rows or empty)
    materialise(
        tables,
        "ring_row",
        {
            "ring": np.concatenate(rings or empty),
            "run": np.concatenate(runs or empty),
            "person": footfall.person[row],
            "place": footfall.place[row],
            "t": footfall.t[row],
        },
    )
    tables.execute(
        "CREATE OR REPLACE TEMP TABLE ring_member AS "
        "SELECT r.*, p.psn_no, p.n AS visits FROM ring_person r JOIN visit_person p USING (person)"
    )
    tables.execute(
        """
        CREATE OR REPLACE TEMP TABLE ring_visit AS
        SELECT r.ring, min(r.run) AS run, r.person, p.psn_no, s.setl_id, s.fixmedins_code, s.pos_no,
            CAST(epoch(s.setl_time) AS BIGINT) AS t, s.medfee_sumamt
        FROM ring_row r JOIN visit_person p USING (person) JOIN visit_place v USING (place)
        JOIN settlements s ON s.psn_no = p.psn_no AND s.fixmedins_code = v.fixmedins_code
            AND CAST(epoch(s.setl_time) AS BIGINT) BETWEEN r.t AND r.t + v.grain + $window
        WHERE coalesce(s.refd_setl_flag, '0') <> '1' AND coalesce(s.manl_reim_flag, '0') <> '1'
            AND coalesce(s.med_type, '') <> '21'
        GROUP BY ALL
        """,
        {"window": window},
    )
    tables.execute(
        """
        CREATE OR REPLACE TEMP TABLE solo_visit AS
        SELECT psn_no, setl_id, fixmedins_code, coalesce(med_type = '21', false) AS stay,
            CAST(epoch(setl_time) AS BIGINT) AS t, epoch(setl_time) % 86400 > 0 AS timed,
            CAST(epoch(begntime) AS BIGINT) AS begun, CAST(epoch(endtime) AS BIGINT) AS ended
        FROM settlements
        WHERE psn_no IN (SELECT psn_no FROM ring_member) AND setl_id NOT IN (SELECT setl_id FROM ring_visit)
            AND coalesce(refd_setl_flag, '0') <> '1' AND coalesce(manl_reim_flag, '0') <> '1'
        """
    )
    tables.execute("DROP TABLE ring_person")
    tables.execute("DROP TABLE ring_row")
