"""What a view rests on: goods followed in time, the query behind it, a ledger against sales, a table as a file."""

from __future__ import annotations

import io
from dataclasses import replace
from datetime import datetime, timedelta
from pathlib import Path

import pandas as pd
import pytest
from factories.casebook import HOSTILE, delivered, ring_finding
from factories.city import City
from openpyxl import load_workbook

from ringtrace.app_pages.frames import written
from ringtrace.app_pages.shell import Desk
from ringtrace.casework.behind import behind_node, behind_picture
from ringtrace.casework.exploration import Exploration
from ringtrace.casework.finding_lines import cited_rows, pack_routes
from ringtrace.casework.goods import HAND_OVER, follow
from ringtrace.casework.ledger import ledger_and_sales
from ringtrace.casework.lines import link_strength
from ringtrace.casework.relations import start_from_node
from ringtrace.data_schema import tables
from ringtrace.findings import EvidenceRef
from ringtrace.graph import build_graph, open_graph
from ringtrace.graph.store import NodeRef
from ringtrace.loaders import load_folder
from ringtrace.workspace import Workspace

PACK = "81234567890123456789"
FIRST, LATER = datetime(2025, 3, 1, 10), datetime(2025, 3, 20, 10)


@pytest.fixture(scope="module")
def chain(tmp_path_factory: pytest.TempPathFactory) -> Workspace:
    """One pack: sold to P1 at S1, sold again to P2 at S2, which bought three packs and sold five."""
    folder = tmp_path_factory.mktemp("chain")
    made = City()
    for number in (1, 2):
        made.person(f"P{number}", psn_name=f"人{number}")
        made.shop(f"S{number}", fixmedins_name=f"店{number}")
    made.drug("D1", drug_genname="药")
    sale = {"med_list_codg": "D1", "fee": 80}
    made.visit("P1", "S1", f"{FIRST}", items=[sale | {"cnt": 1, "drug_trac_codg": PACK}])
    made.visit("P2", "S2", f"{LATER}", items=[sale | {"cnt": 1, "drug_trac_codg": PACK}])
    made.visit("P2", "S2", "2025-04-02 10:00:00", items=[sale | {"cnt": 4}])
    made.add(
        "inventory", fixmedins_code="S2", med_list_codg="D1", chg_type="purchase", chg_time="2025-03-01 08:00:00", cnt=3
    )
    (folder / "delivery").mkdir()
    delivered(made, folder / "delivery")
    workspace = Workspace(folder / "workspace", create=True)
    load_folder(folder / "delivery", workspace)
    build_graph(workspace)
    return workspace


def test_goods_are_followed_in_time_and_drawn(chain: Workspace) -> None:
    canvas = Exploration()
    with open_graph(chain) as store:
        start_from_node(store, NodeRef("Patient", "P1"), canvas)
        before = dict(canvas.spots)
        steps = follow(store, NodeRef("Patient", "P1"), NodeRef("Patient", "P2"), canvas)
        late = follow(store, NodeRef("Patient", "P1"), None, canvas, begin=LATER + timedelta(days=1))
        back = follow(store, NodeRef("Patient", "P2"), NodeRef("Patient", "P1"), canvas, direction="back")
    assert [(each.source.id, each.target.id, each.pack) for each in steps] == [("P1", "S2", PACK), ("S2", "P2", PACK)]
    assert steps[0].time <= steps[1].time == LATER
    assert late == []
    assert back == steps
    assert {ref: canvas.spots[ref] for ref in before} == before
    passed = [link for link in canvas.picture.links.values() if link.type == HAND_OVER]
    assert {(link.source.id, link.target.id) for link in passed} == {("P1", "S2"), ("S2", "P2")}


def test_the_query_behind_a_view_gives_it_again(chain: Workspace) -> None:
    canvas = Exploration()
    with open_graph(chain) as store:
        refs = [
            NodeRef("Patient", "P1"),
            NodeRef("Patient", "P2"),
            NodeRef("Pharmacy", "S1"),
            NodeRef("Pharmacy", "S2"),
        ]
        canvas.add(store.nodes(refs), store.between(refs))
        cypher = behind_picture(canvas.picture)
        assert cypher is not None
        rows = store.run_cypher(cypher).rows
        around = store.run_cypher(behind_node(refs[0])).rows
        hostile = store.run_cypher(behind_node(NodeRef("Patient", f'"}}) DETACH DELETE a // {HOSTILE}\\')))
    drawn = {(link.source, link.type, link.target) for link in canvas.picture.links.values()}
    assert {(row[1].source, row[1].type, row[1].target) for row in rows} == drawn
    assert NodeRef("Pharmacy", "S1") in {row[2].ref for row in around}
    assert hostile.rows == ()


def test_a_ledger_beside_the_sales(chain: Workspace) -> None:
    with chain.connect() as connection:
        frame = ledger_and_sales(connection, "S2")
        nothing = ledger_and_sales(connection, "S1")
    assert list(zip(frame["bought"], frame["sold"], strict=True)) == [(3, 1), (3, 5)]
    assert nothing.empty


def test_the_route_of_a_pack_ends_where_no_line_is_cited(chain: Workspace) -> None:
    with chain.connect() as connection:
        key = tables()["settlement_items"].key_sql()
        lines = connection.execute(f"SELECT {key} FROM settlement_items ORDER BY fee_ocur_time").fetchall()
        first, _, uncoded = (
            replace(ring_finding([]), evidence=(EvidenceRef("settlement_items", line),)) for (line,) in lines
        )
        cited = cited_rows(connection, first)["settlement_items"]
        route = pack_routes(connection, first, cited)
        nowhere = pack_routes(connection, uncoded, cited_rows(connection, uncoded)["settlement_items"])
    assert list(route.columns) == ["pack", "time", "place", "place_name", "person", "drug_name", "setl_id", "cited"]
    sales = [
        (sale.pack, sale.time, sale.place, sale.place_name, sale.person, sale.cited) for sale in route.itertuples()
    ]
    assert sales == [(PACK, FIRST, "S1", "店1", "P1", True), (PACK, LATER, "S2", "店2", "P2", False)]
    assert nowhere.empty


def test_the_strength_of_a_link(chain: Workspace) -> None:
    with chain.connect() as connection:
        strength = link_strength(connection, NodeRef("Patient", "P2"), NodeRef("Pharmacy", "S2"))
        assert link_strength(connection, NodeRef("Patient", "P1"), NodeRef("Pharmacy", "S2")) is None
        assert link_strength(connection, NodeRef("Supplier", "X"), NodeRef("Pharmacy", "S2")) is None
    assert strength is not None
    assert (strength.together, strength.of_source, strength.usual, strength.peers) == (2, 1.0, 2.0, 1)


@pytest.mark.parametrize("masked", [False, True])
def test_a_table_as_a_file_keeps_text_as_text(masked: bool, tmp_path: Path) -> None:
    desk = Desk(tmp_path, "en", masked)
    frame = pd.DataFrame(
        {"psn_name": ["=cmd|' /C calc'!A0", None], "medfee_sumamt": [1.5, float("nan")], "row": [1, 2]}
    )
    book = load_workbook(io.BytesIO(written(desk, frame, "lines", "xlsx"))).active
    assert book is not None
    told = written(desk, frame, "lines", "csv").decode("utf-8-sig")
    first = [cell.value for cell in book[2]]
    assert first == ["=＊＊" if masked else "=cmd|' /C calc'!A0", 1.5, 1]
    assert book["A2"].data_type == "s"
    assert [cell.value for cell in book[3]] == [None, None, 2]
    assert ("calc" in told) is not masked
    assert not any(line.startswith("=") for line in told.splitlines())
