"""Each shop's shelf, first in, first out: deliveries that cover what was really sold, and which packs each line took.

A pack is a number in one long row of all packs ever delivered; the packs of a line are neighbours in it. So a
trace code, a shortage or a missing scan follows from what happened and is never set by hand.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from second_city.arrays import DAY, HOUR, Ints
from second_city.city import City, Source

UNITS = 12  # units that a village doctor takes from one pack
SERIALS = 10**13


@dataclass(slots=True)
class Shelves:
    """Deliveries (one row each) and, for each line of the city, its first pack or −1.

    `ends` is the cumulative number of packs after each delivery: delivery i holds the packs ends[i−1]…ends[i]−1.
    """

    place: Ints
    drug: Ints
    time: Ints
    count: Ints
    initial: Ints
    ends: Ints
    serial: Ints
    lot: Ints
    supplier: Ints
    first_pack: Ints

    def delivery(self, packs: Ints) -> Ints:
        """The delivery that each pack came with."""
        return np.searchsorted(self.ends, packs, side="right")

    def serials(self, packs: Ints) -> Ints:
        """The last 13 digits of the packs' trace codes."""
        row = self.delivery(packs)
        start = self.ends[row] - self.count[row]
        return np.asarray((self.serial[row] + (packs - start) * (1 + row % 3)) % SERIALS)


def split_packs(city: City, alive: Ints) -> None:
    """Let several split lines of a village share a pack: the first takes it from the shelf, the others follow it."""
    lines, visits = city.lines, city.visits
    split = alive[(lines["split"][alive] == 1) & (lines["source"][alive] == Source.SHELF)]
    if not len(split):
        return
    place, time = visits["place"][lines["visit"][split]], visits["time"][lines["visit"][split]]
    order = np.lexsort((split, time, lines["drug"][split], place))
    split, key = split[order], (place * 100000 + lines["drug"][split])[order]
    starts = np.r_[True, key[1:] != key[:-1]]
    units = np.cumsum(lines["count"][split])
    before = np.maximum.accumulate(np.where(starts, units - lines["count"][split], 0))
    pack = (units - before - 1) // UNITS
    fresh = starts | np.r_[True, pack[1:] != pack[:-1]]
    owner = split[np.maximum.accumulate(np.where(fresh, np.arange(len(split)), 0))]
    lines["source"][split[~fresh]] = Source.LINKED
    lines["link"][split[~fresh]] = owner[~fresh]


def fill_shelves(city: City, alive: Ints) -> Shelves:
    """Order what will be sold, and give each line its packs. `alive` are the lines of visits that took place."""
    rng, lines, visits, places = city.rng, city.lines, city.visits, city.places
    split_packs(city, alive)
    settle_links(city, alive)
    stocked = alive[(city.medicines.stocked[lines["drug"][alive]] == 1) & (lines["source"][alive] == Source.SHELF)]
    visit = lines["visit"][stocked]
    shop = np.where(lines["stock_place"][stocked] >= 0, lines["stock_place"][stocked], visits["place"][visit])
    time = np.where(lines["stock_time"][stocked] >= 0, lines["stock_time"][stocked], visits["time"][visit])
    drug = lines["drug"][stocked]
    need = np.where(lines["split"][stocked] == 1, 1, lines["count"][stocked])
    offset = rng.integers(0, 21, len(places.kind))
    opened = np.maximum(places.opened, 0)
    period = np.maximum(0, (time // DAY - opened[shop] + offset[shop]) // places.order_days[shop])
    order = np.lexsort((stocked, time, drug, shop))
    stocked, shop, drug, time, need, period = (each[order] for each in (stocked, shop, drug, time, need, period))
    shelf = shop * 100000 + drug
    new_shelf = np.r_[True, shelf[1:] != shelf[:-1]]
    new_period = new_shelf | np.r_[True, period[1:] != period[:-1]]
    heads = np.flatnonzero(new_period)
    asked = np.add.reduceat(need, heads)
    # Spare packs: ordered with a period, on top of what the shop will sell before the next delivery.
    spare = rng.integers(0, 3, len(heads)) + rng.poisson(0.15 * asked)
    head_shelf = new_shelf[heads]
    rows = np.flatnonzero(head_shelf)
    cumulative = np.cumsum(asked)
    shelf_start = np.repeat((cumulative - asked)[rows], np.diff(np.r_[rows, len(heads)]))
    wanted = cumulative - shelf_start + spare
    level = np.empty_like(wanted)
    for first, last in zip(rows, np.r_[rows[1:], len(heads)], strict=True):
        level[first:last] = np.maximum.accumulate(wanted[first:last])
    bought = np.where(head_shelf, level, level - np.r_[0, level[:-1]])
    ends = np.cumsum(bought)
    first_pack = np.full(lines.rows, -1)
    group = np.cumsum(head_shelf) - 1
    line_group = group[np.searchsorted(heads, np.arange(len(stocked)), side="right") - 1]
    shelf_base = (ends - bought)[rows]
    sold_before = np.cumsum(need) - need
    sold_base = sold_before[np.flatnonzero(new_shelf)]
    first_pack[stocked] = shelf_base[line_group] + sold_before - sold_base[line_group]
    follow(lines["source"], lines["link"], first_pack, alive)

    shops = shop[heads]
    begins = (opened[shops] + period[heads] * places.order_days[shops] - offset[shops]) * DAY
    arrived = begins - rng.integers(2 * HOUR, 15 * HOUR, len(heads))
    initial = (arrived <= 0) & head_shelf
    arrived = np.where(arrived <= 0, 0, arrived)
    return Shelves(
        place=shops,
        drug=drug[heads],
        time=arrived,
        count=bought,
        initial=initial.astype(np.int64),
        ends=ends,
        serial=rng.integers(0, SERIALS, len(heads)),
        lot=rng.integers(0, 400, len(heads)),
        supplier=(drug[heads] + rng.integers(0, 2, len(heads)) * 3 + shops % 2) % 9,
        first_pack=first_pack,
    )


def settle_links(city: City, alive: Ints) -> None:
    """A line whose origin did not take place after all is an ordinary one."""
    lines = city.lines
    lives = np.zeros(lines.rows, np.bool_)
    lives[alive] = True
    linked = alive[lines["link"][alive] >= 0]
    orphan = linked[~lives[lines["link"][linked]]]
    back = orphan[lines["source"][orphan] == Source.LINKED]
    lines["source"][back] = Source.SHELF
    lines["source"][orphan[lines["source"][orphan] == Source.OLD_CODE]] = Source.NOTHING


def follow(source: Ints, link: Ints, first_pack: Ints, alive: Ints) -> None:
    """Give linked lines the packs of their origin, hop by hop."""
    linked = alive[np.isin(source[alive], [Source.LINKED, Source.OLD_CODE])]
    for _ in range(6):
        open_lines = linked[first_pack[linked] < 0]
        if not len(open_lines):
            return
        first_pack[open_lines] = first_pack[link[open_lines]]
