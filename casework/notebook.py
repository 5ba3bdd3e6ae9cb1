"""The investigator's own words: notes, tags, verdicts, the evidence basket; kept in the workspace and never rewritten.

`cases/journal.jsonl` only grows: one JSON object a line, each with its time and author, so that what was once thought
stays on record. A run of the detectors does not touch it. A line that a crash cut off is passed over by the reader, and
the next writer begins a new line.
"""

from __future__ import annotations

import getpass
import hashlib
import json
import os
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Final, Literal, get_args

from filelock import FileLock

from ringtrace.findings import Finding
from ringtrace.workspace import Workspace

Verdict = Literal["suspect", "cleared", "unclear"]
VERDICTS: Final[tuple[Verdict, ...]] = get_args(Verdict)
_WAIT: Final = 10.0  # seconds for another desk's line to be written


@dataclass(frozen=True, slots=True)
class Entry:
    """One line of the journal.

    `about` is a finding's id, or `finding_id/Label/key` for a member of it. `evidence` is the digest of the finding's
    evidence when the entry was written, so that a later run can tell whether it still speaks of the same rows.
    """

    kind: Literal["note", "verdict", "basket", "tag"]
    about: str
    author: str
    time: str
    text: str = ""
    verdict: Verdict | None = None
    inside: bool | None = None
    evidence: str | None = None


def member_subject(finding_id: str, label: str, key: str) -> str:
    """What an entry about a member of a finding is filed under."""
    return f"{finding_id}/{label}/{key}"


def evidence_digest(finding: Finding) -> str:
    """SHA-256 over the keys of the cited rows, in order: the same as long as the evidence is the same."""
    keys = sorted(f"{ref.table}\x1f{ref.key}" for ref in finding.evidence)
    return hashlib.sha256("\x1e".join(keys).encode()).hexdigest()


def write_note(workspace: Workspace, about: str, words: str, *, author: str | None = None) -> Entry:
    """File a note."""
    return _append(workspace, Entry("note", about, author or _user(), _now(), text=words))


def write_verdict(
    workspace: Workspace, about: str, verdict: Verdict, reason: str, finding: Finding, *, author: str | None = None
) -> Entry:
    """File a verdict on `about`, which is `finding` or a member of it, with the reason for it."""
    entry = Entry("verdict", about, author or _user(), _now(), reason, verdict, evidence=evidence_digest(finding))
    return _append(workspace, entry)


def write_tags(workspace: Workspace, about: str, wanted: Iterable[str], *, author: str | None = None) -> list[Entry]:
    """Make `wanted` the tags of `about`: file what is new among them, and what is no longer there."""
    before, after = set(tags(workspace).get(about, ())), {each.strip() for each in wanted} - {""}
    who, now = author or _user(), _now()
    return [
        _append(workspace, Entry("tag", about, who, now, text=tag, inside=tag in after))
        for tag in sorted(before ^ after)
    ]


def tags(workspace: Workspace) -> dict[str, list[str]]:
    """The tags that stand, by what they are about, in the order in which they were given."""
    standing: dict[str, dict[str, None]] = {}
    for entry in entries(workspace):
        if entry.kind == "tag":
            given = standing.setdefault(entry.about, {})
            given.pop(entry.text, None)
            if entry.inside:
                given[entry.text] = None
    return {about: list(given) for about, given in standing.items() if given}


def put_in_basket(workspace: Workspace, finding_id: str, inside: bool, *, author: str | None = None) -> Entry:
    """Put a finding into the evidence basket, or take it out."""
    return _append(workspace, Entry("basket", finding_id, author or _user(), _now(), inside=inside))


def entries(workspace: Workspace) -> list[Entry]:
    """All entries, oldest first."""
    return list(_read(_journal(workspace)))


def notes(workspace: Workspace, about: str) -> list[Entry]:
    """Notes and verdicts filed under `about` or a member of it, oldest first."""
    return [
        entry
        for entry in entries(workspace)
        if entry.kind in ("note", "verdict") and (entry.about == about or entry.about.startswith(f"{about}/"))
    ]


def verdicts(workspace: Workspace) -> dict[str, Entry]:
    """The latest verdict on each subject."""
    return {entry.about: entry for entry in entries(workspace) if entry.kind == "verdict"}


def still_holds(entry: Entry, finding: Finding) -> bool:
    """Whether a verdict was given on the evidence that the finding has now."""
    return entry.evidence == evidence_digest(finding)


def cleared(workspace: Workspace, findings: Iterable[Finding]) -> set[str]:
    """Ids of the findings that were cleared as a whole, on the evidence that they have now."""
    judged = verdicts(workspace)
    return {
        finding.finding_id
        for finding in findings
        if (entry := judged.get(finding.finding_id)) and entry.verdict == "cleared" and still_holds(entry, finding)
    }


def basket(workspace: Workspace) -> list[str]:
    """Ids of the findings in the basket, in the order they were put there."""
    inside: dict[str, None] = {}
    for entry in entries(workspace):
        if entry.kind == "basket":
            inside.pop(entry.about, None)
            if entry.inside:
                inside[entry.about] = None
    return list(inside)


def _journal(workspace: Workspace) -> Path:
    return workspace.path / "cases" / "journal.jsonl"


def _append(workspace: Workspace, entry: Entry) -> Entry:
    path = _journal(workspace)
    path.parent.mkdir(exist_ok=True)
    written = {name: getattr(entry, name) for name in Entry.__slots__ if getattr(entry, name) not in (None, "")}
    line = json.dumps(written, ensure_ascii=False) + "\n"
    with FileLock(path.with_suffix(".lock")).acquire(timeout=_WAIT), path.open("ab+") as stream:
        size = stream.seek(0, os.SEEK_END)
        if size:
            stream.seek(size - 1)
            if stream.read(1) != b"\n":  # a crash cut the last line off
                line = "\n" + line
        stream.write(line.encode())
        stream.flush()
        os.fsync(stream.fileno())
    return entry


def _read(path: Path) -> Iterator[Entry]:
    if not path.is_file():
        return
    for line in path.read_bytes().splitlines():
        try:
            raw: dict[str, Any] = json.loads(line)
        except ValueError:  # the cut-off line of a crash; UnicodeDecodeError is a ValueError too
            continue
        yield Entry(**({"text": ""} | raw))


def _now() -> str:
    return datetime.now(UTC).isoformat(timespec="seconds")


def _user() -> str:
    try:
        return getpass.getuser()
    except (KeyError, OSError):  # a container's user may have no name
        return "?"
