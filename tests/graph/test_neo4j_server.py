"""Reaching a server: its version, its complaints, and what its user is told to do."""

from __future__ import annotations

import pytest
from factories import neo4j_server
from neo4j.exceptions import Neo4jError

from ringtrace.errors import RingTraceError
from ringtrace.graph.neo4j.server import Address, check_version, connected, speaking


@pytest.mark.parametrize(
    ("agent", "works"),
    [("Neo4j/5.26.0", True), ("Neo4j/2026.05.0", True), ("Neo4j/5.25.1", False), ("Neo4j/4.4.30", False), ("x", False)],
)
def test_a_server_of_a_wrong_version_says_so(agent: str, works: bool) -> None:
    if works:
        check_version(agent)
        return
    with pytest.raises(RingTraceError, match="later is needed"):
        check_version(agent)


@pytest.mark.parametrize(
    ("code", "message", "happened"),
    [
        ("Neo.TransientError.General.MemoryPoolOutOfMemoryError", "too much", "too little memory"),
        ("Neo.TransientError.General.OutOfMemoryError", "heap", "too little memory"),
        ("Neo.DatabaseError.Transaction.TransactionCommitFailed", "No space left on device", "is full"),
        ("Neo.DatabaseError.Transaction.TransactionLogError", "Could not write", "is full"),
        ("Neo.ClientError.General.WriteOnReadOnlyAccessDatabase", "No write", "may only be read"),
        ("Neo.ClientError.Security.Forbidden", "Not you", "does not allow"),
        ("Neo.ClientError.Database.DatabaseNotFound", "No such", "no such database"),
        ("Neo.TransientError.Database.DatabaseUnavailable", "Down", "failed"),
    ],
)
def test_a_server_s_complaint_becomes_advice(code: str, message: str, happened: str) -> None:
    with pytest.raises(RingTraceError, match=happened) as advice, speaking(Address("bolt://here")):
        raise Neo4jError._hydrate_neo4j(code=code, message=message)
    assert advice.value.hint


@pytest.mark.neo4j
@pytest.mark.xdist_group("neo4j")
@pytest.mark.parametrize(
    ("url", "password", "happened"),
    [
        ("http://127.0.0.1:1", "x", "no address"),
        ("bolt://127.0.0.1:1", "x", "cannot be reached"),
        (None, "wrong", "refused the user"),
    ],
)
def test_a_server_that_cannot_be_used_says_why(url: str | None, password: str, happened: str) -> None:
    with (
        pytest.raises(RingTraceError, match=happened) as error,
        connected(Address(url or neo4j_server.address().url, password=password)),
    ):
        pass
    assert error.value.hint
