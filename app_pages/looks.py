"""What colour and size of nodes stand for: their kind, the level at which they are suspected, money, or links."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Final, Literal, Self, get_args

from ringtrace.app_pages.charts import LEVEL_COLOURS
from ringtrace.app_pages.plain import money
from ringtrace.app_pages.shell import Desk
from ringtrace.findings import LEVELS, Level
from ringtrace.graph.store import NodeRef

Measure = Literal["type", "level", "amount", "degree"]
MEASURES: Final[tuple[Measure, ...]] = get_args(Measure)

SHADES: Final = ("#a5d86a", "#4fb67f", "#2a8f8f", "#35679a", "#5b459c")
"""From little to much; of one lightness order, so that those who see no colour read it too."""
_NONE: Final = "#b4bac1"
_SMALLEST, _LARGEST = 9.0, 30.0


@dataclass(frozen=True, slots=True)
class Scale:
    """Figures by node, and the least and the most of them that are above zero."""

    values: Mapping[NodeRef, float] = field(default_factory=dict)
    low: float = 0.0
    high: float = 0.0

    @classmethod
    def of(cls, values: Mapping[NodeRef, float]) -> Self:
        """The scale on which all of `values` stand."""
        positive = [value for value in values.values() if value > 0]
        return cls(values, min(positive), max(positive)) if positive else cls(values)

    def share(self, ref: NodeRef) -> float | None:
        """Where a node stands between the least (0) and the most (1), on a scale of powers; None without a figure."""
        value = self.values.get(ref)
        if value is None or value <= 0:
            return None
        return math.log(value / self.low) / math.log(self.high / self.low) if self.high > self.low else 1.0


@dataclass(frozen=True, slots=True)
class Looks:
    """What colour and size stand for, with the figures that they need: yuan and links by node."""

    colour: Measure = "type"
    size: Measure = "type"
    levels: Mapping[NodeRef, Level] = field(default_factory=dict)
    scales: Mapping[Measure, Scale] = field(default_factory=dict)

    def colour_of(self, ref: NodeRef, usual: str) -> str:
        """The fill of a node; grey where there is nothing to say."""
        if self.colour == "type":
            return usual
        if self.colour == "level":
            return LEVEL_COLOURS[self.levels[ref]] if ref in self.levels else _NONE
        share = self._share(self.colour, ref)
        return _NONE if share is None else SHADES[min(len(SHADES) - 1, int(share * len(SHADES)))]

    def size_of(self, ref: NodeRef, usual: int) -> float:
        """The size of a node in the canvas's pixels."""
        if self.size == "type":
            return usual
        if self.size == "level":
            return 12 + 5 * (len(LEVELS) - 1 - LEVELS.index(self.levels[ref])) if ref in self.levels else _SMALLEST
        share = self._share(self.size, ref)
        return _SMALLEST if share is None else round(_SMALLEST + share * (_LARGEST - _SMALLEST), 1)

    def _share(self, measure: Measure, ref: NodeRef) -> float | None:
        scale = self.scales.get(measure)
        return scale.share(ref) if scale else None

    def told(self, desk: Desk) -> dict[str, Any]:
        """What the canvas needs to offer the choice and to explain the colours."""
        words = {measure: desk.say(f"app.looks.{measure}") for measure in MEASURES}
        return {
            "options": [[measure, word] for measure, word in words.items()],
            "chosen": {"colour": self.colour, "size": self.size},
            "words": {"colour": desk.say("app.looks.colour"), "size": desk.say("app.looks.size")},
            "scale": self._scale(desk),
        }

    def _scale(self, desk: Desk) -> list[list[str]]:
        """Colour and word of each step of the scale; nothing while the colours are those of the legend."""
        if self.colour == "type":
            return []
        if self.colour == "level":
            return [[LEVEL_COLOURS[level], desk.say(f"app.level.{level}")] for level in LEVELS if level != "explained"]
        scale = self.scales.get(self.colour)
        if scale is None or not scale.high:
            return []
        ends = [
            money(end, desk.language) if self.colour == "amount" else f"{end:,.0f}" for end in (scale.low, scale.high)
        ]
        return [[shade, {0: ends[0], len(SHADES) - 1: ends[1]}.get(step, "")] for step, shade in enumerate(SHADES)]
