"""The preset `arcos`: shipments of controlled drugs as the US DEA collects them, one row a product of an order.

A row is written by the REPORTER (a distributor or manufacturer) about the BUYER (a pharmacy or hospital), so the
movement is booked at the buyer, with the reporter as supplier; what happens inside the reporter's own store (lost,
stolen, destroyed) is booked there. The reporter's own purchases are not in such an extract: booking its sales would
show a store that sells what it never bought, so they are not booked.

Codes: ARCOS Registrant Handbook, section 5 (transaction codes, action indicator, the strength of partial packs).
"""

from __future__ import annotations

from typing import Final

from ringtrace.loaders.preset import VOIDED, Delivery, Extract, Preset, SourceGroup
from ringtrace.loaders.presets.select import newest, rows

SHOWN_BY: Final = ("REPORTER_DEA_NO", "BUYER_DEA_NO", "TRANSACTION_CODE", "NDC_NO", "QUANTITY", "TRANSACTION_DATE")

AT_BUYER: Final = {
    "S": "purchase",
    "P": "purchase_return",  # the reporter took the goods over, which is how packs reach a reverse distributor
    "R": "purchase_return",
    "V": "purchase_return",
    "Z": "transfer_in",  # handed to the government
}
AT_REPORTER: Final = {"T": "count_loss", "X": "count_loss", "N": "destroy", "Y": "destroy"}
"""Transaction codes by whose stock they move. Any other code reaches the check as it is, and so quarantine."""

DAILY_DOSES: Final = {"METHADONE": ("N07BC02", 25.0), "OXYCODONE": ("N02AA05", 75.0), "HYDROCODONE": ("R05DA03", 15.0)}
"""Drug → ATC code and defined daily dose by mouth in milligrams (WHO ATC/DDD index)."""

COLUMNS: Final = (
    *(name.lower() for name in SHOWN_BY),
    "reporter_name", "reporter_bus_act", "reporter_address1", "reporter_address2", "reporter_city", "reporter_state",
    "reporter_zip", "reporter_county", "buyer_name", "buyer_bus_act", "buyer_addl_co_info", "buyer_address1",
    "buyer_address2", "buyer_city", "buyer_state", "buyer_zip", "buyer_county", "transaction_id", "strength",
    "action_indicator", "drug_name", "product_name", "calc_base_wt_in_gm",
)  # fmt: skip


def _shipment_groups(delivery: Delivery) -> list[SourceGroup]:
    return [group for group in delivery.values() if group.has(*SHOWN_BY)]


def recognise(delivery: Delivery) -> bool:
    """Whether any file has the columns that make a shipment."""
    return bool(_shipment_groups(delivery))


def extracts(delivery: Delivery) -> list[Extract]:
    """Inventory row by row; institutions and drugs derived from it."""
    return [
        extract
        for group in _shipment_groups(delivery)
        for extract in (
            Extract("inventory", group.role, _inventory(group), uses=frozenset(COLUMNS)),
            Extract("institutions", group.role, _institutions(group), primary=False),
            Extract("drugs", group.role, _drugs(group), primary=False),
        )
    ]


def _cases(column: str, meanings: dict[str, str]) -> str:
    return f"CASE {column} " + " ".join(f"WHEN '{code}' THEN '{kind}'" for code, kind in meanings.items())


def _listed(codes: dict[str, str]) -> str:
    return ", ".join(f"'{code}'" for code in codes)


def _day(column: str) -> str:
    """MMDDYYYY, whose leading zero spreadsheets lose, as YYYY-MM-DD."""
    return rf"regexp_replace(lpad({column}, 8, '0'), '^(\d\d)(\d\d)(\d{{4}})$', '\3-\1-\2')"


def _packs() -> str:
    """Packs as text: STRENGTH gives what came back of a pack, in thousandths; it is 0000 or absent for whole packs."""
    part = "TRY_CAST(quantity AS DECIMAL(14, 4)) * TRY_CAST(strength AS DECIMAL(9, 0)) / 1000"
    return f"coalesce(CASE WHEN TRY_CAST(strength AS INTEGER) > 0 THEN CAST({part} AS VARCHAR) END, quantity)"


def _inventory(group: SourceGroup) -> str:
    return f"""
    SELECT _source, _row,
      CASE WHEN action_indicator = 'D' THEN '{VOIDED}' END AS _skip,
      CASE WHEN transaction_code IN ({_listed(AT_REPORTER)}) THEN reporter_dea_no ELSE buyer_dea_no
      END AS fixmedins_code,
      ndc_no AS med_list_codg,
      {_cases("transaction_code", AT_BUYER | AT_REPORTER)} ELSE transaction_code END AS chg_type,
      {_day("transaction_date")} AS chg_time,
      {_packs()} AS cnt,
      CASE WHEN transaction_code IN ({_listed(AT_BUYER)}) THEN reporter_name END AS spler_name,
      concat_ws('-', reporter_dea_no, transaction_id) AS invono
    FROM ({rows([group], COLUMNS)})"""


def _institutions(group: SourceGroup) -> str:
    parties = {"buyer": f"NOT IN ({_listed(AT_REPORTER)})", "reporter": f"IN ({_listed(AT_REPORTER)})"}
    shipment = rows([group], COLUMNS)
    seen = " UNION ALL ".join(
        f"""
        SELECT _source, _row, {party}_dea_no AS fixmedins_code,
          {party}_name || {"coalesce(' (' || buyer_addl_co_info || ')', '')" if party == "buyer" else "''"}
            AS fixmedins_name,
          CASE WHEN {party}_bus_act LIKE '%PHARMACY%' THEN '2'
            WHEN {party}_bus_act SIMILAR TO '.*(HOSP|CLINIC|DETOX|MAINT|PRACTITIONER).*' THEN '1' END AS fixmedins_type,
          concat_ws(', ', {party}_address1, {party}_address2, {party}_city, {party}_state, lpad({party}_zip, 5, '0'))
            AS addr,
          concat_ws('-', {party}_state, {party}_county) AS admdvs,
          {_day("transaction_date")} AS _time
        FROM ({shipment}) WHERE coalesce(transaction_code, '') {booked_there}"""
        for party, booked_there in parties.items()
    )
    return newest("fixmedins_code", ("fixmedins_name", "fixmedins_type", "addr", "admdvs"), seen)


def _drugs(group: SourceGroup) -> str:
    known = ", ".join(f"('{name}', '{atc}', {dose})" for name, (atc, dose) in DAILY_DOSES.items())
    products = newest(
        "med_list_codg",
        ("drug_name", "product_name"),
        f"""SELECT _source, _row, ndc_no AS med_list_codg, drug_name, product_name,
              {_day("transaction_date")} AS _time FROM ({rows([group], COLUMNS)})""",
    )
    # A full pack weighs what most sales of the product weigh, by the DEA's computation; of a product that was only ever
    # returned, parts of packs tell it less exactly.
    return f"""
    WITH daily(drug_name, atc_code, milligrams) AS (VALUES {known}),
    pack AS (
      SELECT ndc_no AS med_list_codg,
        coalesce(mode(gram ORDER BY gram) FILTER (WHERE transaction_code = 'S'), median(gram)) AS gram
      FROM (
        SELECT ndc_no, transaction_code,
          round(TRY_CAST(calc_base_wt_in_gm AS DOUBLE) / TRY_CAST({_packs()} AS DOUBLE), 4) AS gram
        FROM ({rows([group], COLUMNS)}) WHERE TRY_CAST(quantity AS DOUBLE) > 0
      ) WHERE gram > 0 GROUP BY ndc_no
    )
    SELECT med_list_codg, drug_name AS drug_genname, product_name AS spec, atc_code,
      CAST(round(gram * 1000 / milligrams, 3) AS VARCHAR) AS pack_ddd, _source, _row
    FROM ({products}) LEFT JOIN daily USING (drug_name) LEFT JOIN pack USING (med_list_codg)"""


ARCOS = Preset(name="arcos", recognise=recognise, extracts=extracts)
