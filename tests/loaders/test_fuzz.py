"""Any bytes as a CSV give a load or a RingTraceError: never another exception, never a lost row."""

from __future__ import annotations

import csv
import io
import tempfile
from pathlib import Path

import pyarrow.parquet as pq
import pytest
from factories.fuzz import examples
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st

from ringtrace.errors import RingTraceError
from ringtrace.loaders import load_folder
from ringtrace.loaders.folder import Found
from ringtrace.loaders.reading import read_file
from ringtrace.workspace import Workspace

HEADER = b"setl_id,psn_no,fixmedins_code,setl_time,medfee_sumamt,refd_setl_flag\n"

# Bytes that mean something to a CSV reader, among others that mean nothing.
MARKS = (
    b",",
    b",",
    b"\n",
    b"\n",
    b"\r\n",
    b"\r",
    b'"',
    b'""',
    b"\t",
    b";",
    b" ",
    b"'",
    b"\\",
    b"#",
    b"\0",
    b"\xff",
    b"\xe5",
)
WORDS = (
    b"S1",
    b"P1",
    b"2025-03-01",
    b"10.00",
    b"-1",
    b"e9",
    b"nan",
    b"infinity",
    b"NULL",
    b"\xef\xbb\xbf",
    b"\xff\xfe",
)
SCRIPTS = ("张三".encode(), "张三".encode("gb18030"), "\u3000\u202e😀".encode())
noise = st.lists(st.sampled_from((*MARKS, *WORDS, *SCRIPTS)), max_size=60).map(b"".join)
cells = st.text(alphabet='ab1,"\n\r ;\t张', max_size=5)


@settings(max_examples=examples(8), suppress_health_check=[HealthCheck.too_slow])
@given(st.one_of(noise, noise.map(lambda data: HEADER + data), st.binary(max_size=80)))
@example(HEADER)
@example(b"\xff\xfe" + HEADER.decode().encode("utf-16-le") + "S1,P1,H,20250301,1,\n".encode("utf-16-le"))
@example(HEADER + b'S1,"P1,H,20250301,1,\nS2,P2,H,20250301,1,\n')
@example(HEADER + b"S1,P1,H,20250301,1,\rS2,P1,H,20250301,1,\n")
@example(b"_row,_source,setl_id,SETL_ID,,\n1,2,3,4,5,6\n")
def test_any_bytes_load_or_are_refused_with_a_sentence(data: bytes) -> None:
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name) / "in"
        folder.mkdir()
        (folder / "settlements.csv").write_bytes(data)
        workspace = Workspace(Path(name) / "ws", create=True)
        try:
            report = load_folder(folder, workspace, max_bad_share=1.0)
        except RingTraceError as error:
            refused = str(error)
        else:
            (file,) = report.files
            assert file.read == file.accounted
            return
        assert "settlements.csv" in refused
        assert workspace.generation == 0


@settings(max_examples=examples(25), suppress_health_check=[HealthCheck.too_slow])
@given(
    st.lists(st.tuples(cells, cells, cells), min_size=1, max_size=6), st.sampled_from(["utf-8", "gb18030", "utf-16"])
)
def test_what_python_wrote_is_read_back_cell_by_cell(written: list[tuple[str, ...]], encoding: str) -> None:
    """The oracle is Python's own CSV writer; a wholly blank line is no row in either."""
    buffer = io.StringIO(newline="")
    writer = csv.writer(buffer, quoting=csv.QUOTE_MINIMAL)
    writer.writerows([("a", "b", "c"), *written])
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        (folder / "x.csv").write_bytes(buffer.getvalue().encode(encoding))
        landing = read_file(Found(folder / "x.csv", "x.csv", "x", "csv"), folder / "x.parquet", folder)
        assert (landing.rows, landing.bad) == (len(written), [])
        table = pq.read_table(folder / "x.parquet", columns=["a", "b", "c"]).to_pylist()
        assert [tuple(cell or "" for cell in row.values()) for row in table] == written


@pytest.mark.parametrize("damage", [b'"', b"\0", b"\xff", b","])
def test_one_damaged_byte_anywhere_costs_at_most_its_own_row(tmp_path: Path, damage: bytes) -> None:
    lines = [f"S{n},P{n},H,20250301,1,\n".encode() for n in range(6)]
    whole = HEADER + b"".join(lines)
    for place in range(len(HEADER), len(whole), 7):
        path = tmp_path / "x.csv"
        path.write_bytes(whole[:place] + damage + whole[place:])
        landing = read_file(Found(path, "x.csv", "x", "csv"), tmp_path / "x.parquet", tmp_path)
        assert landing.rows == 6, place
        assert len(landing.bad) <= 1, place
