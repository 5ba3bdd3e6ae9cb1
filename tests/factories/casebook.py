"""A small workspace with everything the app shows: a ring that meets monthly, hostile names, a graph, two runs."""

from __future__ import annotations

import csv
from collections.abc import Callable
from dataclasses import replace
from datetime import datetime
from decimal import Decimal
from pathlib import Path

from streamlit.testing.v1 import AppTest

from factories.city import City
from ringtrace.findings import Check, EvidenceRef, Finding, Member, Message, Reason, save_findings
from ringtrace.graph import build_graph
from ringtrace.loaders import load_folder
from ringtrace.loaders.lineage import source_rows
from ringtrace.workspace import Workspace

HOSTILE = "<img src=x onerror=alert(1)> [x](javascript:alert(1)) =cmd|' /C calc'!A0 **b** `c` :red[d] $e$ \u202etxt"
LONG = "长" * 10_000
RING = "borrowed_card_ring-0001"
Opener = Callable[..., AppTest]
"""Opens the app on a workspace, at a page, with the values of its address."""
CHAIN = "89999999990000000001"
OTHER = "drug_resale-0002"


def id_number(number: int) -> str:
    """A valid 18-digit ID number; its last digit is that of GB 11643."""
    first = f"33010219700101{2 * number + 1:03d}"
    weights = (7, 9, 10, 5, 8, 4, 2, 1, 6, 3, 7, 9, 10, 5, 8, 4, 2)
    return first + "10X98765432"[sum(int(digit) * weight for digit, weight in zip(first, weights, strict=True)) % 11]


def city() -> tuple[City, list[str]]:
    """Eight people at one till in eight months, and a hundred others; returns the ring's settlements too."""
    made = City()
    for number in range(1, 9):
        name = {7: HOSTILE, 8: LONG}.get(number, f"张三{number}")
        made.person(f"P{number}", psn_name=name, hh_no=f"H{number}", gend="1", certno=id_number(number))
        made.add("cards", mdtrt_cert_no=f"CP{number}", psn_no=f"P{number}", mdtrt_cert_type="03")
    made.shop("S1", fixmedins_name="康宁大药房")
    made.shop("S2", fixmedins_name=HOSTILE)
    made.drug("D1", drug_genname="阿托伐他汀")
    ring = [
        made.visit(f"P{number}", "S1" if month % 3 else "S2", f"2025-{month:02d}-05 10:{number:02d}:00", items=[
            {"med_list_codg": "D1", "cnt": 2, "fee": 88.5, "drug_trac_codg": f"8{month:09d}{number:010d}"},
        ])
        for month in range(1, 9) for number in range(1, 9) if (number * month) % 5
    ]  # fmt: skip
    # A pack that comes back: sold to P2, and months later sold again by the other shop.
    for person, shop, time in (("P2", "S1", "2025-02-10 16:00:00"), ("P3", "S2", "2025-09-03 09:00:00")):
        made.visit(person, shop, time, items=[{"med_list_codg": "D1", "cnt": 1, "fee": 80, "drug_trac_codg": CHAIN}])
    made.background(seed=1, persons=100)
    return made, ring


def ring_finding(settlements: list[str]) -> Finding:
    """A finding about the ring, with catalogue sentences that stand in every version."""
    title, sentence = Message("app.page.finding"), Message("app.finding.score.help")
    members = [Member("Patient", "P1", "holder")]
    members += [Member("Patient", f"P{number}", "card_holder", 0.8) for number in range(2, 8)]
    members += [
        Member("Patient", "P8", "cleared", 0.1),
        Member("Pharmacy", "S1", "place"),
        Member("Pharmacy", "S2", "place"),
    ]
    return Finding(
        RING, "borrowed_card_ring", "red", 0.93, title, sentence, Decimal("4779.00"),
        datetime(2025, 1, 5, 10, 1), datetime(2025, 8, 5, 10, 8), tuple(members),
        (Reason("co_visits", sentence, 54, 1.2, 1e-9, 45.0),),
        (Check("household", "does_not_explain", sentence), Check("dialysis", "unknown", sentence)),
        tuple(EvidenceRef("settlements", key, "settlements.csv", row, "ab" * 32)
              for row, key in enumerate(settlements, start=1)),
        "borrowed_card_ring", "1", {"window_minutes": 15},
    )  # fmt: skip


def delivered(made: City, folder: Path) -> None:
    """The city as a delivery: a CSV file a table."""
    for table, rows in made.rows.items():
        if not rows:
            continue
        columns = list(dict.fromkeys(column for row in rows for column in row))
        with (folder / f"{table}.csv").open("w", encoding="utf-8", newline="") as stream:
            writer = csv.DictWriter(stream, columns)
            writer.writeheader()
            writer.writerows(rows)


def traced(workspace: Workspace, finding: Finding) -> Finding:
    """The finding with file, row and hash of the rows that it cites."""
    found = source_rows(workspace, "settlements", [ref.key for ref in finding.evidence])
    refs = [EvidenceRef(**dict(zip(found.columns, row, strict=True))) for row in found.itertuples(index=False)]
    return replace(finding, evidence=tuple(replace(ref, row=int(ref.row or 0)) for ref in refs))


def casebook(folder: Path, *, graph: bool = True) -> Workspace:
    """The workspace: two detection runs (one finding gone, one new), and the graph unless told otherwise."""
    made, settlements = city()
    (folder / "delivery").mkdir()
    delivered(made, folder / "delivery")
    workspace = Workspace(folder / "workspace", create=True)
    load_folder(folder / "delivery", workspace)
    ring = traced(workspace, ring_finding(settlements))
    gone = replace(ring, finding_id="overuse-0003", kind="overuse", level="yellow", amount=Decimal(10))
    resale = replace(ring, finding_id=OTHER, kind="drug_resale", level="orange", score=0.7, amount=Decimal(120))
    save_findings(workspace, [ring, gone])
    save_findings(workspace, [ring, resale])
    if graph:
        build_graph(workspace)
    return workspace
