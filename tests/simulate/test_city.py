"""What must be true of every simulated city, whatever it plants."""

from __future__ import annotations

import hashlib
from pathlib import Path

import duckdb
import pytest

from ringtrace.data_schema import TABLE_NAMES, tables
from ringtrace.errors import RingTraceError
from ringtrace.simulate import simulate

# One process of a parallel run gets these tests, so that what they share is made once.
pytestmark = pytest.mark.xdist_group("city")

PERSONS, SEED = 4_000, 7


@pytest.fixture(scope="module")
def city(tmp_path_factory: pytest.TempPathFactory) -> Path:
    out = tmp_path_factory.mktemp("city")
    simulate(out, persons=PERSONS, seed=SEED, difficulty="mixed")
    return out


@pytest.fixture(scope="module")
def quiet_city(tmp_path_factory: pytest.TempPathFactory) -> Path:
    out = tmp_path_factory.mktemp("quiet")
    simulate(out, persons=PERSONS, seed=SEED, schemes=False)
    return out


@pytest.fixture(scope="module")
def db(city: Path) -> duckdb.DuckDBPyConnection:
    return database(city)


def database(folder: Path) -> duckdb.DuckDBPyConnection:
    """The city's tables as views with the contract's types, and the truth's tables."""
    connection = duckdb.connect()
    for name in TABLE_NAMES:
        types = {column.name: column.sql_type for column in tables()[name].columns}
        header = (folder / f"{name}.csv").read_text("utf-8").split("\n", 1)[0].split(",")
        picked = ", ".join(f"CAST({column} AS {types[column]}) AS {column}" for column in header)
        connection.execute(
            f"CREATE TABLE {name} AS SELECT {picked} "
            f"FROM read_csv('{folder}/{name}.csv', all_varchar = true, header = true)"
        )
    for name in ("schemes", "members", "innocent_groups"):
        connection.execute(
            f"CREATE TABLE {name} AS FROM read_csv('{folder}/truth/{name}.csv', all_varchar = true, header = true)"
        )
    return connection


def number(db: duckdb.DuckDBPyConnection, query: str) -> int:
    row = db.execute(query).fetchone()
    assert row is not None
    return int(row[0])


def test_every_table_of_the_contract_is_there_and_truth_is_beside_them(city: Path) -> None:
    assert {path.stem for path in city.glob("*.csv")} == set(TABLE_NAMES)
    assert {path.name for path in (city / "truth").iterdir()} == {"schemes.csv", "members.csv", "innocent_groups.csv"}


@pytest.mark.parametrize("name", TABLE_NAMES)
def test_starred_columns_are_filled_and_keys_are_unique(db: duckdb.DuckDBPyConnection, name: str) -> None:
    table = tables()[name]
    for column in table.required:
        assert number(db, f"SELECT count(*) FROM {name} WHERE {column.name} IS NULL") == 0, column.name
    if not table.ordinal:
        assert number(db, f"SELECT count(*) - count(DISTINCT ({', '.join(table.key)})) FROM {name}") == 0


@pytest.mark.parametrize(
    ("table", "column", "target"),
    [(t.name, c.name, c.references) for t in tables().values() for c in t.columns if c.references],
)
def test_references_point_to_rows(db: duckdb.DuckDBPyConnection, table: str, column: str, target: str) -> None:
    (key,) = tables()[target].key
    if (table, column) not in [
        (row[0], row[1]) for row in db.execute("SELECT table_name, column_name FROM duckdb_columns()").fetchall()
    ]:
        pytest.fail(f"the simulator never writes {table}.{column}")
    assert number(db, f"SELECT count(*) FROM {table} WHERE {column} NOT IN (SELECT {key} FROM {target})") == 0


def test_coded_columns_hold_known_codes(db: duckdb.DuckDBPyConnection) -> None:
    for table in tables().values():
        for column in table.columns:
            if column.codes and column.name in [row[0] for row in db.execute(f"DESCRIBE {table.name}").fetchall()]:
                found = {row[0] for row in db.execute(f"SELECT DISTINCT {column.name} FROM {table.name}").fetchall()}
                assert found - {None} <= set(column.codes), f"{table.name}.{column.name}"


def test_totals_are_the_sum_of_items_and_of_who_paid(db: duckdb.DuckDBPyConnection) -> None:
    assert (
        number(db, "SELECT count(*) FROM settlements WHERE medfee_sumamt <> fund_pay_sumamt + acct_pay + cash_payamt")
        == 0
    )
    assert number(
        db,
        """
        SELECT count(*) FROM settlements LEFT JOIN
            (SELECT setl_id, sum(det_item_fee_sumamt) AS total FROM settlement_items GROUP BY 1) USING (setl_id)
        WHERE medfee_sumamt IS DISTINCT FROM total
        """,
    ) == 0  # fmt: skip
    assert number(db, "SELECT count(*) FROM settlement_items WHERE det_item_fee_sumamt <> cnt * pric") == 0


def test_refunds_undo_an_earlier_settlement(db: duckdb.DuckDBPyConnection) -> None:
    joined = """FROM settlements r JOIN settlements o ON r.init_setl_id = o.setl_id WHERE r.refd_setl_flag = '1'"""
    refunds = number(db, "SELECT count(*) FROM settlements WHERE refd_setl_flag = '1'")
    assert refunds > 0
    fits = "r.medfee_sumamt = -o.medfee_sumamt AND r.acct_pay = -o.acct_pay AND r.setl_time > o.setl_time"
    assert number(db, f"SELECT count(*) {joined} AND {fits} AND r.psn_no = o.psn_no") == refunds


def test_id_numbers_have_the_right_check_character_birth_date_and_sex(db: duckdb.DuckDBPyConnection) -> None:
    weights = (7, 9, 10, 5, 8, 4, 2, 1, 6, 3, 7, 9, 10, 5, 8, 4, 2)
    people = db.execute("SELECT certno, brdy, gend FROM persons").fetchall()
    assert len(people) == PERSONS
    for certno, born, sex in people:
        assert "10X98765432"[sum(int(d) * w for d, w in zip(certno[:17], weights, strict=True)) % 11] == certno[17]
        assert certno[6:14] == f"{born:%Y%m%d}"
        assert int(certno[16]) % 2 == (sex == "1")


def test_nobody_claims_after_death_but_ghosts(db: duckdb.DuckDBPyConnection) -> None:
    late = """
        SELECT count(*) FROM settlements JOIN persons USING (psn_no)
        WHERE begntime > die_date + INTERVAL 1 DAY AND refd_setl_flag = '0'
    """
    assert number(db, f"{late} AND psn_no NOT IN (SELECT id FROM members)") == 0


def test_account_payments_stay_within_a_years_balance(db: duckdb.DuckDBPyConnection) -> None:
    assert (
        number(db, "SELECT max(total) FROM (SELECT sum(acct_pay) AS total FROM settlements GROUP BY psn_no)") < 20_000
    )


def test_ledgers_of_careful_shops_never_go_negative(quiet_city: Path) -> None:
    quiet = database(quiet_city)
    excused = "('sloppy_ledger', 'forgotten_deliveries', 'late_entries', 'sister_codes', 'late_starter')"
    lowest = f"""
        SELECT min(stock) FROM (
            SELECT sum(CASE WHEN chg_type IN ('initial', 'purchase', 'transfer_in', 'sale_return',
            'count_gain') THEN cnt ELSE -cnt END)
                OVER (PARTITION BY fixmedins_code, med_list_codg ORDER BY chg_time) AS stock
            FROM inventory JOIN institutions USING (fixmedins_code)
            WHERE fixmedins_type = '2' AND fixmedins_code NOT IN (SELECT id
                FROM innocent_groups WHERE kind IN {excused})
                AND fixmedins_code NOT IN (SELECT fixmedins_code FROM inventory WHERE chg_type LIKE 'transfer%')
                AND med_list_codg NOT IN (SELECT med_list_codg FROM settlement_items WHERE trdn_flag = '1'))
    """
    assert number(quiet, lowest) >= 0


def test_ordinary_customers_come_while_the_shop_is_open(db: duckdb.DuckDBPyConnection) -> None:
    shut = """
        SELECT count(*) FILTER (hour(setl_time) + minute(setl_time) / 60 NOT BETWEEN open_hour - 0.02
            AND close_hour + 0.02)
            * 1000 // count(*)
        FROM settlements JOIN institutions USING (fixmedins_code) WHERE med_type = '41' AND refd_setl_flag = '0'
            AND psn_no NOT IN (SELECT id FROM members)
            AND fixmedins_code NOT IN (SELECT id FROM innocent_groups UNION ALL SELECT id FROM members)
    """
    assert number(db, shut) < 15


def test_a_code_is_sold_once_unless_something_happened(quiet_city: Path) -> None:
    quiet = database(quiet_city)
    repeated = """
        WITH sold AS (
            SELECT unnest(string_split(drug_trac_codg, '|')) AS code, setl_id,
            fixmedins_code FROM settlement_items JOIN settlements
            USING (setl_id) WHERE trdn_flag = '0' AND refd_setl_flag = '0'
            AND setl_id NOT IN (SELECT init_setl_id FROM settlements WHERE init_setl_id IS NOT NULL)
        )
        SELECT count(*) FROM (SELECT code, bool_or(fixmedins_code IN (SELECT id FROM innocent_groups WHERE kind IN
            ('sister_codes', 'stuck_scanner'))) AS excused FROM sold GROUP BY 1 HAVING count(*) > 1) WHERE NOT excused
    """
    assert number(quiet, repeated) == 0


def test_truth_names_people_and_places_that_exist(db: duckdb.DuckDBPyConnection) -> None:
    known = "(SELECT psn_no FROM persons UNION ALL SELECT fixmedins_code FROM institutions)"
    for table in ("members", "innocent_groups"):
        assert number(db, f"SELECT count(*) FROM {table}") > 0
        assert number(db, f"SELECT count(*) FROM {table} WHERE id NOT IN {known}") == 0
    assert number(db, "SELECT count(*) FROM members WHERE group_id NOT IN (SELECT group_id FROM schemes)") == 0
    kinds = {row[0] for row in db.execute("SELECT DISTINCT kind FROM schemes").fetchall()}
    assert {"borrowed_card_ring", "pharmacy_collusion", "drug_resale", "ghost_patient", "cloned_card"} <= kinds


def test_ring_members_meet(db: duckdb.DuckDBPyConnection) -> None:
    """The truth is in the records: on the average two cards of a ring meet more than once a year."""
    pairs = """
        SELECT count(*) FROM members m JOIN members n ON n.group_id = m.group_id AND m.id < n.id
        JOIN schemes ON schemes.group_id = m.group_id WHERE schemes.kind = 'borrowed_card_ring'
    """
    together = """
        SELECT count(*) FROM settlements a JOIN settlements b ON a.fixmedins_code = b.fixmedins_code
            AND a.psn_no < b.psn_no
            AND abs(epoch(a.setl_time) - epoch(b.setl_time)) < 1200
        JOIN members m ON m.id = a.psn_no JOIN members n ON n.id = b.psn_no AND n.group_id = m.group_id
        JOIN schemes ON schemes.group_id = m.group_id WHERE schemes.kind = 'borrowed_card_ring' AND a.med_type = '41'
    """
    assert number(db, together) > number(db, pairs) > 0


def test_a_city_without_schemes_has_all_look_alikes(city: Path, quiet_city: Path) -> None:
    quiet, busy = database(quiet_city), database(city)
    assert number(quiet, "SELECT count(*) FROM schemes") == 0
    assert number(quiet, "SELECT count(*) FROM members") == 0

    def kinds(db: duckdb.DuckDBPyConnection) -> set[str]:
        return {row[0] for row in db.execute("SELECT DISTINCT kind FROM innocent_groups").fetchall()}

    assert {"family", "two_households", "carer", "care_home", "walking_group", "neighbours", "shift_end"} <= kinds(
        quiet
    )
    # A shop with an honest quirk that is also in a scheme is no innocent, so a small city may miss a kind.
    assert kinds(busy) <= kinds(quiet)


def test_the_same_seed_gives_the_same_bytes(tmp_path: Path) -> None:
    def digest(folder: Path, seed: int) -> dict[str, str]:
        simulate(folder, persons=800, seed=seed, months=3)
        return {str(p.relative_to(folder)): hashlib.sha256(p.read_bytes()).hexdigest() for p in folder.rglob("*.csv")}

    first = digest(tmp_path / "a", 3)
    assert digest(tmp_path / "b", 3) == first
    assert digest(tmp_path / "c", 4)["settlements.csv"] != first["settlements.csv"]


def test_the_shortest_city_allowed_can_be_made(tmp_path: Path) -> None:
    simulate(tmp_path, persons=500, seed=5, months=2)
    assert (tmp_path / "settlements.csv").stat().st_size > 0


@pytest.mark.parametrize("wrong", [{"persons": 10}, {"months": 1}, {"difficulty": "impossible"}])
def test_parameters_out_of_range_are_refused_before_anything_is_written(
    tmp_path: Path, wrong: dict[str, object]
) -> None:
    out = tmp_path / "city"
    with pytest.raises(RingTraceError):
        simulate(out, **{"persons": 1000, "seed": 1, **wrong})  # type: ignore[arg-type]
    assert not out.exists()


def test_bills_paid_twice_tie_their_claimants_only_where_an_agent_does(db: duckdb.DuckDBPyConnection) -> None:
    sizes = db.execute(
        "SELECT s.habits LIKE 'alone%', count(*) FROM schemes s JOIN members m USING (group_id) "
        "WHERE s.kind = 'double_reimbursement' AND m.role = 'claimant' GROUP BY s.group_id, 1"
    ).fetchall()
    assert sizes
    assert all((people == 1) == alone for alone, people in sizes)


def test_villagers_claims_come_by_one_account_and_are_paid_once(quiet_city: Path) -> None:
    quiet = database(quiet_city)
    village = "(SELECT id FROM innocent_groups WHERE kind = 'claims_through_the_village')"
    rows = quiet.execute(
        f"SELECT count(*), count(DISTINCT bank_acct) FROM persons WHERE psn_no IN {village}"
    ).fetchall()
    people, accounts = rows[0]
    assert people >= 4 > accounts == 1
    twice = f"""
        SELECT count(*) FROM settlements a JOIN settlements b ON a.invono = b.invono AND a.setl_id < b.setl_id
        WHERE a.manl_reim_flag = '1' AND a.psn_no IN {village}
    """
    assert number(quiet, twice) == 0
