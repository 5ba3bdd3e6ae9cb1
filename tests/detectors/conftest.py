"""What all tests of detectors share."""

from __future__ import annotations

import pytest


@pytest.fixture(autouse=True)
def raw_scores(monkeypatch: pytest.MonkeyPatch) -> None:
    """A detector's tests judge its own score: the stored curves are fitted anew whenever a detector changes."""
    monkeypatch.setattr("ringtrace.detectors.runner.stored_curves", dict)
