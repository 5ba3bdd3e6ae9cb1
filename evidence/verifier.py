"""Check an evidence folder: is everything there, unchanged, and nothing added? Needs the folder alone.

Beyond the checksums it looks for what someone leaves who changed a file and its checksum: lists that disagree with each
other, a size in bag-info.txt that no longer fits, a source row whose own hash is not the one that its finding cites.
"""

from __future__ import annotations

import csv
import hmac
import json
import os
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final

from ringtrace.errors import RingTraceError
from ringtrace.evidence.bag import DECLARATION, MANIFESTS, PAYLOAD, TAG_MANIFEST, available_algorithms, checksums
from ringtrace.evidence.bag import read_manifest as read
from ringtrace.evidence.bag import seal as seal_of
from ringtrace.evidence.source_records import LINEAGE
from ringtrace.evidence.spreadsheet import cell, read_csv, restore
from ringtrace.findings import Message
from ringtrace.loaders.lineage import row_sha256
from ringtrace.texts import Language

_FINDINGS: Final = f"{PAYLOAD}/findings.jsonl"
_RECORDS: Final = f"{PAYLOAD}/source_records.csv"
_ORIGINALS: Final = f"{PAYLOAD}/source_records.jsonl"
_REQUIRED: Final = ("bagit.txt", "bag-info.txt", MANIFESTS["sha256"], TAG_MANIFEST)


@dataclass(frozen=True, slots=True)
class VerifyReport:
    """What `verify` found; names are relative to the folder, with forward slashes, in order.

    `signs` are the other signs of tampering. `seal` is to be compared with the one that the sender states;
    `not_checked` names algorithms that this Python lacks.
    """

    folder: Path
    checked: int
    changed: tuple[str, ...] = ()
    missing: tuple[str, ...] = ()
    added: tuple[str, ...] = ()
    signs: tuple[Message, ...] = ()
    seal: str | None = None
    not_checked: tuple[str, ...] = ()

    @property
    def ok(self) -> bool:
        return not self.problems

    @property
    def problems(self) -> tuple[Message, ...]:
        """Everything that is not as listed, a sentence each."""
        named = (("changed", self.changed), ("missing", self.missing), ("added", self.added))
        files = (Message(f"evidence.verify.{what}", {"file": name}) for what, names in named for name in names)
        return (*files, *self.signs)

    def lines(self, language: Language) -> list[str]:
        """The report in sentences, one a line, the verdict last."""
        shown = list(self.problems)
        shown += [Message("evidence.verify.not_checked", {"algorithm": each}) for each in self.not_checked]
        if self.seal is not None:
            shown.append(Message("evidence.verify.seal", {"seal": self.seal}))
        verdict = "evidence.verify.ok" if self.ok else "evidence.verify.not_ok"
        shown.append(Message(verdict, {"files": self.checked}))
        return [message.render(language) for message in shown]


@dataclass(slots=True)
class _Signs:
    changed: set[str] = field(default_factory=set)
    missing: set[str] = field(default_factory=set)
    added: set[str] = field(default_factory=set)
    problems: list[Message] = field(default_factory=list)


def verify(folder: str | Path, *, seal: str | None = None) -> VerifyReport:
    """Compare the files of an evidence folder with its lists of checksums.

    Parameters
    ----------
    folder:
        What `export` wrote, perhaps copied, perhaps unpacked from an archive.
    seal:
        The seal that the sender stated; given, it must be this folder's.

    Raises
    ------
    RingTraceError
        If `folder` is no evidence folder at all, or cannot be read.
    """
    root = Path(folder)
    if not (root / "bagit.txt").is_file() and not (root / MANIFESTS["sha256"]).is_file():
        raise RingTraceError.of("evidence.verify.no_bag", folder=folder)
    signs = _Signs()
    present = {file.relative_to(root).as_posix() for file in _files(root)}
    links = {name for name in present if (root / name).is_symlink()}
    signs.problems += [Message("evidence.verify.link", {"file": name}) for name in sorted(links)]
    signs.missing |= {name for name in _REQUIRED if name not in present}

    lists = {
        name: _listed(root, name, signs) for name in (*MANIFESTS.values(), TAG_MANIFEST) if name in present - links
    }
    payload = set[str]().union(*(set(lists.get(name, {})) for name in MANIFESTS.values()))
    tags = set(lists.get(TAG_MANIFEST, {}))
    signs.missing |= (payload | tags) - present
    signs.added |= present - payload - tags - {TAG_MANIFEST} - signs.missing
    usable = available_algorithms()
    for algorithm, name in MANIFESTS.items():
        if name in lists and algorithm in usable:
            _compare(root, lists[name], algorithm, present - links, signs)
    _compare(root, lists.get(TAG_MANIFEST, {}), "sha256", present - links, signs)
    _cross_check(root, lists, present - links, signs)

    own = seal_of(root) if TAG_MANIFEST in present - links else None
    if seal is not None and not hmac.compare_digest(seal.strip().lower(), own or ""):
        signs.problems.append(Message("evidence.verify.wrong_seal", {"stated": seal.strip()[:64]}))
    return VerifyReport(
        folder=root,
        checked=len(present),
        changed=tuple(sorted(signs.changed)),
        missing=tuple(sorted(signs.missing)),
        added=tuple(sorted(signs.added)),
        signs=tuple(signs.problems),
        seal=own,
        not_checked=tuple(each for each, name in MANIFESTS.items() if name in lists and each not in usable),
    )


def _files(root: Path) -> list[Path]:
    """Every file below `root`; links are named and not followed, as they may lead anywhere."""
    found = []
    for place, folders, files in os.walk(root, followlinks=False):
        found += [Path(place, name) for name in files]
        found += [Path(place, name) for name in folders if Path(place, name).is_symlink()]
    return found


def _listed(root: Path, name: str, signs: _Signs) -> dict[str, str]:
    listed, odd = read(root / name)
    signs.problems += [Message("evidence.verify.odd_line", {"file": name, "line": line[:120]}) for line in odd]
    return listed


def _compare(root: Path, listed: dict[str, str], algorithm: str, readable: set[str], signs: _Signs) -> None:
    for name, checksum in listed.items():
        if name in readable and checksums(root / name, [algorithm])[algorithm] != checksum:
            signs.changed.add(name)


def _cross_check(root: Path, lists: dict[str, dict[str, str]], readable: set[str], signs: _Signs) -> None:
    named: list[set[str]] = [set(lists[name]) for name in MANIFESTS.values() if name in lists]
    signs.problems += [
        Message("evidence.verify.lists_differ", {"file": name})
        for name in sorted(set[str]().union(*named) - (set[str].intersection(*named) if named else set()))
    ]
    if "bagit.txt" in readable and (root / "bagit.txt").read_text("utf-8", errors="replace") != DECLARATION:
        signs.changed.add("bagit.txt")
    payload = [root / name for name in readable if name.startswith(f"{PAYLOAD}/")]
    oxum = f"{sum(file.stat().st_size for file in payload)}.{len(payload)}"
    if "bag-info.txt" in readable:
        told = (root / "bag-info.txt").read_text("utf-8", errors="replace").splitlines()
        stated = [line.partition(":")[2].strip() for line in told if line.startswith("Payload-Oxum:")]
        if stated != [oxum]:
            signs.problems.append(Message("evidence.verify.oxum", {"stated": ", ".join(stated) or "–", "found": oxum}))
    if {_FINDINGS, _RECORDS} <= readable:
        try:
            signs.problems += _rows_differ(root, _ORIGINALS in readable)
        except (ValueError, KeyError, TypeError, AttributeError, csv.Error):
            signs.problems.append(Message("evidence.verify.unreadable", {"file": f"{_FINDINGS}, {_RECORDS}"}))


def _rows_differ(root: Path, originals: bool) -> list[Message]:
    """Source rows that are not there, or whose hash or cells are not those that a finding cites.

    A masked copy has no cells as they came and keyed hashes, so only their agreement is checked.
    """
    cited = {
        (ref["table"], ref["key"]): ref["sha256"] or ""
        for line in _lines(root / _FINDINGS)
        for ref in json.loads(line)["evidence"]
    }
    shown = {(row["_table"], row["_key"]): row for row in read_csv(root / _RECORDS)}
    differing = {key for key, checksum in cited.items() if shown.get(key, {}).get("_sha256") != checksum}
    for line in _lines(root / _ORIGINALS) if originals else ():
        row = json.loads(line)
        key = row["table"], row["key"]
        if row_sha256(row["cells"]) != row["sha256"] or cited.get(key) != row["sha256"]:
            differing.add(key)
        cells = {_stored(name): _stored(value) for name, value in zip(row["headers"], row["cells"], strict=True)}
        if any(shown[key][name] != value for name, value in cells.items() if name not in LINEAGE):
            differing.add(key)
    return [Message("evidence.verify.rows_differ", {"key": f"{table} {key}"}) for table, key in sorted(differing)]


def _stored(text: str) -> str:
    """What a CSV file gives back of `text`."""
    return restore(cell(text))


def _lines(path: Path) -> list[str]:
    return [line for line in path.read_text("utf-8").split("\n") if line]
