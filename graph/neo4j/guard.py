"""A user's Cypher on a server that also holds other things: kept to the workspace's own graph, and to reading.

Beyond `guard.check_reading`, which both engines share:

1. `scoped` names labels and types as this workspace's are called there, and gives the first node of a MATCH that says
   no label all labels of the graph, so that nothing else on the server is met;
2. `check_plan` walks the plan that EXPLAIN gives in a READ session: the query is of type `r`, every operator is listed
   here, and no operator begins at nodes or relationships of any kind whatever.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any, Final

from ringtrace.data_schema.graph import graph_schema
from ringtrace.errors import RingTraceError
from ringtrace.graph.guard import PROCEDURES, Token, is_name, refusal, tokens
from ringtrace.graph.neo4j.names import PREFIX, Names, schema_names
from ringtrace.graph.neo4j.statements import REGISTRY

OPERATORS: Final = frozenset(
    {"Anti", "AntiConditionalApply", "AntiSemiApply", "Apply", "Argument", "ArgumentTracker",
     "BFSPruningVarLengthExpand", "BidirectionalRepeat(Trail)", "CacheProperties", "CartesianProduct",
     "ConditionalApply", "DirectedRelationshipIndexContainsScan", "DirectedRelationshipIndexEndsWithScan",
     "DirectedRelationshipIndexScan", "DirectedRelationshipIndexSeek", "DirectedRelationshipIndexSeekByRange",
     "DirectedRelationshipTypeScan", "DirectedUnionRelationshipTypesScan", "Distinct", "Eager", "EagerAggregation",
     "EmptyResult", "ExhaustiveLimit", "Expand(All)", "Expand(Into)", "Filter", "IntersectionNodeByLabelsScan",
     "LetAntiSemiApply", "LetSelectOrAntiSemiApply", "LetSelectOrSemiApply", "LetSemiApply", "Limit",
     "MultiNodeIndexSeek", "NodeByLabelScan", "NodeCountFromCountStore", "NodeHashJoin", "NodeIndexContainsScan",
     "NodeIndexEndsWithScan", "NodeIndexScan", "NodeIndexSeek", "NodeIndexSeekByRange", "NodeLeftOuterHashJoin",
     "NodeRightOuterHashJoin", "NodeUniqueIndexSeek", "NodeUniqueIndexSeekByRange", "NullifyMetadata", "Optional",
     "OptionalExpand(All)", "OptionalExpand(Into)", "OrderedAggregation", "OrderedDistinct", "OrderedUnion",
     "PartialSort", "PartialTop", "PartitionedNodeByLabelScan", "PartitionedNodeIndexScan", "PartitionedNodeIndexSeek",
     "PartitionedNodeIndexSeekByRange", "PartitionedUnwind", "PathPropagatingBFS", "ProcedureCall", "ProduceResults",
     "ProjectEndpoints", "Projection", "RelationshipCountFromCountStore", "Repeat(Trail)", "Repeat(Walk)",
     "RepeatOptions", "RollUpApply", "SelectOrAntiSemiApply", "SelectOrSemiApply", "SemiApply", "ShortestPath",
     "SimulatedExpand", "Skip", "Sort", "StatefulShortestPath(All)", "StatefulShortestPath(Into)", "Top",
     "TriadicBuild", "TriadicFilter", "TriadicSelection", "UndirectedRelationshipIndexContainsScan",
     "UndirectedRelationshipIndexEndsWithScan", "UndirectedRelationshipIndexScan", "UndirectedRelationshipIndexSeek",
     "UndirectedRelationshipIndexSeekByRange", "UndirectedRelationshipTypeScan", "UndirectedUnionRelationshipTypesScan",
     "Union", "UnionNodeByLabelsScan", "Unwind", "ValueHashJoin", "VarLengthExpand(All)", "VarLengthExpand(Into)",
     "VarLengthExpand(Pruning)", "VarLengthExpand(Pruning,BFS)", "VarLengthExpand(Pruning,BFS,All)",
     "VarLengthExpand(Pruning,BFS,Into)"}
)  # fmt: skip
"""Operators that only read, and begin at something that the query names."""

EVERYTHING: Final = frozenset(
    {"DirectedAllRelationshipsScan", "UndirectedAllRelationshipsScan", "PartitionedDirectedAllRelationshipsScan",
     "PartitionedUndirectedAllRelationshipsScan"}
)  # fmt: skip
"""Operators that begin at every relationship: right only where one workspace has the server to itself."""

_ENDS_OF_PATTERN: Final = frozenset(
    {"WHERE", "RETURN", "WITH", "MATCH", "OPTIONAL", "UNWIND", "CALL", "UNION", "USING", "ORDER", "SKIP", "LIMIT",
     "OFFSET", "FILTER", "LET", "FOR", "NEXT", "FINISH", "WHEN"}
)  # fmt: skip


def scoped(query: str, names: Names) -> str:
    """The query as it runs on the server.

    Raises
    ------
    RingTraceError
        If it names another workspace's labels, or our notes on the server.
    """
    found = list(tokens(query))
    edits: list[tuple[int, int, str]] = []
    for index, token in enumerate(found):
        name = _name(token)
        if name == REGISTRY or (name and PREFIX.match(name)):
            raise refusal(name)
        if names.prefix and name in schema_names() and not _is_property(found, index):
            stored = names.stored(name)
            edits.append(
                (token.start, token.start + len(token.text), f"`{stored}`" if token.kind == "quoted" else stored)
            )
    labels = "|".join(names.stored(label) for label in graph_schema().nodes)
    edits += [(place, place, f":{labels} ") for place in _without_label(found)]
    for start, end, text in sorted(edits, reverse=True):
        query = query[:start] + text + query[end:]
    return query


def check_plan(query_type: str | None, plan: Mapping[str, Any], *, shared: bool) -> None:
    """Pass a plan that only reads this workspace's graph.

    Raises
    ------
    RingTraceError
        Naming the operator or procedure that is refused, or asking for a label.
    """
    if query_type != "r":
        raise refusal(f"EXPLAIN: {query_type}")
    for operator in _walk(plan):
        kind = str(operator["operatorType"]).partition("@")[0]
        details = str(operator.get("args", {}).get("Details", ""))
        if kind in {"AllNodesScan", "PartitionedAllNodesScan"} or (kind in EVERYTHING and shared):
            raise RingTraceError.of("graph.cypher.unlabelled", piece=details)
        if kind not in OPERATORS and kind not in EVERYTHING:
            raise refusal(kind)
        if kind == "ProcedureCall" and details.partition("(")[0].strip().lower() not in PROCEDURES:
            raise refusal(details)
        if kind.endswith("FromCountStore") and _counts_everything(kind, details, shared):
            raise RingTraceError.of("graph.cypher.unlabelled", piece=details)


def _counts_everything(kind: str, details: str, shared: bool) -> bool:
    """Whether `count( () )` or, on a shared server, `count( ()-[]->() )` counts what is not of this workspace."""
    if kind.startswith("Node"):
        return ":" not in details
    return shared and ":" not in details


def _walk(plan: Mapping[str, Any]) -> Iterator[Mapping[str, Any]]:
    yield plan
    for child in plan.get("children", ()):
        yield from _walk(child)


def _name(token: Token) -> str:
    if token.kind == "quoted":
        return token.text[1:-1].replace("``", "`")
    return token.text if token.kind == "word" else ""


def _is_property(found: Sequence[Token], index: int) -> bool:
    """Whether a word is a property's or a map's key: these are called alike everywhere."""
    before = found[index - 1].text if index else ""
    after = found[index + 1].text if index + 1 < len(found) else ""
    return before == "." or (before in {"{", ","} and after == ":")


def _without_label(found: Sequence[Token]) -> Iterator[int]:
    """Where, in the text, the first node of each pattern of a MATCH lacks its label."""
    for index, token in enumerate(found):
        if token.word == "MATCH" and not is_name(found, index):
            yield from _in_patterns(found, index + 1)


def _in_patterns(found: Sequence[Token], start: int) -> Iterator[int]:
    depth = 0
    for index in range(start, len(found)):
        token = found[index]
        if depth == 0 and (token.word in _ENDS_OF_PATTERN or token.text in {"}", ")", "]"}):
            return
        if token.text == "(" and depth == 0 and found[index - 1].text not in {"-", ">"}:
            first = index
            while first + 1 < len(found) and found[first + 1].text == "(":
                first += 1
            place = _label_place(found, first + 1)
            if place is not None:
                yield place
        depth += (token.text in {"(", "[", "{"}) - (token.text in {")", "]", "}"})


def _label_place(found: Sequence[Token], inside: int) -> int | None:
    """Where a label is to stand in the node that opens before `inside`; None if it has one, or is no node."""
    place = inside
    if place < len(found) and found[place].kind in {"word", "quoted"} and found[place].word != "WHERE":
        place += 1
    if place >= len(found):
        return None
    next_one = found[place]
    bare = next_one.text in {")", "{"} or next_one.word == "WHERE" or next_one.kind == "parameter"
    return next_one.start if bare else None
