"""Which graph a workspace is read from: the embedded one, or its copy on a Neo4j server.

The environment variable RINGTRACE_GRAPH (a server's address, or `embedded`) goes before the workspace's own setting.
The password is never kept: it comes from NEO4J_PASSWORD, or from whoever calls.
"""

from __future__ import annotations

import json
import os
from typing import Final

from ringtrace.graph.neo4j.server import Address
from ringtrace.graph.neo4j.snapshot import folder
from ringtrace.workspace import Workspace, write_atomic

EMBEDDED: Final = "embedded"
CHOICE: Final = "RINGTRACE_GRAPH"
USER: Final = "NEO4J_USER"
PASSWORD: Final = "NEO4J_PASSWORD"  # noqa: S105  (the name of the variable)
DATABASE: Final = "NEO4J_DATABASE"


def address(url: str, user: str | None = None, password: str | None = None) -> Address:
    """The server at `url`, with user, password and database from the environment where they are not given."""
    return Address(
        url,
        user or os.environ.get(USER) or "neo4j",
        os.environ.get(PASSWORD, "") if password is None else password,
        os.environ.get(DATABASE) or None,
    )


def use(workspace: Workspace, url: str, user: str | None = None) -> None:
    """Make a server's address, or `embedded`, the setting of this workspace."""
    setting = {} if url == EMBEDDED else {"url": url, "user": user}
    write_atomic(folder(workspace) / "setting.json", json.dumps(setting))


def chosen(workspace: Workspace) -> Address | None:
    """The server that this workspace's graph is to be read from; None for the embedded graph."""
    if url := os.environ.get(CHOICE):
        return None if url == EMBEDDED else address(url)
    file = folder(workspace) / "setting.json"
    setting = json.loads(file.read_text("utf-8")) if file.is_file() else {}
    return address(setting["url"], os.environ.get(USER) or setting["user"]) if setting else None
