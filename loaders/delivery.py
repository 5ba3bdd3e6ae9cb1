"""What came: the files of a folder grouped by kind, and the preset that knows what to make of them."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path

from ringtrace.data_schema import tables
from ringtrace.errors import RingTraceError
from ringtrace.loaders import workbook
from ringtrace.loaders.folder import Found, find_files, mapped, passed_over
from ringtrace.loaders.mapping import HeaderMapping
from ringtrace.loaders.preset import Delivery, Extract, Preset, SourceFile, SourceGroup
from ringtrace.loaders.presets import PRESETS
from ringtrace.loaders.reading import headers_of, reading
from ringtrace.loaders.sources import mapped_headers

_JOINED = re.compile(r'delivery\."((?:[^"]|"")+)"')


@dataclass(frozen=True, slots=True)
class Plan:
    """A delivery, the preset that takes it, and what it makes of it; `used` and `unused` are its data files.

    `passed_over` names the files of kinds that are never read.
    """

    folder: Path
    preset: Preset
    extracts: tuple[Extract, ...]
    used: tuple[Found, ...]
    unused: tuple[Found, ...]
    passed_over: tuple[str, ...]

    def of(self, table: str, *, primary: bool) -> list[Extract]:
        """The extracts that fill a table, primary or derived ones."""
        return [each for each in self.extracts if each.table == table and each.primary == primary]

    def table_of(self, role: str) -> str | None:
        """The table whose rows the role's rows are."""
        return next((each.table for each in self.extracts if each.role == role and each.primary), None)

    def unmapped(self, role: str, headers: Iterable[str]) -> tuple[str, ...]:
        """Those headers (after the renames) of a file of this role that no extract reads."""
        read: set[str] = set()
        for extract in self.extracts:
            if role in _roles(extract):
                read |= {name.casefold() for name in extract.uses}
                read |= {column.name for column in tables()[extract.table].columns}
        return tuple(header for header in headers if header.casefold() not in read)


def plan_load(folder: Path, preset: str | None, mapping: HeaderMapping) -> Plan:
    """Look at a folder and decide what to load.

    Raises
    ------
    RingTraceError
        If the folder holds nothing to load, no preset knows it, or a file lacks what its table cannot do without.
    """
    files = mapped([sheet for found in find_files(folder) for sheet in _sheets(found)], mapping)
    delivery: dict[str, SourceGroup] = {}
    for found in files:
        file = SourceFile(found.name, mapped_headers(headers_of(found), mapping))
        earlier = delivery[found.role].files if found.role in delivery else ()
        delivery[found.role] = SourceGroup(found.role, (*earlier, file))
    chosen = _choose(folder, preset, delivery)
    extracts = tuple(chosen.extracts(delivery))
    roles = {role for extract in extracts for role in _roles(extract)}
    return Plan(
        folder=folder,
        preset=chosen,
        extracts=extracts,
        used=tuple(found for found in files if found.role in roles),
        unused=tuple(found for found in files if found.role not in roles),
        passed_over=passed_over(folder),
    )


def _sheets(found: Found) -> Sequence[Found]:
    if found.format != "xlsx":
        return [found]
    with reading(found):
        return workbook.sheets(found)


def _choose(folder: Path, name: str | None, delivery: Delivery) -> Preset:
    known = ", ".join(preset.name for preset in PRESETS)
    files = [file.name for group in delivery.values() for file in group.files]
    shown = ", ".join(files[:8]) + (" …" if len(files) > 8 else "")
    if name is not None and name not in {preset.name for preset in PRESETS}:
        raise RingTraceError.of("loaders.unknown_preset", preset=name, presets=known)
    for preset in PRESETS:
        if name in (None, preset.name) and preset.recognise(delivery):
            return preset
    if name is not None:
        raise RingTraceError.of("loaders.preset_unfit", preset=name, folder=folder, files=shown)
    raise RingTraceError.of("loaders.no_preset", folder=folder, files=shown, presets=known)


def _roles(extract: Extract) -> set[str]:
    return {extract.role, *(name.replace('""', '"') for name in _JOINED.findall(extract.sql))}
