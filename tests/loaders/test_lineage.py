"""From a canonical row to the row as it came, and a hash that the standard library recomputes."""

from __future__ import annotations

import csv
import hashlib
import json
from pathlib import Path

from factories.settled import load, settlement

from ringtrace.findings import EvidenceRef
from ringtrace.loaders import original_rows, source_rows
from ringtrace.workspace import Workspace


def recomputed(path: Path, row: int) -> str:
    """As the module's docstring tells a third party to do."""
    with path.open(encoding="utf-8", newline="") as stream:
        cells = list(csv.reader(stream))[row]
    return hashlib.sha256(json.dumps(cells, ensure_ascii=False, separators=(",", ":")).encode()).hexdigest()


def test_the_hash_of_a_source_row_can_be_recomputed_from_the_file(tmp_path: Path) -> None:
    files = {"settlements.csv": [settlement(1, psn_no=" 张三 "), settlement(2, psn_no=""), settlement(3, invono="a|b")]}
    load(tmp_path / "in", tmp_path / "ws", files)
    found = source_rows(Workspace(tmp_path / "ws"), "settlements", ["S3", "unknown", "S1", "S3"])
    assert found.to_dict("records") == [
        {
            "table": "settlements",
            "key": f"S{row}",
            "file": "settlements.csv",
            "row": row,
            "sha256": recomputed(tmp_path / "in" / "settlements.csv", row),
        }
        for row in (3, 1)
    ]


def test_rows_stay_findable_when_bad_rows_before_them_were_set_aside(tmp_path: Path) -> None:
    folder = tmp_path / "in"
    folder.mkdir()
    load(tmp_path / "other", tmp_path / "ws", {"settlements.csv": [settlement(1)]})
    lines = "setl_id,feedetl_sn,med_list_codg,cnt,det_item_fee_sumamt\nS1,1\nS1,2,D1,1,10\n"
    (folder / "settlement_items.csv").write_text(lines, "utf-8")
    load(folder, tmp_path / "ws", {})
    (item,) = original_rows(Workspace(tmp_path / "ws"), [EvidenceRef("settlement_items", "S1|2")])
    assert (item.file, item.row) == ("settlement_items.csv", 2)
    assert item.cells == {
        "setl_id": "S1", "feedetl_sn": "2", "med_list_codg": "D1", "cnt": "1", "det_item_fee_sumamt": "10",
    }  # fmt: skip


def test_original_rows_keep_the_order_asked_for_and_the_cells_as_they_came(tmp_path: Path) -> None:
    files = {"settlements.csv": [settlement(n, medfee_sumamt=f" {n}.0") for n in range(1, 5)]}
    load(tmp_path / "in", tmp_path / "ws", files)
    refs = [EvidenceRef("settlements", f"S{n}") for n in (4, 2, 9)]
    found = original_rows(Workspace(tmp_path / "ws"), refs)
    assert [(row.key, row.cells["medfee_sumamt"]) for row in found] == [("S4", " 4.0"), ("S2", " 2.0")]


def test_a_corrected_row_leads_to_the_correction(tmp_path: Path) -> None:
    load(tmp_path / "1", tmp_path / "ws", {"settlements.csv": [settlement(1)]})
    load(tmp_path / "2", tmp_path / "ws", {"settlements.csv": [settlement(1, invono=9)]})
    (row,) = original_rows(Workspace(tmp_path / "ws"), [EvidenceRef("settlements", "S1")])
    assert row.cells["invono"] == "9"


def test_a_hundred_thousand_keys_are_not_looked_up_one_by_one(tmp_path: Path) -> None:
    rows = [settlement(n) for n in range(20_000)]
    load(tmp_path / "in", tmp_path / "ws", {"settlements.csv": rows})
    found = source_rows(Workspace(tmp_path / "ws"), "settlements", [f"S{n}" for n in range(19_999, -1, -1)])
    assert found["row"].tolist() == list(range(20_000, 0, -1))
    assert found["sha256"].is_unique
