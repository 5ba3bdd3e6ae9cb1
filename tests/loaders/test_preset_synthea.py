"""Synthea's CSV files as the generator writes them."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from factories.delivery import deliver

from ringtrace.loaders import load_folder
from ringtrace.workspace import Workspace

REAL = Path(__file__).parents[2].parent / "shared" / "data" / "synthea"

FILES: dict[str, list[dict[str, object]]] = {
    "patients.csv": [
        {
            "Id": "p1", "BIRTHDATE": "1950-01-02", "DEATHDATE": "", "SSN": "999-62-9002", "FIRST": "Ana", "MIDDLE": "",
            "LAST": "Lopez", "GENDER": "F", "ADDRESS": "1 Main St", "CITY": "Springfield", "STATE": "Massachusetts",
            "FIPS": "25013", "ZIP": "01106",
        }
    ],
    "organizations.csv": [{"Id": "o1", "NAME": "Clinic", "ADDRESS": "2 Main St", "LAT": "42.1", "LON": "-72.5"}],
    "providers.csv": [{"Id": "d1", "ORGANIZATION": "o1", "NAME": "Dr. Who", "SPECIALITY": "GENERAL PRACTICE"}],
    "payers.csv": [{"Id": "y1", "NAME": "Medicare"}],
    "encounters.csv": [
        {
            "Id": f"e{n}", "START": f"2020-05-1{n}T05:17:45Z", "STOP": f"2020-05-1{n}T05:32:45Z", "PATIENT": "p1",
            "ORGANIZATION": "o1", "PROVIDER": "d1", "PAYER": "y1", "ENCOUNTERCLASS": kind, "TOTAL_CLAIM_COST": "272.80",
            "PAYER_COVERAGE": "200.00", "REASONCODE": reason,
        }
        for n, kind, reason in ((1, "wellness", ""), (2, "inpatient", "24079001"))
    ],
    "medications.csv": [
        {
            "START": f"2020-05-12T05:1{n}:00Z", "PATIENT": "p1", "ENCOUNTER": "e2", "CODE": code,
            "DESCRIPTION": f"Drug {code}", "BASE_COST": "10.50", "DISPENSES": "2", "TOTALCOST": "21.00",
        }
        for n, code in ((2, "314076"), (1, "205923"), (2, "314076"))
    ],
    "claims.csv": [
        {"Id": f"c{n}", "PATIENTID": "p1", "APPOINTMENTID": "e1", "DIAGNOSIS1": code}
        for n, code in enumerate(("", "314529007", "66383009"))
    ],
}  # fmt: skip


def rows(workspace: Workspace, sql: str) -> list[tuple[Any, ...]]:
    with workspace.connect() as connection:
        return [tuple(None if v is None else str(v) for v in row) for row in connection.execute(sql).fetchall()]


def test_encounters_become_settlements_and_medications_their_items(tmp_path: Path) -> None:
    workspace = Workspace(tmp_path / "workspace", create=True)
    report = load_folder(deliver(tmp_path / "delivery", FILES), workspace)
    assert report.preset == "synthea"
    assert rows(
        workspace,
        "SELECT setl_id, psn_no, fixmedins_code, med_type, begntime, setl_time, dise_codg, chfpdr_code, medfee_sumamt,"
        " fund_pay_sumamt, cash_payamt FROM settlements ORDER BY setl_id",
    ) == [
        ("e1", "p1", "o1", "11", "2020-05-11 05:17:45", "2020-05-11 05:32:45", "314529007", "d1",
         "272.80", "200.00", "72.80"),
        ("e2", "p1", "o1", "21", "2020-05-12 05:17:45", "2020-05-12 05:32:45", "24079001", "d1",
         "272.80", "200.00", "72.80"),
    ]  # fmt: skip
    assert rows(
        workspace,
        "SELECT setl_id, feedetl_sn, med_list_codg, cnt::INTEGER, pric, det_item_fee_sumamt FROM settlement_items"
        " ORDER BY feedetl_sn",
    ) == [
        ("e2", "1", "205923", "2", "10.50", "21.00"),
        ("e2", "2", "314076", "2", "10.50", "21.00"),
        ("e2", "3", "314076", "2", "10.50", "21.00"),
    ]
    assert rows(workspace, "SELECT psn_no, psn_name, gend, brdy, die_date, insu_admdvs, certno FROM persons") == [
        ("p1", "Ana Lopez", "2", "1950-01-02", None, "25013", None)
    ]
    assert rows(workspace, "SELECT dr_code, dr_name, fixmedins_code, dept_name FROM practitioners") == [
        ("d1", "Dr. Who", "o1", "GENERAL PRACTICE")
    ]
    assert rows(workspace, "SELECT med_list_codg, drug_genname FROM drugs ORDER BY 1") == [
        ("205923", "Drug 205923"),
        ("314076", "Drug 314076"),
    ]
    assert rows(workspace, "SELECT fixmedins_code, fixmedins_type, lat FROM institutions") == [("o1", "1", "42.1")]


def test_every_row_of_every_file_is_accounted_for(tmp_path: Path) -> None:
    report = load_folder(deliver(tmp_path / "delivery", FILES), Workspace(tmp_path / "workspace", create=True))
    assert {file.file: file.read for file in report.files} == {name: len(rows) for name, rows in FILES.items()}
    outcomes = {file.file: (file.loaded, file.left_out, file.unused) for file in report.files}
    assert outcomes["claims.csv"] == (0, {"joined": 3}, 0)
    assert outcomes["payers.csv"] == (0, {}, 1)
    assert outcomes["encounters.csv"] == (2, {}, 0)


def test_the_order_of_medications_does_not_change_their_numbers(tmp_path: Path) -> None:
    ways = {"forward": FILES, "backward": FILES | {"medications.csv": FILES["medications.csv"][::-1]}}
    found = []
    for way, files in ways.items():
        workspace = Workspace(tmp_path / way / "workspace", create=True)
        load_folder(deliver(tmp_path / way / "delivery", files), workspace)
        found.append(rows(workspace, "SELECT feedetl_sn, med_list_codg FROM settlement_items ORDER BY 1"))
    assert found[0] == found[1]


if REAL.is_dir():

    def test_the_published_patients_reconcile(tmp_path: Path) -> None:
        workspace = Workspace(tmp_path, create=True)
        report = load_folder(REAL, workspace)
        assert report.preset == "synthea"
        assert {file.file: file.loaded for file in report.files if file.loaded} == {
            "encounters.csv.gz": 60_060,
            "medications.csv.gz": 61_645,
            "patients.csv.gz": 1_223,
            "organizations.csv": 76,
            "providers.csv": 76,
        }
        assert rows(workspace, "SELECT sum(medfee_sumamt) FROM settlements") == rows(
            workspace,
            f"""SELECT sum(TOTAL_CLAIM_COST::DECIMAL(18, 2))
                FROM read_csv('{REAL / "encounters.csv.gz"}', all_varchar = true)""",
        )
