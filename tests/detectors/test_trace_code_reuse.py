"""One code sold again and again in one place is found; what makes a code return honestly is not."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from factories.city import City

from ringtrace.detectors.detector import Context, Draft
from ringtrace.detectors.packs.trace_code_reuse import TraceCodeReuse
from ringtrace.findings import EvidenceRef, Member, Message

CLINIC, SAME = "H1", "81000010000000000001"


def town() -> City:
    city = City()
    city.shop(CLINIC, hospital=True)
    for number in range(900):
        item = {"med_list_codg": "D1", "fee": 40, "drug_trac_codg": f"8100001{number + 50:013d}"}
        city.visit(f"o{number}", f"S{number % 3}", f"2025-05-{number % 28 + 1:02d} 09:00", items=[item])
    return city


def reused(city: City, times: int = 9, **item: Any) -> City:
    for number in range(times):
        line = {"med_list_codg": "D1", "fee": 40, "drug_trac_codg": SAME} | item
        city.visit(f"p{number}", CLINIC, f"2025-03-{number + 1:02d} 10:00", items=[line], setl_id=f"r{number}")
    return city


def drafts(city: City, folder: Path, context: Context | None = None) -> list[Draft]:
    with city.workspace(folder).connect() as tables:
        return list(TraceCodeReuse().detect(tables, context or Context()))


@pytest.mark.positive
def test_substitution_names_the_place_and_no_patient(tmp_path: Path) -> None:
    (draft,) = drafts(reused(town()), tmp_path)
    assert draft.level in ("red", "orange")
    assert [member for member in draft.members if member.suspected and member.label in ("Hospital", "Patient")] == [
        Member("Hospital", CLINIC, "provider")
    ]
    assert (draft.reasons[0].value, draft.reasons[1].value) == (8, 9)
    assert len(draft.evidence) == 9


@pytest.mark.near_miss
def test_split_packs_flagged_or_sold_at_a_fraction_are_left_alone(tmp_path: Path) -> None:
    assert drafts(reused(town(), trdn_flag="1"), tmp_path / "flagged") == []
    assert drafts(reused(town(), fee=4), tmp_path / "cheap") == []


@pytest.mark.near_miss
@pytest.mark.parametrize(("codes", "uses", "level"), [(12, 2, "yellow"), (4, 4, "orange")])
def test_a_till_that_keeps_the_last_code_for_the_next_customer_is_a_lead(
    tmp_path: Path, codes: int, uses: int, level: str
) -> None:
    """The last customer's code is the next morning's first; so twice each, and not for days on end."""
    city = town()
    for number in range(codes):
        for day in range(uses):
            line = {"med_list_codg": "D1", "fee": 40, "drug_trac_codg": f"8100002{number:013d}"}
            city.visit(f"p{number}-{day}", CLINIC, f"2025-03-{uses * number + day + 1:02d} 10:00", items=[line])
    for number in range(2):  # a slip or two of another kind
        line = {"med_list_codg": "D1", "fee": 40, "drug_trac_codg": f"8100002{number:013d}"}
        city.visit(f"q{number}", CLINIC, f"2025-06-{number + 1:02d} 10:00", items=[line])
    (draft,) = drafts(city, tmp_path)
    assert draft.level == level


@pytest.mark.near_miss
def test_a_stuck_scanner_s_afternoon_is_left_alone(tmp_path: Path) -> None:
    city = town()
    for number in range(14):
        line = {"med_list_codg": f"D{number % 3}", "fee": 40, "drug_trac_codg": SAME}
        city.visit(f"p{number}", CLINIC, f"2025-03-03 {8 + number // 2:02d}:{30 * (number % 2):02d}", items=[line])
    assert drafts(city, tmp_path) == []


def test_refunded_and_returned_packs_are_left_alone(tmp_path: Path) -> None:
    refunded = reused(town())
    for number in range(9):
        refunded.visit(f"p{number}", CLINIC, f"2025-03-{number + 1:02d} 11:00", total=-40, refd_setl_flag="1",
                       init_setl_id=f"r{number}")  # fmt: skip
    assert drafts(refunded, tmp_path / "refunded") == []
    returned = reused(town())
    for number in range(9):
        returned.stock(CLINIC, "D1", "sale_return", f"2025-03-{number + 1:02d} 18:00", 1, drug_trac_codg=SAME)
    assert drafts(returned, tmp_path / "returned") == []


def test_a_line_recorded_twice_for_one_person_is_left_alone(tmp_path: Path) -> None:
    city = town()
    for number in range(9):
        for minute in ("00", "05"):
            line = {"med_list_codg": "D1", "fee": 40, "drug_trac_codg": f"9100001{number:013d}"}
            city.visit(f"p{number}", CLINIC, f"2025-03-{number + 1:02d} 10:{minute}", items=[line])
    assert drafts(city, tmp_path) == []


def test_a_few_slips_are_left_alone(tmp_path: Path) -> None:
    assert drafts(reused(town(), times=3), tmp_path) == []


def test_repeats_beside_a_collusion_finding_accuse_no_further(tmp_path: Path) -> None:
    cited = tuple(EvidenceRef("settlements", f"r{number}") for number in range(3))
    collusion = Draft(
        anchors=(CLINIC,), level="red", score=0.9, title=Message("t"), summary=Message("s"), first_time=None,
        last_time=None, members=(Member("Pharmacy", CLINIC, "seller"),), reasons=(), counter_evidence=(),
        evidence=cited,
    )  # fmt: skip
    (draft,) = drafts(reused(town()), tmp_path, Context(drafts={"pharmacy_collusion": [collusion]}))
    assert draft.level == "yellow"
    assert draft.reasons[0].value == 5


def test_without_codes_it_says_so(tmp_path: Path) -> None:
    city, context = City(), Context()
    city.visit("p", CLINIC, "2025-03-01 10:00", items=[{"med_list_codg": "D1"}])
    assert drafts(city, tmp_path, context) == []
    assert [gap.message.key for gap in context.gaps] == ["pharmacy.gap.no_codes"]
