"""The second city: the same bytes for the same seed, sums that add up, stock before sale, and a truth that exists."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import duckdb
import pytest

SCRIPT = Path(__file__).parents[1] / "bench" / "second_city" / "__main__.py"
TABLES = ("settlements", "settlement_items", "inventory", "persons", "cards", "institutions", "practitioners", "drugs")
ALL_DATA = {f"{table}.csv" for table in (*TABLES, "tips")}


def make(folder: Path, profile: str = "county", seed: int = 5) -> Path:
    command = [sys.executable, str(SCRIPT), "--persons", "2500", "--seed", str(seed), "--profile", profile]
    subprocess.run([*command, "--out", str(folder)], check=True, capture_output=True)
    return folder


def files(folder: Path) -> dict[str, bytes]:
    return {str(path.relative_to(folder)): path.read_bytes() for path in sorted(folder.rglob("*.csv"))}


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return make(tmp_path_factory.mktemp("second") / "county")


@pytest.fixture(scope="module")
def city(folder: Path) -> Iterator[duckdb.DuckDBPyConnection]:
    """The delivery as text, one table a file, and the truth."""
    with duckdb.connect() as tables:
        for path in [*folder.glob("*.csv"), *(folder / "truth").glob("*.csv")]:
            tables.execute(f"CREATE TABLE {path.stem} AS FROM read_csv('{path}', all_varchar = true, header = true)")
        yield tables


def count(city: duckdb.DuckDBPyConnection, sql: str) -> int:
    row = city.execute(f"SELECT count(*) FROM ({sql})").fetchall()[0]
    return int(row[0])


def test_same_seed_same_bytes_and_another_seed_others(folder: Path, tmp_path: Path) -> None:
    again = files(make(tmp_path / "again"))
    assert again == files(folder)
    assert files(make(tmp_path / "other", seed=6)) != again


def test_sums_of_items_and_of_payers_equal_the_settlement(city: duckdb.DuckDBPyConnection) -> None:
    assert count(city, "FROM settlements") > 5000
    items = "SELECT setl_id, sum(det_item_fee_sumamt::DECIMAL(14, 2)) AS items FROM settlement_items GROUP BY 1"
    payers = "fund_pay_sumamt::DECIMAL(14, 2) + acct_pay::DECIMAL(14, 2) + cash_payamt::DECIMAL(14, 2)"
    both = f"FROM settlements LEFT JOIN ({items}) USING (setl_id)"
    assert count(city, f"{both} WHERE items IS DISTINCT FROM medfee_sumamt::DECIMAL(14, 2)") == 0
    assert count(city, f"FROM settlements WHERE {payers} <> medfee_sumamt::DECIMAL(14, 2)") == 0


def test_truth_names_what_is_in_the_tables(city: duckdb.DuckDBPyConnection) -> None:
    assert count(city, "SELECT DISTINCT kind FROM schemes") == 3
    named = "SELECT label, id FROM members UNION SELECT label, id FROM innocent_groups"
    known = "SELECT psn_no FROM persons UNION SELECT fixmedins_code FROM institutions"
    assert count(city, f"FROM ({named}) WHERE id NOT IN ({known})") == 0
    assert count(city, "FROM members WHERE group_id NOT IN (SELECT group_id FROM schemes)") == 0
    assert count(city, "FROM acts WHERE setl_id NOT IN (SELECT setl_id FROM settlements)") == 0
    idle = (
        "FROM members WHERE label = 'Patient' AND id NOT IN (SELECT psn_no FROM acts JOIN settlements USING (setl_id))"
    )
    assert count(city, idle) == 0


def test_codes_are_bought_before_they_are_sold(city: duckdb.DuckDBPyConnection) -> None:
    """At an honest, tidy shop a scanned pack came with a delivery: a code is where the pack is, not a mark."""
    codes = "SELECT fixmedins_code, unnest(string_split({}, '|')) AS code, {}::TIMESTAMP AS at, pos FROM {}"
    sold = codes.format(
        "i.drug_trac_codg", "setl_time", "(SELECT *, 1 AS pos FROM settlement_items) i JOIN settlements USING (setl_id)"
    )
    bought = codes.format(
        "drug_trac_codg", "chg_time", "(SELECT *, 1 AS pos FROM inventory WHERE chg_type = 'purchase')"
    )
    pairs = f"SELECT s.at AS sold, b.at AS bought FROM ({sold}) s JOIN ({bought}) b USING (fixmedins_code, code)"
    assert count(city, pairs) > 1000
    assert count(city, f"FROM ({pairs}) WHERE sold < bought") < 0.05 * count(city, pairs)  # some are booked late


def test_a_profile_leaves_out_what_it_says(folder: Path, tmp_path: Path) -> None:
    assert {path.name for path in folder.glob("*.csv")} == ALL_DATA
    assert {path.name for path in make(tmp_path / "poor", "no_stock").glob("*.csv")} == ALL_DATA - {"inventory.csv"}


def test_times_to_the_day_have_no_hour(tmp_path: Path) -> None:
    with (make(tmp_path / "days", "day_times") / "settlements.csv").open(encoding="utf-8") as stream:
        header, first = (next(stream).replace('"', "").strip().split(",") for _ in range(2))
    assert len(first[header.index("setl_time")]) == len("2025-01-01")
