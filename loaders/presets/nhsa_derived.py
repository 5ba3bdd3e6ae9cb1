"""Persons, cards, institutions, practitioners and drugs out of the platform's tables, which repeat them on each row."""

from __future__ import annotations

from ringtrace.loaders.preset import Extract, SourceGroup
from ringtrace.loaders.presets.nhsa_tables import CHARGE, SETTLEMENT, VISIT, Platform
from ringtrace.loaders.presets.select import newest, rows

NO_CEILING = 999999
"""The platform writes this price, or 0, where a drug has no ceiling."""


def derived_extracts(platform: Platform) -> list[Extract]:
    """One derived extract for each table that the delivery tells something about."""
    stays_and_settlements = [*platform.settlements, *platform.visits]
    declared: tuple[tuple[str, list[SourceGroup], str], ...] = (
        ("persons", stays_and_settlements, _persons(platform)),
        ("cards", platform.settlements, _cards(platform)),
        ("institutions", stays_and_settlements, _institutions(platform)),
        ("practitioners", [*platform.visits, *platform.charges], _practitioners(platform)),
        ("drugs", platform.charges, _drugs(platform)),
    )
    return [Extract(table, groups[0].role, sql, primary=False) for table, groups, sql in declared if groups]


def _seen(platform: Platform, select: str) -> str:
    """The same SELECT over settlements and visits; `_time` is the settlement's or the visit's."""
    settlements, visits = rows(platform.settlements, SETTLEMENT), rows(platform.visits, VISIT)
    return f"""
    SELECT _source, _row, setl_time AS _time, {select} FROM ({settlements}) WHERE coalesce(vali_flag, '1') <> '0'
    UNION ALL BY NAME
    SELECT _source, _row, begntime AS _time, {select} FROM ({visits}) WHERE coalesce(vali_flag, '1') <> '0'"""


def _persons(platform: Platform) -> str:
    plain = ("psn_name", "brdy", "tel", "addr", "hh_no", "emp_no", "bank_acct", "insu_admdvs", "die_date", "care_inst")
    # Only certificate type 01 is an ID card, whose number can be checked; a passport's number is not kept as one.
    select = f"""psn_no, {", ".join(plain)},
      CASE WHEN coalesce(psn_cert_type, '01') IN ('01', '1') THEN certno END AS certno,
      CASE gend WHEN '0' THEN '9' ELSE gend END AS gend"""
    return newest("psn_no", (*plain, "certno", "gend"), _seen(platform, select))


def _cards(platform: Platform) -> str:
    seen = f"""
    SELECT _source, _row, setl_time AS _time, mdtrt_cert_no, psn_no,
      CASE WHEN lpad(mdtrt_cert_type, 2, '0') IN ('01', '02', '03') THEN lpad(mdtrt_cert_type, 2, '0')
      END AS mdtrt_cert_type
    FROM ({rows(platform.settlements, SETTLEMENT)}) WHERE coalesce(vali_flag, '1') <> '0'"""
    return newest("mdtrt_cert_no", ("psn_no", "mdtrt_cert_type"), seen)


def _institutions(platform: Platform) -> str:
    # National codes begin with H (medical institution) or P (pharmacy), then region and number; older ones do not.
    select = r"""fixmedins_code, fixmedins_name, fix_blng_admdvs AS admdvs,
      CASE WHEN fixmedins_type IN ('1', '2') THEN fixmedins_type
        WHEN regexp_matches(fixmedins_code, '^P\d{11}$') THEN '2'
        WHEN regexp_matches(fixmedins_code, '^H\d{11}$') THEN '1'
        WHEN med_type = '41' THEN '2' WHEN med_type IS NOT NULL THEN '1' END AS fixmedins_type"""
    return newest("fixmedins_code", ("fixmedins_name", "fixmedins_type", "admdvs"), _seen(platform, select))


def _practitioners(platform: Platform) -> str:
    return newest(
        "dr_code",
        ("dr_name", "fixmedins_code", "dept_name"),
        f"""
        SELECT _source, _row, begntime AS _time, chfpdr_code AS dr_code, chfpdr_name AS dr_name, fixmedins_code,
          adm_dept_name AS dept_name
        FROM ({rows(platform.visits, VISIT)}) WHERE coalesce(vali_flag, '1') <> '0'
        UNION ALL
        SELECT _source, _row, fee_ocur_time, bilg_dr_code, bilg_dr_name, fixmedins_code, bilg_dept_name
        FROM ({rows(platform.charges, CHARGE)}) WHERE coalesce(vali_flag, '1') <> '0'""",
    )


def _drugs(platform: Platform) -> str:
    ceiling = "TRY_CAST(pric_uplmt_amt AS DECIMAL(18, 2))"
    return newest(
        "med_list_codg",
        ("drug_genname", "spec", "pric_uplmt"),
        f"""
        SELECT _source, _row, fee_ocur_time AS _time,
          coalesce(med_list_codg, hilist_code, medins_list_codg) AS med_list_codg,
          coalesce(hilist_name, medins_list_name, prodname) AS drug_genname, spec,
          CASE WHEN {ceiling} > 0 AND {ceiling} < {NO_CEILING} THEN CAST({ceiling} AS VARCHAR) END AS pric_uplmt
        FROM ({rows(platform.charges, CHARGE)}) WHERE coalesce(vali_flag, '1') <> '0'""",
    )
