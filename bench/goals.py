"""The goals of the project's detection, and whether a measurement of quality.py meets them."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, Final

SHORT: Final = {"borrowed_card_ring": "rings", "pharmacy_collusion": "collusion", "drug_resale": "resale"}
LEAST: Final = {"medium": 0.95, "hard": 0.90}
"""For members' F1 and for groups found, by difficulty; other rounds are measured against the hard one's."""

Goal = tuple[str, str, str, bool]
"""What, the goal, the figure, whether it is met."""


def goals(results: dict[str, dict[str, Any]]) -> list[Goal]:
    """Each goal that the rounds measured can speak of."""
    found: list[Goal] = []
    for name, result in results.items():
        found += _innocent(name, result) if name in ("clean", "synthea") else _round(name, result)
    return found


def _round(name: str, result: dict[str, Any]) -> Iterator[Goal]:
    least = LEAST.get(name, LEAST["hard"])
    for kind, short in SHORT.items():
        if kind in result["kinds"]:
            f1 = result["kinds"][kind]["f1"]
            yield f"{name}: members' F1, {short}", f"≥ {least:.2f}", f"{f1:.3f}", f1 >= least
    pairs = [pair for row in result["kinds"].values() for pair in row["groups_found"].values()]
    groups, planted = sum(pair[0] for pair in pairs), sum(pair[1] for pair in pairs)
    yield f"{name}: planted groups found", f"≥ {least:.2f}", f"{groups}/{planted}", groups >= least * planted
    for kind, short in SHORT.items():
        if kind in result["kinds"]:
            pairs = list(result["kinds"][kind]["groups_found"].values())
            groups, planted = sum(pair[0] for pair in pairs), sum(pair[1] for pair in pairs)
            yield f"{name}: groups found, {short}", f"≥ {least:.2f}", f"{groups}/{planted}", groups >= least * planted
    rows = result["kinds"].values()
    right, findings = sum(row["findings_right"] for row in rows), sum(row["findings"] for row in rows)
    yield f"{name}: findings at orange and above right", "≥ 0.95", f"{right}/{findings}", right >= 0.95 * findings
    groups = sum(number for row in rows for number in row["innocent_groups_accused"].values())
    yield f"{name}: innocent groups accused", "0", str(groups), groups == 0
    yield f"{name}: innocent places accused", "0", str(result["places_accused"]), result["places_accused"] == 0
    people = result["people_accused_per_100000"]
    yield f"{name}: innocent people accused per 100,000", "≤ 5", str(people), people <= 5
    error = result["calibration_error"]
    yield f"{name}: calibration error of the score", "≤ 0.05", f"{error:.3f}", error <= 0.05
    for kind, short in SHORT.items():
        rivals = {
            rival.split(": ")[1]: row["f1"]
            for rival, row in result["baselines"].items()
            if rival.startswith(f"{kind}: ")
        }
        if rivals:
            best = max(rivals, key=lambda rival: rivals[rival])
            figure = f"{result['kinds'][kind]['f1']:.2f} against {rivals[best]:.2f} ({best})"
            yield f"{name}: F1 ahead of every baseline, {short}", "yes", figure, (
                result["kinds"][kind]["f1"] > rivals[best]
            )  # fmt: skip


def _innocent(name: str, result: dict[str, Any]) -> Iterator[Goal]:
    where = "in a city with no scheme" if name == "clean" else "in Synthea's claims"
    yield f"findings at orange and above {where}", "0", str(result["acted_on"]), result["acted_on"] == 0


def show_goals(rows: list[Goal]) -> None:
    print(f"\n{'goal':66}{'wanted':>8}  {'measured':40}")
    for what, wanted, figure, met in rows:
        print(f"{what:66}{wanted:>8}  {figure:40}{'met' if met else 'MISSED'}")
    print("Not measured here: rare rings (bench/curve.py); time, memory and growth (bench/detect.py).")
