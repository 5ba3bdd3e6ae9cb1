"""How well known members lead to the rest of their scheme, and whom honest people lead to.

    .venv/bin/python bench/expand.py --seeds 1 2 --persons 20000 --difficulty hard

From one random member of each planted group (two with `--from 2`), and from its pharmacy where it has one: the share of
its other patients among the best leads, as many as there are of them (recall at the group's size), the share of those
followed (score from 0.5) who belong to a scheme, and CPU seconds. And from honest people drawn at random: the
leads followed, and how many of them belong to no scheme. `--truth FOLDER` measures folders of contract tables instead.
"""

from __future__ import annotations

import argparse
import time
from collections import defaultdict
from collections.abc import Sequence
from pathlib import Path

import numpy as np
from quality import Place

from ringtrace.detectors import expand
from ringtrace.detectors.expansion.search import FOLLOWED
from ringtrace.workspace import Workspace

KINDS = ("borrowed_card_ring", "drug_resale", "pharmacy_collusion")
Try = tuple[float, int, int, float]
"""Recall at the group's size, followed, followed of a scheme, CPU seconds."""


def lead_on(workspace: Workspace, seeds: Sequence[str], wanted: frozenset[str], guilty: set[str]) -> Try:
    begun = time.process_time()
    leads = [lead for lead in expand(workspace, seeds, limit=200) if lead.label == "Patient"]
    spent = time.process_time() - begun
    rest = wanted - set(seeds)
    best = {lead.id for lead in sorted(leads, key=lambda lead: -lead.score)[: len(rest)]}
    followed = {lead.id for lead in leads if lead.score >= FOLLOWED}
    return len(best & rest) / max(1, len(rest)), len(followed), len(followed & guilty), spent


def show(name: str, tries: Sequence[Try]) -> None:
    recall, followed, right, spent = (np.array(column) for column in zip(*tries, strict=True))
    print(
        f"{name:44}{len(tries):6}{recall.mean():9.2f}{followed.sum():10}{right.sum():10}{spent.mean():9.1f}", flush=True
    )


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--seeds", type=int, nargs="*", default=[1, 2])
    parser.add_argument("--persons", type=int, default=20_000)
    parser.add_argument("--difficulty", nargs="+", default=["medium", "hard"])
    parser.add_argument("--truth", type=Path, nargs="*", default=[])
    parser.add_argument("--from", dest="known", type=int, default=1, help="members known of each group")
    parser.add_argument("--honest", type=int, default=10, help="honest people a city")
    options = parser.parse_args()
    places = [Place(options.persons, seed, difficulty) for seed in options.seeds for difficulty in options.difficulty]
    places = [Place(folder=folder) for folder in options.truth] or places
    tries: dict[str, list[Try]] = defaultdict(list)
    rng = np.random.default_rng(1)
    for place in places:
        workspace, truth = place.open()
        guilty = truth.patients()
        for scheme in truth.schemes:
            if scheme.kind not in KINDS or len(scheme.patients) <= options.known:
                continue
            known = rng.choice(sorted(scheme.patients), options.known, replace=False).tolist()
            tries[f"{scheme.kind}, {options.known} member(s)"].append(
                lead_on(workspace, known, scheme.patients, guilty)
            )
            if scheme.institutions and scheme.kind != "borrowed_card_ring":
                seeds = sorted(scheme.institutions)
                tries[f"{scheme.kind}, its pharmacies"].append(lead_on(workspace, seeds, scheme.patients, guilty))
        with workspace.connect() as tables:
            people = [row[0] for row in tables.execute("SELECT DISTINCT psn_no FROM settlements ORDER BY 1").fetchall()]
        for person in rng.choice(sorted(set(people) - guilty), options.honest, replace=False).tolist():
            tries["honest people"].append(lead_on(workspace, [person], frozenset(), guilty))
    print(f"{len(places)} cities\n{'from':44}{'tries':>6}{'recall':>9}{'followed':>10}{'of scheme':>10}{'CPU s':>9}")
    for name in sorted(tries):
        show(name, tries[name])


if __name__ == "__main__":
    main()
