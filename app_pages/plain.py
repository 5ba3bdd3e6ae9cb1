"""Values from the data, made safe to show: they stay text, whatever they contain.

Streamlit reads most strings as Markdown. `markdown` escapes a value for those places; `visible` is for the others
(tables, the canvas), where only marks that reorder or hide text can do harm.
"""

from __future__ import annotations

import math
import re
import unicodedata
from datetime import date, datetime
from decimal import Decimal
from typing import Final

import pandas as pd

from ringtrace.data_schema import Sensitivity
from ringtrace.texts import Language

LIMIT: Final = 160
_PUNCTUATION: Final = re.compile(r"([!-/:-@\[-`{-~])")
_WORD_JOINER: Final = "\u2060"
# Bare links, mail addresses and `:shortcodes:` are found in text after unescaping, so no backslash stops them:
# an invisible joiner does.
_LATE: Final = re.compile(r"(:(?=[\w/+-])|@|www(?=\.))", re.IGNORECASE)


def visible(value: object, limit: int = LIMIT) -> str:
    """`value` as one line of text: control, bidirectional and zero-width marks named, long text cut with its length."""
    if value is None:
        return ""
    raw = str(value)
    head = raw[:limit]
    # A table has thousands of values, and hardly ever one with such a mark.
    shown = head if head.isprintable() else "".join(_mark(character) for character in head)
    return f"{shown}… ({len(raw):,})" if len(raw) > limit else shown


def _mark(character: str) -> str:
    if character in "\t\n\r":
        return " "
    if unicodedata.category(character) in ("Cc", "Cf", "Cs", "Co", "Zl", "Zp"):
        return f"[U+{ord(character):04X}]"
    return character


def markdown(value: object, limit: int = LIMIT) -> str:
    """`value` for a place that reads Markdown: every character of it is shown, none of it acts."""
    joined = _LATE.sub(lambda found: found.group(0) + _WORD_JOINER, visible(value, limit).strip())
    return _PUNCTUATION.sub(r"\\\1", joined)


def money(amount: Decimal | float | None, language: Language) -> str:
    """Yuan with two decimals, in the local form."""
    if amount is None:
        return "–"
    return f"{amount:,.2f} 元" if language == "zh" else f"¥{amount:,.2f}"


def day(moment: date | datetime | None, language: Language) -> str:
    """The day in the local form: `2025年3月1日` or `1 Mar 2025`."""
    if moment is None:
        return "–"
    if language == "zh":
        return f"{moment.year}年{moment.month}月{moment.day}日"
    return f"{moment.day} {moment:%b} {moment.year}"


def period(first: datetime | None, last: datetime | None, language: Language) -> str:
    """From the first to the last day, once if they are the same."""
    begin, end = day(first, language), day(last, language)
    return begin if begin == end else f"{begin} – {end}"


def masked(value: object, sensitivity: Sensitivity) -> str | None:
    """`value` for a screen that others see: the first character of a name, the last two of a code, else nothing."""
    if value is None or value is pd.NaT or (isinstance(value, float) and math.isnan(value)):
        return None
    raw = visible(value)
    if sensitivity == "none" or not raw:
        return raw
    if sensitivity == "name":
        return raw[0] + "＊＊"
    if sensitivity == "identifier":
        return "••••" + raw[-2:]
    return "••••"
