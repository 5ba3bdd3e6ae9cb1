"""The mixture of ordinary and feigned visits, and what it says of a shop: oracles and small cases by hand."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from ringtrace.detectors.collusion.digest import Digest
from ringtrace.detectors.collusion.evidence import Evidence
from ringtrace.detectors.collusion.mixture import Copies, Fit, Priors, fit_shop
from ringtrace.detectors.collusion.pharmacy_collusion import Thresholds
from ringtrace.detectors.collusion.shops import FEIGNED, HOURS, SILENCES, Shop, left_out
from ringtrace.detectors.collusion.signals import PERSON_SIGNALS, VISIT_SIGNALS, trials_of
from ringtrace.detectors.collusion.twice import genuine_sales


def known_fit(buyer: np.ndarray, visit: np.ndarray, nats: dict[str, float] | None = None) -> Fit:
    """A fit by which every signal is a hundred times as common on feigned visits."""
    rates, own = np.full(len(VISIT_SIGNALS), 0.002), np.full(len(PERSON_SIGNALS), 0.05)
    each = np.array([(nats or {}).get(name, 0.0) for name in VISIT_SIGNALS])
    return Fit(buyer, visit, rates, 100 * rates, 10 * own, own, 99.0, each, 0 * own, 0.03, 0.6, 500.0)


def test_the_mixture_finds_planted_buyers() -> None:
    """Oracle: visits drawn from the model itself, with known classes; posteriors must sort them."""
    rng = np.random.default_rng(4)
    colluding = np.arange(100) < 8
    rows: list[np.ndarray] = []
    starts: list[int] = []
    for guilty in colluding:
        starts.append(len(rows))
        for _ in range(12):
            feigned = guilty and rng.random() < 0.6
            rows.append(rng.random(3) < ([0.8, 0.7, 0.3] if feigned else [0.1, 0.05, 0.02]))
    three = np.array([0.1, 0.05, 0.02])
    priors = Priors(ordinary=three, feigned=np.array([0.7, 0.6, 0.3]), person_ordinary=np.array([0.05]),
                    person_feigned=np.array([0.3]))  # fmt: skip
    fit = fit_shop(np.array(rows, dtype=float), np.array(starts), np.full((100, 1), np.nan), priors)
    assert (fit.buyer[colluding] > 0.9).all()
    assert (fit.buyer[~colluding] < 0.5).all()
    assert fit.gain > 20


@pytest.mark.parametrize(
    ("circle", "evening", "silent"),
    [
        pytest.param(24, 0, (), marks=pytest.mark.positive),
        pytest.param(24, 300, HOURS, marks=pytest.mark.positive),
        pytest.param(0, 300, None, marks=pytest.mark.near_miss),
    ],
)
def test_honest_evening_customers_do_not_hide_a_circle(
    circle: int, evening: int, silent: tuple[str, ...] | None
) -> None:
    """Some customers come after hours half of the time; a circle's visits lack codes or bear old ones."""
    rng = np.random.default_rng(4)
    owner = np.repeat(np.arange(1000), 8)
    rates = np.full((1000, len(VISIT_SIGNALS)), 0.005)
    rates[:, VISIT_SIGNALS.index("uncoded")] = 0.1
    rates[1000 - evening :, VISIT_SIGNALS.index("off_hours")] = 0.5
    rates[:circle, VISIT_SIGNALS.index("uncoded")] = 0.5
    rates[:circle, VISIT_SIGNALS.index("reused")] = 0.25
    visits = (rng.random((8000, len(VISIT_SIGNALS))) < rates[owner]).astype(float)
    own = np.array([FEIGNED[name] for name in PERSON_SIGNALS])
    priors = Priors(rates[500], np.array([FEIGNED[name] for name in VISIT_SIGNALS]), 0 * own + 0.05, own)
    quiet = [(np.isin(VISIT_SIGNALS, names), np.isin(PERSON_SIGNALS, names)) for names in SILENCES]
    shop = Digest(
        "S", True, visits, np.ones(visits.shape), np.arange(0, 8000, 8), np.full((1000, len(own)), np.nan),
        Copies(np.ones(8000), np.ones(1000)), 8000,
    )  # fmt: skip
    assert left_out(shop, priors, quiet) == silent


def test_unknown_signals_weigh_nothing() -> None:
    visits, persons = (np.array([0.05]), np.array([0.7])), (np.array([0.05]), np.array([0.3]))
    priors = Priors(*visits, *persons)
    fit = fit_shop(np.full((40, 1), np.nan), np.arange(0, 40, 4), np.full((10, 1), np.nan), priors)
    assert np.allclose(fit.buyer, fit.buyer[0])
    assert (fit.buyer < 0.1).all()


def test_without_the_asked_signals_a_posterior_rests_on_the_others() -> None:
    visits = np.array([[1.0, 0.0], [1.0, 1.0]])
    rates = np.array([0.1, 0.1]), np.array([0.9, 0.9])
    nothing = np.zeros(0)
    fit = Fit(nothing, nothing, *rates, nothing, nothing, 0.0, nothing, nothing, 0.5, 0.5, 0.0)
    crowd_only = fit.alone(np.array([[np.nan, 0.0], [np.nan, 1.0]]), np.array([0, 1]), np.zeros((2, 0)))
    both = fit.alone(visits, np.array([0, 1]), np.zeros((2, 0)))
    # Odds of a visit: 1 − π + π·Π θ¹/θ⁰, so 5/9 and 5 without the first signal; 1 and 41 with it.
    assert crowd_only == pytest.approx([5 / 14, 5 / 6])
    assert both == pytest.approx([0.5, 41 / 42])


@pytest.mark.parametrize("seed", range(3))
def test_one_buyer_stands_for_all_who_show_the_same(seed: int) -> None:
    """Oracle: a shop written out in full gives the fit of the shop in short."""
    rng = np.random.default_rng(seed)
    short = [(rng.random((3, 2)) < 0.3).astype(float) for _ in range(6)]
    persons, alike, times = (rng.random((6, 1)) < 0.5).astype(float), rng.integers(1, 9, 6), rng.integers(1, 4, (6, 3))
    full = [
        np.repeat(each, often, axis=0) for each, often, n in zip(short, times, alike, strict=True) for _ in range(n)
    ]
    priors = Priors(np.array([0.1, 0.2]), np.array([0.6, 0.5]), np.array([0.1]), np.array([0.5]))
    starts = np.cumsum([0, *(len(each) for each in full[:-1])])
    whole = fit_shop(np.vstack(full), starts, np.repeat(persons, alike, axis=0), priors)
    copies = Copies(times.ravel().astype(float), alike.astype(float))
    brief = fit_shop(np.vstack(short), np.arange(0, 18, 3), persons, priors, copies=copies)
    assert brief.gain == pytest.approx(whole.gain, abs=1e-6)
    assert brief.nats == pytest.approx(whole.nats, abs=1e-6)
    assert np.repeat(brief.buyer, alike) == pytest.approx(whole.buyer, abs=1e-6)


def test_a_silent_ledger_is_not_held_against_what_the_other_signals_say() -> None:
    """Every feigned visit is booked and in hours, with a code in three of ten: weighed with all signals, the silence of
    ledger and hours drowns it; the way of fitting in which they are not asked finds those who carry it.
    """
    rng = np.random.default_rng(2)
    guilty = np.arange(80) < 8
    visits = np.zeros((80 * 8, len(VISIT_SIGNALS)))
    bare = VISIT_SIGNALS.index("uncoded")
    visits[:, bare] = rng.random(len(visits)) < np.where(
        np.repeat(guilty, 8) & (rng.random(len(visits)) < 0.6), 0.7, 0.02
    )
    persons = np.where(np.isin(PERSON_SIGNALS, "far"), (guilty & (rng.random(80) < 0.7))[:, None], 0.0)
    feigned, own = (np.array([FEIGNED[name] for name in names]) for names in (VISIT_SIGNALS, PERSON_SIGNALS))
    priors = Priors(np.full(len(feigned), 0.02), feigned, np.full(len(own), 0.05), own)
    ways = [(np.isin(VISIT_SIGNALS, quiet), np.isin(PERSON_SIGNALS, quiet)) for quiet in SILENCES]
    starts = np.arange(0, len(visits), 8)
    asked, all_ways = fit_shop(visits, starts, persons, priors), fit_shop(visits, starts, persons, priors, ways)
    assert all_ways.gain > asked.gain + 5
    # What is not asked is no parameter.
    assert (asked.unasked, all_ways.unasked) == (0, sum(int(mask.sum()) for mask in ways[2]))
    used = len(VISIT_SIGNALS) + len(PERSON_SIGNALS)
    assert Evidence.of(all_ways, visits, persons, 640).used == used - all_ways.unasked
    assert (all_ways.buyer[guilty] > 0.9).all()
    assert (all_ways.buyer[~guilty] < 0.5).all()


def test_feigned_visits_that_are_half_of_all_are_not_taken_for_the_shop_s_way() -> None:
    """Forty of 240 buyers bring half of a shop's visits, each by a code used before: begun at the shop's own rate, the
    fit ends where that is ordinary and nobody colludes.
    """
    rng = np.random.default_rng(3)
    guilty = np.arange(240) < 40
    sizes = np.where(guilty, 10, 2)
    owner = np.repeat(np.arange(240), sizes)
    visits = np.zeros((len(owner), len(VISIT_SIGNALS)))
    for name in ("reused", "lent"):
        visits[:, VISIT_SIGNALS.index(name)] = guilty[owner] & (rng.random(len(owner)) < 0.97)
    feigned, own = (np.array([FEIGNED[name] for name in names]) for names in (VISIT_SIGNALS, PERSON_SIGNALS))
    priors = Priors(np.full(len(feigned), 0.005), feigned, np.full(len(own), 0.05), own)
    starts = np.cumsum([0, *sizes[:-1]])
    fit = fit_shop(visits, starts, np.full((240, len(own)), np.nan), priors)
    assert (fit.buyer[guilty] > 0.9).all()
    assert (fit.buyer[~guilty] < 0.5).all()


def test_several_lines_count_for_more_than_one_visit_and_for_less_than_as_many() -> None:
    """Kish's effective size of a cluster, and a signal's log-likelihood ratio so many times."""
    trials = trials_of(np.array([0, 1, 2, 5]))
    bare = VISIT_SIGNALS.index("uncoded")
    assert trials[:, bare] == pytest.approx([1, 1, 2 / 1.25, 5 / 2])
    assert (np.delete(trials, bare, axis=1) == 1).all()
    nothing = np.zeros(0)
    visits = np.full((4, len(VISIT_SIGNALS)), np.nan)
    visits[:, bare] = 0.5
    fit = known_fit(nothing, nothing)
    assert fit.speaks(visits, trials) == pytest.approx(trials[:, bare] * fit.speaks(visits))


def test_of_two_sales_of_a_pack_the_one_with_more_beside_it_is_taken_for_the_feigned_one() -> None:
    """Buyer 0 repeats one pack of buyer 1, whose visits are all odd; buyer 2's are odd too and keep the mark."""
    visits = np.zeros((24, len(VISIT_SIGNALS)))
    reused, lent = VISIT_SIGNALS.index("reused"), VISIT_SIGNALS.index("lent")
    visits[3, reused] = visits[20, reused] = visits[8, lent] = visits[9, lent] = 1
    visits[8:, VISIT_SIGNALS.index("uncoded")] = 1
    fit = known_fit(np.array([0.6, 0.99, 0.99]), np.repeat([0.1, 0.9, 0.9], 8))
    owner, rows = np.repeat([0, 1, 2], 8), np.arange(100, 124)
    shop = Shop("S", True, rows, ["honest", "colluding", "also"], owner, visits, np.full((3, 3), np.nan), fit)
    assert genuine_sales(shop, [(108, 103), (109, 120)]) == [(reused, 3)]


def test_short_stock_does_not_make_the_buyer_of_a_borrowed_pack_an_accomplice() -> None:
    """Buyer 0 gets the pack in truth, and the same drug, short in stock, as buyer 1 whose visits are feigned."""
    visits = np.zeros((10, len(VISIT_SIGNALS)))
    reused, lent = VISIT_SIGNALS.index("reused"), VISIT_SIGNALS.index("lent")
    visits[0, lent] = visits[5, reused] = 1
    visits[2:, VISIT_SIGNALS.index("uncoded")] = 1
    persons = np.where(np.isin(PERSON_SIGNALS, "short"), 1.0, np.nan) * np.ones((2, 1))
    sure = np.full(len(PERSON_SIGNALS), 0.999)
    fit = replace(
        known_fit(np.array([0.9, 0.99]), np.repeat([0.5, 0.9], [2, 8])), person_feigned=sure, person_ordinary=1 - sure
    )
    owner = np.repeat([0, 1], [2, 8])
    shop = Shop("S", True, np.arange(10), ["honest", "colluding"], owner, visits, persons, fit)
    assert genuine_sales(shop, [(0, 5)]) == [(lent, 0)]
    for_far = np.where(np.isin(PERSON_SIGNALS, "far"), 1.0, np.nan) * np.ones((2, 1))
    assert genuine_sales(replace(shop, persons=for_far), [(0, 5)]) == []


@pytest.mark.parametrize(
    ("lent_too", "cleared"),
    [pytest.param(False, True, marks=pytest.mark.near_miss), pytest.param(True, False, marks=pytest.mark.positive)],
)
def test_however_many_borrowed_packs_a_customer_got_each_was_sold_in_truth_once(
    *, lent_too: bool, cleared: bool
) -> None:
    """Buyer 0's five packs all had been scanned for buyer 1, whose visits stand amid their codes' sales. Were one of
    buyer 0's scanned again later, it could not have gone over the counter.
    """
    visits = np.zeros((10, len(VISIT_SIGNALS)))
    reused, lent = VISIT_SIGNALS.index("reused"), VISIT_SIGNALS.index("lent")
    visits[:, reused] = visits[5:, lent] = 1
    visits[0, lent] = lent_too
    fit = known_fit(np.array([0.99, 0.99]), np.full(10, 0.9))
    shop = Shop(
        "S", True, np.arange(10), ["honest", "colluding"], np.repeat([0, 1], 5), visits, np.full((2, 3), np.nan), fit
    )
    marks = genuine_sales(shop, [(5 + number, number) for number in range(5)])
    assert marks == ([(reused, number) for number in range(5)] if cleared else [])


@pytest.mark.parametrize(
    ("customers", "cleared"),
    [pytest.param(12, True, marks=pytest.mark.near_miss), pytest.param(3, False, marks=pytest.mark.positive)],
)
def test_where_two_people_s_packs_go_to_many_the_many_are_customers(customers: int, *, cleared: bool) -> None:
    """Twelve packs of two people were sold again; nothing else says whose sales were true."""
    visits = np.zeros((24, len(VISIT_SIGNALS)))
    reused, lent = VISIT_SIGNALS.index("reused"), VISIT_SIGNALS.index("lent")
    visits[:12, lent] = visits[12:, reused] = 1
    owner = np.concatenate([np.repeat([0, 1], 6), 2 + np.sort(np.arange(12) % customers)])
    buyers = np.where(np.arange(2 + customers) < 2, 0.3, 0.99)
    fit = known_fit(buyers, buyers[owner])
    people = [f"p{number}" for number in range(2 + customers)]
    shop = Shop("S", True, np.arange(24), people, owner, visits, np.full((len(people), 3), np.nan), fit)
    marks = genuine_sales(shop, [(number, 12 + number) for number in range(12)])
    assert set(marks) == ({(reused, 12 + number) for number in range(12)} if cleared else set())


def test_members_carry_the_evidence_themselves() -> None:
    """A signal that two of the accused show is silent, and one odd visit accuses nobody."""
    visits = np.zeros((20, len(VISIT_SIGNALS)))
    off, bare = VISIT_SIGNALS.index("off_hours"), VISIT_SIGNALS.index("uncoded")
    visits[:16, bare] = visits[16, bare] = visits[0, off] = visits[4, off] = 1
    fit = known_fit(np.full(5, 0.99), np.full(20, 0.9))
    shop = Shop(
        "S", True, np.arange(20), list("abcde"), np.repeat(np.arange(5), 4), visits, np.full((5, 3), np.nan), fit
    )
    assert shop.named.tolist() == [True, True, True, True, False]
    assert shop.carried(shop.named).spoken == {"uncoded"}
    visits[8, off] = 1
    assert shop.carried(shop.named).spoken == {"uncoded", "off_hours"}


@pytest.mark.parametrize(
    ("expected", "net"),
    [pytest.param(60.0, True, marks=pytest.mark.positive), pytest.param(5000.0, False, marks=pytest.mark.near_miss)],
)
def test_what_feigned_visits_may_gain_by_chance_grows_with_their_own_number(expected: float, *, net: bool) -> None:
    """78 nats on 60 visits of a shop of 6,000 are beyond chance, spread over most of them they are not."""
    nothing = np.zeros(0)
    fit = replace(known_fit(nothing, nothing), gain=78.0, expected=expected)
    evidence = Evidence(fit, 16, 6000, True)
    assert (evidence.net >= Thresholds().net_nats) is net


@pytest.mark.parametrize(("uncoded", "joint"), [(60.0, True), (20.0, False)])
def test_missing_and_repeated_codes_are_two_kinds_where_each_is_strong(uncoded: float, *, joint: bool) -> None:
    """A clinic that substitutes codes repeats many and loses few."""
    nothing = np.zeros(0)
    evidence = Evidence(known_fit(nothing, nothing, {"uncoded": uncoded, "reused": 80.0}), 10, 5000, True)
    assert evidence.penalty == pytest.approx(39.6, abs=0.1)
    assert evidence.joint is joint


@pytest.mark.parametrize(
    ("beside", "stock_known", "joint"),
    [
        pytest.param({"short": 20.0}, True, False, marks=pytest.mark.near_miss),
        pytest.param({"short": 20.0, "uncoded": 6.0, "repeated": 90.0}, True, False, marks=pytest.mark.near_miss),
        pytest.param({}, False, False, marks=pytest.mark.near_miss),
        pytest.param({}, True, True, marks=pytest.mark.positive),
        pytest.param({"short": 20.0, "uncoded": 30.0}, True, True, marks=pytest.mark.positive),
        pytest.param({"short": 20.0, "far": 4.0}, True, True, marks=pytest.mark.positive),
        pytest.param({"short": 20.0, "off_hours": 4.0}, True, True, marks=pytest.mark.positive),
    ],
)
def test_goods_sold_under_a_kept_code_accuse_no_customer(
    beside: dict[str, float], *, stock_known: bool, joint: bool
) -> None:
    """The code repeats and its price, its drug was hardly bought, goes with no illness: all the shop's own doing. Where
    stock covers it, old boxes were scanned for sales that were none.
    """
    nothing = np.zeros(0)
    nats = {"reused": 300.0, "lent": 300.0, "no_illness": 20.0} | beside
    own = np.array([nats.get(name, 0.0) for name in PERSON_SIGNALS])
    fit = replace(known_fit(nothing, nothing, nats), person_nats=own)
    assert Evidence(fit, 10, 5000, True, stock_known).joint is joint


@pytest.mark.parametrize(
    ("customers", "named"),
    [
        pytest.param(40, [True, False], marks=pytest.mark.near_miss),
        pytest.param(0, [True, True], marks=pytest.mark.positive),
    ],
    ids=["amid passers-by", "in a closed circle"],
)
def test_amid_passers_by_who_comes_more_often_than_chance_gives_is_named(customers: int, named: list[bool]) -> None:
    """A holder's ten visits all lack a code, a regular's two of ten do; so does each visit of those who come once."""
    owner = np.concatenate([np.repeat([0, 1], 10), 2 + np.arange(customers), np.full(100, 2 + customers)])
    bare = (owner != 1) & (owner != 2 + customers)
    bare[10:12] = True
    visits = np.zeros((len(owner), len(VISIT_SIGNALS)))
    visits[bare, VISIT_SIGNALS.index("uncoded")] = 1
    buyers = np.where(np.arange(3 + customers) < 2 + customers, 0.99, 0.1)
    fit = known_fit(buyers, np.where(bare, 0.9, 0.0))
    people = [f"p{number}" for number in range(3 + customers)]
    shop = Shop("S", True, np.arange(len(owner)), people, owner, visits, np.full((len(people), 3), np.nan), fit)
    assert shop.passed_by == (customers > 0)
    assert shop.beyond_passers_by[:2].tolist() == named
