"""Prices and who pays: fund, personal account, cash, in whole cents that always add up."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from second_city.arrays import DAY, Bools, Ints
from second_city.city import Care, City


@dataclass(frozen=True, slots=True)
class Money:
    """In cents: a price and an amount a line; total, fund, account (of it a relative's) and cash a visit."""

    price: Ints
    amount: Ints
    total: Ints
    fund: Ints
    account: Ints
    shared: Ints
    cash: Ints


def settle_money(city: City) -> Money:
    """Price all lines and split every visit's total; refunds give back what was paid."""
    rng, lines, visits, places, people = city.rng, city.lines, city.visits, city.places, city.people
    visit = lines["visit"]
    place, person, care = visits["place"], visits["person"], visits["care"]
    level = places.price[place[visit]] * (1 + 0.03 * ((place[visit] * 31 + lines["drug"] * 17) % 7 - 3) / 3)
    listed = city.medicines.price[lines["drug"]]
    pack = np.where(city.medicines.stocked[lines["drug"]] == 1, np.rint(listed * level / 10) * 10, listed).astype(
        np.int64
    )
    price = np.where(lines["split"] == 1, np.maximum(pack // 12, 1), pack)
    price = np.where(lines["price"] > 0, lines["price"], price)
    amount = price * lines["count"]
    total = np.bincount(visit, amount, visits.rows).astype(np.int64)

    staff = people.staff[person]
    share = np.zeros(visits.rows)
    share = np.where(care == Care.CHRONIC, np.where(staff, 0.8, 0.62), share)
    share = np.where(care == Care.OUTPATIENT, np.where(staff, 0.5, 0.42), share)
    share = np.where(care == Care.INPATIENT, np.where(staff, 0.83, 0.68), share)
    pooled = (
        (care == Care.PHARMACY) & (visits["illness"] >= 0) & people.chronic[person] & (rng.random(visits.rows) < 0.45)
    )
    share = np.where(pooled, np.where(staff, 0.65, 0.5), share)
    share = np.where(visits["drain"] == 1, 0.0, share)
    fund = np.floor(total * share).astype(np.int64)
    rest = total - fund
    relative = ~staff & (rng.random(visits.rows) < 0.16)  # a family account pays for those who have none
    asked = np.where(staff | relative, rest, 0)
    asked = np.where((rng.random(visits.rows) < 0.12) & (visits["drain"] == 0), 0, asked)
    account = within_balance(city, asked, relative)
    shared = np.where(relative, account, 0)
    refund = visits["refund_of"] >= 0
    origin = visits["refund_of"][refund]
    for part in (fund, account, shared):
        part[refund] = part[origin]
    return Money(price, amount, total, fund, account, shared, total - fund - account)


def within_balance(city: City, asked: Ints, relative: Bools) -> Ints:
    """What of the sums asked the accounts hold at the time: a balance at new year and a deposit each month.

    Paid so far is P(t) = C(t) + min over s ≤ t of min(0, A(s) − C(s)), C being all that was asked, A all that came in.
    """
    visits, people = city.visits, city.people
    start = (city.rng.gamma(1.5, 90000, people.count) * np.where(city.savers, 3, 1)).astype(np.int64)
    deposit = np.rint(city.rng.normal(19000, 6000, people.count)).clip(6000, 60000).astype(np.int64)
    order = np.lexsort((np.arange(visits.rows), visits["time"], visits["person"]))
    order = order[(visits["dropped"][order] == 0) & (asked[order] > 0)]
    if not len(order):
        return np.zeros_like(asked)
    person = visits["person"][order]
    new = np.r_[True, person[1:] != person[:-1]]
    running = np.cumsum(asked[order])
    base = np.maximum.accumulate(np.where(new, running - asked[order], 0))
    came = start[person] + deposit[person] * (visits["time"][order] // (30 * DAY) + 1)
    slack = np.minimum(came - (running - base), 0)
    block = np.cumsum(new) - 1
    far = np.int64(10**12)  # keeps each person's running minimum apart from the one before
    lowest = np.minimum.accumulate(slack - block * far) + block * far
    paid = running - base + np.minimum(lowest, 0)
    before = np.where(new, 0, np.r_[0, paid[:-1]])
    account = np.zeros_like(asked)
    account[order] = paid - before
    return account
