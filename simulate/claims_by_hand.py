"""Bills handed in on paper: honest ones, those that a clerk brings for a village, and those paid a second time."""

from __future__ import annotations

import numpy as np

from ringtrace.simulate.gatherings import Scene, unrelated
from ringtrace.simulate.life import admit
from ringtrace.simulate.records import Care, Supply
from ringtrace.simulate.sampling import DAY, HOUR, Ints
from ringtrace.simulate.truth import Difficulty

PAPER = 300
"""Seconds, about, that a desk takes over one paper."""


def double_reimbursement(scene: Scene, difficulty: Difficulty) -> None:
    """Bills that the insurance settled at the counter are handed in a second time for reimbursement by hand.

    Either one patient does that alone, or an agent who waits at a hospital's door does it for several: papers of two or
    three patients at a time, the money to an account of the agent's.
    """
    visits = scene.log.visit_table()
    settled = np.flatnonzero(
        (visits["care"] == Care.INPATIENT)
        & (visits["unbound"] == 0)
        & (visits["time"] > 0)
        & (visits["time"] < (scene.town.days - 90) * DAY)
        & ~np.isin(visits["person"], list(scene.truth.reserved))
    )
    if not len(settled):
        return
    if scene.rng.random() < 0.5:
        _alone(scene, settled, difficulty)
    else:
        _by_agent(scene, settled, difficulty)


def _alone(scene: Scene, settled: Ints, difficulty: Difficulty) -> None:
    visits = scene.log.visit_table()
    person = int(visits["person"][scene.rng.choice(settled)])
    rows = settled[visits["person"][settled] == person][:3]
    scene.truth.reserved.add(person)
    group = scene.truth.scheme("double_reimbursement", difficulty, f"alone, {len(rows)} bills twice")
    group.add("Patient", [person], "claimant")
    later = visits["time"][rows] + scene.rng.integers(10, 55, len(rows)) * DAY
    _again(scene, rows, later, 2 if difficulty == "hard" else 1, group.number)


def _by_agent(scene: Scene, settled: Ints, difficulty: Difficulty) -> None:
    town, rng = scene.town, scene.rng
    visits = scene.log.visit_table()
    hospital = int(rng.choice(visits["place"][settled]))
    there = settled[visits["place"][settled] == hospital]
    clients = unrelated(scene, np.unique(visits["person"][there]), int(rng.integers(4, 10)))
    scene.truth.reserved.update(clients.tolist())
    rows = np.array([int(rng.choice(there[visits["person"][there] == client])) for client in clients], dtype=np.int64)
    rows = rows[np.argsort(visits["time"][rows])]
    group = scene.truth.scheme("double_reimbursement", difficulty, f"agent, {len(rows)} bills twice")
    group.add("Patient", sorted(clients.tolist()), "claimant")
    # The agent goes when two or three papers have come together.
    trip = np.repeat(np.arange(len(rows)), rng.integers(2, 4, len(rows)))[: len(rows)]
    last = np.array([visits["time"][rows[trip == each]].max() // DAY for each in trip])
    day = np.minimum(last + rng.integers(7, 30, len(rows))[trip], town.days - 2)
    _again(scene, rows, _at_the_desk(scene, day, trip), 2 if difficulty == "hard" else 1, group.number)
    # Who is afraid of being found lets some of the money go to the patients, and uses a second account.
    own_account = rng.random(len(rows)) < {"easy": 0.0, "medium": 0.15, "hard": 0.3}[difficulty]
    accounts = rng.integers(0, 2 if difficulty == "hard" else 1, len(rows))
    agents = unrelated(scene, scene.some_adults(), 2, besides=clients)
    scene.truth.reserved.update(agents.tolist())
    group.add("Patient", agents[np.unique(accounts[~own_account])], "collector")
    town.people.account[visits["person"][rows[~own_account]]] = town.people.account[agents][accounts[~own_account]]


def _at_the_desk(scene: Scene, day: Ints, trip: Ints) -> Ints:
    """One paper after the other on the day of each trip."""
    rng = scene.rng
    hour = rng.uniform(9, 16, len(trip))[trip] * HOUR
    before = np.arange(len(trip)) - np.searchsorted(trip, trip)
    times: Ints = day * DAY + hour.astype(np.int64) + before * PAPER + rng.integers(0, PAPER, len(trip))
    return times


def honest_claims(scene: Scene) -> None:
    """The honest twins: care paid in cash away from home, reimbursed by hand and nowhere else.

    Most hand in their own papers; for some villages a clerk brings those of several families on one day, and the money
    comes to the clerk's account.
    """
    town, rng = scene.town, scene.rng
    n = max(5, len(town.people) // 500)
    person = rng.choice(np.flatnonzero(town.people.dies == -1), n)
    place = rng.choice(town.places.hospital_range, n)
    day, length = rng.integers(0, max(1, town.days - 70), n), rng.integers(3, 14, n)
    visit = admit(town, scene.log, rng, person, place, day, length, manual=1)
    times = scene.log.visit_table()["time"]
    left = town.days - 1 - times[visit] // DAY  # a short simulation ends before the slowest claims come in
    times[visit] += np.minimum(rng.integers(5, 50, n), np.maximum(left, 0)) * DAY
    for _ in range(max(1, len(town.people) // 20_000)):
        _through_the_village(scene)


def _through_the_village(scene: Scene) -> None:
    town, rng = scene.town, scene.rng
    people = unrelated(scene, scene.some_adults(), int(rng.integers(4, 9)))
    n = len(people)
    trip = np.sort(rng.integers(0, 2, n))
    place = rng.choice(town.places.hospital_range, n)
    day, length = rng.integers(0, max(1, town.days // 2 - 30), n), rng.integers(3, 14, n)
    visit = admit(town, scene.log, rng, people, place, day, length, manual=1)
    at_desk = np.minimum(np.array([town.days // 2, town.days - 3])[trip] + rng.integers(0, 3, 2)[trip], town.days - 1)
    scene.log.visit_table()["time"][visit] = _at_the_desk(scene, at_desk, np.searchsorted(np.unique(trip), trip))
    clerk = unrelated(scene, scene.some_adults(), 1, besides=people)
    town.people.account[people] = town.people.account[clerk]
    scene.truth.innocent("claims_through_the_village").add("Patient", people, "member")


def _again(scene: Scene, rows: Ints, time: Ints, manual: int, group: int) -> None:
    """The bills of `rows` once more, by hand, at `time`."""
    visits, items = scene.log.visit_table(), scene.log.item_table()
    source = {name: visits[name][rows] for name in ("person", "place", "care", "disease", "doctor", "begin")}
    again = scene.log.visits(len(rows), **source, time=time, manual=manual, same_stay=rows, unbound=1, group=group)
    for old, new in zip(rows.tolist(), again.tolist(), strict=True):
        lines = np.flatnonzero(items["visit"] == old)
        scene.log.items(
            np.full(len(lines), new), product=items["product"][lines], count=items["count"][lines],
            supply=Supply.NOTHING, booked=0, uncoded=1
        )  # fmt: skip
