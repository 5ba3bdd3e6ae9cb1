"""A load as its user meets it: what goes in, what comes out, and that the numbers add up."""

from __future__ import annotations

from datetime import date, datetime
from decimal import Decimal
from pathlib import Path

import pytest
from factories.settled import assert_reconciled, load, rows, settlement

from ringtrace.loaders import last_report, read_quarantine
from ringtrace.workspace import Workspace


def problems(workspace: Path) -> dict[int, set[str]]:
    """Row number → `column:code` of every rule it broke."""
    frame = read_quarantine(Workspace(workspace))
    return {
        row: {f"{problem['column'] or ''}:{problem['code']}" for problem in broken}
        for row, broken in zip(frame["row"], frame["problems"], strict=True)
    }


def test_a_clean_delivery_arrives_whole(tmp_path: Path) -> None:
    report = load(tmp_path / "in", tmp_path / "ws", {"settlements.csv": [settlement(1), settlement(2)]})
    assert_reconciled(report)
    assert (report.preset, report.generation, report.changed) == ("contract", 1, True)
    assert rows(tmp_path / "ws", "SELECT setl_id, medfee_sumamt, setl_time, _row FROM settlements ORDER BY 1") == [
        ("S1", Decimal("10.00"), datetime(2025, 3, 1, 8), 1),
        ("S2", Decimal("10.00"), datetime(2025, 3, 1, 8), 2),
    ]
    assert last_report(Workspace(tmp_path / "ws")) == report


@pytest.mark.parametrize(
    ("written", "read"),
    [
        ("2025-03-01 08:09:10", datetime(2025, 3, 1, 8, 9, 10)),
        ("2025-03-01 08:09:10.0", datetime(2025, 3, 1, 8, 9, 10)),
        ("2025-03-01T08:09:10", datetime(2025, 3, 1, 8, 9, 10)),
        ("2025/03/01", datetime(2025, 3, 1)),
        ("2025-03-01", datetime(2025, 3, 1)),
        ("20250301", datetime(2025, 3, 1)),
        ("20250301080910", datetime(2025, 3, 1, 8, 9, 10)),
        ("2025/3/1 8:09", datetime(2025, 3, 1, 8, 9)),
        ("2025年3月1日", datetime(2025, 3, 1)),
        ("2025年03月01日 08:09:10", datetime(2025, 3, 1, 8, 9, 10)),
        ("2025年3月1日8时9分10秒", datetime(2025, 3, 1, 8, 9, 10)),
        ("2025年3月1日8时9分", datetime(2025, 3, 1, 8, 9)),
    ],
)
def test_every_date_form_is_read(tmp_path: Path, written: str, read: datetime) -> None:
    load(tmp_path / "in", tmp_path / "ws", {"settlements.csv": [settlement(1, setl_time=written)]})
    assert rows(tmp_path / "ws", "SELECT setl_time FROM settlements") == [(read,)]


@pytest.mark.parametrize(
    ("written", "read"),
    [("1,234.50", "1234.50"), ("-1,234,567", "-1234567.00"), ("1,23", None), ("12,34.50", None), ("1_000", None)],
)
def test_thousands_are_read_where_the_groups_leave_no_doubt(tmp_path: Path, written: str, read: str | None) -> None:
    row = settlement(1, medfee_sumamt=written, fund_pay_sumamt="")
    load(tmp_path / "in", tmp_path / "ws", {"settlements.csv": [row]})
    stored = rows(tmp_path / "ws", "SELECT CAST(medfee_sumamt AS VARCHAR), _warnings FROM settlements")
    assert stored == ([] if read is None else [(read, None)])


def test_each_rule_sends_its_row_to_quarantine_with_every_reason(tmp_path: Path) -> None:
    sound = settlement(0)
    bad = [
        settlement(1, setl_id=""),
        settlement(2, setl_time="2025-02-30"),
        settlement(3, medfee_sumamt="ten"),
        settlement(4, refd_setl_flag="7"),
        settlement(5, begntime="2025-03-02", endtime="2025-03-01"),
        settlement(6, psn_no=" NULL ", medfee_sumamt="1,5", setl_time="infinity"),
    ]
    report = load(tmp_path / "in", tmp_path / "ws", {"settlements.csv": [sound, *bad]})
    assert_reconciled(report)
    assert problems(tmp_path / "ws") == {
        2: {"setl_id:required"},
        3: {"setl_time:date"},
        4: {"medfee_sumamt:number"},
        5: {"refd_setl_flag:code"},
        6: {"endtime:too_early"},
        7: {"psn_no:required", "medfee_sumamt:number", "setl_time:date"},
    }
    assert rows(tmp_path / "ws", "SELECT setl_id FROM settlements") == [("S0",)]


def test_the_quarantine_keeps_the_row_as_it_came_and_quotes_the_value(tmp_path: Path) -> None:
    load(tmp_path / "in", tmp_path / "ws", {"settlements.csv": [settlement(1, medfee_sumamt=" ten ")]})
    (kept,) = read_quarantine(Workspace(tmp_path / "ws")).to_dict("records")
    assert '"medfee_sumamt":" ten "' in kept["raw"]
    assert list(kept["problems"]) == [{"column": "medfee_sumamt", "code": "number", "value": " ten "}]


@pytest.mark.parametrize(
    ("certno", "outcome"),
    [
        ("11010519491231002X", None),
        ("11010519491231002x", None),
        ("110105194912310021", "quarantine"),  # check digit
        ("11010519491331002X", "quarantine"),  # month 13
        ("12345", "quarantine"),
        ("110105491231002", "certno:other_document"),  # 15 digits, before 1999
        ("E12345678", "certno:other_document"),  # passport
    ],
)
def test_id_numbers(tmp_path: Path, certno: str, outcome: str | None) -> None:
    person: dict[str, object] = {"psn_no": "P1", "certno": certno}
    load(tmp_path / "in", tmp_path / "ws", {"settlements.csv": [settlement(1)], "persons.csv": [person]})
    expected = [] if outcome == "quarantine" else [(outcome,)]
    assert rows(tmp_path / "ws", "SELECT _warnings FROM persons") == expected


def test_sex_and_birth_date_are_held_against_the_id_number(tmp_path: Path) -> None:
    person: dict[str, object] = {"psn_no": "P1", "certno": "11010519491231002X", "gend": "1", "brdy": "1949-12-30"}
    load(tmp_path / "in", tmp_path / "ws", {"settlements.csv": [settlement(1)], "persons.csv": [person]})
    assert rows(tmp_path / "ws", "SELECT brdy, _warnings FROM persons") == [
        (date(1949, 12, 30), "certno:birth_date|certno:sex")
    ]


def test_sums_warn_and_never_quarantine(tmp_path: Path) -> None:
    items = [
        {"setl_id": "S1", "feedetl_sn": n, "med_list_codg": "D1", "cnt": 1, "det_item_fee_sumamt": amount}
        for n, amount in enumerate(("6.00", "3.99"), start=1)
    ]
    report = load(
        tmp_path / "in",
        tmp_path / "ws",
        {"settlements.csv": [settlement(1), settlement(2, cash_payamt="1.01")], "settlement_items.csv": items},
    )
    assert_reconciled(report)
    assert rows(tmp_path / "ws", "SELECT setl_id, _warnings FROM settlements ORDER BY 1") == [
        ("S1", "medfee_sumamt:sum_of_items"),
        ("S2", "medfee_sumamt:sum_of_payments"),
    ]


def test_items_that_come_or_are_corrected_without_their_settlement_refresh_its_sum(tmp_path: Path) -> None:
    item = {"setl_id": "S1", "feedetl_sn": 1, "med_list_codg": "D1", "cnt": 1, "det_item_fee_sumamt": "9.00"}
    shown = "SELECT setl_id, _warnings FROM settlements ORDER BY 1"
    first = settlement(1, cash_payamt="2.00")
    load(tmp_path / "1", tmp_path / "ws", {"settlements.csv": [first, settlement(2)]})
    sum_of_payments = "medfee_sumamt:sum_of_payments"
    assert rows(tmp_path / "ws", shown) == [("S1", sum_of_payments), ("S2", None)]
    load(tmp_path / "2", tmp_path / "ws", {"settlement_items.csv": [item, item | {"setl_id": "S2"}]})
    both = f"{sum_of_payments}|medfee_sumamt:sum_of_items"
    assert rows(tmp_path / "ws", shown) == [("S1", both), ("S2", "medfee_sumamt:sum_of_items")]
    corrected = [item | {"det_item_fee_sumamt": 10}, item | {"setl_id": "S2", "det_item_fee_sumamt": 10}]
    report = load(tmp_path / "3", tmp_path / "ws", {"settlement_items.csv": corrected, "settlements.csv": [first]})
    assert rows(tmp_path / "ws", shown) == [("S1", sum_of_payments), ("S2", None)]
    assert (report.total("replaced"), report.total("identical")) == (2, 1)


def test_refunds_are_negative_whatever_sign_they_came_with(tmp_path: Path) -> None:
    refund = settlement(2, refd_setl_flag="1", init_setl_id="S1")
    already = settlement(3, refd_setl_flag="1", init_setl_id="S1", medfee_sumamt="-10.00")
    item = {"setl_id": "S2", "feedetl_sn": 1, "med_list_codg": "D1", "cnt": 2, "pric": 5, "det_item_fee_sumamt": 10}
    load(
        tmp_path / "in",
        tmp_path / "ws",
        {"settlements.csv": [settlement(1), refund, already], "settlement_items.csv": [item]},
    )
    amounts = "SELECT medfee_sumamt, fund_pay_sumamt FROM settlements ORDER BY setl_id"
    assert rows(tmp_path / "ws", amounts) == [
        (Decimal("10.00"), Decimal("6.00")),
        (Decimal("-10.00"), Decimal("-6.00")),
        (Decimal("-10.00"), Decimal("-6.00")),
    ]
    lines = "SELECT cnt, pric, det_item_fee_sumamt, _warnings FROM settlement_items"
    assert rows(tmp_path / "ws", lines) == [(Decimal("-2.0000"), Decimal("5.00"), Decimal("-10.00"), None)]


def test_items_that_came_before_their_refund_turn_negative_with_it(tmp_path: Path) -> None:
    item = {"setl_id": "S2", "feedetl_sn": 1, "med_list_codg": "D1", "cnt": 2, "det_item_fee_sumamt": 10}
    other = item | {"setl_id": "S1"}
    load(tmp_path / "1", tmp_path / "ws", {"settlements.csv": [settlement(1)], "settlement_items.csv": [item, other]})
    late = {"settlements.csv": [settlement(2, refd_setl_flag="1", init_setl_id="S1")]}
    assert load(tmp_path / "2", tmp_path / "ws", late).total("loaded") == 1
    assert rows(tmp_path / "ws", "SELECT setl_id, cnt, det_item_fee_sumamt FROM settlement_items ORDER BY 1") == [
        ("S1", 2, 10),
        ("S2", -2, -10),
    ]
    assert not load(tmp_path / "3", tmp_path / "ws", late).changed


def test_references_that_lead_nowhere_are_kept_and_counted(tmp_path: Path) -> None:
    report = load(
        tmp_path / "in",
        tmp_path / "ws",
        {"settlements.csv": [settlement(1), settlement(2, psn_no="P9")], "persons.csv": [{"psn_no": "P1"}]},
    )
    states = {state.table: state for state in report.states}
    assert states["settlements"].stubs == {"psn_no": 1, "fixmedins_code": 1}
    assert states["settlements"].rows == 2


def test_columns_that_nothing_reads_are_listed(tmp_path: Path) -> None:
    report = load(tmp_path / "in", tmp_path / "ws", {"settlements.csv": [settlement(1, favourite_colour="red")]})
    assert report.files[0].unmapped == ("favourite_colour",)


def test_files_that_nobody_uses_are_listed_with_their_rows(tmp_path: Path) -> None:
    report = load(tmp_path / "in", tmp_path / "ws", {"settlements.csv": [settlement(1)], "menu.csv": [{"a": 1}] * 3})
    assert [(file.file, file.read, file.unused) for file in report.files] == [
        ("settlements.csv", 1, 0),
        ("menu.csv", 3, 3),
    ]


def test_files_of_a_kind_that_is_never_read_are_named(tmp_path: Path) -> None:
    (tmp_path / "in" / "older").mkdir(parents=True)
    for name in ("persons.xls", "older/cards.zip", ".hidden.zip", "mapping.yaml"):
        (tmp_path / "in" / name).touch()
    report = load(tmp_path / "in", tmp_path / "ws", {"settlements.csv": [settlement(1)]})
    assert report.passed_over == ("older/cards.zip", "persons.xls")
    assert last_report(Workspace(tmp_path / "ws")) == report
    assert ("persons.xls",) in [row for sheet in report.tables("en") for row in sheet.rows]


def test_a_mapping_renames_headers_values_and_files(tmp_path: Path) -> None:
    folder = tmp_path / "in"
    folder.mkdir()
    (folder / "mapping.yaml").write_text(
        "人员编号: psn_no\n性别: gend\ncodes: {gend: {男: '1', 女: '2'}}\nfiles: {参保人: persons}\n", "utf-8"
    )
    people: list[dict[str, object]] = [{"人员编号": "P1", "性别": "女"}]
    load(folder, tmp_path / "ws", {"settlements.csv": [settlement(1)], "参保人_2025.csv": people})
    assert rows(tmp_path / "ws", "SELECT psn_no, gend FROM persons") == [("P1", "2")]


def test_blanks_and_words_for_nothing_are_no_values(tmp_path: Path) -> None:
    row = settlement(1, psn_no="\tP1 ", pos_no="\\N", invono="　", chfpdr_code="null", mdtrt_id=" NULL")
    load(tmp_path / "in", tmp_path / "ws", {"settlements.csv": [row]})
    shown = "SELECT psn_no, pos_no, invono, chfpdr_code, mdtrt_id FROM settlements"
    assert rows(tmp_path / "ws", shown) == [("P1", None, None, None, None)]


def test_the_report_reads_in_both_languages(tmp_path: Path) -> None:
    report = load(tmp_path / "in", tmp_path / "ws", {"settlements.csv": [settlement(1), settlement(2, psn_no="")]})
    for language in ("zh", "en"):
        for sheet in report.tables(language):
            assert sheet.title
            assert all(len(row) == len(sheet.headers) for row in sheet.rows)
