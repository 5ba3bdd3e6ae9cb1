"""Both languages of every sentence exist and say the same fields; every key that the code names is there."""

from __future__ import annotations

import re
import string
from pathlib import Path

import pytest

from ringtrace.texts import LANGUAGES, catalogue, default_language, text

ROOT = Path(__file__).parent.parent
ROOMS = ("app_pages", "casework", "detectors", "evidence", "graph", "loaders", "queries", "simulate")


def fields(sentence: str) -> set[str]:
    return {name for _, name, _, _ in string.Formatter().parse(sentence) if name}


@pytest.mark.parametrize("key", sorted(catalogue()))
def test_sentence_is_whole_in_both_languages(key: str) -> None:
    entry = catalogue()[key]
    assert set(entry) == set(LANGUAGES)
    assert all(isinstance(sentence, str) and sentence.strip() for sentence in entry.values())
    assert fields(entry["zh"]) == fields(entry["en"])


def test_keys_named_in_code_exist() -> None:
    """A literal first argument of these calls is a key; a slip in one would only show when a user meets it."""
    named: set[tuple[str, str]] = set()
    for file in [*ROOT.glob("*.py"), *(each for room in ROOMS for each in (ROOT / room).rglob("*.py"))]:
        code = file.read_text("utf-8")
        keys = set(re.findall(r"\b(?:text|Message|Step)\(\s*\"([^\"{}]+)\"", code))
        for error in re.findall(r"\bRingTraceError\.of\(\s*\"([^\"{}]+)\"", code):
            keys |= {f"{error}.{part}" for part in ("happened", "means", "hint")}
        named |= {(file.relative_to(ROOT).as_posix(), key) for key in keys}
    assert named, "the pattern no longer finds any key"
    assert {(file, key) for file, key in named if key not in catalogue()} == set()


def test_a_field_left_out_is_an_error() -> None:
    key = next(key for key, entry in catalogue().items() if fields(entry["en"]))
    with pytest.raises(KeyError):
        text(key, "en")


@pytest.mark.parametrize(("locale", "language"), [("zh_CN.UTF-8", "zh"), ("en_GB.UTF-8", "en"), ("C", "en")])
def test_language_follows_the_environment(monkeypatch: pytest.MonkeyPatch, locale: str, language: str) -> None:
    monkeypatch.delenv("RINGTRACE_LANG", raising=False)
    monkeypatch.setenv("LC_ALL", locale)
    assert default_language() == language
