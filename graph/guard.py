r"""A user's Cypher is never dangerous: what is not plainly a reading statement is refused before an engine sees it.

Opening a Ladybug database read-only, or a Neo4j session in READ mode, is not enough: both still read files, write files
or call out (`LOAD FROM`, `COPY … TO`, `LOAD CSV`, `INSTALL`). So the text is cut into tokens as an engine cuts it, and

1. it begins with a reading clause, and is one statement;
2. a word that begins any other clause is refused, unless its place shows that it names something (`n.load`, `:Load`,
   `{load: 1}`) or it stands in backticks, a string or a comment;
3. CALL calls only functions that describe the graph, or a subquery; dotted functions only those listed;
4. what an engine might read otherwise than we do (`\u0043REATE`, an open string, control characters) is refused.

`ladybug.plan` and `neo4j.guard` then hold the engine's own plan against the operators that only read, so that a slip
above is no breach.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Final

from ringtrace.errors import RingTraceError

READING: Final = frozenset({"MATCH", "OPTIONAL", "WITH", "UNWIND", "RETURN", "CALL"})
"""What a statement may begin with."""

FORBIDDEN: Final = frozenset(
    {"ADD", "ALTER", "ANALYZE", "ATTACH", "BEGIN", "CHECKPOINT", "COMMENT", "COMMIT", "COPY", "CREATE", "CYPHER",
     "DEALLOCATE", "DELETE", "DENY", "DETACH", "DROP", "DRYRUN", "ENABLE", "EXECUTE", "EXPLAIN", "EXPORT", "FINISH",
     "FORCE", "FOREACH", "GRANT", "IMPORT", "INSERT", "INSTALL", "LOAD", "MERGE", "PROFILE", "PROJECT", "REMOVE",
     "RENAME", "REVOKE", "ROLLBACK", "SET", "SHOW", "START", "STOP", "TERMINATE", "TRANSACTION", "TRANSACTIONS",
     "TRUNCATE", "UNINSTALL", "UPDATE", "USE", "NEXTVAL", "CURRVAL"}
)  # fmt: skip
"""Words that begin a clause, or call a function, which is not plainly reading, in either engine."""

PROCEDURES: Final = frozenset(
    {"show_tables", "table_info", "show_functions", "show_connection", "db_version", "db.labels",
     "db.relationshiptypes", "db.propertykeys", "db.schema.nodetypeproperties", "db.schema.reltypeproperties"}
)  # fmt: skip
"""What CALL may call: functions that describe the graph."""

DOTTED_FUNCTIONS: Final = re.compile(
    r"(date|time|datetime|localtime|localdatetime)\.(truncate|fromepoch|fromepochmillis)"
    r"|duration\.(between|inmonths|indays|inseconds)|point\.(distance|withinbbox)"
)
"""Functions with a dot in their name that are built in and compute only; any other might belong to a plug-in."""

_TOKEN: Final = re.compile(
    r"""
    (?P<space>\s+|//[^\r\n]*|/\*.*?\*/)
  | (?P<string>'(?:[^'\\]|\\.)*'|"(?:[^"\\]|\\.)*")
  | (?P<quoted>`(?:[^`]|``)*`)
  | (?P<parameter>\$\w+)
  | (?P<number>\d\w*(?:\.(?:\d\w*)?)?)
  | (?P<word>[^\W\d]\w*)
  | (?P<symbol>[-+*%^=<>!~.,:;|()\[\]{}&?]|/(?!\*))
    """,
    re.VERBOSE | re.DOTALL,
)


@dataclass(frozen=True, slots=True)
class Token:
    """A piece of Cypher, and where it starts; spaces and comments are none. `kind` is a group of the pattern above."""

    kind: str
    text: str
    start: int = 0

    @property
    def word(self) -> str:
        """The word in capitals as an engine compares it, however its letters are written; empty if it is none."""
        return unicodedata.normalize("NFKC", self.text).upper() if self.kind == "word" else ""


def tokens(query: str) -> Iterator[Token]:
    r"""Cut `query` as the engines do.

    Raises
    ------
    RingTraceError
        At a piece that is no token (an open string, name or comment, an unknown character), and at `\u` anywhere: some
        engines turn `\u0027` into a quote before they look for the end of a string.
    """
    if "\\u" in query or "\\U" in query:
        raise refusal("\\u")
    position = 0
    while position < len(query):
        found = _TOKEN.match(query, position)
        if found is None:
            raise refusal(query[position : position + 20])
        if found.lastgroup != "space":
            yield Token(str(found.lastgroup), found[0], position)
        position = found.end()


def check_reading(query: str) -> None:
    """Pass a single statement that only reads the graph.

    Raises
    ------
    RingTraceError
        Naming the piece that is refused.
    """
    found = list(tokens(query))
    while found and found[-1].text == ";":
        found.pop()
    if not found or found[0].word not in READING:
        raise refusal(found[0].text if found else "")
    for index, token in enumerate(found):
        if token.text == ";":
            raise refusal(";")
        if not token.word or is_name(found, index):
            continue
        if token.word in FORBIDDEN:
            raise refusal(token.text)
        if token.word == "CALL":
            _check_call(found[index + 1 :])
    _check_dotted_functions(found)


def is_name(found: Sequence[Token], index: int) -> bool:
    """Whether the place of a word shows that it names a property, label, type or map key, and begins no clause."""
    before = found[index - 1].text if index else ""
    if before == ".":
        # `n.load`, but neither `1. LOAD` nor the dots of `*1..3`.
        owner = found[index - 2] if index > 1 else None
        return owner is not None and (owner.kind in {"word", "quoted", "parameter"} or owner.text in {")", "]", "}"})
    after = found[index + 1].text if index + 1 < len(found) else ""
    return before in {":", "|"} or (before in {"{", ","} and after == ":")


def _check_call(rest: Sequence[Token]) -> None:
    if rest and rest[0].text in {"{", "("}:
        return  # a subquery: its words are checked like all others
    name = ""
    for token in rest:
        if token.kind != "word" and token.text != ".":
            break
        if token.kind == "word" and name and not name.endswith("."):
            break
        name += token.text
    if name.lower() not in PROCEDURES:
        raise refusal(f"CALL {name}".strip())


def _check_dotted_functions(found: Sequence[Token]) -> None:
    for index, token in enumerate(found):
        if token.text != "(" or index < 3 or found[index - 2].text != ".":
            continue
        start = index - 1
        while start >= 2 and found[start - 1].text == "." and found[start - 2].kind in {"word", "quoted"}:
            start -= 2
        name = "".join(each.text for each in found[start:index])
        called = start > 0 and found[start - 1].word == "CALL"
        if not called and not DOTTED_FUNCTIONS.fullmatch(name.lower()):
            raise refusal(name)


def refusal(piece: str) -> RingTraceError:
    """The error that refuses this piece of a query."""
    return RingTraceError.of("graph.cypher.refused", piece=piece)
