"""What a Cypher text shows of itself without an engine: the parameters that it reads and the columns that it gives."""

from __future__ import annotations

import re
from typing import Final

_USED: Final = re.compile(r"\$(\w+)")
_COMMA: Final = re.compile(r",(?![^()\[\]]*[)\]])")  # not one inside brackets


def used_parameters(text: str) -> set[str]:
    """Names that a Cypher text uses as `$name`; a dollar in a string or comment is none."""
    bare = re.sub(r"//[^\n]*|/\*.*?\*/|'(?:[^'\\]|\\.)*'|\"(?:[^\"\\]|\\.)*\"", "", text, flags=re.DOTALL)
    return set(_USED.findall(bare))


def columns(text: str) -> tuple[str, ...]:
    """The names that the last RETURN gives its columns, by AS or by returning a bare name; others are left out."""
    last = re.split(r"\bRETURN\b(?:\s+DISTINCT\b)?", text)[-1]
    returned = re.split(r"\b(?:ORDER\s+BY|LIMIT|SKIP)\b", last)[0]
    found = (re.search(r"(?:\bAS\s+|^\s*)(\w+)\s*$", item) for item in _COMMA.split(returned))
    return tuple(each[1] for each in found if each)
