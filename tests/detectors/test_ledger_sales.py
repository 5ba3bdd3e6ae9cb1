"""A late booking records a sale, and so does a sister branch; a sale undone while the claim stands is none; honest
returns are no sign."""

from __future__ import annotations

from datetime import timedelta
from pathlib import Path

import numpy as np
import pytest
from factories.city import START, City

from ringtrace.detectors.collusion.signals import collusion_signals


@pytest.mark.parametrize(
    ("case", "unrecorded"),
    [
        pytest.param("put back", 1, marks=pytest.mark.positive),
        pytest.param("put back, no code", 1, marks=pytest.mark.positive),
        pytest.param("another pack", 0, marks=pytest.mark.near_miss),
        pytest.param("came back before", 0, marks=pytest.mark.near_miss),
        pytest.param("months later", 0, marks=pytest.mark.near_miss),
    ],
)
def test_a_sale_that_the_ledger_takes_back_while_the_claim_stands_is_none(
    tmp_path: Path, case: str, unrecorded: int
) -> None:
    city = City()
    city.shop("S")
    city.drug("D1", atc_code="A01BA01")
    code = None if case == "put back, no code" else "8100000000000000001"
    sold = START + timedelta(days=60, hours=10)
    line = {"med_list_codg": "D1", "fee": 20, "cnt": 1, "drug_trac_codg": code}
    city.visit(city.person("p"), "S", sold, items=[line])
    city.stock("S", "D1", "sale", sold, 1)
    back = sold + {"came back before": timedelta(hours=-1), "months later": timedelta(days=70)}.get(
        case, timedelta(minutes=10)
    )
    city.stock(
        "S", "D1", "sale_return", back, 1, drug_trac_codg="8100000000000000002" if case == "another pack" else code
    )
    with city.workspace(tmp_path).connect() as tables:
        collusion_signals(tables)
        assert tables.execute("SELECT unrecorded FROM till_visits").fetchall() == [(unrecorded,)]


def test_a_refunded_sale_that_came_back_is_no_sale_to_ask_about(tmp_path: Path) -> None:
    city = City()
    city.shop("S")
    city.drug("D1", atc_code="A01BA01")
    sold = START + timedelta(days=60, hours=10)
    line = {"med_list_codg": "D1", "fee": 20, "cnt": 1}
    first = city.visit(city.person("p"), "S", sold, items=[line])
    city.visit(
        "p", "S", sold + timedelta(hours=1), items=[line | {"fee": -20, "cnt": -1}],
        refd_setl_flag="1", init_setl_id=first,
    )  # fmt: skip
    city.stock("S", "D1", "sale", sold, 1)
    city.stock("S", "D1", "sale_return", sold + timedelta(hours=1), 1)
    with city.workspace(tmp_path).connect() as tables:
        collusion_signals(tables)
        assert tables.execute("SELECT count(*) FROM till_visits WHERE unrecorded = 1").fetchall() == [(0,)]


def test_a_ledger_that_books_within_the_week_records_the_sale_and_units_are_no_packs(tmp_path: Path) -> None:
    city = City()
    for shop in ("L", "U", "N"):
        city.shop(shop)
    city.drug("D1", atc_code="A01BA01")
    for shop, split, days in (("L", "0", 3), ("U", "1", 0), ("N", "0", None)):
        for number in range(4):
            on = START + timedelta(days=60 + 20 * number)
            person = city.person(f"{shop}{number}")
            city.visit(
                person, shop, on + timedelta(hours=10),
                items=[{"med_list_codg": "D1", "fee": 20, "cnt": 20 if split == "1" else 1, "trdn_flag": split}],
            )  # fmt: skip
            # The ledger of N has another sale that month, and never this one.
            booked = on + timedelta(days=10) if days is None else on + timedelta(days=days)
            city.stock(shop, "D1", "sale", booked, 1)
    with city.workspace(tmp_path).connect() as tables:
        collusion_signals(tables)
        seen = tables.execute("""
            SELECT DISTINCT n.place, v.unrecorded FROM till_visits v JOIN till_names n USING (pair)
        """).fetchall()
    assert set(seen) == {("L", 0), ("U", None), ("N", 1)}


@pytest.mark.parametrize(
    ("case", "unrecorded", "asked"),
    [
        pytest.param("sister", 0, 0, marks=pytest.mark.near_miss),
        pytest.param("stranger", 1, 1, marks=pytest.mark.positive),
        pytest.param("sister claims it herself", 1, 1, marks=pytest.mark.positive),
        pytest.param("sister an hour later", 1, 1, marks=pytest.mark.positive),
    ],
)
def test_a_sale_in_the_ledger_of_a_sister_branch_is_recorded_and_hers(
    tmp_path: Path, case: str, unrecorded: int, asked: int
) -> None:
    """A claims what B sold; only B's own ledger row of that minute, which B does not claim, stands for it."""
    city = City()
    city.shop("A", legrep_certno="110101197001010011")
    city.shop("B", legrep_certno="110101197001010" + ("029" if case == "stranger" else "011"))
    city.drug("D1", atc_code="A01BA01")
    line = {"med_list_codg": "D1", "fee": 20, "cnt": 1, "drug_trac_codg": "8100000000000000001"}
    for day in (1, 15, 29):  # A keeps a ledger of its own
        city.visit(city.person(f"a{day}"), "A", START + timedelta(days=day, hours=9), items=[line])
        city.stock("A", "D1", "sale", START + timedelta(days=day, hours=9), 1)
    sold = START + timedelta(days=20, hours=10)
    city.visit(city.person("p"), "A", sold, items=[line])
    city.stock("B", "D1", "sale", sold + timedelta(hours=1 if case == "sister an hour later" else 0), 1)
    if case == "sister claims it herself":
        city.visit(city.person("q"), "B", sold, items=[line])
    with city.workspace(tmp_path).connect() as tables:
        collusion_signals(tables)
        seen = tables.execute(
            "SELECT unrecorded, lines FROM till_visits v JOIN till_names n USING (pair) WHERE n.psn_no = 'p'"
        ).fetchall()
    assert seen == [(unrecorded, asked)]


def test_missing_codes_are_a_part_of_the_packs_however_many_somebody_buys(tmp_path: Path) -> None:
    """A scanner that loses one pack in five does so for who buys one pack and for who buys three lines of two."""
    rng = np.random.default_rng(3)
    city = City()
    city.shop("S")
    city.shop("T")
    for number in range(3):
        city.drug(f"D{number}", atc_code="A01BA01")
    for visit in range(1200):
        lines = [
            {"med_list_codg": f"D{line}", "fee": 20, "cnt": packs, "drug_trac_codg": "|".join(codes) or None}
            for line, packs in enumerate([1] if visit % 2 else [2, 2, 2])
            for codes in [[f"81{visit:08d}{line}{pack}" for pack in range(packs) if rng.random() < 0.8]]
        ]
        city.visit(city.person(f"p{visit}"), "S", START + timedelta(hours=7 * visit), items=lines)
    for visit in range(20):  # T lists one code a line, whatever its packs
        line = {"med_list_codg": "D0", "fee": 20, "cnt": 3, "drug_trac_codg": f"82{visit:08d}"}
        city.visit(city.person(f"t{visit}"), "T", START + timedelta(days=10 * visit), items=[line])
    with city.workspace(tmp_path).connect() as tables:
        collusion_signals(tables)
        seen = tables.execute("""
            SELECT n.place, v.lines, avg(v.uncoded) FROM till_visits v JOIN till_names n USING (pair)
            GROUP BY 1, 2 ORDER BY 1, 2
        """).fetchall()
    assert [row[:2] for row in seen] == [("S", 1), ("S", 3), ("T", 1)]
    assert [row[2] for row in seen] == [pytest.approx(0.2, abs=0.04), pytest.approx(0.2, abs=0.04), 0]


@pytest.mark.parametrize(
    ("ended", "off_hours"),
    [
        pytest.param(timedelta(hours=15), None, marks=pytest.mark.near_miss),
        pytest.param(timedelta(hours=23), 1, marks=pytest.mark.positive),
        pytest.param(timedelta(), 1, marks=pytest.mark.positive),
    ],
)
def test_claims_that_were_uploaded_at_night_do_not_tell_the_hour_of_the_sale(
    tmp_path: Path, ended: timedelta, off_hours: int | None
) -> None:
    """A sale of the afternoon, handed in at a quarter past eleven; one of eleven; and one of which the day is known."""
    city = City()
    city.shop("S", open_hour=8, close_hour=21)
    city.drug("D1", atc_code="A01BA01")
    day = START + timedelta(days=9)
    city.visit(
        city.person("p"), "S", day + timedelta(hours=23, minutes=15), endtime=str(day + ended),
        items=[{"med_list_codg": "D1", "fee": 20, "cnt": 1}],
    )  # fmt: skip
    with city.workspace(tmp_path).connect() as tables:
        collusion_signals(tables)
        assert tables.execute("SELECT off_hours FROM till_visits").fetchall() == [(off_hours,)]
