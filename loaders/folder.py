"""Which files of a folder are data, what each is called, and which belong together."""

from __future__ import annotations

import os
import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final, Literal

from ringtrace.errors import RingTraceError
from ringtrace.loaders.mapping import FILE_NAME, HeaderMapping

Format = Literal["csv", "parquet", "xlsx"]
Compression = Literal["gzip", "zstd"]

_ENDINGS: Final[dict[str, tuple[Format, Compression | None]]] = {
    ".csv": ("csv", None),
    ".tsv": ("csv", None),
    ".csv.gz": ("csv", "gzip"),
    ".tsv.gz": ("csv", "gzip"),
    ".csv.zst": ("csv", "zstd"),
    ".csv.zstd": ("csv", "zstd"),
    ".parquet": ("parquet", None),
    ".xlsx": ("xlsx", None),
}
# The number that tells parts apart: `_2025-03`, `-part1`, `.0`; what remains is the role.
# 3501 to 3506 name tables of the platform's stock interface and tell no part.
_PART: Final = re.compile(r"[-_. ]*(part[-_. ]?)?(?<![0-9])(?!350[1-6](?![0-9]))[0-9][0-9\-_. ]*$", re.IGNORECASE)
_HIDDEN: Final = (".", "_", "~")
_PART_ONLY: Final = re.compile(r"(part|[0-9])", re.IGNORECASE)


@dataclass(frozen=True, slots=True)
class Found:
    """A data file of the folder; of a workbook with several sheets, one sheet."""

    path: Path
    name: str
    role: str
    format: Format
    compression: Compression | None = None
    sheet: str | None = None


def find_files(folder: Path) -> list[Found]:
    """The data files below `folder`, in natural order of their names; hidden ones and other kinds are left alone.

    A sub-folder whose files are named `part-…` (or by a number) counts as one file named like the sub-folder, which may
    itself be called `settlements.csv`.

    Raises
    ------
    RingTraceError
        If the folder does not exist, or holds no data file.
    PermissionError
        If the folder, or one below it, may not be looked into: what it holds would be left out unseen.
    """
    if not folder.is_dir():
        raise RingTraceError.of("loaders.no_folder", folder=folder)
    found: list[Found] = []
    for path in _visible(folder):
        stem, kind = _split_ending(path.name)
        if kind is not None:
            relative = path.relative_to(folder)
            found.append(Found(path, relative.as_posix(), _role(relative.parts[:-1], stem), *kind))
    if not found:
        raise RingTraceError.of("loaders.empty_folder", folder=folder)
    return sorted(found, key=lambda each: natural_order(each.name))


def passed_over(folder: Path) -> tuple[str, ...]:
    """The files below `folder` that `find_files` leaves alone since they are of another kind (`.xls`, `.zip`, …)."""
    others = (path for path in _visible(folder) if _split_ending(path.name)[1] is None and path.name != FILE_NAME)
    return tuple(sorted((path.relative_to(folder).as_posix() for path in others), key=natural_order))


def _visible(folder: Path) -> Iterator[Path]:
    for place, below, names in os.walk(folder, onerror=_cannot_look):
        below[:] = [name for name in below if not name.startswith(_HIDDEN)]
        paths = (Path(place, name) for name in names if not name.startswith(_HIDDEN))
        yield from (path for path in paths if path.is_file())


def _cannot_look(error: OSError) -> None:
    raise error


def natural_order(name: str) -> list[tuple[int, int | str]]:
    """Sort key by which `part-2` stands before `part-10`."""
    return [(0, int(part)) if part.isdigit() else (1, part.casefold()) for part in re.split(r"([0-9]+)", name)]


def mapped(files: Sequence[Found], mapping: HeaderMapping) -> list[Found]:
    """The files with the roles that the mapping gives them."""
    return [
        Found(each.path, each.name, mapping.role(each.role), each.format, each.compression, each.sheet)
        for each in files
    ]


def _split_ending(name: str) -> tuple[str, tuple[Format, Compression | None] | None]:
    lowered = name.casefold()
    for ending, kind in _ENDINGS.items():
        if lowered.endswith(ending):
            return name[: -len(ending)], kind
    return name, None


def role_of(stem: str) -> str:
    """The role that a file name without ending shows: lower case, without the number that tells parts apart."""
    return (_PART.sub("", stem) or stem).casefold()


def _role(folders: tuple[str, ...], stem: str) -> str:
    folders = tuple(_split_ending(folder)[0] for folder in folders)
    if not folders:
        return role_of(stem)
    if _PART_ONLY.match(stem):
        return folders[0].casefold()
    return "/".join((*(folder.casefold() for folder in folders), role_of(stem)))
