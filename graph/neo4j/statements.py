"""The Cypher that fills a server: constraints, and one statement for each kind of job.

Rows travel as columns `$c0, $c1, …`, times among them as whole numbers that the server turns into times: Python's own
take the driver several times as long to pack.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import date, datetime
from typing import Any, Final

from ringtrace.data_schema.graph import Property
from ringtrace.graph.neo4j.changes import Verb
from ringtrace.graph.neo4j.names import Names
from ringtrace.graph.neo4j.snapshot import KEY, Part

REGISTRY: Final = "RingTraceGraph"
"""Label of the node that says, for each workspace, what its graph on this server shows."""

EPOCH: Final[dict[str, Any]] = {"day0": date(1970, 1, 1), "time0": datetime(1970, 1, 1)}
"""Parameters that every statement takes beside the columns."""


REGISTRY_CONSTRAINTS: Final = tuple(
    f"CREATE CONSTRAINT IF NOT EXISTS FOR (g:{REGISTRY}) REQUIRE g.{key} IS UNIQUE" for key in ("workspace", "prefix")
)


def constraints(parts: Iterable[Part], names: Names) -> list[str]:
    """The constraints that these parts need, each with its index: keys of the nodes and of the relationships."""
    found = []
    for part in parts:
        name = names.stored(part.name)
        shape, key = (f"(n:{name})", "n.id") if part.is_node else (f"()-[n:{name}]-()", f"n.{KEY}")
        found.append(f"CREATE CONSTRAINT IF NOT EXISTS FOR {shape} REQUIRE {key} IS UNIQUE")
    return list(dict.fromkeys(found))


def statement(verb: Verb, part: Part, names: Names) -> str:
    """What does a job's `verb` to its rows."""
    if verb == "delete":
        return _delete(part, names)
    return _node(verb, part, names) if part.is_node else _relationship(verb, part, names)


def _delete(part: Part, names: Names) -> str:
    name = names.stored(part.name)
    if part.is_node:
        return f"UNWIND $c0 AS id MATCH (n:{name} {{id: id}}) DETACH DELETE n"
    return f"UNWIND $c0 AS key MATCH ()-[r:{name} {{{KEY}: key}}]->() DELETE r"


def _node(verb: Verb, part: Part, names: Names) -> str:
    own = _map(part.properties, 0)
    label = names.stored(part.name)
    if verb == "create":
        return f"UNWIND range(0, size($c0) - 1) AS i CREATE (n:{label} {{{own}}})"
    return f"UNWIND range(0, size($c0) - 1) AS i MERGE (n:{label} {{id: $c0[i]}}) SET n = {{{own}}}"


def _relationship(verb: Verb, part: Part, names: Names) -> str:
    own = ", ".join([f"{KEY}: $c2[i]", *([_map(part.properties, 3)] if part.properties else [])])
    ends = (
        f"UNWIND range(0, size($c0) - 1) AS i MATCH (a:{names.stored(part.source)} {{id: $c0[i]}}) "
        f"MATCH (b:{names.stored(part.target)} {{id: $c1[i]}})"
    )
    name = names.stored(part.name)
    if verb == "create":
        return f"{ends} CREATE (a)-[:{name} {{{own}}}]->(b)"
    return f"{ends} MERGE (a)-[r:{name} {{{KEY}: $c2[i]}}]->(b) SET r = {{{own}}}"


def _map(properties: Sequence[Property], first: int) -> str:
    return ", ".join(f"{each.name}: {_value(each, f'$c{first + place}[i]')}" for place, each in enumerate(properties))


def _value(declared: Property, number: str) -> str:
    if declared.type == "timestamp":
        return f"CASE WHEN {number} IS NOT NULL THEN $time0 + duration({{microseconds: {number}}}) END"
    if declared.type == "date":
        return f"CASE WHEN {number} IS NOT NULL THEN $day0 + duration({{days: {number}}}) END"
    return number
