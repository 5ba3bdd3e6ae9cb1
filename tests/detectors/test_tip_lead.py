"""A tip is a lead where the data support it, and only there."""

from __future__ import annotations

from pathlib import Path

import pytest
from factories.claims import (
    at,
    run,
    town_with_dead,
)


@pytest.mark.positive
@pytest.mark.near_miss
def test_a_tip_that_the_data_support_is_a_lead_and_another_is_not(tmp_path: Path) -> None:
    city = town_with_dead()
    for number in range(5):
        city.visit("dead", "S1", at(40 + 20 * number))
    for tip, subject in (("t1", "dead"), ("t2", "alive"), ("t3", "S1")):
        city.add("tips", tip_id=tip, tip_time="2025-06-01", subj_type="person" if subject != "S1" else "institution",
                 subj_id=subject, content="x")  # fmt: skip
    findings, gaps = run(tmp_path, city, "tip_lead")
    assert [(finding.level, finding.members[0].id, finding.members[0].role) for finding in findings] == [
        ("yellow", "dead", "subject")
    ]
    assert [ref.table for ref in findings[0].evidence] == ["tips"]
    assert "claims.gap.tips_alone" in gaps
