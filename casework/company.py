"""Whom and what a thing is most involved with, and with whom a person shares a household, a telephone or an account."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from decimal import Decimal
from typing import Final

import duckdb

from ringtrace.casework.lines import condition, has_lines
from ringtrace.graph.store import NodeRef

_PLACE: Final = "CASE WHEN i.fixmedins_type IS DISTINCT FROM '2' THEN 'Hospital' ELSE 'Pharmacy' END"
_DRUG: Final = (
    "SELECT 'Drug' AS label, item.med_list_codg AS id, count(DISTINCT item.setl_id) AS settlements,"
    " sum(item.det_item_fee_sumamt) AS amount FROM settlement_items AS item"
    " WHERE item.setl_id IN (SELECT setl_id FROM chosen) GROUP BY item.med_list_codg"
)
_BY_COLUMN: Final = (
    "SELECT {label} AS label, chosen.{column} AS id, count(*) AS settlements, sum(medfee_sumamt) AS amount"
    " FROM chosen {join} WHERE chosen.{column} IS NOT NULL GROUP BY ALL"
)
_WAYS: Final = {
    "place": _BY_COLUMN.format(
        label=_PLACE, column="fixmedins_code", join="LEFT JOIN institutions AS i USING (fixmedins_code)"
    ),
    "person": _BY_COLUMN.format(label="'Patient'", column="psn_no", join=""),
    "doctor": _BY_COLUMN.format(label="'Doctor'", column="chfpdr_code", join=""),
    "drug": _DRUG,
}
_ASKED: Final[dict[str, tuple[str, ...]]] = {
    "Patient": ("place", "drug", "doctor"),
    "Card": ("person", "place"),
    "Pharmacy": ("person", "drug"),
    "Hospital": ("person", "doctor", "drug"),
    "Doctor": ("person", "place", "drug"),
    "Drug": ("place", "person"),
    "Pack": ("place", "person"),
}
"""Label → what one asks of it, in this order."""
_SHARED: Final = ("hh_no", "tel", "bank_acct", "addr", "care_inst", "emp_no")
_PLACEHOLDER: Final = 200  # more people with one telephone share a form's default and not a telephone


@dataclass(frozen=True, slots=True)
class Company:
    """A person, place, doctor or drug that settlements name too: in how many of them, and their sum (yuan)."""

    label: str
    id: str
    settlements: int
    amount: Decimal


@dataclass(frozen=True, slots=True)
class Shared:
    """A field of the register in which others have the same value: its column, how many others, some person numbers."""

    column: str
    others: int
    people: Sequence[str]


def company(connection: duckdb.DuckDBPyConnection, ref: NodeRef, limit: int = 5) -> list[Company]:
    """What the settlements of `ref` name most often: `limit` places, people, doctors, drugs, as far as they apply."""
    asked = _ASKED.get(ref.label, ())
    if not asked or not has_lines([ref]):
        return []
    where, keys = condition([ref])
    found = []
    for way in asked:
        rows = connection.execute(
            f"WITH chosen AS (SELECT * FROM settlements WHERE {where}) {_WAYS[way]}"
            f" ORDER BY settlements DESC, amount DESC, id LIMIT {int(limit)}",
            keys,
        ).fetchall()
        found += [Company(label, key, number, amount) for label, key, number, amount in rows if key]
    return found


def shared(connection: duckdb.DuckDBPyConnection, person: str, limit: int = 5) -> list[Shared]:
    """With whom the register lets a person share something; values that very many share are placeholders, left out."""
    found = []
    for column in _SHARED:
        others = [
            other
            for (other,) in connection.execute(
                f"SELECT psn_no FROM persons WHERE psn_no <> $p AND {column} ="
                f" (SELECT any_value({column}) FROM persons WHERE psn_no = $p)"
                f" ORDER BY psn_no LIMIT {_PLACEHOLDER + 1}",
                {"p": person},
            ).fetchall()
        ]
        if 0 < len(others) <= _PLACEHOLDER:
            found.append(Shared(column, len(others), others[:limit]))
    return found
