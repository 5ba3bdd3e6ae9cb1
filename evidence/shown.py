"""How values of the data are written where people read them: short, one line, and nothing in them acts."""

from __future__ import annotations

import unicodedata
from typing import Any

from ringtrace.texts import Language, catalogue, text

_HIDDEN = ("Cc", "Cf", "Cs", "Co", "Zl", "Zp")


def shown(value: Any, limit: int = 200) -> str:
    """`value` as one line; marks that hide or reorder text are named, and long text is cut with its length told."""
    raw = "" if value is None else str(value)
    line = "".join(_mark(character) for character in raw[:limit])
    return f"{line}… ({len(raw):,})" if len(raw) > limit else line


def _mark(character: str) -> str:
    if character in "\t\n\r":
        return " "
    return f"[U+{ord(character):04X}]" if unicodedata.category(character) in _HIDDEN else character


def xml_text(value: str) -> str:
    """`value` with the characters that XML 1.0 has no way to write replaced by U+FFFD."""
    return "".join(each if _in_xml(ord(each)) else "\ufffd" for each in value)


def _in_xml(point: int) -> bool:
    return point in (9, 10, 13) or 0x20 <= point <= 0xD7FF or 0xE000 <= point <= 0xFFFD or point >= 0x10000


def term(group: str, word: str, language: Language) -> str:
    """A word of the fixed lists (`kind`, `level`, `role`, `outcome`) as people read it.

    A detector's new word is shown as it is written until the catalogue knows it.
    """
    key = f"terms.{group}.{word}"
    return text(key, language) if key in catalogue() else word


def role_name(role: str, language: Language) -> str:
    return term("role", role, language)
