"""How many examples a property gets: few in the everyday run, more with `RINGTRACE_FUZZ=500 make test`."""

from __future__ import annotations

import os


def examples(usual: int) -> int:
    """`usual`, or what the environment asks for if that is more."""
    return max(usual, int(os.environ.get("RINGTRACE_FUZZ", "0")))
