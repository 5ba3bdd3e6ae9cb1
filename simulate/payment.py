"""What each item cost, and who paid: the fund, the personal account until it is empty, and cash for the rest."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from ringtrace.simulate.records import Care
from ringtrace.simulate.sampling import Floats, Ints, stream
from ringtrace.simulate.stock import UNITS_IN_PACK, Table
from ringtrace.simulate.town import Town


@dataclass(slots=True)
class Bills:
    """Fen: unit price and amount of each item; total, fund, account and cash of each visit (refunds negative)."""

    price: Ints
    amount: Ints
    total: Ints
    fund: Ints
    account: Ints
    cash: Ints


def pay(town: Town, visits: Table, items: Table) -> Bills:
    """Price the items and split each visit's total; `visits` are in order of time."""
    rng = stream(town.seed, "payment")
    place = visits["place"][items["visit"]]
    # Every shop has its own price for a product, in whole ten fen, and keeps it.
    factor = stream(town.seed, "prices").uniform(0.90, 1.08, (len(town.places), len(town.goods.code)))
    own = np.where(town.goods.stocked, factor * town.places.dearness[:, None], 1.0)
    shelf = np.maximum(10, np.round(town.goods.price * own / 10) * 10).astype(np.int64)
    price = np.where(items["price"] >= 0, items["price"], shelf[place, items["product"]])
    price = np.where(items["split"] == 1, np.maximum(1, price // UNITS_IN_PACK), price)
    amount = price * items["count"]
    n = len(visits["person"])
    total = np.bincount(items["visit"], amount, n).astype(np.int64)

    share = _fund_share(rng.random(n), rng.uniform(0.45, 0.65, n), visits["care"])
    back = visits["refunds"]
    share = np.where(back >= 0, share[back], share)
    fund = np.floor(total * share).astype(np.int64)
    account = _from_account(town, visits, np.where(back >= 0, 0, total - fund))
    # A refund gives back what was paid, to whom it was paid.
    fund = np.where(back >= 0, -fund[back], fund)
    account = np.where(back >= 0, -account[back], account)
    total = np.where(back >= 0, -total[back], total)
    return Bills(price, amount, total, fund, account, total - fund - account)


def _fund_share(drawn: Floats, outpatient: Floats, care: Ints) -> Floats:
    """Share of the fund: rarely in pharmacies, most of a hospital stay."""
    return np.select(
        [care == Care.PHARMACY, care == Care.CHRONIC, care == Care.INPATIENT],
        [np.where(drawn < 0.30, outpatient, 0.0), np.where(drawn < 0.95, 0.75, 0.6), 0.70 + 0.15 * drawn],
        np.where(drawn < 0.7, outpatient, 0.0),
    )


def _from_account(town: Town, visits: Table, due: Ints) -> Ints:
    """Pay `due` from each person's yearly account, first come first served."""
    rng = stream(town.seed, "accounts")
    people = town.people
    yearly = np.select(
        [people.age >= 60, people.employer >= 0], [rng.gamma(6, 420, len(people)), rng.gamma(5, 380, len(people))], 0.0
    )
    yearly = np.where((people.age >= 60) & (rng.random(len(people)) < 0.3), rng.gamma(4, 60, len(people)), yearly)
    balance = (yearly * 100).astype(np.int64)
    willing = rng.random(len(people)) < 0.85
    asked = np.where(willing[visits["person"]] | (visits["drain"] == 1), due, 0)
    year = (town.start_day + visits["time"] // 86_400).astype("datetime64[D]").astype("datetime64[Y]").astype(np.int64)
    key = visits["person"].astype(np.int64) * 64 + (year - year.min())
    order = np.lexsort((visits["time"], key))
    running = np.cumsum(asked[order])
    start = np.flatnonzero(np.r_[True, key[order][1:] != key[order][:-1]])
    before = running - asked[order]
    before = before - np.repeat(before[start], np.diff(np.r_[start, len(order)]))
    paid = np.empty(len(order), dtype=np.int64)
    paid[order] = np.clip(balance[visits["person"][order]] - before, 0, asked[order])
    return paid
