"""The one error a user sees: what happened, what it means, what to type."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Self

from ringtrace.texts import Language, default_language, text


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
        self._said: tuple[str, Mapping[str, object]] | None = None

    def __str__(self) -> str:
        return "\n".join(part for part in (self.happened, self.means, self.hint) if part)

    @classmethod
    def of(cls, key: str, /, **values: object) -> Self:
        """The error whose three parts stand in the catalogue as `key.happened`, `key.means` and `key.hint`."""
        happened, means, hint = _parts(key, default_language(), values)
        error = cls(happened, means=means, hint=hint)
        error._said = (key, values)
        return error

    def parts(self, language: Language) -> tuple[str, str, str]:
        """What happened, what it means and what to do, in `language` where the catalogue has them: a reader's language
        need not be that of the machine.
        """
        return _parts(self._said[0], language, self._said[1]) if self._said else (self.happened, self.means, self.hint)


def _parts(key: str, language: Language, values: Mapping[str, object]) -> tuple[str, str, str]:
    return (
        text(f"{key}.happened", language, **values),
        text(f"{key}.means", language, **values),
        text(f"{key}.hint", language, **values),
    )
