"""`mapping.yaml`: how a bureau's own headers, code values and file names read in the contract's terms."""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final

import yaml

from ringtrace.data_schema import TABLE_NAMES, tables
from ringtrace.errors import RingTraceError
from ringtrace.loaders.presets import PRESETS

FILE_NAME: Final = "mapping.yaml"


@dataclass(frozen=True)
class HeaderMapping:
    """Renames that apply before a preset looks at a delivery.

    `columns`: case-folded header → contract column; `codes`: contract column → delivered value → contract value;
    `files`: case-folded role of a file → role it shall have. An empty mapping changes nothing.
    """

    columns: dict[str, str] = field(default_factory=dict)
    codes: dict[str, dict[str, str]] = field(default_factory=dict)
    files: dict[str, str] = field(default_factory=dict)

    def header(self, header: str) -> str:
        """What `header` is called from here on."""
        return self.columns.get(header.casefold(), header)

    def role(self, role: str) -> str:
        return self.files.get(role.casefold(), role)


def read_mapping(path: Path) -> HeaderMapping:
    """Read a mapping file.

    Top-level pairs rename headers (`人员编号: psn_no`); `codes:` maps values by contract column
    (`gend: {男: "1", 女: "2"}`); `files:` maps file names to contract tables (`结算明细: settlement_items`).

    Raises
    ------
    RingTraceError
        If the file is not YAML of that form, or renames to a column or table that neither the contract nor a preset
        knows.
    """
    try:
        raw = yaml.safe_load(_text(path)) or {}
    except (OSError, UnicodeDecodeError) as error:
        raise RingTraceError.of("loaders.mapping_unreadable", file=path, reason=error) from error
    except yaml.YAMLError as error:
        raise RingTraceError.of("loaders.mapping_unreadable", file=path, reason=_place(error)) from error
    if not isinstance(raw, dict):
        raise RingTraceError.of("loaders.mapping_no_pairs", file=path, value=str(raw)[:80])
    codes = _section(raw, "codes", path)
    files = _section(raw, "files", path)
    known = {column.name for table in tables().values() for column in table.columns}
    known.update(*(preset.columns for preset in PRESETS))
    roles = {*TABLE_NAMES}.union(*(preset.roles for preset in PRESETS))
    renames = {str(header).strip().casefold(): str(name).strip() for header, name in raw.items()}
    for name in [*renames.values(), *(str(column) for column in codes)]:
        if name not in known:
            raise RingTraceError.of("loaders.mapping_unknown", file=path, name=name)
    for role in files.values():
        if str(role) not in roles:
            raise RingTraceError.of("loaders.mapping_unknown", file=path, name=role)
    return HeaderMapping(
        columns=renames,
        codes={
            str(column): {str(old): str(new) for old, new in _pairs(values, path).items()}
            for column, values in codes.items()
        },
        files={str(role).strip().casefold(): str(table) for role, table in files.items()},
    )


def _section(raw: dict[Any, Any], name: str, path: Path) -> dict[Any, Any]:
    return _pairs(raw.pop(name, None) or {}, path)


def _pairs(value: object, path: Path) -> dict[Any, Any]:
    if not isinstance(value, dict):
        raise RingTraceError.of("loaders.mapping_no_pairs", file=path, value=str(value)[:80])
    return value


def _text(path: Path) -> str:
    """The file's text; an editor of a Chinese Windows may have saved it in GB18030."""
    data = path.read_bytes()
    try:
        return data.decode("utf-8-sig")
    except UnicodeDecodeError:
        return data.decode("gb18030")


def _place(error: yaml.YAMLError) -> str:
    """What YAML objects to, and in which line, on one line."""
    mark = getattr(error, "problem_mark", None)
    said = getattr(error, "problem", None) or " ".join(str(error).split())
    return f"{mark.line + 1}: {said}" if mark is not None else said
