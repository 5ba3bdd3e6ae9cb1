"""The wheel holds every folder and data file of the tree; one left out of `packages` would be absent in silence."""

from __future__ import annotations

import tomllib
from pathlib import Path

ROOT = Path(__file__).parent.parent
NOT_PACKAGES = {"tests", "bench", "docs", "build", "dist", "demo"}


def declared() -> dict[str, object]:
    settings: dict[str, object] = tomllib.loads((ROOT / "pyproject.toml").read_text("utf-8"))["tool"]["setuptools"]
    return settings


def test_every_folder_with_code_or_declarations_is_packaged() -> None:
    in_tree = {"ringtrace"}
    for file in [*ROOT.rglob("*.py"), *ROOT.rglob("*.yaml")]:
        folder = file.parent.relative_to(ROOT)
        if folder.parts and not folder.parts[0].startswith(".") and folder.parts[0] not in NOT_PACKAGES:
            in_tree.add(".".join(("ringtrace", *folder.parts)))
    assert set(declared()["packages"]) == in_tree  # type: ignore[call-overload]


def test_every_kind_of_data_file_is_packaged() -> None:
    patterns = set(declared()["package-data"]["*"])  # type: ignore[index]
    endings = {
        file.suffix
        for package in declared()["packages"]  # type: ignore[attr-defined]
        for file in (ROOT / Path(*package.split(".")[1:])).iterdir()
        if package != "ringtrace" and file.is_file() and file.suffix not in {".py", ".pyc"}
    }
    assert {f"*{ending}" for ending in endings} <= patterns
