"""How likely a group is a ring, given what it does and what would explain it: a logistic model with few, plain signals.

    logit = b + Σ weight · signal

Signals (each 0, and so silent, where the delivery lacks what it needs):

    one_off      how much members fail to come back for drugs that people take for good, −3 to 1.5 (`Baskets.one_off`);
                 below 0 as far as the goods are the owners' own (`Baskets.personal`), needed (`beyond_need`) and not
                 foreign to them (`Baskets.foreign_share`), however often they come back for them in the runs alone
    foreign      ln((v + 0.01) / 0.02), v = yuan a visit for sought drugs that are foreign to the owner, over the
                 places' mean visit (`Baskets.foreign_value`), at most 2; none as far as each has goods of their own
    habit        log10 of runs attended over those that own habits would give, 0–2
    usual        share of members for whom a place of the runs is the usual one anyway, less a usual 0.7
    neighbours   chance that two members have the same usual place elsewhere, less a usual 0.3
    quarter      ln of how many more pairs of members than of the places' visitors live in one quarter, both counted
                 with three pairs at the usual share added; at least −0.5
    need         share of what they got in the runs that they also get outside, as far as that holds, less a usual 0.3
    places       ln of the number of places of the runs, at most four: people who go together go to one
    size         ln of a fifth of the members, at most twenty: few people have a dozen others to go with
    hop          share of runs at two places of one kind within the hour
    needless     1 where the runs follow no need (`RingFacts.beyond_need`), with few members as for `over`, but in full
                 where they go round places or take the same drug from two; it and `over` by a quarter where each has
                 goods of their own (`Likeness.each_own`) and they go round no places
    torn         ln(1 + uses of a card while its owner must have been elsewhere, less those by error)
    one_hand     how far the cards are presented otherwise than their owners present them elsewhere, 0–1, for goods
                 that are not each owner's own (`RingFacts.one_hand`)
    over         share of what members got in the runs that they get faster than a body takes it (`Supply`), beyond
                 a usual 0.2; from seven members on in full, with three not at all

The weights come from L2-penalised logistic regressions on tuning cities of two makers (`bench/quality.py`: seeds 1–8 of
20,000 persons, medium and hard; `bench/second_city`: three counties of 30,000). Each signal but `size` had one sign in
both, and a model fitted to one maker's cities told the other's rings. The weights are between the two fits, and
little was lost or won by moving single ones; the sum was scaled to the least log-loss over both. `size` says nothing in
the first maker's cities, whose innocents gather in dozens too; it has half the weight that the second's gave it.
`torn`, `over`, `needless` and `one_hand` are not fitted, as those cities have too few: their weights are judgements.
Checks that explain a group take `EXPLAINED` off.
"""

from __future__ import annotations

from math import log, log10
from typing import Final

from ringtrace.detectors.rings.facts import RingFacts
from ringtrace.detectors.scoring import level_of, logistic
from ringtrace.findings import Check, Level

INTERCEPT: Final = -3.9
WEIGHTS: Final[dict[str, float]] = {
    "one_off": 3.1,
    "foreign": 0.9,
    "habit": 1.2,
    "usual": -1.3,
    "neighbours": -2.0,
    "quarter": -1.2,
    "need": -1.3,
    "places": 1.3,
    "size": 0.45,
    "hop": 1.0,
    "torn": 1.0,
    "over": 4.0,
    "needless": 1.0,
    "one_hand": 3.0,
}
EXPLAINED: Final = 4.0
USUALLY_OVER: Final = 0.2
"""Share of patients' courses that run fast anyway: large doses, a stock before a journey."""
PARTLY: Final[dict[str, float]] = {
    "household": 1.5,
    "family_account": 1.5,
    "employer": 1.0,
    "care_home": 1.0,
    "dialysis": 1.0,
    "busy_days": 0.5,
    "no_gain": 3.0,
    "fixed_kit": 3.0,
}
"""Taken off where a check explains part of it; the other checks rest on signals that the model has already."""
BINDING: Final = frozenset({"household", "care_home", "dialysis", "treatment", "schoolmates", "own_course"})
EVEN: Final = 0.0
"""Greatest logit of a group that a finding about its shop names already: a ring, or the shop's doing."""
MOST_ONE_OFF: Final = 1.5
"""Deviations of `one_off` that count: one group in fifteen has as many by chance, and a city has a hundred groups."""
OWNERS_DOING: Final = 0.75
"""Part of too fast courses that may be their owners' own doing where each has goods of their own."""
FAINT: Final = 0.15


def signals(facts: RingFacts) -> dict[str, float]:
    """The model's signals for a group, by name."""
    baskets, where = facts.baskets, facts.whereabouts
    # Two or three who get much are patients with large doses, or one carer's old people; ten are a supply.
    oversupply = max((baskets.supply.oversupply or 0.0) - USUALLY_OVER, 0.0) / (1 - USUALLY_OVER)
    crowd = min(max(log(facts.size / 3) / log(7 / 3), 0.0), 1.0)
    # Nor does one carer's errand go round several shops for them, or take the same drug home from two.
    rounds = facts.on_rounds or baskets.supply.drawn_twice
    crowd = 1.0 if facts.beyond_need and rounds else crowd
    # Whoever fetches for the neighbours, all of them and nothing foreign, may take large packs, for ten as for three.
    crowd = 0.0 if facts.one_errand and facts.from_one_quarter and not facts.torn_beyond_error else crowd
    oversupply *= crowd
    # Who gets a course twice comes back for it, too, and so does a buyer with a list: that is no sign of need.
    needless = crowd if facts.beyond_need else 0.0
    # Patients of one illness are alike for that: whose their goods are cannot be asked.
    personal = 1.0 if facts.share_illness else baskets.personal
    if facts.share_illness and baskets.supply.few_goods and (baskets.one_off or 0.0) <= 0:
        # The dose that their illness needs is nobody else's to compare with, and they come back for it.
        oversupply = 0.0
    need = (1 - max(needless, oversupply)) * personal
    # Where each has goods of their own, it may be the owners themselves who draw too much of them, at one counter.
    each_own = baskets.likeness.each_own if baskets.likeness is not None else 0.0
    beyond = 1 - OWNERS_DOING * (0.0 if rounds else each_own)
    found = {
        "habit": log10(min(max(facts.habit_ratio, 1.0), 100.0)),
        "places": log(min(len(facts.places), 4)),
        "size": log(min(facts.size, 20) / 5),
        "torn": log(1 + max(where.torn - facts.torn_by_error, 0.0)),
        "over": beyond * oversupply,
        "needless": beyond * needless,
        "one_hand": facts.one_hand,
    }
    if baskets.foreign_value is not None:
        # What one card alone gets, again and again, is a course that begins there, and not on a collector's list.
        found["foreign"] = log((min(baskets.foreign_value, 2.0) * (1 - each_own) + 0.01) / 0.02)
    if baskets.one_off is not None:
        found["one_off"] = min(max(baskets.one_off, -3.0 * need), MOST_ONE_OFF)
        if found["one_off"] < 0:
            # Coming back speaks for the goods that are come back for, and not for those beside them.
            found["one_off"] *= 1 - baskets.foreign_share
    if where.usual_place is not None:
        found["usual"] = where.usual_place - 0.7
    if where.neighbours is not None:
        found["neighbours"] = where.neighbours - 0.3
    if where.same_quarter is not None and where.usual_quarter is not None:
        pairs = facts.size * (facts.size - 1) / 2
        same = (where.same_quarter * pairs + 3 * where.usual_quarter + 0.05) / (pairs + 3)
        # Living apart is what most people do: it says a little, living together much.
        found["quarter"] = max(log(same / (where.usual_quarter + 0.02)), -0.5)
    if baskets.need_own is not None:
        found["need"] = baskets.need_own * need - 0.3
    if where.hopping is not None:
        found["hop"] = where.hopping
    return found


def explaining(facts: RingFacts, checks: tuple[Check, ...]) -> bool:
    """Whether an innocent explanation holds: a card in two places at once cannot be innocent, and ends every excuse."""
    return not facts.torn_beyond_error and any(check.outcome == "explains" for check in checks)


def ring_score(facts: RingFacts, checks: tuple[Check, ...], without: frozenset[str] = frozenset()) -> float:
    """Probability that the group is a ring, as the module says; signals named in `without` (signal.…) are silent."""
    heard = {name: value for name, value in signals(facts).items() if f"signal.{name}" not in without}
    kit = next((check.outcome for check in checks if check.code == "fixed_kit"), "unknown")
    if kit in ("explains", "partly") and "foreign" in heard:
        # What a shop offers to all is foreign to everybody who takes it; half is heard where one other took it.
        heard["foreign"] = min(heard["foreign"], heard["foreign"] * (0.0 if kit == "explains" else 0.5))
    logit = INTERCEPT + sum(WEIGHTS[name] * value for name, value in heard.items())
    if explaining(facts, checks):
        logit -= EXPLAINED
    if any(check.code == "the_shop" and check.outcome == "partly" for check in checks):
        logit = min(logit, EVEN)
    logit -= sum(PARTLY.get(check.code, 0.0) for check in checks if check.outcome == "partly")
    return logistic(logit)


def ring_level(facts: RingFacts, checks: tuple[Check, ...], score: float) -> Level:
    """Explained where a check explains the group, or where the score is faint and two checks explain parts of it.

    Kinship, care and childhood (`BINDING`) explain whatever was bought, and a course of one's own is what was bought.
    Colleagues, fellow patients or people of one weekday may have a collector among them: there the explanation takes
    `EXPLAINED` off, and holds unless the score still stands.

    A group that a finding about its shop names already is yellow: that finding leads. So is one by whose meetings
    nobody gains, however seldom chance brings such people together.
    Where nothing is known of the members' families and work, a group may be one of them: yellow at most.
    """
    if explaining(facts, checks):
        bound = any(check.code in BINDING and check.outcome == "explains" for check in checks)
        if bound or level_of(score) == "yellow":
            return "explained"
    if score < FAINT and sum(check.outcome == "partly" for check in checks) >= 2:
        return "explained"
    if any(check.code in ("the_shop", "no_gain") and check.outcome == "partly" for check in checks):
        return "yellow"
    unknown = any(check.code == "household" and check.outcome == "unknown" for check in checks)
    return "yellow" if unknown and facts.size < 7 else level_of(score)
