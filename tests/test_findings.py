"""A finding survives its file unchanged, reads in both languages, and its id depends only on who it is about."""

from __future__ import annotations

import json
from datetime import datetime
from decimal import Decimal
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ringtrace.findings import (
    Check,
    EvidenceRef,
    Finding,
    Member,
    Message,
    Reason,
    current_run,
    read_findings,
    save_findings,
    stable_id,
)
from ringtrace.texts import catalogue
from ringtrace.workspace import Workspace

CONTRACT_KEYS = [
    "finding_id", "kind", "level", "score", "title", "summary", "amount", "first_time", "last_time", "members",
    "reasons", "counter_evidence", "evidence", "detector", "version", "parameters",
]  # fmt: skip

PLAIN = next(key for key, entry in sorted(catalogue().items()) if "{" not in entry["en"])


def finding(**changes: object) -> Finding:
    fields: dict[str, object] = {
        "finding_id": "borrowed_card_ring-0123456789ab",
        "kind": "borrowed_card_ring",
        "level": "orange",
        "score": 0.87654321,
        "title": Message(PLAIN),
        "summary": Message(PLAIN),
        "amount": Decimal("814.80"),
        "first_time": datetime(2025, 3, 1, 8, 0, 5),
        "last_time": None,
        "members": (Member("Patient", "P1", "holder", 1.0), Member("Patient", "P2", "witness", 0.0)),
        "reasons": (Reason("co_visits", Message(PLAIN), 12, 0.3, p_value=1e-9),),
        "counter_evidence": (Check("household", "does_not_explain", Message(PLAIN), 1, 6),),
        "evidence": (EvidenceRef("settlements", "S1", "settlements.csv", 7, "ab" * 32),),
        "detector": "borrowed_card_ring",
        "version": "1",
        "parameters": {"window_minutes": 15},
    }
    return Finding(**fields | changes)  # type: ignore[arg-type]


def test_a_finding_reads_back_unchanged(tmp_path: Path) -> None:
    workspace = Workspace(tmp_path / "workspace", create=True)
    assert (current_run(workspace), read_findings(workspace)) == (0, [])
    save_findings(workspace, [finding()])
    save_findings(workspace, [finding(level="red"), finding(level="explained")])
    assert read_findings(workspace) == [finding(level="red"), finding(level="explained")]
    assert read_findings(workspace, run=1) == [finding()]


def test_the_contract_form_has_exactly_the_contracts_keys() -> None:
    shown = json.loads(json.dumps(finding().to_contract("zh")))
    assert list(shown) == CONTRACT_KEYS
    assert shown["amount"] == 814.8
    assert shown["first_time"] == "2025-03-01 08:00:05"
    assert shown["reasons"][0]["p_value"] == 1e-9
    assert "ratio" not in shown["reasons"][0]
    assert shown["title"] == catalogue()[PLAIN]["zh"]


@pytest.mark.parametrize("changes", [{"level": "guilty"}, {"score": 1.2}])
def test_an_impossible_finding_is_refused(changes: dict[str, object]) -> None:
    with pytest.raises(ValueError, match=r"level|score"):
        finding(**changes)


def test_roles_that_are_not_suspected() -> None:
    roles = {
        "holder": True, "card_holder": True, "buyer": False, "witness": False, "cleared": False, "place": False,
    }  # fmt: skip
    assert {role: Member("Patient", "P", role).suspected for role in roles} == roles


def test_a_thing_cannot_be_suspected() -> None:
    assert Member("Pharmacy", "S", "reseller").suspected
    assert not Member("Drug", "D", "reseller").suspected
    assert not Member("Pack", "8" * 20, "source").suspected


def test_a_sentence_that_the_catalogue_lost_still_reads() -> None:
    gone = Message("rings.of.another.version", {"cards": 7})
    assert gone.render("zh") == gone.render("en") == "rings.of.another.version (cards 7)"
    with pytest.raises(KeyError):
        gone.check()
    with pytest.raises(KeyError):
        Message("app.people").check()


@given(st.lists(st.text(min_size=1), min_size=1).flatmap(lambda ids: st.tuples(st.just(ids), st.permutations(ids))))
def test_ids_do_not_depend_on_order_or_repetition(ids: tuple[list[str], list[str]]) -> None:
    first, second = ids
    assert stable_id("cloned_card", first) == stable_id("cloned_card", [*second, second[0]])
    assert stable_id("cloned_card", first) != stable_id("drug_resale", first)


def test_codes_among_the_values_are_said_in_words() -> None:
    agrees = Message("claims.tip.agrees", {"kind": "borrowed_card_ring", "score": 0.9})
    assert "Borrowed-card ring" in agrees.render("en")
    assert "集中使用他人医保凭证" in agrees.render("zh")
    assert "发票号、就诊号" in Message("claims.double.reason", {"n": 2, "how": "invoice, visit"}).render("zh")
    assert "invoice, elsewhere" in Message("claims.double.reason", {"n": 2, "how": "invoice, elsewhere"}).render("en")
