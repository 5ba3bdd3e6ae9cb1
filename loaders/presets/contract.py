"""The preset `contract`: files named like the contract's tables, headers named like their columns."""

from __future__ import annotations

from ringtrace.data_schema import TABLE_NAMES, tables
from ringtrace.errors import RingTraceError
from ringtrace.loaders.preset import Delivery, Extract, Preset, SourceGroup


def recognise(delivery: Delivery) -> bool:
    """Whether any file is named like a table of the contract."""
    return any(role in TABLE_NAMES for role in delivery)


def contract_extract(group: SourceGroup) -> Extract:
    """The extract of one group that is named like a contract table; other presets take such files the same way.

    Raises
    ------
    RingTraceError
        If one of its files lacks a required column.
    """
    table = tables()[group.role]
    for file in group.files:
        there = {header.casefold() for header in file.headers}
        missing = [column.name for column in table.required if column.name not in there]
        if missing:
            raise RingTraceError.of(
                "loaders.missing_column",
                file=file.name,
                columns=", ".join(missing),
                table=table.name,
                headers=", ".join(file.headers),
            )
    columns = ", ".join(
        f"{group.column(column.name)} AS {column.name}"
        for column in table.columns
        if column.name.casefold() in group.headers
    )
    return Extract(table.name, group.role, f"SELECT {columns}, _source, _row FROM landing")


def extracts(delivery: Delivery) -> list[Extract]:
    """One primary extract for each contract table that came."""
    return [contract_extract(delivery[name]) for name in TABLE_NAMES if name in delivery]


CONTRACT = Preset(name="contract", recognise=recognise, extracts=extracts)
