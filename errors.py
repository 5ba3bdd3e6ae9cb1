"""The one error a user sees: what happened, what it means, what to type."""

from __future__ import annotations

from typing import Self

from ringtrace.texts import default_language, text


class RingTraceError(Exception):
    """An error meant for the user; every front (command line, app, Python) shows its three parts in this order.

    Raised for anything the user can mend. A bug stays an ordinary exception, so that it is never dressed up as advice.

    Parameters
    ----------
    happened:
        What happened, quoting the user's own input (file, column, value).
    means:
        What it means for the work: what was kept, what was not done.
    hint:
        What to type or change next.
    """

    def __init__(self, happened: str, *, means: str = "", hint: str = "") -> None:
        super().__init__(happened)
        self.happened = happened
        self.means = means
        self.hint = hint

    def __str__(self) -> str:
        return "\n".join(part for part in (self.happened, self.means, self.hint) if part)

    @classmethod
    def of(cls, key: str, /, **values: object) -> Self:
        """The error whose three parts stand in the catalogue as `key.happened`, `key.means` and `key.hint`."""
        language = default_language()
        happened, means, hint = (text(f"{key}.{part}", language, **values) for part in ("happened", "means", "hint"))
        return cls(happened, means=means, hint=hint)
