"""What the graph holds around a canvas, asked once: the engine reads whole labels to say it."""

from __future__ import annotations

import weakref
from collections.abc import Collection, Iterable
from typing import Any, Final

from ringtrace.graph.store import GraphStore, NodeRef, Relationship

_CROWD: Final = 150


class Surroundings:
    """The degrees of what stood on a canvas, and the relationships between what stands there now.

    Both are of one graph: with a store other than the last one, everything is asked anew.
    """

    def __init__(self) -> None:
        self._store: weakref.ref[Any] | None = None
        self._degrees: dict[NodeRef, int] = {}
        self._asked: frozenset[NodeRef] = frozenset()
        self._joins: list[Relationship] = []

    def joins(self, store: GraphStore, refs: Iterable[NodeRef]) -> list[Relationship]:
        """Every relationship that joins two of `refs`, as `GraphStore.between`."""
        self._belong_to(store)
        wanted = frozenset(refs)
        if not wanted <= self._asked:
            self._joins, self._asked = store.between(sorted(wanted)), wanted
        return [each for each in self._joins if each.source in wanted and each.target in wanted]

    def degrees(self, store: GraphStore, refs: Collection[NodeRef]) -> dict[NodeRef, int]:
        """How many relationships each of `refs` has in the whole graph; a crowd of one label is left out.

        To count the links of many takes the engine seconds, and on a crowded canvas no count can be read.
        """
        self._belong_to(store)
        unknown: dict[str, list[NodeRef]] = {}
        for ref in refs:
            if ref not in self._degrees:
                unknown.setdefault(ref.label, []).append(ref)
        asked = [ref for crowd in unknown.values() if len(crowd) <= _CROWD for ref in crowd]
        if asked:
            self._degrees |= dict.fromkeys(asked, 0) | store.degrees(asked)
        return {ref: self._degrees[ref] for ref in refs if ref in self._degrees}

    def hidden(
        self, store: GraphStore, standing: Collection[NodeRef], refs: Collection[NodeRef] | None = None
    ) -> dict[NodeRef, int]:
        """How many relationships of each of `refs` (all that stand, if not given) lead to what does not stand.

        Those that `degrees` leaves out are left out.
        """
        hidden = self.degrees(store, standing if refs is None else refs)
        for each in self.joins(store, standing):
            for end in (each.source, each.target):
                if end in hidden:
                    hidden[end] -= 1
        return hidden

    def _belong_to(self, store: GraphStore) -> None:
        if self._store is None or self._store() is not store:
            self._store = weakref.ref(store)
            self._degrees, self._asked, self._joins = {}, frozenset(), []
