"""How the app is started: Streamlit on loopback, with everything that would call out switched off."""

from __future__ import annotations

import contextlib
import os
import socket
import subprocess
import sys
import time
import urllib.request
from collections.abc import Iterator
from pathlib import Path
from typing import Final

WORKSPACE_VARIABLE: Final = "RINGTRACE_WORKSPACE"
_PATIENCE: Final = 60.0  # seconds that a server may take to answer


def command(workspace: str | Path, *, port: int = 8501, headless: bool = False) -> list[str]:
    """The command that serves the app for `workspace` on `http://127.0.0.1:port`, as `subprocess` takes it.

    The browser opens once the page is up, unless `headless`. What else Streamlit should do (loopback only, nothing
    called out) is in `.streamlit/config.toml` beside the app's script.
    """
    options = [f"--port={port}", *(["--headless"] if headless else [])]
    return [sys.executable, "-m", "ringtrace.app_pages.serve", *options, "--workspace", str(workspace)]


def launch(workspace: str | Path, *, port: int = 8501, headless: bool = False) -> int:
    """Serve the app until it is stopped (Ctrl-C), and return its exit status."""
    # A child of its own: Streamlit installs signal handlers and ends its process as it likes.
    with subprocess.Popen(command(workspace, port=port, headless=headless)) as served:  # noqa: S603 (our own command)
        try:
            return served.wait()
        except KeyboardInterrupt:
            return served.wait()


@contextlib.contextmanager
def served(workspace: str | Path) -> Iterator[str]:
    """The app for `workspace` on a free port of loopback while the context lasts; gives its address.

    Raises
    ------
    TimeoutError
        If it does not answer.
    """
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    base = f"http://127.0.0.1:{port}"
    asked = command(workspace, port=port, headless=True)
    with subprocess.Popen(asked, stdout=subprocess.DEVNULL) as process:  # noqa: S603 (our own command)
        try:
            _wait(f"{base}/_stcore/health")
            yield base
        finally:
            process.terminate()


def _wait(url: str) -> None:
    end = time.monotonic() + _PATIENCE
    while time.monotonic() < end:
        with contextlib.suppress(OSError), urllib.request.urlopen(url, timeout=1):  # noqa: S310 (loopback)
            return
        time.sleep(0.1)
    raise TimeoutError(url)


def workspace_path(arguments: list[str]) -> Path | None:
    """The workspace named by `--workspace DIR` among the script's own arguments, or by the environment."""
    for flag in ("--workspace", "-w"):
        if flag in arguments[:-1]:
            return Path(arguments[arguments.index(flag) + 1])
    named = os.environ.get(WORKSPACE_VARIABLE)
    return Path(named) if named else None
