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


def papers(accounts: dict[str, str], *, days: dict[str, int] | None = None, honest: tuple[str, ...] = ()) -> City:
    """Stays paid at the counter; whoever is not `honest` hands the paper in again, on the person's day."""
    city = City()
    city.shop("H1", hospital=True)
    for number, (person, account) in enumerate(accounts.items()):
        city.person(person, bank_acct=account, hh_no=f"home of {person}")
        begin = at(4 * number)
        stay: dict[str, Any] = {"med_type": "21", "begntime": str(begin), "endtime": str(at(4 * number + 3))}
        if person not in honest:
            city.visit(person, "H1", at(4 * number + 3), total=900, fund_pay_sumamt=600, invono=f"INV{number}", **stay)
        again = at((days or {}).get(person, 60 + 9 * number), 10, 4 * number)
        city.visit(
            person, "H1", again, total=900, fund_pay_sumamt=600, invono=f"INV{number}", manl_reim_flag="1", **stay
        )
    return city


@pytest.mark.positive
def test_an_agents_clients_are_one_case(tmp_path: Path) -> None:
    """Three claim twice into the agent's account, a fourth claims once into it; the account's holder claims nothing."""
    city = papers({"a": "X", "b": "X", "c": "X", "once": "X"}, honest=("once",))
    city.person("agent", bank_acct="X")
    (finding,), _ = run(tmp_path, city, "double_reimbursement")
    assert {(member.id, member.role, member.weight) for member in finding.members if member.label == "Patient"} == {
        ("a", "claimant", 1.0), ("b", "claimant", 1.0), ("c", "claimant", 1.0), ("once", "claimant", 0.5),
        ("agent", "collector", 0.5),
    }  # fmt: skip
    assert "one_account" in {reason.code for reason in finding.reasons}


@pytest.mark.near_miss
def test_unrelated_people_are_cases_of_their_own(tmp_path: Path) -> None:
    findings, _ = run(tmp_path, papers({"a": "X", "b": "Y", "c": "Z"}), "double_reimbursement")
    assert [len([m for m in finding.members if m.suspected]) for finding in findings] == [1, 1, 1]


@pytest.mark.near_miss
def test_a_clerk_who_brings_a_villages_papers_is_not_accused(tmp_path: Path) -> None:
    """Two of eight villagers claim twice: they are tied by the account, and nobody else is named."""
    villagers = dict.fromkeys("abcdefgh", "X")
    city = papers(villagers, honest=tuple("cdefgh"))
    city.person("clerk", bank_acct="X")
    (finding,), _ = run(tmp_path, city, "double_reimbursement")
    assert {member.id for member in finding.members if member.suspected} == {"a", "b"}


def test_an_office_account_ties_nobody(tmp_path: Path) -> None:
    city = papers({"a": "X", "b": "X"})
    for number in range(60):
        city.person(f"q{number}", bank_acct="X")
    assert len(run(tmp_path, city, "double_reimbursement")[0]) == 2


def test_papers_handed_in_one_after_the_other_are_one_case(tmp_path: Path) -> None:
    accounts = {"a": "X", "b": "Y", "c": "Z"}
    findings, _ = run(tmp_path, papers(accounts, days={"a": 70, "b": 70}), "double_reimbursement")
    people = [{m.id for m in finding.members if m.suspected} for finding in findings]
    assert sorted(people, key=len) == [{"c"}, {"a", "b"}]
    assert {"one_visit"} <= {reason.code for finding in findings for reason in finding.reasons}


def test_a_busy_desk_ties_nobody(tmp_path: Path) -> None:
    """Where an office books many papers at one time, the time says nothing."""
    city = papers({"a": "X", "b": "Y", "c": "Z"}, days={"a": 70, "b": 70})
    for number in range(20):
        city.visit(f"q{number}", "H1", at(70, 10, number), total=50, manl_reim_flag="1")
    assert len(run(tmp_path, city, "double_reimbursement")[0]) == 3
