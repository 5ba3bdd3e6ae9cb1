"""What holds for every detector of single claims: the order of rows changes nothing, no data makes no finding."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest
from factories.city import City
from factories.claims import (
    billed_twice,
    drawing,
    hospitals,
    leaping,
    run,
    wrong_sex,
)

from ringtrace.findings import Finding


@pytest.mark.parametrize(
    ("kind", "city"),
    [
        ("ghost_patient", lambda: hospitals(8)),
        ("cloned_card", lambda: leaping(3)),
        ("double_reimbursement", billed_twice),
        ("overuse", lambda: drawing(9)),
        ("restricted_item", lambda: wrong_sex(30)),
    ],
)
def test_the_order_of_rows_changes_nothing(tmp_path: Path, kind: str, city: Callable[[], City]) -> None:
    (tmp_path / "a").mkdir()
    (tmp_path / "b").mkdir()
    straight, _ = run(tmp_path / "a", city(), kind)
    shuffled, _ = run(tmp_path / "b", city(), kind, shuffle=11)

    def content(findings: list[Finding]) -> list[dict[str, object]]:
        return [{**each.to_contract("en"), "evidence": sorted(ref.key for ref in each.evidence)} for each in findings]

    assert straight
    assert content(straight) == content(shuffled)


@pytest.mark.parametrize(
    "kind", ["ghost_patient", "cloned_card", "double_reimbursement", "overuse", "restricted_item", "tip_lead"]
)
def test_an_empty_workspace_gives_gaps_and_no_findings(tmp_path: Path, kind: str) -> None:
    findings, gaps = run(tmp_path, City(), kind)
    assert findings == []
    assert gaps
