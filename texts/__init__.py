"""Every sentence a user reads, in Chinese and English, from one catalogue: the YAML files of this folder.

An entry is `key: {zh: …, en: …}`; `{name}` and format specs such as `{amount:,.2f}` are filled by `str.format`. A key
is `room.what`, and each file holds one room, so that a sentence is found where its code is. `tests/test_texts.py`
checks that both languages exist and use the same fields.
"""

from __future__ import annotations

import os
from functools import cache
from importlib import resources
from typing import Any, Final, Literal

import yaml

Language = Literal["zh", "en"]
LANGUAGES: tuple[Language, ...] = ("zh", "en")

# libyaml reads nine times as fast, and every start reads some twenty files; PyYAML can be built without it.
_LOADER: Final = getattr(yaml, "CSafeLoader", yaml.SafeLoader)


def read_yaml(content: str) -> Any:
    """What one of the package's own YAML files holds, as plain values.

    Raises
    ------
    yaml.YAMLError
        If it is no YAML.
    """
    return yaml.load(content, Loader=_LOADER)  # noqa: S506 (a safe loader either way)


@cache
def catalogue() -> dict[str, dict[Language, str]]:
    """All entries, `key → language → sentence`.

    Raises
    ------
    ValueError
        If two files declare the same key.
    """
    entries: dict[str, dict[Language, str]] = {}
    for file in sorted(resources.files(__package__).iterdir(), key=lambda each: each.name):
        if not file.name.endswith(".yaml"):
            continue
        for key, sentence in (read_yaml(file.read_text("utf-8")) or {}).items():
            if key in entries:
                raise ValueError(f"texts/{file.name} declares {key!r} again; a key stands in one file only")
            entries[key] = sentence
    return entries


def text(key: str, language: Language, /, **values: object) -> str:
    """The sentence `key` in `language` with `values` filled in.

    Raises
    ------
    KeyError
        If the catalogue has no such key, or a field of the sentence is not given: both are bugs, not user errors.
    """
    return catalogue()[key][language].format(**values)


def default_language() -> Language:
    """The language of the environment (`RINGTRACE_LANG`, then the locale variables); English if none says Chinese."""
    for variable in ("RINGTRACE_LANG", "LC_ALL", "LC_MESSAGES", "LANG"):
        if value := os.environ.get(variable):
            return "zh" if value.lower().startswith("zh") else "en"
    return "en"
