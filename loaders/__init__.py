"""Source files → checked canonical tables in a workspace: read → check → link → write.

`load_folder` does the four steps as one transaction; `source_rows` and `original_rows` lead from a canonical row back
to the row as it came.
"""

from ringtrace.loaders.lineage import OriginalRow, original_rows, row_sha256, source_rows
from ringtrace.loaders.load import last_report, load_folder
from ringtrace.loaders.quarantine import read_quarantine
from ringtrace.loaders.report import FileReport, LoadReport, TableReport

__all__ = [
    "FileReport",
    "LoadReport",
    "OriginalRow",
    "TableReport",
    "last_report",
    "load_folder",
    "original_rows",
    "read_quarantine",
    "row_sha256",
    "source_rows",
]
