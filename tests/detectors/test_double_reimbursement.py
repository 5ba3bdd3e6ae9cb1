"""A bill paid on the platform and again by hand: found, and told from supplements, refunds and placeholders."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from factories.city import City
from factories.claims import (
    SUSPECTED,
    at,
    billed_twice,
    outcomes,
    run,
)


@pytest.mark.positive
def test_bills_paid_on_the_platform_and_by_hand_are_found(tmp_path: Path) -> None:
    (finding,), _ = run(tmp_path, billed_twice(), "double_reimbursement")
    assert finding.level in SUSPECTED
    assert ("p", "claimant") in {(member.id, member.role) for member in finding.members}
    assert "more_than_bill" in {reason.code for reason in finding.reasons}
    assert len(finding.evidence) == 4


def test_the_same_stay_without_an_invoice_is_found(tmp_path: Path) -> None:
    stay: dict[str, Any] = {"med_type": "21", "begntime": "2025-01-05 08:00", "endtime": "2025-01-12 10:00"}
    city = City()
    city.visit("p", "H1", at(12), total=8000, fund_pay_sumamt=6000, **stay)
    city.visit("p", "H1", at(50), total=8000, fund_pay_sumamt=6000, manl_reim_flag="1", **stay)
    findings, gaps = run(tmp_path, city, "double_reimbursement")
    assert len(findings) == 1
    assert gaps == ["claims.gap.no_invoices"]


def test_a_supplement_for_the_remainder_explains(tmp_path: Path) -> None:
    (finding,), _ = run(tmp_path, billed_twice(second={"fund_pay_sumamt": 150}), "double_reimbursement")
    assert (finding.level, outcomes(finding)["supplement"]) == ("explained", "explains")


@pytest.mark.parametrize(
    "second",
    [{"total": 240}, {"invono": "INV99999"}, {"manl_reim_flag": "0"}, {"fund_pay_sumamt": 0}],
    ids=["another sum", "another invoice", "split settlement on the platform", "refused"],
)
@pytest.mark.near_miss
def test_other_bills_are_no_finding(tmp_path: Path, second: dict[str, object]) -> None:
    assert run(tmp_path, billed_twice(1, second=second), "double_reimbursement")[0] == []


def test_a_refunded_first_payment_is_no_finding(tmp_path: Path) -> None:
    city = billed_twice(1)
    city.visit("p", "H1", at(5), total=-1000, refd_setl_flag="1", init_setl_id="s0000001")
    assert run(tmp_path, city, "double_reimbursement")[0] == []


@pytest.mark.parametrize("invoice", ["0", "无"])
def test_a_placeholder_is_no_invoice(tmp_path: Path, invoice: str) -> None:
    assert run(tmp_path, billed_twice(invoice=invoice), "double_reimbursement")[0] == []
