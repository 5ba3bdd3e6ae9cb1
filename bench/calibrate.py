"""Fit the curves from raw scores to the share of findings that stand, by kind, on tuning cities only.

    .venv/bin/python bench/calibrate.py --seeds 1 2 3 4 5 6 --persons 20000 --truth FOLDER… --write

Seeds from 1000 on are refused: they are for measuring. `--truth` adds folders of contract tables with truth/, of
other makers (bench/second_city is one), so that no simulator's habits alone decide what a score is worth.

A finding stands if at least half of the patients it suspects belong to a planted scheme of its kind; one that suspects
no patient, if one of its institutions does. Isotonic regression of that on the raw score, with `PRIOR` findings added
at the raw scores 0.05 … 0.95 whose share standing is the raw score itself: few findings then move the curve little,
and no curve says 0 or 1. Prints for each kind the findings, the share that stands, and the expected calibration error
of the raw score and of curves fitted without the city they are tried on. Kinds that no city plants get no curve. An
interruption (Ctrl-C) fits what was measured until then.
"""

from __future__ import annotations

import argparse
import sys
from collections import defaultdict
from collections.abc import Sequence
from pathlib import Path
from typing import Final

import numpy as np
from quality import Place, in_own_process
from scoring import ACTED_ON, INSTITUTIONS, Truth, calibration_error, suspects
from sklearn.isotonic import IsotonicRegression

from ringtrace.detectors import DETECTORS, detect, scoring
from ringtrace.detectors.calibration import ORANGE, Curve, calibrated
from ringtrace.findings import Finding

TARGET = Path(__file__).parents[1] / "detectors" / "calibration.yaml"
PRIOR: Final = 10.0
FEWEST: Final = 20
"""Findings of a kind below which no curve is fitted."""
Scored = list[tuple[float, bool]]


FACTS: Final = frozenset({"overuse", "cloned_card", "stock_imbalance", "trace_code_reuse"})
"""Kinds that tell a fact and no scheme: who draws for a reseller does draw too much, a lent card is in two places, an
outlet sells what it never bought, who feigns sales scans one pack for them. An accusation of such people or places of
another scheme is neither right nor wrong; a lead that stayed yellow is wrong."""


def stands(finding: Finding, truth: Truth) -> bool | None:
    """Whether the finding is right; None where it suspects nobody, or tells a fact about another scheme (`FACTS`)."""
    kind = None if finding.kind == "tip_lead" else finding.kind  # a tip may tell of any scheme
    people, places = suspects(finding, "Patient"), suspects(finding, *INSTITUTIONS)
    if people:
        right = 2 * len(people & truth.patients(kind)) >= len(people)
        elsewhere = 2 * len(people & truth.patients()) >= len(people)
    elif places:
        right, elsewhere = bool(places & truth.institutions(kind)), bool(places & truth.institutions())
    else:
        return None
    beside = finding.kind in FACTS and finding.level in ACTED_ON and not right and elsewhere
    return None if beside else right


def raw_scores(place: Place) -> tuple[dict[str, Scored], set[str]]:
    """(raw score, stands) of a city's findings that are not explained, by kind, and the kinds that it plants."""
    workspace, truth = place.open()
    found: dict[str, Scored] = defaultdict(list)
    for finding in detect(workspace, curves={}).findings:
        right = stands(finding, truth)
        if finding.level != "explained" and right is not None:
            found[finding.kind].append((finding.score, right))
    return dict(found), {scheme.kind for scheme in truth.schemes}


def fit(scored: Scored) -> Curve:
    """The knots of the isotonic fit: the centre of each of its steps (centred isotonic regression).

    Straight lines between centres rise everywhere, so that no two scores that differ become one (Oron and Flournoy
    2017, "Centered isotonic regression", doi:10.1080/19466315.2017.1286256).
    """
    grid = np.linspace(0.05, 0.95, 10)
    scores = np.array([*grid, *(score for score, _ in scored)])
    right = np.array([*grid, *(float(each) for _, each in scored)])
    weight = np.array([*np.full(len(grid), PRIOR / len(grid)), *np.ones(len(scored))])
    share = IsotonicRegression(y_min=0.01, y_max=0.99).fit_transform(scores, right, sample_weight=weight)
    return [
        (round(float(np.average(scores[share == each], weights=weight[share == each])), 4), round(float(each), 4))
        for each in np.unique(share)
    ]


def left_out(cities: Sequence[Scored]) -> Scored:
    """Each city's findings with the scores that the curve fitted to the other cities gives them."""
    tried: Scored = []
    for number, own in enumerate(cities):
        curve = fit([each for other, scored in enumerate(cities) if other != number for each in scored])
        tried += [(calibrated(score, curve), right) for score, right in own]
    return tried


def acted(scored: Scored, least: float) -> str:
    """Findings from `least` on that stand, of all from there on."""
    chosen = [right for score, right in scored if score >= least]
    return f"{sum(chosen)}/{len(chosen)}"


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--seeds", type=int, nargs="*", default=[1, 2, 3, 4, 5, 6])
    parser.add_argument("--persons", type=int, default=20_000)
    parser.add_argument("--difficulty", nargs="+", default=["medium", "hard"])
    parser.add_argument("--truth", type=Path, nargs="*", default=[])
    parser.add_argument("--write", action="store_true")
    options = parser.parse_args()
    if any(seed >= 1000 for seed in options.seeds):
        parser.error("seeds from 1000 on are for measuring, not for fitting")
    places = [Place(folder=folder) for folder in options.truth]
    places += [Place(options.persons, seed, difficulty) for seed in options.seeds for difficulty in options.difficulty]
    measured = []
    try:
        for number, place in enumerate(places, start=1):
            measured.append(in_own_process(raw_scores, place))
            print(f"{number} of {len(places)} cities", file=sys.stderr, flush=True)
    except KeyboardInterrupt:
        print(f"interrupted: fitted to the first {len(measured)} cities", file=sys.stderr)
    planted = {kind for _, kinds in measured for kind in kinds} | {"tip_lead"}
    print(
        f"{len(measured)} cities; orange and above: findings that stand / all, raw and left out\n"
        f"{'':24}{'findings':>9}{'stand':>7}{'ECE raw':>9}{'left out':>9}{'raw':>9}{'left out':>9}  curve"
    )
    lines = []
    for kind in (detector.kind for detector in DETECTORS if detector.kind in planted):
        by_city = [city.get(kind, []) for city, _ in measured]
        scored = [each for city in by_city for each in city]
        if len(scored) < FEWEST:
            print(f"{kind:24}{len(scored):9}   too few for a curve")
            continue
        curve = fit(scored)
        share = sum(right for _, right in scored) / len(scored)
        shown = " ".join(f"{score:.2f}→{value:.2f}" for score, value in curve)
        tried = left_out(by_city)
        errors = f"{calibration_error(scored):9.3f}{calibration_error(tried):9.3f}"
        orange = f"{acted(scored, scoring.ORANGE):>9}{acted(tried, ORANGE):>9}"
        print(f"{kind:24}{len(scored):9}{share:7.2f}{errors}{orange}  {shown}")
        lines.append(f"{kind}: [{', '.join(f'[{score}, {value}]' for score, value in curve)}]\n")
    pooled = [each for city, _ in measured for kind, scored in city.items() if kind in planted for each in scored]
    print(f"all: {len(pooled)} findings, ECE raw {calibration_error(pooled):.3f}")
    if options.write:
        given = sum(place.folder is not None for place in places[: len(measured)])
        TARGET.write_text(
            "# From raw score to the share of findings that stand, by kind. Written by bench/calibrate.py from tuning\n"
            f"# cities, {len(measured) - given} of one simulator and {given} of others; not edited by hand.\n"
            + ("".join(lines) or "{}\n"),
            "utf-8",
        )


if __name__ == "__main__":
    main()
