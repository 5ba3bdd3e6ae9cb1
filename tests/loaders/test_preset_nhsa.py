"""The national platform's tables as they come: voided rows, refunds, family payments, manual reimbursement, stock."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import pytest
from factories.delivery import deliver

from ringtrace.errors import RingTraceError
from ringtrace.loaders import load_folder
from ringtrace.loaders.report import LoadReport
from ringtrace.workspace import Workspace

SHOP, HOSPITAL = "P33010600001", "H33010600001"
Rows = Sequence[Mapping[str, object]]


def settlement(setl_id: str, **columns: object) -> dict[str, object]:
    return {
        "setl_id": setl_id,
        "clr_optins": "330106",
        "mdtrt_id": f"M{setl_id}",
        "psn_no": "P1",
        "psn_name": "欧阳若曦",
        "certno": "11010519491231002X",
        "gend": "2",
        "brdy": "1949-12-31",
        "insu_admdvs": "330106",
        "emp_no": "E1",
        "fixmedins_code": SHOP,
        "fixmedins_name": "康民大药房",
        "fix_blng_admdvs": "330106",
        "begndate": "2025-03-01",
        "enddate": "2025-03-01",
        "setl_time": "2025-03-01 08:00:00.0",
        "mdtrt_cert_type": "03",
        "mdtrt_cert_no": "C1",
        "med_type": "41",
        "medfee_sumamt": "100.00",
        "fund_pay_sumamt": "60.00",
        "acct_pay": "40.00",
        "cash_payamt": "0.00",
        "acct_mulaid_pay": "0.00",
        "refd_setl_flag": "0",
        "init_setl_id": "",
        "manl_reim_rea": "NULL",
        "vali_flag": "1",
    } | columns


def visit(setl_id: str, **columns: object) -> dict[str, object]:
    return {
        "mdtrt_id": f"M{setl_id}",
        "psn_no": "P1",
        "tel": "13805710001",
        "addr": "文三路 1 号",
        "fixmedins_code": SHOP,
        "begntime": "2025-03-01 07:58:00.0",
        "endtime": "2025-03-01 08:01:00.0",
        "ipt_otp_no": "",
        "chfpdr_code": "D1",
        "chfpdr_name": "司马长风",
        "adm_dept_name": "内科",
        "dscg_maindiag_code": "E11.900",
        "vali_flag": "1",
        "updt_time": "2025-03-01 09:00:00",
    } | columns


def charge(setl_id: str, line: str, **columns: object) -> dict[str, object]:
    return {
        "bkkp_sn": line,
        "mdtrt_id": f"M{setl_id}",
        "setl_id": setl_id,
        "fee_ocur_time": "2025-03-01 08:00:00",
        "fixmedins_code": SHOP,
        "cnt": "2.0000",
        "pric": "50.000000",
        "det_item_fee_sumamt": "100.00",
        "pric_uplmt_amt": "999999",
        "hilist_code": "XA10BFA001",
        "hilist_name": "阿卡波糖",
        "med_list_codg": "XA10BFA001",
        "spec": "50mg*30",
        "bilg_dr_code": "D2",
        "bilg_dr_name": "慕容雪",
        "vali_flag": "1",
    } | columns


def skipped(report: LoadReport) -> dict[str, dict[str, int]]:
    return {file.file: dict(sorted(file.left_out.items())) for file in report.files if file.left_out}


def loaded(tmp_path: Path, files: Mapping[str, Rows]) -> tuple[Workspace, LoadReport]:
    workspace = Workspace(tmp_path / "workspace", create=True)
    report = load_folder(deliver(tmp_path / "delivery", files), workspace)
    return workspace, report


def rows(workspace: Workspace, sql: str) -> list[tuple[Any, ...]]:
    with workspace.connect() as connection:
        return [tuple(None if v is None else str(v) for v in row) for row in connection.execute(sql).fetchall()]


@pytest.fixture(scope="module")
def month(tmp_path_factory: pytest.TempPathFactory) -> tuple[Workspace, LoadReport]:
    """A month with one of everything; each test looks at its own settlements."""
    return loaded(
        tmp_path_factory.mktemp("month"),
        {
            "mdtrt_d.csv": [
                visit("plain"),
                visit("plain", begntime="2025-01-01", updt_time="2025-01-01", psn_no="P9", vali_flag="0"),
            ],
            "setl_d.csv": [
                settlement("plain"),
                settlement("void", vali_flag="0", psn_no="P9", mdtrt_cert_no="C9"),
                settlement("no visit"),
                settlement("refund 1", refd_setl_flag="1"),
                settlement("refund 2", refd_setl_flag="1", init_setl_id="refund 1"),
                settlement("refund 3", refd_setl_flag="1", init_setl_id="refund 1", medfee_sumamt="-100.00"),
                settlement("refund 4", init_setl_id="refund 4"),
                settlement("family beside", acct_pay="10.00", acct_mulaid_pay="30.00"),
                settlement("family within", acct_pay="40.00", acct_mulaid_pay="30.00"),
                settlement("manual 1", manl_reim_rea="NULL"),
                settlement("manual 2", manl_reim_rea="01"),
                settlement("manual 3", manl_reim_rea=""),
                settlement("manual 4", manl_reim_rea="0"),
                settlement("stay 1", mdtrt_id="STAY"),
                settlement("stay 2", mdtrt_id="STAY"),
                settlement("other card", mdtrt_cert_type="05"),
            ],
            "fee_list_d.csv": [
                charge("plain", "1"),
                charge("plain", "2", vali_flag="0"),
                charge("void", "1"),
                charge("refund 1", "1"),
                charge("refund 2", "1"),
                charge("", "1", mdtrt_id="Mno visit"),
                charge("null", "1", mdtrt_id="STAY"),
                charge("", "1", mdtrt_id="NOT YET SETTLED"),
            ],
        },
    )


Month = tuple[Workspace, LoadReport]


def test_a_settlement_takes_time_doctor_and_diagnosis_from_its_visit(month: Month) -> None:
    workspace, report = month
    assert report.preset == "nhsa"
    assert rows(
        workspace,
        "SELECT begntime, endtime, setl_time, chfpdr_code, dise_codg, med_type, _warnings FROM settlements"
        " WHERE setl_id = 'plain'",
    ) == [("2025-03-01 07:58:00", "2025-03-01 08:01:00", "2025-03-01 08:00:00", "D1", "E11.900", "41", None)]
    assert rows(
        workspace,
        "SELECT setl_id, feedetl_sn, med_list_codg, cnt, pric, _warnings FROM settlement_items WHERE setl_id = 'plain'",
    ) == [("plain", "1", "XA10BFA001", "2.0000", "50.00", None)]


def test_what_every_row_repeats_becomes_tables_of_its_own(month: Month) -> None:
    workspace, _ = month
    assert rows(workspace, "SELECT psn_no, psn_name, certno, tel, emp_no, _warnings FROM persons") == [
        ("P1", "欧阳若曦", "11010519491231002X", "13805710001", "E1", None)
    ]
    assert rows(workspace, "SELECT mdtrt_cert_no, psn_no, mdtrt_cert_type FROM cards") == [("C1", "P1", "03")]
    assert rows(workspace, "SELECT fixmedins_code, fixmedins_name, fixmedins_type, admdvs FROM institutions") == [
        (SHOP, "康民大药房", "2", "330106")
    ]
    assert rows(workspace, "SELECT dr_code, dr_name, dept_name FROM practitioners ORDER BY 1") == [
        ("D1", "司马长风", "内科"),
        ("D2", "慕容雪", None),
    ]
    assert rows(workspace, "SELECT med_list_codg, drug_genname, pric_uplmt FROM drugs") == [
        ("XA10BFA001", "阿卡波糖", None)
    ]


def test_without_a_visit_the_settlements_own_days_stand(month: Month) -> None:
    assert rows(month[0], "SELECT begntime, endtime, chfpdr_code FROM settlements WHERE setl_id = 'no visit'") == [
        ("2025-03-01 00:00:00", "2025-03-01 00:00:00", None)
    ]


def test_voided_rows_are_counted_and_not_loaded_and_take_their_lines_with_them(month: Month) -> None:
    workspace, report = month
    assert rows(workspace, "SELECT 1 FROM settlements WHERE setl_id = 'void'") == []
    assert rows(workspace, "SELECT 1 FROM settlement_items WHERE setl_id = 'void' OR feedetl_sn = '2'") == []
    assert skipped(report) == {
        "setl_d.csv": {"voided": 1},
        "fee_list_d.csv": {"unsettled": 2, "voided": 2},
        "mdtrt_d.csv": {"joined": 1, "voided": 1},
    }


def test_a_refund_is_told_from_the_original_that_bears_the_same_flag(month: Month) -> None:
    workspace, _ = month
    assert rows(
        workspace,
        "SELECT setl_id[-1], refd_setl_flag, init_setl_id, medfee_sumamt FROM settlements"
        " WHERE setl_id LIKE 'refund%' ORDER BY 1",
    ) == [
        ("1", "0", None, "100.00"),
        ("2", "1", "refund 1", "-100.00"),
        ("3", "1", "refund 1", "-100.00"),
        ("4", "0", None, "100.00"),
    ]
    assert rows(
        workspace,
        "SELECT setl_id, cnt, det_item_fee_sumamt FROM settlement_items WHERE setl_id LIKE 'refund%' ORDER BY 1",
    ) == [("refund 1", "2.0000", "100.00"), ("refund 2", "-2.0000", "-100.00")]


def test_a_relatives_account_pays_as_account_and_is_remembered(month: Month) -> None:
    # Provinces differ in whether acct_pay holds it already; the total tells.
    assert (
        rows(
            month[0],
            "SELECT acct_pay, acct_mulaid_pay, _warnings IS NULL FROM settlements WHERE setl_id LIKE 'family%'",
        )
        == [("40.00", "30.00", "True")] * 2
    )


def test_a_reason_for_manual_reimbursement_is_one(month: Month) -> None:
    assert rows(month[0], "SELECT manl_reim_flag FROM settlements WHERE setl_id LIKE 'manual%' ORDER BY setl_id") == [
        ("0",),
        ("1",),
        ("0",),
        ("0",),
    ]


def test_a_line_without_settlement_finds_that_of_its_visit_or_waits(month: Month) -> None:
    assert rows(month[0], "SELECT setl_id FROM settlement_items WHERE setl_id IN ('no visit', 'stay 1', 'stay 2')") == [
        ("no visit",)
    ]


def test_a_credential_of_another_kind_loads_without_its_kind(month: Month) -> None:
    assert rows(month[0], "SELECT mdtrt_cert_no, mdtrt_cert_type FROM settlements WHERE setl_id = 'other card'") == [
        ("C1", None)
    ]


def test_headers_in_any_case_and_files_of_any_name(tmp_path: Path) -> None:
    def shouted(row: dict[str, object]) -> dict[str, object]:
        return {name.upper(): value for name, value in row.items()}

    workspace, report = loaded(
        tmp_path,
        {
            "2025年3月结算.csv": [shouted(settlement("1"))],
            "就诊.csv": [shouted(visit("1"))],
            "费用.csv": [shouted(charge("1", "1"))],
        },
    )
    assert report.preset == "nhsa"
    assert rows(
        workspace,
        "SELECT setl_id, chfpdr_code, count(*) FROM settlements JOIN settlement_items USING (setl_id) GROUP BY ALL",
    ) == [("1", "D1", "1")]


def test_a_mapping_names_the_platforms_tables_and_columns(tmp_path: Path) -> None:
    chinese = {"setl_id": "结算编号", "vali_flag": "有效标志", "manl_reim_rea": "手工报销原因"}

    def translated(row: dict[str, object]) -> dict[str, object]:
        return {chinese.get(name, name): value for name, value in row.items()}

    folder = deliver(
        tmp_path / "delivery",
        {"结算数据.csv": [translated(settlement("1")), translated(settlement("2", vali_flag="0", manl_reim_rea="01"))]},
    )
    lines = [f"{header}: {name}" for name, header in chinese.items()]
    (folder / "mapping.yaml").write_text("\n".join([*lines, "files: {结算数据: setl_d}"]), "utf-8")
    workspace = Workspace(tmp_path / "workspace", create=True)
    assert skipped(load_folder(folder, workspace)) == {"结算数据.csv": {"voided": 1}}
    assert rows(workspace, "SELECT setl_id FROM settlements") == [("1",)]


def test_contract_files_beside_win_field_by_field(tmp_path: Path) -> None:
    workspace, report = loaded(
        tmp_path,
        {
            "setl_d.csv": [settlement("1"), settlement("2", psn_no="P2", certno="", mdtrt_cert_no="C2")],
            "fee_list_d.csv": [charge("1", "1"), charge("1", "2", bkkp_sn="2")],
            "persons.csv": [{"psn_no": "P1", "psn_name": "", "hh_no": "H1", "emp_no": "E7"}],
            "settlements.csv": [{"setl_id": "1", "pos_no": "T3"}],
            "settlement_items.csv": [{"setl_id": "1", "feedetl_sn": "2", "drug_trac_codg": "81234567890123456789"}],
        },
    )
    assert rows(workspace, "SELECT psn_no, psn_name, hh_no, emp_no FROM persons ORDER BY 1") == [
        ("P1", "欧阳若曦", "H1", "E7"),
        ("P2", "欧阳若曦", None, "E1"),
    ]
    assert rows(workspace, "SELECT setl_id, pos_no FROM settlements ORDER BY 1") == [("1", "T3"), ("2", None)]
    assert rows(workspace, "SELECT feedetl_sn, drug_trac_codg FROM settlement_items ORDER BY 1") == [
        ("1", None),
        ("2", "81234567890123456789"),
    ]
    assert skipped(report)["settlements.csv"] == {"joined": 1}
    assert skipped(report)["settlement_items.csv"] == {"joined": 1}


def stock(**columns: object) -> dict[str, object]:
    return {"fixmedins_code": SHOP, "med_list_codg": "XA10BFA001", "fixmedins_bchno": "B1"} | columns


def test_the_stock_interface_becomes_movements(tmp_path: Path) -> None:
    workspace, report = loaded(
        tmp_path,
        {
            "setl_d.csv": [settlement("1")],
            "inv_3501.csv": [
                stock(inv_cnt="5", invdate="2025-01-01"),
                stock(inv_cnt="9", invdate="2025-06-01"),
            ],
            "inv_3502.csv": [
                stock(inv_chg_type=code, cnt="1", inv_chg_time=f"2025-02-0{code[-1]} 08:00:00")
                for code in ("101", "102", "103", "104", "105", "106", "107", "108")
            ],
            "inv_3503.csv": [
                stock(purc_retn_cnt="10", purc_retn_stoin_time="2025-01-05 10:00:00", spler_name="华东医药",
                      purc_invo_no="I1", finl_trns_pric="31.2")
            ],
            "inv_3504.csv": [stock(purc_retn_cnt="2", purc_retn_stoin_time="2025-01-06 10:00:00")],
            "inv_3505.csv": [
                stock(sel_retn_cnt="2", sel_retn_time="2025-01-07 10:00:00", drug_trac_codg="81,82;83"),
                stock(sel_retn_cnt="-1", sel_retn_time="2025-01-08 10:00:00"),
            ],
            "inv_3506.csv": [stock(sel_retn_cnt="1", sel_retn_time="2025-01-09 10:00:00")],
        },
    )  # fmt: skip
    found = rows(workspace, "SELECT chg_type, cnt::INTEGER FROM inventory ORDER BY chg_time")
    assert found == [
        ("initial", "5"),
        ("purchase", "10"),
        ("purchase_return", "2"),
        ("sale", "2"),
        ("sale_return", "1"),
        ("sale_return", "1"),
        ("transfer_in", "1"),
        ("transfer_out", "1"),
        ("count_gain", "1"),
        ("count_loss", "1"),
        ("destroy", "1"),
        ("transfer_in", "1"),
        ("transfer_out", "1"),
        ("initial", "1"),
    ]
    assert rows(
        workspace, "SELECT spler_name, invono, pric, manu_lotnum FROM inventory WHERE chg_type = 'purchase'"
    ) == [("华东医药", "I1", "31.20", "B1")]
    assert rows(workspace, "SELECT drug_trac_codg FROM inventory WHERE drug_trac_codg IS NOT NULL") == [("81|82|83",)]
    assert skipped(report)["inv_3501.csv"] == {"stock_level": 1}


def test_a_settlement_voided_in_a_later_delivery_is_taken_back(tmp_path: Path) -> None:
    workspace, _ = loaded(tmp_path, {"setl_d.csv": [settlement("1"), settlement("2")]})
    report = load_folder(deliver(tmp_path / "april", {"setl_d.csv": [settlement("2", vali_flag="0")]}), workspace)
    assert skipped(report) == {"setl_d.csv": {"voided": 1}}
    assert rows(workspace, "SELECT setl_id FROM settlements") == [("1",)]


def test_what_is_missing_is_named(tmp_path: Path) -> None:
    shortened = {name: value for name, value in settlement("1").items() if name != "psn_no"}
    with pytest.raises(RingTraceError, match=r"setl_d\.csv.*psn_no"):
        loaded(tmp_path, {"setl_d.csv": [shortened]})


def test_visits_do_not_make_bad_settlements_look_few(tmp_path: Path) -> None:
    bad = [settlement(str(n), setl_time="soon" if n < 6 else "2025/3/1 8:05") for n in range(100)]
    with pytest.raises(RingTraceError, match="6 of 100"):
        loaded(tmp_path, {"setl_d.csv": bad, "mdtrt_d.csv": [visit(str(n)) for n in range(100)]})
