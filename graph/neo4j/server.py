"""A Neo4j server: reaching it, and saying plainly why that failed."""

from __future__ import annotations

import re
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Final

import neo4j
from neo4j.exceptions import (
    AuthError,
    ClientError,
    ConfigurationError,
    DatabaseUnavailable,
    DriverError,
    Neo4jError,
    ServiceUnavailable,
    SessionExpired,
)

from ringtrace.errors import RingTraceError

OLDEST: Final = (5, 26)
"""The long-term release this is written for; the yearly numbers (2025, 2026) sort after it."""

SCHEMES: Final = ("bolt://", "bolt+s://", "bolt+ssc://", "neo4j://", "neo4j+s://", "neo4j+ssc://")

_CONNECT_SECONDS: Final = 10.0


@dataclass(frozen=True, slots=True)
class Address:
    """Where a server is and who asks; `database` is the server's own default unless named."""

    url: str
    user: str = "neo4j"
    password: str = field(default="", repr=False)
    database: str | None = None


@contextmanager
def connected(address: Address) -> Iterator[neo4j.Driver]:
    """A driver for the server, once it is known to answer and to be of a version that works.

    Raises
    ------
    RingTraceError
        If there is no such server, it refuses the password, or it is none that this version can use.
    """
    driver = open_driver(address)
    try:
        yield driver
    finally:
        driver.close()


def open_driver(address: Address) -> neo4j.Driver:
    """As `connected`, to be closed by the caller."""
    if not address.url.startswith(SCHEMES):
        raise RingTraceError.of("graph.neo4j.url", url=address.url)
    try:
        driver = neo4j.GraphDatabase.driver(
            address.url,
            auth=(address.user, address.password),
            connection_timeout=_CONNECT_SECONDS,
            connection_acquisition_timeout=_CONNECT_SECONDS,
            max_transaction_retry_time=_CONNECT_SECONDS,
            # The server also notes what is merely slow or unusual; a log of ours is no place for that.
            notifications_min_severity="OFF",
            user_agent="ringtrace",
        )
    except (ConfigurationError, ValueError) as error:
        raise RingTraceError.of("graph.neo4j.url", url=address.url) from error
    try:
        with speaking(address):
            agent = driver.get_server_info().agent
            with driver.session(database=address.database) as session:
                session.run("RETURN 1").consume()
        check_version(agent)
    except BaseException:
        driver.close()
        raise
    return driver


@contextmanager
def speaking(address: Address) -> Iterator[None]:
    """Turn what the driver raises, when the server is at fault and not a query, into advice.

    Raises
    ------
    RingTraceError
        If the server is away, refuses the user, is full, or may only be read.
    """
    try:
        yield
    except AuthError as error:
        raise RingTraceError.of("graph.neo4j.password", url=address.url, user=address.user) from error
    except (ServiceUnavailable, SessionExpired, DatabaseUnavailable, OSError) as error:
        raise RingTraceError.of("graph.neo4j.away", url=address.url, message=_first_line(error)) from error
    except Neo4jError as error:
        if advice := _advice(error):
            raise RingTraceError.of(advice, url=address.url, message=_first_line(error)) from error
        raise
    except DriverError as error:
        raise RingTraceError.of("graph.neo4j.away", url=address.url, message=_first_line(error)) from error


def _advice(error: Neo4jError) -> str | None:
    """The catalogue's key for a server's complaint that is not about one query."""
    code = error.code or ""
    words = (error.message or "").lower()
    if "readonly" in code.lower() or "accessmode" in code.lower() or "read-only" in words or "read only" in words:
        return "graph.neo4j.read_only"
    if "outofmemory" in code.lower() or "memorypool" in code.lower() or "stackoverflow" in code.lower():
        return "graph.neo4j.memory"
    if "no space left" in words or "disk" in words or code.endswith(("TransactionLogError", "OutOfDiskSpace")):
        return "graph.neo4j.full"
    if "databasenotfound" in code.lower():
        return "graph.neo4j.database"
    if "databaseunavailable" in code.lower() or code.startswith("Neo.DatabaseError.Transaction"):
        return "graph.neo4j.broken"
    if isinstance(error, ClientError) and "Security" in code:
        return "graph.neo4j.forbidden"
    return None


def check_version(agent: str) -> None:
    """Pass a server that calls itself `Neo4j/…` of a version that works.

    Raises
    ------
    RingTraceError
        If it is older, or something else that speaks the same protocol.
    """
    found = re.match(r"Neo4j/(\d+)\.(\d+)", agent)
    if found is None or (int(found[1]), int(found[2])) < OLDEST:
        raise RingTraceError.of("graph.neo4j.version", found=agent, oldest=".".join(map(str, OLDEST)))


def _first_line(error: BaseException) -> str:
    return str(getattr(error, "message", None) or error).strip().partition("\n")[0]
