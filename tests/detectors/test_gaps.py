"""Each detector says what it could not use and what that costs, and says nothing where nothing is missing."""

from __future__ import annotations

from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from factories.city import START, City
from factories.stocked import StockedCity

from ringtrace.detectors import detect
from ringtrace.texts import LANGUAGES

COSTS = {
    "codes": {
        ("drug_resale", "pharmacy.gap.no_codes_resale"),
        ("pharmacy_collusion", "pharmacy.gap.no_codes_collusion"),
        ("trace_code_reuse", "pharmacy.gap.no_codes"),
    },
    "inventory": {
        ("drug_resale", "pharmacy.gap.no_inventory_resale"),
        ("pharmacy_collusion", "pharmacy.gap.no_inventory_collusion"),
        ("stock_imbalance", "pharmacy.gap.no_inventory_stock"),
        ("trace_code_reuse", "pharmacy.gap.no_inventory_reuse"),
    },
    "persons": {
        ("borrowed_card_ring", "rings.gap.no_persons"),
        ("ghost_patient", "claims.gap.no_deaths"),
        ("overuse", "claims.gap.no_persons_overuse"),
        ("pharmacy_collusion", "pharmacy.gap.no_persons_collusion"),
        ("restricted_item", "claims.gap.no_sex"),
    },
    "hours": {("pharmacy_collusion", "pharmacy.gap.no_hours")},
    "times": {
        ("borrowed_card_ring", "rings.gap.day_only"),
        ("cloned_card", "claims.gap.days_only"),
        ("drug_resale", "pharmacy.gap.days_only_resale"),
        ("pharmacy_collusion", "pharmacy.gap.days_only"),
    },
}
"""What is missing, and who has to say so."""


def whole() -> City:
    """Pharmacies with ledger, codes and hours, a register, a stay, a manual bill, a tip, a restricted drug, a group."""
    stocked = StockedCity(1, shops=3, buyers=40)
    for place in range(12):
        moment = stocked.moment(day=20 + 25 * place)
        for number, name in enumerate(stocked.people["S0"][:4]):
            stocked.sell(name, "S0", moment + timedelta(seconds=60 * number))
    city = stocked.build()
    for number, row in enumerate(city.rows["persons"]):
        row |= {"gend": "1", "brdy": "1970-01-01", "emp_no": f"e{number}", "tel": f"t{number}", "addr": f"Elm {number}"}
    city.person("dead", die_date="2025-06-01", gend="2")
    city.drug("DF", lmt_gend="2")
    stay: dict[str, Any] = {"begntime": str(START), "endtime": str(START + timedelta(days=6)), "med_type": "21"}
    city.visit("dead", "H1", START + timedelta(days=6), items=[{"med_list_codg": "DF"}], invono="1", **stay)
    city.visit(
        "dead", "H1", START + timedelta(days=40), items=[{"med_list_codg": "DF"}], manl_reim_flag="1", invono="2"
    )
    city.add("tips", tip_id="1", tip_time=str(START), subj_type="person", subj_id="dead", content="…")
    return city


def strip(city: City, what: str) -> None:
    """Take from a delivery what `what` names."""
    if what == "codes":
        for table in ("settlement_items", "inventory"):
            for row in city.rows[table]:
                row.pop("drug_trac_codg", None)
    elif what == "hours":
        for row in city.rows["institutions"]:
            row.pop("open_hour", None)
    elif what == "times":
        for row in city.rows["settlements"]:
            row["setl_time"] = row["setl_time"][:10]
    else:
        city.rows[what].clear()


def told(city: City, folder: Path) -> set[tuple[str, str]]:
    gaps = detect(city.workspace(folder)).gaps
    for gap in gaps:
        assert all(len(gap.message.render(language)) > 8 for language in LANGUAGES)
    return {(gap.detector, gap.message.key) for gap in gaps}


def test_a_whole_delivery_leaves_nothing_to_say(tmp_path: Path) -> None:
    assert told(whole(), tmp_path) == {("tip_lead", "claims.gap.tips_alone")}


@pytest.mark.parametrize("what", sorted(COSTS))
def test_what_is_missing_is_told_by_each_detector_that_could_use_it(tmp_path: Path, what: str) -> None:
    city = whole()
    strip(city, what)
    assert told(city, tmp_path) - {("tip_lead", "claims.gap.tips_alone")} == COSTS[what]
