"""Whose papers come by one hand: an agent's account, or one visit to the desk after the other."""

from __future__ import annotations

from bisect import bisect_left, bisect_right
from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from itertools import pairwise

import duckdb
import networkx

from ringtrace.detectors.rings.ties import CROWDED

MOST_USERS = 5 * CROWDED["bank_acct"]
"""Most people of one account: an agent has more clients than a family has members, an office has everybody."""
DESK_HOURS = 8
"""Hours a day, about, in which papers are taken in."""


@dataclass(frozen=True)
class AgentThresholds:
    """`desk_minutes`: papers handed in so close to each other may be one person's visit to the desk.
    `desk_chance`: highest chance that a paper has another one of those paid twice beside it by accident.
    `agent_clients`: households whose bills were paid twice into one account, from which on its other users are named.
    `agent_share`: part of all who claim by hand into that account whose bills must have been paid twice, or its other
    users only appear: a village's clerk brings honest papers, too.
    """

    desk_minutes: float = 30.0
    desk_chance: float = 0.05
    agent_clients: int = 3
    agent_share: float = 0.5


@dataclass(slots=True)
class Case:
    """People whose second claims belong together; `by_account` and `by_desk` of them are tied by that.

    `partners` claim by hand into the same account, `holders` merely use it; both are empty unless it is an agent's.
    """

    claimants: tuple[str, ...]
    households: int
    by_account: int = 0
    by_desk: int = 0
    partners: tuple[str, ...] = ()
    holders: tuple[str, ...] = ()


@dataclass(slots=True)
class _Account:
    claimants: set[str] = field(default_factory=set)
    households: set[str] = field(default_factory=set)
    by_hand: set[str] = field(default_factory=set)
    others: set[str] = field(default_factory=set)

    def agents(self, limits: AgentThresholds) -> bool:
        beside = self.by_hand - self.claimants
        return len(self.households) >= limits.agent_clients and len(self.claimants) >= limits.agent_share * (
            len(self.claimants) + len(beside)
        )


def cases(
    tables: duckdb.DuckDBPyConnection, papers: Mapping[str, Sequence[datetime]], limits: AgentThresholds
) -> list[Case]:
    """The people of `papers` (times of their second claims) as cases: tied ones together, each other one alone.

    Two people are tied if their reimbursements go to one bank account (of `MOST_USERS` people at most: more are a
    placeholder or an office), or if their papers were handed in within `desk_minutes` of each other where chance gives
    hardly any of the papers paid twice such company: (D − 1) · max(c / N, w) ≤ `desk_chance`, with D people whose bills
    were paid twice, c of the N other claims by hand within the same time, and w the part that this time is of all desk
    hours of the days between the first and the last claim.
    """
    accounts, household = _accounts(tables, sorted(papers))
    graph: networkx.Graph[str] = networkx.Graph()
    graph.add_nodes_from(papers)
    by_account: set[str] = set()
    for account in accounts.values():
        people = sorted(account.claimants)
        graph.add_edges_from(pairwise(people))
        by_account |= account.claimants if len(people) > 1 else set()
    together = _together(tables, papers, limits)
    graph.add_edges_from(together)
    by_desk = {person for pair in together for person in pair}
    found = []
    for part in sorted(sorted(each) for each in networkx.connected_components(graph)):
        agents = [each for each in accounts.values() if each.claimants <= set(part) and each.agents(limits)]
        partners = {person for each in agents for person in each.by_hand} - set(part)
        holders = {person for each in agents for person in each.others} - set(part) - partners
        found.append(
            Case(
                tuple(part),
                len({household[person] for person in part}),
                len(by_account & set(part)),
                len(by_desk & set(part)),
                tuple(sorted(partners)),
                tuple(sorted(holders)),
            )
        )
    return found


def _accounts(tables: duckdb.DuckDBPyConnection, people: Sequence[str]) -> tuple[dict[str, _Account], dict[str, str]]:
    """The bank accounts of `people` with everybody who uses them, and everyone's household (the person, if unknown)."""
    rows = tables.execute(
        """
        WITH used AS (SELECT DISTINCT bank_acct FROM persons WHERE list_contains($people::VARCHAR[], psn_no)),
        hand AS (SELECT DISTINCT psn_no FROM standing WHERE by_hand)
        SELECT p.bank_acct, p.psn_no, coalesce(p.hh_no, p.psn_no), h.psn_no IS NOT NULL
        FROM persons p JOIN used USING (bank_acct) LEFT JOIN hand h ON h.psn_no = p.psn_no
        WHERE trim(p.bank_acct) <> '' QUALIFY count(*) OVER (PARTITION BY p.bank_acct) <= $most ORDER BY ALL
        """,
        {"people": list(people), "most": MOST_USERS},
    ).fetchall()
    twice = set(people)
    accounts: dict[str, _Account] = defaultdict(_Account)
    household = {person: person for person in people}
    for number, person, home, by_hand in rows:
        account = accounts[number]
        household[person] = home
        if person in twice:
            account.claimants.add(person)
            account.households.add(home)
        elif by_hand:
            account.by_hand.add(person)
        else:
            account.others.add(person)
    return dict(accounts), household


def _together(
    tables: duckdb.DuckDBPyConnection, papers: Mapping[str, Sequence[datetime]], limits: AgentThresholds
) -> list[tuple[str, str]]:
    """Pairs of people whose papers were handed in one after the other, where chance hardly does that."""
    near = timedelta(minutes=limits.desk_minutes)
    handed = sorted((time, person) for person, times in papers.items() for time in times)
    pairs = [
        (a, b)
        for number, (time, a) in enumerate(handed)
        for later, b in handed[number + 1 : number + 1 + MOST_USERS]
        if later - time <= near and a != b
    ]
    if not pairs:
        return []
    rows = tables.execute(
        "SELECT t FROM standing WHERE by_hand AND NOT list_contains($people::VARCHAR[], psn_no) ORDER BY t",
        {"people": sorted(papers)},
    ).fetchall()
    others = [row[0] for row in rows]
    days = max(1, (handed[-1][0] - handed[0][0]).days)
    share = 2 * limits.desk_minutes / 60 / DESK_HOURS / days
    times = {person: papers[person] for pair in pairs for person in pair}
    alone = {
        person: max(
            (bisect_right(others, time + near) - bisect_left(others, time - near)) / max(1, len(others))
            for time in each
        )
        for person, each in times.items()
    }
    rivals = len(papers) - 1
    return [(a, b) for a, b in dict.fromkeys(pairs) if rivals * max(alone[a], alone[b], share) <= limits.desk_chance]
