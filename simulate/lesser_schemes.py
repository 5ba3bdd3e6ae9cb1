"""Schemes beside the three great ones: ghost stays, cloned cards, substituted codes, overuse, restricted items.

Each stands with the honest habit that looks like it. Bills paid twice have a file of their own (`claims_by_hand`).
"""

from __future__ import annotations

import numpy as np

from ringtrace.simulate.gatherings import Scene, unrelated
from ringtrace.simulate.life import admit, fees, pick, seen_by
from ringtrace.simulate.records import Care, Supply
from ringtrace.simulate.resale import takers
from ringtrace.simulate.sampling import DAY, Ints, choose, expand
from ringtrace.simulate.truth import Difficulty

CLASHES = 4
"""Times, at least, that a copied card buys while its owner does."""


def ghost_stays(scene: Scene, difficulty: Difficulty) -> None:
    """A hospital bills stays of people who were not there: the dead, people seen elsewhere, empty beds.

    A hospital that does so already does so more often: two such schemes of one hospital are one.
    """
    town, rng = scene.town, scene.rng
    hospital = int(rng.choice(town.places.hospital_range))
    n = int(rng.integers(8, 20))
    dead = np.flatnonzero((town.people.dies != -1) & (town.people.dies < 0.6 * town.seconds))
    living = unrelated(scene, scene.some_adults(), n)
    buried = round(n * {"easy": 0.5, "medium": 0.25, "hard": 0.1}[difficulty])
    living = living[: n - min(buried, len(dead))]
    ghosts = np.concatenate([living, rng.permutation(dead)[:buried]])
    length = rng.integers(6, 16, len(ghosts))
    earliest = np.maximum(town.people.dies[ghosts] // DAY + 2, 0)
    day = earliest + (rng.random(len(ghosts)) * (town.days - 18 - earliest)).astype(np.int64)
    group = scene.truth.scheme_at("ghost_patient", "Hospital", hospital)
    if group is None:
        group = scene.truth.scheme("ghost_patient", difficulty, "stays of people who were elsewhere")
        group.add("Hospital", [hospital], "provider")
    group.add("Patient", np.setdiff1d(ghosts, group.indices("Patient")), "ghost")
    care = {"easy": 0.0, "medium": 0.3, "hard": 0.8}[difficulty]
    place = np.full(len(ghosts), hospital)
    admit(town, scene.log, rng, ghosts, place, day, length, care_items=care, unbound=1, group=group.number)
    # Life goes on outside while the bed is billed.
    stay = np.repeat(np.arange(len(living)), 3)
    outside = day[stay] + 1 + (rng.random(len(stay)) * (length[stay] - 2)).astype(np.int64)
    shops, seen = town.habits.shop[living[stay]], living[stay]
    time = town.within_hours(rng, shops, outside, town.habits.hour[seen])
    _shelf(scene, scene.log.visits(len(stay), person=seen, place=shops, time=time), 1)


def cloned_card(scene: Scene, difficulty: Difficulty) -> None:
    """A copy of a card buys at the other end of the city while its owner goes about the ordinary errands.

    Who pays for a copy uses it: fewer than `CLASHES` meetings with the owner in a year prove a copy to nobody.
    """
    town, rng = scene.town, scene.rng
    visits = scene.log.visit_table()
    adults = scene.some_adults()
    busy = adults[scene.usual_visits()[adults] >= 12]
    owner = unrelated(scene, busy, 1)
    if not len(owner):
        return
    scene.truth.reserved.update(owner.tolist())
    own = np.flatnonzero((visits["person"] == owner[0]) & (visits["care"] == Care.PHARMACY) & (visits["time"] > DAY))
    used = own[rng.random(len(own)) < {"easy": 0.8, "medium": 0.5, "hard": 0.3}[difficulty]]
    used = used if len(used) >= CLASHES else own[:CLASHES]
    group = scene.truth.scheme("cloned_card", difficulty, f"{len(used)} times within minutes")
    group.add("Patient", owner, "card_holder")
    visits["card"][own] = 3
    shops = np.flatnonzero(~town.places.special[: town.places.pharmacies])
    away = np.hypot(town.places.x[shops] - town.people.x[owner[0]], town.places.y[shops] - town.people.y[owner[0]])
    far = shops[np.argsort(-away)[:3]]
    place = far[rng.integers(0, len(far), len(used))]
    time = visits["time"][used] + rng.integers(120, 700, len(used))
    copies = scene.log.visits(len(used), person=owner[0], place=place, time=time, card=3, group=group.number)
    _shelf(scene, copies, 2)
    # The copy is used at other times too.
    more = int(rng.integers(4, 10))
    place = far[rng.integers(0, len(far), more)]
    when = town.within_hours(rng, place, rng.integers(0, town.days, more), rng.uniform(8, 21, more))
    _shelf(scene, scene.log.visits(more, person=owner[0], place=place, time=when, card=3, group=group.number), 2)


def shared_credential(scene: Scene) -> None:
    """The honest twin: a child shops with the parent's e-credential on its own telephone."""
    town, rng = scene.town, scene.rng
    visits = scene.log.visit_table()
    lenders = np.flatnonzero((town.people.shares_with >= 0) & (town.people.dies == -1))
    if not len(lenders):
        return
    owner = int(rng.choice(lenders))
    own = np.flatnonzero((visits["person"] == owner) & (visits["care"] == Care.PHARMACY) & (visits["time"] > DAY))
    some = own[rng.random(len(own)) < 0.3]
    place = town.habits.second_shop[np.full(len(some), town.people.shares_with[owner])]
    group = scene.truth.innocent("shared_credential")
    group.add("Patient", [owner], "member")
    visits["card"][own] = np.where(rng.random(len(own)) < 0.6, 1, 3)
    time = visits["time"][some] + rng.integers(180, 1500, len(some))
    _shelf(scene, scene.log.visits(len(some), person=owner, place=place, time=time, card=1, group=group.number), 1)


def substitution(scene: Scene, difficulty: Difficulty) -> None:
    """A clinic bills dear packs for what it really gave, and scans one box again and again (串换)."""
    town, rng = scene.town, scene.rng
    clinic = int(rng.choice(town.places.clinic_range))
    rows = _same_code(
        scene,
        clinic,
        int(rng.integers(*{"easy": (60, 90), "medium": (30, 60), "hard": (12, 25)}[difficulty])),
        town.days,
    )
    if len(rows) < 6:
        return
    scene.truth.taken.add(clinic)
    group = scene.truth.scheme("trace_code_reuse", difficulty, f"one code in {len(rows)} settlements")
    group.add("Hospital", [clinic], "provider")
    visits = scene.log.item_table()["visit"][rows]
    scene.log.visit_table()["group"][visits] = group.number


def stuck_scanner(scene: Scene) -> None:
    """The honest twin: for an hour or two a till keeps the code of the pack before."""
    shop = int(scene.rng.choice(scene.town.places.shops))
    if len(_same_code(scene, shop, 4, 1)):
        scene.truth.innocent("stuck_scanner").add("Pharmacy", [shop], "shop")


def _same_code(scene: Scene, place: int, n: int, days: int) -> Ints:
    """Let `n` sales of one product at a place, within `days`, all show the code of the first."""
    visits, items = scene.log.visit_table(), scene.log.item_table()
    rows: Ints = scene.sales(place)
    rows = rows[(visits["time"][items["visit"][rows]] > 0) & (items["split"][rows] == 0)]
    rows = rows[(items["supply"][rows] == Supply.STOCK) & scene.town.goods.stocked[items["product"][rows]]]
    if not len(rows):
        return rows
    product = int(np.bincount(items["product"][rows]).argmax())
    rows = rows[items["product"][rows] == product]
    time = visits["time"][items["visit"][rows]]
    rows, time = rows[np.argsort(time)], np.sort(time)
    begin = int(scene.rng.integers(0, max(1, len(rows) // 2)))
    rows = rows[begin:][time[begin:] < time[begin] + days * DAY][:n]
    items["count"][rows] = 1
    items["supply"][rows[1:]] = Supply.COLLECTED
    items["source"][rows[1:]] = rows[0]
    return rows


def overuse(scene: Scene, difficulty: Difficulty) -> None:
    """One person draws several times what a body can take, from one institution after the other."""
    town, rng = scene.town, scene.rng
    name = str(rng.choice(["佐匹克隆片", "盐酸二甲双胍片", "阿托伐他汀钙片", "硫酸氢氯吡格雷片"]))
    generic = town.goods.generic(name)
    people, product_of = takers(town, generic)
    patient = unrelated(scene, np.intersect1d(people, scene.adults()), 1)
    if not len(patient):
        return
    scene.truth.reserved.update(patient.tolist())
    group = scene.truth.scheme("overuse", difficulty, name)
    group.add("Patient", patient, "user")
    product = product_of[int(patient[0])]
    times = {"easy": 5.0, "medium": 3.2, "hard": 2.4}[difficulty]
    packs = int(times * town.days / town.goods.pack_ddd[product])
    count = rng.integers(2, 6, max(6, packs // 3))
    place = np.concatenate([town.places.clinic_range, town.places.hospital_range])
    place = place[rng.integers(0, min(len(place), 6), len(count))]
    when = town.within_hours(rng, place, rng.integers(0, town.days, len(count)), rng.uniform(8, 17, len(count)))
    person = np.repeat(patient, len(count))
    visit = scene.log.visits(
        len(count), person=person, place=place, time=when, care=Care.OUTPATIENT, group=group.number,
        disease=town.regimen.disease[town.regimen.start[person]], doctor=seen_by(town, rng, person, place),
    )  # fmt: skip
    scene.log.items(visit, product=product, count=count)
    fees(town, scene.log, rng, visit, place)


def restricted_items(scene: Scene, difficulty: Difficulty) -> None:
    """A shop settles products for women on men's cards, as a cover for other goods."""
    town, rng = scene.town, scene.rng
    ordinary = np.flatnonzero(~town.places.special[: town.places.pharmacies])
    shop = int(choose(rng, town.places.popularity[ordinary], 1)[0])
    shop = int(ordinary[shop])
    men = scene.customers(shop)
    men = men[town.people.male[men]]
    low, high = {"easy": (15, 25), "medium": (8, 16), "hard": (4, 8)}[difficulty]
    buyers = unrelated(scene, men, int(rng.integers(low, high)))
    if not len(buyers):
        return
    group = scene.truth.scheme("restricted_item", difficulty, f"{len(buyers)} men")
    group.add("Pharmacy", [shop], "seller")
    times = rng.integers(1, 4, len(buyers))
    # A man may not have seen what his card paid once; who comes back for it has.
    group.add("Patient", buyers[times > 1], "card_holder")
    group.add("Patient", buyers[times == 1], "buyer")
    owner, _ = expand(times)
    _for_women(scene, buyers[owner], shop, group.number)


def wrong_card(scene: Scene) -> None:
    """The honest twin: now and then a husband pays his wife's medicine with the card in his own pocket."""
    town, rng = scene.town, scene.rng
    men = scene.some_adults()
    men = rng.choice(men[town.people.male[men]], max(3, len(town.people) // 3000))
    for man in men.tolist():
        _for_women(scene, np.array([man]), int(town.habits.shop[man]), -1)


def _for_women(scene: Scene, person: Ints, shop: int, group: int) -> None:
    town, rng = scene.town, scene.rng
    place = np.full(len(person), shop)
    time = town.within_hours(rng, place, rng.integers(0, town.days, len(person)), town.habits.hour[person])
    visit = scene.log.visits(len(person), person=person, place=place, time=time, group=group)
    generics = [town.goods.generic(name) for name in ("妇科千金片", "益母草颗粒", "黄体酮胶囊")]
    scene.log.items(visit, product=pick(town, rng, np.array(generics), len(visit)))


def _shelf(scene: Scene, visit: Ints, most: int) -> None:
    shelf = np.array(scene.town.goods.acute[-1].drugs)
    scene.log.items(
        visit, product=pick(scene.town, scene.rng, shelf, len(visit)), count=scene.rng.integers(1, most + 1, len(visit))
    )
