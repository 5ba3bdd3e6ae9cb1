"""Ending a query because its user no longer waits for it."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from threading import Event, Thread
from typing import Final

LOOKS: Final = 0.1
"""Seconds between looks at whether somebody asked to stop."""


@contextmanager
def cancelling(cancel: Event, end: Callable[[], object]) -> Iterator[Callable[[], bool]]:
    """Within the `with`, call `end` in a thread of its own as soon as `cancel` is set; gives whether that happened.

    `end` is called again and again until the `with` is left: the query may not have begun at the first call.
    """
    over, asked = Event(), Event()

    def watch() -> None:
        while not over.wait(LOOKS):
            if cancel.is_set():
                asked.set()
                end()

    watcher = Thread(target=watch, name="cancelling", daemon=True)
    watcher.start()
    try:
        yield asked.is_set
    finally:
        over.set()
        watcher.join()
