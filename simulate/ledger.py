"""The purchase-sale-stock ledger that each institution keeps of its shelves, some carefully and some not."""

from __future__ import annotations

import numpy as np

from ringtrace.simulate.records import Supply
from ringtrace.simulate.sampling import DAY, HOUR, Generator, Ints, stream
from ringtrace.simulate.stock import NO_PACK, Stock, Table
from ringtrace.simulate.town import Town

KINDS = (
    "initial", "purchase", "sale", "sale_return", "purchase_return", "transfer_in", "transfer_out", "count_gain",
    "count_loss", "destroy",
)  # fmt: skip
# A ledger has about as many rows as there are items, so the columns are as narrow as their values allow.
COLUMNS: dict[str, type[np.generic]] = {
    "place": np.int32, "product": np.int16, "kind": np.int8, "time": np.int32, "count": np.int32, "first": np.int64,
    "lot": np.int32, "units": np.int8,
}  # fmt: skip


def keep_ledger(town: Town, visits: Table, items: Table, stock: Stock, forged: Table) -> Table:
    """All movements, in order of time, as columns `COLUMNS`.

    `count` is in packs, or in units where `units` is 1. `lot` numbers the delivery (-1 none). `forged` are purchases
    that were booked but never came: place, product, time, count.
    """
    rng = stream(town.seed, "ledger")
    blocks = [
        _opening(rng, stock),
        *_deliveries(town, rng, stock),
        _sales(town, rng, visits, items, stock),
        _cash(town, rng, stock),
        *_passed_on(stock),
        *_ends(town, rng, stock),
        _block("purchase", **forged, lot=10_000_000 + np.arange(len(forged["place"]))),
    ]
    whole = {name: np.concatenate([block.pop(name) for block in blocks]) for name in COLUMNS}
    order = np.lexsort((whole["first"], whole["product"], whole["place"], whole["time"]))
    return {name: column[order] for name, column in whole.items()}


def _block(kind: str, /, **columns: Ints) -> Table:
    n = len(columns["place"])
    missing = {"first": NO_PACK, "lot": -1, "units": 0, "kind": KINDS.index(kind)}
    return {
        name: np.asarray(columns[name] if name in columns else np.full(n, missing[name]), dtype=dtype)
        for name, dtype in COLUMNS.items()
    }


def _opening(rng: Generator, stock: Stock) -> Table:
    lines = stock.lines
    coded = rng.random(len(lines.base)) < 0.7
    return _block(
        "initial",
        place=lines.place,
        product=lines.product,
        time=np.zeros(len(lines.base), dtype=np.int64),
        count=lines.opening,
        first=np.where(coded, lines.base, NO_PACK),
        lot=20_000_000 + np.arange(len(lines.base)),
    )


def _deliveries(town: Town, rng: Generator, stock: Stock) -> list[Table]:
    lines, places = stock.lines, town.places
    place, product = lines.place[lines.lot_line], lines.product[lines.lot_line]
    n = len(place)
    lot = np.arange(n)
    kept = rng.random(n) < 1 - (1 - places.books[place]) * 0.4 - places.lapses[place]
    kept &= lines.lot_time < town.seconds - places.backlog[place] * DAY
    coded = (
        (rng.random(n) < 0.97) & (lines.lot_time >= places.scans_from[place] - 20 * DAY) & (places.books[place] == 1)
    )
    first = np.where(coded, lines.lot_first, NO_PACK)
    time = np.maximum(lines.lot_time, HOUR)
    # Branches of a chain help each other out: the sister bought the lot, and handed it over days later.
    sister = _sisters(town, rng, place)
    moved = (sister >= 0) & (rng.random(n) < 0.06) & (lines.lot_time > 12 * DAY)
    entered = rng.random(n) < 0.9  # the rest of such moves is never entered, on either side
    bought = np.where(moved, time - (rng.uniform(1, 9, n) * DAY).astype(np.int64), time)

    def rows(kind: str, which: Ints, at: Ints, when: Ints) -> Table:
        return _block(
            kind, place=at[which], product=product[which], time=when[which], count=lines.lot_count[which],
            first=first[which], lot=lot[which]
        )  # fmt: skip

    return [
        rows("purchase", np.flatnonzero(kept), np.where(moved, sister, place), bought),
        rows("transfer_out", np.flatnonzero(moved & entered & kept), sister, time - HOUR // 2),
        rows("transfer_in", np.flatnonzero(moved & entered & kept), place, time),
    ]


def _sisters(town: Town, rng: Generator, place: Ints) -> Ints:
    """Another branch of the same chain for each place, -1 where there is none."""
    chain = town.places.chain
    order = np.argsort(chain, kind="stable")
    begin = np.searchsorted(chain[order], chain[place])
    size = np.searchsorted(chain[order], chain[place], side="right") - begin
    drawn = order[begin + (rng.random(len(place)) * size).astype(np.int64)]
    return np.where((chain[place] >= 0) & (drawn != place), drawn, -1)


def _sales(town: Town, rng: Generator, visits: Table, items: Table, stock: Stock) -> Table:
    place, time = visits["place"][items["visit"]].astype(np.int64), visits["time"][items["visit"]]
    booked = town.goods.stocked[items["product"]] & (rng.random(len(place)) < town.places.books[place])
    booked &= (items["supply"] != Supply.NOTHING) | (items["booked"] == 1)
    rows = np.flatnonzero(booked)
    back = items["takes_back"][rows] >= 0
    return _block(
        "sale",
        place=place[rows],
        product=items["product"][rows].astype(np.int64),
        time=time[rows] + rng.integers(0, 40, len(rows)),
        count=np.abs(items["count"][rows].astype(np.int64)),
        first=np.where(stock.seen[rows] == 0, stock.first[rows], NO_PACK),
        units=items["split"][rows].astype(np.int64),
        kind=np.where(back, KINDS.index("sale_return"), KINDS.index("sale")),
    )


def _cash(town: Town, rng: Generator, stock: Stock) -> Table:
    cash = stock.cash
    caught = rng.random(len(cash["place"])) < town.places.scans[cash["place"]] * (
        cash["time"] >= town.places.scans_from[cash["place"]]
    )
    kept = rng.random(len(caught)) < town.places.books[cash["place"]]
    return _block(
        "sale",
        place=cash["place"][kept],
        product=cash["product"][kept],
        time=cash["time"][kept],
        count=cash["count"][kept],
        first=np.where(caught, cash["first"], NO_PACK)[kept],
    )


def _passed_on(stock: Stock) -> list[Table]:
    """Packs that went back to the supplier and came to another institution."""
    rows = dict(stock.lines.passed_on)
    inward = rows.pop("inward") == 1
    return [
        _block(kind, **{name: column[which] for name, column in rows.items()})
        for kind, which in (("purchase_return", ~inward), ("purchase", inward))
    ]


def _ends(town: Town, rng: Generator, stock: Stock) -> list[Table]:
    """What becomes of packs that nobody bought: some go back to the supplier, some expire, some are miscounted."""
    lines = stock.lines
    left = lines.size - lines.sold
    drawn = rng.random(len(left))
    blocks = []
    for kind, low, high in (("purchase_return", 0.0, 0.04), ("destroy", 0.04, 0.06), ("count_loss", 0.06, 0.10)):
        rows = np.flatnonzero((left > 0) & (drawn >= low) & (drawn < high))
        count = np.maximum(1, (left[rows] * rng.uniform(0.2, 0.9, len(rows))).astype(np.int64))
        blocks.append(
            _block(
                kind,
                place=lines.place[rows],
                product=lines.product[rows],
                time=np.full(len(rows), (town.days - 1) * DAY + 15 * HOUR) + rng.integers(0, 6 * HOUR, len(rows)),
                count=count,
                first=lines.base[rows] + lines.size[rows] - count,
            )
        )
    return blocks
