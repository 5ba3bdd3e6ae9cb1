"""Ties between people that the register knows: household, phone, address, bank account, family account, employer.

A value that too many people share is a placeholder (an office's phone, "unknown street 1") and ties nobody.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from typing import Final

import duckdb

CROWDED: Final[dict[str, int]] = {"hh_no": 15, "addr": 15, "tel": 8, "bank_acct": 8}
"""Most people who may share a value before it counts as a placeholder. Large households exist; a village phone too."""


@dataclass(frozen=True, slots=True)
class Ties:
    """What binds members of the groups: for each person the values shared with others, and workplace and care home.

    `kin` maps a person to the values (kind, value) that mean one family; `known` are persons with any register row.
    """

    kin: dict[str, set[tuple[str, str]]]
    employer: dict[str, str]
    care_home: dict[str, str]
    known: set[str]
    placeholders: dict[str, int] = field(default_factory=dict)

    def families(self, persons: Iterable[str]) -> list[list[str]]:
        """The persons in sets that share a tie, directly or through each other; largest first."""
        people = sorted(set(persons))
        parent = {person: person for person in people}

        def root(person: str) -> str:
            while parent[person] != person:
                parent[person] = parent[parent[person]]
                person = parent[person]
            return person

        first: dict[tuple[str, str], str] = {}
        for person in people:
            for tie in sorted(self.kin.get(person, ())):
                parent[root(person)] = root(first.setdefault(tie, person))
        sets: dict[str, list[str]] = defaultdict(list)
        for person in people:
            sets[root(person)].append(person)
        return sorted(sets.values(), key=lambda each: (-len(each), each))


def read_ties(tables: duckdb.DuckDBPyConnection) -> Ties:
    """Ties of the people in `ring_member`, from persons and cards."""
    kin: dict[str, set[tuple[str, str]]] = defaultdict(set)
    placeholders: dict[str, int] = {}
    tables.execute("CREATE OR REPLACE TEMP TABLE ring_people AS SELECT DISTINCT psn_no FROM ring_member")
    for column, limit in CROWDED.items():
        shared = tables.execute(
            f"""
            WITH own AS (SELECT psn_no, {column} AS v FROM persons WHERE {column} IS NOT NULL),
            used AS (SELECT v, count(*) AS n FROM own WHERE v IN (
                SELECT v FROM own WHERE psn_no IN (SELECT psn_no FROM ring_people)) GROUP BY v)
            SELECT psn_no, v, n FROM own JOIN used USING (v)
            WHERE n > 1 AND psn_no IN (SELECT psn_no FROM ring_people)
            """
        ).fetchall()
        for person, value, people in shared:
            if people > limit:
                placeholders[column] = placeholders.get(column, 0) + 1
            else:
                kin[person].add((column, value))
    for owner, user in tables.execute(
        """
        SELECT psn_no, share_psn_no FROM cards
        WHERE share_psn_no IS NOT NULL AND psn_no IN (SELECT psn_no FROM ring_people)
        """
    ).fetchall():
        kin[owner].add(("share_psn_no", owner))
        kin[user].add(("share_psn_no", owner))
    rows = tables.execute(
        "SELECT psn_no, emp_no, care_inst FROM persons WHERE psn_no IN (SELECT psn_no FROM ring_people)"
    ).fetchall()
    tables.execute("DROP TABLE ring_people")
    return Ties(
        kin=dict(kin),
        employer={person: employer for person, employer, _ in rows if employer},
        care_home={person: home for person, _, home in rows if home},
        known={person for person, _, _ in rows},
        placeholders=placeholders,
    )


def largest_share(values: Sequence[str | None]) -> float:
    """Share of the list that its most frequent value has; None is no value."""
    counts: dict[str, int] = defaultdict(int)
    for value in values:
        if value is not None:
            counts[value] += 1
    return max(counts.values(), default=0) / len(values) if values else 0.0
