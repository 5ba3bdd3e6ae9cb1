"""The preset `synthea`: the CSV files that the Synthea patient generator writes.

    encounters → settlements    medications → settlement_items    patients → persons
    organizations → institutions    providers → practitioners    medication codes → drugs

Each claim belongs to an encounter (its own, or that of a medication given there) and repeats its cost; what it adds is
the diagnosis that was billed, which an encounter need not have. Synthea's ids are UUIDs and its patients have a US
social-security number, so there is neither an ID number to check nor a credential.
"""

from __future__ import annotations

from typing import Final

from ringtrace.loaders.preset import Delivery, Extract, Preset
from ringtrace.loaders.presets.select import JOINED, newest, require, rows

STAYS: Final = ("inpatient", "snf", "hospice")
"""Encounter classes in which the patient stays overnight."""

COLUMNS: Final = {
    "encounters": (
        "id", "start", "stop", "patient", "organization", "provider", "encounterclass", "total_claim_cost",
        "payer_coverage", "reasoncode",
    ),
    "medications": ("start", "encounter", "code", "description", "base_cost", "dispenses", "totalcost"),
    "patients": (
        "id", "birthdate", "deathdate", "first", "middle", "last", "gender", "address", "city", "state", "zip", "fips",
    ),
    "organizations": ("id", "name", "address", "city", "state", "zip", "lat", "lon"),
    "providers": ("id", "organization", "name", "speciality"),
    "claims": ("appointmentid", "diagnosis1"),
}  # fmt: skip


def recognise(delivery: Delivery) -> bool:
    """Whether the folder has encounters in Synthea's columns."""
    return "encounters" in delivery and delivery["encounters"].has(
        "Id", "PATIENT", "ENCOUNTERCLASS", "TOTAL_CLAIM_COST"
    )


def extracts(delivery: Delivery) -> list[Extract]:
    """One primary extract for each file that has rows of its own; claims are joined to the encounters' settlements."""
    require(delivery["encounters"], "settlements", ("id",), ("start",), ("patient",), ("organization",))
    declared = (
        ("settlements", "encounters", _settlements(delivery), True),
        ("settlement_items", "medications", _items(delivery), True),
        ("drugs", "medications", _drugs(delivery), False),
        ("persons", "patients", _persons(delivery), True),
        ("institutions", "organizations", _institutions(delivery), True),
        ("practitioners", "providers", _practitioners(delivery), True),
        ("settlements", "claims", f"SELECT _source, _row, '{JOINED}' AS _skip FROM landing", True),
    )
    return [
        Extract(table, role, sql, primary, uses=frozenset(COLUMNS[role]))
        for table, role, sql, primary in declared
        if role in delivery
    ]


def _rows(delivery: Delivery, role: str) -> str:
    return rows([delivery[role]] if role in delivery else [], COLUMNS[role])


def _moment(column: str) -> str:
    """`2020-05-18T05:17:45Z` as the contract writes it; Synthea's times are of its own calendar, in UTC."""
    return f"replace(replace({column}, 'T', ' '), 'Z', '')"


def _settlements(delivery: Delivery) -> str:
    # An encounter's first claim is its own; those of its medications follow.
    return f"""
    WITH billed AS (
      SELECT appointmentid AS id, arg_min(diagnosis1, _row) FILTER (WHERE diagnosis1 IS NOT NULL) AS diagnosis
      FROM ({_rows(delivery, "claims")}) GROUP BY appointmentid
    )
    SELECT _source, _row, e.id AS setl_id, e.id AS mdtrt_id, patient AS psn_no, organization AS fixmedins_code,
      CASE WHEN lower(encounterclass) IN {STAYS} THEN '21' ELSE '11' END AS med_type,
      {_moment("start")} AS begntime, {_moment("stop")} AS endtime, {_moment("coalesce(stop, start)")} AS setl_time,
      coalesce(reasoncode, diagnosis) AS dise_codg, provider AS chfpdr_code,
      total_claim_cost AS medfee_sumamt, payer_coverage AS fund_pay_sumamt,
      CAST(TRY_CAST(total_claim_cost AS DECIMAL(18, 2)) - TRY_CAST(payer_coverage AS DECIMAL(18, 2)) AS VARCHAR)
        AS cash_payamt
    FROM ({_rows(delivery, "encounters")}) AS e LEFT JOIN billed USING (id)"""


def _items(delivery: Delivery) -> str:
    # Medications carry no line number; numbering them by time and code gives the same ones whatever the file's order.
    return f"""
    SELECT _source, _row, encounter AS setl_id,
      CAST(row_number() OVER (PARTITION BY encounter ORDER BY start, code, totalcost, _source, _row) AS VARCHAR)
        AS feedetl_sn,
      code AS med_list_codg, dispenses AS cnt, base_cost AS pric, totalcost AS det_item_fee_sumamt,
      {_moment("start")} AS fee_ocur_time
    FROM ({_rows(delivery, "medications")})"""


def _drugs(delivery: Delivery) -> str:
    return newest(
        "med_list_codg",
        ("drug_genname",),
        f"""SELECT _source, _row, code AS med_list_codg, description AS drug_genname, start AS _time
            FROM ({_rows(delivery, "medications")})""",
    )


def _persons(delivery: Delivery) -> str:
    return f"""
    SELECT _source, _row, id AS psn_no, concat_ws(' ', first, middle, last) AS psn_name,
      CASE upper(gender) WHEN 'M' THEN '1' WHEN 'F' THEN '2' ELSE '9' END AS gend,
      birthdate AS brdy, deathdate AS die_date, concat_ws(', ', address, city, state, zip) AS addr, fips AS insu_admdvs
    FROM ({_rows(delivery, "patients")})"""


def _institutions(delivery: Delivery) -> str:
    return f"""
    SELECT _source, _row, id AS fixmedins_code, name AS fixmedins_name, '1' AS fixmedins_type,
      concat_ws(', ', address, city, state, zip) AS addr, state AS admdvs, lon, lat
    FROM ({_rows(delivery, "organizations")})"""


def _practitioners(delivery: Delivery) -> str:
    return f"""
    SELECT _source, _row, id AS dr_code, name AS dr_name, organization AS fixmedins_code, speciality AS dept_name
    FROM ({_rows(delivery, "providers")})"""


SYNTHEA = Preset(name="synthea", recognise=recognise, extracts=extracts)
