"""`verify` names what changed, what is missing and what was added, with the folder alone."""

from __future__ import annotations

import hashlib
import json
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
from factories.case import case

from ringtrace.errors import RingTraceError
from ringtrace.evidence import export, verify
from ringtrace.evidence.bag import read_manifest, write_bag
from ringtrace.texts import LANGUAGES

# One process of a parallel run gets these tests, so that what they share is made once.
pytestmark = pytest.mark.xdist_group("verify")


@pytest.fixture(scope="module")
def original(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, str]:
    folder = tmp_path_factory.mktemp("case")
    workspace, finding = case(folder)
    seal = export(workspace, [finding.finding_id], folder / "out", language="en").seal
    shutil.rmtree(workspace.path)
    return folder / "out", seal


@pytest.fixture
def folder(original: tuple[Path, str], tmp_path: Path) -> Path:
    return Path(shutil.copytree(original[0], tmp_path / "copy"))


def seal_anew(folder: Path) -> None:
    """What a forger does who knows the form: make all lists new."""
    for name in ("manifest-sha256.txt", "manifest-sm3.txt", "tagmanifest-sha256.txt", "bagit.txt", "bag-info.txt"):
        (folder / name).unlink()
    write_bag(folder, {})


def test_a_copy_is_whole(folder: Path, original: tuple[Path, str]) -> None:
    report = verify(folder, seal=original[1])
    assert report.ok
    assert (report.changed, report.missing, report.added, report.problems) == ((), (), (), ())
    assert report.seal == original[1]
    assert report.not_checked == ()


@pytest.mark.parametrize(
    "name", ["data/report.html", "data/nodes.csv", "README.txt", "bag-info.txt", "bagit.txt", "manifest-sha256.txt"]
)
def test_one_changed_byte_is_named(folder: Path, name: str) -> None:
    content = bytearray((folder / name).read_bytes())
    content[len(content) // 2] ^= 1
    (folder / name).write_bytes(bytes(content))
    report = verify(folder)
    assert name in report.changed
    assert not report.ok


@pytest.mark.parametrize("name", ["data/findings.jsonl", "README.txt", "manifest-sha256.txt", "tagmanifest-sha256.txt"])
def test_a_missing_file_is_named(folder: Path, name: str) -> None:
    (folder / name).unlink()
    assert name in verify(folder).missing


@pytest.mark.parametrize("name", ["data/more.csv", "more.txt", "data/deep/er.txt", "extra/x"])
def test_an_added_file_is_named(folder: Path, name: str) -> None:
    (folder / name).parent.mkdir(parents=True, exist_ok=True)
    (folder / name).write_text("more")
    assert verify(folder).added == (name,)


def test_a_renamed_file_is_missing_and_added(folder: Path) -> None:
    (folder / "data" / "nodes.csv").rename(folder / "data" / "Nodes2.csv")
    report = verify(folder)
    assert (report.missing, report.added) == (("data/nodes.csv",), ("data/Nodes2.csv",))


def test_a_forged_checksum_shows(folder: Path) -> None:
    """Changing a file and its line in one manifest leaves the other lists against it."""
    (folder / "data" / "nodes.csv").write_text("forged")
    manifest = folder / "manifest-sha256.txt"
    lines = manifest.read_text().splitlines(keepends=True)
    forged = hashlib.sha256(b"forged").hexdigest()
    manifest.write_text("".join(f"{forged}  data/nodes.csv\n" if "nodes.csv" in line else line for line in lines))
    report = verify(folder)
    assert {"manifest-sha256.txt", "data/nodes.csv"} <= set(report.changed)


def test_only_the_seal_shows_a_bag_made_anew(folder: Path, original: tuple[Path, str]) -> None:
    findings = folder / "data" / "report.html"
    findings.write_text("forged")
    seal_anew(folder)
    assert verify(folder).ok
    assert not verify(folder, seal=original[1]).ok


def test_a_row_forged_in_the_payload_contradicts_its_finding(folder: Path) -> None:
    findings = folder / "data" / "findings.jsonl"
    content = json.loads(findings.read_text("utf-8"))
    content["evidence"][0]["sha256"] = "0" * 64
    findings.write_text(json.dumps(content, ensure_ascii=False) + "\n", "utf-8")
    seal_anew(folder)
    assert {problem.key for problem in verify(folder).problems} == {"evidence.verify.rows_differ"}


@pytest.mark.parametrize("name", ["source_records.csv", "source_records.jsonl"])
def test_an_amount_forged_in_the_payload_contradicts_its_hash(folder: Path, name: str) -> None:
    records = folder / "data" / name
    content = records.read_bytes()
    assert content.count(b"61.50") > 1
    records.write_bytes(content.replace(b"61.50", b"91.50", 1))
    seal_anew(folder)
    assert [problem.key for problem in verify(folder).problems] == ["evidence.verify.rows_differ"]


def test_links_are_not_followed(folder: Path, tmp_path: Path) -> None:
    (tmp_path / "secret").write_text("secret")
    (folder / "data" / "link").symlink_to(tmp_path / "secret")
    report = verify(folder)
    assert not report.ok
    assert any("data/link" in line for line in report.lines("en"))


@pytest.mark.parametrize("name", ["../outside", "/etc/passwd", "data/../../x", "C:/x", "data\\x", "%2e%2e/x"])
def test_a_manifest_cannot_point_outside(folder: Path, name: str) -> None:
    with (folder / "manifest-sha256.txt").open("a") as stream:
        stream.write(f"{'0' * 64}  {name}\n")
    listed, odd = read_manifest(folder / "manifest-sha256.txt")
    assert name not in listed
    assert len(odd) == 1
    assert not verify(folder).ok


def test_what_is_no_bag_is_refused(tmp_path: Path) -> None:
    with pytest.raises(RingTraceError, match="no evidence folder"):
        verify(tmp_path)


@pytest.mark.parametrize("language", LANGUAGES)
def test_report_reads_in_both_languages(folder: Path, language: str) -> None:
    (folder / "data" / "nodes.csv").unlink()
    lines = verify(folder).lines(language)  # type: ignore[arg-type]
    assert any("data/nodes.csv" in line for line in lines)


@pytest.mark.skipif(sys.platform == "win32", reason="sha256sum is not part of Windows")
def test_sha256sum_agrees(folder: Path) -> None:
    command = ["sha256sum", "-c", "--quiet", "--strict", "manifest-sha256.txt", "tagmanifest-sha256.txt"]
    assert subprocess.run(command, cwd=folder, check=False).returncode == 0
    (folder / "data" / "nodes.csv").write_text("forged")
    assert subprocess.run(command, cwd=folder, check=False, capture_output=True).returncode == 1
