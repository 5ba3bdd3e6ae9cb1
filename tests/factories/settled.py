"""Small deliveries of settlements, and what a load made of them in plain Python."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from factories.delivery import deliver
from ringtrace.loaders import LoadReport, load_folder
from ringtrace.workspace import Workspace


def settlement(number: int | str, **changes: object) -> dict[str, object]:
    """A sound settlement of 10.00 yuan; `changes` replace its cells."""
    return {
        "setl_id": f"S{number}",
        "psn_no": "P1",
        "fixmedins_code": "H1",
        "setl_time": "2025-03-01 08:00:00",
        "medfee_sumamt": "10.00",
        "fund_pay_sumamt": "6.00",
        "acct_pay": "3.00",
        "cash_payamt": "1.00",
    } | changes


def load(folder: Path, workspace: Path, files: dict[str, list[dict[str, object]]], **options: Any) -> LoadReport:
    """Write `files` to a new folder and load it; bad rows are let through unless `max_bad_share` says otherwise."""
    return load_folder(deliver(folder, files), Workspace(workspace, create=True), **{"max_bad_share": 1.0} | options)


def rows(workspace: Path, query: str) -> list[tuple[Any, ...]]:
    """What a query over the canonical tables gives."""
    with Workspace(workspace).connect() as connection:
        found: list[tuple[Any, ...]] = connection.execute(query).fetchall()
        return found


def assert_reconciled(report: LoadReport) -> None:
    """Every row read has exactly one outcome."""
    for file in report.files:
        assert file.read == file.accounted, file
