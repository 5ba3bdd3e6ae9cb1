"""A small city of pharmacies whose goods are physical: packs with codes are bought, stand on shelves, and are sold.

Phantom sales take nothing from a shelf and resold packs come from elsewhere, so that a missing code, an uncovered sale
or a repeated code follows from what happened.
"""

from __future__ import annotations

from collections import defaultdict
from datetime import datetime, timedelta

import numpy as np

from factories.city import City

START = datetime(2025, 1, 1)
DRUGS = {f"D{number}": 12.0 + 9.5 * number for number in range(1, 9)}


class StockedCity:
    """Twelve pharmacies `S0`… of `buyers` people each, mostly at their own; one hospital `H1`."""

    def __init__(
        self, seed: int, *, shops: int = 12, buyers: int = 60, visits: float = 10.0, scan: float = 0.97
    ) -> None:
        self.rng = np.random.default_rng(seed)
        self.city = City()
        self.scan = scan
        self.ledger_rate: dict[str, float] = defaultdict(lambda: 0.99)
        self.scan_rate: dict[str, float] = defaultdict(lambda: scan)
        self.shops = [f"S{number}" for number in range(shops)]
        self.people = {shop: [f"{shop}p{number:03d}" for number in range(buyers)] for shop in self.shops}
        self.serial = 0
        self.sales: list[tuple[datetime, str, str, str, str | None, str, str]] = []
        self.city.shop("H1", hospital=True, lon=113.0, lat=23.0)
        for number, shop in enumerate(self.shops):
            self.city.shop(shop, lon=113.0 + 0.02 * number, lat=23.0, open_hour=8, close_hour=21)
            for person in self.people[shop]:
                self.city.person(person, hh_no=f"h{person}")
        for drug in DRUGS:
            self.city.drug(drug, atc_code=f"A0{drug[1]}BA0{drug[1]}", pack_ddd=28)
        for shop in self.shops:
            for person in self.people[shop]:
                for _ in range(int(self.rng.poisson(visits))):
                    place = shop if self.rng.random() < 0.85 else str(self.rng.choice(self.shops))
                    self.sell(person, place, self.moment())

    def moment(self, first: float = 8.2, last: float = 20.8, day: int | None = None) -> datetime:
        on = int(self.rng.integers(365)) if day is None else day
        return START + timedelta(days=on, seconds=int(self.rng.uniform(first, last) * 3600))

    def sell(
        self,
        person: str,
        shop: str,
        time: datetime,
        drug: str | None = None,
        *,
        code: str | None = None,
        origin: str = "shelf",
        cert: str | None = None,
    ) -> None:
        """A sale from the shelf, a `phantom` (nothing handed over), or a pack from `elsewhere` with its code."""
        chosen = drug or str(self.rng.choice(list(DRUGS)))
        kind = cert or ("01" if self.rng.random() < 0.4 else "03")
        self.sales.append((time.replace(microsecond=0), person, shop, chosen, code, origin, kind))

    def new_code(self, drug: str) -> str:
        self.serial += 1
        return f"81000{drug[1:]:0>2}{self.serial * 7919 % 10**13:013d}"

    def build(self) -> City:
        """Deliver to every shelf what it will sell, two weeks before, and write settlements, items and ledger."""
        self.sales.sort()
        shelf: dict[tuple[str, str], list[str]] = defaultdict(list)
        wanted: dict[tuple[str, str, int], int] = defaultdict(int)
        for time, _, shop, drug, _, origin, _ in self.sales:
            if origin == "shelf":
                wanted[shop, drug, (time - START).days // 30] += 1
        for shop in self.shops:
            for drug, price in DRUGS.items():
                for month in range(13):
                    packs = [self.new_code(drug) for _ in range(wanted.get((shop, drug, month), 0) + 2 * (month == 0))]
                    if packs:
                        shelf[shop, drug] += packs
                        day = START + timedelta(days=30 * month - 14)
                        self.city.stock(
                            shop, drug, "purchase", day, len(packs), pric=price, drug_trac_codg="|".join(packs)
                        )
        for time, person, shop, drug, code, origin, cert in self.sales:
            used = code
            if origin == "shelf" and shelf[shop, drug]:
                used = shelf[shop, drug].pop(0)
            scanned = used is not None and self.rng.random() < self.scan_rate[shop]
            item = {"med_list_codg": drug, "fee": DRUGS[drug], "drug_trac_codg": used if scanned else None}
            pays = {"acct_pay": DRUGS[drug], "fund_pay_sumamt": 0, "cash_payamt": 0}
            self.city.visit(
                person, shop, time, items=[item], mdtrt_cert_type=cert, med_type="11" if shop == "H1" else "41", **pays
            )
            if origin == "shelf" and shop != "H1" and self.rng.random() < self.ledger_rate[shop]:
                self.city.stock(shop, drug, "sale", time, 1)
        return self.city
