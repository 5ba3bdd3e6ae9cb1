"""Make the next things in a thread while the present one is used: DuckDB writes files while Ladybug loads others."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from queue import Empty, Full, Queue
from threading import Event, Thread
from typing import TypeVar

Made = TypeVar("Made")

_PATIENCE = 0.2  # seconds between looks at whether the other side is still there


@contextmanager
def made_ahead(source: Iterator[Made], *, depth: int = 3) -> Iterator[Iterator[Made]]:
    """What `source` gives, in its order, with up to `depth` made before they are asked for.

    An error of `source` is raised where its next value is asked for. At the end of the `with`, whether by an error or
    not, the thread has finished, so that nothing goes on writing behind the caller's back.
    """
    waiting: Queue[Made | _End] = Queue(depth)
    stopped = Event()

    def put(value: Made | _End) -> None:
        while not stopped.is_set():
            try:
                waiting.put(value, timeout=_PATIENCE)
            except Full:
                continue
            return

    def make() -> None:
        try:
            for value in source:
                put(value)
                if stopped.is_set():
                    return
        except BaseException as error:  # noqa: BLE001  (raised again in the thread that asks)
            put(_End(error))
        else:
            put(_End(None))

    def take() -> Iterator[Made]:
        while True:
            try:
                value = waiting.get(timeout=_PATIENCE)
            except Empty:
                continue
            if isinstance(value, _End):
                if value.error is not None:
                    raise value.error
                return
            yield value

    thread = Thread(target=make, name="made-ahead", daemon=True)
    thread.start()
    try:
        yield take()
    finally:
        stopped.set()
        thread.join()


class _End:
    def __init__(self, error: BaseException | None) -> None:
        self.error = error
