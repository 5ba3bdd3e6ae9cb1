"""What every test shares: sentences in English whatever the machine's locale, and no deadline on a busy machine."""

from __future__ import annotations

import hypothesis
import pytest

hypothesis.settings.register_profile("ringtrace", deadline=None, print_blob=True)
hypothesis.settings.load_profile("ringtrace")


@pytest.fixture(autouse=True)
def _english(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("RINGTRACE_LANG", "en")
