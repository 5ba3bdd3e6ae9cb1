"""What shops sell and wards charge: the drug list of the city, read from medicines.csv, and a few services."""

from __future__ import annotations

import csv
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from second_city.arrays import Floats, Ints

CHRONIC = (
    "HT",
    "DM",
    "LIP",
    "CHD",
    "CVA",
    "COPD",
    "HBV",
    "EPI",
    "PSY",
    "RA",
    "TUM",
    "CKD",
    "GOUT",
    "BPH",
    "OST",
    "THY",
)
ACUTE = ("COLD", "COUGH", "GI", "PAIN", "SKIN", "ABX", "GYN", "KIDS", "EYE", "TONIC")
ICD = {
    "HT": "I10.x00", "DM": "E11.900", "LIP": "E78.500", "CHD": "I25.100", "CVA": "I69.300", "COPD": "J44.900",
    "HBV": "B18.100", "EPI": "G40.900", "PSY": "F20.900", "RA": "M06.900", "TUM": "C34.900", "CKD": "N18.500",
    "GOUT": "M10.900", "BPH": "N40.x00", "OST": "M81.000", "THY": "E03.900", "COLD": "J06.900", "COUGH": "J20.900",
    "GI": "K29.500", "PAIN": "M54.500", "SKIN": "L30.900", "ABX": "J03.900", "GYN": "N76.000", "KIDS": "J06.900",
    "EYE": "H04.100", "TONIC": "R53.x00",
}  # fmt: skip
ILLNESSES = tuple(ICD)
# Services have no stock; (code, name, price in cents).
SERVICES = (
    ("001101000010000", "普通门诊诊查费", 900),
    ("002503010010000", "血常规", 2000),
    ("002503040010000", "生化全套", 12800),
    ("002103000010000", "CT平扫", 21000),
    ("002202030010000", "彩色多普勒超声", 9500),
    ("001109000010000", "床位费", 4500),
    ("001201000030000", "护理费", 2600),
    ("003110000010000", "血液透析", 41000),
    ("003301000150000", "手术治疗费", 186000),
    ("004500000010000", "针刺治疗", 4800),
)
VISIT_FEE, BLOOD, CHEMISTRY, SCAN, ULTRASOUND, BED, NURSING, DIALYSIS, SURGERY, NEEDLES = range(len(SERVICES))
# What collectors ask for: dear, small, kept at room temperature, sold everywhere.
RESALEABLE = frozenset(
    [
        "C09DX04",
        "A10BK01",
        "C10AA05",
        "C10AA07",
        "B01AC04",
        "C01BX90",
        "C01DX90",
        "C01DX91",
        "C01DX92",
        "N06BX91",
        "N06DX02",
        "R03AK07",
        "R03BB04",
        "J05AF13",
        "V03AE02",
        "A11CC04",
        "L04AA29",
        "M05BA04",
        "A10BJ06",
        "R05XX90",
        "M02AX90",
        "B03AX90",
        "V06DD90",
        "N03AX14",
        "L02BG04",
    ]
)


@dataclass(frozen=True, slots=True)
class Medicines:
    """Parallel columns, one row a drug; services follow the drugs and have `stocked` False."""

    name: list[str]
    code: list[str]
    atc: list[str]
    spec: list[str]
    pack_ddd: Floats
    price: Ints
    prescription: Ints
    sex: list[str]
    use: list[str]
    weight: Floats
    stocked: Ints
    trace_prefix: list[str]
    by_use: dict[str, Ints]
    resaleable: Ints

    def service(self, number: int) -> int:
        """Index of a service among the drugs."""
        return len(self.name) - len(SERVICES) + number


def read_medicines() -> Medicines:
    """The list of medicines.csv with the services after it."""
    with (Path(__file__).parent / "medicines.csv").open(encoding="utf-8", newline="") as stream:
        rows = list(csv.DictReader(stream))
    use = [row["use"] for row in rows]
    extra = len(SERVICES)
    return Medicines(
        name=[row["name"] for row in rows] + [name for _, name, _ in SERVICES],
        code=[f"X{row['atc']}{(number * 7919 + 13) % 999983:06d}B{number % 9 + 1}" for number, row in enumerate(rows)]
        + [code for code, _, _ in SERVICES],
        atc=[row["atc"] for row in rows] + [""] * extra,
        spec=[row["spec"] for row in rows] + [""] * extra,
        pack_ddd=np.array([float(row["pack_ddd"]) for row in rows] + [1.0] * extra),
        price=np.array([round(float(row["price"]) * 100) for row in rows] + [price for _, _, price in SERVICES]),
        prescription=np.array([int(row["rx"]) for row in rows] + [0] * extra),
        sex=[row["sex"] for row in rows] + [""] * extra,
        use=use + ["SERVICE"] * extra,
        weight=np.array([float(row["weight"]) for row in rows] + [0.0] * extra),
        stocked=np.array([1] * len(rows) + [0] * extra),
        trace_prefix=[f"8{(number * 104729 + 31337) % 1000000:06d}" for number in range(len(rows) + extra)],
        by_use={each: np.flatnonzero(np.array(use) == each) for each in ILLNESSES},
        resaleable=np.array([number for number, row in enumerate(rows) if row["atc"] in RESALEABLE]),
    )
