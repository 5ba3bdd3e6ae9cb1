"""What must be true of every detector, every bench and every file, so that the next one cannot forget it."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Final

import pytest
from factories.city import City

from ringtrace.detectors import DETECTORS, detect
from ringtrace.texts import LANGUAGES, text

ROOT = Path(__file__).parent.parent
KINDS = [detector.kind for detector in DETECTORS]
WRITTEN: Final = {".py", ".js", ".css", ".html", ".md", ".yaml", ".toml", ".txt", ".cfg", ""}
MADE: Final = {"build", "demo", "dist", "out"}
MOST_LINES = 400
MACHINE_PATH = re.compile(r"(?<![\w.])/(?:home|root|work|Users)/\w|[A-Z]:\\Users")


def files() -> Iterator[tuple[str, str]]:
    """Every text file of the tree that a person wrote, as path and content; what git ignores is not among them."""
    for path in sorted(ROOT.rglob("*")):
        inside = path.relative_to(ROOT)
        made = any(part.startswith(".") or part in MADE or part.endswith(".egg-info") for part in inside.parts[:-1])
        if not made and path.is_file() and not path.name.startswith(".") and path.suffix in WRITTEN:
            yield inside.as_posix(), path.read_text("utf-8")


def marks(module: Path) -> set[str]:
    """Names of the pytest marks on a module's tests."""
    return {
        mark.attr
        for each in ast.parse(module.read_text("utf-8")).body
        if isinstance(each, ast.FunctionDef) and each.name.startswith("test_")
        for mark in each.decorator_list
        if isinstance(mark, ast.Attribute)
    }


@pytest.mark.parametrize("kind", KINDS)
def test_every_detector_has_a_positive_and_a_near_miss(kind: str) -> None:
    module = ROOT / "tests" / "detectors" / f"test_{kind}.py"
    assert module.is_file(), f"{kind} has no test module {module.name}"
    missing = {"positive", "near_miss"} - marks(module)
    assert not missing, f"{module.name} marks no test as {missing}"


@pytest.mark.parametrize("kind", KINDS)
def test_every_detector_has_a_name_and_its_method_is_told(kind: str) -> None:
    names = {text(f"terms.kind.{kind}", language) for language in LANGUAGES}
    assert len(names) == len(LANGUAGES), f"{kind} is called the same in every language: {names}"
    methods = (ROOT / "docs" / "methods.md").read_text("utf-8")
    section = re.search(rf"^### {kind}\b.*\n((?:(?!##).*\n)+)", methods, re.M)
    assert section, f"docs/methods.md has no section {kind}"
    assert len(section[1].split()) > 10, f"docs/methods.md says next to nothing about {kind}"


def test_every_detector_says_what_data_it_lacks(tmp_path: Path) -> None:
    report = detect(City().workspace(tmp_path))
    assert report.findings == ()
    for language in LANGUAGES:
        said = {kind: [gap.message.render(language) for gap in report.gaps if gap.detector == kind] for kind in KINDS}
        assert all(said.values()), f"silent without data: {[kind for kind in said if not said[kind]]}"


def test_every_bench_is_described() -> None:
    described = (ROOT / "docs" / "benchmarks.md").read_text("utf-8")
    missing = [path.name for path in (ROOT / "bench").glob("*.py") if f"bench/{path.name}" not in described]
    assert not missing, f"docs/benchmarks.md leaves out {missing}"


def test_no_file_is_longer_than_a_reader_likes() -> None:
    # YAML has no limit: it declares, a line to a thing.
    lines = {path: content.count("\n") for path, content in files() if not path.endswith(".yaml")}
    assert not {path: count for path, count in lines.items() if count > MOST_LINES}


def test_no_file_names_a_path_of_somebodys_machine() -> None:
    found = {path: hit[0] for path, content in files() if (hit := MACHINE_PATH.search(content))}
    assert not found
