"""A saved query: what it asks, of which values, why a row matters, what else would explain it, and how to verify it.

A declaration checks itself when it is read, so that a slip in a YAML file is an error at once, for our own queries as
for a user's, and not a wrong or empty answer later.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from importlib import resources
from typing import Any, Final, Self

import yaml
from jsonschema import Draft202012Validator

from ringtrace.errors import RingTraceError
from ringtrace.graph.store import Engine
from ringtrace.queries.checking import TEXTS, problems
from ringtrace.queries.parameter import Parameter
from ringtrace.texts import Language, catalogue

PLATFORMS: Final = ("Ladybug", "Neo4j")


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
        found = problems(self)
        if found:
            raise ValueError(f"{self.key}: " + "; ".join(found))

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
                parameters=tuple(Parameter.of(each) for each in raw.get("parameters", ())),
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


@cache
def _validator() -> Draft202012Validator:
    schema = yaml.safe_load(resources.files("ringtrace.data_schema").joinpath("query.yaml").read_text("utf-8"))
    return Draft202012Validator(schema)


def _several(raw: str | list[str] | None) -> tuple[str, ...]:
    """BloodHound writes one as a text, several as a list, none as an empty value."""
    return () if not raw else (raw,) if isinstance(raw, str) else tuple(raw)
