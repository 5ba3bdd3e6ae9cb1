"""Innocent groups that look like schemes: which, and how many to 30,000 persons."""

from __future__ import annotations

from collections.abc import Callable

from second_city import neighbours as n
from second_city import trade as t
from second_city.city import City
from second_city.honest import one_body

ONCE: tuple[Callable[[City], None], ...] = (
    t.epidemic_rush, t.opening, t.special_pharmacy, t.year_end, n.dormitory,
)  # fmt: skip
PER_30000: tuple[tuple[Callable[[City], None], int], ...] = (
    (n.care_home, 2), (n.dialysis_shift, 2), (n.family_account, 70), (n.village_elders, 5), (n.refill_day, 4),
    (n.factory_lunch, 3), (n.square_dance, 9), (n.school_class, 5), (n.couples_club, 7), (n.twins, 10), (n.minibus, 4),
    (n.kind_neighbour, 9), (n.depot_day, 2), (n.check_up, 2), (n.cadre_phone, 4), (t.delivery_shop, 1),
    (t.summer_kits, 2), (t.winter_paste, 2), (t.member_day, 1), (t.branch_transfers, 3), (t.recall, 4), (t.outage, 4),
)  # fmt: skip


def add_lookalikes(city: City) -> None:
    """Groups first; then what happens to their packs: split, brought back, sold again."""
    for happening in ONCE:
        happening(city)
    for happening, wanted in PER_30000:
        for _ in range(city.share(1, wanted)):
            happening(city)
    one_body(city)
    t.split_at_villages(city)
    t.returns(city)
