"""The named kinds of city: how large the places are, and what a delivery leaves out."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Profile:
    """Shape of a city and of its delivery.

    `persons_per_pharmacy` sets footfall, `rural` the share of villagers; `absent` names tables that are not delivered.
    """

    name: str
    persons_per_pharmacy: int = 1600
    rural: float = 0.4
    absent: tuple[str, ...] = ()
    trace_codes: bool = True
    clock: bool = True


PROFILES = {
    each.name: each
    for each in (
        Profile("county"),
        Profile("no_codes", trace_codes=False),
        Profile("no_stock", absent=("inventory",)),
        Profile("no_persons", absent=("persons", "cards")),
        Profile("day_times", clock=False),
        Profile("busy", persons_per_pharmacy=4300, rural=0.12),
        Profile("sparse", persons_per_pharmacy=1100, rural=0.82),
    )
}
