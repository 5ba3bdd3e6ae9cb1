"""A user's Cypher is never dangerous: what is not plainly a reading statement is refused before an engine sees it.

Opening a Ladybug database read-only, or a Neo4j session in READ mode, is not enough: both still read files, write files
or call out (`LOAD FROM`, `COPY … TO`, `LOAD CSV`, `INSTALL`). So the text is cut into tokens as an engine cuts it, and
every word that could begin such a clause is refused unless its place shows that it names something.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Final, Literal

from ringtrace.errors import RingTraceError
from ringtrace.texts import default_language, text

Kind = Literal["word", "quoted_name", "string", "number", "parameter", "symbol"]

FORBIDDEN: Final = frozenset(
    {"ADD", "ALTER", "ANALYZE", "ATTACH", "BEGIN", "CHECKPOINT", "COMMENT", "COMMIT", "COPY", "CREATE", "DEALLOCATE",
     "DELETE", "DENY", "DETACH", "DROP", "DRYRUN", "ENABLE", "EXECUTE", "EXPLAIN", "EXPORT", "FINISH", "FORCE",
     "FOREACH", "GRANT", "IMPORT", "INSERT", "INSTALL", "LOAD", "MERGE", "PROFILE", "PROJECT", "REMOVE", "RENAME",
     "REVOKE", "ROLLBACK", "SET", "SHOW", "START", "STOP", "TERMINATE", "TRUNCATE", "UNINSTALL", "UPDATE", "USE"}
)  # fmt: skip
"""Words that begin a clause which is not plainly reading, in either engine."""

TABLE_FUNCTIONS: Final = frozenset(
    {"show_tables", "table_info", "show_functions", "show_connection", "db_version", "db.labels",
     "db.relationshiptypes", "db.propertykeys", "db.schema.nodetypeproperties", "db.schema.reltypeproperties"}
)  # fmt: skip
"""What CALL may call: functions that describe the graph."""

_NAMING: Final = frozenset({".", ":", "|", "$"})
"""After one of these, a word is a name and cannot begin a clause."""

_TOKEN: Final = re.compile(
    r"""
    (?P<space>\s+|//[^\r\n]*|/\*.*?\*/)
  | (?P<string>'(?:[^'\\]|\\.)*'|"(?:[^"\\]|\\.)*")
  | (?P<quoted_name>`(?:[^`]|``)*`)
  | (?P<parameter>\$\w+)
  | (?P<number>\d\w*(?:\.\d\w*)?)
  | (?P<word>[^\W\d]\w*)
  | (?P<symbol>[-+*/%^=<>!~.,:;|()\[\]{}@&$?])
    """,
    re.VERBOSE | re.DOTALL,
)


@dataclass(frozen=True, slots=True)
class Token:
    """A piece of Cypher, where it stands, and what it is; comments and spaces are none."""

    kind: Kind
    text: str
    position: int


def tokens(query: str) -> Iterator[Token]:
    r"""Cut `query` as the engines do.

    Raises
    ------
    RingTraceError
        At a piece that is no token: an open string, name or comment, a backslash outside a string (Neo4j reads `\u…`
        anywhere), or a character that no engine knows.
    """
    position = 0
    while position < len(query):
        found = _TOKEN.match(query, position)
        if found is None or (query.startswith("/*", position) and not found["space"]):
            raise _refusal(query[position : position + 20])
        kind = found.lastgroup
        if kind != "space":
            yield Token(kind, found[0], position)  # type: ignore[arg-type]
        position = found.end()


def check_reading(query: str) -> None:
    """Pass a single statement that only reads the graph.

    Raises
    ------
    RingTraceError
        Naming the word that is refused.
    """
    found = list(tokens(query))
    while found and found[-1].text == ";":
        found.pop()
    for index, token in enumerate(found):
        before = found[index - 1].text if index else ""
        after = found[index + 1].text if index + 1 < len(found) else ""
        if token.text == ";":
            raise _refusal(";")
        if token.kind != "word":
            continue
        word = token.text.upper()
        named = before in _NAMING or (before in {"{", ","} and after == ":")
        if word in FORBIDDEN and not named:
            raise _refusal(token.text)
        if word == "CALL" and not named:
            _check_call(found, index)


def _check_call(found: list[Token], index: int) -> None:
    name = ""
    for token in found[index + 1 :]:
        if token.kind != "word" and token.text != ".":
            break
        name += token.text
    if name.lower() not in TABLE_FUNCTIONS:
        raise _refusal(f"CALL {name}".strip())


def _refusal(piece: str) -> RingTraceError:
    language = default_language()
    return RingTraceError(
        text("graph.cypher.refused.happened", language, piece=piece),
        means=text("graph.cypher.nothing_changed", language),
        hint=text("graph.cypher.refused.hint", language),
    )
