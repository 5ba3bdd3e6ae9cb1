"""The same data give the same findings: whatever the order of rows, on however many threads, and run again."""

from __future__ import annotations

from datetime import datetime, timedelta
from pathlib import Path

import duckdb
import numpy as np
import pytest
from factories.stocked import StockedCity

from ringtrace.detectors import detect
from ringtrace.findings import Finding
from ringtrace.workspace import Workspace


def troubled() -> StockedCity:
    """A small city with a ring at S0, and S1 that sells nothing to six of its clients in the evening."""
    town = StockedCity(5, shops=6, buyers=50)
    rng = np.random.default_rng(5)
    ring = [f"S{number}p001" for number in range(6)]
    for week in range(20):
        begun = datetime(2025, 1, 6, 9) + timedelta(days=7 * week, minutes=int(rng.integers(600)))
        for place, person in enumerate(rng.permutation(ring)):
            town.sell(str(person), "S0", begun + timedelta(seconds=65 * place), "D8")
    for person in town.people["S1"][:6]:
        for _ in range(8):
            town.sell(person, "S1", town.moment(21.6, 23.4), origin="phantom", cert="01")
    return town


def said(findings: tuple[Finding, ...]) -> list[tuple[object, ...]]:
    return [
        (
            each.finding_id,
            each.kind,
            each.level,
            each.score,
            each.amount,
            each.members,
            {row.key for row in each.evidence},
        )
        for each in findings
    ]


def test_order_threads_and_repetition_change_nothing(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    city = troubled().build()
    as_delivered = city.workspace(tmp_path / "delivered")
    first = said(detect(as_delivered).findings)
    assert {"borrowed_card_ring", "pharmacy_collusion"} <= {row[1] for row in first}
    assert said(detect(as_delivered).findings) == first
    shuffled = city.workspace(tmp_path / "shuffled", shuffle=5)
    usual = Workspace.connect

    def on_one_thread(workspace: Workspace) -> duckdb.DuckDBPyConnection:
        return usual(workspace, threads=1)

    monkeypatch.setattr(Workspace, "connect", on_one_thread)
    assert said(detect(shuffled).findings) == first
