"""A saved query as people read it before they run it."""

from __future__ import annotations

from collections.abc import Iterator

from ringtrace.queries.legal_basis import legal_bases
from ringtrace.queries.query import SavedQuery
from ringtrace.queries.values import written
from ringtrace.texts import Language, text


def described(query: SavedQuery, language: Language) -> Iterator[str]:
    """Lines: what it is, its parameters, basis, what else would explain a row, how to verify, and its Cypher."""
    yield f"{query.title(language)}  ({query.key})"
    by = f" · {query.author}" if query.author else ""
    revision = text("queries.show.revision", language, n=query.revision)
    yield f"{query.category_name(language)} · {revision}{by} · {', '.join(query.platforms)}"
    yield ""
    yield query.about(language)
    if query.parameters:
        yield from _heading("queries.show.parameters", language)
        for each in query.parameters:
            default = "" if each.needed else f" = {written(each.kind, each.default)}"
            yield f"  {each.name}: {each.kind}{default}  {each.label(language)}"
    for heading, sentences in (
        (
            "legal_basis",
            [f"{legal_bases()[key].cite(language)}: {legal_bases()[key].says(language)}" for key in query.legal_basis],
        ),
        ("innocent", [text(f"queries.innocent.{key}", language) for key in query.innocent_explanations]),
        ("verify", [text(f"queries.verify.{key}", language) for key in query.verification_steps]),
        ("resources", list(query.resources)),
    ):
        if sentences:
            yield from _heading(f"queries.show.{heading}", language)
            yield from (f"  - {each}" for each in sentences)
    yield from _heading("queries.show.cypher", language)
    yield query.texts["query"]
    ours = query.cypher("ladybug")
    if ours is not None and ours != query.texts["query"]:
        yield from _heading("queries.show.ladybug", language)
        yield ours


def _heading(key: str, language: Language) -> Iterator[str]:
    yield ""
    yield text(key, language)
