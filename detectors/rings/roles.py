"""Who of a ring is who: the owners of the lent cards, and one who probably holds them."""

from __future__ import annotations

from scipy import stats

from ringtrace.detectors.rings.facts import RingFacts
from ringtrace.findings import Label, Member

ALWAYS = 0.9
"""Attendance from which a member counts as always there: a closed counter costs a run or two."""
CHANCE = 0.05
"""Greatest chance that any one of the group, being like the others, would be there that often."""


def members_of(facts: RingFacts) -> tuple[Member, ...]:
    """Every owner as `card_holder`, the one always present as `holder`, the places as `witness`.

    The weight is the share of the joint runs that the card took part in, so that a card lent now and then says so.
    """
    probable = probable_holder(facts)
    people = tuple(
        Member("Patient", person, "holder" if person == probable else "card_holder", round(facts.share[person], 3))
        for person in facts.persons
    )
    label: Label = "Hospital" if (facts.whereabouts.hospital or 0.0) > 0.5 else "Pharmacy"
    places = tuple(Member(label, place, "witness", 1.0) for place in facts.places)
    return people + places


def probable_holder(facts: RingFacts) -> str | None:
    """The member whose card is at (nearly) every run, more often than one like the others would be; None if none is.

    P(X ≥ runs attended), X ~ Binomial(runs, mean share of the others), times the size of the group.
    """
    ranked = sorted(facts.share.items(), key=lambda each: (-each[1], each[0]))
    (first, most), (_, next_most) = ranked[0], ranked[1]
    usual = sum(share for _, share in ranked[1:]) / (len(ranked) - 1)
    chance = float(stats.binom.sf(round(most * facts.runs) - 1, facts.runs, usual)) * facts.size
    return first if most >= ALWAYS and most > next_most and chance <= CHANCE else None
