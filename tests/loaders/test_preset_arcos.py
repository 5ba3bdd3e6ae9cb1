"""Shipments as the DEA publishes them: whose stock moves, in which direction, and how much of a pack."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from factories.delivery import deliver

from ringtrace.loaders import load_folder
from ringtrace.loaders.report import LoadReport
from ringtrace.workspace import Workspace

REAL = Path(__file__).parents[2].parent / "shared" / "data" / "arcos"


def shipment(code: str, transaction_id: str, **columns: object) -> dict[str, object]:
    return {
        "REPORTER_DEA_NO": "RD0108200",
        "REPORTER_BUS_ACT": "DISTRIBUTOR",
        "REPORTER_NAME": "CARDINAL HEALTH",
        "REPORTER_CITY": "PEABODY",
        "REPORTER_STATE": "MA",
        "REPORTER_ZIP": "1960",
        "REPORTER_COUNTY": "ESSEX",
        "BUYER_DEA_NO": "BC5886708",
        "BUYER_BUS_ACT": "CHAIN PHARMACY",
        "BUYER_NAME": "CVS PHARMACY, INC.",
        "BUYER_ADDL_CO_INFO": "DBA: CVS/PHARMACY  # 02283",
        "BUYER_ADDRESS1": "715 MORRISSEY BOULEVARD",
        "BUYER_CITY": "DORCHESTER",
        "BUYER_STATE": "MA",
        "BUYER_ZIP": "2122",
        "BUYER_COUNTY": "SUFFOLK",
        "TRANSACTION_CODE": code,
        "NDC_NO": "00054457125",
        "DRUG_NAME": "METHADONE",
        "Product_Name": "METHADONE HCL USP 10MG TABLET",
        "QUANTITY": "2",
        "TRANSACTION_DATE": "4242007",
        "CALC_BASE_WT_IN_GM": "1.7888",
        "DOSAGE_UNIT": "200.0",
        "TRANSACTION_ID": transaction_id,
        "STRENGTH": "0000",
        "ACTION_INDICATOR": "",
    } | columns


def loaded(tmp_path: Path, rows: list[dict[str, object]], **options: Any) -> tuple[Workspace, LoadReport]:
    workspace = Workspace(tmp_path / "workspace", create=True)
    return workspace, load_folder(deliver(tmp_path / "delivery", {"arcos.csv": rows}), workspace, **options)


def rows(workspace: Workspace, sql: str) -> list[tuple[Any, ...]]:
    with workspace.connect() as connection:
        return [tuple(None if v is None else str(v) for v in row) for row in connection.execute(sql).fetchall()]


def test_each_code_moves_the_stock_it_says(tmp_path: Path) -> None:
    workspace, report = loaded(tmp_path, [shipment(code, str(n)) for n, code in enumerate("SPRVZXTYN")])
    assert report.preset == "arcos"
    buyer, supplier = "BC5886708", "CARDINAL HEALTH"
    assert rows(
        workspace, "SELECT fixmedins_code, chg_type, cnt::INTEGER, spler_name FROM inventory ORDER BY invono"
    ) == [
        (buyer, "purchase", "2", supplier),
        (buyer, "purchase_return", "2", supplier),
        (buyer, "purchase_return", "2", supplier),
        (buyer, "purchase_return", "2", supplier),
        (buyer, "transfer_in", "2", supplier),
        ("RD0108200", "count_loss", "2", None),
        ("RD0108200", "count_loss", "2", None),
        ("RD0108200", "destroy", "2", None),
        ("RD0108200", "destroy", "2", None),
    ]
    assert rows(workspace, "SELECT DISTINCT chg_time FROM inventory") == [("2007-04-24 00:00:00",)]
    assert rows(
        workspace, "SELECT fixmedins_code, fixmedins_name, fixmedins_type, addr FROM institutions ORDER BY 1"
    ) == [
        (
            buyer,
            "CVS PHARMACY, INC. (DBA: CVS/PHARMACY  # 02283)",
            "2",
            "715 MORRISSEY BOULEVARD, DORCHESTER, MA, 02122",
        ),
        ("RD0108200", supplier, None, "PEABODY, MA, 01960"),
    ]


def test_a_part_of_a_pack_comes_back_as_that_part(tmp_path: Path) -> None:
    # STRENGTH 0280: 28.0 % of a bottle of a hundred; the weight and the 28 tablets say the same.
    returned = shipment(
        "P", "2", QUANTITY="1", STRENGTH="0280", CALC_BASE_WT_IN_GM="0.2504", DOSAGE_UNIT="28.0", NDC_NO="00406577101"
    )
    workspace, _ = loaded(tmp_path, [shipment("S", "1"), returned, shipment("P", "3", STRENGTH="1000")])
    assert rows(workspace, "SELECT cnt FROM inventory ORDER BY invono") == [("2.0000",), ("0.2800",), ("2.0000",)]


def test_daily_doses_come_from_the_weight_of_a_sold_pack(tmp_path: Path) -> None:
    odd = shipment("S", "9", NDC_NO="1", DRUG_NAME="SOMETHING ELSE")
    workspace, _ = loaded(tmp_path, [shipment("S", "1"), shipment("P", "2", CALC_BASE_WT_IN_GM="0.01"), odd])
    assert rows(workspace, "SELECT med_list_codg, drug_genname, atc_code, pack_ddd FROM drugs ORDER BY 1") == [
        ("00054457125", "METHADONE", "N07BC02", "35.776"),
        ("1", "SOMETHING ELSE", None, None),
    ]


def test_a_deleted_row_is_counted_as_voided_and_an_unknown_code_goes_to_quarantine(tmp_path: Path) -> None:
    workspace, report = loaded(
        tmp_path,
        [shipment("S", "1"), shipment("S", "2", ACTION_INDICATOR="D"), shipment("?", "3")],
        max_bad_share=1.0,
    )
    [file] = report.files
    assert (file.read, file.loaded, file.quarantined, file.left_out) == (3, 1, 1, {"voided": 1})
    assert rows(workspace, "SELECT invono FROM inventory") == [("RD0108200-1",)]


def test_equal_shipments_stay_two(tmp_path: Path) -> None:
    workspace, _ = loaded(tmp_path, [shipment("S", "1"), shipment("S", "1")])
    assert rows(workspace, "SELECT count(*), count(DISTINCT _ordinal) FROM inventory") == [("2", "2")]


def test_a_deleted_row_does_not_count_among_equal_shipments(tmp_path: Path) -> None:
    delivered = [shipment("S", "1", ACTION_INDICATOR="D"), shipment("S", "1")]
    workspace, _ = loaded(tmp_path, delivered)
    assert not load_folder(tmp_path / "delivery", workspace).changed
    assert rows(workspace, "SELECT _ordinal FROM inventory") == [("1",)]


if REAL.is_dir():

    def test_the_published_shipments_reconcile(tmp_path: Path) -> None:
        workspace = Workspace(tmp_path, create=True)
        report = load_folder(REAL, workspace)
        assert report.preset == "arcos"
        assert sum(file.read for file in report.files) == 37_177
        assert sum(file.loaded for file in report.files) == 37_177
        assert rows(workspace, "SELECT sum(cnt)::INTEGER FROM inventory WHERE chg_type = 'purchase'") == rows(
            workspace,
            f"""SELECT sum(QUANTITY::INTEGER) FROM read_csv('{next(REAL.glob("*.csv.gz"))}', all_varchar = true)
                WHERE TRANSACTION_CODE = 'S'""",
        )


@pytest.mark.parametrize("missing", ["BUYER_DEA_NO", "TRANSACTION_DATE"])
def test_a_row_without_buyer_or_date_goes_to_quarantine(tmp_path: Path, missing: str) -> None:
    _, report = loaded(tmp_path, [shipment("S", "1"), shipment("S", "2", **{missing: ""})], max_bad_share=0.5)
    assert [(file.loaded, file.quarantined) for file in report.files] == [(1, 1)]
