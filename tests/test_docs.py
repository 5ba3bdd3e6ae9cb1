"""Documents keep up with the code: every command and option is described, every path and command they name exists."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
import typer.main

from ringtrace.cli import app

ROOT = Path(__file__).parent.parent
DOCUMENTS = [ROOT / "README.md", ROOT / "README.zh.md", *sorted((ROOT / "docs").rglob("*.md"))]
COMMANDS = typer.main.get_command(app).commands  # type: ignore[attr-defined]


@pytest.mark.parametrize("command", sorted(COMMANDS))
def test_every_command_and_option_is_in_the_reference(command: str) -> None:
    reference = (ROOT / "docs" / "commands.md").read_text("utf-8")
    section = re.search(rf"^## `ringtrace {re.escape(command)}`$(.*?)(?=^## |\Z)", reference, re.M | re.S)
    assert section, f"docs/commands.md has no section for `ringtrace {command}`"
    for parameter in COMMANDS[command].params:
        for option in parameter.opts:
            if option.startswith("--") and option != "--help":
                assert f"`{option}" in section[1], f"{command} {option} is not described"


@pytest.mark.parametrize("document", DOCUMENTS, ids=lambda path: path.relative_to(ROOT).as_posix())
def test_links_to_files_lead_somewhere(document: Path) -> None:
    for target in re.findall(r"\]\(([^)#\s]+)[^)]*\)", document.read_text("utf-8")):
        if "://" not in target:
            assert (document.parent / target).exists(), f"{document.name} links to {target}"


@pytest.mark.parametrize("document", DOCUMENTS, ids=lambda path: path.relative_to(ROOT).as_posix())
def test_commands_that_documents_show_exist(document: Path) -> None:
    for command in re.findall(r"\bringtrace ([a-z]+)\b(?=[ `\n])", document.read_text("utf-8")):
        assert command in COMMANDS, f"{document.name} shows `ringtrace {command}`"


@pytest.mark.parametrize("document", DOCUMENTS, ids=lambda path: path.relative_to(ROOT).as_posix())
def test_bench_and_make_targets_that_documents_name_exist(document: Path) -> None:
    text = document.read_text("utf-8")
    for script in re.findall(r"\bbench/(\w+\.py)", text):
        assert (ROOT / "bench" / script).is_file(), f"{document.name} names bench/{script}"
    targets = set(re.findall(r"^(\w+):", (ROOT / "Makefile").read_text("utf-8"), re.M))
    for target in re.findall(r"`make (\w+)`|^make (\w+)", text, re.M):
        assert {*target} - {""} <= targets, f"{document.name} names make {target}"
