"""What a query can name: the graph's labels, types and properties in words, and the Cypher that both engines know."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any, Final

from ringtrace.data_schema.graph import Property, graph_schema
from ringtrace.texts import Language

KEYWORDS: Final = (
    "MATCH", "OPTIONAL MATCH", "WHERE", "RETURN", "WITH", "UNWIND", "UNION ALL", "ORDER BY", "SKIP", "LIMIT",
    "DISTINCT", "AS", "ASC", "DESC", "AND", "OR", "NOT", "IN", "IS NULL", "IS NOT NULL", "STARTS WITH", "ENDS WITH",
    "CONTAINS", "EXISTS", "CASE", "WHEN", "THEN", "ELSE", "END", "TRUE", "FALSE", "NULL",
)  # fmt: skip
FUNCTIONS: Final = ("count", "sum", "avg", "min", "max", "collect", "size", "coalesce", "abs", "round", "range")


def vocabulary(language: Language) -> dict[str, Any]:
    """Names for an editor to offer, each with its word in `language`.

    `labels` and `types` map a name to `words` and `properties` (name → words and type); a type also has its `sources`
    and `targets`. `keywords` and `functions` are lists.
    """
    schema = graph_schema()
    return {
        "labels": {
            name: {"words": node.label(language), "properties": _properties(node.properties, language)}
            for name, node in schema.nodes.items()
        },
        "types": {
            name: {
                "words": kind.phrase("out", language),
                "properties": _properties(kind.properties, language),
                "sources": list(kind.sources),
                "targets": list(kind.targets),
            }
            for name, kind in schema.relationships.items()
        },
        "keywords": list(KEYWORDS),
        "functions": list(FUNCTIONS),
    }


def _properties(properties: Iterable[Property], language: Language) -> dict[str, str]:
    return {each.name: f"{each.label(language)} · {each.type}" for each in properties}
