"""The settlements beneath a thing, or beneath a link between two things: sums, course in time, and the lines."""

from __future__ import annotations

import itertools
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from typing import Final

import duckdb
import pandas as pd

from ringtrace.casework.picture import Link
from ringtrace.graph.store import NodeRef

_ITEMS: Final = "setl_id IN (SELECT setl_id FROM settlement_items WHERE {})"
_NAMED_BY: Final[dict[str, str]] = {
    "Patient": "psn_no = {key}",
    "Card": "mdtrt_cert_no = {key}",
    "Pharmacy": "fixmedins_code = {key}",
    "Hospital": "fixmedins_code = {key}",
    "Doctor": "chfpdr_code = {key}",
    "Settlement": "setl_id = {key}",
    "Household": "psn_no IN (SELECT psn_no FROM persons WHERE hh_no = {key})",
    "Phone": "psn_no IN (SELECT psn_no FROM persons WHERE tel = {key})",
    "Employer": "psn_no IN (SELECT psn_no FROM persons WHERE emp_no = {key})",
    "CareHome": "psn_no IN (SELECT psn_no FROM persons WHERE care_inst = {key})",
    "Drug": _ITEMS.format("med_list_codg = {key}"),
    "Pack": _ITEMS.format(
        "contains(drug_trac_codg, {key}) AND list_contains(string_split(drug_trac_codg, '|'), {key})"
    ),
}
"""Label → the settlements that name a thing of it."""
_COLUMNS: Final = {
    "Patient": "psn_no",
    "Card": "mdtrt_cert_no",
    "Pharmacy": "fixmedins_code",
    "Hospital": "fixmedins_code",
    "Doctor": "chfpdr_code",
}
_ORDER: Final = ("psn_no", "mdtrt_cert_no", "fixmedins_code", "chfpdr_code")
_PAIRS: Final = tuple(itertools.combinations(_ORDER, 2))


@dataclass(frozen=True, slots=True)
class Figures:
    """What settlements add up to; refunds are taken off, in number as in amount (yuan)."""

    settlements: int
    amount: Decimal
    first: datetime | None
    last: datetime | None
    patients: int
    institutions: int


def has_lines(refs: Sequence[NodeRef]) -> bool:
    """Whether settlements can name all of these."""
    return all(ref.label in _NAMED_BY for ref in refs)


def figures(connection: duckdb.DuckDBPyConnection, *refs: NodeRef) -> Figures | None:
    """The sum of the settlements that name every one of `refs`; None if settlements cannot name them."""
    if not has_lines(refs):
        return None
    where, keys = condition(refs)
    row = connection.execute(
        f"""
        SELECT count(*) FILTER (WHERE refd_setl_flag IS DISTINCT FROM '1')
                 - count(*) FILTER (WHERE refd_setl_flag = '1'),
               coalesce(sum(medfee_sumamt), 0), min(setl_time), max(setl_time),
               count(DISTINCT psn_no), count(DISTINCT fixmedins_code)
        FROM settlements WHERE {where}
        """,
        keys,
    ).fetchone()
    return Figures(*row) if row else None


def monthly(connection: duckdb.DuckDBPyConnection, *refs: NodeRef) -> pd.DataFrame:
    """Settlements that name every one of `refs`, per month: columns `month`, `settlements`, `amount` (yuan)."""
    where, keys = condition(refs)
    return connection.execute(
        f"""
        SELECT date_trunc('month', setl_time) AS month, count(*) AS settlements,
               CAST(sum(medfee_sumamt) AS DOUBLE) AS amount
        FROM settlements WHERE {where} GROUP BY 1 ORDER BY 1
        """,
        keys,
    ).df()


def lines(connection: duckdb.DuckDBPyConnection, *refs: NodeRef, limit: int = 500) -> pd.DataFrame:
    """The settlements that name every one of `refs`, newest first, person and place named; `limit` rows at most."""
    where, keys = condition(refs)
    return connection.execute(
        f"""
        WITH chosen AS (
          SELECT setl_id, setl_time, psn_no, mdtrt_cert_no, fixmedins_code, med_type, medfee_sumamt, fund_pay_sumamt,
                 acct_pay, cash_payamt, pos_no, _source, _row
          FROM settlements WHERE {where} ORDER BY setl_time DESC, setl_id LIMIT {int(limit)}
        )
        SELECT chosen.setl_time, chosen.setl_id, chosen.psn_no, person.psn_name, chosen.mdtrt_cert_no,
               chosen.fixmedins_code, place.fixmedins_name, chosen.pos_no, chosen.med_type, chosen.medfee_sumamt,
               chosen.fund_pay_sumamt, chosen.acct_pay, chosen.cash_payamt, chosen._source, chosen._row
        FROM chosen
        LEFT JOIN persons AS person USING (psn_no)
        LEFT JOIN institutions AS place USING (fixmedins_code)
        ORDER BY chosen.setl_time DESC, chosen.setl_id
        """,
        keys,
    ).df()


def moments(connection: duckdb.DuckDBPyConnection, links: Iterable[Link], limit: int = 100_000) -> dict[str, list[int]]:
    """When each link was used: link id → sorted seconds since 1970 of the settlements that name both ends.

    Links that settlements do not date (a household, an owner) are left out. At most `limit` settlements are read, the
    latest.
    """
    dated = [each for each in links if {each.source.label, each.target.label} <= _COLUMNS.keys()]
    dated = [each for each in dated if _COLUMNS[each.source.label] != _COLUMNS[each.target.label]]
    ends = {end for each in dated for end in (each.source, each.target)}
    movers = [f"{_COLUMNS[label]} IN (SELECT unnest(${label}))" for label in ("Patient", "Card")]
    rows = connection.execute(
        f"""
        SELECT psn_no, mdtrt_cert_no, fixmedins_code, chfpdr_code, CAST(epoch(setl_time) AS BIGINT)
        FROM settlements WHERE {" OR ".join(movers)} ORDER BY setl_time DESC LIMIT {int(limit)}
        """,
        {label: [end.id for end in ends if end.label == label] for label in ("Patient", "Card")},
    ).fetchall()
    by_ends: dict[tuple[str, str, str, str], list[int]] = {}
    for person, card, place, doctor, second in reversed(rows):
        named = {"psn_no": person, "mdtrt_cert_no": card, "fixmedins_code": place, "chfpdr_code": doctor}
        for one, other in _PAIRS:
            if named[one] and named[other]:
                by_ends.setdefault((one, named[one], other, named[other]), []).append(second)
    found = {}
    for each in dated:
        named = {_COLUMNS[end.label]: end.id for end in (each.source, each.target)}
        one, other = sorted(named, key=_ORDER.index)
        if used := by_ends.get((one, named[one], other, named[other])):
            found[each.id] = used
    return found


def amounts(connection: duckdb.DuckDBPyConnection, refs: Iterable[NodeRef]) -> dict[NodeRef, float]:
    """What the settlements that name each of `refs` add up to, in yuan; for drugs their lines. Others are left out."""
    wanted: dict[str, list[str]] = {}
    for ref in refs:
        if ref.label in _COLUMNS or ref.label == "Drug":
            wanted.setdefault(ref.label, []).append(ref.id)
    found: dict[NodeRef, float] = {}
    for label, keys in wanted.items():
        column, amount, table = (
            ("med_list_codg", "det_item_fee_sumamt", "settlement_items")
            if label == "Drug"
            else (_COLUMNS[label], "medfee_sumamt", "settlements")
        )
        rows = connection.execute(
            f"SELECT {column}, CAST(sum({amount}) AS DOUBLE) FROM {table}"
            f" WHERE {column} IN (SELECT unnest($keys)) GROUP BY ALL",
            {"keys": keys},
        ).fetchall()
        found |= {NodeRef(label, key): total for key, total in rows if total is not None}
    return found


@dataclass(frozen=True, slots=True)
class Strength:
    """How strong a link is: settlements `together`, their share of the source's own, and what is usual there.

    `usual` is the mean number of settlements per person at the target, `peers` the number of those persons.
    """

    together: int
    source_total: int
    usual: float
    peers: int

    @property
    def of_source(self) -> float:
        return self.together / self.source_total if self.source_total else 0.0


def link_strength(connection: duckdb.DuckDBPyConnection, source: NodeRef, target: NodeRef) -> Strength | None:
    """The strength of the link between a person or card and what settlements name too; None for other links."""
    if source.label not in ("Patient", "Card") or target.label not in _NAMED_BY or target.label == source.label:
        return None
    both, keys = condition([source, target])
    mine, theirs = both.split(" AND ", 1)
    # Two statements, since each gets only the parameters that it uses.
    counted = connection.execute(
        f"SELECT count(*) FILTER (WHERE {theirs}), count(*) FROM settlements WHERE {mine}", keys
    ).fetchone()
    usual = connection.execute(
        "SELECT count(*) / greatest(count(DISTINCT psn_no), 1), count(DISTINCT psn_no)"
        f" FROM settlements WHERE {theirs}",
        {"key1": target.id},
    ).fetchone()
    if not counted or not usual or not counted[0]:
        return None
    return Strength(*counted, *usual)


def condition(refs: Sequence[NodeRef]) -> tuple[str, dict[str, str]]:
    """SQL that holds for the settlements naming all of `refs`, and the values of its parameters."""
    if not has_lines(refs):
        return "false", {}
    parts = [f"({_NAMED_BY[ref.label].format(key=f'$key{number}')})" for number, ref in enumerate(refs)]
    return " AND ".join(parts), {f"key{number}": ref.id for number, ref in enumerate(refs)}
