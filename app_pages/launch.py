"""How the app is started: Streamlit on loopback, with everything that would call out switched off."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path
from typing import Final

WORKSPACE_VARIABLE: Final = "RINGTRACE_WORKSPACE"


def command(workspace: str | Path, *, port: int = 8501, headless: bool = False) -> list[str]:
    """The command that serves the app for `workspace` on `http://127.0.0.1:port`, as `subprocess` takes it.

    Streamlit opens the browser once the page is up, unless `headless`. What else it should do (loopback only, nothing
    called out) is in `.streamlit/config.toml` beside the script.
    """
    script = Path(__file__).parent.parent / "app.py"
    options = [f"--server.port={port}", f"--server.headless={str(headless).lower()}"]
    return [
        sys.executable,
        "-m",
        "ringtrace.app_pages.serve",
        "run",
        str(script),
        *options,
        "--",
        "--workspace",
        str(workspace),
    ]


def launch(workspace: str | Path, *, port: int = 8501, headless: bool = False) -> int:
    """Serve the app until it is stopped (Ctrl-C), and return its exit status."""
    # A child of its own: Streamlit installs signal handlers and ends its process as it likes.
    with subprocess.Popen(command(workspace, port=port, headless=headless)) as served:  # noqa: S603 (our own command)
        try:
            return served.wait()
        except KeyboardInterrupt:
            return served.wait()


def workspace_path(arguments: list[str]) -> Path | None:
    """The workspace named by `--workspace DIR` among the script's own arguments, or by the environment."""
    for flag in ("--workspace", "-w"):
        if flag in arguments[:-1]:
            return Path(arguments[arguments.index(flag) + 1])
    named = os.environ.get(WORKSPACE_VARIABLE)
    return Path(named) if named else None
