"""The preset `nhsa`: the national platform's own tables, as a county or city bureau exports them.

    setl_d      settlements      → settlements, with begin, end, doctor and diagnosis of their visit
    fee_list_d  charge lines     → settlement_items
    mdtrt_d     visits and stays → joined to the settlements by mdtrt_id
    what all three repeat        → persons, cards, institutions, practitioners, drugs   (nhsa_derived.py)
    3501–3506   stock interface  → inventory                                            (nhsa_stock.py)

What the platform's tables do not hold (household, terminal, opening hours …) comes from files named like the contract's
tables in the same folder; field by field they win over what is made here. A `settlements` or `settlement_items` file
there may hold no more than its key and the fields that it adds.
"""

from __future__ import annotations

from typing import Final

from ringtrace.data_schema import TABLE_NAMES, tables
from ringtrace.loaders.preset import VOIDED, Delivery, Extract, Preset, SourceGroup
from ringtrace.loaders.presets.contract import contract_extract
from ringtrace.loaders.presets.nhsa_derived import derived_extracts
from ringtrace.loaders.presets.nhsa_stock import COLUMNS as STOCK
from ringtrace.loaders.presets.nhsa_stock import INTERFACES, is_stock, stock_extracts
from ringtrace.loaders.presets.nhsa_tables import (
    CHARGE,
    CHARGE_NEEDS,
    JOINED_TO_SETTLEMENTS,
    SETTLEMENT,
    SETTLEMENT_NEEDS,
    SHOWN_BY,
    VISIT,
    Platform,
    kind_of,
)
from ringtrace.loaders.presets.select import JOINED, require, rows

UNSETTLED: Final = "unsettled"
"""`_skip` reason of a charge line that belongs to no settlement yet."""

VALID: Final = "coalesce(vali_flag, '1') <> '0'"


def recognise(delivery: Delivery) -> bool:
    """Whether the folder has one of the platform's tables, by the file's name or by its headers."""
    return any(kind_of(group) or is_stock(group) for group in delivery.values())


def extracts(delivery: Delivery) -> list[Extract]:
    """Everything that the platform's tables and the contract's files beside them can fill."""
    platform = Platform.of(delivery)
    for group in platform.settlements:
        require(group, "settlements", *((name,) for name in SETTLEMENT_NEEDS))
    for group in platform.charges:
        require(group, "settlement_items", *CHARGE_NEEDS)
    beside = {name: group for name, group in delivery.items() if name in TABLE_NAMES}
    made: list[Extract] = []
    for table, groups, sql in (
        ("settlements", platform.settlements, _settlements),
        ("settlement_items", platform.charges, _items),
    ):
        columns = frozenset(SETTLEMENT if table == "settlements" else CHARGE)
        added = beside.pop(table, None) if groups else None
        made += [
            Extract(table, group.role, _completed(table, sql(platform, [group]), added), uses=columns)
            for group in groups
        ]
        if added is not None:
            made.append(_addition(table, added, sql(platform, groups)))
    if platform.settlements:
        made += [Extract("settlements", group.role, _visits(group), uses=frozenset(VISIT)) for group in platform.visits]
    return [
        *made,
        *stock_extracts(delivery),
        *(contract_extract(group) for group in beside.values()),
        *derived_extracts(platform),
    ]


def _money(column: str) -> str:
    return f"coalesce(TRY_CAST({column} AS DECIMAL(18, 2)), 0)"


def _settlements(platform: Platform, groups: list[SourceGroup]) -> str:
    """Settlements of some groups, one row each.

    - A refund row names another settlement, or is negative. A flag of 1 alone also marks the original that was refunded
      later, which stays an ordinary settlement.
    - `acct_mulaid_pay` is account payment, from a relative's account. Provinces differ in whether `acct_pay` holds it
      already: of the two readings, the one that comes closer to the total is taken.
    - Begin and end come from one table, so that a day and a moment are never compared.
    """
    paid = f"{_money('medfee_sumamt')} - {_money('fund_pay_sumamt')} - {_money('s.acct_pay')} - {_money('cash_payamt')}"
    mutual = _money("acct_mulaid_pay")
    return f"""
    WITH visit AS (
      SELECT * FROM ({rows(platform.visits, JOINED_TO_SETTLEMENTS)}) WHERE {VALID} AND mdtrt_id IS NOT NULL
      QUALIFY row_number() OVER (PARTITION BY mdtrt_id ORDER BY updt_time DESC NULLS LAST, _source DESC, _row DESC) = 1
    )
    SELECT s._source, s._row, CASE WHEN s.vali_flag = '0' THEN '{VOIDED}' END AS _skip,
      s.setl_id, s.mdtrt_id, s.psn_no, s.mdtrt_cert_no,
      CASE WHEN lpad(s.mdtrt_cert_type, 2, '0') IN ('01', '02', '03') THEN lpad(s.mdtrt_cert_type, 2, '0')
      END AS mdtrt_cert_type,
      s.fixmedins_code, s.pos_no, coalesce(s.med_type, v.med_type) AS med_type,
      CASE WHEN v.begntime IS NULL THEN coalesce(s.begntime, s.begndate) ELSE v.begntime END AS begntime,
      CASE WHEN v.begntime IS NOT NULL THEN v.endtime
        WHEN s.begntime IS NOT NULL THEN s.endtime ELSE s.enddate END AS endtime,
      s.setl_time, coalesce(v.dscg_maindiag_code, s.dise_codg, v.dise_codg, s.dise_no, v.dise_no) AS dise_codg,
      coalesce(v.chfpdr_code, s.chfpdr_code) AS chfpdr_code,
      s.medfee_sumamt, s.fund_pay_sumamt,
      CASE WHEN {mutual} = 0 OR abs({paid}) <= abs({paid} - {mutual}) THEN s.acct_pay
        ELSE CAST({_money("s.acct_pay")} + {mutual} AS VARCHAR) END AS acct_pay,
      s.acct_mulaid_pay, s.cash_payamt,
      coalesce(s.manl_reim_flag, CASE WHEN s.manl_reim_rea NOT IN ('0', '00') THEN '1' ELSE '0' END) AS manl_reim_flag,
      s.invono,
      CASE WHEN s.refd_setl_flag = '1' AND (s.init_setl_id <> s.setl_id OR {_money("medfee_sumamt")} < 0)
        THEN '1' ELSE '0' END AS refd_setl_flag,
      nullif(s.init_setl_id, s.setl_id) AS init_setl_id
    FROM ({rows(groups, SETTLEMENT)}) AS s LEFT JOIN visit AS v USING (mdtrt_id)"""


def _visits(group: SourceGroup) -> str:
    """Visits have no rows of their own."""
    return f"""
    SELECT _source, _row, CASE WHEN vali_flag = '0' THEN '{VOIDED}' ELSE '{JOINED}' END AS _skip
    FROM ({rows([group], ["vali_flag"])})"""


def _items(platform: Platform, groups: list[SourceGroup]) -> str:
    """Charge lines of some groups, one row each.

    A line that names no settlement belongs to its visit's only one; where there is none or several, it is unsettled.
    The lines of a voided settlement are void with it.
    """
    settlement = rows(platform.settlements, ("setl_id", "mdtrt_id", "init_setl_id", "vali_flag"))
    return f"""
    WITH line AS ({rows(groups, CHARGE)}),
    settlement AS ({settlement}),
    void AS (SELECT setl_id FROM settlement GROUP BY setl_id HAVING bool_and(NOT ({VALID}))),
    only_one AS (
      SELECT mdtrt_id, any_value(setl_id) AS setl_id FROM settlement
      WHERE {VALID} AND mdtrt_id IN (SELECT mdtrt_id FROM line WHERE setl_id IS NULL)
      GROUP BY mdtrt_id HAVING count(DISTINCT setl_id) = 1
    )
    SELECT line._source, line._row,
      CASE WHEN line.vali_flag = '0' OR void.setl_id IS NOT NULL THEN '{VOIDED}'
        WHEN coalesce(line.setl_id, only_one.setl_id) IS NULL THEN '{UNSETTLED}' END AS _skip,
      coalesce(line.setl_id, only_one.setl_id) AS setl_id,
      coalesce(feedetl_sn, bkkp_sn) AS feedetl_sn,
      coalesce(med_list_codg, hilist_code, medins_list_codg) AS med_list_codg,
      cnt, pric, det_item_fee_sumamt,
      regexp_replace(coalesce(drug_trac_codg, "drugtracinfo.drug_trac_codg", drugtracinfo), '[,;，；、\\s]+', '|', 'g')
        AS drug_trac_codg,
      bilg_dr_code, trdn_flag, fee_ocur_time
    FROM line
    LEFT JOIN void ON void.setl_id = line.setl_id
    LEFT JOIN only_one ON line.setl_id IS NULL AND only_one.mdtrt_id = line.mdtrt_id"""


def _completed(table: str, made: str, added: SourceGroup | None) -> str:
    """`made` with the fields of the contract's file beside it, which win where they say something."""
    if added is None:
        return made
    key = tables()[table].key
    fields = [each.name for each in tables()[table].columns if each.name in added.headers and each.name not in key]
    if not fields:
        return made
    winning = ", ".join(f"coalesce(added.{name}, made.{name}) AS {name}" for name in fields)
    joined = ", ".join(key)
    return f"""
    SELECT made.* REPLACE ({winning}) FROM ({made}) AS made LEFT JOIN (
      SELECT DISTINCT ON ({joined}) * FROM ({rows([added], (*key, *fields))}) ORDER BY {joined}, _source DESC, _row DESC
    ) AS added ON {" AND ".join(f"added.{name} = made.{name}" for name in key)}"""


def _addition(table: str, added: SourceGroup, made: str) -> Extract:
    """The contract's file beside the platform's table: a row completes one there (joined) or is its own."""
    key = ", ".join(tables()[table].key)
    names = [column.name for column in tables()[table].columns]
    sql = f"""
    SELECT {", ".join(names)}, _source, _row,
      CASE WHEN ({key}) IN (SELECT ({key}) FROM ({made})) THEN '{JOINED}' END AS _skip
    FROM ({rows([added], names)})"""
    return Extract(table, added.role, sql)


NHSA: Final = Preset(
    name="nhsa",
    recognise=recognise,
    extracts=extracts,
    roles=frozenset(SHOWN_BY) | INTERFACES,
    columns=frozenset({*VISIT, *SETTLEMENT, *CHARGE, *STOCK}),
)
