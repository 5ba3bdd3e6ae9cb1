"""The folder's form: a bag of RFC 8493, that is, `data/` and lists of checksums beside it.

    bagit.txt bag-info.txt          what this folder is
    manifest-sha256.txt             checksums of everything under data/
    manifest-sm3.txt                the same with SM3 (GB/T 32905), which Chinese offices ask for
    tagmanifest-sha256.txt          checksums of the files above and of the README
    data/                           the payload

Whoever changes a file and all lists after it leaves a sound bag. So an export states its *seal*, the SHA-256 of
`tagmanifest-sha256.txt`: sent by another way (a letter, the case file), it shows that too.

The lists are written here and not by the library `bagit`, which the tests use as the judge: its `make_bag` changes the
working directory of the whole process, so two users of one app would disturb each other, and it has no SM3.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Mapping
from datetime import date
from pathlib import Path
from typing import Final
from urllib.parse import unquote

PAYLOAD: Final = "data"
MANIFESTS: Final = {"sha256": "manifest-sha256.txt", "sm3": "manifest-sm3.txt"}
TAG_MANIFEST: Final = "tagmanifest-sha256.txt"
DECLARATION: Final = "BagIt-Version: 1.0\nTag-File-Character-Encoding: UTF-8\n"
_BLOCK: Final = 1 << 20


def checksums(path: Path, algorithms: Iterable[str]) -> dict[str, str]:
    """Checksum of the file by algorithm (`sha256`, `sm3`), in lower-case hexadecimal, in one pass over it."""
    running = {name: hashlib.new(name) for name in algorithms}
    with path.open("rb") as stream:
        while block := stream.read(_BLOCK):
            for each in running.values():
                each.update(block)
    return {name: each.hexdigest() for name, each in running.items()}


def available_algorithms() -> tuple[str, ...]:
    """SHA-256, and SM3 where this Python's OpenSSL has it."""
    return tuple(name for name in MANIFESTS if name in hashlib.algorithms_available)


def write_bag(folder: Path, info: Mapping[str, str]) -> str:
    """Complete `folder`, whose payload stands under `data/`, to a bag; return its seal."""
    algorithms = available_algorithms()
    payload = sorted(file for file in (folder / PAYLOAD).rglob("*") if file.is_file())
    sums = {file.relative_to(folder).as_posix(): checksums(file, algorithms) for file in payload}
    for algorithm in algorithms:
        _write(folder / MANIFESTS[algorithm], (f"{each[algorithm]}  {name}\n" for name, each in sums.items()))
    size = sum(file.stat().st_size for file in payload)
    lines = dict(info) | {"Bagging-Date": date.today().isoformat(), "Payload-Oxum": f"{size}.{len(payload)}"}
    _write(folder / "bag-info.txt", (f"{name}: {' '.join(value.split())}\n" for name, value in lines.items()))
    _write(folder / "bagit.txt", [DECLARATION])
    tags = sorted(file for file in folder.iterdir() if file.is_file())
    _write(folder / TAG_MANIFEST, (f"{checksums(file, ['sha256'])['sha256']}  {file.name}\n" for file in tags))
    return seal(folder)


def seal(folder: Path) -> str:
    """SHA-256 of the list that, by way of the other lists, covers every file of the bag."""
    return checksums(folder / TAG_MANIFEST, ["sha256"])["sha256"]


def read_manifest(path: Path) -> tuple[dict[str, str], list[str]]:
    """The checksums of a manifest by file name, and the lines that are no entry of one.

    A name that would lead out of the bag (absolute, or with `..`) counts as no entry: a bag comes from strangers.
    """
    listed: dict[str, str] = {}
    odd: list[str] = []
    for line in path.read_text("utf-8-sig", errors="replace").splitlines():
        checksum, _, rest = line.partition(" ")
        name = unquote(rest.strip().removeprefix("*").removeprefix("./"))
        parts = name.split("/")
        sound = checksum and name and ".." not in parts and "" not in parts and "\\" not in name and ":" not in parts[0]
        if sound and name not in listed:
            listed[name] = checksum.lower()
        elif line.strip():
            odd.append(line)
    return listed, odd


def _write(path: Path, lines: Iterable[str]) -> None:
    path.write_text("".join(lines), encoding="utf-8", newline="\n")
