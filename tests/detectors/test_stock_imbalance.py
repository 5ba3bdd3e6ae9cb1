"""Sales beyond stock: a bad ledger stays yellow, a good one that lacks a few drugs does not; late starts are silent."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Mapping
from pathlib import Path

import numpy as np
import pytest
from factories.city import City
from hypothesis import given
from hypothesis import strategies as st

from ringtrace.detectors.detector import Context, Draft
from ringtrace.detectors.packs.ledger import stock_cover
from ringtrace.detectors.packs.stock_imbalance import StockImbalance
from ringtrace.detectors.peers import benjamini_hochberg, robust_z
from ringtrace.findings import Member, Message

SHOPS = [f"S{number}" for number in range(12)]
DRUGS = ("D1", "D2", "D3", "D4", "D5")
SHELF = (*DRUGS, "D6", "D7", "D8", "D9", "D10")


def town(*, seed: int = 1, odd: float = 0.3, opening: bool = True) -> City:
    """Twelve shops that bought what they sell, but `S3`, which bought only the part `odd` of its D2."""
    city = City()
    city.background(seed=seed, shops=SHOPS, persons=500)
    sold: dict[tuple[str, str], int] = {}
    shop_of = {row["setl_id"]: row["fixmedins_code"] for row in city.rows["settlements"]}
    for row in city.rows["settlement_items"]:
        pair = (shop_of[row["setl_id"]], row["med_list_codg"])
        sold[pair] = sold.get(pair, 0) + 1
    for shop in SHOPS:
        city.shop(shop)
        for drug in DRUGS:
            packs = sold.get((shop, drug), 0)
            part = odd if (shop, drug) == ("S3", "D2") else 1.0
            city.stock(shop, drug, "purchase", "2024-12-20", max(1, int(part * packs)))
            if opening:
                city.stock(shop, drug, "initial", "2024-12-15", 2)
        city.stock(shop, "D1", "purchase", "2025-12-30", 1)
    return city


Part = Callable[[str, str, int], float]


def delivered(part: Part, *, names: Mapping[str, str] | None = None) -> City:
    """Twelve pharmacies with a delivery a month: of what is sold that month, `part` of shop, drug and month."""
    city = City()
    city.background(seed=2, shops=SHOPS, persons=500, visits=30, drugs=SHELF)
    shop_of = {row["setl_id"]: (row["fixmedins_code"], str(row["setl_time"])[:7]) for row in city.rows["settlements"]}
    sold = Counter((*shop_of[row["setl_id"]], row["med_list_codg"]) for row in city.rows["settlement_items"])
    for shop in SHOPS:
        city.shop(shop, fixmedins_name=(names or {}).get(shop, shop))
        for drug in SHELF:
            city.stock(shop, drug, "initial", "2024-12-15", 2)
    for (shop, month, drug), packs in sorted(sold.items()):
        if count := round(part(shop, drug, int(month[-2:])) * packs):
            city.stock(shop, drug, "purchase", f"{month}-01 00:00", count)
    for shop in SHOPS:
        city.stock(shop, "D1", "purchase", "2025-12-30", 1)
    return city


def _from_elsewhere(shop: str, drug: str, month: int) -> float:
    return 0.4 if shop == "S3" and drug in {"D2", "D4"} else 1.0


def _one_from_elsewhere_all_year(shop: str, drug: str, month: int) -> float:
    return 0.2 if shop == "S3" and drug == "D2" else 1.0


def _one_somewhat_short(shop: str, drug: str, month: int) -> float:
    return 0.6 if shop == "S3" and drug == "D2" else 1.0


def _two_deliveries_forgotten(shop: str, drug: str, month: int) -> float:
    return 0.0 if shop == "S3" and drug in {"D2", "D4"} and month == 2 else 1.0


def _careless(shop: str, drug: str, month: int) -> float:
    return 0.6 if shop == "S3" else 1.0


def drafts(city: City, folder: Path, context: Context | None = None) -> list[Draft]:
    with city.workspace(folder).connect() as tables:
        return list(StockImbalance().detect(tables, context or Context()))


@pytest.mark.positive
def test_the_shop_that_never_had_its_goods_is_a_yellow_lead(tmp_path: Path) -> None:
    (draft,) = drafts(town(), tmp_path)
    assert draft.level == "yellow"
    assert {(member.label, member.id) for member in draft.members} == {("Pharmacy", "S3"), ("Drug", "D2")}
    assert draft.evidence
    assert {row.table for row in draft.evidence} == {"settlement_items"}


@pytest.mark.positive
def test_two_drugs_that_lack_stock_month_after_month_stand_out_of_a_good_ledger(tmp_path: Path) -> None:
    (draft,) = drafts(delivered(_from_elsewhere), tmp_path)
    assert draft.level in ("orange", "red")
    assert {member.id for member in draft.members} == {"S3", "D2", "D4"}
    steady = draft.reasons[0]
    assert steady.code == "steadily_short"
    assert steady.value == pytest.approx(0.6, abs=0.1)
    assert float(steady.expected or 1) < 0.02


@pytest.mark.positive
def test_one_drug_that_lacks_delivery_after_delivery_stands_out_alone(tmp_path: Path) -> None:
    (draft,) = drafts(delivered(_one_from_elsewhere_all_year), tmp_path)
    assert draft.level in ("orange", "red")
    assert {member.id for member in draft.members} == {"S3", "D2"}


@pytest.mark.near_miss
@pytest.mark.parametrize("part", [_two_deliveries_forgotten, _careless, _one_somewhat_short])
def test_forgotten_deliveries_and_carelessness_are_leads_at_most(tmp_path: Path, part: Part) -> None:
    found = drafts(delivered(part), tmp_path)
    assert {draft.level for draft in found} <= {"yellow"}
    assert not any(draft.reasons[0].code == "steadily_short" for draft in found)


@pytest.mark.near_miss
def test_stock_that_a_branch_has_too_much_of_was_moved(tmp_path: Path) -> None:
    def moved(shop: str, drug: str, month: int) -> float:
        return 2.2 if shop == "S4" and drug in {"D2", "D4"} else _from_elsewhere(shop, drug, month)

    names = {"S3": "康佰大药房(东门店)", "S4": "康佰大药房(西门店)"}
    (draft,) = drafts(delivered(moved, names=names), tmp_path)
    assert draft.level == "yellow"
    assert {check.code for check in draft.counter_evidence if check.outcome == "partly"} == {"sister_branch"}


def test_a_finding_that_tells_where_the_packs_went_leads(tmp_path: Path) -> None:
    other = Draft(("S3",), "red", 0.95, Message("x"), Message("x"), None, None,
                  (Member("Pharmacy", "S3", "reseller"),), (), (), ())  # fmt: skip
    city = delivered(_from_elsewhere)
    (draft,) = drafts(city, tmp_path, Context(drafts={"drug_resale": [other]}))
    assert draft.level == "yellow"
    assert {check.code for check in draft.counter_evidence if check.outcome == "partly"} == {"led_elsewhere"}


def test_sound_ledgers_give_no_lead(tmp_path: Path) -> None:
    assert drafts(town(odd=1.0), tmp_path) == []


@pytest.mark.near_miss
def test_a_ledger_that_starts_late_accuses_nobody(tmp_path: Path) -> None:
    city = town(opening=False)
    city.rows["inventory"] = [row for row in city.rows["inventory"] if row["fixmedins_code"] != "S3"]
    for drug in DRUGS:
        city.stock("S3", drug, "purchase", "2025-06-20", 1)
    assert drafts(city, tmp_path) == []


def test_units_of_split_packs_are_not_packs(tmp_path: Path) -> None:
    city = town(odd=1.0)
    for number in range(60):
        item = {"med_list_codg": "D4", "cnt": 12, "trdn_flag": "1"}
        city.visit(f"u{number}", "S5", f"2025-03-{number % 28 + 1:02d} 10:00", items=[item])
    assert drafts(city, tmp_path) == []


def test_buyers_that_stand_out_where_there_are_no_claims(tmp_path: Path) -> None:
    rng, city = np.random.default_rng(3), City()
    for number, shop in enumerate(SHOPS):
        city.shop(shop)
        for year in range(2006, 2012):
            packs = int(rng.integers(80, 120)) * (20 if number == 5 and year >= 2008 else 1)
            city.stock(shop, "D1", "purchase", f"{year}-03-01", packs)
    (draft,) = drafts(city, tmp_path)
    assert (draft.level, draft.members[0].id) == ("yellow", "S5")
    course = next(reason for reason in draft.reasons if reason.code == "time_course")
    assert "2007" in str(course.message.values["course"])
    assert float(course.value or 0) > 1500


def test_without_a_ledger_it_says_so(tmp_path: Path) -> None:
    city, context = town(), Context()
    city.rows["inventory"] = []
    assert drafts(city, tmp_path, context) == []
    assert [gap.message.key for gap in context.gaps] == ["pharmacy.gap.no_inventory_stock"]


@pytest.mark.parametrize("seed", range(5))
def test_cover_agrees_with_a_shelf_walked_by_hand(tmp_path: Path, seed: int) -> None:
    """Oracle: a shelf that cannot hold less than nothing, walked row by row, is short of the same packs."""
    rng, city = np.random.default_rng(seed), City()
    city.stock("S1", "D1", "initial", "2025-01-01", 3)
    city.visit("p", "S1", "2025-01-01 09:00", items=[{"med_list_codg": "D1"}])
    shelf, short = 2.0, 0.0
    for day in range(2, 28):
        if rng.random() < 0.4:
            packs = int(rng.integers(1, 5))
            city.stock("S1", "D1", "purchase", f"2025-01-{day:02d} 07:00", packs)
            shelf += packs
        for hour in range(int(rng.integers(0, 4))):
            city.visit("p", "S1", f"2025-01-{day:02d} 1{hour}:00", items=[{"med_list_codg": "D1"}])
            shelf, short = (shelf - 1, short) if shelf >= 1 else (shelf, short + 1)
    city.stock("S1", "D1", "purchase", "2025-01-31", 1)
    with city.workspace(tmp_path).connect() as tables:
        stock_cover(tables)
        found = tables.execute("SELECT sum(uncovered) FROM stock_balance").fetchone()
    assert found is not None
    assert float(found[0]) == pytest.approx(short), f"seed {seed}"


@given(st.lists(st.floats(-1e3, 1e3), min_size=8, max_size=40), st.floats(-50, 50))
def test_robust_z_ignores_where_the_zero_lies(values: list[float], shift: float) -> None:
    numbers = np.array(values)
    assert robust_z(numbers + shift) == pytest.approx(robust_z(numbers), abs=1e-6)


@given(st.lists(st.floats(0, 1), min_size=1, max_size=50), st.floats(0.01, 0.5))
def test_benjamini_hochberg_believes_the_smallest(values: list[float], rate: float) -> None:
    numbers = np.array(values)
    believed = benjamini_hochberg(numbers, rate)
    if believed.any():
        assert numbers[believed].max() <= rate * believed.sum() / len(numbers)
        assert (numbers[~believed] >= numbers[believed].max()).all()
    else:
        assert (np.sort(numbers) > rate * np.arange(1, len(numbers) + 1) / len(numbers)).all()
