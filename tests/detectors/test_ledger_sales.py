"""A late booking records a sale; a sale undone while the claim stands is none; honest returns are no sign."""

from __future__ import annotations

from datetime import timedelta
from pathlib import Path

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
