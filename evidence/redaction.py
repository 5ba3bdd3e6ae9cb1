"""Find sensitive values inside longer text and replace them, in one pass whatever their number."""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Mapping
from typing import Final

LONG: Final = 8
"""From this length on a value is replaced wherever it occurs, even inside a longer code."""

_WORD: Final = re.compile(r"[0-9A-Za-z]+")


class Redactor:
    """Replaces each of `replacements` (value → stand-in).

    Long values are found anywhere. Short ones made of Latin letters and digits only count as whole words, and a single
    character never counts: else a household no. 12 would blot out every 12. Longest match first; memory and time grow
    with the length of the text and not with the number of values.
    """

    def __init__(self, replacements: Mapping[str, str]) -> None:
        self._replacements = {value: stand_in for value, stand_in in replacements.items() if len(value) > 1}
        self._long: dict[str, list[str]] = defaultdict(list)
        self._short: dict[str, list[str]] = defaultdict(list)
        self._words: set[str] = set()
        for value in sorted(self._replacements, key=len, reverse=True):
            if len(value) >= LONG:
                self._long[value[:LONG]].append(value)
            elif _WORD.fullmatch(value):
                self._words.add(value)
            else:
                self._short[value[:2]].append(value)
        self._seen: dict[str, str] = {}

    def code(self, value: str) -> str:
        """`value` of a code column: equal to a long sensitive value, or with one inside."""
        if value not in self._seen:
            self._seen[value] = self._replace(value, short=False)
        return self._seen[value]

    def text(self, value: str) -> str:
        """Free text: short values too."""
        return self._replacements[value] if value in self._replacements else self._replace(value, short=True)

    def _replace(self, value: str, *, short: bool) -> str:
        parts: list[str] = []
        place = 0
        while place < len(value):
            found = next(
                (each for each in self._long.get(value[place : place + LONG], ()) if value.startswith(each, place)),
                None,
            )
            if found is None and short:
                found = self._short_at(value, place)
            if found is None:
                parts.append(value[place])
                place += 1
            else:
                parts.append(self._replacements[found])
                place += len(found)
        return "".join(parts)

    def _short_at(self, value: str, place: int) -> str | None:
        begins_word = place == 0 or not _WORD.match(value[place - 1])
        if begins_word and (word := _WORD.match(value, place)) and word.group() in self._words:
            return word.group()
        return next(
            (each for each in self._short.get(value[place : place + 2], ()) if value.startswith(each, place)), None
        )
