"""Innocent shops: batches, outages, promotions, returns, split packs, recalls, transfers between branches."""

from __future__ import annotations

import numpy as np

from second_city.arrays import DAY, HOUR, Ints, sample
from second_city.city import MOVES, SPECIAL, City, Source
from second_city.gathering import Session, at_hour, gather, recurring
from second_city.honest import season
from second_city.medicines import CHRONIC
from second_city.neighbours import own_baskets
from second_city.places import Kind


def honest_shop(city: City, kind: Kind = Kind.PHARMACY) -> int:
    """A shop of some trade that no scheme may choose any more (unless the city has few)."""
    candidates = [each for each in city.places.of(kind) if each not in city.tainted and city.places.opened[each] < 0]
    shop = int(city.rng.choice(candidates if candidates else city.places.of(kind)))
    if 4 * len(city.tainted) < len(city.places.of(kind)):
        city.tainted.add(shop)
    return shop


def customers(city: City, shop: int, size: int) -> Ints:
    """People who use the shop."""
    return sample(city.rng, city.free((city.places.favourites == shop).any(axis=1)), size)


def delivery_shop(city: City) -> None:
    """Orders of the day are delivered, and settled one after another before the till is closed."""
    shop = honest_shop(city)
    regulars = customers(city, shop, 140)
    starts = at_hour(city, np.arange(365), float(min(city.places.closes[shop], 22) - 0.6), 0.1)
    visits, persons = gather(city, regulars, [shop], starts, Session(0.05, 26, 0.4, till=0), credential=1)
    own_baskets(city, visits, persons)
    city.truth.clear("delivery_shop", regulars, [shop])


def outage(city: City) -> None:
    """The line was down; the sales of the day are posted within minutes when it is back, or the next morning."""
    visits, places = city.visits, city.places
    shop = int(city.rng.choice(places.of(Kind.PHARMACY, Kind.CLINIC)))
    for day in sample(city.rng, np.arange(5, 360), int(city.rng.integers(2, 5))):
        begin = int(day) * DAY + int(city.rng.integers(8, 13)) * HOUR
        end = int(day) * DAY + int((places.closes[shop] - 1).clip(12, 22) * HOUR)
        if city.rng.random() < 0.3:
            end = int(day + 1) * DAY + int((places.opens[shop] + 0.5) * HOUR)
        held = np.flatnonzero((visits["place"] == shop) & (visits["time"] >= begin) & (visits["time"] < end))
        held = held[visits["dropped"][held] == 0]
        if len(held) < 3:
            continue
        visits["time"][held] = end + np.cumsum(city.rng.integers(5, 20, len(held)))
        visits["till"][held] = 0
        city.truth.clear("outage", visits["person"][held], [shop])


def opening(city: City) -> None:
    """A new branch takes customers from the others, and opens with a kit at one price for everybody."""
    people, places, visits = city.people, city.places, city.visits
    new = np.flatnonzero((places.opened > 0) & (places.kind == Kind.PHARMACY))
    for shop in new:
        day = int(places.opened[shop])
        near = np.hypot(places.area_x - places.x[shop], places.area_y - places.y[shop]) < 1.5
        there = (places.kind[visits["place"]] == Kind.PHARMACY) & near[people.area[visits["person"]]]
        there &= visits["time"] > (day + 1) * DAY
        moved = np.flatnonzero(there & (city.rng.random(visits.rows) < 0.22))
        visits["place"][moved] = shop
        visits["time"][moved] = city.moment(visits["time"][moved] // DAY, np.full(len(moved), shop))
        curious = sample(city.rng, city.free(near[people.area] & (people.age > 20)), 220)
        when = city.moment(day + city.rng.integers(0, 12, len(curious)), np.full(len(curious), shop))
        kit(city, city.visit(curious, int(shop), when))
        city.truth.clear("opening", curious, [shop])


def kit(city: City, visits: Ints) -> None:
    """The same two articles at the same price."""
    for drug, price in ((city.medicines.by_use["COLD"][1], 1290), (city.medicines.by_use["TONIC"][0], 2310)):
        city.lines.append(len(visits), visit=visits, drug=drug, price=price)


def summer_kits(city: City) -> None:
    """An employer lets its crew fetch the heat-relief kit on one afternoon in July, from their accounts."""
    people = city.people
    firms, sizes = np.unique(people.employer[people.employer >= 0], return_counts=True)
    firm = int(city.rng.choice(firms[np.argsort(-sizes)[:10]]))
    crew = sample(city.rng, city.free(people.employer == firm), 60)
    if len(crew):
        starts = at_hour(city, np.array([int(city.rng.integers(185, 205))]), 16.0, 0.5)
        visits, _ = gather(city, crew, [int(city.places.favourites[crew[0], 0])], starts, Session(0.9, 50))
        kit(city, visits)
        city.truth.clear("summer_kits", crew)


def winter_paste(city: City) -> None:
    """膏方 season at a clinic or pharmacy: dozens of people, one article, one price, within four weeks."""
    shop = honest_shop(city, Kind.CLINIC if city.rng.random() < 0.4 else Kind.PHARMACY)
    fond = sample(city.rng, city.free((city.people.age > 45) & city.people.staff), int(city.rng.integers(40, 91)))
    day = np.minimum(318 + city.rng.integers(0, 28, len(fond)), 364)
    visits = city.visit(fond, shop, city.moment(day, np.full(len(fond), shop)))
    paste = city.medicines.by_use["TONIC"][-1]
    city.lines.append(len(visits), visit=visits, drug=paste, count=2, price=39800)
    city.truth.clear("winter_paste", fond, [shop])


def special_pharmacy(city: City) -> None:
    """Patients from the whole county fetch dear drugs every month at the one special-drug pharmacy."""
    shop = int(city.places.of(Kind.SPECIAL)[0])
    city.tainted.add(shop)
    columns = [CHRONIC.index(each) for each in SPECIAL]
    sick = np.flatnonzero(city.special)
    for person_days in range(12):
        day = person_days * 30 + (sick * 7 + city.rng.integers(0, 5, len(sick))) % 30
        here = (day < 365) & (city.rng.random(len(sick)) < 0.85)
        visits = city.visit(sick[here], shop, city.moment(day[here], np.full(int(here.sum()), shop)))
        for column in columns:
            ill = city.people.ill[sick[here], column]
            drug = city.people.regimen[sick[here][ill], column]
            count = np.clip(np.rint(30 / city.medicines.pack_ddd[drug]), 1, 9).astype(np.int64)
            city.lines.append(len(drug), visit=visits[ill], drug=drug, count=count)
            city.visits["illness"][visits[ill]] = column
    city.truth.clear("special_pharmacy", sick, [shop])


def member_day(city: City) -> None:
    """The 8th, 18th and 28th at the branches of a chain: double points."""
    chains = np.unique(city.places.chain[city.places.chain >= 0])
    for shop in np.flatnonzero(city.places.chain == city.rng.choice(chains)):
        members = customers(city, int(shop), 150)
        days = np.array([day for month in range(12) for day in (month * 30 + 7, month * 30 + 17, month * 30 + 27)])
        visits, persons = gather(
            city, members, [int(shop)], at_hour(city, days, 9.0, 0.3), Session(0.07, 900, 1.0, till=-1)
        )
        own_baskets(city, visits, persons)
        city.truth.clear("member_day", members, [shop])


def year_end(city: City) -> None:
    """Employees buy tonics for their parents before the festival, honestly and from their accounts."""
    staff = np.flatnonzero(city.people.staff & (city.rng.random(city.people.count) < 0.06))
    city.savers[staff] = True
    day = np.where(
        city.rng.random(len(staff)) < 0.6, city.rng.integers(335, 365, len(staff)), city.rng.integers(5, 26, len(staff))
    )
    shop = city.places.favourites[staff, 0]
    visits = city.visit(staff, shop, city.moment(day, shop), drain=1)
    city.draw(visits, city.medicines.by_use["TONIC"], 3)
    city.draw(visits[city.rng.random(len(visits)) < 0.5], city.medicines.by_use["TONIC"], 2)


def split_at_villages(city: City) -> None:
    """Village doctors and some clinics sell by the blister: one pack and its code serve several people."""
    lines, visits, places = city.lines, city.visits, city.places
    kind = places.kind[visits["place"][lines["visit"]]]
    acute = ~np.isin(lines["drug"], np.concatenate([city.medicines.by_use[each] for each in CHRONIC]))
    chance = np.where(kind == Kind.VILLAGE_ROOM, 0.55, np.where(kind == Kind.CLINIC, 0.2, 0.0))
    split = acute & (city.medicines.stocked[lines["drug"]] == 1) & (city.rng.random(lines.rows) < chance)
    lines["split"][split] = 1
    lines["count"][split] = city.rng.integers(2, 9, int(split.sum()))


def returns(city: City) -> None:
    """A wrong box comes back within days, is refunded, and is sold to the next who asks."""
    rng, visits, lines = city.rng, city.visits, city.lines
    shop = city.places.kind[visits["place"]] == Kind.PHARMACY
    wrong = np.flatnonzero(
        shop & (visits["dropped"] == 0) & (rng.random(visits.rows) < 0.004) & (visits["time"] < 355 * DAY)
    )
    place, person = visits["place"][wrong], visits["person"][wrong]
    later = city.moment(visits["time"][wrong] // DAY + rng.integers(0, 6, len(wrong)), place)
    later = np.maximum(later, visits["time"][wrong] + 900)
    refunds = np.full(visits.rows, -1)
    refunds[wrong] = city.visit(person, place, later, refund_of=wrong, illness=visits["illness"][wrong])
    mine = np.flatnonzero((refunds[lines["visit"]] >= 0) & (lines["source"] == Source.SHELF) & (lines["split"] == 0))
    back = lines.append(
        len(mine), visit=refunds[lines["visit"][mine]], drug=lines["drug"][mine], count=lines["count"][mine],
        source=Source.LINKED, link=mine, price=lines["price"][mine],
    )  # fmt: skip
    single = back[(rng.random(len(back)) < 0.75) & (lines["count"][back] == 1)]
    shelf = np.flatnonzero((lines["source"] == Source.SHELF) & (lines["split"] == 0) & (lines["count"] == 1))
    key = visits["place"][lines["visit"]] * 1000 + lines["drug"]
    shelf = shelf[np.lexsort((visits["time"][lines["visit"][shelf]], key[shelf]))]
    sorted_key = key[shelf] * (400 * DAY) + visits["time"][lines["visit"][shelf]]
    following = np.searchsorted(
        sorted_key, key[single] * (400 * DAY) + visits["time"][lines["visit"][single]], side="right"
    )
    for line, position in zip(single, following, strict=True):
        if position < len(shelf) and key[shelf[position]] == key[line]:
            lines["source"][shelf[position]], lines["link"][shelf[position]] = Source.LINKED, lines["link"][line]


def lend_stock(city: City, giver: int, taker: int, drugs: Ints, day: int, span: int) -> Ints:
    """Sales of the taker in the days after `day` come from packs that the giver had bought; returns the lines."""
    visits, lines = city.visits, city.lines
    time, place = visits["time"][lines["visit"]], visits["place"][lines["visit"]]
    mine = (
        np.isin(lines["drug"], drugs)
        & (place == taker)
        & (lines["source"] == Source.SHELF)
        & (lines["stock_place"] < 0)
    )
    mine &= (time > (day + 2) * DAY) & (time < (day + span) * DAY) & (visits["dropped"][lines["visit"]] == 0)
    chosen = np.flatnonzero(mine)
    lines["stock_place"][chosen] = giver
    lines["stock_time"][chosen] = day * DAY - 2 * HOUR
    return chosen


def branch_transfers(city: City) -> None:
    """Branches help each other out; half of the transfers are never booked."""
    chains, sizes = np.unique(city.places.chain[city.places.chain >= 0], return_counts=True)
    if not (sizes > 1).any():
        return
    branches = sample(city.rng, np.flatnonzero(city.places.chain == city.rng.choice(chains[sizes > 1])), 2)
    giver, taker = int(branches[0]), int(branches[1])
    drugs = sample(city.rng, city.medicines.resaleable, 5)
    for day in recurring(city, 45, 8, 10, 340):
        lent = lend_stock(city, giver, taker, drugs, int(day), 20)
        if city.rng.random() < 0.5:
            for kind, place, hour in (("transfer_out", giver, 0), ("transfer_in", taker, 5)):
                book(city, lent, kind, place, int(day) * DAY + hour * HOUR)
    city.truth.clear("branch_transfers", np.zeros(0, np.int64), [giver, taker])


def recall(city: City) -> None:
    """A wholesaler takes a lot back from one shop and sells it to another: its codes are bought twice."""
    shops = sample(city.rng, city.places.of(Kind.PHARMACY), 2)
    drug = sample(city.rng, city.medicines.resaleable, 2)
    day = int(city.rng.integers(60, 300))
    moved = lend_stock(city, int(shops[0]), int(shops[1]), drug, day + 8, 40)
    book(city, moved, "purchase_return", int(shops[0]), (day + 8) * DAY + 9 * HOUR)
    book(city, moved, "purchase", int(shops[1]), (day + 9) * DAY + 9 * HOUR)
    city.truth.clear("recall", np.zeros(0, np.int64), shops)


def book(city: City, lines: Ints, kind: str, place: int, time: int) -> None:
    """Ledger rows with the packs of lines sold later."""
    count = city.lines["count"][lines]
    drug = city.lines["drug"][lines]
    city.moves.append(len(lines), place=place, drug=drug, kind=MOVES.index(kind), time=time, count=count, line=lines)


def epidemic_rush(city: City) -> None:
    """The worst week of the influenza: three times the usual number of children and colds, in every shop."""
    week = int(city.rng.choice([8, 335]))
    who = sample(city.rng, np.arange(city.people.count), city.people.count // 12)
    day = week + city.rng.integers(0, 8, len(who))
    shop = city.places.favourites[who, 0]
    city.acute(city.visit(who, shop, city.moment(day, shop)), who, np.maximum(season(day), 1.0))
