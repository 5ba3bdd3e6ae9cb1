"""Things made ahead come in order, bring their errors along, and leave no thread behind."""

from __future__ import annotations

import threading
from collections.abc import Iterator

import pytest

from ringtrace.graph.ahead import made_ahead


def running() -> bool:
    return any(thread.name == "made-ahead" for thread in threading.enumerate())


def test_everything_comes_in_order() -> None:
    with made_ahead(iter(range(50))) as made:
        assert list(made) == list(range(50))
    assert not running()


def test_an_error_comes_after_what_was_made_before_it() -> None:
    def source() -> Iterator[int]:
        yield 1
        raise OSError("disk full")

    with made_ahead(source()) as made:
        assert next(made) == 1
        with pytest.raises(OSError, match="disk full"):
            next(made)
    assert not running()


def test_who_stops_taking_stops_the_making() -> None:
    seen: list[int] = []

    def source() -> Iterator[int]:
        for number in range(1000):
            seen.append(number)
            yield number

    with made_ahead(source(), depth=2) as made:
        assert next(made) == 0
    assert not running()
    assert len(seen) < 10
