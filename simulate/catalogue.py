"""The drugs, services and illnesses of the simulated city, read from `catalogue.yaml`."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache
from importlib import resources
from typing import Any

import numpy as np
import yaml

from ringtrace.simulate.sampling import Bools, Floats, Ints


@dataclass(frozen=True, slots=True)
class Chronic:
    """A long-lasting illness: its prevalence by age, and the products that its patients take for years."""

    icd: str
    prevalence: tuple[float, float, float, float]
    sex: int
    hospital_share: float
    first: tuple[int, ...]
    second: tuple[int, ...]


@dataclass(frozen=True, slots=True)
class Acute:
    """A passing illness: episodes a person and year, how much more frequent in January than in July, its drugs."""

    icd: str
    rate: float
    winter: float
    sex: int
    drugs: tuple[int, ...]


@dataclass(frozen=True, slots=True)
class Catalogue:
    """Products by index: parallel arrays, one entry a product (a generic by one maker, or a service).

    `generics[g]` lists the products of one generic; illnesses name generics, persons take products.
    `price` is in fen (1/100 yuan); `stocked` is false for services, which have neither stock nor trace code.
    """

    code: tuple[str, ...]
    name: tuple[str, ...]
    atc: tuple[str, ...]
    spec: tuple[str, ...]
    pack_ddd: Floats
    price: Ints
    rx: Bools
    sex: Ints
    key_monitored: Bools
    stocked: Bools
    generics: tuple[tuple[int, ...], ...]
    chronic: tuple[Chronic, ...]
    acute: tuple[Acute, ...]
    icd: tuple[str, ...]

    def product(self, name: str) -> int:
        """Index of the first product with this generic name."""
        return self.name.index(name)

    def generic(self, name: str) -> int:
        """Index of the generic with this name."""
        product = self.product(name)
        return next(number for number, products in enumerate(self.generics) if product in products)

    def disease(self, icd: str) -> int:
        return self.icd.index(icd)


EXTRA_DISEASES = ("Z49", "I63", "J18", "K80", "S72", "C16")


@cache
def catalogue() -> Catalogue:
    """The catalogue; the same in every city."""
    raw: dict[str, Any] = yaml.safe_load(resources.files(__package__).joinpath("catalogue.yaml").read_text("utf-8"))
    columns: dict[str, list[Any]] = {
        key: [] for key in ("code", "name", "atc", "spec", "ddd", "price", "rx", "sex", "key", "stocked")
    }
    generics: list[tuple[int, ...]] = []
    by_name: dict[str, int] = {}
    for number, (name, (atc, spec, ddd, price, rx, sex, key, makers)) in enumerate(raw["drugs"].items()):
        products = []
        for maker in range(makers):
            products.append(len(columns["code"]))
            # Each maker has a price of its own around the usual one, in whole ten fen.
            own = round(price * (1, 0.82, 1.19)[maker], 1)
            code = f"X{atc:0<7}{number:03d}{maker + 1:04d}{len(columns['code']):06d}"
            for column, value in zip(columns, (code, name, atc, spec, ddd, own, rx, sex, key, True), strict=True):
                columns[column].append(value)
        by_name[name] = len(generics)
        generics.append(tuple(products))
    for number, (name, price) in enumerate(raw["services"].items()):
        code = f"00110{number:04d}0000-{number:08d}"
        for column, value in zip(columns, (code, name, "", "次", 0.0, price, 0, 0, 0, False), strict=True):
            columns[column].append(value)
    chronic = tuple(
        Chronic(
            icd,
            (row[0], row[1], row[2], row[3]),
            row[4],
            row[5],
            tuple(by_name[name] for name in row[6]),
            tuple(by_name[name] for name in row[7]),
        )
        for icd, row in raw["chronic"].items()
    )
    acute = tuple(
        Acute(icd, row[0], row[1], row[2], tuple(by_name[name] for name in row[3])) for icd, row in raw["acute"].items()
    )
    return Catalogue(
        code=tuple(columns["code"]),
        name=tuple(columns["name"]),
        atc=tuple(columns["atc"]),
        spec=tuple(columns["spec"]),
        pack_ddd=np.array(columns["ddd"], dtype=np.float64),
        price=np.round(np.array(columns["price"], dtype=np.float64) * 100).astype(np.int64),
        rx=np.array(columns["rx"], dtype=bool),
        sex=np.array(columns["sex"], dtype=np.int64),
        key_monitored=np.array(columns["key"], dtype=bool),
        stocked=np.array(columns["stocked"], dtype=bool),
        generics=tuple(generics),
        chronic=chronic,
        acute=acute,
        icd=tuple([each.icd for each in chronic] + [each.icd for each in acute] + list(EXTRA_DISEASES)),
    )
