"""Saved queries to and from others' tools: BloodHound's YAML and JSON, favourites of Neo4j Browser, plain Cypher.

Neo4j Browser reads a favourite's name from the comment in its first line, and takes parameters from `:param` lines that
are run before it; so an exported favourite says its parameters, with the defaults, in comments to be run.
"""

from __future__ import annotations

import csv
import getpass
import io
import json
import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any, Final
from uuid import NAMESPACE_URL, uuid4, uuid5

import yaml

from ringtrace.errors import RingTraceError
from ringtrace.queries.cypher_text import used_parameters
from ringtrace.queries.library import dumped
from ringtrace.queries.query import SavedQuery
from ringtrace.queries.values import written
from ringtrace.texts import Language
from ringtrace.workspace import write_atomic

BLOODHOUND_KEYS: Final = (
    "name", "guid", "prebuilt", "platforms", "category", "description", "query", "revision", "resources",
    "acknowledgements",
)  # fmt: skip
_COMMENT: Final = re.compile(r"\s*//[ \t]*(.*)")


def draft(
    key: str,
    cypher: str,
    *,
    name: str | None = None,
    description: str | None = None,
    category: str = "own",
    author: str | None = None,
) -> dict[str, Any]:
    """A saved query made of Cypher: its leading comment says what it is, and each `$name` in it is a text parameter."""
    lines = []
    for line in cypher.strip().splitlines():
        comment = _COMMENT.fullmatch(line)
        if comment is None:
            break
        lines.append(comment[1])
    said = " ".join(lines).strip()
    return {
        "name": name or (lines[0] if said else key),
        "guid": str(uuid4()),
        "category": category,
        "description": description or said or name or key,
        "query": cypher.strip(),
        "revision": 1,
        "author": author or getpass.getuser(),
        "parameters": [
            {"name": each, "type": "string", "zh": each, "en": each} for each in sorted(used_parameters(cypher))
        ],
    }


def read_files(files: Iterable[Path]) -> Iterator[tuple[str, dict[str, Any]]]:
    """Key and content of every query in YAML, JSON, Cypher or CSV files of RingTrace, BloodHound or Neo4j Browser.

    Raises
    ------
    RingTraceError
        If a file cannot be read, or holds no query.
    """
    for file in files:
        try:
            content = file.read_text("utf-8-sig")
            found = list(_READERS.get(file.suffix.lower(), _read_cypher)(file, content))
        except (OSError, ValueError, KeyError, TypeError, AttributeError, yaml.YAMLError) as error:
            raise RingTraceError.of("queries.file", path=file, reason=str(error)) from error
        if not found:
            raise RingTraceError.of("queries.file", path=file, reason="0")
        yield from found


def write_yaml(queries: Sequence[SavedQuery], out: Path, language: Language) -> None:
    """One YAML file a query, in the folder `out`, as RingTrace reads them again."""
    for query in queries:
        _write(out / f"{query.key}.yaml", dumped(as_mapping(query)))


def write_browser(queries: Sequence[SavedQuery], out: Path, language: Language) -> None:
    """One `.cypher` file a query, in a folder for each category: Neo4j Browser takes them by drag and drop."""
    for query in queries:
        head = [f"// {query.title(language)}", f"// {query.about(language)}"]
        for each in query.parameters:
            value = _cypher_literal(each.kind, each.default)
            head.append(f"// {each.label(language)}\n//   :param {each.name} => {value}")
        _write(out / query.category / f"{query.key}.cypher", "\n".join((*head, query.texts["query"])) + "\n")


def write_bloodhound(queries: Sequence[SavedQuery], out: Path, language: Language) -> None:
    """One JSON file with a list, as the BloodHound query library is published; drawn forms, since BloodHound draws."""
    content = []
    for query in queries:
        raw = as_mapping(query) | {"query": query.texts.get("visual_query", query.texts["query"])}
        content.append({name: raw[name] for name in BLOODHOUND_KEYS})
    _write(out, json.dumps(content, ensure_ascii=False, indent=2) + "\n")


def as_mapping(query: SavedQuery) -> dict[str, Any]:
    """The content of the query's file."""
    optional: dict[str, Any] = {
        "author": query.author,
        "zh": dict(query.zh) if query.zh else None,
        "parameters": [_parameter(each) for each in query.parameters],
        "visual_query": query.texts.get("visual_query"),
        "count_query": query.texts.get("count_query"),
        "ladybug": dict(query.ladybug) if query.ladybug else None,
        "identity_fields": list(query.identity_fields),
        "applies_to": list(query.applies_to),
        "legal_basis": list(query.legal_basis),
        "innocent_explanations": list(query.innocent_explanations),
        "verification_steps": list(query.verification_steps),
    }
    return {
        "name": query.name,
        "guid": query.guid,
        "prebuilt": query.prebuilt,
        "platforms": list(query.platforms),
        "category": query.category,
        "description": query.description,
        "query": query.texts["query"],
        "revision": query.revision,
        "resources": list(query.resources),
        "acknowledgements": list(query.acknowledgements),
    } | {name: value for name, value in optional.items() if value}


def _parameter(each: Any) -> dict[str, Any]:
    optional: dict[str, Any] = {
        "label": list(each.labels),
        "default": None if each.default is None else _plain(each.kind, each.default),
        "minimum": each.minimum,
        "maximum": each.maximum,
        "choices": [_plain(each.kind, one) for one in each.choices],
        "suggest": each.suggest,
        "depends_on": list(each.depends_on),
    }
    kept = {name: value for name, value in optional.items() if value not in (None, [])}
    return {"name": each.name, "type": each.kind, "zh": each.zh, "en": each.en} | kept


def _plain(kind: Any, value: Any) -> Any:
    return value if isinstance(value, bool | int | float | list) else written(kind, value)


def _cypher_literal(kind: str, value: Any) -> str:
    if value is None:
        return "[]" if kind == "ids" else "''"
    if kind == "duration":
        return f"duration({{seconds: {value.total_seconds():g}}})"
    if kind in ("date", "timestamp"):
        return f"{'date' if kind == 'date' else 'localdatetime'}('{value.isoformat()}')"
    return json.dumps(value, ensure_ascii=False)


def _write(path: Path, content: str) -> None:
    try:
        write_atomic(path, content)
    except OSError as error:
        raise RingTraceError.of("queries.disk", path=path, reason=error.strerror or error) from error


# -- reading -----------------------------------------------------------------------------------------------------------


def _read_yaml(file: Path, content: str) -> Iterator[tuple[str, dict[str, Any]]]:
    yield file.stem, _completed(file.stem, yaml.safe_load(content))


def _read_json(file: Path, content: str) -> Iterator[tuple[str, dict[str, Any]]]:
    """A list of queries, one query, or `{"queries": […]}`, as BloodHound and its query library write them."""
    raw = json.loads(content)
    if isinstance(raw, Mapping) and "queries" in raw:
        raw = raw["queries"]
    for each in raw if isinstance(raw, list) else [raw]:
        key = _key(each["name"])
        yield key, _completed(key, each)


def _read_cypher(file: Path, content: str) -> Iterator[tuple[str, dict[str, Any]]]:
    yield file.stem, draft(file.stem, "\n".join(line for line in content.splitlines() if ":param" not in line))


def _read_csv(file: Path, content: str) -> Iterator[tuple[str, dict[str, Any]]]:
    """The list that the newer Neo4j Browser (Query) saves: a header row with a name and the Cypher."""
    for row in csv.DictReader(io.StringIO(content, newline="")):
        cells = {(name or "").strip().lower(): value for name, value in row.items()}
        cypher = cells.get("query") or cells.get("cypher") or cells.get("content")
        if cypher:
            name = cells.get("name") or cells.get("title")
            made = draft(_key(name or cypher[:40]), cypher, name=name, description=cells.get("description") or None)
            yield _key(made["name"]), made


_READERS: Final = {".yaml": _read_yaml, ".yml": _read_yaml, ".json": _read_json, ".csv": _read_csv}


def _completed(key: str, raw: dict[str, Any]) -> dict[str, Any]:
    """BloodHound's own export has name, description and query only; the rest is made up from them."""
    known = {name: value for name, value in raw.items() if value not in (None, "")}
    made = draft(key, known["query"], name=known.get("name"), description=known.get("description") or None)
    made.pop("author")  # whoever brings a query in did not write it
    if "parameters" in known:
        made.pop("parameters")
    # The same file imported twice is the same query.
    made["guid"] = str(uuid5(NAMESPACE_URL, f"{known.get('name')}\n{known['query']}"))
    return made | known | {"prebuilt": False}


def _key(name: str) -> str:
    return re.sub(r"[^\w-]+", "_", name.strip()).strip("_")[:80] or "query"
