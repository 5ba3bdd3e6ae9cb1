"""A masked copy holds no sensitive value in any byte of any file, and one person keeps one pseudonym."""

from __future__ import annotations

from pathlib import Path

import pytest
from factories.case import PERSONS, SENSITIVE, case

from ringtrace.data_schema import tables
from ringtrace.evidence import export, verify
from ringtrace.evidence.masking import KEY_FILE, Pseudonyms, domain, masking_key
from ringtrace.evidence.redaction import Redactor
from ringtrace.evidence.spreadsheet import read_csv
from ringtrace.findings import Message, read_findings, save_findings

SECRETS = [*PERSONS, *(f"C{person}" for person in PERSONS), "独孤求败", "E11.900"]
SECRETS += [value for values in SENSITIVE.values() for value in values]


def leaks(folder: Path, secrets: list[str]) -> set[tuple[str, str]]:
    """`(file, value)` of every secret that stands in a file's bytes or name, plain or as JSON or HTML write it."""
    found = set()
    for file in (each for each in folder.rglob("*") if each.is_file()):
        content = file.name.encode() + file.read_bytes()
        for secret in secrets:
            forms = {secret, secret.replace("&", "&amp;"), secret.encode("unicode_escape").decode()}
            if any(form.encode() in content for form in forms):
                found.add((file.name, secret))
    return found


def test_the_search_finds_what_an_unmasked_export_shows(tmp_path: Path) -> None:
    workspace, finding = case(tmp_path)
    export(workspace, [finding.finding_id], tmp_path / "out", language="zh")
    assert {secret for _, secret in leaks(tmp_path / "out", SECRETS)} >= {PERSONS[0], SENSITIVE["certno"][0]}


def test_no_sensitive_value_leaks(tmp_path: Path) -> None:
    names = {"file": f"{SENSITIVE['psn_name'][2]}_settlements.csv", "pharmacy": "独孤求败大药房", "drug": "阿卡波糖"}
    names["said"] = f"{SENSITIVE['psn_name'][1]}（{PERSONS[1]}），电话{SENSITIVE['tel'][2]}，C{PERSONS[0]}"
    workspace, finding = case(tmp_path, names=names)
    export(workspace, [finding.finding_id], tmp_path / "out", masked=True, language="zh")
    assert leaks(tmp_path / "out", [*SECRETS, finding.finding_id]) == set()
    assert verify(tmp_path / "out").ok


def test_people_outside_the_finding_are_not_named_in_its_sentences(tmp_path: Path) -> None:
    """A sentence may name someone whose rows are not cited; the whole workspace is asked."""
    from dataclasses import replace

    workspace, finding = case(tmp_path, save=False)
    said = replace(
        finding,
        members=(),
        evidence=(),
        counter_evidence=(),
        title=Message("evidence.verify.added", {"file": PERSONS[2]}),
        summary=Message("evidence.verify.added", {"file": f"见{SENSITIVE['tel'][2]}、{SENSITIVE['certno'][1]}"}),
    )
    with workspace.writing():
        save_findings(workspace, [said])
    export(workspace, [said.finding_id], tmp_path / "out", masked=True, language="zh")
    assert leaks(tmp_path / "out", SECRETS) == set()


def test_one_person_has_one_pseudonym_everywhere_and_in_every_export(tmp_path: Path) -> None:
    workspace, finding = case(tmp_path)
    seen = []
    for name in ("a", "b"):
        export(workspace, [finding.finding_id], tmp_path / name, masked=True)
        nodes = {row["id"] for row in read_csv(tmp_path / name / "data" / "nodes.csv") if row["label"] == "Patient"}
        rows = read_csv(tmp_path / name / "data" / "source_records.csv")
        people = {f"Patient:{row['psn_no']}" for row in rows if row["psn_no"]}
        assert nodes == people
        assert len(people) == len(PERSONS)
        seen.append(people)
    assert seen[0] == seen[1]
    assert read_findings(workspace) == [finding]


def test_another_workspace_gives_other_pseudonyms(tmp_path: Path) -> None:
    first, _ = case(tmp_path / "one")
    second, _ = case(tmp_path / "two")
    values = {Pseudonyms(masking_key(each)).of("psn_no", PERSONS[0]) for each in (first, second)}
    assert len(values) == 2
    assert (first.path / KEY_FILE).stat().st_mode & 0o077 == 0


def test_columns_that_name_a_person_share_a_domain() -> None:
    declared = tables()
    owner = domain(declared["persons"], declared["persons"]["psn_no"])
    for table, column in (("settlements", "psn_no"), ("cards", "psn_no"), ("cards", "share_psn_no")):
        assert domain(declared[table], declared[table][column]) == owner
    assert domain(declared["cards"], declared["cards"]["mdtrt_cert_no"]) != owner


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        ("12 次", "12 次"),  # a single-character value never counts
        ("户号 12a。", "户号 <h>。"),
        ("312ab", "312ab"),  # a short code only as a whole word
        ("S3301061956030704170001", "S<id>0001"),  # a long one anywhere
        ("李雷和韩梅梅", "<a>和<b>"),
        ("", ""),
    ],
)
def test_redaction_finds_values_inside_text(value: str, expected: str) -> None:
    replacements = {
        "1": "<x>",
        "12a": "<h>",
        "330106195603070417": "<id>",
        "李雷": "<a>",
        "韩梅梅": "<b>",
        "韩梅": "<c>",
    }
    assert Redactor(replacements).text(value) == expected
