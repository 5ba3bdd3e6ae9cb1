"""RingTrace: graph analytics that finds groups acting together in medical-insurance claims and explains them."""

from __future__ import annotations

from importlib.metadata import version
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from pathlib import Path

    from ringtrace.session import Session

__version__ = version("ringtrace")


def open(workspace: str | Path) -> Session:
    """A session on a workspace folder, for asking saved queries and Cypher in Python.

    Raises
    ------
    RingTraceError
        If the folder is no workspace.
    """
    from ringtrace.session import Session  # the rooms load when they are needed, not with `import ringtrace`

    return Session(workspace)
