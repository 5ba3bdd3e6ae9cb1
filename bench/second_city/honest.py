"""Honest life: refills, passing complaints, outpatient clinics and stays, and families who settle together."""

from __future__ import annotations

import numpy as np

from second_city import medicines as m
from second_city.arrays import DAY, HOUR, Floats, Ints, pick
from second_city.city import Care, City
from second_city.medicines import ILLNESSES
from second_city.people import DAYS
from second_city.places import Kind

# Colds by month, and how full a pharmacy or a hospital is by weekday (1 January 2025 was a Wednesday: day 0 is 2).
COLD = np.array([0.9, 0.6, 0.5, 0.35, 0.25, 0.2, 0.25, 0.2, 0.3, 0.5, 0.8, 1.0])
WEEK_SHOP = np.array([1.0, 0.95, 0.95, 0.95, 1.05, 1.2, 1.15])
WEEK_WARD = np.array([1.35, 1.15, 1.05, 1.0, 1.0, 0.45, 0.25])


def season(days: Ints) -> Floats:
    """How many of a day's complaints are colds, 0–1."""
    return np.asarray(COLD[np.minimum(days // 30, 11)])


def day_weights(week: Floats, colds: float) -> Floats:
    """Relative weight of each day of the year; Spring Festival (28 January to 4 February) is quiet."""
    days = np.arange(DAYS)
    weights = week[(days + 2) % 7] * (1 + colds * season(days))
    weights[27:35] *= 0.45
    return np.asarray(weights)


def live(city: City) -> None:
    """Write the honest year of everybody; `one_body` follows when the groups have met too."""
    refills(city)
    complaints(city)
    shoppers(city)
    clinics(city)
    stays(city)


def refills(city: City) -> None:
    """Chronic patients come back at their own interval, mostly to their own place, weekday and hour."""
    rng, people, places = city.rng, city.people, city.places
    who = np.flatnonzero(people.chronic & (rng.random(people.count) < 0.8))
    usual = pick(rng, np.array([0.47, 0.29, 0.24]), len(who))
    where = np.choose(usual, [places.favourites[who, 0], places.local[who], places.hospital[who]])
    interval = rng.choice([14, 28, 30, 45, 60, 90], len(who), p=[0.08, 0.2, 0.32, 0.14, 0.14, 0.12])
    loyal, hour = rng.uniform(0.6, 0.98, len(who)), clockwork(city, where)
    weekday = np.where(rng.random(len(who)) < 0.45, rng.integers(0, 7, len(who)), -1)
    start = (rng.random(len(who)) * interval).astype(np.int64)
    times = np.ceil((DAYS - start) / interval).astype(np.int64)
    row = np.repeat(np.arange(len(who)), times)
    nth = np.arange(len(row)) - np.repeat(np.cumsum(times) - times, times)
    day = start[row] + nth * interval[row] + np.rint(rng.normal(0, 3, len(row))).astype(np.int64)
    snap = np.where(weekday[row] >= 0, (weekday[row] - (day + 2)) % 7, 0)
    day = day + np.where(snap > 3, snap - 7, snap)
    kept = (day >= 0) & (day < DAYS) & (rng.random(len(row)) < 0.9)
    row, day = row[kept], day[kept]
    place = np.where(rng.random(len(row)) < loyal[row], where[row], places.favourites[who[row], 1])
    own_hour = (hour[row] * HOUR + rng.normal(0, 0.8 * HOUR, len(row))).astype(np.int64)
    inside = (own_hour > (places.opens[place] + 0.1) * HOUR) & (own_hour < (places.closes[place] - 0.1) * HOUR)
    time = np.where(inside, day * DAY + own_hour, city.moment(day, place))
    shop = places.kind[place] == Kind.PHARMACY
    care = np.where(shop, Care.PHARMACY, np.where(rng.random(len(row)) < 0.8, Care.CHRONIC, Care.OUTPATIENT))
    visits = city.visit(who[row], place, time, care=care)
    city.refill(visits, who[row], interval[row].astype(float))
    city.service(visits[~shop & (rng.random(len(row)) < 0.5)], m.VISIT_FEE)
    also = shop & (rng.random(len(row)) < 0.18)
    city.draw(visits[also], city.medicines.by_use["TONIC"], 1)


def clockwork(city: City, place: Ints) -> Floats:
    """The hour of the day that suits each person at their place."""
    return city.moment(np.zeros(len(place), np.int64), place) / HOUR


def complaints(city: City) -> None:
    """Colds and aches: to the pharmacy near home, the village room or a clinic; at times a relative settles as well."""
    rng, people, places = city.rng, city.people, city.places
    age = people.age
    rate = 2.1 + 1.5 * (age < 8) + 0.9 * (age > 55) + 0.8 * people.staff
    who = np.repeat(np.arange(people.count), rng.poisson(rate * rng.gamma(1.6, 1 / 1.6, people.count)))
    day = pick(rng, day_weights(WEEK_SHOP, 0.9), len(who))
    clinic = places.of(Kind.CLINIC)
    choice = pick(rng, np.array([0.46, 0.14, 0.07, 0.2, 0.13]), len(who))
    options = [*places.favourites[who].T, places.local[who], clinic[people.area[who] % len(clinic)]]
    place = np.choose(choice, options)
    together = np.flatnonzero(
        (rng.random(len(who)) < 0.14) & (people.household[who] == np.roll(people.household, 1)[who])
    )
    time = city.moment(day, place)
    kin = who[together] - 1
    later = time[together] + rng.integers(25, 200, len(together))
    who, place = np.r_[who, kin], np.r_[place, place[together]]
    time, day = np.r_[time, later], np.r_[day, day[together]]
    visits = city.visit(who, place, time)
    ordinary = rng.random(len(who)) < 0.88
    city.acute(visits[ordinary], who[ordinary], season(day[ordinary]))
    rest = ~ordinary  # a chronic patient may buy out of turn; others buy tonics
    ill = rest & people.chronic[who]
    city.refill(visits[ill], who[ill], rng.uniform(7, 30, int(ill.sum())), zeal=0.6)
    city.draw(visits[rest], city.medicines.by_use["TONIC"], 2)


def shoppers(city: City) -> None:
    """People who live at the pharmacy, as some do who have an account: remedies, tonics, their pills.

    Half keep to one shop and hour; the others try wherever there is an offer, or a doctor they do not know yet.
    """
    rng, people, places = city.rng, city.people, city.places
    fond = np.flatnonzero((people.age > 22) & (rng.random(people.count) < 0.08))
    times = rng.poisson(rng.gamma(2.5, 4.5, len(fond)))
    who, row = np.repeat(fond, times), np.repeat(np.arange(len(fond)), times)
    shops, wards = places.of(Kind.PHARMACY), places.of(Kind.HOSPITAL, Kind.CENTRE)
    roams = (rng.random(len(fond)) < 0.5)[row] & (rng.random(len(row)) < 0.7)
    elsewhere = np.where(rng.random(len(row)) < 0.45, rng.choice(wards, len(row)), rng.choice(shops, len(row)))
    place = np.where(roams, elsewhere, places.favourites[who, 0])
    day = pick(rng, day_weights(WEEK_SHOP, 0.3), len(who))
    visits = city.visit(who, place, city.moment(day, place))
    first, second = (
        rng.choice(city.medicines.resaleable, len(fond)),
        rng.choice(city.medicines.by_use["TONIC"], len(fond)),
    )
    for drug, share in ((first, 0.4), (second, 0.3)):
        some = rng.random(len(visits)) < share
        city.lines.append(int(some.sum()), visit=visits[some], drug=drug[row[some]], count=1)
    some = rng.random(len(visits)) < 0.45
    city.draw(visits[some], city.medicines.resaleable, 1)
    rest = ~some & (rng.random(len(visits)) < 0.6)
    city.acute(visits[rest], who[rest], season(day[rest]))
    city.diagnose(visits, who)


def clinics(city: City) -> None:
    """Outpatient departments: a fee, tests, some drugs."""
    rng, people, places = city.rng, city.people, city.places
    rate = 0.45 + 0.9 * (people.age > 60) + 0.5 * people.chronic
    who = np.repeat(np.arange(people.count), rng.poisson(rate * rng.gamma(1.2, 1 / 1.2, people.count)))
    hospitals = places.of(Kind.HOSPITAL, Kind.CENTRE)
    place = np.where(
        rng.random(len(who)) < 0.7, places.hospital[who], hospitals[pick(rng, places.size[hospitals], len(who))]
    )
    day = pick(rng, day_weights(WEEK_WARD, 0.4), len(who))
    visits = city.visit(who, place, city.moment(day, place))
    city.service(visits, m.VISIT_FEE)
    for number, likely in ((m.BLOOD, 0.3), (m.CHEMISTRY, 0.16), (m.SCAN, 0.08), (m.ULTRASOUND, 0.1)):
        city.service(visits[rng.random(len(visits)) < likely], number)
    acute = rng.random(len(who)) < 0.6
    city.acute(visits[acute], who[acute], season(day[acute]))
    chronic = ~acute & people.chronic[who]
    city.refill(visits[chronic], who[chronic], np.full(int(chronic.sum()), 14.0))


def stays(city: City) -> None:
    """Stays in hospital; what the patient would have bought outside is mostly not bought."""
    rng, people, places = city.rng, city.people, city.places
    rate = 0.03 + 0.1 * (people.age > 60) + 0.06 * people.chronic
    who = np.repeat(np.arange(people.count), rng.poisson(rate))
    admitted = rng.integers(0, DAYS - 1, len(who))
    nights = np.minimum(1 + rng.poisson(6.5, len(who)), np.maximum(1, people.death[who] - admitted))
    nights = np.minimum(nights, DAYS - admitted)
    begin = admitted * DAY + rng.integers(8 * HOUR, 20 * HOUR, len(who))
    end = (admitted + nights) * DAY + rng.integers(9 * HOUR, 11 * HOUR, len(who))
    kept = end < DAYS * DAY
    who, nights, begin, end = who[kept], nights[kept], begin[kept], end[kept]
    made = city.visit(
        who, places.hospital[who], end, care=Care.INPATIENT, begin=begin, end=end,
        illness=np.where(people.chronic[who], people.ill[who].argmax(axis=1), ILLNESSES.index("ABX")),
    )  # fmt: skip
    city.service(made, m.BED, nights)
    city.service(made, m.NURSING, nights)
    city.service(made, m.CHEMISTRY, 1 + nights // 4)
    city.service(made[rng.random(len(made)) < 0.4], m.SCAN)
    city.service(made[rng.random(len(made)) < 0.2], m.SURGERY)
    city.draw(made, city.medicines.by_use["ABX"], 4)
    city.refill(made, who, np.asarray(nights, np.float64))


def one_body(city: City) -> None:
    """What a person cannot have done is taken back: outside while in hospital, at two far places at once, after death.

    A bill may still be settled in the days after a death, and a relative may fetch a few things during a stay.
    """
    rng, visits, places, people = city.rng, city.visits, city.places, city.people
    alive = np.flatnonzero((visits["dropped"] == 0) & (visits["refund_of"] < 0))
    key = visits["person"][alive] * (400 * DAY) + visits["time"][alive]
    order = alive[np.argsort(key, kind="stable")]
    key = np.sort(key)
    inpatient = alive[visits["care"][alive] == Care.INPATIENT]
    start = visits["person"][inpatient] * (400 * DAY)
    low = np.searchsorted(key, start + visits["begin"][inpatient])
    high = np.searchsorted(key, start + visits["end"][inpatient])
    for first, last in zip(low, high, strict=True):
        visits["dropped"][order[first:last]] = rng.random(last - first) < 0.95
    place, time = visits["place"][order], visits["time"][order]
    far = np.hypot(places.x[place[1:]] - places.x[place[:-1]], places.y[place[1:]] - places.y[place[:-1]])
    same = visits["person"][order[1:]] == visits["person"][order[:-1]]
    hurried = same & (place[1:] != place[:-1]) & (np.diff(time) < 1500 + far * 240)
    hurried &= visits["care"][order[1:]] != Care.INPATIENT
    visits["dropped"][order[1:][hurried]] = 1
    late = visits["time"] - people.death[visits["person"]] * DAY
    gone = (late > 0) & ((late > 3 * DAY) | (rng.random(visits.rows) < 0.7))
    visits["dropped"][gone & (visits["care"] != Care.INPATIENT)] = 1
