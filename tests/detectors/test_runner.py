"""The runner: ids that last, amounts that equal their rows, rows that are found again, and one saved run."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, replace
from datetime import timedelta
from decimal import Decimal
from pathlib import Path
from typing import Any, ClassVar

import duckdb
import pytest
from factories.city import START, City
from factories.stocked import StockedCity

from ringtrace.detectors import DETECTORS, detect, read_gaps
from ringtrace.detectors.detector import Context, Draft, Gap
from ringtrace.errors import RingTraceError
from ringtrace.findings import Check, EvidenceRef, Member, Message, Reason, read_findings
from ringtrace.loaders import original_rows
from ringtrace.workspace import Workspace


@dataclass(frozen=True)
class Thresholds:
    least: int = 1


class Given:
    """A detector that hands over what it was given."""

    kind: ClassVar[str] = "given"
    version: ClassVar[str] = "1"

    def __init__(self, *drafts: Draft) -> None:
        self.thresholds = Thresholds()
        self.drafts = drafts

    def detect(self, tables: duckdb.DuckDBPyConnection, context: Context) -> Iterable[Draft]:
        context.gaps.append(Gap(self.kind, Message("rings.gap.no_items")))
        return self.drafts


def draft(people: str, *rows: tuple[str, str], score: float = 0.7) -> Draft:
    return Draft(
        anchors=tuple(people),
        level="orange",
        score=score,
        title=Message("rings.gap.no_items"),
        summary=Message("rings.gap.no_items"),
        first_time=None,
        last_time=None,
        members=tuple(Member("Patient", person, "card_holder") for person in people),
        reasons=(),
        counter_evidence=(),
        evidence=tuple(EvidenceRef(table, key) for table, key in rows),
    )


@pytest.fixture
def workspace(tmp_path: Path) -> Workspace:
    city = City()
    city.visit(
        "a", "S1", "2025-03-01 08:00", items=[{"med_list_codg": "D1", "fee": 10}, {"med_list_codg": "D2", "fee": 5.5}]
    )
    city.visit("b", "S1", "2025-03-01 08:05", items=[{"med_list_codg": "D1", "fee": 20.25}])
    return city.workspace(tmp_path)


def test_amount_counts_each_yuan_once(workspace: Workspace) -> None:
    cited = draft(
        "ab",
        ("settlements", "s0000001"),
        ("settlements", "s0000001"),
        ("settlement_items", "s0000001|1"),
        ("settlement_items", "s0000002|1"),
    )
    (finding,) = detect(workspace, detectors=[Given(cited)]).findings
    assert finding.amount == Decimal("35.75")
    assert finding.parameters == {"least": 1}


def test_rows_lead_back_to_the_source(workspace: Workspace) -> None:
    (finding,) = detect(workspace, detectors=[Given(draft("a", ("settlements", "s0000002")))]).findings
    (row,) = finding.evidence
    assert (row.file, row.row) == ("settlements.csv", 2)
    (original,) = original_rows(workspace, [row])
    assert original.sha256 == row.sha256
    assert original.cells["psn_no"] == "b"


def test_a_row_that_does_not_exist_is_a_bug(workspace: Workspace) -> None:
    with pytest.raises(LookupError, match="s9"):
        detect(workspace, detectors=[Given(draft("a", ("settlements", "s9")))])


def test_known_ring_keeps_its_id_and_a_new_one_gets_another(workspace: Workspace) -> None:
    (before,) = detect(workspace, detectors=[Given(draft("abcd"))]).findings
    grown, other = draft("abcde", score=0.9), draft("axyz", score=0.8)
    after = detect(workspace, detectors=[Given(other, grown)]).findings
    ids = {frozenset(member.id for member in each.members): each.finding_id for each in after}
    assert ids[frozenset("abcde")] == before.finding_id
    assert ids[frozenset("axyz")] != before.finding_id


def test_ids_are_taken_one_to_one(workspace: Workspace) -> None:
    (before,) = detect(workspace, detectors=[Given(draft("abcd"))]).findings
    after = detect(workspace, detectors=[Given(draft("abcf", score=0.9), draft("abcd", score=0.8))]).findings
    ids = {frozenset(member.id for member in each.members): each.finding_id for each in after}
    assert ids[frozenset("abcd")] == before.finding_id
    assert len(set(ids.values())) == 2


def test_findings_and_gaps_are_saved(workspace: Workspace) -> None:
    report = detect(workspace, detectors=[Given(draft("ab"))])
    assert tuple(read_findings(workspace)) == report.findings
    assert read_gaps(workspace) == list(report.gaps) == [Gap("given", Message("rings.gap.no_items"))]


@pytest.mark.parametrize("field", ["title", "summary", "reasons", "counter_evidence"])
def test_a_sentence_that_the_catalogue_lacks_stops_the_run(workspace: Workspace, field: str) -> None:
    """The reader would be shown its key: a bug of the detector, to be met while detecting and not in the app."""
    missing = Message("rings.no_such_sentence")
    sentences: dict[str, Any] = {
        "title": missing,
        "summary": missing,
        "reasons": (Reason("code", missing, 1, 0),),
        "counter_evidence": (Check("code", "unknown", missing),),
    }
    with pytest.raises(KeyError, match="no_such_sentence"):
        detect(workspace, detectors=[Given(replace(draft("ab"), **{field: sentences[field]}))])
    assert read_findings(workspace) == []


def test_a_gap_that_the_catalogue_lacks_stops_the_run(workspace: Workspace) -> None:
    class Wordless(Given):
        def detect(self, tables: duckdb.DuckDBPyConnection, context: Context) -> Iterable[Draft]:
            context.gaps.append(Gap(self.kind, Message("rings.no_such_sentence")))
            return ()

    with pytest.raises(KeyError, match="no_such_sentence"):
        detect(workspace, detectors=[Wordless()])


def test_other_kinds_stay_when_one_is_run(workspace: Workspace) -> None:
    class Other(Given):
        kind: ClassVar[str] = "other"

    first, second = Given(draft("ab")), Other(draft("cd"))
    detect(workspace, detectors=[first, second])
    report = detect(workspace, kinds=["other"], detectors=[first, Other()])
    assert [each.kind for each in report.findings] == ["given"]
    assert [gap.detector for gap in report.gaps] == ["given", "other"]


def test_unknown_kind_is_told_with_the_known_ones(workspace: Workspace) -> None:
    with pytest.raises(RingTraceError) as told:
        detect(workspace, kinds=["rings"])
    assert "rings" in told.value.happened
    assert "borrowed_card_ring" in told.value.hint


@pytest.mark.parametrize("kind", [detector.kind for detector in DETECTORS])
def test_each_kind_runs_alone(tmp_path: Path, kind: str) -> None:
    stocked = StockedCity(1, shops=2, buyers=20)
    for day in (30, 60, 90, 120):
        stocked.sell(
            "S0p001", "H1", stocked.moment(day=day), "D1", code=f"8199900000000000{day:04d}", origin="elsewhere"
        )
        stocked.sell(
            "S1p002", "S1", stocked.moment(day=day + 9), "D1", code=f"8199900000000000{day:04d}", origin="elsewhere"
        )
    assert detect(stocked.build().workspace(tmp_path), kinds=[kind]).run == 1


def test_hospital_stays_alone_are_searched_to_the_end(tmp_path: Path) -> None:
    city = City()
    city.drug("D1")
    for number in range(20):
        begun = START + timedelta(days=10 * number)
        stay: dict[str, Any] = {"begntime": str(begun), "endtime": str(begun + timedelta(days=4)), "med_type": "21"}
        city.visit(f"p{number}", "H1", begun + timedelta(days=4), items=[{"med_list_codg": "D1"}], **stay)
    report = detect(city.workspace(tmp_path))
    assert not [each for each in report.findings if each.level in ("red", "orange")]
