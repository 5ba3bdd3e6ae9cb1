"""How people and things are called on the screen: by name and key, or masked for a screen that others see."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Final, Self

from ringtrace.app_pages.plain import masked, visible
from ringtrace.app_pages.shell import Desk
from ringtrace.casework.entities import names

_PERSONAL: Final = frozenset({"Patient", "Card", "Doctor", "Phone", "Address", "Household", "BankAccount"})


@dataclass(frozen=True, slots=True)
class Names:
    """The names of some things, looked up once, shown as the desk's switch for masked names says."""

    known: Mapping[tuple[str, str], str]
    hidden: bool

    @classmethod
    def of(cls, desk: Desk, things: Iterable[tuple[str, str]]) -> Self:
        """Look the names of `(label, key)` pairs up."""
        with desk.connect() as connection:
            return cls(names(connection, things), desk.masked)

    def name(self, label: str, key: str) -> str:
        """The name, or nothing for a thing without one."""
        found = self.known.get((label, key), "")
        return (masked(found, "name") or "") if self.hidden and label in _PERSONAL else visible(found, 60)

    def key(self, label: str, key: str) -> str:
        """The key as it may be shown."""
        return (masked(key, "identifier") or "") if self.hidden and label in _PERSONAL else visible(key, 60)

    def caption(self, label: str, key: str) -> str:
        """The name, else the key: one short line for a node or a row."""
        return self.name(label, key) or self.key(label, key)

    def lane(self, card: str, person: str) -> str:
        """The row of a swim-lane: whose card it is, and the card."""
        owner = self.name("Patient", person)
        shown = self.key("Card", card)
        return f"{owner} {shown}".strip()
