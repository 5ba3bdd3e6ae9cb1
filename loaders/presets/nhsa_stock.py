"""The pharmacy interface's stock tables, 3501–3506, as inventory movements.

    3501 count · 3502 change · 3503 purchase · 3504 purchase return · 3505 sale · 3506 sale return

A count says what stood on the shelf, which is no movement: it opens the ledger of a drug where nothing moved before,
and is otherwise left out as `stock_level`. Without that opening, a shop that delivers counts and no opening stock
(108) would seem to sell what it never had.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import Final

from ringtrace.data_schema import TABLE_NAMES
from ringtrace.loaders.preset import VOIDED, Delivery, Extract, SourceGroup
from ringtrace.loaders.presets.select import rows

STOCK_LEVEL: Final = "stock_level"
"""`_skip` reason of a count that came after other movements."""

INTERFACES: Final = frozenset({"3501", "3502", "3503", "3504", "3505", "3506"})

NUMBERS: Final = {
    "3503": "purchase", "3504": "purchase_return", "3505": "sale", "3506": "sale_return",
}  # fmt: skip

CHANGES: Final = {
    "101": "transfer_in", "102": "transfer_out", "103": "count_gain", "104": "count_loss", "105": "destroy",
    "106": "transfer_in", "107": "transfer_out", "108": "initial",
}  # fmt: skip
"""`inv_chg_type` → kind. Other goods in and out (106, 107) did move, hence transfers and no counting differences."""

OPPOSITE: Final = {
    "purchase": "purchase_return", "purchase_return": "purchase", "sale": "sale_return", "sale_return": "sale",
}  # fmt: skip
"""What a negative count of a kind means."""

COLUMNS: Final = (
    "fixmedins_code", "med_list_codg", "fixmedins_hilist_id", "inv_chg_type", "inv_cnt", "cnt", "purc_retn_cnt",
    "sel_retn_cnt", "invdate", "inv_chg_time", "purc_retn_stoin_time", "sel_retn_time", "chg_time", "crte_time", "pric",
    "finl_trns_pric", "manu_lotnum", "fixmedins_bchno", "spler_name", "purc_invo_no", "invono", "drug_trac_codg",
    "drugtracinfo", "drugtracinfo.drug_trac_codg", "vali_flag",
)  # fmt: skip


def _interface(group: SourceGroup) -> str | None:
    """The interface's number: in the file's name, else by the columns that only one kind of table has."""
    if group.role in TABLE_NAMES:
        return None
    if numbered := re.search(r"(?<!\d)350([1-6])(?!\d)", group.role):
        return f"350{numbered[1]}"
    returned = re.search(r"retn|return|退", group.role)
    for header, number, of_returns in (
        ("inv_chg_type", "3502", "3502"),
        ("purc_retn_cnt", "3503", "3504"),
        ("sel_retn_cnt", "3505", "3506"),
        ("inv_cnt", "3501", "3501"),
    ):
        if group.has(header):
            return of_returns if returned else number
    return None


def is_stock(group: SourceGroup) -> bool:
    """Whether a group is one of the interface's stock tables."""
    return _interface(group) is not None


def stock_extracts(delivery: Delivery) -> list[Extract]:
    """One primary extract for each stock table."""
    found = [(number, group) for group in delivery.values() if (number := _interface(group))]
    moving = [group for number, group in found if number != "3501"]
    return [
        Extract(
            "inventory",
            group.role,
            _opening(group, moving) if number == "3501" else _movements(number, [group]),
            uses=frozenset(COLUMNS),
        )
        for number, group in found
    ]


def _movements(number: str | None, groups: Sequence[SourceGroup]) -> str:
    kind = f"'{NUMBERS[number]}'" if number in NUMBERS else "inv_chg_type"
    known = CHANGES | {f"-{each}": opposite for each, opposite in OPPOSITE.items()}
    cases = " ".join(f"WHEN '{code}' THEN '{meaning}'" for code, meaning in known.items())
    return f"""
    SELECT _source, _row, CASE WHEN vali_flag = '0' THEN '{VOIDED}' END AS _skip, fixmedins_code,
      coalesce(med_list_codg, fixmedins_hilist_id) AS med_list_codg,
      CASE WHEN counted LIKE '-%' THEN CASE concat('-', {kind}) {cases} ELSE {kind} END
        ELSE CASE {kind} {cases} ELSE {kind} END END AS chg_type,
      coalesce(inv_chg_time, purc_retn_stoin_time, sel_retn_time, invdate, chg_time, crte_time) AS chg_time,
      ltrim(counted, '-') AS cnt,
      coalesce(pric, finl_trns_pric) AS pric,
      coalesce(manu_lotnum, fixmedins_bchno) AS manu_lotnum, spler_name, coalesce(purc_invo_no, invono) AS invono,
      regexp_replace(coalesce(drug_trac_codg, "drugtracinfo.drug_trac_codg", drugtracinfo), '[,;，；、\\s]+', '|', 'g')
        AS drug_trac_codg
    FROM (SELECT *, coalesce(cnt, purc_retn_cnt, sel_retn_cnt, inv_cnt) AS counted FROM ({rows(groups, COLUMNS)}))"""


def _opening(group: SourceGroup, moving: Sequence[SourceGroup]) -> str:
    """Counts: the first of a drug in a shop opens its ledger if nothing moved there before."""
    return f"""
    WITH moved AS (
      SELECT fixmedins_code, med_list_codg, min(chg_time) AS first_moved FROM ({_movements(None, moving)})
      WHERE _skip IS NULL GROUP BY fixmedins_code, med_list_codg
    ),
    counted AS (
      SELECT * REPLACE ('initial' AS chg_type),
        min(chg_time) OVER (PARTITION BY fixmedins_code, med_list_codg) AS first_counted
      FROM ({_movements(None, [group])})
    )
    SELECT counted.* EXCLUDE (first_counted) REPLACE (
      CASE WHEN _skip IS NULL AND (chg_time > first_counted OR first_moved <= chg_time) THEN '{STOCK_LEVEL}'
        ELSE _skip END AS _skip)
    FROM counted LEFT JOIN moved USING (fixmedins_code, med_list_codg)"""
