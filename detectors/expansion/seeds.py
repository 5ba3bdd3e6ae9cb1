"""From the ids a user typed to people and institutions: persons, cards (their users), pharmacies and hospitals."""

from __future__ import annotations

from collections.abc import Sequence

import duckdb

from ringtrace.detectors.expansion.lead import Node
from ringtrace.errors import RingTraceError
from ringtrace.findings import Label


def resolve(tables: duckdb.DuckDBPyConnection, ids: Sequence[str]) -> list[Node]:
    """The nodes that `ids` name, sorted; a card stands for its owner and for everyone whose settlements it was used in.

    Raises
    ------
    RingTraceError
        If no id is given, or the workspace knows one of them neither as person nor card nor institution.
    """
    wanted = sorted({each.strip() for each in ids if each.strip()})
    if not wanted:
        raise RingTraceError.of("expansion.no_seed")
    rows = tables.execute(
        """
        WITH person AS (
            SELECT psn_no AS id, psn_no AS own FROM settlements WHERE list_contains($ids, psn_no)
            UNION SELECT psn_no, psn_no FROM persons WHERE list_contains($ids, psn_no)
            UNION SELECT mdtrt_cert_no, psn_no FROM settlements WHERE list_contains($ids, mdtrt_cert_no)
            UNION SELECT mdtrt_cert_no, psn_no FROM cards WHERE list_contains($ids, mdtrt_cert_no)
        ), place AS (
            SELECT fixmedins_code AS id, fixmedins_type AS type FROM institutions
            WHERE list_contains($ids, fixmedins_code)
        ), seen AS (
            SELECT fixmedins_code AS id, if(avg(CAST(med_type = '41' AS INTEGER)) > 0.5, '2', '1') AS type
            FROM settlements WHERE list_contains($ids, fixmedins_code) GROUP BY ALL
        )
        SELECT id, 'Patient', own FROM person
        UNION
        SELECT id, if(coalesce(place.type, seen.type, '2') = '1', 'Hospital', 'Pharmacy'), id
        FROM place FULL JOIN seen USING (id)
        """,
        {"ids": wanted},
    ).fetchall()
    if unknown := sorted(set(wanted) - {asked for asked, _, _ in rows}):
        raise RingTraceError.of("expansion.unknown_seed", ids=", ".join(unknown))
    return sorted({_node(label, own) for _, label, own in rows})


def _node(label: Label, own: str) -> Node:
    return Node(label, own)
