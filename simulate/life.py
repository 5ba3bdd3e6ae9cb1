"""Ordinary life: long illnesses and their refills, seasons of short ones, hospital stays, the shop round the corner."""

from __future__ import annotations

import numpy as np

from ringtrace.simulate.records import Care, Log
from ringtrace.simulate.sampling import DAY, HOUR, Generator, Ints, choose, expand, stream
from ringtrace.simulate.town import DEAR_FEN, Town


def live(town: Town, log: Log) -> None:
    """Add the ordinary visits of everyone to `log`."""
    _refills(town, log)
    _short_illnesses(town, log)
    _stays(town, log)


def _refills(town: Town, log: Log) -> None:
    rng = stream(town.seed, "refills")
    people, regimen = town.people, town.regimen
    patients = np.flatnonzero(regimen.ill())
    period = regimen.period[patients]
    owner, turn = expand((town.days // period + 1).astype(np.int64))
    person = patients[owner]
    jitter = np.where(town.habits.regular[person], 1.0, 5.0)
    planned = (rng.random(len(patients)) * period)[owner] + turn * period[owner]
    day: Ints = (planned + rng.normal(0, 1, len(owner)) * jitter).astype(np.int64)
    # Regular people keep to their weekday.
    weekday = rng.integers(0, 7, len(people))[person]
    day = np.where(town.habits.regular[person], day - (town.calendar(day)[1] - weekday) % 7, day)
    kept = (day >= 0) & (day < town.days) & (rng.random(len(day)) < 0.93)
    person, day = person[kept], day[kept]

    share = np.array([each.hospital_share for each in town.goods.chronic])
    hospital_person = rng.random(len(people)) < share[regimen.disease[np.minimum(regimen.start[:-1], len(share) - 1)]]
    at_hospital = np.where(rng.random(len(person)) < 0.88, hospital_person[person], ~hospital_person[person])
    place = np.where(at_hospital, usual_clinic(town, rng, person), usual_shop(town, rng, person))
    dear = np.zeros(len(people), dtype=bool)
    holders = np.repeat(np.arange(len(people)), np.diff(regimen.start))
    dear[holders[town.goods.price[regimen.product] >= DEAR_FEN]] = True
    special = np.flatnonzero(town.places.special)
    to_special = dear[person] & ~at_hospital & (rng.random(len(person)) < 0.85)
    place = np.where(to_special, special[town.people.number[person] % len(special)], place)
    visit = attend(town, log, rng, person, place, day, chronic=True)
    own_drugs(town, log, rng, visit, person)
    fees(town, log, rng, visit, place)
    extras(town, log, rng, visit, place, 0.16)


def usual_shop(town: Town, rng: Generator, person: Ints) -> Ints:
    """The shop near home, at times the one near work, now and then any other."""
    drawn = rng.random(len(person))
    ordinary = ~town.places.special[: town.places.pharmacies]
    other = choose(rng, town.places.popularity[: town.places.pharmacies] * ordinary, len(person))
    at_home = np.where(drawn < 0.76, town.habits.shop[person], town.habits.second_shop[person])
    return np.where(drawn < 0.91, at_home, other)


def usual_clinic(town: Town, rng: Generator, person: Ints) -> Ints:
    """The clinic of the neighbourhood or a hospital."""
    return np.where(rng.random(len(person)) < 0.45, town.habits.clinic[person], town.habits.hospital[person])


def attend(
    town: Town,
    log: Log,
    rng: Generator,
    person: Ints,
    place: Ints,
    day: Ints,
    *,
    chronic: bool,
    disease: Ints | None = None,
) -> Ints:
    """Visits at the person's usual hour of day (within opening hours, with a pull towards members' days)."""
    members = town.places.member_day[place]
    date = town.calendar(day)[0]
    moved = day + (members - date) % 10
    pulled = (members >= 0) & (rng.random(len(day)) < 0.40) & (town.calendar(moved)[0] % 10 == members)
    day = np.where(pulled & (moved < town.days), moved, day)
    spread = np.where(town.habits.regular[person], 0.25, 1.6)
    hour = town.habits.hour[person] + rng.normal(0, 1, len(person)) * spread
    time = town.within_hours(rng, place, day, hour)
    pharmacy = town.places.is_pharmacy(place)
    care = np.where(pharmacy, Care.PHARMACY, Care.OUTPATIENT)
    if chronic:
        first = np.minimum(town.regimen.start[person], len(town.regimen.disease) - 1)
        disease = town.regimen.disease[first]
        care = np.where(~pharmacy & (rng.random(len(person)) < 0.6), Care.CHRONIC, care)
    return log.visits(
        len(person),
        person=person,
        place=place,
        time=time,
        care=care,
        disease=-1 if disease is None else disease,
        doctor=seen_by(town, rng, person, place),
    )


def seen_by(town: Town, rng: Generator, person: Ints, place: Ints) -> Ints:
    """The doctor of each visit: the usual one if he works there; -1 in a pharmacy."""
    doctors, first = town.places.doctors[place], town.places.first_doctor[place]
    usual = town.habits.doctor[person]
    anyone = first + (rng.random(len(person)) * doctors).astype(np.int64)
    works_here = (usual >= first) & (usual < first + doctors) & (rng.random(len(person)) < 0.8)
    return np.where(doctors == 0, -1, np.where(works_here, usual, anyone))


def own_drugs(
    town: Town, log: Log, rng: Generator, visit: Ints, person: Ints, *, share: float = 0.9, **columns: Ints
) -> Ints:
    """Items of what each visitor takes for good, enough until the next refill; `columns` are given per visit."""
    owner, row = town.regimen.rows_of(person)
    taken = rng.random(len(row)) < share
    owner, row = owner[taken], row[taken]
    product = town.regimen.product[row]
    need = town.regimen.daily[row] * town.regimen.period[person][owner] / town.goods.pack_ddd[product]
    count = np.maximum(1, np.floor(need + rng.random(len(row)))).astype(np.int64)
    return log.items(
        visit[owner], product=product, count=count, **{name: value[owner] for name, value in columns.items()}
    )


def fees(town: Town, log: Log, rng: Generator, visit: Ints, place: Ints) -> None:
    """Consultation fee of each visit to a clinic or hospital, and now and then a test."""
    goods = town.goods
    care = visit[~town.places.is_pharmacy(place)]
    plain, expert = goods.product("普通门诊诊察费"), goods.product("专家门诊诊察费")
    log.items(care, product=np.where(rng.random(len(care)) < 0.75, plain, expert))
    tests = np.array([goods.product(name) for name in ("全血细胞计数", "生化全套", "心电图", "彩色多普勒超声")])
    tested = care[rng.random(len(care)) < 0.18]
    log.items(tested, product=tests[rng.integers(0, len(tests), len(tested))])


def extras(town: Town, log: Log, rng: Generator, visit: Ints, place: Ints, share: float) -> None:
    """Something else from the shelf, for some of those who are in a pharmacy anyway."""
    some = visit[town.places.is_pharmacy(place) & (rng.random(len(visit)) < share)]
    shelf = town.goods.acute[-1].drugs
    log.items(some, product=pick(town, rng, np.array(shelf), len(some)))


def pick(town: Town, rng: Generator, generics: Ints, n: int) -> Ints:
    """`n` products, each of one of these generics, by any maker; cheap ones more often."""
    options = np.array([product for generic in generics for product in town.goods.generics[generic]])
    return options[choose(rng, 1 / np.sqrt(town.goods.price[options]), n)]


def _short_illnesses(town: Town, log: Log) -> None:
    rng = stream(town.seed, "seasons")
    people = town.people
    ages = np.interp(people.age, [0, 8, 25, 60, 85], [1.8, 1.3, 0.8, 1.1, 1.5])
    frailty = rng.gamma(2.0, 0.5, len(people)) * ages
    date = (town.start_day + np.arange(town.days)).astype("datetime64[D]")
    of_year = (date - date.astype("datetime64[Y]")).astype(np.int64)
    for number, illness in enumerate(town.goods.acute):
        shelf = illness.icd == "Z76"
        season = illness.winter ** np.cos(2 * np.pi * (of_year - 15) / 365)
        who = frailty * (people.male == (illness.sex == 1)) if illness.sex else frailty
        # Things from the shelf have little to do with health: most come now and then, some every week.
        if shelf:
            need = np.interp(people.age, [0, 8, 25, 60, 85], [1.1, 1.0, 1.1, 0.9, 0.9])
            who = need * rng.gamma(3.0, 1 / 3, len(people)) * np.where(rng.random(len(people)) < 0.04, 3.0, 1.0)
        n = int(rng.poisson(who.sum() * illness.rate * town.days / 365))
        person, day = choose(rng, who, n), choose(rng, season, n)
        drawn = rng.random(n)
        share = 0.95 if shelf else 0.60
        place = np.where(drawn < share, usual_shop(town, rng, person), usual_clinic(town, rng, person))
        disease = np.full(n, len(town.goods.chronic) + number)
        visit = attend(town, log, rng, person, place, day, chronic=False, disease=disease)
        owner, _ = expand(rng.choice([1, 1, 1, 1, 1, 1, 1, 2] if shelf else [1, 1, 1, 2, 2], n))
        product = pick(town, rng, np.array(illness.drugs), len(owner))
        count = np.where(rng.random(len(owner)) < 0.8, 1, 2)
        # In clinics some tablets are counted out of an opened pack.
        split = ~town.places.is_pharmacy(place)[owner] & (rng.random(len(owner)) < 0.05)
        log.items(visit[owner], product=product, count=np.where(split, count * 6, count), split=split)
        fees(town, log, rng, visit, place)
        # Who is in the shop anyway takes his usual drugs along, and one of the family comes with him.
        along = town.regimen.ill()[person] & town.places.is_pharmacy(place) & (rng.random(n) < 0.10)
        own_drugs(town, log, rng, visit[along], person[along], share=0.6)
        _companions(town, log, rng, visit, person, place)


def _companions(town: Town, log: Log, rng: Generator, visit: Ints, person: Ints, place: Ints) -> None:
    size = np.bincount(town.people.household)[town.people.household[person]]
    joined = town.places.is_pharmacy(place) & (size > 1) & (rng.random(len(person)) < 0.06)
    person, place, visit, size = person[joined], place[joined], visit[joined], size[joined]
    head = town.people.head[person]
    other = head + (person - head + 1 + rng.integers(0, np.maximum(1, size - 1))) % size
    time = log.visit_table()["time"][visit] + rng.integers(25, 200, len(visit))
    with_them = log.visits(len(other), person=other, place=place, time=time)
    log.items(with_them, product=pick(town, rng, np.array(town.goods.acute[-1].drugs), len(other)))


def _stays(town: Town, log: Log) -> None:
    rng = stream(town.seed, "stays")
    risk = np.interp(town.people.age, [0, 10, 40, 65, 90], [0.04, 0.03, 0.04, 0.14, 0.35])
    n = int(rng.poisson(risk.sum() * town.days / 365))
    person = choose(rng, risk, n)
    length = np.clip(rng.gamma(2.2, 3.2, n), 2, 60).astype(np.int64)
    day = rng.integers(0, town.days, n)
    kept = day + length < town.days
    person, day, length = person[kept], day[kept], length[kept]
    admit(town, log, rng, person, town.habits.hospital[person], day, length)


def admit(
    town: Town,
    log: Log,
    rng: Generator,
    person: Ints,
    hospital: Ints,
    day: Ints,
    length: Ints,
    *,
    care_items: float = 1.0,
    **columns: int | Ints,
) -> Ints:
    """Hospital stays from `day` for `length` days, settled on the day of discharge; returns the visits."""
    n = len(person)
    begin = day * DAY + (rng.uniform(8, 20, n) * HOUR).astype(np.int64)
    settled = (day + length) * DAY + (rng.uniform(9, 16.5, n) * HOUR).astype(np.int64)
    diseases = np.array([town.goods.disease(icd) for icd in ("I63", "J18", "K80", "S72", "C16", "I25", "E11")])
    disease = diseases[rng.integers(0, len(diseases), n)]
    doctor = seen_by(town, rng, person, hospital)
    visit = log.visits(
        n, person=person, place=hospital, time=settled, begin=begin, care=Care.INPATIENT, disease=disease,
        doctor=doctor, **columns
    )  # fmt: skip
    for service in ("床位费(日)", "护理费(日)"):
        log.items(visit, product=town.goods.product(service), count=length)
    services = ("全血细胞计数", "生化全套", "心电图", "彩色多普勒超声", "静脉输液")
    owner, _ = expand(rng.poisson(3.0 * care_items, n))
    options = np.array([town.goods.product(name) for name in services])
    log.items(visit[owner], product=options[rng.integers(0, len(options), len(owner))])
    drugs = ("头孢曲松钠注射剂", "氯化钠注射液", "雷贝拉唑钠肠溶片", "氨溴索口服溶液", "阿托伐他汀钙片", "人血白蛋白")
    weights = np.array([5.0, 6.0, 3.0, 3.0, 2.0, 0.4])
    owner, _ = expand(rng.poisson(3.2 * care_items, n))
    options = np.array([town.goods.product(name) for name in drugs])
    count = rng.integers(1, 8, len(owner))
    log.items(visit[owner], product=options[choose(rng, weights, len(owner))], count=count)
    return visit
