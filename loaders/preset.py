"""What a preset is: how the files of one kind of delivery become rows of the contract's tables.

A preset only declares. It sees which files came and which headers they have, and answers with one SQL text for each
table that it can fill; the loader reads, checks, links and writes.

    folder ─read→ landing (every cell as text) ─Extract.sql→ contract columns as text ─check→ link→ write

Files of the same kind (`setl_d_2025-01.csv`, `setl_d_2025-02.csv.gz`, `setl_d/part-0.parquet`) are one `SourceGroup`.
Within `Extract.sql` the relation `landing` holds the rows of the extract's own group: its headers as they came (after
the renames of a `mapping.yaml`; quote them, case does not matter), every value VARCHAR or NULL, and the two numbers
`_source` and `_row` that name the source row. Other groups can be joined as `delivery."<role>"`, of the same form.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Final

SKIP: Final = "_skip"
"""Column of `Extract.sql` that names why a row is left out on purpose, such as `voided`; NULL where it is not."""

VOIDED: Final = "voided"
"""The one reason with a further effect: the row stored under its key by an earlier delivery is taken back."""


@dataclass(frozen=True, slots=True)
class SourceFile:
    """One file of the delivery (or one sheet of a workbook).

    `name` is its path within the folder with forward slashes; `headers` stand in the file's order.
    """

    name: str
    headers: tuple[str, ...]


@dataclass(frozen=True)
class SourceGroup:
    """The part files of one kind; `role` is their common name in lower case: `setl_d` for `SETL_D_2025-03.csv.gz`."""

    role: str
    files: tuple[SourceFile, ...]

    @cached_property
    def _spelling(self) -> dict[str, str]:
        return {header.casefold(): header for file in reversed(self.files) for header in file.headers}

    @property
    def headers(self) -> frozenset[str]:
        """All headers of all its files, case-folded."""
        return frozenset(self._spelling)

    def has(self, *headers: str) -> bool:
        """Whether each of `headers` stands in every file, in any case."""
        return all(
            {header.casefold() for header in headers} <= {header.casefold() for header in file.headers}
            for file in self.files
        )

    def column(self, header: str, *, alias: str | None = None) -> str:
        """SQL for the column, or `CAST(NULL AS VARCHAR)` if no file has it; so a preset need not ask first."""
        if header.casefold() not in self._spelling:
            return "CAST(NULL AS VARCHAR)"
        quoted = '"' + self._spelling[header.casefold()].replace('"', '""') + '"'
        return f"{alias}.{quoted}" if alias else quoted


Delivery = Mapping[str, SourceGroup]
"""The groups of a delivery by role."""


@dataclass(frozen=True, slots=True)
class Extract:
    """How one group fills one contract table.

    Parameters
    ----------
    table:
        The contract table.
    role:
        The group that `landing` stands for.
    sql:
        A SELECT that yields contract columns as text (absent ones may be left out), `_source` and `_row`, and may yield
        `_skip`. Empty text, NULL, and surrounding blanks need no care; the check cleans every value.
    primary:
        True: every source row becomes exactly one row, or says in `_skip` why not; these rows are reconciled, and a
        broken rule puts them in quarantine. A group has at most one primary extract.
        False: rows derived by DISTINCT or GROUP BY (persons out of settlements). They are counted apart, one row for
        each key, `_source` and `_row` naming one of the rows they came from. A derived row fills what a table of its
        own leaves open and never overrides it; a broken rule empties the field and warns.
    uses:
        Headers that the SQL reads, so that the report can list what nobody read. Headers named like a contract
        column of `table` count as used without being named.
    """

    table: str
    role: str
    sql: str
    primary: bool = True
    uses: frozenset[str] = frozenset()


@dataclass(frozen=True, slots=True)
class Preset:
    """A kind of delivery.

    `recognise` says whether the folder shows that it is of this kind; `extracts` declares what to make of it and raises
    RingTraceError when a file lacks a column without which nothing can be made of it. `roles` and `columns` are the
    names of files and headers that it reads beside the contract's own, so that a mapping file may rename to them.
    """

    name: str
    recognise: Callable[[Delivery], bool]
    extracts: Callable[[Delivery], Sequence[Extract]]
    roles: frozenset[str] = frozenset()
    columns: frozenset[str] = frozenset()
