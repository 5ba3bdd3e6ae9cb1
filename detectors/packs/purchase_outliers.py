"""Buyers whose purchases stand out from buyers of their kind: all that a ledger without claims can show."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime
from math import log
from typing import Final

import duckdb
import numpy as np

from ringtrace.data_schema import tables as declared_tables
from ringtrace.detectors.detector import Draft
from ringtrace.detectors.peers import FEWEST_PEERS
from ringtrace.detectors.scoring import LEAD_SCORE, logistic
from ringtrace.findings import Check, EvidenceRef, Member, Message, Reason, Value

FENCE: Final = 3.0
"""Tukey's outer fence (Exploratory Data Analysis, 1977): beyond Q3 + 3·(Q3 − Q1) a value is "far out"."""

TIMES_TYPICAL: Final = 5.0
"""A buyer stands out only from this many times the median of its kind."""

MOST_ROWS: Final = 5000


@dataclass(frozen=True, slots=True)
class Buyer:
    """A place's purchases of one substance; `rate` a year over its own active time, in doses or packs."""

    place: str
    kind: str
    substance: str
    rate: float
    first: datetime
    last: datetime
    in_doses: bool
    drugs: list[str]


def purchase_outliers(tables: duckdb.DuckDBPyConnection) -> Iterable[Draft]:
    """A yellow draft for each place and drug substance whose purchases stand out from places of the same kind.

    Purchases net of returns to the supplier, in defined daily doses where `pack_ddd` is known and packs otherwise, a
    substance being the ATC code, else the generic name, else the drug code. Half a year is the least active time: a
    buyer with one order is no buyer of a thousand packs a year. Sizes are heavy-tailed, so that a z-score calls nobody
    unusual; the outer fence of the kind's own quartiles does. The time course by year stands in the reasons: a buyer
    that grew against its peers differs from one that always was large.
    """
    tables.execute("""
        CREATE OR REPLACE TEMP TABLE purchased AS
        SELECT i.fixmedins_code AS place, coalesce(n.fixmedins_type, '') AS type,
               coalesce(nullif(d.atc_code, ''), nullif(d.drug_genname, ''), i.med_list_codg) AS substance,
               i.med_list_codg AS drug, i.chg_time AS t, year(i.chg_time) AS year,
               CAST(i.cnt AS DOUBLE) * coalesce(d.pack_ddd, 1) * if(i.chg_type = 'purchase', 1, -1) AS doses,
               d.pack_ddd IS NOT NULL AS in_doses
        FROM inventory i LEFT JOIN institutions n ON n.fixmedins_code = i.fixmedins_code
        LEFT JOIN drugs d ON d.med_list_codg = i.med_list_codg
        WHERE i.chg_type IN ('purchase', 'purchase_return')
    """)
    rows = tables.execute("""
        SELECT type, substance, place, sum(doses) AS doses, min(t), max(t), bool_and(in_doses),
               list(DISTINCT drug ORDER BY drug)
        FROM purchased GROUP BY ALL HAVING sum(doses) > 0 ORDER BY ALL
    """).fetchall()
    peers: dict[tuple[str, str], list[Buyer]] = defaultdict(list)
    for kind, substance, place, doses, first, last, in_doses, drugs in rows:
        rate = doses / max(0.5, (last - first).days / 365.25)
        peers[kind, substance].append(Buyer(place, kind, substance, rate, first, last, in_doses, drugs))
    for _, buyers in sorted(peers.items()):
        if len(buyers) < FEWEST_PEERS:
            continue
        low, typical, high = np.quantile([buyer.rate for buyer in buyers], [0.25, 0.5, 0.75])
        fence = high + FENCE * (high - low)
        for buyer in buyers:
            if buyer.rate > max(fence, TIMES_TYPICAL * typical):
                yield _draft(tables, buyer, float(typical), len(buyers))


def _draft(tables: duckdb.DuckDBPyConnection, buyer: Buyer, typical: float, peers: int) -> Draft:
    years = tables.execute(
        "SELECT year, sum(doses) FROM purchased WHERE place = ? AND substance = ? GROUP BY 1 ORDER BY 1",
        [buyer.place, buyer.substance],
    ).fetchall()
    course = ", ".join(f"{year}: {doses:,.0f}" for year, doses in years)
    unit = "doses" if buyer.in_doses else "packs"
    ratio = buyer.rate / typical
    values: dict[str, Value] = {
        "place": buyer.place,
        "substance": buyer.substance,
        "rate": buyer.rate,
        "typical": typical,
        "ratio": ratio,
        "peers": peers,
        "course": course,
    }
    peak_year, peak = max(years, key=lambda each: (each[1], -each[0]))
    key = declared_tables()["inventory"].key_sql("i")
    keys = tables.execute(
        f"SELECT {key} FROM inventory i WHERE fixmedins_code = ? AND list_contains(?, med_list_codg) "
        "AND chg_type IN ('purchase', 'purchase_return') ORDER BY cnt DESC, 1 LIMIT ?",
        [buyer.place, buyer.drugs, MOST_ROWS],
    ).fetchall()
    return Draft(
        anchors=(buyer.place, buyer.substance),
        level="yellow",
        score=min(LEAD_SCORE, logistic(-1.5 + 0.4 * log(ratio))),
        title=Message(f"pharmacy.purchases.{unit}.title", values),
        summary=Message(f"pharmacy.purchases.{unit}.summary", values),
        first_time=buyer.first,
        last_time=buyer.last,
        members=(
            Member("Hospital" if buyer.kind == "1" else "Pharmacy", buyer.place, "provider"),
            *(Member("Drug", drug, "drug") for drug in buyer.drugs),
        ),
        reasons=(
            Reason("purchases_beyond_peers", Message(f"pharmacy.purchases.{unit}.rate", values), round(buyer.rate, 1),
                   round(typical, 1), ratio=round(ratio, 2)),
            Reason("time_course", Message("pharmacy.purchases.course", values | {"year": peak_year, "peak": peak}),
                   round(float(peak), 1), round(float(np.median([doses for _, doses in years])), 1)),
        ),
        counter_evidence=(
            Check("size_of_the_place", "unknown", Message("pharmacy.purchases.check.size")),
        ),
        evidence=tuple(EvidenceRef("inventory", key) for (key,) in keys),
    )  # fmt: skip
