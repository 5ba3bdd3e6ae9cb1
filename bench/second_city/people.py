"""Who lives in the city: households, work, illness, credentials."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from second_city.arrays import Bools, Floats, Ints, Random, pick, sample
from second_city.medicines import CHRONIC, Medicines
from second_city.profiles import Profile

YEAR = 2025
DAYS = 365
# Share of people with an illness at 30 and at 75 years; between, it grows evenly.
PREVALENCE = {
    "HT": (0.05, 0.52), "DM": (0.03, 0.22), "LIP": (0.03, 0.16), "CHD": (0.004, 0.17), "CVA": (0.001, 0.11),
    "COPD": (0.006, 0.08), "HBV": (0.02, 0.02), "EPI": (0.004, 0.004), "PSY": (0.008, 0.012), "RA": (0.003, 0.012),
    "TUM": (0.001, 0.015), "CKD": (0.001, 0.008), "GOUT": (0.012, 0.03), "BPH": (0.0, 0.14), "OST": (0.0, 0.1),
    "THY": (0.012, 0.02),
}  # fmt: skip
SURNAMES = "王李张刘陈杨赵黄周吴徐孙胡朱高林何郭马罗梁宋郑谢韩唐冯于董萧程曹袁邓许傅沈曾彭吕苏卢蒋蔡贾丁魏薛叶阎"
GIVEN = "伟芳娜敏静丽强磊军洋勇艳杰娟涛明超秀霞平刚桂英华玉兰红梅建国志文斌波辉宁鑫雨欣子轩浩然佳怡思远春生福贵"


@dataclass(slots=True)
class People:
    """Parallel columns, one row a person; `x`, `y` in km from the county seat, days counted from 1 January."""

    household: Ints
    area: Ints
    male: Bools
    birth: Ints  # days since 1970
    staff: Bools  # insured as an employee, with a personal account
    employer: Ints  # −1: none
    ill: Bools  # persons × CHRONIC
    regimen: Ints  # persons × CHRONIC: the drug taken for it
    death: Ints  # day of the year, DAYS if alive
    care_home: Ints  # −1: none
    phone: Ints
    room: Ints  # number of the home within its area
    surname: Ints
    given: Ints
    villager: Bools
    town_areas: int

    @property
    def count(self) -> int:
        return len(self.household)

    @property
    def age(self) -> Floats:
        """Years on 1 January 2025."""
        return np.asarray((20089 - self.birth) / 365.25)

    @property
    def chronic(self) -> Bools:
        return np.asarray(self.ill.any(axis=1))


def settle_people(rng: Random, persons: int, profile: Profile, medicines: Medicines) -> People:
    """Draw the population of a profile."""
    sizes = pick(rng, np.array([0.19, 0.3, 0.24, 0.16, 0.07, 0.04]), persons) + 1
    household = np.repeat(np.arange(persons), sizes)[:persons]
    first = np.r_[True, household[1:] != household[:-1]]
    place_in_home = np.arange(persons) - np.maximum.accumulate(np.where(first, np.arange(persons), 0))
    homes = int(household[-1]) + 1
    towns, villages = max(3, round(persons * (1 - profile.rural) / 2200)), max(3, round(persons * profile.rural / 700))
    rural_home = rng.random(homes) < profile.rural
    home_area = np.where(rural_home, towns + rng.integers(0, villages, homes), rng.integers(0, towns, homes))

    head_age = np.clip(rng.normal(54, 17, homes), 21, 93)[household]
    kin = rng.random(persons)
    age = np.where(place_in_home == 0, head_age, 0.0)
    age = np.where(place_in_home == 1, np.where(kin < 0.85, head_age + rng.normal(-1, 3, persons), head_age - 27), age)
    age = np.where(place_in_home == 2, np.where(kin < 0.75, head_age - rng.normal(27, 4, persons), head_age + 26), age)
    age = np.where(place_in_home >= 3, head_age - rng.normal(33, 14, persons), age)
    age = np.where(age < 0, rng.uniform(0, 17, persons), np.minimum(age, 98))
    head_male = (rng.random(homes) < 0.62)[household]
    male = np.where(place_in_home == 0, head_male, np.where(place_in_home == 1, ~head_male, rng.random(persons) < 0.51))

    villager = rural_home[household]
    staff = (age > 20) & (rng.random(persons) < np.where(villager, 0.13, 0.56))
    firms = max(4, persons // 220)
    works = staff & (age < 60)
    employer = np.where(works, pick(rng, 1 / np.arange(2, firms + 2) ** 0.8, persons), -1)

    ill = np.zeros((persons, len(CHRONIC)), dtype=np.bool_)
    frailty = rng.gamma(2.0, 0.5, persons)
    for column, illness in enumerate(CHRONIC):
        young, old = PREVALENCE[illness]
        share = np.clip(young + (old - young) * (age - 30) / 45, 0, 0.65) * np.where(age < 18, 0.1, 1) * frailty
        if illness == "BPH":
            share = share * male
        ill[:, column] = rng.random(persons) < share
    regimen = np.stack(
        [medicines.by_use[each][pick(rng, medicines.weight[medicines.by_use[each]], persons)] for each in CHRONIC], 1
    )
    death = np.where(
        rng.random(persons) < 0.0004 * np.exp(np.maximum(age - 40, 0) / 11), rng.integers(5, DAYS, persons), DAYS
    )
    surname = pick(rng, 1 / np.arange(4, len(SURNAMES) + 4), persons)
    family_name = surname[np.flatnonzero(first)][household]
    surname = np.where((place_in_home != 1) & (kin < 0.9), family_name, surname)
    phone = 13_000_000_000 + rng.integers(0, 6_999_999_999, persons)
    phone = np.where((age < 14) | (age > 74), phone[np.flatnonzero(first)][household], phone)
    return People(
        household=household,
        area=home_area[household],
        male=male,
        birth=(20089 - age * 365.25).astype(np.int64),
        staff=staff,
        employer=employer,
        ill=ill,
        regimen=regimen,
        death=death,
        care_home=np.full(persons, -1),
        phone=phone,
        room=rng.integers(1, 4000, homes)[household],
        surname=surname,
        given=rng.integers(0, len(GIVEN) ** 2 * 2, persons),
        villager=villager,
        town_areas=towns,
    )


def unrelated(rng: Random, people: People, pool: Ints, size: int) -> Ints:
    """`size` people of the pool from as many households, as far as the pool has them."""
    drawn = sample(rng, pool, min(len(pool), size * 4))
    _, first = np.unique(people.household[drawn], return_index=True)
    return np.asarray(drawn[np.sort(first)][:size])
