"""CSV files as bytes: packed or not, UTF-8, GB18030 or UTF-16, whole or damaged."""

from __future__ import annotations

import codecs
import csv
import gzip
import io
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import IO, Final, cast

import pyarrow as pa

from ringtrace.errors import RingTraceError
from ringtrace.loaders.folder import Found

MAX_RECORD: Final = 1 << 20
"""Longest row taken, in bytes: real ones have a few hundred, and a file without line ends must not fill the memory."""

_CHUNK: Final = 8 << 20
_KEPT_RAW: Final = 64 << 10
_MAX_LINES: Final = 100  # lines that one quoted cell may span before its opening quotation mark counts as stray
_BOMS: Final = ((codecs.BOM_UTF8, "utf-8"), (codecs.BOM_UTF16_LE, "utf-16-le"), (codecs.BOM_UTF16_BE, "utf-16-be"))
DELIMITERS: Final = ",\t;|"


@dataclass(frozen=True, slots=True)
class Record:
    """One row of a damaged or unusual file: its cells, or the code of what is wrong and the text as it came."""

    cells: tuple[str, ...] = ()
    problem: str | None = None
    raw: str = ""


@dataclass(slots=True)
class Survey:
    """What one pass over the bytes showed.

    `lines` counts the lines without blank ones at the end; `plain` is false if bytes occur that need the careful reader
    (NUL, or a carriage return inside a line).
    """

    lines: int
    plain: bool


def open_bytes(found: Found) -> IO[bytes]:
    """The unpacked bytes of the file."""
    if found.compression == "gzip":
        return cast(IO[bytes], gzip.open(found.path, "rb"))
    if found.compression == "zstd":
        return cast(IO[bytes], io.BufferedReader(_ArrowStream(found.path)))
    return found.path.open("rb")


class _ArrowStream(io.RawIOBase):
    """An unpacking Arrow stream with the interface of a Python file."""

    def __init__(self, path: Path) -> None:
        self._stream = pa.CompressedInputStream(pa.OSFile(str(path)), "zstd")

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: bytearray | memoryview) -> int:  # type: ignore[override]
        data = self._stream.read(len(buffer))
        buffer[: len(data)] = data
        return len(data)

    def close(self) -> None:
        self._stream.close()
        super().close()


def chunks(stream: IO[bytes]) -> Iterator[bytes]:
    while chunk := stream.read(_CHUNK):
        yield chunk


def survey(stream: IO[bytes], copy: IO[bytes] | None = None) -> Survey:
    """Count lines and look for bytes that need care, in one pass; write what passes to `copy` if given."""
    newlines = returns = pairs = nuls = trailing = 0
    last = b""
    for chunk in chunks(stream):
        newlines += chunk.count(b"\n")
        returns += chunk.count(b"\r")
        pairs += chunk.count(b"\r\n") + (last == b"\r" and chunk[:1] == b"\n")
        nuls += chunk.count(b"\0")
        body = chunk.rstrip(b"\r\n")
        ending = chunk[len(body) :].count(b"\n")
        trailing = ending if body else trailing + ending
        last = chunk[-1:]
        if copy is not None:
            copy.write(chunk)
    return Survey(lines=newlines - trailing + bool(last), plain=returns == pairs and nuls == 0)


def bom_encoding(start: bytes) -> tuple[str, int] | None:
    """Encoding and length of the byte-order mark at the start, if there is one."""
    for mark, encoding in _BOMS:
        if start.startswith(mark):
            return encoding, len(mark)
    return None


def guess_encoding(path: Path) -> str:
    """UTF-8 or GB18030, whichever reads more of the lines that are not plain ASCII.

    Lines of GB18030 are hardly ever valid UTF-8, so a few damaged bytes do not turn the vote; GB18030 reads many byte
    sequences that were never meant so, hence UTF-8 is asked.
    """
    good = bad = 0
    with path.open("rb") as stream:
        while line := stream.readline(MAX_RECORD):
            if line.isascii():
                continue
            try:
                line.decode("utf-8")
                good += 1
            except UnicodeDecodeError:
                bad += 1
    return "utf-8" if good >= bad else "gb18030"


def recode(source: Path, target: Path, encoding: str, *, skip: int = 0) -> bool:
    """Copy as UTF-8 from byte `skip` on; false as soon as a byte does not decode."""
    decoder = codecs.getincrementaldecoder(encoding)("strict")
    with source.open("rb") as stream, target.open("wb") as copy:
        stream.seek(skip)
        try:
            for chunk in chunks(stream):
                copy.write(decoder.decode(chunk).encode("utf-8"))
            copy.write(decoder.decode(b"", final=True).encode("utf-8"))
        except UnicodeError:
            return False
    return True


def records(stream: IO[bytes], encoding: str, delimiter: str, width: int) -> Iterator[Record]:
    """Every row of the file in order, the header included, good or bad; blank lines are no rows.

    Each line is tried as a row of its own first. Only where it leaves a quotation mark open are the following lines
    added. If that never gives a sound row of `width` cells, the one line is bad and reading goes on with the next: a
    stray mark costs one row and never the rows after it.
    """
    pending: list[bytes] = []
    while line := (pending.pop() if pending else stream.readline(MAX_RECORD + 1)):
        if len(line) > MAX_RECORD:
            _skip_rest_of_line(stream, line)
            yield Record(problem="too_long", raw=_as_it_came(line, encoding))
            continue
        if not line.strip():
            continue
        record, open_quote = _parse(line, encoding, delimiter)
        if open_quote:
            following: list[bytes] = []
            whole = line
            while open_quote and len(following) < _MAX_LINES and len(whole) <= MAX_RECORD:
                added = pending.pop() if pending else stream.readline(MAX_RECORD + 1)
                if not added:
                    break
                following.append(added)
                whole += added
                if b'"' in added and len(whole) <= MAX_RECORD:
                    record, open_quote = _parse(whole, encoding, delimiter)
            if record.problem is not None or len(record.cells) != width:
                pending.extend(reversed(following))
                record = Record(problem="quoting", raw=_as_it_came(line, encoding))
        yield record


def _parse(line: bytes, encoding: str, delimiter: str) -> tuple[Record, bool]:
    """The row that the bytes hold, and whether they end inside a quoted cell."""
    raw = _as_it_came(line, encoding)
    try:
        text = line.decode(encoding)
    except UnicodeDecodeError:
        return Record(problem="encoding", raw=raw), False
    if "\0" in text:
        return Record(problem="encoding", raw=raw), False
    try:
        text.encode("utf-8")
        rows = list(csv.reader(io.StringIO(text, newline=""), delimiter=delimiter, strict=True))
    except UnicodeEncodeError:
        return Record(problem="encoding", raw=raw), False
    except csv.Error as error:
        return Record(problem="quoting", raw=raw), "unexpected end of data" in str(error)
    if len(rows) != 1:
        return Record(problem="quoting", raw=raw), False
    return Record(cells=tuple(rows[0]), raw=raw), False


def _skip_rest_of_line(stream: IO[bytes], line: bytes) -> None:
    while line and not line.endswith(b"\n"):
        line = stream.readline(MAX_RECORD)


def _as_it_came(line: bytes, encoding: str) -> str:
    return line[:_KEPT_RAW].rstrip(b"\r\n").decode(encoding, "backslashreplace").replace("\0", "\\x00")


def read_header(found: Found) -> tuple[str, str, int]:
    """Delimiter, encoding by its first line, and length of the byte-order mark of a CSV file.

    Raises
    ------
    RingTraceError
        If the file is empty, or its first line is no list of names.
    """
    start = _first_line(found)
    encoding, mark = bom_encoding(start) or (None, 0)
    for candidate in [encoding] if encoding else ["utf-8", "gb18030"]:
        text = _decoded(start[mark:], candidate)
        if text is not None and len(start) <= MAX_RECORD:
            delimiter = max(DELIMITERS, key=text.count)
            if any(cell.strip() for cell in _header_cells(text, delimiter)):
                return delimiter, candidate, mark
    raise RingTraceError.of("loaders.no_header", file=found.name)


def header_cells(found: Found) -> tuple[str, ...]:
    """The cells of the first line that is not blank; raises as `read_header`."""
    delimiter, encoding, mark = read_header(found)
    return _header_cells(_decoded(_first_line(found)[mark:], encoding) or "", delimiter)


def _first_line(found: Found) -> bytes:
    with open_bytes(found) as stream:
        line = stream.readline(MAX_RECORD + 1)
        while line and not line.strip():
            line = stream.readline(MAX_RECORD + 1)
    return line


def _decoded(line: bytes, encoding: str) -> str | None:
    if encoding.startswith("utf-16"):  # the line end was searched byte by byte and may be half a character
        line = line[: len(line) // 2 * 2]
    try:
        return line.decode(encoding).strip("\r\n")
    except UnicodeDecodeError:
        return None


def _header_cells(text: str, delimiter: str) -> tuple[str, ...]:
    record, open_quote = _parse(text.encode("utf-8", "replace"), "utf-8", delimiter)
    return () if open_quote else record.cells
