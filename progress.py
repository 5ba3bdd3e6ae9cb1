"""How long work reports itself: rooms call a `Progress`, and a front shows it (rich bar, Streamlit, silence)."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Step:
    """A stage of the work: catalogue key of its name, how much is done, and of how much (None if not known yet)."""

    key: str
    done: float = 0.0
    total: float | None = None


Progress = Callable[[Step], None]


def silent(step: Step) -> None:
    """Show nothing; the default where nobody watches."""
