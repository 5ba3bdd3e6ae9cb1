"""Innocent groups of patients: dialysis shifts, a doctor's clinic day, care homes."""

from __future__ import annotations

import numpy as np

from ringtrace.simulate.gatherings import Scene, come, draw, gather, series
from ringtrace.simulate.life import fees, own_drugs, seen_by
from ringtrace.simulate.records import Care
from ringtrace.simulate.sampling import DAY, HOUR, Ints, stream
from ringtrace.simulate.truth import Group


def clinic_day(scene: Scene, pools: list[Ints]) -> bool:
    """Patients of one doctor who holds the clinic for their illness on one morning in four weeks."""
    town, rng = scene.town, scene.rng
    patients = draw(scene, pools, 6, 14)
    if patients is None:
        return False
    doctor = int(town.habits.doctor[patients[0]])
    place = int(np.searchsorted(town.places.first_doctor, doctor, side="right") - 1)
    _at_hospital(
        scene, scene.truth.innocent("clinic_day"), patients, place, series(rng, town.days, 28.0, 0.4), 8.7, 0.75, 5400
    )
    return True


def dialysis(scene: Scene, pools: list[Ints]) -> bool:
    """The same machines, the same shift, three times a week."""
    town, rng = scene.town, scene.rng
    patients = draw(scene, pools, 4, 12)
    if patients is None or any(person in scene.truth.reserved for person in patients.tolist()):
        return False
    scene.truth.reserved.update(patients.tolist())
    hospital = int(town.habits.hospital[patients[0]])
    every = np.arange(town.days)
    weekday = town.calendar(every)[1]
    days = every[np.isin(weekday, [0, 2, 4] if rng.random() < 0.5 else [1, 3, 5])]
    _at_hospital(
        scene, scene.truth.innocent("dialysis"), patients, hospital, days, rng.choice([11.0, 16.5]), 0.96, 1500
    )
    return True


def _at_hospital(
    scene: Scene, group: Group, people: Ints, place: int, days: Ints, hour: float, attendance: float, spread: float
) -> None:
    """The group comes to a clinic or hospital on these days, `spread` seconds from the first to the last."""
    town, log, rng, regimen = scene.town, scene.log, scene.rng, scene.town.regimen
    if not group.members:
        group.add("Patient", people, "member")
    starts = (days * DAY + (hour + rng.normal(0, 0.1, len(days))) * HOUR).astype(np.int64)
    came = gather(rng, len(people), starts, attendance=attendance, spread=spread, one_till=0.3)
    person, places = people[came.member], np.full(len(came.member), place)
    on_machine = group.kind == "dialysis"
    usual = regimen.disease[np.minimum(regimen.start[person], len(regimen.disease) - 1)]
    visit = log.visits(
        len(person), person=person, place=place, time=came.time, till=came.till, care=Care.CHRONIC,
        disease=town.goods.disease("Z49") if on_machine else usual, doctor=seen_by(town, rng, person, places),
        group=group.number,
    )  # fmt: skip
    if on_machine:
        log.items(visit, product=town.goods.product("血液透析(次)"))
        log.items(visit[rng.random(len(visit)) < 0.5], product=town.goods.product("人促红素注射液"))
    else:
        own_drugs(town, log, rng, visit, person, share=0.9)
        fees(town, log, rng, visit, places)
        log.spare(people, np.bincount(came.member, minlength=len(people)) * 0.5)


def settle_care_homes(scene: Scene) -> None:
    """Care homes: the old who live there, the weekly run to the pharmacy, and the doctor's round."""
    town = scene.town
    rng = stream(town.seed, "care homes")
    own = Scene(town, scene.log, scene.truth, rng)
    people = town.people
    old = rng.permutation(np.flatnonzero((people.age >= 74) & (people.dies == -1) & (people.region < 6)))
    for home in range(max(1, len(people) // 15_000)):
        residents, old = np.split(old, [int(rng.integers(15, 41))])
        if len(residents) < 8:
            return
        people.care_home[residents] = home
        shop, clinic = int(town.habits.shop[residents[0]]), int(town.habits.clinic[residents[0]])
        group = come(
            own, "care_home", residents, shop, series(rng, town.days, 7.0, 0.4), 10.0,
            wander=0.3, attendance=0.22, spread=900, own=0.9, one_till=0.95,
        )  # fmt: skip
        _at_hospital(own, group, residents, clinic, series(rng, town.days, 14.0, 0.4), 9.0, 0.45, 7200)
