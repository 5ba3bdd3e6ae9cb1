"""How things are called: numbers of people, cards, places and doctors, as functions of their row, and addresses."""

from __future__ import annotations

from functools import cache

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from second_city.arrays import Ints
from second_city.city import City
from second_city.people import DAYS, YEAR
from second_city.places import Kind

REGION = "341225"
PRIME = 999_999_937  # scrambles row numbers: a number tells nothing of its owner's neighbours in the file
DEPARTMENTS = ("心血管内科", "内分泌科", "神经内科", "呼吸内科", "全科", "中医科", "骨科", "肿瘤科")


def scrambled(numbers: Ints, salt: int, prime: int = PRIME) -> Ints:
    """A one-to-one shuffle of row numbers below a prime."""
    return np.asarray((numbers * 387_420_489 + salt * 40_503_001) % prime)


@cache
def dates() -> list[str]:
    """Each day of the year as yymmdd."""
    days = np.datetime64(f"{YEAR}-01-01") + np.arange(DAYS + 1)
    return [str(each).replace("-", "")[2:] for each in days]


def person_codes(city: City) -> list[str]:
    """22 digits, as national person numbers have."""
    return [f"{REGION}0000001{each:09d}" for each in scrambled(np.arange(city.people.count), 3)]


def is_pharmacy(city: City, place: int) -> bool:
    """Whether a place is a retail pharmacy."""
    return int(city.places.kind[place]) in (Kind.PHARMACY, Kind.SPECIAL)


def place_codes(city: City) -> list[str]:
    """P or H, region, and five digits in no order."""
    numbers = scrambled(np.arange(len(city.places.kind)), 11, 99_991)
    letters = ["P" if is_pharmacy(city, place) else "H" for place in range(len(numbers))]
    return [f"{letter}{REGION}{number:05d}" for letter, number in zip(letters, numbers, strict=True)]


def doctor_codes(city: City) -> list[str]:
    """Twelve doctors' numbers a place; small places use the first few."""
    return [f"D{REGION}{number:06d}" for number in scrambled(np.arange(len(city.places.kind) * 12), 5, 999_983)]


def doctors_at(city: City) -> Ints:
    """How many doctors (or pharmacists) sign at each place."""
    return np.select([city.places.kind == Kind.HOSPITAL, city.places.kind == Kind.CENTRE], [12, 6], 2)


def doctor_of(city: City, visits: Ints) -> Ints:
    """The doctor of each visit; none for three in four pharmacy sales."""
    place, person = city.visits["place"][visits], city.visits["person"][visits]
    own = (person * 7 + city.visits["time"][visits] // 400_000) % doctors_at(city)[place]
    shop = np.isin(city.places.kind[place], [Kind.PHARMACY, Kind.SPECIAL])
    return np.where(shop & (scrambled(visits, 8) % 4 > 0), -1, place * 12 + own)


def habitual_credential(city: City, visits: Ints) -> Ints:
    """1 e-credential, 2 ID card, 3 social-security card: people keep to one, the young to the phone."""
    person = city.visits["person"][visits]
    luck = scrambled(person, 21) % 100
    modern = luck < np.clip(92 - city.people.age[person], 8, 70)
    kind = np.where(modern, 1, np.where(luck % 10 == 0, 2, 3))
    return np.asarray(np.where(scrambled(visits, 22) % 17 == 0, 1 + kind % 3, kind))


def credentials(city: City, person: Ints, kind: Ints) -> pa.Array:
    """The number of a person's credential of a kind."""
    number = pc.utf8_lpad(pa.array(scrambled(person, 31)).cast(pa.string()), 9, "0")
    prefix = pa.array(["", "EC3412", "ID3412", "SS3412"]).take(pa.array(kind))
    return pc.binary_join_element_wise(prefix, number, "")


def area_names(city: City) -> list[str]:
    """Neighbourhoods of the county seat, then villages."""
    towns, villages = (
        ["和平", "东关", "文昌", "淮河", "城南", "新城", "翠苑", "鼓楼", "光明", "北苑", "颍滨", "西湖"],
        ["大李", "后刘", "柳沟", "石桥", "三塔", "王化", "苗集", "新庙", "周棚", "方集", "田埂", "老观"],
    )
    seat = city.people.town_areas
    return [
        f"颍南县城关镇{towns[area % 12]}社区{area // 12 + 1}片"
        if area < seat
        else f"颍南县{villages[area % 12]}村{area // 12 + 1}组"
        for area in range(len(city.places.area_x))
    ]


def addresses(city: City) -> list[str]:
    """A home's address; a care home or a dormitory is one address for all who live there."""
    areas, people = area_names(city), city.people
    return [
        f"{areas[area]}{room // 40 + 1}栋{room % 40 // 4 + 1}0{room % 4 + 1}室"
        if area < people.town_areas
        else f"{areas[area]}{room}号"
        for area, room in zip(people.area.tolist(), people.room.tolist(), strict=True)
    ]
