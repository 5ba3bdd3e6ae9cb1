"""Borrowed-card rings: cards of people unrelated to each other that are used together again and again.

    visits → co-visits (validated pairs, trios) → communities → growth by joint runs → innocent explanations → waves
    and pieces of one ring joined → drafts

The statistics stand where they are computed: `co_visits`, `grouping`, `innocence`; docs/methods.md tells the whole.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from typing import ClassVar, Final

import duckdb

from ringtrace.detectors.detector import Context, Draft, Gap
from ringtrace.detectors.rings.boxes import join_boxes
from ringtrace.detectors.rings.co_visits import co_visiting_pairs, crowded_out
from ringtrace.detectors.rings.draft import draft_of
from ringtrace.detectors.rings.facts import RingFacts, read_facts
from ringtrace.detectors.rings.footfall import Footfall
from ringtrace.detectors.rings.grouping import Group, communities, distinct, grow, join_halves, narrowest
from ringtrace.detectors.rings.habit import without_habitual
from ringtrace.detectors.rings.membership import likely_members
from ringtrace.detectors.rings.splitting import split
from ringtrace.detectors.rings.tables import build_ring_tables
from ringtrace.detectors.rings.thresholds import RingThresholds
from ringtrace.detectors.rings.ties import Ties, read_ties
from ringtrace.detectors.rings.tours import on_the_move
from ringtrace.detectors.rings.visits import build_visits, write_visits
from ringtrace.detectors.rings.waves import join_waves
from ringtrace.findings import Message
from ringtrace.workspace import has_rows

WITHOUT_GOODS: Final = frozenset({"short", "unrecorded", "uncoded", "reused", "lent"})
"""Reasons of `pharmacy_collusion` by which no goods were sold: the ledger lacks them, their codes are others', or they
have none where the shop otherwise scans; what a ring's cards buy is handed over, and scanned like anybody's."""


class BorrowedCardRing:
    """Groups of cards whose joint use neither footfall nor an innocent explanation accounts for."""

    kind: ClassVar[str] = "borrowed_card_ring"
    version: ClassVar[str] = "2"

    def __init__(self, thresholds: RingThresholds | None = None) -> None:
        self.thresholds = thresholds or RingThresholds()

    def detect(self, tables: duckdb.DuckDBPyConnection, context: Context) -> Iterator[Draft]:
        """Drafts of rings, those with an innocent explanation as level "explained"."""
        limits = self.thresholds
        counts, footfall = build_visits(tables, context, self.kind, window=limits.window)
        if not counts.visits:
            context.gaps.append(Gap(self.kind, Message("rings.gap.no_settlements")))
            return
        if left_out := crowded_out(footfall, limits.max_crowd):
            values = {"visits": left_out, "crowd": limits.max_crowd}
            context.gaps.append(Gap(self.kind, Message("rings.gap.crowded", values)))
        groups = _groups(tables, footfall, limits)
        if not groups:
            return
        build_ring_tables(tables, footfall, groups, window=limits.window)
        ties = read_ties(tables)
        if not ties.known:
            context.gaps.append(Gap(self.kind, Message("rings.gap.no_persons", {"groups": len(groups)})))
        if not has_rows(tables, "settlement_items"):
            context.gaps.append(Gap(self.kind, Message("rings.gap.no_items")))
        for column, entries in sorted(ties.placeholders.items()):
            context.gaps.append(Gap(self.kind, Message("rings.gap.placeholder", {"column": column, "people": entries})))
        drafts, told = _drafts(tables, footfall, groups, ties, context), set[int]()
        suspected = [number for number, draft in enumerate(drafts) if draft.accuses]
        joined = _joined(footfall, [groups[number] for number in suspected], limits)
        if joined:
            wholes = [whole for whole, _ in joined]
            build_ring_tables(tables, footfall, wholes, window=limits.window)
            for draft, (_, parts) in zip(_drafts(tables, footfall, wholes, ties, context), joined, strict=True):
                if draft.accuses:
                    drafts[suspected[parts[0]]] = draft
                    told.update(suspected[number] for number in parts[1:])
        yield from (draft for number, draft in enumerate(drafts) if number not in told)


def _drafts(
    tables: duckdb.DuckDBPyConnection, footfall: Footfall, groups: list[Group], ties: Ties, context: Context
) -> list[Draft]:
    """The draft of each group, in order, from the tables of `build_ring_tables`."""
    without = context.without_of(BorrowedCardRing.kind)
    return [
        draft_of(replace(facts, claimed=_claimed(facts, context)), without)
        for facts in read_facts(tables, footfall, groups, ties)
    ]


def _joined(footfall: Footfall, groups: list[Group], limits: RingThresholds) -> list[tuple[Group, tuple[int, ...]]]:
    """Rings that consist of several of these groups, waves or draws from one box, with the numbers of their parts."""
    waves = join_waves(footfall, groups, limits)
    left = sorted(set(range(len(groups))) - {number for _, parts in waves for number in parts})
    boxes = join_boxes(footfall, [groups[number] for number in left], limits)
    return [*waves, *((whole, tuple(left[part] for part in parts)) for whole, parts in boxes)]


def _claimed(facts: RingFacts, context: Context) -> float | None:
    """Share of the group's people whom a suspicion about the place of their runs names; None if there is none.

    Only where that place sold what it did not have: cards that come in runs are what a ring gives a shop, too.
    """
    place, people = facts.main_place, set(facts.persons)
    shares = [
        len(people & draft.suspected_people) / len(people)
        for draft in context.drafts.get("pharmacy_collusion", [])
        if draft.accuses
        and any(member.id == place and member.suspected for member in draft.members)
        and any(reason.code in WITHOUT_GOODS for reason in draft.reasons)
    ]
    return max(shares, default=None)


def _groups(tables: duckdb.DuckDBPyConnection, footfall: Footfall, limits: RingThresholds) -> list[Group]:
    """Groups found within minutes, and those whose sessions take hours; each once."""
    minutes, hours = (_groups_within(tables, footfall, scale) for scale in (limits, limits.unhurried()))
    moved = [on_the_move(footfall, group, limits) for group in narrowest(minutes, hours)]
    return distinct([likely_members(footfall, group) for group in moved])


def _groups_within(tables: duckdb.DuckDBPyConnection, footfall: Footfall, limits: RingThresholds) -> list[Group]:
    seen = footfall.within(limits.window)
    if seen is not footfall:
        write_visits(tables, seen)
    pairs = co_visiting_pairs(tables, seen, limits)
    starts = communities(pairs, resolution=limits.resolution)
    grown = [group for start in starts if (group := grow(seen, start, limits)) is not None]
    whole = join_halves(seen, distinct(grown), limits)
    parts = [part for group in whole for part in split(seen, group, limits)]
    return distinct([without_habitual(seen, part, limits) for part in parts])
