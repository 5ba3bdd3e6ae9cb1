"""A user's own queries: typed values, files that are wrong, revisions, and the way to others' tools and back."""

from __future__ import annotations

import json
from datetime import date, datetime, timedelta
from pathlib import Path

import pytest
import yaml

from ringtrace.errors import RingTraceError
from ringtrace.graph.store import GraphStore
from ringtrace.queries import Library, run
from ringtrace.queries.cypher_text import columns, used_parameters
from ringtrace.queries.exchange import (
    BLOODHOUND_KEYS,
    as_mapping,
    draft,
    read_files,
    write_bloodhound,
    write_browser,
    write_yaml,
)
from ringtrace.queries.library import prebuilt
from ringtrace.queries.query import SavedQuery
from ringtrace.queries.values import KINDS, Kind, typed, written
from ringtrace.workspace import Workspace

OWN = "// Patients of a name\n// Finds namesakes.\nMATCH (p:Patient) WHERE p.name = $name RETURN p.id AS patient"
QUERIES = list(prebuilt().values())

VALUES: dict[Kind, list[tuple[str, object]]] = {
    "id": [("0012", "0012")],
    "ids": [("a, b", ["a", "b"])],
    "string": [("x' OR 1=1 //", "x' OR 1=1 //")],
    "integer": [("12", 12)],
    "number": [("2.5", 2.5)],
    "boolean": [("TRUE", True)],
    "date": [("2025-01-31", date(2025, 1, 31))],
    "timestamp": [("2025-01-31 08:00:00", datetime(2025, 1, 31, 8)), ("2025-01-31", datetime(2025, 1, 31))],
    "duration": [("15 min", timedelta(minutes=15)), ("1 d 2h", timedelta(hours=26)), ("90s", timedelta(seconds=90))],
}
WRONG: list[tuple[Kind, object]] = [
    ("id", 12), ("id", " "), ("ids", ","), ("integer", "1.5"), ("integer", True), ("number", "nan"),
    ("number", "1e999"), ("boolean", "yes"), ("date", "31.1.2025"), ("timestamp", "noon"), ("duration", "15"),
    ("duration", "5 weeks"),
]  # fmt: skip


@pytest.mark.parametrize("kind", KINDS)
def test_values_are_read_as_typed_and_written_back(kind: Kind) -> None:
    for given, value in VALUES[kind]:
        assert typed(kind, given) == value
        assert typed(kind, value) == value
        assert typed(kind, written(kind, value)) == value


@pytest.mark.parametrize(("kind", "given"), WRONG)
def test_a_value_of_another_form_is_refused(kind: Kind, given: object) -> None:
    with pytest.raises(ValueError, match=r"\S"):
        typed(kind, given)


def test_values_never_become_part_of_the_text(graph: GraphStore) -> None:
    query = SavedQuery.of("mine", draft("mine", OWN))
    assert run(graph, query, {"name": "' OR true //"}).rows.rows == ()
    assert len(run(graph, query, {"name": "重号人"}).rows.rows) == 2


def test_a_value_that_is_missing_unknown_or_wrong_is_named(graph: GraphStore) -> None:
    library = Library()
    for key, values, said in (
        ("uses_of_card", {}, "card"),
        ("uses_of_card", {"card": "C", "colour": "red"}, "colour"),
        ("card_presented_for_several", {"persons": "many"}, "many"),
        ("card_presented_for_several", {"persons": 1}, "≥ 2"),
    ):
        with pytest.raises(RingTraceError, match=said):
            run(graph, library[key], values)


def test_an_own_query_is_saved_with_revision_and_author(town: Workspace) -> None:
    library = Library(town)
    first = library.save("namesakes", draft("namesakes", OWN, author="Ann"))
    assert (first.revision, first.author, first.name) == (1, "Ann", "Patients of a name")
    again = library.save("namesakes", draft("namesakes", OWN + " ORDER BY patient", author="Ben"))
    assert (again.revision, again.author) == (2, "Ben")
    reopened = Library(town)
    assert reopened["namesakes"].texts == again.texts
    earlier = town.path / "queries" / "earlier" / "namesakes.1.yaml"
    assert yaml.safe_load(earlier.read_text("utf-8"))["author"] == "Ann"


@pytest.mark.parametrize("key", ["uses_of_card", "a/b", "", "../x"])
def test_a_key_that_is_ours_or_no_file_name_is_refused(town: Workspace, key: str) -> None:
    with pytest.raises(RingTraceError):
        Library(town).save(key, draft("x", OWN))


def test_a_broken_file_is_named_and_stops_no_other(tmp_path: Path) -> None:
    workspace = Workspace(tmp_path / "w", create=True)
    folder = workspace.path / "queries"
    folder.mkdir()
    raw = draft("good", OWN)
    (folder / "good.yaml").write_text(yaml.safe_dump(raw), "utf-8")
    (folder / "bad.yaml").write_text(yaml.safe_dump(raw | {"parameters": [], "applies_to": ["Alien"]}), "utf-8")
    (folder / "worse.yaml").write_text("name: [", "utf-8")
    library = Library(workspace)
    assert library["good"].texts["query"] == OWN
    said = " ".join(error.happened for error in library.broken)
    assert len(library.broken) == 2
    assert all(word in said for word in ("bad", "worse", "$name", "Alien"))


@pytest.mark.parametrize(
    ("change", "said"),
    [
        ({"identity_fields": ["colour"]}, "colour"),
        ({"ladybug": {"count_query": "RETURN 1 AS n"}}, "count_query"),
        ({"description": " "}, "description"),
        ({"colour": "red"}, "colour"),
        ({"parameters": [{"name": "name", "type": "id", "zh": "名", "en": "n"}]}, "label"),
        ({"parameters": [{"name": "name", "type": "word", "zh": "名", "en": "n"}]}, "word"),
    ],
)
def test_a_declaration_checks_itself(change: dict[str, object], said: str) -> None:
    with pytest.raises(RingTraceError, match=said):
        SavedQuery.of("mine", draft("mine", OWN) | change)


def test_parameters_and_columns_are_read_off_the_text() -> None:
    text = "MATCH (p) WHERE p.x = $a AND p.y = '$b' // $c\nRETURN p.id AS one, count(*) AS two, three, f(p, 1) LIMIT 1"
    assert used_parameters(text) == {"a"}
    assert columns(text) == ("one", "two", "three")


@pytest.mark.parametrize("query", QUERIES, ids=lambda query: query.key)
def test_ours_survive_their_own_file(query: SavedQuery, tmp_path: Path) -> None:
    write_yaml([query], tmp_path, "en")
    read = dict(read_files([tmp_path / f"{query.key}.yaml"]))
    assert SavedQuery.of(query.key, read[query.key] | {"prebuilt": False}) == SavedQuery.of(
        query.key, as_mapping(query) | {"prebuilt": False}
    )


def test_bloodhound_json_goes_out_and_comes_back(tmp_path: Path) -> None:
    write_bloodhound(QUERIES, tmp_path / "all.json", "en")
    content = json.loads((tmp_path / "all.json").read_text("utf-8"))
    assert len(content) == len(QUERIES)
    assert all(set(each) == set(BLOODHOUND_KEYS) for each in content)
    back = dict(read_files([tmp_path / "all.json"]))
    assert {SavedQuery.of(key, raw).guid for key, raw in back.items()} == {query.guid for query in QUERIES}


def test_browser_favourites_go_out_and_come_back(tmp_path: Path) -> None:
    write_browser(QUERIES, tmp_path, "en")
    files = sorted(tmp_path.rglob("*.cypher"))
    assert len(files) == len(QUERIES)
    for key, raw in read_files(files):
        query = SavedQuery.of(key, raw)
        assert query.name == prebuilt()[key].name
        assert {each.name for each in query.parameters} == {
            each.name for each in prebuilt()[key].parameters if f"${each.name}" in prebuilt()[key].texts["query"]
        }


def test_what_bloodhound_itself_exports_is_read(tmp_path: Path) -> None:
    file = tmp_path / "theirs.json"
    file.write_text(
        json.dumps({"name": "My query!", "query": "MATCH (n:Patient) RETURN n", "description": ""}), "utf-8"
    )
    (found,) = read_files([file])
    assert SavedQuery.of(*found).name == "My query!"
    file.write_text("{}", "utf-8")
    with pytest.raises(RingTraceError, match=r"theirs\.json"):
        list(read_files([file]))
