"""What the shelves had to give: packs sold first in, first out, and what the till's scanner caught of them.

Each institution keeps, for each product, a line of packs numbered in the order in which they leave. A sale takes the
next ones; a delivery comes before its first pack is needed. Trace codes belong to packs, so that a code seen twice, a
shortage or a missing scan is the consequence of something that happened, never a label.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ringtrace.simulate.records import Supply
from ringtrace.simulate.sampling import DAY, HOUR, Generator, Ints, expand, stream
from ringtrace.simulate.town import Town

UNITS_IN_PACK = 24
NO_PACK = -1

Table = dict[str, NDArray[Any]]


@dataclass(slots=True)
class Lines:
    """Lines of packs, one for each institution × product × (whole or split packs), and their deliveries ("lots").

    Packs of line k are `base[k] … base[k] + size[k] - 1`; the first `opening[k]` stood there at the start and
    `sold[k]` left. Lot arrays name their line, first pack, number of packs and time of delivery.
    `passed_on` are packs that customers brought back and that reached another institution by way of the supplier:
    place, product, time, count, first, and whether the movement is inward there (1) or outward here (0).
    """

    place: Ints
    product: Ints
    base: Ints
    size: Ints
    opening: Ints
    sold: Ints
    lot_line: Ints
    lot_first: Ints
    lot_count: Ints
    lot_time: Ints
    passed_on: Table = field(default_factory=dict)


@dataclass(slots=True)
class Stock:
    """Packs by item. `first[i]` is item i's first pack (its packs are consecutive), NO_PACK without one; `seen[i]` says
    what the till recorded: 0 all codes, 1 none, 2 the first with a slip of the finger.

    `cash` are sales without insurance: place, product, time, count, first.
    """

    first: Ints
    seen: Ints
    cash: Table
    lines: Lines


def keep_stock(town: Town, visits: Table, items: Table) -> Stock:
    """Run the stock of every institution through the whole time.

    `items` refer to rows of `visits`; refunds have negative counts and name the item they undo in `takes_back`.
    """
    rng = stream(town.seed, "stock")
    place, time = visits["place"][items["visit"]].astype(np.int64), visits["time"][items["visit"]]
    bought = town.goods.stocked[items["product"]] & (items["takes_back"] < 0)
    real = np.flatnonzero(bought & (items["supply"] == Supply.STOCK))
    cash = _cash_sales(town, rng, items, place, real)
    leaving = {
        "place": np.concatenate([place[real], cash["place"]]),
        "product": np.concatenate([items["product"][real].astype(np.int64), cash["product"]]),
        "time": np.concatenate([time[real], cash["time"]]),
        "count": np.concatenate([items["count"][real].astype(np.int64), cash["count"]]),
        "split": np.concatenate([items["split"][real].astype(np.int64), np.zeros(len(cash["place"]), dtype=np.int64)]),
    }
    back = np.flatnonzero(items["takes_back"] >= 0)
    row_of_item = np.full(len(place), -1)
    row_of_item[real] = np.arange(len(real))
    returned = row_of_item[items["takes_back"][back]]
    lines, pack = _line_up(town, rng, leaving, returned[returned >= 0], time[back][returned >= 0])

    first = np.full(len(place), NO_PACK, dtype=np.int64)
    first[real] = pack[: len(real)]
    cash["first"] = pack[len(real) :]
    _follow_sources(items, first)
    _use_codes_of_cash_sales(rng, items, place, time, first, cash)

    scanner = town.places.scans[place] * (time >= town.places.scans_from[place])
    caught = (rng.random(len(place)) < scanner) & (items["uncoded"] != 1) & (first >= 0)
    seen = np.where(caught, np.where(rng.random(len(place)) < 0.0015, 2, 0), 1)
    seen[back], first[back] = seen[items["takes_back"][back]], first[items["takes_back"][back]]
    _default_to_sister(town, rng, items, place, time, first, seen)
    return Stock(first=first, seen=seen, cash=cash, lines=lines)


def _cash_sales(town: Town, rng: Generator, items: Table, place: Ints, real: Ints) -> Table:
    """Sales to people who pay without a card: the ledger and the shelves know them, the insurance does not."""
    pool = real[town.places.is_pharmacy(place[real]) & (items["split"][real] == 0)]
    drawn = pool[rng.integers(0, max(1, len(pool)), len(pool) // 6)]
    where = place[drawn]
    day = rng.integers(0, town.days, len(drawn))
    return {
        "place": where,
        "product": items["product"][drawn].astype(np.int64),
        "time": town.within_hours(rng, where, day, rng.uniform(8.0, 21.0, len(drawn))),
        "count": np.minimum(items["count"][drawn].astype(np.int64), 3),
    }


def _line_up(town: Town, rng: Generator, leaving: Table, returned: Ints, returned_at: Ints) -> tuple[Lines, Ints]:
    """Number the packs of each line in the order in which they leave; gives the first pack of each row of `leaving`.

    The rows `returned` came back at `returned_at`: the next buyer of as many packs gets those.
    """
    key = (leaving["place"] * len(town.goods.code) + leaving["product"]) * 2 + leaving["split"]
    order = np.lexsort((leaving["time"], key))
    count, times = leaving["count"][order], leaving["time"][order]
    line_key, start, rows = np.unique(key[order], return_index=True, return_counts=True)
    line = np.repeat(np.arange(len(line_key)), rows)
    running = np.cumsum(count) - count
    before = running - running[start][line]
    split = line_key[line] % 2 == 1
    before = np.where(split, before // UNITS_IN_PACK, before)
    sold = np.maximum.reduceat(np.where(split, before + 1, before + count), start)
    shelf = town.places.reserve[line_key // 2 // len(town.goods.code)]
    lot = np.maximum(3, sold * shelf * rng.lognormal(3.0, 0.35, len(sold)) / town.days).astype(np.int64)
    opening = np.ceil(lot * rng.uniform(0.3, 1.1, len(sold))).astype(np.int64)
    lots = np.maximum(0, -((opening - sold) // lot))
    size = opening + lots * lot
    base = np.cumsum(size) - size

    # A delivery comes some days before its first pack is sold; the office hours of the day are when it comes.
    of_line, turn = expand(lots)
    first_pack = base[of_line] + opening[of_line] + turn * lot[of_line]
    needed = times[np.searchsorted(base[line] + before, first_pack, side="right") - 1]
    came = (needed - rng.uniform(0.5, 11, len(needed)) * DAY) // DAY * DAY + rng.uniform(8.5, 17.5, len(needed)) * HOUR
    came = np.where(came > needed - HOUR, came - DAY, came).astype(np.int64)
    lines = Lines(
        place=line_key // 2 // len(town.goods.code),
        product=line_key // 2 % len(town.goods.code),
        base=base,
        size=size,
        opening=opening,
        sold=sold,
        lot_line=of_line,
        lot_first=first_pack,
        lot_count=lot[of_line],
        lot_time=came[np.lexsort((came, of_line))],
    )
    pack = np.empty(len(order), dtype=np.int64)
    pack[order] = base[line] + before
    position = np.empty(len(order), dtype=np.int64)
    position[order] = np.arange(len(order))
    whole = np.flatnonzero(line_key % 2 == 0)
    passed: list[tuple[int, ...]] = []
    for row, at in zip(returned.tolist(), returned_at.tolist(), strict=True):
        origin = target = int(line[position[row]])
        # Most go back on the shelf; some go back to the supplier, who sells them to another institution.
        if sends_back := rng.random() < 0.12:
            others = whole[
                (lines.product[whole] == lines.product[origin]) & (lines.place[whole] != lines.place[origin])
            ]
            target = int(rng.choice(others)) if len(others) else origin
            at += 12 * DAY
        begin, end = int(start[target]), int(start[target] + rows[target])
        later = begin + int(np.searchsorted(times[begin:end], at, side="right"))
        if line_key[origin] % 2 or later == end or count[later] != leaving["count"][row]:
            continue
        pack[order[later]] = pack[row]
        if sends_back and target != origin:
            sold_at, packs = int(times[later]), int(count[later])
            passed.append(
                (int(lines.place[origin]), int(lines.product[origin]), at - 9 * DAY, packs, int(pack[row]), 0)
            )
            passed.append(
                (int(lines.place[target]), int(lines.product[origin]), sold_at - 2 * DAY, packs, int(pack[row]), 1)
            )
    columns = np.array(passed, dtype=np.int64).reshape(-1, 6).T
    lines.passed_on = dict(zip(("place", "product", "time", "count", "first", "inward"), columns, strict=True))
    return lines, pack


def _follow_sources(items: Table, first: Ints) -> None:
    """Collected packs keep the codes with which they left their source, hop after hop."""
    moved = np.flatnonzero(items["source"] >= 0)
    for _ in range(3):
        source = first[items["source"][moved]]
        first[moved] = np.where(source >= 0, source + items["offset"][moved], NO_PACK)


def _use_codes_of_cash_sales(rng: Generator, items: Table, place: Ints, time: Ints, first: Ints, cash: Table) -> None:
    """Where a seller hides that nothing was handed over, he scans the box of a pack that he sold for cash before."""
    pools: dict[tuple[int, int], Ints] = {}
    for row in np.flatnonzero(items["uncoded"] == 2).tolist():
        which = (int(place[row]), int(items["product"][row]))
        if which not in pools:
            pools[which] = np.flatnonzero((cash["place"] == which[0]) & (cash["product"] == which[1]))
        pool = pools[which]
        earlier = pool[cash["time"][pool] < time[row]]
        if len(earlier):
            first[row] = cash["first"][earlier[rng.integers(0, len(earlier))]]


def _default_to_sister(
    town: Town, rng: Generator, items: Table, place: Ints, time: Ints, first: Ints, seen: Ints
) -> None:
    """Some tills of a chain fill in, by mistake, the code that a sister branch has just scanned for that product."""
    chain = town.places.chain[place]
    pool = np.flatnonzero(
        (chain >= 0) & (chain % 3 == 0) & (seen == 0) & (items["takes_back"] < 0) & (items["count"] == 1)
    )
    order = pool[np.lexsort((time[pool], items["product"][pool], chain[pool]))]
    before = order[:-1]
    after = order[1:]
    wrong = (
        (chain[before] == chain[after])
        & (items["product"][before] == items["product"][after])
        & (place[before] != place[after])
        & (items["supply"][after] == Supply.STOCK)
        & (rng.random(len(after)) < 0.012)
    )
    first[after[wrong]] = first[before[wrong]].copy()
