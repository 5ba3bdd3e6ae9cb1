"""Buyers whose purchases stand out from buyers of their kind: all that a ledger without claims can show."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable
from datetime import datetime
from typing import Final

import duckdb
import numpy as np
from scipy.stats import norm

from ringtrace.data_schema import tables as declared_tables
from ringtrace.detectors.detector import Draft
from ringtrace.detectors.peers import benjamini_hochberg, robust_z
from ringtrace.detectors.scoring import logistic
from ringtrace.findings import Check, EvidenceRef, Member, Message, Reason, Value

PEERS_Z: Final = 3.5
FALSE_DISCOVERY_RATE: Final = 0.05
MOST_ROWS: Final = 5000


def purchase_outliers(tables: duckdb.DuckDBPyConnection) -> Iterable[Draft]:
    """A yellow draft for each place and drug substance whose purchases stand out from places of the same kind.

    Purchases net of returns to the supplier, in defined daily doses where `pack_ddd` is known and packs otherwise, a
    substance being the ATC code, else the generic name, else the drug code. The yearly rate over a buyer's own active
    time is compared on a log scale by robust z-score among buyers of the same kind and substance, and the
    Benjamini–Hochberg procedure (1995) holds the false-discovery rate at 5 % over all of them. The time course by year
    stands in the reasons: a buyer that grew against its peers differs from one that always was large.
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
    peers: dict[tuple[str, str], list[tuple[str, float, datetime, datetime, bool, list[str]]]] = defaultdict(list)
    for kind, substance, *rest in rows:
        peers[kind, substance].append((rest[0], rest[1], rest[2], rest[3], rest[4], rest[5]))
    for (kind, substance), buyers in sorted(peers.items()):
        # Half a year is the least time: a buyer with one order is no buyer of a thousand packs a year.
        rates = np.array([doses / max(0.5, (last - first).days / 365.25) for _, doses, first, last, *_ in buyers])
        z_scores = robust_z(np.log(rates))
        accepted = benjamini_hochberg(norm.sf(z_scores), FALSE_DISCOVERY_RATE)
        typical = float(np.median(rates))
        for (place, _, first, last, in_doses, drugs), rate, z, ok in zip(
            buyers, rates, z_scores, accepted, strict=True
        ):
            if ok and z >= PEERS_Z:
                yield _draft(
                    tables,
                    kind,
                    substance,
                    place,
                    first,
                    last,
                    in_doses,
                    drugs,
                    float(rate),
                    float(z),
                    typical,
                    len(buyers),
                )


def _draft(
    tables: duckdb.DuckDBPyConnection,
    kind: str,
    substance: str,
    place: str,
    first: datetime,
    last: datetime,
    in_doses: bool,
    drugs: list[str],
    rate: float,
    z: float,
    typical: float,
    peers: int,
) -> Draft:
    years = tables.execute(
        "SELECT year, sum(doses) FROM purchased WHERE place = ? AND substance = ? GROUP BY 1 ORDER BY 1",
        [place, substance],
    ).fetchall()
    course = ", ".join(f"{year}: {doses:,.0f}" for year, doses in years)
    unit = "doses" if in_doses else "packs"
    values: dict[str, Value] = {
        "place": place,
        "substance": substance,
        "rate": rate,
        "typical": typical,
        "ratio": rate / typical,
        "peers": peers,
        "course": course,
    }
    peak_year, peak = max(years, key=lambda each: (each[1], -each[0]))
    key = declared_tables()["inventory"].key_sql("i")
    keys = tables.execute(
        f"SELECT {key} FROM inventory i WHERE fixmedins_code = ? AND list_contains(?, med_list_codg) "
        "AND chg_type IN ('purchase', 'purchase_return') ORDER BY cnt DESC, 1 LIMIT ?",
        [place, drugs, MOST_ROWS],
    ).fetchall()
    return Draft(
        anchors=(place, substance),
        level="yellow",
        score=min(0.55, logistic(-2.0 + 0.3 * min(z, 6.0))),
        title=Message(f"pharmacy.purchases.{unit}.title", values),
        summary=Message(f"pharmacy.purchases.{unit}.summary", values),
        first_time=first,
        last_time=last,
        members=(
            Member("Hospital" if kind == "1" else "Pharmacy", place, "provider"),
            *(Member("Drug", drug, "drug") for drug in drugs),
        ),
        reasons=(
            Reason("purchases_beyond_peers", Message(f"pharmacy.purchases.{unit}.rate", values), round(rate, 1),
                   round(typical, 1), p_value=float(norm.sf(z)), ratio=round(rate / typical, 2)),
            Reason("time_course", Message("pharmacy.purchases.course", values | {"year": peak_year, "peak": peak}),
                   round(float(peak), 1), round(float(np.median([doses for _, doses in years])), 1)),
        ),
        counter_evidence=(
            Check("size_of_the_place", "unknown", Message("pharmacy.purchases.check.size")),
        ),
        evidence=tuple(EvidenceRef("inventory", key) for (key,) in keys),
    )  # fmt: skip
