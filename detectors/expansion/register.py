"""What the register says of two people: what they share that asks a question, and what excuses much of what they do.

Shared phone or bank account in different households, and a card that two people present, are links. The same household,
address, family account, employer or care home excuse a link that kin or colleagues would make anyway. A value that more
than `rings.ties.CROWDED` people share is a placeholder and says nothing either way.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Final

import duckdb

from ringtrace.detectors.expansion.lead import Link, Node
from ringtrace.detectors.rings.ties import CROWDED
from ringtrace.detectors.rings.whereabouts import HOUSE_NUMBER
from ringtrace.findings import Check, EvidenceRef, Finding, Message

SHARED: Final[Mapping[str, float]] = {"tel": 0.5, "bank_acct": 0.8}
"""Strength of a phone or bank account in common: an aunt's phone is common, a common account is rarer."""
SHARED_CARD: Final = 0.7
EXCUSES: Final[Mapping[str, float]] = {
    "household": 0.15,
    "family_account": 0.15,
    "sister_branch": 0.15,
    "addr": 0.3,
    "care_inst": 0.3,
    "explained": 0.3,
    "emp_no": 0.5,
    "goods": 0.5,
    "quarter": 0.6,
}
"""Part of a link that is left where this excuses it; a judgement, not a fit."""
LARGEST: Final[Mapping[str, int]] = {
    "hh_no": CROWDED["hh_no"],
    "addr": CROWDED["addr"],
    "care_inst": 1000,
    "emp_no": 1000,
}
"""Most people who may share such a value for it to bind them."""


def register_links(tables: duckdb.DuckDBPyConnection, frontier: Sequence[str], known: Sequence[str]) -> list[Link]:
    """Links from people of `frontier` to others by phone, bank account and card."""
    return _shared_values(tables, frontier, known) + _shared_cards(tables, frontier, known)


def _shared_values(tables: duckdb.DuckDBPyConnection, frontier: Sequence[str], known: Sequence[str]) -> list[Link]:
    links = []
    for column, strength in SHARED.items():
        rows = tables.execute(
            f"""
            WITH own AS (SELECT psn_no AS one, {column} AS v FROM persons WHERE list_contains($frontier, psn_no)),
            users AS (SELECT {column} AS v, list_sort(list(psn_no)) AS people FROM persons
                      WHERE {column} IN (SELECT v FROM own) GROUP BY ALL)
            SELECT one, unnest(people) AS other, len(people) FROM own JOIN users USING (v)
            WHERE len(people) BETWEEN 2 AND $most ORDER BY ALL
            """,
            {"frontier": list(frontier), "most": CROWDED[column]},
        ).fetchall()
        links += [
            Link(
                via=Node("Patient", one),
                to=Node("Patient", other),
                pattern="register",
                strength=strength,
                message=Message(f"expansion.because.{column}", {"person": one, "n": people}),
                evidence=(EvidenceRef("persons", one), EvidenceRef("persons", other)),
            )
            for one, other, people in rows
            if other not in known
        ]
    return links


def _shared_cards(tables: duckdb.DuckDBPyConnection, frontier: Sequence[str], known: Sequence[str]) -> list[Link]:
    rows = tables.execute(
        """
        WITH own AS (
            SELECT DISTINCT mdtrt_cert_no, psn_no AS one FROM settlements WHERE list_contains($frontier, psn_no)
            UNION SELECT mdtrt_cert_no, psn_no FROM cards WHERE list_contains($frontier, psn_no)
        ), used AS (
            SELECT mdtrt_cert_no, psn_no, list_sort(list(setl_id)) AS keys FROM settlements
            WHERE mdtrt_cert_no IN (SELECT mdtrt_cert_no FROM own) GROUP BY 1, 2
            QUALIFY count(*) OVER (PARTITION BY mdtrt_cert_no) <= $most
        )
        SELECT one, u.psn_no, mdtrt_cert_no, u.keys FROM own JOIN used u USING (mdtrt_cert_no)
        WHERE u.psn_no <> one ORDER BY ALL
        """,
        {"frontier": list(frontier), "most": CROWDED["tel"]},
    ).fetchall()
    return [
        Link(
            via=Node("Patient", one),
            to=Node("Patient", other),
            pattern="register",
            strength=SHARED_CARD,
            message=Message("expansion.because.card", {"person": one, "card": card, "n": len(keys)}),
            evidence=tuple(EvidenceRef("settlements", key) for key in keys),
        )
        for one, other, card, keys in rows
        if other not in known
    ]


def excuses(
    tables: duckdb.DuckDBPyConnection, pairs: Sequence[tuple[str, str]], findings: Sequence[Finding]
) -> dict[tuple[str, str], tuple[Check, ...]]:
    """The innocent links between the two people of each pair; pairs that have none are absent.

    `findings` are those of the newest run: people who stand together in one that was explained are excused by it.
    """
    found: dict[tuple[str, str], list[Check]] = {}
    people = sorted({person for pair in pairs for person in pair})
    for code, values in _bonds(tables, people).items():
        for one, other in pairs:
            if values.get(one, set()) & values.get(other, set()):
                found.setdefault((one, other), []).append(
                    Check(
                        code, "explains" if EXCUSES[code] <= 0.15 else "partly", Message(f"expansion.innocent.{code}")
                    )
                )
    together = [
        (finding.finding_id, {member.id for member in finding.members if member.label == "Patient"})
        for finding in findings
        if finding.level == "explained"
    ]
    for one, other in pairs:
        for finding_id, members in together:
            if one in members and other in members:
                message = Message("expansion.innocent.explained", {"finding": finding_id})
                found.setdefault((one, other), []).append(Check("explained", "partly", message))
                break
    return {pair: tuple(checks) for pair, checks in found.items()}


def remaining(checks: Sequence[Check]) -> float:
    """The part of a link that its excuses leave: the strongest one counts, for kin also live together."""
    return min((EXCUSES[check.code] for check in checks), default=1.0)


def _bonds(tables: duckdb.DuckDBPyConnection, people: Sequence[str]) -> dict[str, dict[str, set[str]]]:
    """For each kind of bond the values by person; people who share a value have that bond."""
    bonds: dict[str, dict[str, set[str]]] = {}
    for column, most in LARGEST.items():
        code = "household" if column == "hh_no" else column
        bonds[code] = {}
        for person, value in tables.execute(
            f"""
            WITH own AS (SELECT psn_no, {column} AS v FROM persons WHERE list_contains($people, psn_no))
            SELECT psn_no, v FROM own WHERE v IN (
                SELECT {column} FROM persons WHERE {column} IN (SELECT v FROM own) GROUP BY 1 HAVING count(*) <= $most
            )
            """,
            {"people": list(people), "most": most},
        ).fetchall():
            bonds[code].setdefault(person, set()).add(value)
    bonds["quarter"] = {
        person: {quarter}
        for person, quarter in tables.execute(
            "SELECT psn_no, regexp_replace(regexp_replace(addr, $house, ''), '^[0-9]+ ', '') FROM persons "
            "WHERE addr IS NOT NULL AND list_contains($people, psn_no)",
            {"people": list(people), "house": HOUSE_NUMBER},
        ).fetchall()
        if quarter
    }
    bonds["family_account"] = {}
    for owner, user in tables.execute(
        """
        SELECT psn_no, share_psn_no FROM cards WHERE share_psn_no IS NOT NULL
            AND (list_contains($people, psn_no) OR list_contains($people, share_psn_no))
        """,
        {"people": list(people)},
    ).fetchall():
        for person in (owner, user):
            bonds["family_account"].setdefault(person, set()).add(owner)
    return bonds
