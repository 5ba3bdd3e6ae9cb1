"""A parameter of a saved query, and how a value that was typed becomes the one that travels to the engine."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Self

from ringtrace.queries.values import Kind, typed
from ringtrace.texts import Language


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

    @classmethod
    def of(cls, raw: Mapping[str, Any]) -> Self:
        """The parameter from its mapping in the query's file; ValueError if a value is not of its type."""
        kind: Kind = raw["type"]
        default = raw.get("default")
        return cls(
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
