"""The same rows through every format, packing and encoding of the contract give the same table."""

from __future__ import annotations

import gzip
from collections.abc import Callable
from pathlib import Path

import pandas as pd
import pyarrow as pa
import pytest
from factories.settled import rows, settlement

from ringtrace.loaders import load_folder
from ringtrace.workspace import Workspace

FRAME = pd.DataFrame(
    [settlement(n, psn_no=f"0{n}", pos_no='张三,"quoted"', mdtrt_cert_no="81234567890123456789") for n in range(1, 4)]
)
TEXT = FRAME.to_csv(index=False)


def zstd(data: bytes) -> bytes:
    sink = pa.BufferOutputStream()
    with pa.CompressedOutputStream(sink, "zstd") as stream:
        stream.write(data)
    return bytes(sink.getvalue())


def excel(path: Path) -> None:
    FRAME.to_excel(path, index=False)


WRITERS: dict[str, tuple[str, Callable[[Path], object]]] = {
    "utf8": ("settlements.csv", lambda path: path.write_text(TEXT, "utf-8")),
    "bom": ("settlements.csv", lambda path: path.write_text(TEXT, "utf-8-sig")),
    "gb18030": ("settlements.csv", lambda path: path.write_bytes(TEXT.encode("gb18030"))),
    "utf16": ("settlements.csv", lambda path: path.write_text(TEXT, "utf-16")),
    "windows-lines": ("settlements.csv", lambda path: path.write_bytes(TEXT.replace("\n", "\r\n").encode())),
    "no-last-newline": ("settlements.csv", lambda path: path.write_text(TEXT.rstrip("\n"), "utf-8")),
    "blank-lines": ("settlements.csv", lambda path: path.write_text(TEXT.replace("\n", "\n\n"), "utf-8")),
    "tabs": ("settlements.tsv", lambda path: FRAME.to_csv(path, sep="\t", index=False)),
    "semicolons": ("settlements.csv", lambda path: FRAME.to_csv(path, sep=";", index=False)),
    "capitals": ("SETTLEMENTS.CSV", lambda path: path.write_text(TEXT.replace("psn_no", "PSN_NO"), "utf-8")),
    "gzip": ("settlements_2025-03.csv.gz", lambda path: path.write_bytes(gzip.compress(TEXT.encode()))),
    "gzip-gb18030": ("settlements.csv.gz", lambda path: path.write_bytes(gzip.compress(TEXT.encode("gb18030")))),
    "zstd": ("settlements.csv.zst", lambda path: path.write_bytes(zstd(TEXT.encode()))),
    "parquet": ("settlements/part-0.parquet", lambda path: FRAME.to_parquet(path)),
    "parquet-folder": ("settlements.parquet/part-00000-8c1e-c000.snappy.parquet", lambda path: FRAME.to_parquet(path)),
    "xlsx": ("settlements.xlsx", excel),
}


@pytest.mark.parametrize("form", WRITERS)
def test_every_form_gives_the_same_rows(tmp_path: Path, form: str) -> None:
    name, write = WRITERS[form]
    path = tmp_path / "in" / name
    path.parent.mkdir(parents=True)
    write(path)
    report = load_folder(tmp_path / "in", Workspace(tmp_path / "ws", create=True))
    assert report.total("loaded") == report.total("read") == 3
    shown = "SELECT setl_id, psn_no, pos_no, mdtrt_cert_no, CAST(medfee_sumamt AS VARCHAR), _row FROM settlements"
    assert rows(tmp_path / "ws", f"{shown} ORDER BY 1") == [
        (f"S{n}", f"0{n}", '张三,"quoted"', "81234567890123456789", "10.00", n) for n in range(1, 4)
    ]


def test_numbers_of_a_typed_parquet_stay_codes(tmp_path: Path) -> None:
    frame = FRAME.assign(
        refd_setl_flag=[0.0, float("nan"), 0.0], setl_time=pd.Timestamp("2025-03-01 08:00"), medfee_sumamt=10.0
    )
    (tmp_path / "in").mkdir()
    frame.to_parquet(tmp_path / "in" / "settlements.parquet")
    load_folder(tmp_path / "in", Workspace(tmp_path / "ws", create=True))
    shown = "SELECT refd_setl_flag, CAST(setl_time AS VARCHAR), CAST(medfee_sumamt AS VARCHAR) FROM settlements"
    assert rows(tmp_path / "ws", f"{shown} ORDER BY _row") == [
        ("0", "2025-03-01 08:00:00", "10.00"),
        (None, "2025-03-01 08:00:00", "10.00"),
        ("0", "2025-03-01 08:00:00", "10.00"),
    ]


def test_each_sheet_of_a_workbook_is_a_table(tmp_path: Path) -> None:
    (tmp_path / "in").mkdir()
    with pd.ExcelWriter(tmp_path / "in" / "delivery.xlsx") as book:
        FRAME.to_excel(book, sheet_name="settlements", index=False)
        pd.DataFrame([{"psn_no": "01"}]).to_excel(book, sheet_name="persons", index=False)
    report = load_folder(tmp_path / "in", Workspace(tmp_path / "ws", create=True))
    assert {(file.file, file.table, file.loaded) for file in report.files} == {
        ("delivery.xlsx#settlements", "settlements", 3),
        ("delivery.xlsx#persons", "persons", 1),
    }


def test_a_code_that_excel_turned_into_a_number_is_not_believed(tmp_path: Path) -> None:
    (tmp_path / "in").mkdir()
    FRAME.assign(mdtrt_cert_no=81234567890123456789.0).head(1).to_excel(
        tmp_path / "in" / "settlements.xlsx", index=False
    )
    report = load_folder(tmp_path / "in", Workspace(tmp_path / "ws", create=True), max_bad_share=1.0)
    assert report.total("quarantined") == 1


def test_parts_load_in_natural_order_so_that_the_last_word_is_the_newest(tmp_path: Path) -> None:
    (tmp_path / "in" / "settlements").mkdir(parents=True)
    for part in (2, 10):
        frame = pd.DataFrame([settlement(1, invono=f"from part {part}")])
        frame.to_csv(tmp_path / "in" / "settlements" / f"part-{part}.csv", index=False)
    load_folder(tmp_path / "in", Workspace(tmp_path / "ws", create=True))
    assert rows(tmp_path / "ws", "SELECT invono FROM settlements") == [("from part 10",)]
