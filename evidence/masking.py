"""Masked copies: who a value belongs to can no longer be read, but the same value has the same pseudonym everywhere.

A pseudonym is `<domain>-<code>`: the code is the first 60 bits of HMAC-SHA-256 under a key that never leaves the
workspace. Columns that name the same thing share a domain, so a card's owner and the person are still one. What is
masked, and how, follows the column's sensitivity in `data_schema`:

    identifier, name, contact   a pseudonym
    quasi                       a date keeps its year, everything else becomes a pseudonym
    health                      ***
"""

from __future__ import annotations

import base64
import hashlib
import hmac
import os
import re
import secrets
from collections.abc import Iterable, Mapping
from dataclasses import replace
from datetime import date
from pathlib import Path
from typing import Any, Final

import duckdb

from ringtrace.data_schema import Column, Table, tables
from ringtrace.evidence.material import KEY, Material, Row
from ringtrace.evidence.redaction import Redactor
from ringtrace.findings import Check, EvidenceRef, Finding, Member, Message, Reason, Value
from ringtrace.workspace import Workspace

KEY_FILE: Final = "masking.key"
HIDDEN: Final = "***"
_TOKEN: Final = re.compile(r"[0-9A-Za-z]{4,}|[\u3400-\u9fff·]{2,}")
_MEMBER_COLUMNS: Final = {
    "Patient": ("persons", "psn_no"),
    "Card": ("cards", "mdtrt_cert_no"),
    "Doctor": ("practitioners", "dr_code"),
    "Pharmacy": ("institutions", "fixmedins_code"),
    "Hospital": ("institutions", "fixmedins_code"),
    "Drug": ("drugs", "med_list_codg"),
    "Pack": ("settlement_items", "drug_trac_codg"),
}


def masking_key(workspace: Workspace) -> bytes:
    """The workspace's own key, made at first need; only its owner may read the file."""
    path = workspace.path / KEY_FILE
    if not path.exists():
        fresh = path.with_name(f".{KEY_FILE}.{secrets.token_hex(8)}")
        descriptor = os.open(fresh, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
        try:
            with os.fdopen(descriptor, "wb") as stream:
                stream.write(secrets.token_bytes(32))
                stream.flush()
                os.fsync(stream.fileno())
            _link_once(fresh, path)
        finally:
            fresh.unlink(missing_ok=True)
    return path.read_bytes()


def _link_once(fresh: Path, path: Path) -> None:
    """Give the key its name unless another process was first: two exports at once must share one key."""
    try:
        os.link(fresh, path)
    except FileExistsError:
        return


class Pseudonyms:
    """Stands in for values of sensitive columns, always the same for the same value."""

    def __init__(self, key: bytes) -> None:
        self._key = key

    def of(self, domain: str, value: str) -> str:
        digest = hmac.new(self._key, f"{domain}\x1f{value}".encode(), hashlib.sha256).digest()
        return f"{domain}-{base64.b32encode(digest)[:12].decode().lower()}"

    def cell(self, table: Table, column: Column, value: Any) -> Any:
        """What a masked copy shows for `value` of `column`; values of columns without sensitivity stay."""
        if value is None or column.sensitivity == "none":
            return value
        if column.sensitivity == "health":
            return HIDDEN
        if column.sensitivity == "quasi" and isinstance(value, date):
            return f"{value.year:04d}"
        return self.of(domain(table, column), str(value))


def domain(table: Table, column: Column) -> str:
    """The kind of thing that `column` names: columns with one domain give one value one pseudonym."""
    if column.references is not None:
        return tables()[column.references].key[0]
    if column.sensitivity == "name":
        return "name"
    return "certno" if column.name.endswith("certno") else column.name


def mask(material: Material, connection: duckdb.DuckDBPyConnection, key: bytes) -> Material:
    """A copy of `material` in which no sensitive value is left: rows, members, sentences, ids, file names.

    Sentences are searched for every sensitive value of the rows at hand, and each word in them that is an identifier
    or a contact of *anyone* in the workspace is replaced too. Hashes of source rows become keyed ones, since a plain
    hash of a short row can be guessed.
    """
    names = Pseudonyms(key)
    redactor = Redactor(_replacements(material, connection, names))
    return Material(
        findings=tuple(_finding(finding, names, redactor) for finding in material.findings),
        rows={
            table: [_row(tables()[table], row, names, redactor) for row in rows]
            for table, rows in material.rows.items()
        },
        cited=tuple(_ref(ref, names, redactor) for ref in material.cited),
    )


def _replacements(material: Material, connection: duckdb.DuckDBPyConnection, names: Pseudonyms) -> Mapping[str, str]:
    found: dict[str, str] = {}
    for table, rows in material.rows.items():
        for column in tables()[table].columns:
            if column.sensitivity not in ("none", "health"):
                for row in rows:
                    if (value := row[column.name]) is not None:
                        found[str(value)] = str(names.cell(tables()[table], column, value))
    said = sorted({word for finding in material.findings for value in _said(finding) for word in _words(value)})
    for name in ("persons", "cards", "institutions", "practitioners", "settlements"):
        for column in tables()[name].columns:
            if said and column.sensitivity in ("identifier", "contact", "name"):
                known = connection.execute(
                    f"SELECT DISTINCT {column.name} FROM {name} WHERE {column.name} IN (SELECT unnest(?::VARCHAR[]))",
                    [said],
                ).fetchall()
                found |= {value: str(names.cell(tables()[name], column, value)) for (value,) in known}
    return found


def _said(finding: Finding) -> Iterable[str]:
    """Every text value that reaches a reader through the finding's sentences."""
    points: tuple[Reason | Check, ...] = (*finding.reasons, *finding.counter_evidence)
    messages = [finding.title, finding.summary, *(each.message for each in points)]
    values = [value for message in messages for value in message.values.values()]
    values += [value for each in points for value in (each.value, each.expected)]
    return [value for value in values if isinstance(value, str)]


def _words(value: str) -> set[str]:
    return {value, *_TOKEN.findall(value)}


def _row(table: Table, row: Row, names: Pseudonyms, redactor: Redactor) -> Row:
    masked = dict(row)
    for column in table.columns:
        value = row[column.name]
        if column.sensitivity != "none":
            masked[column.name] = names.cell(table, column, value)
        elif isinstance(value, str):
            masked[column.name] = redactor.text(value) if column.type == "text" else redactor.code(value)
    masked[KEY] = _key(table, row[KEY], names, redactor)
    return masked


def _key(table: Table, key: str, names: Pseudonyms, redactor: Redactor) -> str:
    if len(table.key) == 1 and not table.ordinal:
        column = table[table.key[0]]
        return redactor.code(key) if column.sensitivity == "none" else str(names.cell(table, column, key))
    return redactor.code(key)


def _ref(ref: EvidenceRef, names: Pseudonyms, redactor: Redactor) -> EvidenceRef:
    return replace(
        ref,
        key=_key(tables()[ref.table], ref.key, names, redactor),
        file=None if ref.file is None else redactor.text(ref.file),
        sha256=None if ref.sha256 is None else names.of("row", ref.sha256),
    )


def _finding(finding: Finding, names: Pseudonyms, redactor: Redactor) -> Finding:
    def value(each: Value) -> Value:
        return redactor.text(each) if isinstance(each, str) else each

    def message(each: Message) -> Message:
        return Message(each.key, {name: value(given) for name, given in each.values.items()})

    def reason(each: Reason) -> Reason:
        return replace(each, message=message(each.message), value=value(each.value), expected=value(each.expected))

    def check(each: Check) -> Check:
        return replace(each, message=message(each.message), value=value(each.value), expected=value(each.expected))

    def member(each: Member) -> Member:
        table, column = _MEMBER_COLUMNS[each.label]
        declared = tables()[table][column]
        masked = names.cell(tables()[table], declared, each.id) if declared.sensitivity != "none" else each.id
        return replace(each, id=redactor.code(str(masked)))

    return replace(
        finding,
        # The id is a hash of who the finding is about, so it could be guessed from a list of person numbers.
        finding_id=names.of(finding.kind, finding.finding_id),
        title=message(finding.title),
        summary=message(finding.summary),
        members=tuple(member(each) for each in finding.members),
        reasons=tuple(reason(each) for each in finding.reasons),
        counter_evidence=tuple(check(each) for each in finding.counter_evidence),
        evidence=tuple(_ref(each, names, redactor) for each in finding.evidence),
    )
