"""The people of the city: households, ages, work, names and cards."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from ringtrace.simulate.sampling import Bools, Floats, Generator, Ints, choose, power_law, stream

PERSONS_PER_COMMUNITY = 1_400
# Kinds of household: share of all, and its members as (generation, whose sex is opposite to the one before).
HOUSEHOLDS: tuple[tuple[float, tuple[str, ...]], ...] = (
    (0.11, ("adult",)),
    (0.09, ("elder",)),
    (0.16, ("adult", "spouse")),
    (0.16, ("elder", "spouse")),
    (0.24, ("adult", "spouse", "child")),
    (0.09, ("adult", "spouse", "child", "child")),
    (0.05, ("adult", "spouse", "child", "parent")),
    (0.08, ("adult", "spouse", "child", "parent", "parent")),
    (0.02, ("adult", "child")),
)


@dataclass(slots=True)
class People:
    """Parallel arrays, one entry a person. Times are days from the first simulated day; -1 stands for "none"."""

    household: Ints
    age: Ints
    birth_day: Ints  # days since 1970-01-01
    male: Bools
    surname: Ints
    given: Ints
    community: Ints
    x: Floats  # km from the centre of the city
    y: Floats
    employer: Ints
    phone: Ints  # number of the telephone; people may share one
    account: Ints  # number of the bank account
    region: Ints  # district of insurance; the last district stands for other provinces
    dies: Ints  # second of death from the start, -1 if alive
    care_home: Ints
    head: Ints  # index of the household's first member
    usual_card: Ints  # 1 e-credential, 2 ID card, 3 social-security card
    electronic: Bools  # holds an e-credential
    shares_with: Ints  # who else may use the card (family account), -1 nobody
    district: Ints  # of each community
    number: Ints  # scrambled number, so that ids say nothing

    def __len__(self) -> int:
        return len(self.age)

    @property
    def communities(self) -> int:
        return int(self.community.max()) + 1


def settle(persons: int, seed: int, months: int, start_day: int) -> People:
    """People the city with `persons` inhabitants.

    `start_day` is the first simulated day (days since 1970-01-01); ages hold on it.
    """
    rng = stream(seed, "people")
    kinds = choose(rng, np.array([share for share, _ in HOUSEHOLDS]), persons)
    sizes = np.array([len(members) for _, members in HOUSEHOLDS])[kinds]
    households = int(np.searchsorted(np.cumsum(sizes), persons)) + 1
    kinds, sizes = kinds[:households], sizes[:households]
    household = np.repeat(np.arange(households), sizes)[:persons]
    first = np.cumsum(sizes) - sizes
    head = first[household]
    place = np.arange(persons) - head
    roles = sorted({role for _, members in HOUSEHOLDS for role in members})
    template = np.full((len(HOUSEHOLDS), 5), -1)
    for row, (_, members) in enumerate(HOUSEHOLDS):
        template[row, : len(members)] = [roles.index(role) for role in members]
    role = template[kinds[household], place]

    adult = np.clip(rng.gamma(6, 3.2, households) + 22, 20, 64)
    elder = np.clip(rng.normal(71, 7, households), 60, 97)
    with_child = np.isin(kinds, [4, 5, 6, 7, 8])
    adult = np.where(with_child, np.clip(adult, 24, 52), adult)
    starts_old = template[kinds, 0] == roles.index("elder")
    base = np.where(starts_old, elder, adult)[household]
    jitter = rng.normal(0, 2.2, persons)
    age = np.select(
        [role == roles.index("spouse"), role == roles.index("child"), role == roles.index("parent")],
        [base + jitter, base - 27 + jitter * 1.5, base + 27 + jitter],
        base,
    )
    age = np.clip(age, 0, 99).astype(np.int64)
    head_male = rng.random(households) < 0.5
    male = np.select(
        [role == roles.index("spouse"), (role == roles.index("child"))],
        [~head_male[household], rng.random(persons) < 0.52],
        head_male[household],
    )
    second_parent = (role == roles.index("parent")) & (place > 0) & (np.roll(role, 1) == roles.index("parent"))
    male = np.where(role == roles.index("parent"), second_parent, male).astype(bool)

    house_surname = choose(rng, SURNAME_WEIGHTS, households)[household]
    own_surname = choose(rng, SURNAME_WEIGHTS, persons)
    surname = np.where((role == roles.index("spouse")) | ((role == roles.index("parent")) & ~male), own_surname, 0)
    surname = np.where(surname == 0, house_surname, surname)

    communities = max(4, round(persons / PERSONS_PER_COMMUNITY))
    spread = 2.2 * np.sqrt(communities / 14)
    centre_x, centre_y = rng.normal(0, spread, communities), rng.normal(0, spread, communities)
    home = choose(rng, power_law(rng, communities, 2.5, 6), households)
    community = home[household]
    x = (centre_x[home] + rng.normal(0, 0.35, households))[household]
    y = (centre_y[home] + rng.normal(0, 0.35, households))[household]

    works = (age >= 21) & (age <= 59) & (rng.random(persons) < 0.78)
    employers = max(8, persons // 60)
    employer = np.where(works, choose(rng, power_law(rng, employers, 1.1, 120), persons), -1)

    # Children and one elder in three are reached through the household's first member.
    phone = np.where((age < 14) | ((age >= 68) & (rng.random(persons) < 0.33)), head, np.arange(persons))
    account = np.where(age < 18, head, np.arange(persons))
    district = np.clip(np.arctan2(centre_y, centre_x) // (np.pi / 3) + 3, 0, 5).astype(np.int64)
    region = np.where(rng.random(persons) < 0.025, 6, district[community])

    # Gompertz mortality, about 0.75 % a year in such a population.
    hazard = 2.2e-5 * np.exp(0.092 * age) * months / 12
    dies = np.where(rng.random(persons) < hazard, rng.integers(0, months * 30 * 86_400, persons), -1)
    # A few have been dead for a while and still stand in the register of the insured.
    dies = np.where((age > 75) & (rng.random(persons) < 0.006), -rng.integers(30, 900, persons) * 86_400, dies)

    electronic = rng.random(persons) < np.interp(age, [0, 15, 25, 50, 65, 80], [0.3, 0.5, 0.9, 0.8, 0.5, 0.25])
    usual = np.where(electronic & (rng.random(persons) < 0.7), 1, np.where(rng.random(persons) < 0.12, 2, 3))
    shares = np.full(persons, -1)
    lends = ((age >= 65) | (age < 16)) & (role != roles.index("adult")) & (rng.random(persons) < 0.25)
    shares[lends] = head[lends]
    return People(
        household=household,
        age=age,
        birth_day=start_day - (age * 365.25 + rng.random(persons) * 365).astype(np.int64),
        male=male,
        surname=surname,
        given=_given_names(rng, male),
        community=community,
        x=x,
        y=y,
        employer=employer,
        phone=phone,
        account=account,
        region=region,
        dies=dies,
        care_home=np.full(persons, -1),
        head=head,
        usual_card=usual,
        electronic=electronic,
        shares_with=shares,
        district=district,
        number=rng.permutation(persons),
    )


SURNAMES = (
    "王李张刘陈杨黄赵吴周徐孙马朱胡郭何林高罗郑梁谢宋唐许韩冯邓曹彭曾萧田董袁潘蒋蔡余杜叶程苏魏吕丁任沈姚卢姜崔钟谭陆汪范金石廖贾"
    "夏韦付方白邹孟熊秦邱江尹薛闫段雷侯龙史陶黎贺顾毛郝龚邵万钱严覃武戴莫孔向汤"
)
SURNAME_WEIGHTS: Floats = 1 / (np.arange(len(SURNAMES)) + 3.0)
MALE_CHARACTERS = "伟强磊军勇杰涛明超刚平辉鹏华飞鑫波斌宇浩凯健俊帆帅旭宁龙林志建国文海东阳峰清毅民永德福贵成康良"
FEMALE_CHARACTERS = "芳娜敏静丽艳娟霞秀英玲桂兰燕萍红梅琴云洁雪慧莹倩婷雅琳佳欣怡梦瑶凤珍玉香月爱春菊素淑惠美"


def _given_names(rng: Generator, male: Bools) -> Ints:
    """Given names as one number: first character × 1000 + second character, 999 if the name has one character."""
    pool = np.where(male, len(MALE_CHARACTERS), len(FEMALE_CHARACTERS))
    first = (rng.random(len(male)) * pool).astype(np.int64)
    second = np.where(rng.random(len(male)) < 0.22, 999, (rng.random(len(male)) * pool).astype(np.int64))
    return first * 1000 + second


def full_name(surname: int, given: int, male: bool) -> str:
    """The name in Chinese characters."""
    pool = MALE_CHARACTERS if male else FEMALE_CHARACTERS
    first, second = divmod(given, 1000)
    return SURNAMES[surname] + pool[first] + ("" if second == 999 else pool[second])
