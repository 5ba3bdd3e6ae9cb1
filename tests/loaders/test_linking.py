"""Deliveries one after another against a model in plain Python: what stands, and what each row is called."""

from __future__ import annotations

import shutil
import tempfile
from pathlib import Path

import pyarrow.parquet as pq
import pytest
from factories.fuzz import examples
from factories.settled import assert_reconciled, load, rows, settlement
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from ringtrace.workspace import Workspace

Row = tuple[str, str]
"""Key and content."""


def modelled(state: dict[str, str], delivery: list[Row]) -> tuple[dict[str, str], dict[str, int]]:
    """State after the delivery, and the outcome of its rows by the rules of `loaders/linking.py`."""
    counts = {"loaded": 0, "replaced": 0, "identical": 0}
    final = dict(delivery)
    seen = dict(state)
    for key, content in delivery:
        if state.get(key) == final[key] or seen.get(key) == content:
            counts["identical"] += 1
        elif key in seen:
            counts["replaced"] += 1
        else:
            counts["loaded"] += 1
        seen[key] = content
    return state | final, counts


@settings(max_examples=examples(4), suppress_health_check=[HealthCheck.too_slow])
@given(
    st.lists(
        st.lists(st.tuples(st.sampled_from("abcd"), st.sampled_from("xyz")), min_size=1, max_size=8),
        min_size=1,
        max_size=3,
    )
)
def test_deliveries_replace_by_key_as_in_the_model(deliveries: list[list[Row]]) -> None:
    state: dict[str, str] = {}
    folder = Path(tempfile.mkdtemp())
    try:
        for number, delivery in enumerate(deliveries):
            halves = len(delivery) // 2
            files = {
                "settlements_1.csv": [settlement(key, invono=value) for key, value in delivery[:halves]],
                "settlements_2.csv": [settlement(key, invono=value) for key, value in delivery[halves:]],
            }
            report = load(folder / f"in{number}", folder / "ws", {name: each for name, each in files.items() if each})
            state_before, (state, counts) = state, modelled(state, delivery)
            assert {outcome: report.total(outcome) for outcome in counts} == counts
            assert_reconciled(report)
            assert report.changed == (state != state_before)
            stored = rows(folder / "ws", "SELECT setl_id, invono FROM settlements")
            assert sorted(stored) == sorted((f"S{key}", value) for key, value in state.items())
    finally:
        shutil.rmtree(folder)


def test_loading_again_changes_nothing(tmp_path: Path) -> None:
    files = {"settlements.csv": [settlement(1), settlement(2), settlement(1, invono="later"), settlement(3, psn_no="")]}
    first = load(tmp_path / "in", tmp_path / "ws", files)
    before = sorted(path for path in (tmp_path / "ws").rglob("*") if path.is_file())
    second = load(tmp_path / "in", tmp_path / "ws", files)
    assert (second.changed, second.generation) == (False, first.generation)
    assert second.total("identical") == 3
    assert second.total("quarantined") == 1
    assert sorted(path for path in (tmp_path / "ws").rglob("*") if path.is_file()) == before


def test_a_correction_replaces_by_key_and_rewrites_only_its_part(tmp_path: Path) -> None:
    load(tmp_path / "1", tmp_path / "ws", {"settlements_2025-01.csv": [settlement(1), settlement(2)]})
    load(tmp_path / "2", tmp_path / "ws", {"settlements_2025-02.csv": [settlement(3)]})
    january, february = Workspace(tmp_path / "ws").manifest()["tables"]["settlements"]
    report = load(tmp_path / "3", tmp_path / "ws", {"settlements_2025-01.csv": [settlement(2, invono="corrected")]})
    assert (report.total("replaced"), report.total("loaded")) == (1, 0)
    files = Workspace(tmp_path / "ws").manifest()["tables"]["settlements"]
    assert february in files
    assert january not in files
    found = rows(tmp_path / "ws", "SELECT setl_id, invono FROM settlements ORDER BY 1")
    assert found == [("S1", None), ("S2", "corrected"), ("S3", None)]


def test_row_order_and_double_files_change_nothing(tmp_path: Path) -> None:
    delivered = [settlement(n) for n in range(50)]
    load(tmp_path / "1", tmp_path / "ws1", {"settlements.csv": delivered})
    load(tmp_path / "2", tmp_path / "ws2", {"settlements_1.csv": delivered[::-1], "settlements_2.csv": delivered})
    query = "SELECT * EXCLUDE (_source, _row) FROM settlements ORDER BY setl_id"
    assert rows(tmp_path / "ws1", query) == rows(tmp_path / "ws2", query)


def test_equal_movements_of_one_ledger_stay_two_and_a_second_load_adds_none(tmp_path: Path) -> None:
    movement: dict[str, object] = {
        "fixmedins_code": "H1", "med_list_codg": "D1", "chg_type": "sale", "chg_time": "2025-03-01", "cnt": 1,
    }  # fmt: skip
    for number in (1, 2):
        report = load(tmp_path / f"in{number}", tmp_path / "ws", {"inventory.csv": [movement, movement]})
    assert (report.total("identical"), report.changed) == (2, False)
    assert rows(tmp_path / "ws", "SELECT _ordinal FROM inventory ORDER BY 1") == [(1,), (2,)]


def test_equal_movements_in_two_parts_of_a_ledger_stay_two_and_those_of_a_copied_file_one(tmp_path: Path) -> None:
    movement: dict[str, object] = {
        "fixmedins_code": "H1", "med_list_codg": "D1", "chg_type": "sale", "chg_time": "2025-03-01", "cnt": 1,
    }  # fmt: skip
    parts: dict[str, list[dict[str, object]]] = {
        "inventory_1.csv": [movement, movement | {"chg_type": "purchase"}],
        "inventory_2.csv": [movement],
        "inventory_3.csv": [movement],
    }
    ordinals = "SELECT _ordinal FROM inventory WHERE chg_type = 'sale' ORDER BY 1"
    for number in (1, 2):
        report = load(tmp_path / f"in{number}", tmp_path / "ws", parts)
        assert rows(tmp_path / "ws", ordinals) == [(1,), (2,)]
    assert not report.changed
    load(tmp_path / "in3", tmp_path / "ws", {"inventory_2.csv": [movement]})
    assert rows(tmp_path / "ws", ordinals) == [(1,), (2,)]


def test_a_workspace_of_an_earlier_version_lacks_columns_and_takes_the_next_delivery(tmp_path: Path) -> None:
    workspace = tmp_path / "ws"
    load(tmp_path / "1", workspace, {"settlements.csv": [settlement(1), settlement(2)]})
    (part,) = Workspace(workspace).manifest()["tables"]["settlements"]
    stored = pq.read_table(workspace / part).drop_columns(["acct_mulaid_pay", "invono"])
    pq.write_table(stored, workspace / "tables" / "settlements" / "earlier.parquet")
    manifest = Workspace(workspace).manifest()
    Workspace(workspace).commit(manifest | {"tables": {"settlements": ["tables/settlements/earlier.parquet"]}})
    shown = "SELECT setl_id, invono FROM settlements ORDER BY 1"
    assert rows(workspace, shown) == [("S1", None), ("S2", None)]
    report = load(tmp_path / "2", workspace, {"settlements.csv": [settlement(1, invono=7), settlement(3)]})
    assert (report.total("replaced"), report.total("loaded")) == (1, 1)
    load(tmp_path / "3", workspace, {"settlements.csv": [settlement(4)]})
    assert rows(workspace, shown) == [("S1", "7"), ("S2", None), ("S3", None), ("S4", None)]


@pytest.mark.parametrize("again", [False, True])
def test_old_data_files_go_once_two_generations_no_longer_name_them(tmp_path: Path, again: bool) -> None:
    for number in range(4 + again):
        load(tmp_path / f"in{number}", tmp_path / "ws", {"settlements.csv": [settlement(1, invono=number)]})
    workspace = Workspace(tmp_path / "ws")
    newest = workspace.generation
    named = {file for each in (newest - 1, newest) for file in workspace.manifest(each)["tables"]["settlements"]}
    there = {path.relative_to(workspace.path).as_posix() for path in (workspace.path / "tables").rglob("*.parquet")}
    assert there == named
