"""From all that was planned to what took place: the dead stay away, the sick stay in bed, some things go back."""

from __future__ import annotations

import numpy as np

from ringtrace.simulate.records import Care, Log, Supply
from ringtrace.simulate.sampling import DAY, Bools, Generator, Ints, stream
from ringtrace.simulate.stock import Table
from ringtrace.simulate.town import Town

REFUNDED = 0.004
"""Share of settlements in pharmacies and clinics that are taken back."""


def assemble(town: Town, log: Log) -> tuple[Table, Table]:
    """Visits in order of time, and items in order of their visits.

    References (`visit`, `refunds`, `same_stay`, `source`, and the new `takes_back`: the item that a refunded one
    undoes, -1 otherwise) are row numbers of the tables returned. Every visit has an item.
    """
    rng = stream(town.seed, "assembly")
    visits, items = log.visit_table(), log.item_table()
    kept = (visits["time"] >= 0) & (visits["time"] < town.seconds)
    kept &= (visits["unbound"] == 1) | _can_come(town, rng, visits)
    kept &= ~_spared(town, rng, log, visits)
    kept &= np.bincount(items["visit"], minlength=len(kept)) > 0
    visits, items = _select(rng, visits, items, kept)
    log.clear()
    items["takes_back"] = np.full(len(items["visit"]), -1, dtype=np.int64)
    _name_diseases(town, rng, visits)
    visits, items = _refund(town, rng, visits, items)
    return _select(rng, visits, items, np.ones(len(visits["time"]), dtype=bool))


def _can_come(town: Town, rng: Generator, visits: Table) -> Bools:
    """Alive, and not in a hospital bed; one in thirty leaves the bed for an hour, or sends somebody with the card."""
    dies = town.people.dies[visits["person"]]
    alive = (
        (dies == -1)
        | (visits["time"] < dies)
        | ((visits["care"] == Care.INPATIENT) & (visits["begin"] < dies) & (dies > 0))
    )
    real = (visits["begin"] >= 0) & (visits["care"] == Care.INPATIENT) & (visits["unbound"] == 0)
    stays = np.flatnonzero(real & (visits["time"] >= 0))
    width = town.seconds + 200 * DAY
    begins = visits["person"][stays] * np.int64(width) + visits["begin"][stays]
    order = np.argsort(begins, kind="stable")
    key = visits["person"] * np.int64(width) + np.maximum(visits["time"], 0)
    last = np.searchsorted(begins[order], key, side="right") - 1
    stay = stays[order][np.maximum(last, 0)] if len(stays) else np.zeros(len(key), dtype=np.int64)
    in_bed = (last >= 0) & (visits["person"][stay] == visits["person"]) & (visits["time"] < visits["time"][stay] - 1800)
    in_bed &= visits["care"] != Care.INPATIENT
    overlaps = (visits["care"] == Care.INPATIENT) & np.isin(np.arange(len(key)), _overlapping(visits, stays[order]))
    stays_away: Bools = in_bed & (rng.random(len(in_bed)) < 0.97)
    can: Bools = alive & ~stays_away & ~overlaps
    return can


def _overlapping(visits: Table, stays: Ints) -> Ints:
    """Stays (in order of person and begin) that begin before the one before has ended."""
    same = visits["person"][stays][1:] == visits["person"][stays][:-1]
    second: Ints = stays[1:][same & (visits["begin"][stays][1:] < visits["time"][stays][:-1] + 2 * DAY)]
    return second


def _spared(town: Town, rng: Generator, log: Log, visits: Table) -> Bools:
    """Own visits that people leave out because somebody else shops with their card."""
    if not log.spared:
        return np.zeros(len(visits["time"]), dtype=bool)
    own = (visits["group"] < 0) & (visits["care"] == Care.PHARMACY) & (visits["time"] >= 0)
    usual = np.bincount(visits["person"][own], minlength=len(town.people))
    fewer = np.zeros(len(town.people))
    for persons, times in log.spared:
        np.add.at(fewer, persons, times)
    chance = np.minimum(0.75, fewer / np.maximum(usual, 1))
    left_out: Bools = own & (rng.random(len(own)) < chance[visits["person"]])
    return left_out


def _name_diseases(town: Town, rng: Generator, visits: Table) -> None:
    """What the claim says: pharmacies write a code for one sale in three, whoever the customer is."""
    start = town.regimen.start
    ill = (start[visits["person"] + 1] > start[visits["person"]]) & (rng.random(len(visits["person"])) < 0.5)
    own = town.regimen.disease[np.minimum(start[visits["person"]], len(town.regimen.disease) - 1)]
    common = [town.goods.disease(illness.icd) for illness in town.goods.acute if not illness.sex]
    passing = np.where(rng.random(len(ill)) < 0.75, town.goods.disease("Z76"), rng.choice(common, len(ill)))
    missing = visits["disease"] < 0
    visits["disease"][missing] = np.where(ill, own, passing)[missing]
    silent = (visits["care"] == Care.PHARMACY) & (rng.random(len(ill)) < 0.66)
    visits["disease"][silent] = -1


def _select(rng: Generator, visits: Table, items: Table, kept: Bools) -> tuple[Table, Table]:
    """The kept visits in order of time with their items, and all references renumbered; a lost reference is -1."""
    order = np.flatnonzero(kept)
    order = order[np.lexsort((rng.random(len(order)), visits["time"][order]))]
    new_visit = np.full(len(kept) + 1, -1, dtype=np.int64)
    new_visit[order] = np.arange(len(order))
    visits = {name: column[order] for name, column in visits.items()}
    for name in ("refunds", "same_stay"):
        visits[name] = new_visit[visits[name]]
    rows = np.flatnonzero(new_visit[items["visit"]] >= 0)
    rows = rows[np.argsort(new_visit[items["visit"][rows]], kind="stable")]
    new_item = np.full(len(items["visit"]) + 1, -1, dtype=np.int64)
    new_item[rows] = np.arange(len(rows))
    items = {name: column[rows] for name, column in items.items()}
    items["visit"] = new_visit[items["visit"]]
    for name in ("source", "takes_back"):
        if name in items:
            items[name] = new_item[items[name]]
    lost = (items["supply"] == Supply.COLLECTED) & (items["source"] < 0)
    items["supply"][lost] = Supply.STOCK
    return visits, items


def _refund(town: Town, rng: Generator, visits: Table, items: Table) -> tuple[Table, Table]:
    """Add refunds: the whole settlement goes back within a few days, at the same place."""
    n = len(visits["time"])
    drawn = np.flatnonzero((rng.random(n) < REFUNDED) & (visits["care"] != Care.INPATIENT) & (visits["manual"] == 0))
    # Packs that were carried off to be sold elsewhere do not come back.
    carried_off = np.unique(items["visit"][items["source"][items["source"] >= 0]])
    drawn = drawn[~np.isin(drawn, carried_off)]
    day = visits["time"][drawn] // DAY + rng.choice([0, 0, 0, 1, 2, 5], len(drawn))
    time = town.within_hours(rng, visits["place"][drawn].astype(np.int64), day, rng.uniform(8, 21, len(drawn)))
    time = np.where(time <= visits["time"][drawn], visits["time"][drawn] + rng.integers(120, 1500, len(drawn)), time)
    later = time < town.seconds
    drawn, time = drawn[later], time[later]
    refunds = {name: column[drawn].copy() for name, column in visits.items()}
    refunds["time"], refunds["refunds"] = time, drawn
    refunds["begin"][:] = -1
    place_in_list = np.full(n, -1, dtype=np.int64)
    place_in_list[drawn] = n + np.arange(len(drawn))
    rows = np.flatnonzero(place_in_list[items["visit"]] >= 0)
    back = {name: column[rows].copy() for name, column in items.items()}
    back["visit"] = place_in_list[back["visit"]]
    back["count"], back["takes_back"] = -back["count"], rows
    return (
        {name: np.concatenate([visits[name], refunds[name]]) for name in visits},
        {name: np.concatenate([items[name], back[name]]) for name in items},
    )
