"""The order of a year: who lives where, honest life, look-alikes, schemes, shelves, money, files."""

from __future__ import annotations

from pathlib import Path

import numpy as np

from second_city.arrays import DAY, Ints, Random
from second_city.city import City
from second_city.collusion import plant_collusion
from second_city.honest import live
from second_city.ledger import scanned, write_inventory
from second_city.lookalikes import add_lookalikes
from second_city.medicines import read_medicines
from second_city.money import settle_money
from second_city.people import settle_people
from second_city.places import settle_places
from second_city.profiles import Profile
from second_city.registers import write_registers
from second_city.resale import plant_resale
from second_city.rings import plant_rings
from second_city.stock import fill_shelves
from second_city.tables import settlement_ids, write_items, write_settlements, write_truth

LEAST = 1000
RINGS, SHOPS, CHAINS = 9, 5, 6  # schemes of each kind per 30,000 persons


def make_city(profile: Profile, persons: int, rng: Random) -> City:
    """Live a year. Raises ValueError below LEAST persons: too few for the groups to be drawn from."""
    if persons < LEAST:
        raise ValueError(f"a second city has at least {LEAST} persons, not {persons}")
    medicines = read_medicines()
    people = settle_people(rng, persons, profile, medicines)
    city = City(rng, profile, medicines, people, settle_places(rng, people, profile))
    live(city)
    add_lookalikes(city)
    plant_rings(city, city.share(1, RINGS))
    plant_collusion(city, city.share(1, SHOPS))
    plant_resale(city, city.share(1, CHAINS))
    return city


def happened(city: City) -> tuple[Ints, Ints]:
    """Visits that took place, with lines, within the year, at a place that was open for business; and their lines."""
    visits, lines = city.visits, city.lines
    good = (visits["dropped"] == 0) & (visits["time"] >= 0) & (visits["time"] < 365 * DAY)
    good &= visits["time"] // DAY >= city.places.opened[visits["place"]]
    origin = visits["refund_of"]
    good &= (origin < 0) | good[origin.clip(0)]
    kept = np.flatnonzero(good[lines["visit"]])
    with_lines = np.zeros(visits.rows, np.bool_)
    with_lines[lines["visit"][kept]] = True
    visits["dropped"][:] = ~with_lines
    visit = lines["visit"][kept]
    return np.flatnonzero(with_lines), kept[np.lexsort((kept, visit, visits["time"][visit]))]


def write_city(city: City, folder: Path) -> int:
    """Write all tables and the truth; returns the number of settlement lines."""
    folder.mkdir(parents=True, exist_ok=True)
    visits, lines = happened(city)
    shelves = fill_shelves(city, lines)
    money = settle_money(city)
    ids = settlement_ids(city, visits)
    write_settlements(city, money, folder, visits, ids)
    write_items(city, money, folder, lines, ids, scanned(city, shelves, lines))
    if "inventory" not in city.profile.absent:
        write_inventory(city, shelves, folder, lines)
    write_registers(city, folder)
    write_truth(city, folder / "truth", visits, ids)
    return len(lines)
