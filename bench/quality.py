"""Precision, recall, calibration and false alarms by kind, on simulated cities whose seeds were never tuned on.

    .venv/bin/python bench/quality.py --seeds 1001 1002 1003 1004 1005 --persons 60000 --difficulty medium hard

Seeds 1–99 are for tuning, 1000 and above for evaluation. Cities are kept in bench/out and made once. Prints a table
and writes bench/out/quality.json; `--truth FOLDER` measures a folder of contract tables with truth/ instead.
"""

from __future__ import annotations

import argparse
import json
import os
import time
from collections import defaultdict
from pathlib import Path

from baselines import BASELINES
from scoring import ACTED_ON, Tally, Truth, read_truth, suspicions

from ringtrace.detectors import DETECTORS, detect
from ringtrace.findings import Finding
from ringtrace.loaders import load_folder
from ringtrace.simulate import simulate
from ringtrace.simulate.planting import CityDifficulty
from ringtrace.workspace import Workspace

OUT = Path(__file__).parent / "out"


def city(persons: int, seed: int, difficulty: CityDifficulty, *, schemes: bool = True) -> tuple[Workspace, Truth]:
    """A simulated city, loaded; made on first use."""
    folder = OUT / f"city-{persons}-{difficulty if schemes else 'clean'}-{seed}"
    if not (folder / "done").exists():
        simulate(folder / "data", persons=persons, seed=seed, difficulty=difficulty, schemes=schemes)
        load_folder(folder / "data", Workspace(folder / "workspace", create=True))
        (folder / "done").touch()
    return Workspace(folder / "workspace"), read_truth(folder / "data" / "truth")


def measure(cities: list[tuple[Workspace, Truth, int]], kinds: list[str] | None, baselines: bool) -> dict[str, object]:
    """All figures over the given (workspace, truth, persons)."""
    tallies: dict[str, Tally] = defaultdict(Tally)
    rivals: dict[str, Tally] = defaultdict(Tally)
    seconds: dict[str, float] = defaultdict(float)
    people_accused = places_accused = population = 0
    for workspace, truth, persons in cities:
        report = detect(workspace, kinds=kinds)
        for kind, spent in report.seconds.items():
            seconds[kind] += spent
        for kind in kinds or [each.kind for each in DETECTORS]:
            tallies[kind].add(truth, kind, suspicions(report.findings, kind))
        people, places = accused(report.findings, kinds)
        people_accused += len(people - truth.patients())
        places_accused += len(places - truth.institutions())
        population += persons
        if baselines:
            for name, (kind, baseline) in BASELINES.items():
                begun = time.perf_counter()
                with workspace.connect() as tables:
                    groups = baseline(tables, truth)
                rivals[f"{kind}: {name}"].add(truth, kind, [(1.0, True, group) for group in groups])
                seconds[name] += time.perf_counter() - begun
    return {
        "cores": os.cpu_count(),
        "people_accused_per_100000": round(1e5 * people_accused / population, 1),
        "places_accused": places_accused,
        "kinds": {name: figures(tally, seconds.get(name.split(": ")[-1])) for name, tally in tallies.items()},
        "baselines": {name: figures(tally, seconds.get(name.split(": ")[-1])) for name, tally in rivals.items()},
    }


def accused(findings: tuple[Finding, ...], kinds: list[str] | None) -> tuple[set[str], set[str]]:
    """Patients and institutions suspected at orange and above."""
    members = [
        member
        for finding in findings
        if finding.level in ACTED_ON and (kinds is None or finding.kind in kinds)
        for member in finding.members
        if member.suspected
    ]
    return (
        {member.id for member in members if member.label == "Patient"},
        {member.id for member in members if member.label in ("Pharmacy", "Hospital")},
    )


def figures(tally: Tally, spent: float | None) -> dict[str, object]:
    return {
        "precision": tally.precision,
        "recall": tally.recall,
        "f1": tally.f1,
        "groups_found": {name: f"{found}/{all_}" for name, (found, all_) in sorted(tally.found.items())},
        "findings": tally.findings,
        "findings_right": tally.right,
        "innocent_groups_accused": dict(tally.groups_accused),
        "calibration_error": tally.calibration_error,
        "seconds": spent,
    }


def show(name: str, result: dict[str, object]) -> None:
    print(f"\n{name}: {result['cores']} cores; innocent people accused per 100,000: "
          f"{result['people_accused_per_100000']}; innocent places accused: {result['places_accused']}")  # fmt: skip
    print(
        f"{'':44}{'precision':>10}{'recall':>8}{'F1':>7}{'right':>9}{'ECE':>6}{'s':>7}  groups found; innocent accused"
    )
    for part in ("kinds", "baselines"):
        for kind, row in result[part].items():  # type: ignore[attr-defined]
            right = f"{row['findings_right']}/{row['findings']}"
            print(
                f"{kind:44}{row['precision']:10.2f}{row['recall']:8.2f}{row['f1']:7.2f}{right:>9}"
                f"{row['calibration_error']:6.2f}{row['seconds'] or 0:7.1f}  {row['groups_found']} "
                f"{row['innocent_groups_accused']}"
            )


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--seeds", type=int, nargs="+", default=[1001, 1002, 1003, 1004, 1005])
    parser.add_argument("--persons", type=int, default=60_000)
    parser.add_argument("--difficulty", nargs="+", default=["medium", "hard"])
    parser.add_argument("--clean", action="store_true", help="also a city without schemes for each seed")
    parser.add_argument("--kinds", nargs="+")
    parser.add_argument("--no-baselines", action="store_true")
    parser.add_argument(
        "--truth", type=Path, nargs="+", help="folders of contract tables with truth/, instead of simulated ones"
    )
    options = parser.parse_args()
    results: dict[str, dict[str, object]] = {}
    if options.truth:
        cities = []
        for folder in options.truth:
            workspace = Workspace(OUT / f"given-{folder.name}", create=True)
            load_folder(folder, workspace)
            with workspace.connect() as tables:
                persons = len(tables.execute("SELECT DISTINCT psn_no FROM settlements").fetchall())
            cities.append((workspace, read_truth(folder / "truth"), persons))
        results["given"] = measure(cities, options.kinds, not options.no_baselines)
    else:
        for difficulty in options.difficulty:
            cities = [(*city(options.persons, seed, difficulty), options.persons) for seed in options.seeds]
            results[difficulty] = measure(cities, options.kinds, not options.no_baselines)
        if options.clean:
            cities = [
                (*city(options.persons, seed, "medium", schemes=False), options.persons) for seed in options.seeds
            ]
            results["clean"] = measure(cities, options.kinds, baselines=False)
    for name, result in results.items():
        show(name, result)
    OUT.mkdir(exist_ok=True)
    (OUT / "quality.json").write_text(json.dumps(results, indent=1), "utf-8")


if __name__ == "__main__":
    main()
