"""What happened, as it happens: visits and the items bought at each, collected from all parts of the simulator.

Only events stand here. Codes, stock, payments and ids are worked out from them afterwards, so that none of these can
tell where an event came from.
"""

from __future__ import annotations

from enum import IntEnum
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from ringtrace.simulate.sampling import Ints


class Care(IntEnum):
    """Kind of care, as the contract's `med_type`."""

    OUTPATIENT = 11
    CHRONIC = 14
    INPATIENT = 21
    PHARMACY = 41


class Supply(IntEnum):
    """Where the packs of an item come from."""

    STOCK = 0  # the institution's own stock
    NOTHING = 1  # nothing was handed over
    COLLECTED = 2  # packs that left another shelf before: those of item `source`


VISIT_COLUMNS: dict[str, tuple[type[np.generic], int]] = {
    "person": (np.int32, 0),
    "place": (np.int32, 0),
    "time": (np.int64, 0),  # second from the start
    "care": (np.int8, Care.PHARMACY),
    "disease": (np.int16, -1),
    "doctor": (np.int32, -1),
    "card": (np.int8, 0),  # 0: the person's usual one
    "till": (np.int16, -1),  # -1: any
    "begin": (np.int64, -1),  # begin of the visit, -1: a little before `time`
    "refunds": (np.int64, -1),  # the visit that this one takes back
    "same_stay": (np.int64, -1),  # the visit whose stay and invoice this one repeats
    "manual": (np.int8, 0),  # 1: reimbursed by hand; 2: by hand, with an invoice made up for it
    "group": (np.int32, -1),  # scheme or innocent group that made the visit; never written
    "unbound": (np.int8, 0),  # 1: happens even if the person is dead or in a hospital bed
    "drain": (np.int8, 0),  # 1: paid from the personal account as far as it goes
}
ITEM_COLUMNS: dict[str, tuple[type[np.generic], int]] = {
    "visit": (np.int64, 0),
    "product": (np.int16, 0),
    "count": (np.int16, 1),
    "split": (np.int8, 0),  # 1: units of an opened pack
    "supply": (np.int8, Supply.STOCK),
    "source": (np.int64, -1),
    "offset": (np.int16, 0),  # which of the source's packs
    "price": (np.int64, -1),  # fen a pack, -1: the shop's own price
    "booked": (np.int8, 1),  # 0: a sale of nothing that the ledger does not show either
    "uncoded": (np.int8, 0),  # 1: the seller leaves the code out; 2: puts in the code of a pack sold for cash
}


class Columns:
    """Rows with the same columns, added block by block to arrays that grow by half when they are full."""

    def __init__(self, spec: dict[str, tuple[type[np.generic], int]]) -> None:
        self.spec = spec
        self.rows = 0
        self._room = 1024
        self._arrays = {name: np.empty(self._room, dtype=dtype) for name, (dtype, _) in spec.items()}

    def add(self, n: int, values: dict[str, ArrayLike]) -> Ints:
        if unknown := values.keys() - self.spec.keys():
            raise TypeError(f"no such column: {', '.join(sorted(unknown))}")
        first, self.rows = self.rows, self.rows + n
        if self.rows > self._room:
            self._room = self.rows + self.rows // 2
            for name, array in self._arrays.items():
                self._arrays[name] = np.empty(self._room, dtype=array.dtype)
                self._arrays[name][:first] = array[:first]
        for name, (_, default) in self.spec.items():
            self._arrays[name][first : self.rows] = np.asarray(values.get(name, default))
        return np.arange(first, self.rows)

    def table(self) -> dict[str, NDArray[Any]]:
        """The rows so far, as views: a change made before more rows are added is kept."""
        return {name: array[: self.rows] for name, array in self._arrays.items()}


class Log:
    """All visits and items so far. Numbers returned by `visits` and `items` name rows of the tables."""

    def __init__(self) -> None:
        self._visits = Columns(VISIT_COLUMNS)
        self._items = Columns(ITEM_COLUMNS)
        self.spared: list[tuple[Ints, NDArray[np.float64]]] = []

    def visits(self, n: int, **values: ArrayLike) -> Ints:
        return self._visits.add(n, dict(values))

    def items(self, visit: Ints, **values: ArrayLike) -> Ints:
        return self._items.add(len(visit), {"visit": visit, **values})

    def visit_table(self) -> dict[str, NDArray[Any]]:
        """The visits so far; changes to the arrays are kept if made before the next visit is added."""
        return self._visits.table()

    def item_table(self) -> dict[str, NDArray[Any]]:
        """The items so far; changes to the arrays are kept if made before the next item is added."""
        return self._items.table()

    def clear(self) -> None:
        """Forget the rows, to free their memory."""
        self._visits, self._items = Columns(VISIT_COLUMNS), Columns(ITEM_COLUMNS)

    def spare(self, persons: Ints, visits: NDArray[Any]) -> None:
        """These persons make about so many visits to pharmacies less on their own account."""
        self.spared.append((persons, np.asarray(visits, dtype=np.float64)))
