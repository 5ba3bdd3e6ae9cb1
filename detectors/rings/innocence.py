"""Innocent explanations of a group that acts together: each a named check that says what it looked at and found.

A check weighs and does not veto. `explains` means that the explanation would account for such a group by itself,
`partly` that it would account for some of it, `unknown` that the delivery lacks what the check needs: that neither
clears nor burdens anyone. The outcome stands on the finding with the value it rests on.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Final

from ringtrace.detectors.rings.facts import LISTED, ONE_ILLNESS, OWN_GOODS, TOGETHER, RingFacts
from ringtrace.detectors.rings.kits import ALIKE
from ringtrace.detectors.rings.ties import largest_share
from ringtrace.findings import Check, Message, Outcome

FAMILY: Final = 8
"""People that one family may have who shop together: two grandparents' couples, one of parents, two children."""
CLAIMED: Final = 0.7
"""Share of members named in a finding about the shop from which the group is taken to be that finding's."""
HABIT_EXPLAINS: Final = 2.5
HABIT_PARTLY: Final = 20.0
"""Runs attended, over those that own habits would give, up to which habit explains them, wholly or partly."""
SESSIONS: Final = 5.0
"""The same for a course of treatment: of three shifts that take turns at the machines, habit tells one in four."""

BODY_PACE: Final = 1.3
"""Defined daily doses a day that one body takes; a dose may be somewhat larger than the defined one."""
MOST_OVER: Final = 0.25
"""Share of what was got at a pace that no body takes, which large doses and a stock before a journey give."""
ONE_HOUR: Final = 0.8
"""Share of the runs at one hour of the day from which it is the hour that brings them together."""
FROM_AFAR: Final = 0.8
"""Share of the runs' settlements at online pharmacies from which nobody need have been there."""
HELD: Final = 0.5
"""How far the cards must be presented otherwise than by their owners (0–1) for somebody to hold them."""
GAIN: Final = 0.25
"""Standard deviations from which drugs not come back for, or dearer baskets, say that somebody gains."""

InnocenceCheck = Callable[[RingFacts], Check]


def _check(code: str, outcome: Outcome, value: float | int | None = None, expected: float | None = None) -> Check:
    shown = None if value is None else round(value, 2)
    return Check(code, outcome, Message(f"rings.check.{code}.{outcome}", {"value": shown}), shown, expected)


def _graded(code: str, value: float | None, *, explains: float, partly: float) -> Check:
    """A check whose value explains the more the larger it is; None is unknown."""
    if value is None:
        return _check(code, "unknown")
    outcome: Outcome = "explains" if value >= explains else "partly" if value >= partly else "does_not_explain"
    return _check(code, outcome, value)


def household(facts: RingFacts) -> Check:
    """One family buys for its own: same household, phone, address, account, or a family account between them."""
    if not facts.ties.known & set(facts.persons):
        return _check("household", "unknown")
    families, largest = len(facts.families), len(facts.families[0])
    # A daughter who buys for both sides joins two households; a neighbour may come along with a family.
    if families == 1 or (families == 2 and facts.size <= FAMILY) or largest >= facts.size - 1:
        return _check("household", "explains", families)
    return _check("household", "partly" if largest >= 0.5 * facts.size else "does_not_explain", families)


def family_account(facts: RingFacts) -> Check:
    """A relative's account pays for them, as in a family whose young pay for their old, whatever the register says.

    Value: share of the runs' settlements that one paid some of. Whose account it was is not recorded, so that this
    explains a few people only, and where others at these places pay so half as often at most.
    """
    share, usual = facts.whereabouts.relative_pays, facts.whereabouts.usual_relative_pays
    if share is not None and usual is not None and share < 2 * usual:
        share = min(share, usual)
    return _graded("family_account", share, explains=0.75 if facts.size <= FAMILY else float("inf"), partly=0.5)


def employer(facts: RingFacts) -> Check:
    """Colleagues pass the same counter when a shift ends.

    A shift has its hours. Where colleagues' cards meet at none of theirs (`own_hours`), one of them may collect cards;
    or it was the monthly pay-day, if nobody gains by what they bought (`no_gain`).
    """
    if not facts.ties.employer:
        return _check("employer", "unknown")
    share = largest_share([facts.ties.employer.get(person) for person in facts.persons])
    innocent = facts.habit_ratio <= HABIT_PARTLY or no_gain(facts).outcome == "partly"
    return _graded("employer", share, explains=0.75 if innocent else float("inf"), partly=0.5)


def schoolmates(facts: RingFacts) -> Check:
    """A class falls ill together, and nobody borrows the cards of children, whose accounts are empty."""
    return _graded("schoolmates", facts.whereabouts.minors, explains=0.75, partly=0.5)


def care_home(facts: RingFacts) -> Check:
    """A care home's staff fetch medicines for its residents: those that the residents take.

    Where goods of one list go on any resident's card, and no resident ever gets them otherwise (`LISTED`), somebody in
    the home may use the cards; the home explains a part.
    """
    if not facts.ties.care_home:
        return _check("care_home", "unknown")
    share = largest_share([facts.ties.care_home.get(person) for person in facts.persons])
    likeness, foreign = facts.baskets.likeness, facts.baskets.foreign_value or 0.0
    listed = likeness is not None and likeness.personal < 0.5 and foreign >= LISTED
    return _graded("care_home", share, explains=float("inf") if listed else 0.6, partly=0.35)


def dialysis(facts: RingFacts) -> Check:
    """Dialysis patients lie on the same machines' shift, three times a week, for years."""
    share = facts.whereabouts.dialysis
    if share is not None and (facts.whereabouts.hospital or 0.0) < 0.5:
        share = 0.0
    return _graded("dialysis", share, explains=0.6, partly=0.3)


def treatment(facts: RingFacts) -> Check:
    """A course of treatment in sessions (dialysis, infusions, rehabilitation), whatever the diagnosis on record says.

    Value: sessions a week that a member attends at a medical institution, on days of their own week (`own_hours`) and
    for few kinds of goods. Nobody borrows a dozen cards thrice a week for the same infusion.
    """
    hospital, variety = facts.whereabouts.hospital, facts.baskets.supply.variety
    if hospital is None or variety is None:
        return _check("treatment", "unknown")
    fits = hospital >= 0.8 and facts.baskets.supply.few_goods and facts.habit_ratio <= SESSIONS
    return _graded("treatment", facts.sessions_a_week if fits else 0.0, explains=2.0, partly=1.0)


def clinic_day(facts: RingFacts) -> Check:
    """A doctor's weekly or monthly consultation brings the same patients to the same bench.

    Weighed by what they get there: their own medicines, which they get elsewhere and at other times too; but not if
    they get them twice, on days that are nobody's consultation.
    """
    hospital, need = facts.whereabouts.hospital, facts.baskets.need_own
    if hospital is None or need is None:
        return _check("clinic_day", "unknown")
    if facts.supplied_twice:
        return _check("clinic_day", "does_not_explain", 0.0)
    return _graded("clinic_day", need if hospital >= 0.8 else 0.0, explains=0.6, partly=0.4)


def own_hours(facts: RingFacts) -> Check:
    """Each keeps to a weekday and hour of their own, and these coincide (see `habit`); value: runs per run by habit."""
    if not any(facts.by_habit.values()) and facts.runs < 3:
        return _check("own_hours", "unknown")
    ratio = facts.habit_ratio
    outcome: Outcome = (
        "explains" if ratio <= HABIT_EXPLAINS else "partly" if ratio <= HABIT_PARTLY else "does_not_explain"
    )
    return _check("own_hours", outcome, min(ratio, 999.0), 1.0)


def own_needs(facts: RingFacts) -> Check:
    """They buy what they need: each the same again, and unlike the others.

    Value: how many times more alike one person's lines in different runs are than two members' lines.
    """
    likeness = facts.baskets.likeness
    if likeness is None or likeness.lines < 10:
        return _check("own_needs", "unknown")
    ratio = likeness.own / likeness.cross
    # Who gets the same twice gets more than they need.
    return _graded("own_needs", min(ratio, 999.0), explains=float("inf") if facts.supplied_twice else 30.0, partly=6.0)


def same_illness(facts: RingFacts) -> Check:
    """Patients of one rare illness meet where its medicine is sold, and come back for it.

    That is one place, or places that hardly anyone else has it from; cards that go round the town's ordinary shops
    together go there for somebody, and so do those that draw the same drug from two places in one run, or get drugs of
    many kinds by a list that their owners have nowhere else (`RingFacts.by_list`): the diagnosis may go with the list.
    """
    share, one_off = facts.whereabouts.same_illness, facts.baskets.one_off
    if share is None or one_off is None:
        return _check("same_illness", "unknown")
    sold_there = facts.main_place is not None or facts.baskets.supply.special_place
    own = one_off <= 1 and not facts.baskets.supply.drawn_twice and not facts.by_list
    return _graded(
        "same_illness", share if own else 0.0, explains=0.8 if sold_there else float("inf"), partly=ONE_ILLNESS
    )


def own_course(facts: RingFacts) -> Check:
    """Each gets one course of their own, and something of the world brings them together for it.

    Few kinds of goods, at a body's pace; and their place is the one that sells them (a special-drug pharmacy), or the
    runs keep one weekday (a decoction's pick-up day) or one hour of the day at one place, no dearer than others there
    (a rehabilitation class), or the members are of one estate (buying as a group). A ring that takes one dear drug
    takes it from whoever lends a card, faster than they would need it, or with nothing of that.
    Value: the effective number of substances.
    """
    supply = facts.baskets.supply
    if supply.variety is None or supply.pace is None:
        return _check("own_course", "unknown")
    own = supply.few_goods and supply.pace <= BODY_PACE and (supply.oversupply or 0.0) < 0.1 and not supply.drawn_twice
    # A class at one hour is treated alike, at the bills of all who come there.
    taught = facts.at_one_hour >= ONE_HOUR and facts.main_place is not None and facts.baskets.amount_shift < GAIN
    drawn = supply.special_place or facts.keeps_weekday or facts.from_one_quarter or taught
    return _check("own_course", "does_not_explain" if not own else "explains" if drawn else "partly", supply.variety)


def errand(facts: RingFacts) -> Check:
    """One goes for the same few every time, as a carer does for kin in several households; or they go on a clinic day.

    To one place, nearly always all of them, each for goods of their own (own lines `OWN_GOODS` times as alike as two
    members'), at a body's pace; and the goods are nobody else's: from a pharmacy, none of them that owners never get
    otherwise and several of the group get there (`FOREIGN`). Cards in one hand come by turns, or for what that hand
    wants. Where they are neighbours, whoever fetches may take large packs. Value: the share of the runs that a member
    attends.
    """
    supply = facts.baskets.supply
    if facts.baskets.likeness is None or supply.pace is None:
        return _check("errand", "unknown")
    needed = supply.pace <= BODY_PACE and (supply.oversupply or 0.0) <= MOST_OVER
    errand = facts.one_errand and (needed or facts.from_one_quarter) and not facts.torn_beyond_error
    return _graded("errand", facts.attended / facts.runs if errand else 0.0, explains=TOGETHER, partly=float("inf"))


def appointment(facts: RingFacts) -> Check:
    """They come at one hour, to one place, each for goods of their own: after a class, a dance or a coach's arrival.

    An appointment has its hour, and afterwards everybody buys for themselves (own lines `OWN_GOODS` times as alike as
    two members'). Cards in one hand come when that suits the hand, or get what it wants, or get more than a body takes.
    Drugs that they do not come back for speak of how they live, not of who holds the cards. Value: the share of the
    runs that begin within half an hour of one time of day.
    """
    likeness = facts.baskets.likeness
    if likeness is None:
        return _check("appointment", "unknown")
    alone = likeness.own >= OWN_GOODS * likeness.cross and facts.main_place is not None
    held = alone and not facts.supplied_twice and not facts.torn_beyond_error
    return _graded("appointment", facts.at_one_hour if held else 0.0, explains=ONE_HOUR, partly=float("inf"))


def dispatch(facts: RingFacts) -> Check:
    """An online pharmacy settles its orders when it packs them: the minute tells of the parcels and not of people.

    It does not explain who gets more than a body takes (`supplied_twice`, oversupply): parcels can be sold, too.
    Value: the share of the runs' settlements there.
    """
    online = facts.whereabouts.online
    over = facts.supplied_twice or facts.baskets.supply.oversupplied
    return _graded("dispatch", 0.0 if over and online is not None else online, explains=FROM_AFAR, partly=float("inf"))


def fixed_kit(facts: RingFacts) -> Check:
    """All take one and the same basket, and so do others there: the shop's offer, and not a collector's list.

    At one place, and not faster than a body takes it. Value: other people who took the very same basket there. From a
    fifth of the group's number on (and two) they show the offer; fewer may be cards of the group that came once.
    """
    baskets = facts.baskets
    if baskets.likeness is None:
        return _check("fixed_kit", "unknown")
    offered = baskets.kit.same >= ALIKE and facts.main_place is not None and not baskets.supply.oversupplied
    return _graded("fixed_kit", baskets.kit.others if offered else 0, explains=max(2, facts.size / 5), partly=1)


def neighbours(facts: RingFacts) -> Check:
    """Neighbours shop together at the place where each of them goes anyway."""
    return _graded("neighbours", facts.whereabouts.usual_place, explains=float("inf"), partly=0.5)


def same_quarter(facts: RingFacts) -> Check:
    """They live close to each other; value: times as many pairs in one quarter as among the places' visitors."""
    same, usual = facts.whereabouts.same_quarter, facts.whereabouts.usual_quarter
    ratio = None if same is None or not usual else min(same / usual, 999.0)
    return _graded("same_quarter", ratio, explains=float("inf"), partly=2.0)


def ordinary_goods(facts: RingFacts) -> Check:
    """What they buy in company is what anybody buys there, no dearer and not foreign to them.

    Value: money a visit for drugs foreign to the owner and shared with others, over the place's mean visit.
    """
    value = facts.baskets.foreign_value
    if value is None:
        return _check("ordinary_goods", "unknown")
    cheap = value <= 0.2 and facts.baskets.amount_shift <= 0.1
    return _check("ordinary_goods", "partly" if cheap else "does_not_explain", value)


def no_gain(facts: RingFacts) -> Check:
    """Nobody gains by the meetings: a card is borrowed for goods that can be sold, not for a cough syrup.

    No dearer baskets than others' at the place, drugs for good come back for as others do, nobody over-supplied, no
    card in two places, and the cards not in one hand (`RingFacts.one_hand`). This explains a part, and without a gain
    nobody is accused. Value: the larger of the two figures in standard deviations (`one_off`, `amount_shift`).
    """
    baskets = facts.baskets
    if baskets.one_off is None:
        return _check("no_gain", "unknown")
    value = max(baskets.one_off, baskets.amount_shift)
    gained = value >= GAIN or baskets.supply.oversupplied or facts.torn_beyond_error or facts.one_hand >= HELD
    return _check("no_gain", "does_not_explain" if gained else "partly", value)


def the_shop(facts: RingFacts) -> Check:
    """The shop itself presents the cards it holds: then the finding about the shop tells the same people, and more."""
    if facts.claimed is None:
        return _check("the_shop", "does_not_explain", 0.0)
    return _graded("the_shop", facts.claimed, explains=float("inf"), partly=CLAIMED)


def busy_days(facts: RingFacts) -> Check:
    """A market day or a member day fills the shop; value: others' footfall at the runs over the place's usual one.

    Footfall is in the null model already, so that this explains a part at most: the hour that draws all of them.
    """
    return _graded("busy_days", facts.crowding, explains=float("inf"), partly=2.0)


CHECKS: Final[tuple[InnocenceCheck, ...]] = (
    household,
    family_account,
    care_home,
    employer,
    schoolmates,
    dialysis,
    treatment,
    clinic_day,
    same_illness,
    own_hours,
    own_needs,
    own_course,
    errand,
    appointment,
    dispatch,
    fixed_kit,
    neighbours,
    same_quarter,
    ordinary_goods,
    no_gain,
    busy_days,
    the_shop,
)
