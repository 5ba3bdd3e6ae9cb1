"""`docs/data.md` from the declarations: `python -m ringtrace.data_schema.document > docs/data.md`."""

from __future__ import annotations

import sys
from collections.abc import Iterable, Sequence

from ringtrace.data_schema import Column, Table, tables
from ringtrace.data_schema.graph import GraphSchema, NodeType, RelationshipType, graph_schema

INTRODUCTION = """\
# The data: tables and graph

Generated from `data_schema/` by `python -m ringtrace.data_schema.document`; change the YAML, not this page.

A column marked `*` is one that a row cannot do without. Types: *code* and *text* are text (leading zeros and
20-digit codes stay); *date* and *timestamp* are written `YYYY-MM-DD[ HH:MM:SS]`, `YYYY/MM/DD` or `YYYYMMDD[HHMMSS]`;
*money* is yuan with two decimals, exact; *count* has up to four decimals; *number* is a floating-point number.
Sensitivity says what a masked copy hides: *identifier*, *name* and *contact* always, *quasi* what identifies together
with other columns, *health* what tells an illness.

Every canonical row also carries `_source` (number of its source file), `_row` (its row there, from 1) and
`_warnings` (`column:code`, `|` between several).
"""


def page() -> str:
    """The whole page."""
    schema = graph_schema()
    parts = [INTRODUCTION, "## Tables\n"]
    parts += [_table(table) for table in tables().values()]
    parts += ["## Graph\n", "### Nodes\n", _nodes(schema), "### Relationships\n", _relationships(schema)]
    return "\n".join(parts)


def _table(table: Table) -> str:
    key = ", ".join(f"`{name}`" for name in table.key)
    order = " and the order of equal rows in their delivery" if table.ordinal else ""
    rows = [
        (
            f"`{column.name}`{'*' if column.required else ''}",
            column.zh,
            column.en,
            column.type,
            _rule(column),
            "" if column.sensitivity == "none" else column.sensitivity,
        )
        for column in table.columns
    ]
    headers = ("column", "中文", "meaning", "type", "rule", "sensitivity")
    return f"### {table.name} · {table.zh}\n\n{table.en}. Key: {key}{order}.\n\n{_grid(headers, rows)}"


def _rule(column: Column) -> str:
    rules = []
    if column.codes:
        listed = ", ".join(f"{code} {meaning['en']}" for code, meaning in column.codes.items())
        rules.append(listed + (", or another" if column.open_codes else ""))
    if column.references:
        rules.append(f"→ {column.references}")
    if column.rule == "id_number":
        rules.append("date and check digit")
    if column.minimum is not None and column.maximum is not None:
        rules.append(f"{column.minimum:g} to {column.maximum:g}")
    elif column.minimum is not None:
        rules.append(f"≥ {column.minimum:g}")
    elif column.maximum is not None:
        rules.append(f"≤ {column.maximum:g}")
    if column.not_before:
        rules.append(f"not before `{column.not_before}`")
    if column.unit:
        rules.append(column.unit)
    return "; ".join(rules)


def _nodes(schema: GraphSchema) -> str:
    return _grid(
        ("label", "中文", "meaning", "properties"),
        [(f"`{node.name}`", node.zh, node.en, _properties(node)) for node in schema.nodes.values()],
    )


def _relationships(schema: GraphSchema) -> str:
    return _grid(
        ("relationship", "read forward", "read backward", "properties"),
        [
            (_picture(each), each.forward["en"], each.reverse["en"], _properties(each))
            for each in schema.relationships.values()
        ],
    )


def _picture(each: RelationshipType) -> str:
    return f"`(:{'|'.join(each.sources)})-[:{each.name}]->(:{'|'.join(each.targets)})`"


def _properties(each: NodeType | RelationshipType) -> str:
    return ", ".join(f"`{one.name}`" for one in each.properties)


def _grid(headers: Sequence[str], rows: Iterable[Sequence[str]]) -> str:
    lines = [headers, ["---"] * len(headers), *rows]
    return "".join(f"| {' | '.join(cell.replace('|', chr(92) + '|') for cell in line)} |\n" for line in lines)


if __name__ == "__main__":
    sys.stdout.reconfigure(encoding="utf-8")  # type: ignore[union-attr]
    sys.stdout.write(page())
