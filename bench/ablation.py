"""What each signal and each innocence check is worth: everything measured again with one of them left out.

    .venv/bin/python bench/ablation.py --seeds 1 2 --persons 20000 --difficulty hard

On tuning seeds (below 1000). For each part of a kind (`detectors/ablation.py`) the kind is detected without it, in
every city, and compared with the whole: members' F1 and precision at orange and above, findings right, innocent people
and groups accused. A part whose loss changes nothing here says so: the cities may lack what it is for. Prints a table
for each kind, the costliest part first, and writes bench/out/ablation.json.
"""

from __future__ import annotations

import argparse
import json
from collections.abc import Sequence
from dataclasses import asdict, dataclass

from quality import OUT, Place, accused, in_own_process
from scoring import ACTED_ON, Tally, suspicions

from ringtrace.detectors import detect
from ringtrace.detectors.ablation import PARTS


@dataclass(frozen=True, slots=True)
class Worth:
    """What a kind's detector gives over the cities without `part` (or whole, where it is empty)."""

    part: str
    f1: float
    precision: float
    recall: float
    right: int
    findings: int
    innocent_people: int
    innocent_groups: int


def measure(places: Sequence[Place], kind: str, part: str) -> Worth:
    """Detect `kind` in every city without `part`."""
    tally, people = Tally(), 0
    for place in places:
        workspace, truth = place.open()
        report = detect(workspace, kinds=[kind], without=[f"{kind}.{part}"] if part else [])
        tally.add(truth, kind, suspicions(report.findings, kind))
        acted = [each for each in report.findings if each.kind == kind and each.level in ACTED_ON]
        people += len(accused(acted)[0] - truth.patients())
    return Worth(
        part=part,
        f1=tally.f1,
        precision=tally.precision,
        recall=tally.recall,
        right=tally.right,
        findings=tally.findings,
        innocent_people=people,
        innocent_groups=sum(tally.groups_accused.values()),
    )


def show(kind: str, whole: Worth, parts: Sequence[Worth]) -> None:
    """The whole, then each part that changes something, the costliest first, then the names of the others."""
    print(f"\n{kind:34}{'F1':>7}{'change':>8}{'precision':>11}{'recall':>8}{'right':>8}{'people':>8}{'groups':>8}")
    told = [each for each in parts if asdict(each) | {"part": ""} != asdict(whole)]
    for worth in (whole, *sorted(told, key=lambda each: (each.f1, -each.innocent_people))):
        name = f"without {worth.part}" if worth.part else "everything"
        print(
            f"  {name:32}{worth.f1:7.3f}{worth.f1 - whole.f1:+8.3f}{worth.precision:11.3f}{worth.recall:8.3f}"
            f"{f'{worth.right}/{worth.findings}':>8}{worth.innocent_people:8}{worth.innocent_groups:8}"
        )
    if same := [each.part for each in parts if each not in told]:
        print(f"  no difference on these cities: {', '.join(same)}")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--seeds", type=int, nargs="+", default=[1, 2])
    parser.add_argument("--persons", type=int, default=20_000)
    parser.add_argument("--difficulty", nargs="+", default=["hard"])
    parser.add_argument("--kinds", nargs="+", default=list(PARTS))
    options = parser.parse_args()
    if any(seed >= 1000 for seed in options.seeds):
        parser.error("seeds from 1000 on are for measuring the whole, not for looking at its parts")
    places = [Place(options.persons, seed, difficulty) for seed in options.seeds for difficulty in options.difficulty]
    results: dict[str, list[dict[str, object]]] = {}
    for kind in options.kinds:
        whole, *parts = [in_own_process(measure, places, kind, part) for part in ("", *PARTS[kind])]
        show(kind, whole, parts)
        results[kind] = [asdict(each) for each in (whole, *parts)]
        OUT.mkdir(exist_ok=True)
        (OUT / "ablation.json").write_text(json.dumps(results, indent=1), "utf-8")


if __name__ == "__main__":
    main()
