"""Innocent groups of people who settle together because they live, age, work, learn or are ill together."""

from __future__ import annotations

import numpy as np

from second_city import medicines as m
from second_city.arrays import DAY, Bools, Ints, sample
from second_city.city import Care, City
from second_city.gathering import Session, at_hour, gather, recurring
from second_city.honest import season
from second_city.medicines import CHRONIC
from second_city.people import unrelated
from second_city.places import Kind


def own_baskets(city: City, visits: Ints, persons: Ints, days: float = 30) -> None:
    """Everybody takes what their own illness needs, or something for a passing complaint."""
    ill = city.people.chronic[persons]
    city.refill(visits[ill], persons[ill], np.full(int(ill.sum()), days))
    city.acute(visits[~ill], persons[~ill], season(city.visits["time"][visits[~ill]] // DAY))


def village(city: City, most_people: bool = False) -> int:
    """A village; one of the larger ones on demand."""
    sizes = np.bincount(city.people.area, minlength=len(city.places.area_x))
    villages = np.arange(city.people.town_areas, len(sizes))
    return int(city.rng.choice(villages[sizes[villages] >= np.median(sizes[villages])] if most_people else villages))


def crowd(city: City, mask: Bools, size: int, tight: bool = True) -> Ints:
    """Unrelated free people of the mask; a tight group is kept out of others."""
    found = unrelated(city.rng, city.people, city.free(mask), size)
    return city.take(found) if tight else found


def together(
    city: City, kind: str, people: Ints, place: int, starts: Ints, session: Session, days: float = 30, **more: int
) -> None:
    """Sessions of an innocent group with ordinary baskets, kept in the truth if anybody came."""
    if len(people) < 2 or not len(starts):
        return
    visits, persons = gather(city, people, [place], starts, session, **more)
    own_baskets(city, visits, persons, days)
    city.truth.clear(kind, people)


def family_account(city: City) -> None:
    """家庭共济: a daughter settles for parents and parents-in-law, three to six people of two or three homes."""
    people, rng = city.people, city.rng
    runner = sample(rng, city.free((people.age > 30) & (people.age < 58) & people.staff), 1)
    near = (people.area == people.area[runner[0]]) & (people.age > 52)
    elders = sample(rng, city.free(near), int(rng.integers(2, 6)))
    if not len(elders):
        return
    city.sharing[elders] = runner[0]
    group = city.take(np.r_[runner, elders])
    people.surname[elders[: len(elders) // 2]] = people.surname[runner[0]]
    city.thin(elders, 0.4)
    starts = at_hour(city, recurring(city, 30, 3), rng.choice([10.0, 17.5, 19.0]), 1.0)
    together(city, "family_account", group, int(city.places.favourites[runner[0], 0]), starts, Session(0.75, 50))


def village_elders(city: City) -> None:
    """The village doctor settles for the old people of the village in one go on market day."""
    people, rng = city.people, city.rng
    home = village(city, most_people=True)
    elders = city.take(sample(rng, city.free((people.area == home) & (people.age > 62)), int(rng.integers(15, 41))))
    if len(elders) < 4:
        return
    rooms = city.places.of(Kind.VILLAGE_ROOM)
    nearest = rooms[
        np.argmin(
            np.hypot(city.places.x[rooms] - city.places.area_x[home], city.places.y[rooms] - city.places.area_y[home])
        )
    ]
    cadre = int(people.phone[elders[0]])
    people.phone[elders[rng.random(len(elders)) < 0.7]] = cadre
    city.thin(elders, 0.6)
    starts = at_hour(city, recurring(city, rng.choice([10, 15, 30]), 0.4), 9.5, 0.6)
    together(city, "village_elders", elders, int(nearest), starts, Session(0.4, 45), 14)


def care_home(city: City) -> None:
    """A nurse takes the cards of the home's residents to the health centre or the pharmacy at the corner."""
    people, rng = city.people, city.rng
    residents = crowd(city, people.age > 71, int(rng.integers(18, 51)))
    if len(residents) < 5:
        return
    number = int(people.care_home.max()) + 1
    area = int(rng.integers(0, people.town_areas))
    people.area[residents], people.room[residents] = area, 4000 + number
    people.care_home[residents[rng.random(len(residents)) < 0.8]] = number  # not all are registered
    city.thin(residents, 0.25)
    shop = rng.random() < 0.5
    place = int(rng.choice(city.places.of(Kind.PHARMACY if shop else Kind.CENTRE)))
    care = Care.PHARMACY if shop else Care.CHRONIC
    starts = at_hour(city, recurring(city, rng.choice([15, 30]), 1.5), 14.5, 0.7)
    together(city, "care_home", residents, place, starts, Session(0.85, 32), care=int(care))


def dialysis_shift(city: City) -> None:
    """The same dozen patients, three times a week, all year."""
    people, rng = city.people, city.rng
    column = CHRONIC.index("CKD")
    patients = crowd(city, people.ill[:, column] & (people.age > 30), int(rng.integers(9, 15)))
    ward = int(rng.choice(city.places.of(Kind.HOSPITAL)[:2]))
    weekdays = rng.choice([0, 1])  # Monday or Tuesday, and every second day from it, Sunday free
    days = np.arange(365)
    days = days[np.isin((days + 2) % 7, [weekdays, weekdays + 2, weekdays + 4])]
    starts = at_hour(city, days, float(rng.choice([11.5, 16.5])), 0.15)
    city.thin(patients, 0.2)
    visits, persons = gather(city, patients, [ward], starts, Session(0.96, 110, till=0), care=int(Care.CHRONIC))
    city.service(visits, m.DIALYSIS)
    some = rng.random(len(visits)) < 0.07
    city.refill(visits[some], persons[some], np.full(int(some.sum()), 14.0))
    city.visits["illness"][visits] = column
    city.truth.clear("dialysis_shift", patients)


def refill_day(city: City) -> None:
    """慢病 day of a health centre: the second Tuesday, dozens of neighbours in one morning."""
    people, rng = city.people, city.rng
    centre = int(rng.choice(city.places.of(Kind.CENTRE)))
    mask = (city.places.local == centre) & people.chronic & (people.age > 45)
    patients = crowd(city, mask, int(rng.integers(20, 61)))
    city.thin(patients, 0.4)
    weekday, week = int(rng.integers(0, 5)), int(rng.integers(0, 4))
    days = np.array(
        [day for month in range(12) for day in [month * 30 + week * 7] for day in [day + (weekday - (day + 2)) % 7]]
    )
    starts = at_hour(city, days[days < 365], 8.5, 0.2)
    together(city, "refill_day", patients, centre, starts, Session(0.65, 130, 0.7), care=int(Care.CHRONIC))


def factory_lunch(city: City) -> None:
    """Workers pass the pharmacy at the gate in their lunch hour."""
    people, rng = city.people, city.rng
    firms, sizes = np.unique(people.employer[people.employer >= 0], return_counts=True)
    firm = int(rng.choice(firms[np.argsort(-sizes)[:6]]))
    crew = crowd(city, people.employer == firm, int(rng.integers(30, 81)), tight=False)
    if len(crew):
        starts = at_hour(city, recurring(city, 5, 1.0), 12.1, 0.15)
        together(
            city,
            "factory_lunch",
            crew,
            int(city.places.favourites[crew[0], 0]),
            starts,
            Session(0.13, 95, 0.8, till=-1),
        )


def square_dance(city: City) -> None:
    """Women who dance in the square and shop together when it ends."""
    people, rng = city.people, city.rng
    area = int(rng.integers(0, people.town_areas))
    women = crowd(
        city, (people.area == area) & ~people.male & (people.age > 52) & (people.age < 76), int(rng.integers(6, 13))
    )
    if len(women):
        starts = at_hour(city, recurring(city, rng.choice([7, 14]), 0.8), rng.choice([8.8, 20.2]), 0.2)
        place = int(city.places.favourites[women[0], 0])
        together(city, "square_dance", women, place, starts, Session(0.42, 75, 0.7, till=-1))


def school_class(city: City) -> None:
    """A class falls ill within two weeks of term, and parents queue after school."""
    people, rng = city.people, city.rng
    birth = int(rng.uniform(7, 13) * -365.25) + 20089
    area = people.area[rng.choice(np.flatnonzero((people.age > 7) & (people.age < 13)))]
    pupils = crowd(
        city,
        (abs(people.birth - birth) < 230) & (people.town_areas > people.area)
        | (people.area == area) & (people.age < 13),
        34,
    )
    first = int(rng.choice([65, 75, 310, 322, 338]))
    starts = at_hour(city, first + np.arange(0, 12, 3), 17.2, 0.3)
    place = int(rng.choice(city.places.of(Kind.CENTRE, Kind.PHARMACY)))
    together(city, "school_class", pupils, place, starts, Session(0.33, 190, 0.8, till=-1))


def couples_club(city: City) -> None:
    """Four to six couples of the hypertension club go for their pills on the same morning."""
    people, rng = city.people, city.rng
    both = people.chronic & (people.age > 55)
    same = np.flatnonzero(
        both[:-1] & both[1:] & (people.household[:-1] == people.household[1:]) & ~city.busy[:-1] & ~city.busy[1:]
    )
    first = sample(rng, same[people.death[same] > 364], int(rng.integers(4, 7)))
    club = city.take(np.unique(np.r_[first, first + 1]))
    city.thin(club, 0.5)
    starts = at_hour(city, recurring(city, 30, 1.5), 9.3, 0.5)
    place = int(rng.choice(np.r_[city.places.favourites[club[:1], 0], city.places.of(Kind.CENTRE)[:1]]))
    together(city, "couples_club", club, place, starts, Session(0.8, 65, till=-1))


def dormitory(city: City) -> None:
    """Three hundred migrant workers of one employer at one address, who buy after the shift."""
    people, rng = city.people, city.rng
    young = city.free((people.age > 19) & (people.age < 48) & ~people.villager)
    workers = sample(rng, young, min(300, people.count // 60))
    area = int(rng.integers(0, people.town_areas))
    people.area[workers], people.room[workers] = area, 4200
    people.employer[workers], people.staff[workers] = int(people.employer.max()) + 1, True
    shop = int(city.places.favourites[np.flatnonzero(people.area == area)[0], 0])
    together(
        city,
        "dormitory",
        workers,
        shop,
        at_hour(city, recurring(city, 3, 1), 20.2, 0.3),
        Session(0.045, 110, 0.9, till=-1),
    )


def twins(city: City) -> None:
    """Twins who do everything together, the pharmacy too."""
    people, rng = city.people, city.rng
    one = sample(rng, city.free(people.age < 60), 1)
    other = one + 1
    if other[0] >= people.count or people.death[other[0]] < 365:
        return
    for column in (people.birth, people.surname, people.household, people.area, people.room, people.male):
        column[other] = column[one]
    pair = city.take(np.r_[one, other])
    place = int(city.places.favourites[one[0], 0])
    together(city, "twins", pair, place, at_hour(city, recurring(city, 32, 9), 17.0, 2.0), Session(0.95, 40))


def minibus(city: City) -> None:
    """A far village has one bus a fortnight; its passengers meet again at the pharmacy by the bus station."""
    people, rng = city.people, city.rng
    home = village(city)
    riders = crowd(city, (people.area == home) & (people.age > 40), int(rng.integers(9, 19)))
    shops = city.places.of(Kind.PHARMACY)
    place = int(shops[np.argmin(np.hypot(city.places.x[shops], city.places.y[shops]))])
    starts = at_hour(city, recurring(city, 15, 0.5), 9.4, 0.2)
    together(city, "minibus", riders, place, starts, Session(0.5, 140, 0.9, till=-1))


def kind_neighbour(city: City) -> None:
    """A retired nurse fetches the monthly pills of four to seven frail neighbours, and hers."""
    people, rng = city.people, city.rng
    area = int(rng.integers(0, len(city.places.area_x)))
    frail = crowd(city, (people.area == area) & people.chronic & (people.age > 66), int(rng.integers(4, 8)))
    helper = crowd(city, (people.area == area) & (people.age > 54) & (people.age < 70), 1)
    group = np.r_[frail, helper]
    if len(group) > 3:
        city.thin(group, 0.3)
        starts = at_hour(city, recurring(city, 30, 2), 10.0, 0.8)
        place = int(city.places.favourites[group[0], 0])
        together(city, "kind_neighbour", group, place, starts, Session(0.85, 60))


def depot_day(city: City) -> None:
    """Patients of the mental-health programme get their monthly injection on one morning."""
    people, rng = city.people, city.rng
    patients = crowd(
        city, people.ill[:, CHRONIC.index("PSY")] | people.ill[:, CHRONIC.index("EPI")], int(rng.integers(12, 26))
    )
    city.thin(patients, 0.5)
    starts = at_hour(city, recurring(city, 30, 0.8), 9.0, 0.2)
    place = int(rng.choice(city.places.of(Kind.CENTRE)))
    together(city, "depot_day", patients, place, starts, Session(0.88, 240, 0.6), care=int(Care.CHRONIC))


def check_up(city: City) -> None:
    """Pensioners of an office have their yearly check-up in one morning, and a second one for the results."""
    people, rng = city.people, city.rng
    retired = crowd(city, people.staff & (people.age > 60), int(rng.integers(25, 46)), tight=False)
    ward = int(rng.choice(city.places.of(Kind.HOSPITAL)))
    day = int(rng.integers(60, 330))
    starts = at_hour(city, np.array([day, day + 9]), 8.3, 0.1)
    visits, _ = gather(city, retired, [ward], starts, Session(0.9, 80, till=-1), care=int(Care.OUTPATIENT))
    city.service(visits, m.CHEMISTRY)
    city.service(visits, m.ULTRASOUND)
    city.truth.clear("check_up", retired)


def cadre_phone(city: City) -> None:
    """The village clerk wrote his own phone number for everybody who had none."""
    people, rng = city.people, city.rng
    here = np.flatnonzero(people.area == village(city, most_people=True))
    listed = sample(rng, here, int(rng.integers(60, 201)))
    people.phone[listed] = people.phone[listed[0]]
    city.truth.clear("cadre_phone", listed)
