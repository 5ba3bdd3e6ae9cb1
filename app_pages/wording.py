"""What a finding says, with names in place of institution and drug codes, and masked where the desk's switch says."""

from __future__ import annotations

import re
from collections.abc import Mapping
from functools import lru_cache
from typing import Final

import streamlit as st

from ringtrace.app_pages.frames import level_word
from ringtrace.app_pages.plain import markdown, masked, visible
from ringtrace.app_pages.shell import Desk
from ringtrace.casework.entities import names
from ringtrace.casework.ranking import rank
from ringtrace.findings import Finding, Message, current_run

_NAMED: Final = frozenset({"Pharmacy", "Hospital", "Drug", "Doctor"})
_PERSONAL: Final = frozenset({"Patient", "Card", "Doctor"})


def told(desk: Desk, finding: Finding, message: Message, limit: int = 2_000) -> str:
    """The sentence as plain text: the finding's institutions and drugs by name, its people masked if they are to be."""
    sentence = message.render(desk.language)
    known = _names(desk)
    for member in finding.members:
        if member.id not in sentence:
            continue
        if desk.masked and member.label in _PERSONAL:
            shown = masked(member.id, "identifier")
        elif member.label in _NAMED:
            shown = known.get((member.label, member.id))
        else:
            continue
        if shown:
            sentence = _whole(member.id).sub(lambda _, said=shown: said, sentence)  # type: ignore[misc]
    return visible(sentence, limit)


def told_markdown(desk: Desk, finding: Finding, message: Message, limit: int = 2_000) -> str:
    """The same for a place that reads Markdown."""
    return markdown(told(desk, finding, message, limit), limit + 20)


def titles(desk: Desk) -> Mapping[str, str]:
    """Finding id → level and title as plain text, worst first, for a box to choose from."""
    workspace = desk.workspace()
    return _titles(str(workspace.path), workspace.generation, current_run(workspace), desk.language, desk.masked, desk)


@st.cache_resource(max_entries=8, show_spinner=False)
def _titles(folder: str, generation: int, run: int, language: str, masked: bool, _desk: Desk) -> Mapping[str, str]:
    return {
        each.finding_id: f"{level_word(_desk, each.level)} · {told(_desk, each, each.title, 200)}"
        for each in rank(_desk.findings())
    }


@lru_cache(maxsize=4_096)
def _whole(code: str) -> re.Pattern[str]:
    return re.compile(rf"(?<!\w){re.escape(code)}(?!\w)")


def _names(desk: Desk) -> dict[tuple[str, str], str]:
    workspace = desk.workspace()
    return _member_names(str(workspace.path), workspace.generation, current_run(workspace), desk)


# A resource and not data, which Streamlit would copy for each sentence.
@st.cache_resource(max_entries=4, show_spinner=False)
def _member_names(folder: str, generation: int, run: int, _desk: Desk) -> dict[tuple[str, str], str]:
    members = {
        (member.label, member.id)
        for finding in _desk.findings()
        for member in finding.members
        if member.label in _NAMED
    }
    with _desk.connect() as connection:
        return names(connection, members)
