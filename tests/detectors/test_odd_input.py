"""Data that a real platform delivers and no design foresaw: nothing explodes, nobody is accused, and a word says why.

The limits in seconds are generous: they are there to catch work that grows with the square of the rows, which would
take minutes and not seconds.
"""

from __future__ import annotations

import csv
from datetime import datetime, timedelta
from pathlib import Path
from time import process_time

import numpy as np
import pytest
from factories.city import City
from factories.generated import written

from ringtrace.detectors import DetectionReport, detect
from ringtrace.findings import Finding
from ringtrace.loaders import load_folder
from ringtrace.workspace import Workspace

ENDLESS = 20.0
"""CPU seconds that a detection here never takes unless it pairs everyone with everyone."""

SHOPS = """
    SELECT 'S' || i AS fixmedins_code, '2' AS fixmedins_type FROM range(3) t(i)
"""


def run(workspace: Workspace) -> DetectionReport:
    begun = process_time()
    report = detect(workspace)
    assert process_time() - begun < ENDLESS, report.seconds
    return report


def accusations(report: DetectionReport) -> list[Finding]:
    return [each for each in report.findings if each.level in ("red", "orange")]


def gaps(report: DetectionReport) -> set[str]:
    return {gap.message.key for gap in report.gaps}


def test_a_pharmacy_with_a_hundred_thousand_visits_a_day(tmp_path: Path) -> None:
    """Three days, eight people a second at noon: whoever stands there together does so by accident."""
    workspace = written(
        tmp_path,
        {
            "institutions": SHOPS,
            "settlements": """
                SELECT 's' || i AS setl_id, 'p' || hash(i) % 60000 AS psn_no, 'Cp' || hash(i) % 60000 AS mdtrt_cert_no,
                    'S0' AS fixmedins_code, '41' AS med_type, 20 AS medfee_sumamt,
                    TIMESTAMP '2025-03-01 08:00:00' + to_days((i % 3)::INTEGER)
                        + to_seconds((hash(i, 1) % 43200)::BIGINT) AS setl_time
                FROM range(300000) t(i)
            """,
        },
    )
    report = run(workspace)
    assert not accusations(report)
    (crowded,) = (gap.message for gap in report.gaps if gap.message.key == "rings.gap.crowded")
    assert int(str(crowded.values["visits"])) > 250_000


def test_a_few_persons_with_ten_thousand_settlements_each(tmp_path: Path) -> None:
    """Stand-in numbers that a till uses for whoever has no card: always there, and so met by everybody."""
    workspace = written(
        tmp_path,
        {
            "institutions": SHOPS,
            "settlements": """
                SELECT 's' || i AS setl_id, 'p' || person AS psn_no, 'Cp' || person AS mdtrt_cert_no,
                    CASE WHEN person < 6 THEN 'S0' ELSE 'S' || hash(person) % 3 END AS fixmedins_code, '41' AS med_type,
                    20 AS medfee_sumamt, TIMESTAMP '2025-01-01 08:00:00' + to_days((hash(i, 2) % 365)::INTEGER)
                        + to_seconds((hash(i, 1) % 43200)::BIGINT) AS setl_time
                FROM (
                    SELECT i, CASE WHEN i < 60000 THEN i % 6 ELSE 6 + hash(i) % 2000 END AS person
                    FROM range(90000) t(i)
                )
            """,
        },
    )
    report = run(workspace)
    assert not [each for each in accusations(report) if each.kind == "borrowed_card_ring"]


def test_all_times_at_midnight(tmp_path: Path) -> None:
    workspace = written(
        tmp_path,
        {
            "institutions": SHOPS,
            "settlements": """
                SELECT 's' || i AS setl_id, 'p' || hash(i) % 3000 AS psn_no, 'Cp' || hash(i) % 3000 AS mdtrt_cert_no,
                    'S' || hash(hash(i) % 3000) % 3 AS fixmedins_code, '41' AS med_type, 20 AS medfee_sumamt,
                    TIMESTAMP '2025-01-01' + to_days((hash(i, 2) % 365)::INTEGER) AS setl_time
                FROM range(60000) t(i)
            """,
        },
    )
    report = run(workspace)
    assert not accusations(report)
    assert {"rings.gap.day_only", "claims.gap.days_only"} <= gaps(report)


@pytest.mark.parametrize(("column", "limit"), [("hh_no", 5000), ("tel", 800)])
def test_a_value_that_thousands_share_ties_nobody(tmp_path: Path, column: str, limit: int) -> None:
    """A placeholder household or a village's phone must not clear a ring as one family, nor make a ring of others."""
    city = City()
    for shop in ("S1", "S2", "S3"):
        city.shop(shop)
    city.background(seed=11, persons=400)
    rng = np.random.default_rng(11)
    ring = [f"r{number}" for number in range(8)]
    for week in range(24):
        begun = datetime(2025, 1, 4, 9) + timedelta(days=7 * week, minutes=int(rng.integers(500)))
        for place, person in enumerate(rng.permutation(ring)[:7]):
            items = [{"med_list_codg": "D9", "fee": 160 + place}]
            city.visit(str(person), "S1", begun + timedelta(seconds=70 * place), items=items)
    people = sorted({str(row["psn_no"]) for row in city.rows["settlements"]})
    for person in [*people, *(f"v{number}" for number in range(limit - len(people)))]:
        city.person(person, **{column: "13800000000"})
    report = run(city.workspace(tmp_path))
    assert "rings.gap.placeholder" in gaps(report)
    suspected = [{member.id for member in each.members if member.label == "Patient"} for each in accusations(report)]
    assert suspected == [set(ring)]


def test_duplicates_of_everything(tmp_path: Path) -> None:
    """Each file twice and in each file each row twice: the same findings as once."""
    city = City()
    for shop in ("S1", "S2", "S3"):
        city.shop(shop)
    city.background(seed=12, persons=150, visits=6)
    for table in ("settlements", "settlement_items", "institutions"):
        rows = [{name: str(cell) for name, cell in row.items()} for row in city.rows[table]]
        for folder, names, times in (("once", [table], 1), ("twice", [table, f"{table}_again"], 2)):
            (tmp_path / folder).mkdir(exist_ok=True)
            for name in names:
                with (tmp_path / folder / f"{name}.csv").open("w", encoding="utf-8", newline="") as file:
                    writer = csv.DictWriter(file, list(rows[0]))
                    writer.writeheader()
                    writer.writerows(row for row in rows for _ in range(times))
    found = {}
    for folder in ("once", "twice"):
        workspace = Workspace(tmp_path / f"{folder}.workspace", create=True)
        load_folder(tmp_path / folder, workspace, max_bad_share=1.0)
        found[folder] = run(workspace)
    assert not accusations(found["twice"])
    assert [(each.finding_id, each.score, each.amount) for each in found["twice"].findings] == [
        (each.finding_id, each.score, each.amount) for each in found["once"].findings
    ]


def test_every_settlement_sent_again_under_another_number(tmp_path: Path) -> None:
    """A platform that repeats a message numbers it anew; paying twice is then a question for the platform."""
    city = City()
    for shop in ("S1", "S2", "S3"):
        city.shop(shop)
    city.background(seed=13, persons=150, visits=6)
    for table in ("settlements", "settlement_items"):
        city.rows[table] += [{**row, "setl_id": f"again-{row['setl_id']}"} for row in city.rows[table]]
    assert not accusations(run(city.workspace(tmp_path)))
