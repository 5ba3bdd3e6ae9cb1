"""A synthetic city that writes the contract's tables, with planted schemes and innocent look-alikes, and the truth.

Seeds 1–99 are for tuning. Evaluation uses seeds from 1000 on, and nothing may be tuned on those.
"""

from __future__ import annotations

import time
from dataclasses import dataclass
from pathlib import Path
from typing import get_args

import numpy as np

from ringtrace.errors import RingTraceError
from ringtrace.progress import Progress, Step, silent
from ringtrace.simulate.assemble import assemble
from ringtrace.simulate.catalogue import catalogue
from ringtrace.simulate.claims import write_items, write_ledger, write_settlements
from ringtrace.simulate.collusion import forge_purchases
from ringtrace.simulate.gatherings import Scene
from ringtrace.simulate.innocents import gather_innocents
from ringtrace.simulate.ledger import keep_ledger
from ringtrace.simulate.life import live
from ringtrace.simulate.payment import pay
from ringtrace.simulate.people import settle
from ringtrace.simulate.places import build_places, form_habits
from ringtrace.simulate.planting import CityDifficulty, plant, plant_twins
from ringtrace.simulate.records import Log
from ringtrace.simulate.registers import write_drugs, write_people, write_places
from ringtrace.simulate.sampling import stream
from ringtrace.simulate.shop_quirks import quirks
from ringtrace.simulate.stock import keep_stock
from ringtrace.simulate.tips import write_tips
from ringtrace.simulate.town import Town, prescribe
from ringtrace.simulate.truth import Truth
from ringtrace.simulate.writer import Writer
from ringtrace.texts import default_language, text

__all__ = ["SimulationReport", "simulate"]

FIRST_DAY = "2025-01-01"
LEAST_PERSONS = 500


@dataclass(frozen=True, slots=True)
class SimulationReport:
    """What was written: rows by table, planted schemes by kind, innocent groups by kind, and how long it took."""

    out: Path
    rows: dict[str, int]
    schemes: dict[str, int]
    innocent_groups: dict[str, int]
    seconds: float


def simulate(
    out: str | Path,
    *,
    persons: int,
    seed: int,
    difficulty: CityDifficulty = "medium",
    months: int = 12,
    schemes: bool = True,
    progress: Progress = silent,
) -> SimulationReport:
    """Write a city to the folder `out`: the tables of the contract as CSV, and `truth/` beside them.

    The same arguments give the same bytes. Tune on seeds 1–99 only; evaluate on seeds from 1000 on.

    Parameters
    ----------
    out:
        Folder, made if absent; tables of an earlier city in it are replaced.
    persons:
        Inhabitants, at least 500; each has about 20 settlement lines a year.
    difficulty:
        How well the schemes hide; "mixed" draws it for each.
    months:
        Length, from 1 January 2025; at least 2.
    schemes:
        False gives the same ordinary life and all innocent look-alikes, but no scheme.

    Raises
    ------
    RingTraceError
        If a parameter is out of range.
    """
    begun = time.perf_counter()
    _check(persons, months, difficulty)
    folder = Path(out)
    folder.mkdir(parents=True, exist_ok=True)
    progress(Step("simulate.people", 0, 6))
    town = _found(persons, seed, months, difficulty)
    progress(Step("simulate.life", 1, 6))
    log, truth = Log(), Truth()
    scene = Scene(town, log, truth, stream(seed, "schemes"))
    live(town, log)
    progress(Step("simulate.schemes", 2, 6))
    gather_innocents(scene)
    quirks(scene)
    plant_twins(Scene(town, log, truth, stream(seed, "twins")))
    if schemes:
        plant(scene, difficulty)
    progress(Step("simulate.stock", 3, 6))
    visits, items = assemble(town, log)
    stock = keep_stock(town, visits, items)
    progress(Step("simulate.write", 4, 6))
    writer = Writer(town, folder)
    rows = {"drugs": write_drugs(writer), "institutions": write_places(writer)}
    rows["persons"], certificates = write_people(writer)
    bills = pay(town, visits, items)
    rows["settlements"] = write_settlements(writer, visits, bills, certificates)
    rows["settlement_items"] = write_items(writer, visits, items, bills, stock)
    del bills, certificates
    ledger = keep_ledger(town, visits, items, stock, forge_purchases(town, truth, visits, items))
    del items, stock
    rows["inventory"] = write_ledger(writer, ledger)
    rows["tips"] = write_tips(writer, truth, schemes=schemes)
    truth.write(writer, visits)
    progress(Step("simulate.done", 6, 6))
    planted: dict[str, int] = {}
    innocent: dict[str, int] = {}
    for group in truth.groups:
        counts = planted if group.guilty else innocent
        counts[group.kind] = counts.get(group.kind, 0) + 1
    return SimulationReport(folder, rows, planted, innocent, time.perf_counter() - begun)


def _check(persons: int, months: int, difficulty: str) -> None:
    language = default_language()
    if persons < LEAST_PERSONS or months < 2 or difficulty not in get_args(CityDifficulty):
        raise RingTraceError(
            text("simulate.bad_parameter", language, persons=persons, months=months, difficulty=difficulty),
            means=text("simulate.nothing_written", language),
            hint=text("simulate.parameter_hint", language, least=LEAST_PERSONS),
        )


def _found(persons: int, seed: int, months: int, difficulty: CityDifficulty) -> Town:
    start = np.datetime64(FIRST_DAY, "D")
    end = (np.datetime64(FIRST_DAY, "M") + months).astype("datetime64[D]")
    people = settle(persons, seed, months, int(start.astype(np.int64)))
    places = build_places(people, seed, months, {"easy": 0.5, "hard": 1.6}.get(difficulty, 1.0))
    goods = catalogue()
    return Town(
        people=people,
        places=places,
        habits=form_habits(people, places, seed),
        goods=goods,
        regimen=prescribe(people, goods, seed),
        seed=seed,
        start_day=int(start.astype(np.int64)),
        days=int((end - start).astype(np.int64)),
    )
