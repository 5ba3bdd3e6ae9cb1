"""Write an evidence folder: collect → (mask) → draw → write → seal. It appears whole under its name, or not at all."""

from __future__ import annotations

import json
import os
import shutil
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final
from uuid import uuid4

import networkx as nx

from ringtrace import __version__
from ringtrace.errors import RingTraceError
from ringtrace.evidence.bag import PAYLOAD, write_bag
from ringtrace.evidence.cited_graph import subgraph
from ringtrace.evidence.masking import mask, masking_key
from ringtrace.evidence.material import Material, collect
from ringtrace.evidence.picture_page import picture
from ringtrace.evidence.report_page import report
from ringtrace.evidence.shown import xml_text
from ringtrace.evidence.source_records import Records, masked_records, original_records
from ringtrace.evidence.spreadsheet import write_csv
from ringtrace.evidence.tabular import findings_text
from ringtrace.findings import read_findings
from ringtrace.texts import Language, default_language, text
from ringtrace.workspace import Workspace

_NODE_COLUMNS: Final = ("id", "label", "key", "name")
_EDGE_COLUMNS: Final = ("source", "type", "target")


@dataclass(frozen=True, slots=True)
class ExportReport:
    """What an export wrote. `seal` is to be sent by another way than the folder: `verify` compares it."""

    folder: Path
    findings: int
    rows: int
    nodes: int
    edges: int
    files: tuple[str, ...]
    seal: str
    masked: bool


def export(
    workspace: Workspace,
    finding_ids: Sequence[str],
    out: str | Path,
    *,
    masked: bool = False,
    language: Language | None = None,
    beside: Mapping[str, str] | None = None,
) -> ExportReport:
    """Write the findings with everything that proves them to the new folder `out`, a bag of RFC 8493.

    Under `data/`: findings.jsonl, nodes.csv, edges.csv, source_records.csv and .jsonl, source_files.csv,
    subgraph.graphml, subgraph.json, graph.html and report.html; the README beside it says how to
    check the folder without this software.

    Parameters
    ----------
    workspace:
        Where the findings and their rows are.
    finding_ids:
        Which findings of the newest run, in the order of the report.
    out:
        A folder that does not exist yet, or is empty.
    masked:
        Replace what identifies people by pseudonyms, the same ones in every export of this workspace.
    language:
        Of the report and of all sentences; by default that of the environment.
    beside:
        Further texts to hand over, by file name: what investigators concluded, for one. Nothing in them is masked.

    Raises
    ------
    RingTraceError
        If a finding is unknown, `out` holds files, or the disk does not take them.
    """
    target = Path(out)
    chosen = language or default_language()
    _require_room(target)
    known = {finding.finding_id: finding for finding in read_findings(workspace)}
    wanted = list(dict.fromkeys(finding_ids))
    if not wanted:
        raise RingTraceError.of("evidence.export.nothing")
    if unknown := [each for each in wanted if each not in known]:
        raise RingTraceError.of("evidence.export.unknown", ids=", ".join(unknown[:5]))
    with workspace.connect() as connection:
        material = collect(connection, [known[each] for each in wanted])
        if masked:
            plain, material = material, mask(material, connection, masking_key(workspace))
            records = masked_records(workspace, plain, material)
        else:
            records = original_records(workspace, material)
    scratch = target.absolute().with_name(f".{target.absolute().name}.{uuid4().hex[:12]}")
    try:
        (scratch / PAYLOAD).mkdir(parents=True)
        graph = subgraph(material)
        _write_payload(scratch / PAYLOAD, material, graph, records, chosen, masked=masked)
        for name, content in (beside or {}).items():
            _write(scratch / PAYLOAD / name, content)
        said = text("evidence.readme.masked" if masked else "evidence.readme.plain", chosen)
        (scratch / "README.txt").write_text(
            text("evidence.readme.text", chosen, version=__version__, masked=said), encoding="utf-8", newline="\r\n"
        )
        info = {
            "External-Description": "Evidence subgraph of a medical-insurance fund supervision finding",
            "Bag-Software-Agent": f"RingTrace {__version__}",
            "RingTrace-Findings": " ".join(finding.finding_id for finding in material.findings),
            "RingTrace-Masked": "yes" if masked else "no",
            "RingTrace-Generation": str(workspace.generation),
        }
        seal = write_bag(scratch, info)
        files = tuple(sorted(each.relative_to(scratch).as_posix() for each in scratch.rglob("*") if each.is_file()))
        _publish(scratch, target)
    except OSError as problem:
        raise RingTraceError.of("evidence.export.disk", folder=target, reason=problem.strerror or problem) from problem
    finally:
        shutil.rmtree(scratch, ignore_errors=True)
    return ExportReport(
        folder=target,
        findings=len(material.findings),
        rows=len(material.cited),
        nodes=graph.number_of_nodes(),
        edges=graph.number_of_edges(),
        files=files,
        seal=seal,
        masked=masked,
    )


def _require_room(target: Path) -> None:
    if target.exists() and (not target.is_dir() or any(target.iterdir())):
        raise RingTraceError.of("evidence.export.occupied", folder=target)


def _publish(scratch: Path, target: Path) -> None:
    """Give the finished folder its name; someone else's folder that came up meanwhile is not touched."""
    for file in scratch.rglob("*"):
        if file.is_file():
            with file.open("rb+") as stream:
                os.fsync(stream.fileno())
    _require_room(target)
    if target.is_dir():
        target.rmdir()
    scratch.rename(target)


def _write_payload(
    folder: Path,
    material: Material,
    graph: nx.MultiDiGraph[str],
    records: Records,
    language: Language,
    *,
    masked: bool,
) -> None:
    nodes = [{"id": name} | graph.nodes[name] for name in sorted(graph)]
    edges = [
        {"source": source, "target": end} | facts
        for source, end, facts in sorted(graph.edges(data=True), key=lambda edge: (edge[0], edge[1], repr(edge[2])))
    ]
    write_csv(folder / "nodes.csv", _columns(nodes, _NODE_COLUMNS), nodes)
    write_csv(folder / "edges.csv", _columns(edges, _EDGE_COLUMNS), edges)
    records.write(folder)
    _write(folder / "findings.jsonl", findings_text(material.findings, "jsonl", language))
    _write(folder / "subgraph.json", json.dumps(nx.node_link_data(graph, edges="edges"), ensure_ascii=False, indent=1))
    nx.write_graphml_xml(for_xml(graph), folder / "subgraph.graphml")
    _write(folder / "graph.html", picture(graph, language))
    _write(folder / "report.html", report(material, language, masked=masked))


def _columns(rows: Sequence[dict[str, Any]], first: Sequence[str]) -> list[str]:
    return list(dict.fromkeys((*first, *(column for row in rows for column in sorted(row)))))


def _write(path: Path, content: str) -> None:
    # A lone surrogate, which a broken source may carry, has no form in UTF-8.
    path.write_bytes(content.encode("utf-8", errors="replace"))


def for_xml(graph: nx.MultiDiGraph[str]) -> nx.MultiDiGraph[str]:
    """The graph with only such characters as XML 1.0 can write."""
    clean: nx.MultiDiGraph[str] = nx.MultiDiGraph()
    for name, facts in graph.nodes(data=True):
        clean.add_node(xml_text(name), **_xml_facts(facts))
    for source, target, facts in graph.edges(data=True):
        clean.add_edge(xml_text(source), xml_text(target), **_xml_facts(facts))
    return clean


def _xml_facts(facts: dict[str, Any]) -> dict[str, Any]:
    return {name: xml_text(value) if isinstance(value, str) else value for name, value in facts.items()}
