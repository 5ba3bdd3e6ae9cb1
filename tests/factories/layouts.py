"""One city in several layouts: takes a folder of contract CSV tables and writes the same facts in another form.

`nhsa` splits settlements, items and what surrounds them over the platform's tables, and leaves in files named like the
contract's tables what those tables have no column for. The others change format, encoding or parts and no cell.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from pathlib import Path
from typing import Final

import duckdb
from openpyxl import Workbook

from ringtrace.data_schema import TABLE_NAMES, tables

# Columns in the platform's order (as far as its published lists show them); expressions over s, i, p, f, d and m below.
_SHARED: Final = {
    "psn_no": "s.psn_no", "psn_insu_rlts_id": "''", "psn_cert_type": "'01'", "certno": "p.certno",
    "psn_name": "p.psn_name", "gend": "p.gend", "naty": "'01'", "brdy": "p.brdy", "insutype": "'310'",
    "psn_type": "'11'", "insu_admdvs": "p.insu_admdvs", "emp_no": "p.emp_no", "fixmedins_code": "s.fixmedins_code",
    "fixmedins_name": "f.fixmedins_name", "fix_blng_admdvs": "f.admdvs", "mdtrt_cert_type": "s.mdtrt_cert_type",
    "mdtrt_cert_no": "s.mdtrt_cert_no", "med_type": "s.med_type",
}  # fmt: skip
_AUDIT: Final = {
    "vali_flag": "'1'", "memo": "''", "rid": "''", "updt_time": "s.setl_time || '.0'",
    "crte_time": "s.setl_time || '.0'",
    "poolarea_no": "p.insu_admdvs",
}  # fmt: skip
_VISIT: Final = {
    "mdtrt_id": "s.visit", "medins_setl_id": "s.setl_id", **_SHARED, "tel": "p.tel", "addr": "p.addr",
    "begntime": "s.begntime", "endtime": "s.endtime", "ipt_otp_no": "''", "medrcdno": "''",
    "chfpdr_code": "s.chfpdr_code", "adm_dept_name": "m.dept_name", "dscg_maindiag_code": "s.dise_codg",
    "die_date": "p.die_date", **_AUDIT, "chfpdr_name": "m.dr_name",
}  # fmt: skip
_SETTLEMENT: Final = {
    "setl_id": "s.setl_id", "clr_optins": "''", "medins_setl_id": "s.setl_id", "mdtrt_id": "s.visit",
    "init_setl_id": "s.init_setl_id", **_SHARED, "begndate": "left(s.begntime, 10)", "enddate": "left(s.endtime, 10)",
    "setl_time": "s.setl_time || '.0'", "setl_type": "'2'", "medfee_sumamt": "s.medfee_sumamt",
    "fund_pay_sumamt": "s.fund_pay_sumamt", "acct_pay": "s.acct_pay", "cash_payamt": "s.cash_payamt",
    "acct_mulaid_pay": "''", "refd_setl_flag": "coalesce(nullif(s.refd_setl_flag, ''), '0')",
    "invono": "s.invono",
    "manl_reim_rea": "CASE WHEN s.manl_reim_flag = '1' THEN '99' ELSE '' END", **_AUDIT,
}  # fmt: skip
_CHARGE: Final = {
    "bkkp_sn": "i.feedetl_sn", "mdtrt_id": "s.visit", "fee_ocur_time": "i.fee_ocur_time", "setl_id": "i.setl_id",
    "fixmedins_code": "s.fixmedins_code", "fixmedins_name": "f.fixmedins_name", "psn_no": "s.psn_no",
    "med_type": "s.med_type", "cnt": "i.cnt", "pric": "i.pric", "det_item_fee_sumamt": "i.det_item_fee_sumamt",
    "pric_uplmt_amt": "d.pric_uplmt", "hilist_code": "i.med_list_codg", "hilist_name": "d.drug_genname",
    "list_type": "'101'", "med_list_codg": "i.med_list_codg", "medins_list_codg": "i.med_list_codg", "spec": "d.spec",
    "bilg_dr_code": "i.bilg_dr_code", **_AUDIT,
}  # fmt: skip
_BESIDE: Final = {"settlements": ("pos_no", "begntime", "endtime"), "settlement_items": ("drug_trac_codg", "trdn_flag")}
"""What the platform has no column for, or one of for all settlements of a visit; other tables come beside whole."""


SHEET_ROWS: Final = 2_000


def nhsa(city: Path, out: Path) -> Path:
    """The platform's three tables with upper-case headers, a voided row in each, and contract files for the rest."""
    out.mkdir(parents=True)
    with _open(city) as connection:
        connection.execute(
            "CREATE TEMP VIEW s AS SELECT *, coalesce(nullif(mdtrt_id, ''), 'M' || setl_id) AS visit FROM settlements"
        )
        joined = "LEFT JOIN p USING (psn_no) LEFT JOIN f USING (fixmedins_code)"
        for short, name, key in (
            ("p", "persons", "psn_no"), ("f", "institutions", "fixmedins_code"),
            ("d", "drugs", "med_list_codg"), ("m", "practitioners", "dr_code"),
        ):  # fmt: skip
            connection.execute(f"CREATE TEMP VIEW {short} AS SELECT DISTINCT ON ({key}) * FROM {name} ORDER BY {key}")
        _write_platform(
            connection, out / "MDTRT_D.csv", _VISIT,
            f"(SELECT DISTINCT ON (visit) * FROM s ORDER BY visit, setl_time, setl_id) AS s {joined} "
            "LEFT JOIN m ON m.dr_code = s.chfpdr_code",
        )  # fmt: skip
        _write_platform(connection, out / "setl_d_2025.csv", _SETTLEMENT, f"s {joined}")
        _write_platform(
            connection, out / "fee_list_d.csv", _CHARGE,
            f"settlement_items AS i JOIN s USING (setl_id) {joined} LEFT JOIN d USING (med_list_codg)",
        )  # fmt: skip
        for table in TABLE_NAMES:
            names = _BESIDE.get(table)
            chosen = ", ".join((*tables()[table].key, *names)) if names else "*"
            if _count(connection, table):
                _copy(connection, f"SELECT {chosen} FROM {table}", out / f"{table}.csv")
    return out


def _write_platform(connection: duckdb.DuckDBPyConnection, path: Path, columns: dict[str, str], source: str) -> None:
    chosen = ", ".join(f"{sql} AS {name.upper()}" for name, sql in columns.items())
    ids = {"MDTRT_ID", "SETL_ID", "BKKP_SN"} & {name.upper() for name in columns}
    other = ", ".join(f"'V' || {name} AS {name}" for name in sorted(ids))
    connection.execute(f"CREATE OR REPLACE TEMP TABLE written AS SELECT {chosen} FROM {source}")
    voided = f"(SELECT * REPLACE ('0' AS VALI_FLAG, {other}) FROM written LIMIT 1)"
    _copy(connection, f"SELECT * FROM written UNION ALL {voided}", path)


def gb18030(city: Path, out: Path) -> Path:
    """Each file as it is, in GB18030."""
    out.mkdir(parents=True)
    for table in TABLE_NAMES:
        for path in _files(city, table):
            (out / path.name).write_bytes(path.read_text("utf-8-sig").encode("gb18030"))
    return out


def parquet(city: Path, out: Path) -> Path:
    """A folder of parts for each table, all text, as a platform's own Parquet export has."""

    def write(connection: duckdb.DuckDBPyConnection, table: str) -> None:
        (out / table).mkdir(parents=True)
        half = (_count(connection, table) + 1) // 2
        for part in range(2):
            rows = f"SELECT * FROM {table} LIMIT {half} OFFSET {part * half}"
            connection.execute(f"COPY ({rows}) TO '{out / table / f'part-{part}.parquet'}' (FORMAT parquet)")

    return _each(city, write, out)


def monthly(city: Path, out: Path, compression: str = "zstd") -> Path:
    """Tables with a time split by month, compressed with `gzip` or `zstd`; the others in one compressed file."""
    ending = {"gzip": "csv.gz", "zstd": "csv.zst"}[compression]

    def write(connection: duckdb.DuckDBPyConnection, table: str) -> None:
        time = tables()[table].time
        months = (
            "SELECT '' AS month"
            if time is None
            else f"SELECT DISTINCT left({time}, 7) AS month FROM {table} ORDER BY 1"
        )
        for (month,) in connection.execute(months).fetchall():
            rows = f"SELECT * FROM {table}" + (f" WHERE left({time}, 7) = '{month}'" if month else "")
            _copy(connection, rows, out / f"{table}{'_' * bool(month)}{month}.{ending}", compression)

    return _each(city, write, out)


def xlsx(city: Path, out: Path) -> Path:
    """One workbook with a sheet for each small table, every cell text; what no spreadsheet holds well stays CSV."""
    book = Workbook(write_only=True)

    def write(connection: duckdb.DuckDBPyConnection, table: str) -> None:
        if _count(connection, table) > SHEET_ROWS:
            _copy(connection, f"SELECT * FROM {table}", out / f"{table}.csv")
            return
        sheet = book.create_sheet(table)
        relation = connection.sql(f"SELECT * FROM {table}")
        sheet.append(relation.columns)
        for row in relation.fetchall():
            sheet.append(row)

    _each(city, write, out)
    book.save(out / "city.xlsx")
    return out


def _files(city: Path, table: str) -> list[Path]:
    parts = re.compile(rf"{table}([_-][0-9-]+)?\.csv")
    return sorted(path for path in city.iterdir() if parts.fullmatch(path.name))


def _open(city: Path) -> duckdb.DuckDBPyConnection:
    """A view of text columns for each contract table; what the city does not have is there, blank."""
    connection = duckdb.connect()
    for table in tables().values():
        files = [str(path) for path in _files(city, table.name)]
        wanted = [column.name for column in table.columns]
        if files:
            read = f"read_csv({files}, all_varchar = true, union_by_name = true)"
            present = set(connection.sql(f"SELECT * FROM {read} LIMIT 0").columns)
            chosen = ", ".join(name if name in present else f"NULL AS {name}" for name in wanted)
            connection.execute(f"CREATE VIEW {table.name} AS SELECT {chosen} FROM {read}")
        else:
            absent = ", ".join(f"CAST(NULL AS VARCHAR) AS {name}" for name in wanted)
            connection.execute(f"CREATE VIEW {table.name} AS SELECT {absent} WHERE false")
    return connection


def _each(city: Path, write: Callable[[duckdb.DuckDBPyConnection, str], None], out: Path) -> Path:
    out.mkdir(parents=True, exist_ok=True)
    with _open(city) as connection:
        for table in TABLE_NAMES:
            if _count(connection, table):
                write(connection, table)
    return out


def _count(connection: duckdb.DuckDBPyConnection, table: str) -> int:
    [(count,)] = connection.execute(f"SELECT count(*) FROM {table}").fetchall()
    return int(count)


def _copy(connection: duckdb.DuckDBPyConnection, rows: str, path: Path, compression: str = "none") -> None:
    connection.execute(f"COPY ({rows}) TO '{path}' (FORMAT csv, HEADER, COMPRESSION {compression})")


LAYOUTS: Final[dict[str, Callable[[Path, Path], Path]]] = {
    "nhsa": nhsa, "gb18030": gb18030, "parquet": parquet, "monthly": monthly, "xlsx": xlsx,
}  # fmt: skip
