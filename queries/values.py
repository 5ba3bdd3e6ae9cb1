"""Values of parameters: what was typed in a shell, a form or a YAML file → what travels to the engine."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from datetime import date, datetime, timedelta
from typing import Any, Final, Literal, get_args

Kind = Literal["id", "ids", "string", "integer", "number", "boolean", "date", "timestamp", "duration"]
KINDS: Final[tuple[Kind, ...]] = get_args(Kind)

_UNITS: Final = {
    "s": timedelta(seconds=1),
    "min": timedelta(minutes=1),
    "h": timedelta(hours=1),
    "d": timedelta(days=1),
}
_DURATION: Final = re.compile(r"(\d+(?:\.\d+)?)\s*(s|min|h|d)")


def typed(kind: Kind, given: object) -> Any:
    """`given` as the Python value of `kind`; a value that is of it already stays.

    Raises
    ------
    ValueError
        With the form that it should have.
    """
    return _READERS[kind](given)


def written(kind: Kind, value: Any) -> str:
    """A value as `typed` reads it again."""
    if kind == "duration":
        return _written_duration(value)
    if kind == "ids":
        return ",".join(value)
    if isinstance(value, bool):
        return str(value).lower()
    if isinstance(value, datetime):
        return value.isoformat(sep=" ")
    return str(value)


def _text(given: object) -> str:
    # A code of digits alone is a number to YAML, and would have lost its leading zeros already.
    if not isinstance(given, str) or not given.strip():
        raise ValueError("text")
    return given.strip()


def _texts(given: object) -> list[str]:
    each = given.split(",") if isinstance(given, str) else given
    if not isinstance(each, list | tuple | set | frozenset):
        raise ValueError("id,id,…")
    found = [_text(one) for one in each if not isinstance(one, str) or one.strip()]
    if not found:
        raise ValueError("id,id,…")
    return found


def _integer(given: object) -> int:
    if isinstance(given, bool) or not isinstance(given, int | str):
        raise ValueError("123")
    try:
        return int(given)
    except ValueError:
        raise ValueError("123") from None


def _number(given: object) -> float:
    if isinstance(given, bool) or not isinstance(given, int | float | str):
        raise ValueError("12.5")
    try:
        number = float(given)
    except ValueError:
        raise ValueError("12.5") from None
    if number != number or number in (float("inf"), float("-inf")):
        raise ValueError("12.5")
    return number


def _boolean(given: object) -> bool:
    if isinstance(given, bool):
        return given
    if isinstance(given, str) and given.strip().lower() in ("true", "false"):
        return given.strip().lower() == "true"
    raise ValueError("true | false")


def _date(given: object) -> date:
    if isinstance(given, datetime):
        return given.date()
    if isinstance(given, date):
        return given
    try:
        return date.fromisoformat(_text(given))
    except ValueError:
        raise ValueError("2025-01-31") from None


def _timestamp(given: object) -> datetime:
    if isinstance(given, datetime):
        return given.replace(tzinfo=None)
    if isinstance(given, date):
        return datetime(given.year, given.month, given.day)
    try:
        return datetime.fromisoformat(_text(given)).replace(tzinfo=None)
    except ValueError:
        raise ValueError("2025-01-31 08:00:00") from None


def _duration(given: object) -> timedelta:
    if isinstance(given, timedelta):
        return given
    parts = list(_DURATION.finditer(given)) if isinstance(given, str) else []
    if not isinstance(given, str) or not parts or _DURATION.sub("", given).strip():
        raise ValueError("90 s | 15 min | 2 h | 30 d")
    return sum((float(each[1]) * _UNITS[each[2]] for each in parts), timedelta())


def _written_duration(value: timedelta) -> str:
    for unit in ("d", "h", "min"):
        if value % _UNITS[unit] == timedelta():
            return f"{value // _UNITS[unit]} {unit}"
    return f"{value.total_seconds():g} s"


_READERS: Final[Mapping[Kind, Callable[[object], Any]]] = {
    "id": _text,
    "ids": _texts,
    "string": _text,
    "integer": _integer,
    "number": _number,
    "boolean": _boolean,
    "date": _date,
    "timestamp": _timestamp,
    "duration": _duration,
}
