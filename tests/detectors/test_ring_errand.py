"""One who goes for the same few people every time: each gets their own medicines, all of them, and no more."""

from __future__ import annotations

from datetime import timedelta
from pathlib import Path

import numpy as np
import pytest
from factories.city import START, City

from ringtrace.detectors import detect
from ringtrace.findings import Finding

CARED_FOR = [f"e{number}" for number in range(5)]


def fetched(
    tmp_path: Path,
    *,
    packs: int = 1,
    shops: int = 1,
    attending: int = 5,
    hospital: bool = False,
    shared: bool = False,
    estate: bool = False,
) -> Finding:
    """Thirteen errands, four weeks apart and a few days more or less, on which `attending` cards are used in minutes.

    Each has three lasting medicines of its own; `shared`: and gets another each time that all get and nobody has
    otherwise; `estate`: they are neighbours.
    """
    city, rng = City(), np.random.default_rng(5)
    for number, name in enumerate(city.background(seed=9, visits=10)):
        city.person(name, hh_no=f"h-{name}", addr=f"东湖里{number % 40 + 1}村3号")
    for shop in range(shops):
        city.shop(f"E{shop}", hospital=hospital)
    for number, name in enumerate(CARED_FOR):
        city.person(name, hh_no=f"h-{name}", addr=f"西湖里{1 if estate else number + 1}村{number}号")
        for kind in range(3):
            city.drug(f"OWN{number}-{kind}", atc_code=f"C{number}{kind}AA01", pack_ddd=28)
    for errand in range(13):
        city.drug(f"TONIC{errand}", atc_code=f"A13AA{errand:02d}", pack_ddd=28)
    for visitor in range(1_200):
        moment = START + timedelta(
            days=int(rng.integers(360)), hours=int(rng.integers(8, 19)), minutes=int(rng.integers(60))
        )
        city.person(f"y{visitor % 400}", addr=f"东湖里{visitor % 40 + 1}村9号")
        city.visit(f"y{visitor % 400}", f"E{visitor % shops}", moment, items=[{"med_list_codg": "D1", "fee": 60}])
    for errand in range(13):
        moment = START + timedelta(days=27 * errand + int(rng.integers(5)), hours=int(rng.integers(9, 17)))
        present = rng.permutation(len(CARED_FOR))[:attending]
        for order, number in enumerate(present.tolist()):
            goods = [{"med_list_codg": f"OWN{number}-{kind}", "cnt": packs, "fee": 40 * packs} for kind in range(3)]
            goods += [{"med_list_codg": f"TONIC{errand}", "fee": 90}] if shared else []
            city.visit(CARED_FOR[number], f"E{errand % shops}", moment + timedelta(minutes=2 * order), items=goods,
                       med_type="11" if hospital else "41")  # fmt: skip
    findings = detect(city.workspace(tmp_path), kinds=["borrowed_card_ring"]).findings
    return max(findings, key=lambda each: len({member.id for member in each.members} & set(CARED_FOR)))


def outcome(finding: Finding) -> str:
    return next(check.outcome for check in finding.counter_evidence if check.code == "errand")


@pytest.mark.parametrize("hospital", [False, True], ids=["pharmacy", "clinic day"])
def test_own_medicines_fetched_for_all_every_time_are_an_errand(tmp_path: Path, hospital: bool) -> None:
    finding = fetched(tmp_path, hospital=hospital)
    assert outcome(finding) == "explains"
    assert finding.level == "explained"


@pytest.mark.near_miss
@pytest.mark.parametrize(
    "otherwise",
    [{"packs": 3}, {"shops": 3}, {"attending": 3}, {"shared": True}],
    ids=["three packs each", "three shops", "by turns", "what all get"],
)
def test_more_than_they_take_or_cards_by_turns_are_no_errand(tmp_path: Path, otherwise: dict[str, int]) -> None:
    assert outcome(fetched(tmp_path, **otherwise)) == "does_not_explain"  # type: ignore[arg-type]


def test_large_packs_fetched_for_neighbours_are_an_errand(tmp_path: Path) -> None:
    finding = fetched(tmp_path, packs=3, estate=True)
    assert "oversupply" in {reason.code for reason in finding.reasons}
    assert outcome(finding) == "explains"
    assert finding.level == "explained"


@pytest.mark.near_miss
def test_what_all_neighbours_get_is_fetched_for_somebody_else(tmp_path: Path) -> None:
    assert outcome(fetched(tmp_path, packs=3, estate=True, shared=True)) == "does_not_explain"
