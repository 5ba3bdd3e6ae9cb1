"""A saved query: what it asks, of which values, why a row matters, what else would explain it, and how to verify it.

A declaration checks itself when it is read, so that a slip in a YAML file is an error at once, for our own queries as
for a user's, and not a wrong or empty answer later.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from importlib import resources
from typing import Any, Final, Self

import yaml
from jsonschema import Draft202012Validator

from ringtrace.data_schema.graph import graph_schema
from ringtrace.errors import RingTraceError
from ringtrace.graph.store import Engine
from ringtrace.queries.values import KINDS, Kind, typed
from ringtrace.texts import Language, catalogue

PLATFORMS: Final = ("Ladybug", "Neo4j")
TEXTS: Final = ("query", "visual_query", "count_query")

CATEGORIES: Final = (
    "identity_cards", "co_visits_rings", "pharmacies_collusion", "drugs_trace_codes", "chains_in_time", "doctors",
    "stays_ghosts", "regions", "money", "tips_known", "data_quality",
)  # fmt: skip
"""Categories of our own queries, in the order in which they are listed; `queries.category.*` has their names."""

_USED: Final = re.compile(r"\$(\w+)")
_COMMA: Final = re.compile(r",(?![^()\[\]]*[)\]])")  # not one inside brackets


@dataclass(frozen=True, slots=True)
class Parameter:
    """A value that a query needs.

    `labels` says which nodes an `id` names; `default` is None where a value must be given; `suggest` is Cypher that
    gives `id` and `name` of values worth offering, and reads the parameters in `depends_on`.
    """

    name: str
    kind: Kind
    zh: str
    en: str
    labels: tuple[str, ...] = ()
    default: Any = None
    minimum: float | None = None
    maximum: float | None = None
    choices: tuple[Any, ...] = ()
    suggest: str | None = None
    depends_on: tuple[str, ...] = ()

    def label(self, language: Language) -> str:
        return self.zh if language == "zh" else self.en

    @property
    def needed(self) -> bool:
        return self.default is None

    def value(self, given: object) -> Any:
        """`given` (text as typed, or a Python value) as the value that travels to the engine.

        Raises
        ------
        ValueError
            If it is not of the parameter's type, out of its bounds, or not among its choices.
        """
        value = typed(self.kind, given)
        if self.minimum is not None and value < self.minimum:
            raise ValueError(f"≥ {self.minimum:g}")
        if self.maximum is not None and value > self.maximum:
            raise ValueError(f"≤ {self.maximum:g}")
        if self.choices and value not in self.choices:
            raise ValueError(" | ".join(str(each) for each in self.choices))
        return value


@dataclass(frozen=True, slots=True)
class Expectation:
    """What the query gives on the demo town of the tests: all its rows, for these parameters."""

    rows: tuple[tuple[Any, ...], ...]
    parameters: Mapping[str, Any]
    population: int | None = None


@dataclass(frozen=True, slots=True)
class SavedQuery:
    """One file of the library, or of a workspace. `key` is the file's name without its ending, for typing."""

    key: str
    name: str
    guid: str
    category: str
    description: str
    texts: Mapping[str, str]
    """`query`, `visual_query` and `count_query`, in the Cypher that both engines read or that of Neo4j."""
    revision: int = 1
    prebuilt: bool = False
    platforms: tuple[str, ...] = PLATFORMS
    resources: tuple[str, ...] = ()
    acknowledgements: tuple[str, ...] = ()
    author: str | None = None
    zh: Mapping[str, str] | None = None
    parameters: tuple[Parameter, ...] = ()
    identity_fields: tuple[str, ...] = ()
    applies_to: tuple[str, ...] = ()
    legal_basis: tuple[str, ...] = ()
    innocent_explanations: tuple[str, ...] = ()
    verification_steps: tuple[str, ...] = ()
    ladybug: Mapping[str, str] | None = None
    tests: tuple[Expectation, ...] = ()

    def __post_init__(self) -> None:
        problems = list(_problems(self))
        if problems:
            raise ValueError(f"{self.key}: " + "; ".join(problems))

    @classmethod
    def read(cls, key: str, content: str) -> Self:
        """The query that a YAML file holds.

        Raises
        ------
        RingTraceError
            If it is no saved query; the message names each place that is wrong.
        """
        try:
            raw = yaml.safe_load(content)
        except yaml.YAMLError as error:
            raise RingTraceError.of("queries.broken", key=key, problem=" ".join(str(error).split())) from error
        return cls.of(key, raw)

    @classmethod
    def of(cls, key: str, raw: Any) -> Self:
        """The query from the mapping that its file holds; raises as `read` does."""
        # A date written in YAML is a date already; the schema knows JSON's types only.
        wrong = [
            f"{'.'.join(map(str, error.absolute_path)) or key}: {error.message}"
            for error in _validator().iter_errors(raw)
        ]
        if wrong:
            raise RingTraceError.of("queries.broken", key=key, problem="; ".join(wrong))
        try:
            return cls(
                key=key,
                name=raw["name"],
                guid=raw["guid"],
                category=raw["category"],
                description=" ".join(raw["description"].split()),
                texts={name: raw[name].strip() for name in TEXTS if name in raw},
                revision=raw["revision"],
                prebuilt=raw.get("prebuilt", False),
                platforms=_several(raw.get("platforms")) or PLATFORMS,
                resources=_several(raw.get("resources")),
                acknowledgements=_several(raw.get("acknowledgements")),
                author=raw.get("author"),
                zh={name: " ".join(sentence.split()) for name, sentence in raw["zh"].items()} if "zh" in raw else None,
                parameters=tuple(_parameter(each) for each in raw.get("parameters", ())),
                identity_fields=tuple(raw.get("identity_fields", ())),
                applies_to=tuple(raw.get("applies_to", ())),
                legal_basis=tuple(raw.get("legal_basis", ())),
                innocent_explanations=tuple(raw.get("innocent_explanations", ())),
                verification_steps=tuple(raw.get("verification_steps", ())),
                ladybug={name: text.strip() for name, text in raw["ladybug"].items()} if "ladybug" in raw else None,
                tests=tuple(
                    Expectation(tuple(map(tuple, each["rows"])), each.get("parameters", {}), each.get("population"))
                    for each in raw.get("tests", ())
                ),
            )
        except ValueError as error:
            raise RingTraceError.of("queries.broken", key=key, problem=str(error)) from error

    def title(self, language: Language) -> str:
        return self.zh["name"] if language == "zh" and self.zh else self.name

    def about(self, language: Language) -> str:
        return self.zh["description"] if language == "zh" and self.zh else self.description

    def category_name(self, language: Language) -> str:
        entry = catalogue().get(f"queries.category.{self.category}")
        return entry[language] if entry else self.category

    def cypher(self, engine: Engine, which: str = "query") -> str | None:
        """The Cypher of `query`, `visual_query` or `count_query` for an engine; None if there is none."""
        if engine == "ladybug" and self.ladybug and which in self.ladybug:
            return self.ladybug[which]
        return self.texts.get(which)

    def __getitem__(self, parameter: str) -> Parameter:
        for each in self.parameters:
            if each.name == parameter:
                return each
        raise KeyError(parameter)

    def anchor(self, label: str) -> Parameter | None:
        """The parameter that a selected node of `label` fills, if the query is offered on such nodes."""
        if label not in self.applies_to:
            return None
        return next(each for each in self.parameters if each.kind in ("id", "ids") and label in each.labels)


def used_parameters(text: str) -> set[str]:
    """Names that a Cypher text uses as `$name`; a dollar in a string or comment is none."""
    bare = re.sub(r"//[^\n]*|/\*.*?\*/|'(?:[^'\\]|\\.)*'|\"(?:[^\"\\]|\\.)*\"", "", text, flags=re.DOTALL)
    return set(_USED.findall(bare))


def columns(text: str) -> tuple[str, ...]:
    """The names that the last RETURN gives its columns, by AS or by returning a bare name; others are left out."""
    last = re.split(r"\bRETURN\b(?:\s+DISTINCT\b)?", text)[-1]
    returned = re.split(r"\b(?:ORDER\s+BY|LIMIT|SKIP)\b", last)[0]
    found = (re.search(r"(?:\bAS\s+|^\s*)(\w+)\s*$", item) for item in _COMMA.split(returned))
    return tuple(each[1] for each in found if each)


@cache
def _validator() -> Draft202012Validator:
    schema = yaml.safe_load(resources.files("ringtrace.data_schema").joinpath("query.yaml").read_text("utf-8"))
    return Draft202012Validator(schema)


def _several(raw: str | list[str] | None) -> tuple[str, ...]:
    """BloodHound writes one as a text, several as a list, none as an empty value."""
    return () if not raw else (raw,) if isinstance(raw, str) else tuple(raw)


def _parameter(raw: Mapping[str, Any]) -> Parameter:
    kind: Kind = raw["type"]
    default = raw.get("default")
    return Parameter(
        name=raw["name"],
        kind=kind,
        zh=raw["zh"],
        en=raw["en"],
        labels=tuple(raw.get("label", ())),
        default=None if default is None else typed(kind, default),
        minimum=raw.get("minimum"),
        maximum=raw.get("maximum"),
        choices=tuple(typed(kind, each) for each in raw.get("choices", ())),
        suggest=raw.get("suggest"),
        depends_on=tuple(raw.get("depends_on", ())),
    )


def _problems(query: SavedQuery) -> list[str]:
    found: list[str] = []
    declared = {each.name for each in query.parameters}
    if len(declared) != len(query.parameters):
        found.append("a parameter is declared twice")
    ours = {each for text in (query.ladybug or {}).values() for each in used_parameters(text)}
    used = {each for text in query.texts.values() for each in used_parameters(text)} | ours
    found += [f"${name} is used and not declared under `parameters`" for name in sorted(used - declared)]
    found += [f"parameter {name} is declared and not used" for name in sorted(declared - used)]
    found += [
        f"ladybug.{which} stands for a text that is absent" for which in (query.ladybug or {}).keys() - query.texts
    ]
    labels = set(graph_schema().nodes)
    for each in query.parameters:
        found += _parameter_problems(each, declared, labels)
    found += [f"applies_to: {label} is no label" for label in query.applies_to if label not in labels]
    anchored = {label for each in query.parameters if each.kind in ("id", "ids") for label in each.labels}
    found += [f"applies_to: no parameter names a {label}" for label in query.applies_to if label not in anchored]
    given = columns(query.texts["query"])
    found += [f"identity_fields: {field} is no column" for field in query.identity_fields if field not in given]
    if query.prebuilt:
        found += _ours_problems(query)
    return found


def _parameter_problems(parameter: Parameter, declared: set[str], labels: set[str]) -> list[str]:
    found = [f"{parameter.name}: {label} is no label" for label in parameter.labels if label not in labels]
    if parameter.kind not in KINDS:
        found.append(f"{parameter.name}: type {parameter.kind} is not one of {', '.join(KINDS)}")
    if parameter.kind in ("id", "ids") and not parameter.labels:
        found.append(f"{parameter.name}: an {parameter.kind} names the `label` of its nodes")
    if parameter.default is not None:
        try:
            parameter.value(parameter.default)
        except ValueError as error:
            found.append(f"{parameter.name}: default {parameter.default!r} is not {error}")
    read = used_parameters(parameter.suggest) if parameter.suggest else set()
    if read != set(parameter.depends_on):
        found.append(f"{parameter.name}: depends_on {sorted(parameter.depends_on)}, but suggest reads {sorted(read)}")
    if unknown := set(parameter.depends_on) - declared:
        found.append(f"{parameter.name}: depends_on names {sorted(unknown)}, which are no parameters")
    return found


def _ours_problems(query: SavedQuery) -> list[str]:
    """What a query that comes with RingTrace must also have; a user's own may be as short as they like."""
    found = [] if query.category in CATEGORIES else [f"category {query.category} is not one of {', '.join(CATEGORIES)}"]
    needed = ("zh", "identity_fields", "innocent_explanations", "verification_steps", "tests")
    found += [f"{name} is missing" for name in needed if not getattr(query, name)]
    found += [f"{which} is missing" for which in TEXTS if which not in query.texts]
    if not query.applies_to and any(each.kind == "id" for each in query.parameters):
        found.append("applies_to is missing, though a parameter names a node")
    known = catalogue()
    for group, keys in (("innocent", query.innocent_explanations), ("verify", query.verification_steps)):
        found += [
            f"queries.{group}.{key} is not in the catalogue" for key in keys if f"queries.{group}.{key}" not in known
        ]
    found += [f"legal_basis: {key} is not in legal_basis.yaml" for key in query.legal_basis if key not in legal_bases()]
    found += [
        f"column {name} has no queries.column.{name} in the catalogue"
        for name in columns(query.texts["query"])
        if f"queries.column.{name}" not in known
    ]
    return found


@dataclass(frozen=True, slots=True)
class LegalBasis:
    """A provision: how it is cited, and what it says in short."""

    cite_zh: str
    cite_en: str
    says_zh: str
    says_en: str

    def cite(self, language: Language) -> str:
        return self.cite_zh if language == "zh" else self.cite_en

    def says(self, language: Language) -> str:
        return self.says_zh if language == "zh" else self.says_en


@cache
def legal_bases() -> Mapping[str, LegalBasis]:
    """The provisions that queries cite, by key."""
    raw = yaml.safe_load(resources.files(__package__).joinpath("legal_basis.yaml").read_text("utf-8"))
    return {
        key: LegalBasis(each["cite"]["zh"], each["cite"]["en"], each["says"]["zh"], each["says"]["en"])
        for key, each in raw.items()
    }
