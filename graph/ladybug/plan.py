"""Ladybug's plan of a user's query, as EXPLAIN draws it: it must only read, and must not be one that loses rows.

Ladybug 0.22 computes on lists: an operator gives a batch in which some variables have one value and others a list. Two
kinds of plan then give too few rows, without a word:

1. **A branch that goes on too late.** SCAN_REL_TABLE walks through the list of the node that it starts from, and leaves
   the list cut to its last value. That is right only if the list is made anew before the next turn, that is, if the
   operator below it made it. In `(p)-[]->(s)-[]->(i {id: 1})<-[]-(t)<-[]-(o)` the plan may be i → s, i → t, t → o,
   s → p: from the second t on, only the last s is left.
2. **INTERSECT over parallel relationships.** A pattern that closes a triangle, or joins two nodes twice, is planned as
   an intersection of lists of neighbours, in which a neighbour counts once, however many relationships lead to it.

So each chain of operators is followed from its source upward. `tests/graph/test_ladybug_plan.py` compares random
patterns with what DuckDB makes of the same joins: whatever differed was among the refused.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Final

from ringtrace.data_schema.graph import graph_schema
from ringtrace.errors import RingTraceError
from ringtrace.graph.guard import PROCEDURES, refusal

OPERATORS: Final = re.compile(
    r"(AGGREGATE|COUNT|CROSS_PRODUCT|DUMMY|EMPTY_RESULT|FILTER|FLATTEN|GROUPED|HASH_JOIN|INDEX_LOOKUP|INTERSECT|LIMIT"
    r"|MULTIPLICITY_REDUCER|NODE_LABEL_FILTER|ORDER_BY|PACKED_FILTERED_COUNT|PATH_PROPERTY_PROBE|PRIMARY_KEY_SCAN|PROJECTION|QUERY_PRIMARY_KEY_LOOKUP"
    r"|RECURSIVE_EXTEND|REL_DEGREE_TABLE|RESULT_COLLECTOR|SCAN|SEMI_MASKER|SKIP|TABLE_FUNCTION_CALL|TOP_K|UNION_ALL|UNWIND)(_[A-Z_]+)?"
)
"""Families of physical operators that only read the graph; what a table function reads, its name says."""

_EXTEND: Final = "SCAN_REL_TABLE"
_STARTS: Final = frozenset({"SCAN_NODE_TABLE", "PRIMARY_KEY_SCAN_NODE_TABLE"})
_ONE_TURN: Final = frozenset(
    {"FILTER", "HASH_JOIN_BUILD", "INTERSECT_BUILD", "NODE_LABEL_FILTER", "PROJECTION", "QUERY_PRIMARY_KEY_LOOKUP",
     "RESULT_COLLECTOR", "SEMI_MASKER"}
)  # fmt: skip
"""Operators that give one batch for each that they take: lists made below them are still fresh above them."""

_NAME: Final = re.compile(r"([A-Z][A-Z_0-9]*)\[(\d+)\]")
_DRAWN: Final = re.compile(rf"│ +{_NAME.pattern} +│")
_FUNCTION: Final = re.compile(r"Function: (\w+)")
_DIRECTION: Final = re.compile(r"Direction: \(([^()]*)\)<?-\[[^\[\]]*\]->?\(([^()]*)\)")
_UNDIRECTED: Final = re.compile(r"Direction: \([^()]*\)(-\[[^\[\]]*\]-|<-\[[^\[\]]*\]->)\(")


@dataclass(frozen=True, slots=True)
class Operator:
    """A box of the drawing: the operator's name and number, and the lines below it."""

    name: str
    number: str
    facts: tuple[str, ...]

    def fact(self, name: str) -> str:
        """What stands after `name:`, with the lines that continue it; empty if nothing does."""
        found: list[str] = []
        for line in self.facts:
            if line.startswith(f"{name}:"):
                found = [line.removeprefix(f"{name}:").strip()]
            elif found and (line.startswith("-") or ": " in line):
                break
            elif found:
                found.append(line)
        return " ".join(found)


def check_plan(plan: str) -> None:
    """Pass a plan, as EXPLAIN prints it, whose operators only read the graph, and which loses no rows.

    Raises
    ------
    RingTraceError
        Naming the operator or table function that is refused, or the variable at which rows would be lost.
    """
    chains = list(operator_chains(plan))
    operators = [each for chain in chains for each in chain]
    # READ_FTABLE reads rows that the query itself made; LOAD FROM would show as READ_CSV_SERIAL and the like.
    functions = [found[1].lower() for each in operators for found in map(_FUNCTION.match, each.facts) if found]
    unknown = sorted({each.name for each in operators if not OPERATORS.fullmatch(each.name)})
    if refused := unknown + sorted({*functions} - PROCEDURES - {"read_ftable"}):
        raise refusal(refused[0])
    called = sum(each.name == "TABLE_FUNCTION_CALL" for each in operators)
    drawn = {found.groups() for found in _DRAWN.finditer(plan)}
    if not operators or drawn - {(each.name, each.number) for each in operators} or called > len(functions):
        raise refusal("EXPLAIN")  # a drawing that was not read whole
    for chain in chains:
        _check_branches(chain)
        if any(each.name == "INTERSECT_BUILD" for each in chain):
            _check_intersected(chain)


def operator_chains(plan: str) -> Iterator[list[Operator]]:
    """The operators that stand below one another in the drawing, each chain from its source upward.

    An operator's first child stands right below it, further ones (what a hash join keeps in memory) in columns of their
    own to the right.
    """
    rows = _rows(plan)
    for number, row in enumerate(rows):
        for column, (operator, continues) in row.items():
            if continues and number and column in rows[number - 1]:
                continue  # not the top of its chain
            chain = [operator]
            for below in rows[number + 1 :]:
                if column not in below or not below[column][1]:
                    break
                chain.append(below[column][0])
            yield chain[::-1]


def _rows(plan: str) -> list[dict[int, tuple[Operator, bool]]]:
    """The boxes of each row of the drawing by their column, with whether each hangs on something above it."""
    rows: list[list[str]] = []
    for line in map(_as_wide_as_drawn, plan.splitlines()):
        if "┌" in line and "│" not in line:
            rows.append([])
        if rows:
            rows[-1].append(line)
    found: list[dict[int, tuple[Operator, bool]]] = []
    for row in rows:
        width = row[0].find("┐") - row[0].find("┌") + 1
        boxes: dict[int, tuple[Operator, bool]] = {}
        for column, start in enumerate(range(0, len(row[0]), width + 1)):
            lines = [line[start : start + width] for line in row]
            if not lines[0].startswith("┌"):
                continue
            texts = [line[1:-1].strip() for line in lines[1:] if line.startswith("│")]
            if texts and (name := _NAME.fullmatch(texts[0])):
                boxes[column] = Operator(name[1], name[2], tuple(texts[1:])), "┴" in lines[0]
        if boxes:  # the title has none
            found.append(boxes)
    return found


def _as_wide_as_drawn(line: str) -> str:
    """The engine pads a box by bytes: each byte of a name that is not ASCII takes a place of its own."""
    return "".join(
        each if each.isascii() or "\u2500" <= each <= "\u257f" else each.encode().decode("latin-1") for each in line
    )


def _check_branches(chain: Sequence[Operator]) -> None:
    """Refuse a chain in which a relationship is followed from a list that is not made anew for each turn."""
    made: dict[str, set[int]] = {}  # the lists that a variable stands in; several nodes without a name share one entry
    single: set[int] = set()  # lists that an operator already walks through, value by value
    newest = 0
    for number, operator in enumerate(chain):
        if operator.name in _STARTS:
            made[operator.fact("Alias")] = {newest}
        elif operator.name == _EXTEND:
            ends = _DIRECTION.match(f"Direction: {operator.fact('Direction')}")
            if ends is None:
                raise _loses_rows("")
            start, end = ends.groups()
            # A variable that is not known came with the operator right below, which is no SCAN.
            lists = made.get(start, {newest})
            if not lists <= single | {newest}:
                raise _loses_rows(start)
            single |= lists
            newest = number
            made[end] = {newest} | (made.get(end, set()) if not end else set())
        elif operator.name not in _ONE_TURN and number:
            newest = number


def _check_intersected(chain: Sequence[Operator]) -> None:
    """Refuse to intersect neighbours to which several relationships may lead."""
    schema = graph_schema().relationships
    for operator in chain:
        if operator.name == _EXTEND:
            types = operator.fact("Tables").split()
            if len(types) != 1 or types[0] not in schema or schema[types[0]].identity:
                raise _loses_rows("|".join(types))
            if _UNDIRECTED.match(f"Direction: {operator.fact('Direction')}"):
                raise _loses_rows(types[0])


def _loses_rows(place: str) -> RingTraceError:
    return RingTraceError.of(
        "graph.cypher.loses_rows", place=place.encode("latin-1", "replace").decode("utf-8", "replace")
    )
