"""How good findings are against a city's truth; used by quality.py, and on any city that comes with truth files."""

from __future__ import annotations

import csv
from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from ringtrace.findings import UNSUSPECTED_ROLES, Finding

ACTED_ON = frozenset({"red", "orange"})
INSTITUTIONS = ("Pharmacy", "Hospital")


@dataclass(frozen=True, slots=True)
class Scheme:
    """A planted scheme: its suspected patients and institutions."""

    kind: str
    difficulty: str
    patients: frozenset[str]
    institutions: frozenset[str]

    @property
    def named(self) -> frozenset[str]:
        """Whom to find: its patients, or its institutions where it has none."""
        return self.patients or self.institutions


@dataclass(frozen=True, slots=True)
class Truth:
    """What was planted in a city, and the innocent groups beside it (kind, patients)."""

    schemes: tuple[Scheme, ...]
    innocent: tuple[tuple[str, frozenset[str]], ...]

    def patients(self, kind: str | None = None) -> set[str]:
        return {person for each in self.schemes if kind in (None, each.kind) for person in each.patients}

    def institutions(self, kind: str | None = None) -> set[str]:
        return {place for each in self.schemes if kind in (None, each.kind) for place in each.institutions}


def read_truth(folder: Path) -> Truth:
    """Truth from `folder/truth/`; all three files must be there, even if they have no rows."""
    patients: dict[str, set[str]] = defaultdict(set)
    institutions: dict[str, set[str]] = defaultdict(set)
    for row in _rows(folder / "members.csv"):
        if row["role"] not in UNSUSPECTED_ROLES:
            (patients if row["label"] == "Patient" else institutions)[row["group_id"]].add(row["id"])
    schemes = tuple(
        Scheme(
            row["kind"],
            row["difficulty"],
            frozenset(patients[row["group_id"]]),
            frozenset(institutions[row["group_id"]]),
        )
        for row in _rows(folder / "schemes.csv")
    )
    groups: dict[tuple[str, str], set[str]] = defaultdict(set)
    for row in _rows(folder / "innocent_groups.csv"):
        if row["label"] == "Patient":
            groups[row["group_id"], row["kind"]].add(row["id"])
    return Truth(schemes, tuple((kind, frozenset(people)) for (_, kind), people in sorted(groups.items())))


def _rows(path: Path) -> Iterable[dict[str, str]]:
    with path.open(encoding="utf-8", newline="") as stream:
        yield from csv.DictReader(stream)


def _pair() -> list[int]:
    return [0, 0]


def _pairs() -> dict[str, list[int]]:
    return defaultdict(_pair)


def _counts() -> dict[str, int]:
    return defaultdict(int)


@dataclass(slots=True)
class Tally:
    """Counts of one kind, summed over cities; the figures are ratios of these sums."""

    hit: int = 0
    suspected: int = 0
    planted: int = 0
    right: int = 0
    findings: int = 0
    found: dict[str, list[int]] = field(default_factory=_pairs)
    groups_accused: dict[str, int] = field(default_factory=_counts)
    scored: list[tuple[float, bool]] = field(default_factory=list)

    def add(self, truth: Truth, kind: str, suspicions: Sequence[tuple[float, bool, frozenset[str]]]) -> None:
        """Count one city's suspicions: (score, acted on, patients, or institutions where it suspects no patient)."""
        schemes = [each for each in truth.schemes if each.kind == kind and each.named]
        any_kind = None if kind == "tip_lead" else kind  # a tip may tell of any scheme
        planted = {each for scheme in truth.schemes if any_kind in (None, scheme.kind) for each in scheme.named}
        guilty_places = truth.institutions(any_kind)
        acted = [named for _, act, named in suspicions if act and named]
        # A place that takes part with patients is neither hit nor miss where members are counted.
        accused = {each for named in acted for each in named} - (guilty_places - planted)
        self.hit += len(accused & planted)
        self.suspected += len(accused)
        self.planted += len(planted)
        self.findings += len(acted)
        scored = [(score, act, 2 * len(named & (planted | guilty_places)) >= len(named))
                  for score, act, named in suspicions if named]  # fmt: skip
        self.right += sum(right for _, act, right in scored if act)
        self.scored += [(score, right) for score, _, right in scored]
        matched = match([each.named for each in schemes], acted)
        for number, scheme in enumerate(schemes):
            self.found[scheme.difficulty][0] += number in matched
            self.found[scheme.difficulty][1] += 1
        guilty = truth.patients()
        for innocent_kind, people in truth.innocent:
            clean = people - guilty
            if len(clean) >= 2 and any(2 * len(clean & each) >= len(clean) for each in acted):
                self.groups_accused[innocent_kind] += 1

    def merge(self, other: Tally) -> None:
        """Add the counts of another city."""
        self.hit += other.hit
        self.suspected += other.suspected
        self.planted += other.planted
        self.right += other.right
        self.findings += other.findings
        for difficulty, (found, planted) in other.found.items():
            self.found[difficulty][0] += found
            self.found[difficulty][1] += planted
        for kind, number in other.groups_accused.items():
            self.groups_accused[kind] += number
        self.scored += other.scored

    @property
    def precision(self) -> float:
        return self.hit / self.suspected if self.suspected else float("nan")

    @property
    def recall(self) -> float:
        return self.hit / self.planted if self.planted else float("nan")

    @property
    def f1(self) -> float:
        return 2 * self.hit / (self.suspected + self.planted) if self.suspected + self.planted else float("nan")

    @property
    def calibration_error(self) -> float:
        return calibration_error(self.scored)


def calibration_error(scored: Sequence[tuple[float, bool]]) -> float:
    """Expected calibration error: mean |score − share right| over ten bins of the score, weighted by findings."""
    bins: dict[int, list[tuple[float, bool]]] = defaultdict(list)
    for score, right in scored:
        bins[min(9, int(score * 10))].append((score, right))
    off = sum(abs(sum(score for score, _ in each) - sum(right for _, right in each)) for each in bins.values())
    return off / len(scored) if scored else float("nan")


def match(planted: Sequence[frozenset[str]], found: Sequence[frozenset[str]], least: float = 0.5) -> set[int]:
    """Numbers of planted groups with a found one of Jaccard index ≥ `least`, one to one, best first."""
    holders: dict[str, set[int]] = defaultdict(set)
    for number, people in enumerate(found):
        for person in people:
            holders[person].add(number)
    pairs = []
    for number, people in enumerate(planted):
        for rival in {each for person in people for each in holders[person]}:
            jaccard = len(people & found[rival]) / len(people | found[rival])
            if jaccard >= least:
                pairs.append((-jaccard, number, rival))
    matched: dict[int, int] = {}
    for _, number, rival in sorted(pairs):
        if number not in matched and rival not in matched.values():
            matched[number] = rival
    return set(matched)


def suspicions(findings: Iterable[Finding], kind: str) -> list[tuple[float, bool, frozenset[str]]]:
    """(score, acted on, suspected patients or else institutions) of the findings of a kind that are not explained."""
    return [
        (finding.score, finding.level in ACTED_ON, suspects(finding, "Patient") or suspects(finding, *INSTITUTIONS))
        for finding in findings
        if finding.kind == kind and finding.level != "explained"
    ]


def suspects(finding: Finding, *labels: str) -> frozenset[str]:
    """Ids of the suspected members with one of these labels."""
    return frozenset(each.id for each in finding.members if each.label in labels and each.suspected)
