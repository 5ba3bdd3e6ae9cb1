"""Precision, recall, calibration and false alarms by kind, on simulated cities whose seeds were never tuned on.

    .venv/bin/python bench/quality.py --seeds 1001 1002 1003 1004 1005 --persons 60000 --difficulty medium hard

Seeds 1–99 are for tuning, 1000 and above for evaluation. Each difficulty's cities are measured beside today's practice
(baselines.py); then cities of the same seeds without any scheme; then the claims of ../shared/data/synthea, where
nobody cheats. Prints a table for each, and the goals met and missed; writes bench/out/quality.json. Cities are kept in
bench/out and made once; each is measured in a process of its own, so that its memory ends with it. `--truth FOLDER`
measures folders of contract tables with truth/ instead.
"""

from __future__ import annotations

import argparse
import hashlib
import json
import multiprocessing
import os
import resource
import shutil
import sys
import time
from collections import defaultdict
from collections.abc import Callable, Sequence
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final, ParamSpec, TypeVar

from baselines import GROUPINGS, RANKINGS, ranked
from goals import goals, show_goals
from scoring import (
    ACTED_ON,
    INSTITUTIONS,
    Tally,
    Truth,
    calibration_error,
    read_truth,
    suspects,
    suspicions,
)

from ringtrace.detectors import DETECTORS, detect
from ringtrace.findings import Finding
from ringtrace.loaders import load_folder
from ringtrace.simulate import simulate
from ringtrace.simulate.planting import CityDifficulty
from ringtrace.workspace import Workspace

P = ParamSpec("P")
T = TypeVar("T")
OUT = Path(__file__).parent / "out"
SYNTHEA: Final = Path(__file__).parents[2] / "shared" / "data" / "synthea"
CORE: Final = ("borrowed_card_ring", "pharmacy_collusion", "drug_resale")


def city(persons: int, seed: int, difficulty: CityDifficulty, *, schemes: bool = True) -> tuple[Workspace, Truth]:
    """A simulated city, loaded; made on first use."""
    folder = OUT / f"city-{persons}-{difficulty if schemes else 'clean'}-{seed}"
    if not (folder / "done").exists():
        simulate(folder / "data", persons=persons, seed=seed, difficulty=difficulty, schemes=schemes)
        load_folder(folder / "data", Workspace(folder / "workspace", create=True))
        (folder / "done").touch()
    return Workspace(folder / "workspace"), read_truth(folder / "data" / "truth")


def given(folder: Path) -> tuple[Workspace, Truth]:
    """A folder of contract tables, loaded, with its truth; with none, every suspicion there is a false one.

    Loaded once for these very files: a folder that was written anew would add its rows to those of the old one.
    """
    files = sorted((each.name, each.stat().st_size, each.stat().st_mtime_ns) for each in folder.iterdir())
    name = f"given-{folder.resolve().name}-{_short(str(folder.resolve()))}-"
    target = OUT / f"{name}{_short(repr(files))}"
    if not (target / "done").exists():
        for stale in OUT.glob(f"{name}????????"):
            shutil.rmtree(stale)
        load_folder(folder, Workspace(target / "workspace", create=True))
        (target / "done").touch()
    workspace = Workspace(target / "workspace")
    truth = folder / "truth"
    return workspace, read_truth(truth) if truth.is_dir() else Truth((), ())


def _short(text: str) -> str:
    return hashlib.sha256(text.encode()).hexdigest()[:8]


@dataclass(frozen=True, slots=True)
class Place:
    """A city to measure: simulated from `seed`, or a `folder` that is given."""

    persons: int = 0
    seed: int = 0
    difficulty: CityDifficulty = "medium"
    schemes: bool = True
    folder: Path | None = None

    def open(self) -> tuple[Workspace, Truth]:
        if self.folder is not None:
            return given(self.folder)
        return city(self.persons, self.seed, self.difficulty, schemes=self.schemes)


@dataclass(slots=True)
class Outcome:
    """What one city gave, or several added up."""

    kinds: dict[str, Tally] = field(default_factory=dict)
    rivals: dict[str, Tally] = field(default_factory=dict)
    seconds: dict[str, float] = field(default_factory=dict)
    acted_on: int = 0
    people_accused: int = 0
    places_accused: int = 0
    population: int = 0
    peak_gib: float = 0.0

    def add(self, other: Outcome) -> None:
        for mine, theirs in ((self.kinds, other.kinds), (self.rivals, other.rivals)):
            for name, tally in theirs.items():
                mine.setdefault(name, Tally()).merge(tally)
        for name, spent in other.seconds.items():
            self.seconds[name] = self.seconds.get(name, 0.0) + spent
        self.acted_on += other.acted_on
        self.people_accused += other.people_accused
        self.places_accused += other.places_accused
        self.population += other.population
        self.peak_gib = max(self.peak_gib, other.peak_gib)


def measure(place: Place, kinds: Sequence[str], baselines: bool) -> Outcome:
    """Detect in one city and compare with its truth."""
    workspace, truth = place.open()
    outcome = Outcome()
    report = detect(workspace, kinds=kinds)
    outcome.seconds |= report.seconds
    for kind in kinds:
        outcome.kinds[kind] = Tally()
        outcome.kinds[kind].add(truth, kind, suspicions(report.findings, kind))
    findings = [each for each in report.findings if each.kind in kinds and each.level in ACTED_ON]
    people, places = accused(findings)
    outcome.acted_on = len(findings)
    outcome.people_accused = len(people - truth.patients())
    outcome.places_accused = len(places - truth.institutions())
    with workspace.connect() as tables:
        outcome.population = (
            place.persons or tables.execute("SELECT count(DISTINCT psn_no) FROM settlements").fetchall()[0][0]
        )
        if baselines:
            _baselines(tables, truth, [kind for kind in kinds if kind in CORE], outcome)
    outcome.peak_gib = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / (1 << 20)
    return outcome


def _baselines(tables: Any, truth: Truth, kinds: Sequence[str], outcome: Outcome) -> None:
    """Each baseline against each of the kinds."""
    begun = time.perf_counter()
    for name, grouping in GROUPINGS.items():
        groups = grouping(tables)
        for kind in kinds:
            outcome.rivals[f"{kind}: {name}"] = _rival(truth, kind, groups)
    for name, order in RANKINGS.items():
        for kind in kinds:
            groups = ranked(tables, order, len(truth.patients(kind)))
            outcome.rivals[f"{kind}: {name}"] = _rival(truth, kind, groups)
    outcome.seconds["baselines"] = time.perf_counter() - begun


def _rival(truth: Truth, kind: str, groups: Sequence[frozenset[str]]) -> Tally:
    tally = Tally()
    tally.add(truth, kind, [(1.0, True, group) for group in groups])
    return tally


def accused(findings: Sequence[Finding]) -> tuple[set[str], set[str]]:
    """Patients and institutions suspected in these findings."""
    return (
        {person for finding in findings for person in suspects(finding, "Patient")},
        {place for finding in findings for place in suspects(finding, *INSTITUTIONS)},
    )


def in_own_process(work: Callable[P, T], *args: P.args, **kwargs: P.kwargs) -> T:
    """What `work` gives, from a process that ends with it: its memory is given back, and its peak is its own.

    Not one pool with `max_tasks_per_child`, which can wait for ever on Python 3.11 (cpython issue 115634).
    """
    with ProcessPoolExecutor(1, mp_context=multiprocessing.get_context("spawn")) as pool:
        return pool.submit(work, *args, **kwargs).result()


def run(places: Sequence[Place], kinds: Sequence[str], baselines: bool) -> dict[str, Any]:
    """All figures over the cities, each measured in a process of its own."""
    total = Outcome()
    for place in places:
        begun = time.perf_counter()
        total.add(in_own_process(measure, place, kinds, baselines))
        named = place.folder.name if place.folder else f"{place.difficulty} {place.seed}"
        print(f"{named}: {time.perf_counter() - begun:.0f} s", file=sys.stderr, flush=True)
    scored = [each for tally in total.kinds.values() for each in tally.scored]
    return {
        "cores": os.cpu_count(),
        "cities": len(places),
        "acted_on": total.acted_on,
        "people_accused_per_100000": round(1e5 * total.people_accused / max(total.population, 1), 1),
        "places_accused": total.places_accused,
        "calibration_error": calibration_error(scored),
        "scored": len(scored),
        "seconds": total.seconds,
        "peak_gib": round(total.peak_gib, 2),
        "kinds": {name: figures(tally) for name, tally in total.kinds.items()},
        "baselines": {name: figures(tally) for name, tally in total.rivals.items()},
    }


def figures(tally: Tally) -> dict[str, Any]:
    return {
        "precision": tally.precision,
        "recall": tally.recall,
        "f1": tally.f1,
        "groups_found": {name: (found, planted) for name, (found, planted) in sorted(tally.found.items())},
        "findings": tally.findings,
        "findings_right": tally.right,
        "innocent_groups_accused": dict(tally.groups_accused),
        "calibration_error": tally.calibration_error,
    }


def show(name: str, result: dict[str, Any]) -> None:
    spent = sum(seconds for kind, seconds in result["seconds"].items() if kind != "baselines")
    print(
        f"\n{name}: {result['cities']} cities, {result['cores']} cores, {spent:.0f} s of detection, peak "
        f"{result['peak_gib']} GiB; findings at orange and above: {result['acted_on']}; innocent people accused per "
        f"100,000: {result['people_accused_per_100000']}; innocent places accused: {result['places_accused']}; "
        f"calibration error {result['calibration_error']:.3f} over {result['scored']} findings"
    )
    print(f"{'':44}{'precision':>10}{'recall':>8}{'F1':>7}{'right':>9}{'ECE':>6}{'s':>7}  groups; innocent accused")
    for part in ("kinds", "baselines"):
        for kind, row in result[part].items():
            right = f"{row['findings_right']}/{row['findings']}"
            found = ", ".join(f"{level} {number}/{all_}" for level, (number, all_) in row["groups_found"].items())
            accused_groups = ", ".join(f"{number} {kind}" for kind, number in row["innocent_groups_accused"].items())
            print(
                f"{kind:44}{row['precision']:10.2f}{row['recall']:8.2f}{row['f1']:7.2f}{right:>9}"
                f"{row['calibration_error']:6.2f}{result['seconds'].get(kind, 0):7.1f}  {found}; {accused_groups}"
            )


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--seeds", type=int, nargs="+", default=[1001, 1002, 1003, 1004, 1005])
    parser.add_argument("--persons", type=int, default=60_000)
    parser.add_argument("--difficulty", nargs="+", default=["medium", "hard"])
    parser.add_argument("--kinds", nargs="+", default=[each.kind for each in DETECTORS])
    parser.add_argument("--no-clean", action="store_true", help="no city without schemes")
    parser.add_argument("--no-synthea", action="store_true")
    parser.add_argument("--no-baselines", action="store_true")
    parser.add_argument(
        "--truth", type=Path, nargs="+", help="folders of contract tables with truth/, instead of simulated ones"
    )
    parser.add_argument("--prepare", action="store_true", help="only make the cities and load them")
    options = parser.parse_args()
    rounds: dict[str, list[Place]] = defaultdict(list)
    if options.truth:
        rounds["given"] = [Place(folder=folder) for folder in options.truth]
    else:
        for difficulty in options.difficulty:
            rounds[difficulty] = [Place(options.persons, seed, difficulty) for seed in options.seeds]
        if not options.no_clean:
            rounds["clean"] = [Place(options.persons, seed, schemes=False) for seed in options.seeds]
        if not options.no_synthea and SYNTHEA.is_dir():
            rounds["synthea"] = [Place(folder=SYNTHEA)]
    if options.prepare:
        for place in (place for places in rounds.values() for place in places):
            place.open()
        return
    results: dict[str, dict[str, Any]] = {}
    OUT.mkdir(exist_ok=True)
    for name, places in rounds.items():
        baselines = not options.no_baselines and name not in ("clean", "synthea")
        results[name] = run(places, options.kinds, baselines)
        show(name, results[name])
        # Written after each round: an interruption keeps what was measured.
        (OUT / "quality.json").write_text(json.dumps({"rounds": results, "goals": goals(results)}, indent=1), "utf-8")
    show_goals(goals(results))


if __name__ == "__main__":
    main()
