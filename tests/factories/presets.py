"""The smallest delivery of each preset that fills every kind of row it knows."""

from __future__ import annotations

from typing import Any, Final

from factories.settled import settlement

Files = dict[str, list[dict[str, Any]]]

_SHIPMENT: Final = {
    "REPORTER_DEA_NO": "RD0108200", "REPORTER_BUS_ACT": "DISTRIBUTOR", "REPORTER_NAME": "CARDINAL HEALTH",
    "REPORTER_STATE": "MA", "BUYER_DEA_NO": "BC5886708", "BUYER_BUS_ACT": "CHAIN PHARMACY", "BUYER_NAME": "CVS",
    "BUYER_STATE": "MA", "TRANSACTION_CODE": "S", "NDC_NO": "00054457125", "DRUG_NAME": "METHADONE",
    "Product_Name": "METHADONE HCL USP 10MG TABLET", "QUANTITY": "2", "TRANSACTION_DATE": "4242007",
    "CALC_BASE_WT_IN_GM": "1.7888", "DOSAGE_UNIT": "200.0", "TRANSACTION_ID": "1", "ACTION_INDICATOR": "",
}  # fmt: skip
_PLATFORM: Final = {
    "psn_no": "P1", "fixmedins_code": "H1", "mdtrt_id": "M1", "vali_flag": "1", "med_type": "41",
}  # fmt: skip

SMALL: Final[dict[str, Files]] = {
    "contract": {
        "persons.csv": [{"psn_no": "P1", "certno": "11010519491231002X", "gend": "2", "brdy": "1949-12-31"}],
        "settlements_1.csv": [settlement(1), settlement(2, refd_setl_flag="1", init_setl_id="S1")],
        "settlements_2.csv": [settlement(3)],
        "settlement_items.csv": [
            {"setl_id": f"S{n}", "feedetl_sn": 1, "med_list_codg": "D1", "cnt": 1, "det_item_fee_sumamt": 10}
            for n in (1, 2)
        ],
        "inventory.csv": [
            {"fixmedins_code": "H1", "med_list_codg": "D1", "chg_type": kind, "chg_time": "20250301", "cnt": 1}
            for kind in ("purchase", "sale", "sale")
        ],
    },
    "nhsa": {
        "setl_d.csv": [
            _PLATFORM | {"setl_id": n, "setl_time": "2025-03-01 08:00:00.0", "begndate": "2025-03-01",
            "enddate": "2025-03-01", "medfee_sumamt": "10.00", "fund_pay_sumamt": "10.00", "acct_pay": "0",
            "cash_payamt": "0", "refd_setl_flag": "0", "init_setl_id": "", "vali_flag": valid}
            for n, valid in (("1", "1"), ("2", "0"))
        ],
        "mdtrt_d.csv": [_PLATFORM | {"begntime": "2025-03-01 07:58:00", "endtime": "2025-03-01 08:01:00", "tel": "1"}],
        "fee_list_d.csv": [
            _PLATFORM | {"setl_id": "1", "bkkp_sn": n, "cnt": "1", "pric": "5", "det_item_fee_sumamt": "5",
            "med_list_codg": "D1", "hilist_code": "D1", "hilist_name": "D", "fee_ocur_time": "2025-03-01 08:00:00"}
            for n in ("1", "2")
        ],
    },
    "synthea": {
        "patients.csv": [{"Id": "p1", "BIRTHDATE": "1950-01-02", "GENDER": "F", "FIRST": "Ana", "LAST": "Lopez"}],
        "organizations.csv": [{"Id": "o1", "NAME": "Clinic"}],
        "providers.csv": [{"Id": "d1", "ORGANIZATION": "o1", "NAME": "Dr. Who"}],
        "payers.csv": [{"Id": "y1", "NAME": "Medicare"}],
        "encounters.csv": [
            {"Id": f"e{n}", "START": "2020-05-12T05:17:45Z", "STOP": "2020-05-12T05:32:45Z", "PATIENT": "p1",
            "ORGANIZATION": "o1", "PROVIDER": "d1", "ENCOUNTERCLASS": "inpatient", "TOTAL_CLAIM_COST": "272.80",
            "PAYER_COVERAGE": "200.00", "REASONCODE": ""}
            for n in (1, 2)
        ],
        "medications.csv": [
            {"START": "2020-05-12T05:12:00Z", "PATIENT": "p1", "ENCOUNTER": "e2", "CODE": "314076",
            "DESCRIPTION": "Drug", "BASE_COST": "10.50", "DISPENSES": "2", "TOTALCOST": "21.00"}
        ] * 2,
        "claims.csv": [{"Id": "c1", "PATIENTID": "p1", "APPOINTMENTID": "e1", "DIAGNOSIS1": "314529007"}],
    },
    "arcos": {
        "arcos.csv": [
            _SHIPMENT, _SHIPMENT, _SHIPMENT | {"TRANSACTION_ID": "2", "ACTION_INDICATOR": "D"},
            _SHIPMENT | {"TRANSACTION_CODE": "R", "TRANSACTION_ID": "3"},
        ],
    },
}  # fmt: skip
