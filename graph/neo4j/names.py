"""What a workspace's labels and relationship types are called on a server that several workspaces share.

Neo4j's Community Edition has one database for all. The first workspace to fill it has the plain names (`:Patient`), so
that an analyst's own Cypher works in any client; each later one has a prefix (`:w3f9a01_Patient`). Relationships join
nodes of one workspace only, so a query that names a label or a type never leaves its workspace.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Any, Final

from ringtrace.data_schema.graph import graph_schema

PREFIX: Final = re.compile(r"w[0-9a-f]{6}_")
"""How a prefix looks; no label, type or property of the schema begins like that."""


@dataclass(frozen=True, slots=True)
class Names:
    """The names of one workspace: `prefix` is empty for the first."""

    prefix: str = ""

    def stored(self, name: str) -> str:
        """The name on the server of a label or type of the schema."""
        return self.prefix + name

    def plain(self, name: str) -> str:
        """The schema's name of a label or type on the server."""
        return name.removeprefix(self.prefix)

    def plain_value(self, value: Any) -> Any:
        """A cell in which names as the server has them stand as the schema has them."""
        if not self.prefix:
            return value
        if isinstance(value, str):
            return self.plain(value) if self.plain(value) in schema_names() else value
        if isinstance(value, list):
            return [self.plain_value(each) for each in value]
        if isinstance(value, dict):
            return {key: self.plain_value(each) for key, each in value.items()}
        return value


def schema_names() -> frozenset[str]:
    """Every label and relationship type."""
    schema = graph_schema()
    return frozenset({*schema.nodes, *schema.relationships})
