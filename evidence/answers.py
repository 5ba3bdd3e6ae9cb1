"""The answer of a query as a file: a table (CSV, XLSX, JSON, Arrow), or what it found as a graph (GraphML, HTML)."""

from __future__ import annotations

import io
import json
from collections.abc import Mapping
from dataclasses import asdict
from datetime import date, datetime, timedelta
from pathlib import Path
from typing import Any, Final

import networkx as nx
import pyarrow as pa

from ringtrace.errors import RingTraceError
from ringtrace.evidence.exporter import for_xml
from ringtrace.evidence.picture_page import picture
from ringtrace.evidence.spreadsheet import csv_text
from ringtrace.evidence.tabular import workbook
from ringtrace.graph.store import Node, NodeRef, Relationship
from ringtrace.graph.store import Path as GraphPath
from ringtrace.queries.runner import Answer
from ringtrace.texts import Language
from ringtrace.workspace import write_atomic

TABLES: Final = ("csv", "xlsx", "json", "arrow")
GRAPHS: Final = ("graphml", "html")
FORMS: Final = (*TABLES, *GRAPHS)


def written(answer: Answer, form: str, language: Language) -> bytes:
    """The whole file.

    `csv` and `xlsx` have headings in `language` and cells that a spreadsheet leaves as they are; `json` and `arrow`
    keep the query's own column names and the types; `graphml` and `html` hold the nodes, relationships and paths.

    Raises
    ------
    RingTraceError
        If a graph is asked for and the rows hold none.
    """
    if form in GRAPHS:
        graph = _plain_graph(answer.graph())
        if not graph:
            raise RingTraceError.of("queries.no_graph", form=form)
        if form == "html":
            title = answer.query.title(language) if answer.query else None
            return picture(graph, language, title=title, whole=True).encode("utf-8", errors="replace")
        stream = io.BytesIO()
        nx.write_graphml_xml(for_xml(graph), stream)
        return stream.getvalue()
    if form == "json":
        return json_text(answer).encode("utf-8", errors="replace")
    if form == "arrow":
        return _arrow(answer)
    cells = [[cell(value) for value in row] for row in answer.rows.rows]
    if form == "xlsx":
        return workbook("answer", answer.headers(language), cells)
    return ("\ufeff" + csv_text(answer.headers(language), cells)).encode("utf-8", errors="replace")


def write(answer: Answer, path: Path, form: str, language: Language) -> None:
    """Write the file whole or not at all.

    Raises
    ------
    RingTraceError
        If the disk does not take it; otherwise as `written`.
    """
    content = written(answer, form, language)
    try:
        write_atomic(path, content)
    except OSError as problem:
        raise RingTraceError.of("evidence.table.disk", path=path, reason=problem.strerror or problem) from problem


def json_text(answer: Answer) -> str:
    """`{"columns": […], "rows": [{…}], "truncated": …}`, times as ISO text, nodes by label, id and properties."""
    rows = [dict(zip(answer.columns, map(_json, row), strict=True)) for row in answer.rows.rows]
    content = {"columns": list(answer.columns), "rows": rows, "truncated": answer.rows.truncated}
    return json.dumps(content, ensure_ascii=False, indent=1) + "\n"


def cell(value: Any) -> Any:
    """A value as one cell: numbers and times as they are, a node by its name, anything larger in short."""
    if isinstance(value, Node):
        return f"{value.label} {value.name or value.id}"
    if isinstance(value, Relationship):
        return f"{value.source.id} -{value.type}→ {value.target.id}"
    if isinstance(value, GraphPath):
        return " – ".join(each.name or each.id for each in value.nodes)
    if isinstance(value, timedelta):
        return str(value)
    if isinstance(value, list | tuple):
        return ", ".join(str(cell(each)) for each in value)
    if isinstance(value, Mapping):
        return json.dumps(_json(value), ensure_ascii=False)
    return value


def _json(value: Any) -> Any:
    if isinstance(value, Node):
        return {"label": value.label, "id": value.id, "properties": _json(value.properties)}
    if isinstance(value, Relationship):
        return {
            "type": value.type, "source": asdict(value.source), "target": asdict(value.target),
            "properties": _json(value.properties),
        }  # fmt: skip
    if isinstance(value, GraphPath):
        return {"nodes": _json(value.nodes), "relationships": _json(value.relationships)}
    if isinstance(value, NodeRef):
        return asdict(value)
    if isinstance(value, Mapping):
        return {str(name): _json(each) for name, each in value.items()}
    if isinstance(value, list | tuple):
        return [_json(each) for each in value]
    if isinstance(value, datetime):
        return value.isoformat(sep=" ")
    if isinstance(value, date):
        return value.isoformat()
    if isinstance(value, timedelta):
        return value.total_seconds()
    return value


def _arrow(answer: Answer) -> bytes:
    """An Arrow file (Feather version 2); a column of nodes, lists or maps holds their JSON text."""
    arrays = []
    for index, _ in enumerate(answer.columns):
        values = [row[index] for row in answer.rows.rows]
        if any(isinstance(each, Node | Relationship | GraphPath | Mapping | list | tuple) for each in values):
            values = [None if each is None else json.dumps(_json(each), ensure_ascii=False) for each in values]
        # Ten and 2.5 in one column are numbers to Cypher; Arrow wants one type.
        elif any(isinstance(each, float) for each in values):
            values = [float(each) if isinstance(each, int) else each for each in values]
        arrays.append(pa.array(values))
    table = pa.table(arrays, names=list(answer.columns))
    sink = pa.BufferOutputStream()
    with pa.ipc.new_file(sink, table.schema) as writer:
        writer.write_table(table)
    return bytes(sink.getvalue().to_pybytes())


def _plain_graph(graph: nx.MultiDiGraph[str]) -> nx.MultiDiGraph[str]:
    """Times as text, as GraphML and a web page carry them."""
    for facts in (*(facts for _, facts in graph.nodes(data=True)), *(facts for *_, facts in graph.edges(data=True))):
        for name, value in list(facts.items()):
            facts[name] = _json(value)
    return graph
