"""A small case to export: a ring of three cards at one pharmacy, and whatever values a test wants in it."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from decimal import Decimal
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq

from factories.city import City
from ringtrace.data_schema import tables
from ringtrace.findings import Check, EvidenceRef, Finding, Member, Message, Reason, save_findings
from ringtrace.loaders.lineage import original_rows
from ringtrace.loaders.sources import Source
from ringtrace.workspace import Workspace

SENSITIVE = {
    "psn_name": ("欧阳若曦", "司马长风", "慕容雪"),
    "certno": ("330106195603070417", "33010619610912182X", "330106194911230926"),
    "tel": ("13805710001", "13805710002", "13805710003"),
    "addr": ("杭州市西湖区文三路 101 号", "杭州市西湖区文三路 102 号", "杭州市拱墅区莫干山路 7 号"),
    "hh_no": ("HH-7781-01", "HH-7781-02", "HH-7781-03"),
    "brdy": ("1956-03-07", "1961-09-12", "1949-11-23"),
    "bank_acct": ("6222020001112223330", "6222020001112223331", "6222020001112223332"),
}
PERSONS = ("33010000000000000101", "33010000000000000102", "33010000000000000103")
TRACE = "81234567890123456789"


def case(folder: Path, *, names: Mapping[str, str] | None = None, save: bool = True) -> tuple[Workspace, Finding]:
    """A workspace with one finding; `names` replaces `person`, `pharmacy`, `drug`, `file` or `said` by other text."""
    said = {"person": SENSITIVE["psn_name"][0], "pharmacy": "康民大药房", "drug": "阿卡波糖", "file": "settlements.csv"}
    said |= {"said": f"{SENSITIVE['psn_name'][1]} {SENSITIVE['certno'][1]}"} | dict(names or {})
    city = City()
    city.shop("P33010000001", fixmedins_name=said["pharmacy"], admdvs="330106", legrep_name="独孤求败")
    city.shop("P33010000002", fixmedins_name="百姓药店")
    city.drug("XA10BFA001", drug_genname=said["drug"], pack_ddd=10)
    for place, person in enumerate(PERSONS):
        columns = {column: values[place] for column, values in SENSITIVE.items()}
        if place == 0:
            columns["psn_name"] = said["person"]
        city.person(person, gend="1", **columns)
        city.add("cards", mdtrt_cert_no=f"C{person}", psn_no=person, mdtrt_cert_type="03")
    cited: list[tuple[str, str]] = []
    for day in (3, 10, 17):
        for minute, person in enumerate(PERSONS):
            item = {"med_list_codg": "XA10BFA001", "cnt": 2, "fee": 61.5, "drug_trac_codg": TRACE}
            city.visit(person, "P33010000001", f"2025-03-{day:02d} 08:{minute:02d}", items=[item], dise_codg="E11.900")
            cited.append(("settlements", f"s{len(city.rows['settlements']):07d}"))
    cited += [("settlement_items", "s0000001|1"), ("persons", PERSONS[0])]
    for number, rows in enumerate(city.rows.values(), start=1):
        for each in rows:
            each["_source"] = number
    workspace = city.workspace(folder)
    _keep_sources(workspace, city, {"settlements": said["file"]})
    refs = [
        EvidenceRef(row.table, row.key, row.file, row.row, row.sha256)
        for row in original_rows(workspace, [EvidenceRef(*each) for each in cited])
    ]
    finding = Finding(
        finding_id="borrowed_card_ring-0123456789ab",
        kind="borrowed_card_ring",
        level="orange",
        score=0.83,
        title=Message("evidence.verify.added", {"file": said["person"]}),
        summary=Message("evidence.verify.changed", {"file": said["said"]}),
        amount=Decimal("553.50"),
        first_time=datetime(2025, 3, 3, 8),
        last_time=datetime(2025, 3, 17, 8, 2),
        members=(
            Member("Patient", PERSONS[0], "holder", 0.9),
            Member("Patient", PERSONS[1], "card_holder", 0.8),
            Member("Patient", PERSONS[2], "witness", 0.1),
            Member("Card", f"C{PERSONS[1]}", "card_holder"),
            Member("Pharmacy", "P33010000001", "witness"),
        ),
        reasons=(
            Reason("together", Message("evidence.verify.missing", {"file": said["said"]}), 3, 0.02, p_value=1e-6),
        ),
        counter_evidence=(
            Check("household", "does_not_explain", Message("evidence.verify.link", {"file": PERSONS[1]})),
        ),
        evidence=tuple(refs),
        detector="borrowed_card_ring",
        version="1",
        parameters={"window_minutes": 15},
    )
    if save:
        with workspace.writing():
            save_findings(workspace, [finding])
    return workspace, finding


def _keep_sources(workspace: Workspace, city: City, names: Mapping[str, str]) -> None:
    """Give each table a source file whose rows are the city's, as a load of CSV files would."""
    sources = []
    for number, (table, rows) in enumerate(city.rows.items(), start=1):
        headers = [column.name for column in tables()[table].columns]
        cells = {name: pa.array(["" if row.get(name) is None else str(row[name]) for row in rows]) for name in headers}
        landing = workspace.path / "sources" / f"{number}.parquet"
        landing.parent.mkdir(exist_ok=True)
        pq.write_table(pa.table({name: array.cast(pa.string()) for name, array in cells.items()}), landing)
        sources.append(
            Source(
                number=number, name=names.get(table, f"{table}.csv"), role=table, sha256=f"{number:064x}", bytes=1,
                rows=len(rows), headers=tuple(headers), landing=f"sources/{number}.parquet", numbered=False, bad=None,
                table=table,
            ).to_dict()
        )  # fmt: skip
    with workspace.writing():
        workspace.commit(workspace.manifest() | {"sources": sources})
