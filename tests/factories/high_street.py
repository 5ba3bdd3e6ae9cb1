"""Three shops with customers of their own, to which a group may go, and a shop of its own for each of the group."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import timedelta

from factories.city import START, City

LASTING = [f"STATIN{number}" for number in range(4)]


def high_street(group: int, shelf: Sequence[str]) -> City:
    """Shops `S1`–`S3`, whose customers buy from the `shelf`, sixty of them a lasting drug a month; `E0` and so on."""
    city = City()
    for shop in ("S1", "S2", "S3", *(f"E{number}" for number in range(group))):
        city.shop(shop)
    for number, name in enumerate(city.background(seed=21, visits=10, drugs=shelf)):
        city.person(name, hh_no=f"h-{name}", emp_no=f"e-{name[-2:]}")
        if number < 60:
            for month in range(6):
                moment = START + timedelta(days=28 * month + number % 28, hours=8, minutes=9 * number)
                items = [{"med_list_codg": LASTING[number % len(LASTING)], "fee": 30}]
                city.visit(name, f"S{1 + number % 3}", moment, items=items)
    return city
