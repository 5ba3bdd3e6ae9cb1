"""The property graph as declared in `graph.yaml`: labels, relationships, their properties and where they come from."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache
from typing import Any, Final, Literal, get_args

from ringtrace.data_schema import Column, ColumnType, Sensitivity, Table, _read, tables
from ringtrace.texts import Language

GraphType = Literal["string", "boolean", "integer", "number", "date", "timestamp"]
Direction = Literal["out", "in"]

_GRAPH_TYPES: Final[dict[ColumnType | Literal["integer"], GraphType]] = {
    "code": "string",
    "text": "string",
    "date": "date",
    "timestamp": "timestamp",
    # Neo4j has no decimals, so both engines hold doubles; amounts of evidence come from the canonical tables.
    "money": "number",
    "count": "number",
    "number": "number",
    "integer": "integer",
}

# When values of several columns share one label (a phone), the most private column decides.
_PRIVACY: Final[tuple[Sensitivity, ...]] = ("none", "quasi", "health", "contact", "name", "identifier")


@dataclass(frozen=True, slots=True)
class Property:
    """A property of a node or relationship, named as the column it comes from."""

    name: str
    type: GraphType
    zh: str
    en: str
    unit: str | None = None
    sensitivity: Sensitivity = "none"

    def label(self, language: Language) -> str:
        return self.zh if language == "zh" else self.en


@dataclass(frozen=True, slots=True)
class NodeType:
    """`(:Label {id, name?, …, stub})`.

    One of `table`, `values`, `sql` and `written` says where its nodes come from: rows of a table, distinct values of
    columns (`table.column`), a SELECT, or a detection run. `order` names columns that lie side by side in the store;
    `searched` says that a part of the id or name finds a node.
    """

    name: str
    zh: str
    en: str
    plural: str
    properties: tuple[Property, ...]
    table: Table | None = None
    key: str | None = None
    caption: str | None = None
    where: str | None = None
    mentioned: str | None = None
    values: tuple[str, ...] = ()
    sql: str | None = None
    order: tuple[str, ...] = ()
    written: bool = False
    searched: bool = True
    sensitivity: Sensitivity = "none"

    def label(self, language: Language) -> str:
        return self.zh if language == "zh" else self.en

    @property
    def references(self) -> tuple[tuple[str, str], ...]:
        """`(table, column)` of every column that refers to this label's table."""
        if self.table is None:
            return ()
        return tuple(
            (table.name, column.name)
            for table in tables().values()
            for column in table.columns
            if column.references == self.table.name
        )


@dataclass(frozen=True, slots=True)
class RelationshipType:
    """`(:source)-[:NAME {properties}]->(:target)`; `rank` is the property that orders the most involved first.

    Of one type there is one relationship between two nodes, or one for each value of the properties `identity`.
    """

    name: str
    sources: tuple[str, ...]
    targets: tuple[str, ...]
    forward: dict[Language, str]
    reverse: dict[Language, str]
    properties: tuple[Property, ...]
    sql: str | None = None
    rank: str | None = None
    identity: tuple[str, ...] = ()
    written: bool = False

    @property
    def pairs(self) -> tuple[tuple[str, str], ...]:
        """Every `(source label, target label)` that the relationship may join."""
        return tuple((source, target) for source in self.sources for target in self.targets)

    def phrase(self, direction: Direction, language: Language) -> str:
        """How the neighbours on that side are called: a pharmacy's incoming BOUGHT_AT are its "customers"."""
        return (self.forward if direction == "out" else self.reverse)[language]


@dataclass(frozen=True, slots=True)
class GraphSchema:
    """All node and relationship types by name, and the temporary tables that their SQL reads (`prepared`)."""

    prepared: dict[str, str]
    nodes: dict[str, NodeType]
    relationships: dict[str, RelationshipType]

    def around(self, label: str) -> tuple[tuple[RelationshipType, Direction], ...]:
        """The relationship types, with direction as seen from it, that a node of `label` can have."""
        return tuple(
            (each, direction)
            for each in self.relationships.values()
            for direction in get_args(Direction)
            if label in (each.sources if direction == "out" else each.targets)
        )


@cache
def graph_schema() -> GraphSchema:
    """The declared graph.

    Raises
    ------
    ValueError
        If a declaration names a table, column, label or property that does not exist; the message names the place.
    """
    raw = _read("graph.yaml")
    facts = {name: _fact(name, declared) for name, declared in raw["facts"].items()}
    nodes = {name: _node(name, declared, facts) for name, declared in raw["nodes"].items()}
    groups: dict[str, list[str]] = raw["groups"]

    def labels(declared: str | list[str], place: str) -> tuple[str, ...]:
        found = tuple(declared) if isinstance(declared, list) else tuple(groups.get(declared, [declared]))
        for label in found:
            if label not in nodes:
                raise ValueError(f"graph.yaml, {place}: {label!r} is no node")
        return found

    relationships = {}
    for name, declared in raw["relationships"].items():
        own = tuple(_known(facts, fact, name) for fact in declared["facts"])
        rank = declared.get("rank")
        if rank is not None and rank not in {each.name for each in own}:
            raise ValueError(f"graph.yaml, {name}: rank {rank!r} is not among its facts")
        if ("sql" in declared) == declared.get("written", False):
            raise ValueError(f"graph.yaml, {name}: give `sql`, or `written: true`")
        relationships[name] = RelationshipType(
            name=name,
            sources=labels(declared["from"], name),
            targets=labels(declared["to"], name),
            forward=declared["forward"],
            reverse=declared["reverse"],
            properties=own,
            sql=declared.get("sql"),
            rank=rank,
            identity=tuple(_known(facts, fact, name).name for fact in declared.get("identity", ())),
            written=declared.get("written", False),
        )
    return GraphSchema(prepared=raw["prepared"], nodes=nodes, relationships=relationships)


def _fact(name: str, declared: dict[str, Any]) -> Property:
    return Property(name, _GRAPH_TYPES[declared["type"]], declared["zh"], declared["en"], declared.get("unit"))


def _known(facts: dict[str, Property], name: str, place: str) -> Property:
    if name not in facts:
        raise ValueError(f"graph.yaml, {place}: {name!r} is not among `facts`; declare its type and names there")
    return facts[name]


def _node(name: str, declared: dict[str, Any], facts: dict[str, Property]) -> NodeType:
    origins = [origin for origin in ("table", "values", "sql", "written") if origin in declared]
    if len(origins) != 1:
        raise ValueError(f"graph.yaml, {name}: give one of table, values, sql, written (found {origins})")
    stub = Property("stub", "boolean", "仅被引用", "only referred to")
    table = tables()[declared["table"]] if "table" in declared else None
    values = tuple(declared.get("values", ()))
    if table is not None:
        key, caption = table[declared["id"]], declared.get("name")
        identity = Property("id", "string", key.zh, key.en, sensitivity=key.sensitivity)
        named = [_column(table, caption, "name")] if caption else []
        own = [identity, *named, *(_column(table, column, column) for column in declared.get("properties", ())), stub]
    else:
        privacy: Sensitivity = "none"
        for value in values:
            privacy = max(privacy, _referred(value).sensitivity, key=_PRIVACY.index)
        identity = Property("id", "string", declared["zh"], declared["en"], sensitivity=privacy)
        own = [identity, *(_known(facts, fact, name) for fact in declared.get("facts", ())), stub]
    return NodeType(
        name=name,
        zh=declared["zh"],
        en=declared["en"],
        plural=declared["plural"],
        properties=tuple(own),
        table=table,
        key=declared.get("id"),
        caption=declared.get("name"),
        where=declared.get("where"),
        mentioned=declared.get("mentioned"),
        values=values,
        sql=declared.get("sql"),
        order=tuple(declared.get("order", ())),
        written=declared.get("written", False),
        searched=declared.get("searched", True),
        sensitivity=own[0].sensitivity,
    )


def _column(table: Table, column: str, name: str) -> Property:
    found = table[column]
    return Property(name, _GRAPH_TYPES[found.type], found.zh, found.en, found.unit, found.sensitivity)


def _referred(value: str) -> Column:
    table, column = value.split(".")
    return tables()[table][column]
