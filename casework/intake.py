"""A delivery taken in while others read: checked and loaded, detected, the graph built, in a thread of its own.

What is under way belongs to the workspace and not to whoever started it: they may look at another page meanwhile, and
every other desk sees how far it is. Ending the process ends it too, and leaves the state as it was before.
"""

from __future__ import annotations

import threading
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from ringtrace.detectors import detect
from ringtrace.errors import RingTraceError
from ringtrace.graph import build_graph, refresh_server
from ringtrace.loaders import load_folder
from ringtrace.progress import Step
from ringtrace.workspace import Workspace

Stage = Literal["loading", "detecting", "graph", "done", "failed"]


@dataclass(slots=True)
class Intake:
    """One delivery on its way in; `step` is what the stage last said of itself.

    `error` is what the user can mend; `broken` names the type of any other failure, whose traceback is in the log.
    `kept` says that the rows are in the workspace, whatever came later; `loaded`, `refused` and `findings` are numbers
    of rows and findings once known.
    """

    folder: Path
    stage: Stage = "loading"
    step: Step | None = None
    error: RingTraceError | None = None
    broken: str | None = None
    kept: bool = False
    loaded: int = 0
    refused: int = 0
    findings: int = 0

    @property
    def running(self) -> bool:
        return self.stage not in ("done", "failed")

    def tell(self, step: Step) -> None:
        """Take note of progress."""
        self.step = step


def take_in(workspace: Workspace, folder: Path, *, preset: str | None = None, max_bad_share: float = 0.05) -> Intake:
    """Begin to take the folder in, and return what is under way at once; options as of `load_folder`."""
    intake = Intake(folder)
    threading.Thread(target=_run, args=(intake, workspace, preset, max_bad_share), name="intake", daemon=True).start()
    return intake


def _run(intake: Intake, workspace: Workspace, preset: str | None, max_bad_share: float) -> None:
    stage: Stage = "failed"
    try:
        report = load_folder(intake.folder, workspace, preset=preset, max_bad_share=max_bad_share, progress=intake.tell)
        intake.loaded, intake.refused = report.total("loaded") + report.total("replaced"), report.total("quarantined")
        intake.kept, intake.stage = True, "detecting"
        intake.findings = len(detect(workspace, progress=intake.tell).findings)
        intake.stage = "graph"
        build_graph(workspace, progress=intake.tell)
        refresh_server(workspace, progress=intake.tell)
        stage = "done"
    except RingTraceError as error:
        intake.error = error
    except BaseException as error:
        intake.broken = type(error).__name__
        raise
    finally:
        intake.stage = stage
