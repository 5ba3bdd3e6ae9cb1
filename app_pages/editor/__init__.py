"""A field for Cypher that completes labels, types and properties from the graph's schema: a small component of ours.

The ready-made ones were looked at first: one fetches fonts from the web, one has neither Cypher nor completions of
one's own (docs/decisions.md).
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from importlib import resources
from typing import Any

import streamlit as st


@dataclass(frozen=True, slots=True)
class Written:
    """What stands in the field, and whether Ctrl+Enter asked to run it."""

    text: str
    run: bool


@cache
def _file(name: str) -> str:
    return resources.files(__package__).joinpath(name).read_text("utf-8")


@cache
def _editor() -> Any:
    return st.components.v2.component(
        "ringtrace_editor", html=_file("editor.html"), css=_file("editor.css"), js=_file("editor.js")
    )


def editor(key: str, text: str, stamp: int, vocabulary: Mapping[str, Any], words: Mapping[str, str]) -> Written:
    """Draw the field and return what is in it.

    `text` is put into it whenever `stamp` differs from the last one, and otherwise left as it is being typed.
    `vocabulary` as `ringtrace.casework.cypher.vocabulary` gives it; `words` are `label`, `offers` and `hint`.
    """
    state = _editor()(
        key=f"{key}-{stamp}",
        data={"text": text, "stamp": stamp, "vocabulary": vocabulary, "words": words},
        default={"text": text},
        on_text_change=_nothing,
        on_run_change=_nothing,
    )
    asked = state.get("run")
    return Written(asked if asked is not None else state["text"], asked is not None)


def _nothing() -> None:
    """Ask for the rerun that takes the text over."""
