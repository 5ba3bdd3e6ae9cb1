"""Whose list is it: a kit is offered to all, own medicines stay with their owners, a collector has his own list."""

from __future__ import annotations

import itertools
from collections import Counter
from collections.abc import Sequence
from datetime import timedelta
from pathlib import Path

import duckdb
import numpy as np
import pytest
from factories.city import START, City
from factories.scored import scored
from scipy.special import logit

from ringtrace.detectors import detect
from ringtrace.detectors.rings.baskets import Baskets, Likeness, _foreign, _gather_foreign
from ringtrace.detectors.rings.facts import keeps_calendar
from ringtrace.detectors.rings.score import WEIGHTS, ring_score, signals
from ringtrace.detectors.rings.supply import Supply
from ringtrace.findings import Finding

PEOPLE = [f"m{number}" for number in range(9)]
KIT = ("TONIC", "VITAMIN")
LASTING = [f"LASTING{number}" for number in range(10)]


def town(doses: float = 3) -> City:
    """A town whose people have homes of their own; many take two lasting medicines."""
    city = City()
    for number, name in enumerate(city.background(seed=21, visits=10)):
        city.person(name, hh_no=f"h-{name}", addr=f"东湖里{number % 40 + 1}村3号")
        if number < 120:
            for month in range(1 + number % 3):
                moment = START + timedelta(days=50 * month + number % 28, hours=8, minutes=4 * number)
                goods = [{"med_list_codg": LASTING[(number + kind) % 10], "fee": 30} for kind in range(2)]
                city.visit(name, f"S{2 + number % 2}", moment, items=goods)
    for number, name in enumerate(PEOPLE):
        city.person(name, hh_no=f"h-{name}", addr=f"西湖里{number + 1}村8号")
        city.shop(f"E{number}")
        for month in range(6):
            moment = START + timedelta(days=28 * month + 3 * number, hours=18)
            city.visit(name, f"E{number}", moment, items=[{"med_list_codg": f"D{month % 5 + 1}", "fee": 30}])
    for shop in ("S1", "S2", "S3"):
        city.shop(shop)
    for number, drug in enumerate(LASTING):
        city.drug(drug, atc_code=f"C0{number}AA01", pack_ddd=doses if number % 3 else 3)
    return city


def found(tmp_path: Path, city: City) -> Finding:
    findings = detect(city.workspace(tmp_path), kinds=["borrowed_card_ring"]).findings
    return max(findings, key=lambda each: len({member.id for member in each.members} & set(PEOPLE)))


def outcome(finding: Finding, code: str) -> str:
    return next(check.outcome for check in finding.counter_evidence if check.code == code)


def kit_days(tmp_path: Path, *, buyers: int, packs: int = 1, shops: int = 1) -> Finding:
    """Seven days on which all of them take one basket at S1 (and, in turn, at other shops); `buyers` others take it."""
    city, rng = town(), np.random.default_rng(8)
    for day in sorted(rng.choice(170, 7, replace=False).tolist()):
        moment = START + timedelta(days=day, hours=10)
        for order, name in enumerate(rng.permutation(PEOPLE)):
            if rng.random() < 0.8:
                goods = [{"med_list_codg": drug, "fee": 150 * packs, "cnt": packs} for drug in KIT]
                shop = f"S{1 + (day + order) % shops}"
                city.visit(str(name), shop, moment + timedelta(minutes=3 * order), items=goods)
    for number in range(buyers):
        moment = START + timedelta(days=11 * number, hours=16)
        city.visit(f"b{number:05d}", "S1", moment, items=[{"med_list_codg": drug, "fee": 150} for drug in KIT])
    return found(tmp_path, city)


def test_a_kit_that_others_buy_too_is_explained(tmp_path: Path) -> None:
    finding = kit_days(tmp_path, buyers=6)
    assert {member.id for member in finding.members if member.label == "Patient"} == set(PEOPLE)
    assert outcome(finding, "fixed_kit") == "explains"
    assert finding.level not in ("red", "orange")


@pytest.mark.near_miss
@pytest.mark.parametrize(("buyers", "packs"), [(0, 1), (6, 4)], ids=["nobody else", "others take less"])
def test_one_basket_that_nobody_else_takes_is_a_collectors_list(tmp_path: Path, buyers: int, packs: int) -> None:
    finding = kit_days(tmp_path, buyers=buyers, packs=packs)
    assert outcome(finding, "fixed_kit") == "does_not_explain"
    assert finding.level in ("red", "orange")


@pytest.mark.near_miss
def test_a_kit_explains_a_part_where_one_other_took_it(tmp_path: Path) -> None:
    assert outcome(kit_days(tmp_path, buyers=1), "fixed_kit") == "partly"


@pytest.mark.near_miss
def test_a_kit_is_one_shops_offer(tmp_path: Path) -> None:
    assert outcome(kit_days(tmp_path, buyers=6, shops=2), "fixed_kit") == "does_not_explain"


def lists(tmp_path: Path, *, own: bool, doses: float = 3, fee: float = 40) -> Finding:
    """Forty days of lasting medicines: the owner's own three, or any two of the ten; packs of most hold `doses`.

    S1 sells them to sixty patients of its own, too.
    """
    city, rng = town(doses), np.random.default_rng(9)
    for patient, month in itertools.product(range(60), range(6)):
        moment = START + timedelta(days=28 * month + patient % 28, hours=8 + patient % 10, minutes=patient)
        goods = [{"med_list_codg": LASTING[(patient + kind) % 10], "fee": fee} for kind in range(3)]
        city.visit(f"z{patient:02d}", "S1", moment, items=goods)
    for day in sorted(rng.choice(170, 40, replace=False).tolist()):
        moment = START + timedelta(days=day, hours=int(rng.integers(9, 18)))
        for order, name in enumerate(rng.permutation(PEOPLE)):
            if rng.random() < 0.7:
                kinds = [(int(name[1:]) + kind) % 10 for kind in range(3)] if own else rng.choice(10, 2, replace=False)
                goods = [{"med_list_codg": LASTING[kind], "fee": fee} for kind in kinds]
                city.visit(str(name), "S1", moment + timedelta(minutes=3 * order), items=goods)
    return found(tmp_path, city)


def test_a_list_of_which_any_card_gets_anything_is_no_need(tmp_path: Path) -> None:
    """Each of the ten is come back for more often than by its takers, on every card."""
    finding = lists(tmp_path, own=False)
    assert {member.id for member in finding.members if member.label == "Patient"} == set(PEOPLE)
    assert finding.level in ("red", "orange")


@pytest.mark.near_miss
def test_own_medicines_come_back_for_are_a_need(tmp_path: Path) -> None:
    finding = lists(tmp_path, own=True)
    assert {member.id for member in finding.members if member.label == "Patient"} == set(PEOPLE)
    assert finding.level not in ("red", "orange")


def test_own_medicines_drawn_dearly_before_the_last_are_used_up_are_no_need(tmp_path: Path) -> None:
    finding = lists(tmp_path, own=True, doses=18, fee=90)
    assert any(reason.code == "drawn_early" for reason in finding.reasons)
    assert finding.level in ("red", "orange")


@pytest.mark.near_miss
@pytest.mark.parametrize(("doses", "fee"), [(3, 90), (18, 8)], ids=["used up", "cheap"])
def test_own_medicines_that_are_used_up_or_cheap_are_a_need(tmp_path: Path, doses: float, fee: float) -> None:
    finding = lists(tmp_path, own=True, doses=doses, fee=fee)
    assert not any(reason.code == "drawn_early" for reason in finding.reasons)
    assert finding.level not in ("red", "orange")


@pytest.mark.near_miss
def test_of_a_few_kinds_of_goods_nobody_can_say_whose_they_are() -> None:
    alike = Likeness(lines=200, own=0.3, cross=0.3, usual=0.1, personal=0.0)
    assert Baskets(likeness=alike, supply=Supply(variety=9.0)).personal == 0
    assert Baskets(likeness=alike, supply=Supply(variety=3.0)).personal == 1
    assert Baskets(supply=Supply(variety=9.0)).personal == 1


@pytest.mark.parametrize("period", [7, 10, 14, 28, 30.44], ids=str)
def test_what_comes_again_after_a_while_keeps_a_calendar(period: float) -> None:
    rng = np.random.default_rng(3)
    days = [int(period * number) for number in range(20) if rng.random() < 0.7]
    assert keeps_calendar(86_400 * day + 36_000 for day in days)


@pytest.mark.near_miss
def test_days_that_suit_somebody_keep_none() -> None:
    rng = np.random.default_rng(3)
    days = np.cumsum(17 + rng.normal(0, 4, size=20)).astype(int).tolist()
    assert not keeps_calendar(86_400 * day + 36_000 for day in days)


def refills(tmp_path: Path, *, listed: bool) -> Finding:
    """Each draws a lasting medicine of their own on common days, as at home; `listed`: and dear goods of all."""
    city, rng = town(), np.random.default_rng(8)
    for visitor in range(600):
        moment = START + timedelta(days=int(rng.integers(170)), hours=int(rng.integers(8, 19)), minutes=visitor % 60)
        city.visit(f"y{visitor % 200}", "S1", moment, items=[{"med_list_codg": f"V{visitor % 30}", "fee": 60}])
    for day in sorted(rng.choice(170, 12, replace=False).tolist()):
        moment = START + timedelta(days=day, hours=int(rng.integers(9, 18)))
        for order, name in enumerate(rng.permutation(PEOPLE)):
            own = [{"med_list_codg": LASTING[int(str(name)[1:])], "fee": 30}]
            goods = [{"med_list_codg": f"DEAR{kind}", "fee": 55} for kind in rng.permutation(3)[:2]] if listed else []
            if rng.random() < 0.85:
                city.visit(str(name), "S1", moment + timedelta(minutes=order), items=own + goods)
            home = START + timedelta(days=day + int(rng.integers(5)), hours=19, minutes=order)
            city.visit(str(name), f"E{str(name)[1:]}", home, items=own)
    return found(tmp_path, city)


def test_own_medicines_speak_for_themselves_and_not_for_what_lies_beside_them(tmp_path: Path) -> None:
    finding = refills(tmp_path, listed=True)
    assert "foreign_goods" in {reason.code for reason in finding.reasons}
    assert finding.level in ("red", "orange")


@pytest.mark.near_miss
def test_own_medicines_alone_clear_their_owners(tmp_path: Path) -> None:
    assert refills(tmp_path, listed=False).level not in ("red", "orange")


def drawn_together(tmp_path: Path, *, at_home: bool) -> Finding:
    """Each card gets one or both of its own two of four dear lasting medicines, 14 times; `at_home`: there too."""
    city, rng = town(), np.random.default_rng(8)
    for visitor in range(600):
        moment = START + timedelta(days=int(rng.integers(170)), hours=int(rng.integers(8, 19)), minutes=visitor % 60)
        city.visit(f"y{visitor % 200}", "S1", moment, items=[{"med_list_codg": f"V{visitor % 30}", "fee": 60}])
    for day in sorted(rng.choice(170, 14, replace=False).tolist()):
        moment = START + timedelta(days=day, hours=int(rng.integers(9, 18)))
        for order, name in enumerate(rng.permutation(PEOPLE)):
            own = [LASTING[(int(str(name)[1:]) + kind) % 4] for kind in range(2)]
            goods = [{"med_list_codg": drug, "fee": 90} for drug in own[: int(rng.integers(1, 3))]]
            if rng.random() < 0.85:
                city.visit(str(name), "S1", moment + timedelta(minutes=order), items=goods)
            if at_home and day % 3 == 0:
                home = START + timedelta(days=day + 3, hours=19, minutes=7 * order)
                items = [{"med_list_codg": drug, "fee": 90} for drug in own]
                city.visit(str(name), f"E{str(name)[1:]}", home, items=items)
    return found(tmp_path, city)


def test_what_is_come_back_for_in_the_runs_alone_is_not_the_owners_need(tmp_path: Path) -> None:
    finding = drawn_together(tmp_path, at_home=False)
    assert {member.id for member in finding.members if member.label == "Patient"} == set(PEOPLE)
    assert finding.level in ("red", "orange")


@pytest.mark.near_miss
def test_what_is_got_at_home_too_is_the_owners_need(tmp_path: Path) -> None:
    assert drawn_together(tmp_path, at_home=True).level not in ("red", "orange")


def foreign_share(lines: Sequence[tuple[str, ...]], *, sold: dict[str, int], home: bool = False) -> float:
    """`Baskets.foreign_share` of a group's (person, drug) lines at a shop that sold `sold` lines to others."""
    with duckdb.connect() as tables:
        tables.execute(
            "CREATE TABLE ring_item(ring INT, psn_no TEXT, drug TEXT, fee INT, fixmedins_code TEXT, sampled BOOL)"
        )
        tables.executemany("INSERT INTO ring_item VALUES (0, ?, ?, 10, 'S1', true)", [list(line) for line in lines])
        tables.execute("CREATE TABLE ring_visit AS SELECT ring, fixmedins_code FROM ring_item")
        tables.execute("CREATE TABLE settlements AS SELECT 'S1' AS fixmedins_code, 10 AS medfee_sumamt")
        tables.execute("CREATE TABLE place_drug(fixmedins_code TEXT, drug TEXT, n INT)")
        everything = Counter(drug for _, drug in lines) + Counter(sold)
        tables.executemany("INSERT INTO place_drug VALUES ('S1', ?, ?)", [list(each) for each in everything.items()])
        tables.execute("CREATE TABLE solo_item AS SELECT DISTINCT psn_no, drug FROM ring_item WHERE ?", [home])
        _gather_foreign(tables)
        return _foreign(tables)[0][1]


@pytest.mark.parametrize(("home", "share"), [(False, 1.0), (True, 0.0)], ids=["runs alone", "at home too"])
def test_goods_of_the_runs_alone_are_foreign_however_often_they_come_back(home: bool, share: float) -> None:
    lines = [each for each in itertools.product("abc", repeat=2) for _ in range(6 if each[0] == each[1] else 1)]
    assert foreign_share(lines, sold={"other": 100_000}, home=home) == pytest.approx(share, abs=0.001)


@pytest.mark.parametrize(("sold", "share"), [(("c", "d"), 0.67), (("a", "b"), 0.0)], ids=["to nobody else", "to all"])
def test_a_ring_does_not_hide_behind_its_own_lines_at_a_small_shop(sold: tuple[str, str], share: float) -> None:
    """Ninety lines of two drugs on three cards, where others buy 160 lines of two other drugs, or of these."""
    lines = list(itertools.product("xyz", "ab")) * 15
    assert foreign_share(lines, sold=dict.fromkeys(sold, 80)) == pytest.approx(share, abs=0.01)


@pytest.mark.near_miss
def test_where_hardly_anybody_else_buys_nothing_is_told_of_what_is_usual() -> None:
    assert foreign_share(list(itertools.product("xyz", "ab")) * 15, sold={"c": 3}) == 0


def test_half_of_a_kits_goods_are_heard_as_foreign_where_one_other_took_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    told = scored(monkeypatch, PEOPLE)
    kit_days(tmp_path / "nobody", buyers=0)
    kit_days(tmp_path / "one", buyers=1)
    deaf = frozenset({"signal.foreign"})
    heard = [
        (logit(ring_score(facts, checks)) - logit(ring_score(facts, checks, deaf))) / signals(facts)["foreign"]
        for facts, checks in told
    ]
    assert heard == pytest.approx([WEIGHTS["foreign"], WEIGHTS["foreign"] / 2])
