"""A user's Cypher on the embedded engine runs in a process of its own, which can be killed and has a memory limit.

The engine heeds its time and buffer limits between operators only: `RETURN size(range(1, 300000000))` is one call that
takes gigabytes and cannot be interrupted. So the process that serves the user asks another one, waits as long as the
query may take, and ends it then. Where the operating system cannot limit a process (Windows), the query runs in place.
"""

from __future__ import annotations

import os
import subprocess
import sys
import threading
from collections.abc import Mapping
from dataclasses import dataclass
from multiprocessing import Pipe
from multiprocessing.connection import Connection
from pathlib import Path
from time import monotonic
from typing import Any, Final

from ringtrace.errors import RingTraceError
from ringtrace.graph.cancelling import LOOKS
from ringtrace.graph.files import GraphVersion
from ringtrace.graph.store import Rows
from ringtrace.texts import default_language

MEMORY: Final = 2 << 30
"""How much more than the opened database a query's process may take, in bytes."""

AVAILABLE: Final = os.name == "posix"

# Not `-m`: the classes that travel must belong to this module, and not to `__main__`.
_CHILD: Final = "import sys; from ringtrace.graph.ladybug.worker import serve; serve(int(sys.argv[1]))"
_START_SECONDS: Final = 60.0
_GRACE_SECONDS: Final = 1.0  # for the engine's own time-out, which gives the same error without a new process


@dataclass(frozen=True, slots=True)
class Request:
    """One query, and the language of its error."""

    query: str
    parameters: Mapping[str, Any]
    row_limit: int
    timeout: float
    language: str


@dataclass(frozen=True, slots=True)
class Refusal:
    """The three parts of a `RingTraceError`."""

    happened: str
    means: str
    hint: str


class Worker:
    """The process that runs queries on one database; started when first asked, and again after it was ended."""

    def __init__(self, database: Path, version: GraphVersion) -> None:
        self._database = database
        self._version = version
        self._lock = threading.Lock()
        self._process: subprocess.Popen[bytes] | None = None
        self._line: Connection[Any, Any] | None = None

    def run(
        self,
        query: str,
        parameters: Mapping[str, Any],
        row_limit: int,
        timeout: float,
        cancel: threading.Event | None = None,
    ) -> Rows:
        """The rows of a query that `guard.check_reading` has passed; `cancel` ends the process that runs it.

        Raises
        ------
        RingTraceError
            If the plan is refused, the query is wrong, takes more time or memory than it may, or was cancelled.
        """
        cancel = cancel or threading.Event()
        while not self._lock.acquire(timeout=LOOKS):
            if cancel.is_set():
                raise RingTraceError.of("graph.cypher.cancelled")
        try:
            try:
                line = self._line or self._start()
                line.send(Request(query, parameters, row_limit, timeout, default_language()))
                end = monotonic() + timeout + _GRACE_SECONDS
                while not line.poll(min(LOOKS, max(0.0, end - monotonic()))):
                    if cancel.is_set():
                        raise RingTraceError.of("graph.cypher.cancelled")
                    if monotonic() >= end:
                        raise RingTraceError.of("graph.cypher.timeout", seconds=timeout)
                answer = line.recv()
            except (EOFError, ConnectionError) as error:
                self._end()
                raise RingTraceError.of("graph.cypher.memory", gib=MEMORY / (1 << 30)) from error
            except BaseException:  # also Ctrl-C: nobody waits for the answer any more
                self._end()
                raise
        finally:
            self._lock.release()
        if isinstance(answer, Refusal):
            raise RingTraceError(answer.happened, means=answer.means, hint=answer.hint)
        assert isinstance(answer, Rows)
        return answer

    def close(self) -> None:
        """End the process."""
        with self._lock:
            self._end()

    def _start(self) -> Connection[Any, Any]:
        line, theirs = Pipe()
        with theirs:
            self._process = subprocess.Popen(  # noqa: S603  (our own interpreter and module)
                [sys.executable, "-c", _CHILD, str(theirs.fileno())],
                pass_fds=[theirs.fileno()],
                stdin=subprocess.DEVNULL,
                process_group=0,  # Ctrl-C is for the process that asks, which ends this one
            )
        self._line = line
        line.send((self._database, self._version))
        if not line.poll(_START_SECONDS):
            raise TimeoutError("the process for queries did not start")
        line.recv()
        return line

    def _end(self) -> None:
        if self._line is not None:
            self._line.close()
            self._line = None
        if self._process is not None:
            self._process.kill()
            self._process.wait()
            self._process = None


def serve(descriptor: int) -> None:
    """Answer the requests that come through this pipe until the other side hangs up."""
    from ringtrace.graph.ladybug.store import LadybugStore

    line: Connection[Any, Any] = Connection(descriptor)
    database, version = line.recv()
    with LadybugStore(database, version) as store:
        _limit_memory()
        line.send("ready")
        while True:
            try:
                request = line.recv()
            except EOFError:
                return
            os.environ["RINGTRACE_LANG"] = request.language
            try:
                answer = store.run_here(request.query, request.parameters, request.row_limit, request.timeout)
            except RingTraceError as error:
                line.send(Refusal(error.happened, error.means, error.hint))
            except MemoryError:
                memory = RingTraceError.of("graph.cypher.memory", gib=MEMORY / (1 << 30))
                line.send(Refusal(memory.happened, memory.means, memory.hint))
            else:
                line.send(answer)


def _limit_memory() -> None:
    """Allow this process `MEMORY` more than it has mapped: the engine has mapped far more than it uses."""
    import resource

    sizes = Path("/proc/self/statm")
    if sizes.is_file():
        limit = int(sizes.read_text().split()[0]) * resource.getpagesize() + MEMORY
        resource.setrlimit(resource.RLIMIT_AS, (limit, resource.RLIM_INFINITY))
