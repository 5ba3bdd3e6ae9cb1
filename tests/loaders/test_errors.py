"""Broken deliveries: a sentence that names the file, the column and the remedy, and the earlier state untouched."""

from __future__ import annotations

import gzip
import io
import os
import resource
import subprocess
import sys
import textwrap
import zipfile
from collections.abc import Callable
from pathlib import Path

import pandas as pd
import pytest
from factories.delivery import deliver
from factories.settled import assert_reconciled, load, rows, settlement
from openpyxl import Workbook

from ringtrace.errors import RingTraceError
from ringtrace.loaders import load_folder, read_quarantine
from ringtrace.loaders.csv_text import MAX_RECORD
from ringtrace.loaders.presets import PRESETS
from ringtrace.workspace import Workspace

HEADER = "setl_id,psn_no,fixmedins_code,setl_time,medfee_sumamt\n"
LINE = "S{n},P1,H1,2025-03-01,10\n"
BODY = HEADER + "".join(LINE.format(n=n) for n in range(100))


def truncated_gzip(folder: Path) -> None:
    (folder / "settlements.csv.gz").write_bytes(gzip.compress(BODY.encode())[:-20])


def no_gzip(folder: Path) -> None:
    (folder / "settlements.csv.gz").write_bytes(BODY.encode())


def no_parquet(folder: Path) -> None:
    (folder / "settlements.parquet").write_bytes(b"PAR1 nothing PAR1")


def no_workbook(folder: Path) -> None:
    (folder / "settlements.xlsx").write_bytes(b"PK nothing")


def no_sheet(folder: Path) -> None:
    """A workbook whose archive is whole and whose sheet breaks off."""
    whole = io.BytesIO()
    pd.DataFrame([settlement(n) for n in range(9)]).to_excel(whole, index=False)
    with zipfile.ZipFile(whole) as source, zipfile.ZipFile(folder / "settlements.xlsx", "w") as target:
        for name in source.namelist():
            data = source.read(name)
            target.writestr(name, data[: len(data) // 2] if "sheet1" in name else data)


def blank_workbook(folder: Path) -> None:
    Workbook().save(folder / "settlements.xlsx")


def empty_file(folder: Path) -> None:
    (folder / "settlements.csv").touch()


def missing_column(folder: Path) -> None:
    (folder / "settlements.csv").write_text(BODY.replace("medfee_sumamt", "amount"), "utf-8")


def six_percent_bad(folder: Path) -> None:
    (folder / "settlements.csv").write_text(HEADER + (LINE.format(n=1) * 94) + "S2,,H1,2025-03-01,10\n" * 6, "utf-8")


def six_percent_short(folder: Path) -> None:
    (folder / "settlements.csv").write_text(HEADER + (LINE.format(n=1) * 94) + "S2,P1\n" * 6, "utf-8")


def nothing_to_analyse(folder: Path) -> None:
    (folder / "persons.csv").write_text("psn_no\nP1\n", "utf-8")


def nothing_known(folder: Path) -> None:
    (folder / "menu.csv").write_text("dish,price\nsoup,3\n", "utf-8")


def nothing(folder: Path) -> None:
    (folder / "README.txt").write_text("no data here", "utf-8")


def mapping_to_nowhere(folder: Path) -> None:
    (folder / "settlements.csv").write_text(BODY, "utf-8")
    (folder / "mapping.yaml").write_text("人员编号: person\n", "utf-8")


def mapping_with_a_chinese_colon(folder: Path) -> None:
    (folder / "settlements.csv").write_text(BODY, "utf-8")
    (folder / "mapping.yaml").write_text("人员编号：psn_no\n", "utf-8")


def mapping_that_is_no_yaml(folder: Path) -> None:
    (folder / "settlements.csv").write_text(BODY, "utf-8")
    (folder / "mapping.yaml").write_text("a: [\n", "utf-8")


BROKEN: dict[Callable[[Path], None], tuple[str, ...]] = {
    truncated_gzip: ("settlements.csv.gz", "cut off"),
    no_gzip: ("settlements.csv.gz", "not packed with gzip"),
    no_parquet: ("settlements.parquet", "no Parquet"),
    no_workbook: ("settlements.xlsx", "no XLSX"),
    no_sheet: ("settlements.xlsx", "no XLSX"),
    blank_workbook: ("settlements.xlsx", "no header"),
    empty_file: ("settlements.csv",),
    missing_column: ("settlements.csv", "medfee_sumamt", "amount", "mapping.yaml"),
    six_percent_bad: ("settlements.csv", "psn_no", "6 of 100", "5.0%", "--max-bad"),
    six_percent_short: ("settlements.csv", "6 of 100", "cells"),
    nothing_to_analyse: ("settlements", "inventory"),
    nothing_known: ("menu.csv", "--preset"),
    nothing: ("no data file", ".csv"),
    mapping_to_nowhere: ("mapping.yaml", "'person'"),
    mapping_with_a_chinese_colon: ("mapping.yaml", "人员编号：psn_no", "ASCII colon"),
    mapping_that_is_no_yaml: ("mapping.yaml", "2: "),
}


@pytest.mark.parametrize("breaking", BROKEN, ids=lambda each: each.__name__)
def test_a_broken_delivery_is_named_and_leaves_the_workspace_as_it_was(
    tmp_path: Path, breaking: Callable[[Path], None]
) -> None:
    workspace = Workspace(tmp_path / "ws", create=True)
    if breaking is not nothing_to_analyse:
        load(tmp_path / "good", tmp_path / "ws", {"settlements.csv": [settlement(1)]})
    before = workspace.manifest()
    folder = tmp_path / "bad"
    folder.mkdir()
    breaking(folder)
    with pytest.raises(RingTraceError) as caught:
        load_folder(folder, workspace)
    assert caught.value.means
    assert caught.value.hint
    for part in BROKEN[breaking]:
        assert part in str(caught.value)
    assert workspace.manifest() == before
    landings = {path.relative_to(workspace.path).as_posix() for path in (workspace.path / "sources").glob("*")}
    assert landings == {source["landing"] for source in before["sources"]}, "what was read must not fill the disk"


@pytest.mark.parametrize("preset", [preset.name for preset in PRESETS])
def test_a_preset_that_does_not_fit_is_said(tmp_path: Path, preset: str) -> None:
    folder = deliver(tmp_path / "in", {"menu.csv": [{"dish": "soup"}]})
    with pytest.raises(RingTraceError, match=r"menu\.csv"):
        load_folder(folder, Workspace(tmp_path / "ws", create=True), preset=preset)


@pytest.mark.parametrize("locked", ["settlements.csv", "inner", "."])
def test_what_may_not_be_opened_is_named_and_never_left_out(tmp_path: Path, locked: str) -> None:
    load(tmp_path / "in" / "inner", tmp_path / "other", {"settlements.csv": [settlement(1)]})
    folder = deliver(tmp_path / "in", {"settlements.csv": [settlement(1)]})
    (folder / locked).chmod(0)
    # The owner of everything may open everything: the test runs without that right, as users do.
    code = f"""
        from ringtrace.errors import RingTraceError
        from ringtrace.loaders import load_folder
        from ringtrace.workspace import Workspace
        try:
            load_folder({str(folder)!r}, Workspace({str(tmp_path / "ws")!r}, create=True))
        except RingTraceError as error:
            print(error)
    """
    plain = ["setpriv", "--bounding-set=-dac_override,-dac_read_search"] if os.geteuid() == 0 else []
    command = [*plain, sys.executable, "-c", textwrap.dedent(code)]
    done = subprocess.run(command, capture_output=True, text=True, check=False, timeout=60)
    (folder / locked).chmod(0o700)
    assert f"You may not open {folder / locked}" in done.stdout, done.stdout + done.stderr


def test_a_folder_that_is_not_there(tmp_path: Path) -> None:
    with pytest.raises(RingTraceError, match="no folder"):
        load_folder(tmp_path / "nowhere", Workspace(tmp_path / "ws", create=True))


def test_an_unknown_preset_names_those_there_are(tmp_path: Path) -> None:
    with pytest.raises(RingTraceError) as caught:
        load(tmp_path / "in", tmp_path / "ws", {"settlements.csv": [settlement(1)]}, preset="excel")
    assert "contract" in caught.value.hint


def test_damaged_rows_are_set_aside_with_their_numbers_and_the_rest_loads(tmp_path: Path) -> None:
    lines = [
        LINE.format(n=1).encode(),
        b"S2,P1\n",
        b"S3,P1,H1,2025-03-01,10,more\n",
        b'S4,"P1,H1,2025-03-01,10\n',
        "S5,张三,H1,2025-03-01,10\n".encode(),
        b"S6,\xff\xfe,H1,2025-03-01,10\n",
        b"S7,P\x001,H1,2025-03-01,10\n",
        b'S8,"P1\nP2",H1,2025-03-01,10\n',
        LINE.format(n=9).encode(),
    ]
    folder = tmp_path / "in"
    folder.mkdir()
    (folder / "settlements.csv").write_bytes(HEADER.encode() + b"".join(lines))
    report = load_folder(folder, Workspace(tmp_path / "ws", create=True), max_bad_share=1.0)
    assert_reconciled(report)
    kept = read_quarantine(Workspace(tmp_path / "ws"))
    codes = {row: problems[0]["code"] for row, problems in zip(kept["row"], kept["problems"], strict=True)}
    assert codes == {2: "columns", 3: "columns", 4: "quoting", 6: "encoding", 7: "encoding"}
    assert kept["raw"][2] == 'S4,"P1,H1,2025-03-01,10'
    assert rows(tmp_path / "ws", "SELECT setl_id, psn_no, _row FROM settlements ORDER BY 1") == [
        ("S1", "P1", 1),
        ("S5", "张三", 5),
        ("S8", "P1\nP2", 8),
        ("S9", "P1", 9),
    ]


def test_a_line_without_end_costs_one_row_and_no_memory(tmp_path: Path) -> None:
    folder = tmp_path / "in"
    folder.mkdir()
    with (folder / "settlements.csv").open("wb") as stream:
        stream.write(HEADER.encode() + LINE.format(n=1).encode() + b"S2,")
        for _ in range(320):
            stream.write(b"x" * MAX_RECORD)
        stream.write(b"\n" + LINE.format(n=3).encode())
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    report = load_folder(folder, Workspace(tmp_path / "ws", create=True), max_bad_share=1.0)
    grown = (resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before) / 1024
    assert grown < 200, f"{grown:.0f} MB for a line of 320 MB"
    assert (report.total("loaded"), report.total("quarantined")) == (2, 1)
    assert rows(tmp_path / "ws", "SELECT setl_id, _row FROM settlements ORDER BY 2") == [("S1", 1), ("S3", 3)]


def test_a_second_load_at_the_same_time_is_refused_at_once(tmp_path: Path) -> None:
    workspace = Workspace(tmp_path / "ws", create=True)
    with workspace.writing(), pytest.raises(RingTraceError, match="Another process"):
        load(tmp_path / "in", tmp_path / "ws", {"settlements.csv": [settlement(1)]})


def test_a_full_disk_is_said_and_leaves_the_workspace_as_it_was(tmp_path: Path) -> None:
    load(tmp_path / "good", tmp_path / "ws", {"settlements.csv": [settlement(1)]})
    folder = tmp_path / "big"
    folder.mkdir()
    lines = "".join(f"S{n},P{n * 7919},H{n * 31},2025-03-01,{n}\n" for n in range(20_000))
    (folder / "settlements.csv").write_text(HEADER + lines, "utf-8")
    # A limit on the size of files is the one full disk that needs no mount: the kernel refuses the bytes beyond it.
    code = f"""
        import resource, signal
        from ringtrace.errors import RingTraceError
        from ringtrace.loaders import load_folder
        from ringtrace.workspace import Workspace
        signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
        resource.setrlimit(resource.RLIMIT_FSIZE, (60_000, 60_000))
        try:
            load_folder({str(folder)!r}, Workspace({str(tmp_path / "ws")!r}))
        except RingTraceError as error:
            print(error)
    """
    done = subprocess.run(
        [sys.executable, "-c", textwrap.dedent(code)], capture_output=True, text=True, check=False, timeout=60
    )
    assert "disk is full" in done.stdout, done.stdout + done.stderr
    assert rows(tmp_path / "ws", "SELECT setl_id FROM settlements") == [("S1",)]
