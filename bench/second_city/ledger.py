"""Trace codes as scanners caught them, and the stock ledger as each shop kept it."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from second_city import names
from second_city.arrays import DAY, HOUR, Bools, Ints
from second_city.city import MOVES, City
from second_city.places import Kind
from second_city.stock import SERIALS, Shelves
from second_city.tables import codes, join, moment, padded, write, yuan

SUPPLIERS = (
    "国药控股阜阳有限公司", "华源医药股份有限公司", "九州通安徽公司", "上药控股皖北公司", "皖北惠民医药公司",
    "颍州天星药业", "瑞康医药阜阳公司", "鹭燕医药安徽公司", "亳州药材总公司", "皖豫鑫源医药商行", "恒顺医药经营部",
)  # fmt: skip


def coded(city: City, shelves: Shelves, lines: Ints, count: Ints, caught: Bools) -> pa.Array:
    """The codes of each line's packs joined by `|`, null where none was caught; now and then one is scanned twice."""
    rng = city.rng
    here = caught & (shelves.first_pack[lines] >= 0)
    number = np.where(here, count, 0)
    starts = np.cumsum(number) - number
    nth = np.arange(int(number.sum())) - np.repeat(starts, number)
    pack = np.repeat(shelves.first_pack[lines], number) + nth
    pack = np.where((nth == 1) & (rng.random(len(pack)) < 0.01), pack - 1, pack)
    return pc.if_else(pa.array(here), joined(city, shelves, pack, number), pa.scalar(None, pa.string()))


def joined(city: City, shelves: Shelves, pack: Ints, number: Ints) -> pa.Array:
    """The codes of successive groups of packs, `number` in each."""
    serial = shelves.serials(pack)
    slip = city.rng.random(len(pack)) < 0.0006
    serial = np.where(slip, (serial + 10 ** city.rng.integers(0, 9, len(pack))) % SERIALS, serial)
    drug = shelves.drug[shelves.delivery(pack)] if len(pack) else pack
    text = join(codes(city.medicines.trace_prefix, drug), padded(serial, 13))
    offsets = np.r_[0, np.cumsum(number)].astype(np.int32)
    return pc.binary_join(pa.ListArray.from_arrays(pa.array(offsets), text), "|")


def packs_of(city: City, lines: Ints) -> Ints:
    """Packs that a line stands for: a split line touches one."""
    return np.where(city.lines["split"][lines] == 1, 1, city.lines["count"][lines])


def scanned(city: City, shelves: Shelves, lines: Ints) -> pa.Array:
    """Trace codes of the settlement lines."""
    table, places = city.lines, city.places
    visit = table["visit"][lines]
    place, day = city.visits["place"][visit], city.visits["time"][visit] // DAY
    live = np.clip((day - places.live_day[place]) / 30 + 0.35, 0, 1) * (day >= places.live_day[place])
    luck = city.rng.random(len(lines)) < live * places.scan[place]
    forced = table["scan"][lines]
    caught = np.where(forced < 0, luck, (forced == 1) & (day >= places.live_day[place] - 200))
    return coded(city, shelves, lines, packs_of(city, lines), caught)


@dataclass(frozen=True, slots=True)
class Page:
    """A part of the ledger, ready to be written."""

    place: Ints
    drug: Ints
    kind: Ints
    time: Ints
    count: Ints
    lot: Ints
    supplier: Ints
    codes: pa.Array


def write_inventory(city: City, shelves: Shelves, folder: Path, alive: Ints) -> None:
    """inventory.csv by shop and time."""
    pages = [intake(city, shelves), sales(city, shelves, alive), extra(city, shelves), counts(city, shelves)]
    place, drug, kind, time, count, lot, supplier = (
        np.concatenate([getattr(page, name) for page in pages])
        for name in ("place", "drug", "kind", "time", "count", "lot", "supplier")
    )
    traced = pa.chunked_array([page.codes for page in pages]).combine_chunks()
    kept = np.flatnonzero(city.places.ledger[place] & (time < 365 * DAY) & (count > 0))
    order = kept[np.lexsort((kept, time[kept], place[kept]))]
    place, drug, kind, time = place[order], drug[order], kind[order], time[order]
    invoiced = np.isin(kind, [MOVES.index("purchase"), MOVES.index("purchase_return")])
    buys = np.isin(kind, [MOVES.index("purchase"), MOVES.index("initial")])
    price = np.rint(city.medicines.price[drug] * np.where(buys, 0.82, 1.0)).astype(np.int64)
    columns: dict[str, pa.Array] = {
        "fixmedins_code": codes(names.place_codes(city), place),
        "med_list_codg": codes(city.medicines.code, drug),
        "chg_type": codes(MOVES, kind),
        "chg_time": moment(time, city.profile.clock),
        "cnt": pa.array(count[order]),
        "pric": yuan(price),
        "manu_lotnum": pc.if_else(
            pa.array(lot[order] >= 0), join("L", padded(lot[order].clip(0) + 240100, 6)), pa.scalar(None, pa.string())
        ),
        "spler_name": codes(SUPPLIERS, np.where(invoiced, supplier[order] % len(SUPPLIERS), -1)),
        "invono": pc.if_else(
            pa.array(invoiced),
            join("FP", padded(place * 400 + time // DAY, 8), padded(supplier[order] % 11, 2)),
            pa.scalar(None, pa.string()),
        ),
    }
    if city.profile.trace_codes:
        columns["drug_trac_codg"] = traced.take(pa.array(order))
    write(folder / "inventory.csv", columns)


def intake(city: City, shelves: Shelves) -> Page:
    """Opening stock and purchases; sloppy shops book some late and some never."""
    rng, places = city.rng, city.places
    rows = np.flatnonzero(
        (rng.random(len(shelves.place)) >= places.lost_intake[shelves.place]) | (shelves.initial == 1)
    )
    place, count = shelves.place[rows], shelves.count[rows]
    late = np.where(shelves.initial[rows] == 1, 0, rng.random(len(rows)) * places.late[place] * DAY).astype(np.int64)
    caught = rng.random(len(rows)) < places.intake_scan[place] * np.where(shelves.initial[rows] == 1, 0.7, 1)
    number = np.where(caught, count, 0)
    first = np.repeat(shelves.ends[rows] - count, number)
    pack = first + np.arange(len(first)) - np.repeat(np.cumsum(number) - number, number)
    traced = pc.if_else(pa.array(caught), joined(city, shelves, pack, number), pa.scalar(None, pa.string()))
    kind = np.where(shelves.initial[rows] == 1, MOVES.index("initial"), MOVES.index("purchase"))
    return Page(
        place,
        shelves.drug[rows],
        kind,
        shelves.time[rows] + late,
        count,
        shelves.lot[rows],
        shelves.supplier[rows],
        traced,
    )


def sales(city: City, shelves: Shelves, alive: Ints) -> Page:
    """Sales and returns as booked: at once at a till that is tied to the ledger, in the evening where it is not."""
    rng, lines, visits, places = city.rng, city.lines, city.visits, city.places
    stocked = alive[city.medicines.stocked[lines["drug"][alive]] == 1]
    shared = (lines["split"][stocked] == 1) & (lines["source"][stocked] != 0)  # the pack was booked with its first line
    stocked = stocked[~shared]
    visit = lines["visit"][stocked]
    place, time, forced = visits["place"][visit], visits["time"][visit], lines["booked"][stocked]
    booked = np.where(forced < 0, rng.random(len(stocked)) >= places.unbooked[place], forced == 1)
    stocked, visit, place, time = stocked[booked], visit[booked], place[booked], time[booked]
    evening = (places.late[place] > 5) & (places.kind[place] != Kind.HOSPITAL)
    at_close = (time // DAY) * DAY + (places.closes[place].clip(8, 23) * HOUR).astype(np.int64)
    time = np.where(evening, np.maximum(at_close, time), time)
    returned = visits["refund_of"][visit] >= 0
    kind = np.where(returned, MOVES.index("sale_return"), MOVES.index("sale"))
    day = time // DAY
    real = lines["source"][stocked] < 3
    caught = real & (day >= places.live_day[place]) & (rng.random(len(stocked)) < places.scan[place] * 0.97)
    count = packs_of(city, stocked)
    traced = coded(city, shelves, stocked, count, caught)
    pack = shelves.first_pack[stocked]
    lot = np.where(caught & (pack >= 0), shelves.lot[shelves.delivery(pack.clip(0)).clip(0, len(shelves.lot) - 1)], -1)
    return Page(place, lines["drug"][stocked], kind, time, count, lot, np.zeros_like(place), traced)


def extra(city: City, shelves: Shelves) -> Page:
    """Movements that the chapters asked for; those that name a line carry the codes of its packs."""
    moves = city.moves
    line = moves["line"]
    here = line >= 0
    traced = coded(city, shelves, line.clip(0), np.where(here, moves["count"], 0), here)
    lot = city.rng.integers(0, 400, moves.rows)
    absent = here & (shelves.first_pack[line.clip(0)] < 0)  # the line did not take place
    return Page(
        moves["place"],
        moves["drug"],
        moves["kind"],
        moves["time"],
        np.where(absent, 0, moves["count"]),
        lot,
        moves["supplier"],
        traced,
    )


def counts(city: City, shelves: Shelves) -> Page:
    """Quarterly stock-taking: a pack more or less here and there; sloppy shops find more."""
    rng, places = city.rng, city.places
    shelf = np.unique(shelves.place * 100_000 + shelves.drug)
    shelf = np.repeat(shelf, 4)
    quarter = np.tile(np.arange(4), len(shelf) // 4)
    place, drug = shelf // 100_000, shelf % 100_000
    off = rng.random(len(shelf)) < 0.015 + 1.2 * places.unbooked[place]
    place, drug, quarter = place[off], drug[off], quarter[off]
    kind = np.where(rng.random(len(place)) < 0.6, MOVES.index("count_loss"), MOVES.index("count_gain"))
    kind = np.where(rng.random(len(place)) < 0.08, MOVES.index("destroy"), kind)
    time = (quarter * 91 + 88) * DAY + 20 * HOUR + place * 7
    count = 1 + rng.poisson(0.5, len(place))
    nothing = pa.nulls(len(place), pa.string())
    return Page(place, drug, kind, time, count, np.full(len(place), -1), np.zeros_like(place), nothing)
