"""How cards are presented: people who come themselves keep to their habits, cards in one hand go that hand's way."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta
from pathlib import Path

import duckdb
import numpy as np
import pytest
from factories.city import START
from factories.high_street import high_street
from factories.scored import scored
from scipy.stats import hypergeom

from ringtrace.detectors import detect
from ringtrace.detectors.rings.baskets import Likeness
from ringtrace.detectors.rings.credentials import Credentials, read_credentials
from ringtrace.detectors.rings.score import signals
from ringtrace.findings import Finding

SHELF = [f"D{number}" for number in range(40)]
PEOPLE = [f"m{number}" for number in range(8)]


def outing(tmp_path: Path, *, phones_in_runs: float, others_by_phone: float = 0.5) -> Finding:
    """Eight strangers' cards go to two shops on twelve days, for what everybody buys; their owners pay by phone
    seven times in ten elsewhere, and with this chance there; of the shops' other customers this part does."""
    city, rng = high_street(len(PEOPLE), SHELF), np.random.default_rng(5)
    for visit in city.rows["settlements"]:
        visit["mdtrt_cert_type"] = "01" if rng.random() < others_by_phone else "03"
    for number, name in enumerate(PEOPLE):
        city.person(name, hh_no=f"h-{name}", emp_no=f"e-{name}")
        for month in range(10):
            moment = START + timedelta(days=15 * month + number, hours=18, minutes=7 * number)
            kind = "01" if rng.random() < 0.7 else "03"
            items = [{"med_list_codg": str(rng.choice(SHELF)), "fee": 30}]
            city.visit(name, f"E{number}", moment, items=items, mdtrt_cert_type=kind)
    for day in sorted(rng.choice(150, 12, replace=False)):
        moment = START + timedelta(days=int(day), hours=int(rng.integers(9, 18)))
        for order, name in enumerate(rng.permutation(PEOPLE)):
            for place, shop in enumerate(("S1", "S2")):
                if rng.random() < 0.85:
                    kind = "01" if rng.random() < phones_in_runs else "03"
                    items = [{"med_list_codg": str(rng.choice(SHELF[:10])), "fee": 30}]
                    when = moment + timedelta(minutes=20 * place + order)
                    city.visit(str(name), shop, when, items=items, mdtrt_cert_type=kind)
    findings = detect(city.workspace(tmp_path), kinds=["borrowed_card_ring"]).findings
    return max(findings, key=lambda each: len({member.id for member in each.members} & set(PEOPLE)))


def no_gain(finding: Finding) -> str:
    return next(check.outcome for check in finding.counter_evidence if check.code == "no_gain")


def test_plastic_cards_of_people_who_pay_by_phone_are_in_one_hand(tmp_path: Path) -> None:
    finding = outing(tmp_path, phones_in_runs=0.05)
    assert {member.id for member in finding.members if member.label == "Patient"} == set(PEOPLE)
    reason = next(reason for reason in finding.reasons if reason.code == "one_hand")
    assert isinstance(reason.value, float)
    assert isinstance(reason.expected, float)
    assert reason.value < 0.15
    assert reason.expected > 0.5
    assert (reason.p_value or 1.0) < 1e-4
    assert no_gain(finding) == "does_not_explain"
    assert finding.level in ("red", "orange")


@pytest.mark.near_miss
def test_people_who_keep_to_their_habit_hold_their_own_cards(tmp_path: Path) -> None:
    finding = outing(tmp_path, phones_in_runs=0.7)
    assert {member.id for member in finding.members if member.label == "Patient"} == set(PEOPLE)
    assert not any(reason.code == "one_hand" for reason in finding.reasons)
    assert no_gain(finding) == "partly"
    assert finding.level == "yellow"


@pytest.mark.near_miss
def test_a_terminal_that_reads_cards_only_says_nothing(tmp_path: Path) -> None:
    finding = outing(tmp_path, phones_in_runs=0.05, others_by_phone=0.0)
    assert not any(reason.code == "one_hand" for reason in finding.reasons)
    assert finding.level == "yellow"


@pytest.mark.parametrize(
    ("share", "deviation", "one_hand"),
    [(0.1, -4.5, 1.0), (0.9, 4.5, 1.0), (0.1, -3.0, 0.5), (0.1, -1.9, 0.0), (0.45, -4.5, 0.0)],
    ids=["cards", "photographed codes", "less sure", "chance", "a small shift"],
)
def test_either_way_of_presenting_counts_beyond_chance(share: float, deviation: float, one_hand: float) -> None:
    assert Credentials(share=share, expected=0.5, deviation=deviation).one_hand == pytest.approx(one_hand)


def test_a_carer_who_brings_each_their_own_is_no_collector(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    told = scored(monkeypatch, PEOPLE)
    outing(tmp_path, phones_in_runs=0.05)
    facts, _ = told[0]
    heard = []
    for times in (2.0, 12.0):
        likeness = Likeness(lines=200, own=0.03 * times, cross=0.03, usual=0.03, personal=1.0)
        heard.append(signals(replace(facts, baskets=replace(facts.baskets, likeness=likeness)))["one_hand"])
    assert heard == [1.0, 0.0]


@pytest.mark.parametrize("seed", range(4))
def test_the_deviation_is_that_of_hypergeometric_draws(seed: int) -> None:
    """Against the same sums from scipy's law, member by member and kind by kind of place."""
    rng = np.random.default_rng(seed)
    uses = [
        (str(member), place, bool(rng.random() < 0.4), "01" if rng.random() < 0.2 + 0.1 * member else "03")
        for member in range(6)
        for place in ("P", "H")
        for _ in range(int(rng.integers(1, 9)))
    ]
    with duckdb.connect() as tables:
        tables.execute("CREATE TABLE settlements (setl_id VARCHAR, fixmedins_code VARCHAR, mdtrt_cert_type VARCHAR)")
        tables.execute("CREATE TABLE institutions AS SELECT 'P' AS fixmedins_code, '2' AS fixmedins_type")
        tables.execute("INSERT INTO institutions VALUES ('H', '1')")
        tables.execute("CREATE TABLE ring_visit (ring INT, psn_no VARCHAR, setl_id VARCHAR, fixmedins_code VARCHAR)")
        tables.execute("CREATE TABLE solo_visit (psn_no VARCHAR, setl_id VARCHAR, fixmedins_code VARCHAR, stay BOOL)")
        tables.execute("CREATE TABLE ring_member AS SELECT 0 AS ring, CAST(range AS VARCHAR) AS psn_no FROM range(6)")
        for number, (member, place, in_run, kind) in enumerate(uses):
            tables.execute("INSERT INTO settlements VALUES (?, ?, ?)", [str(number), place, kind])
            if in_run:
                tables.execute("INSERT INTO ring_visit VALUES (0, ?, ?, ?)", [member, str(number), place])
            else:
                tables.execute("INSERT INTO solo_visit VALUES (?, ?, ?, false)", [member, str(number), place])
        found = read_credentials(tables)[0]
    excess = variance = runs = by_phone = 0.0
    for stratum in sorted({(member, place) for member, place, _, _ in uses}):
        own = [(in_run, kind == "01") for member, place, in_run, kind in uses if (member, place) == stratum]
        drawn = sum(in_run for in_run, _ in own)
        if 0 < drawn < len(own):
            counts = np.arange(drawn + 1)
            chances = hypergeom.pmf(counts, len(own), sum(phone for _, phone in own), drawn)
            seen, mean = sum(in_run and phone for in_run, phone in own), float(chances @ counts)
            excess, variance = excess + seen - mean, variance + float(chances @ (counts - mean) ** 2)
            runs, by_phone = runs + drawn, by_phone + seen
    assert found.share == pytest.approx(by_phone / runs), seed
    assert found.deviation == pytest.approx(excess / np.sqrt(variance)), seed
