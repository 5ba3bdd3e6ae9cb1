"""The top of a finding's page: how grave, how much, since when, who, what speaks against it, where the proof is.

Whoever reads only this much, without scrolling, has the answers; the sections below give the grounds.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from typing import Final

import streamlit as st

from ringtrace.app_pages.frames import level_sign
from ringtrace.app_pages.naming import Names
from ringtrace.app_pages.plain import day, markdown, money, visible
from ringtrace.app_pages.shell import Desk
from ringtrace.app_pages.wording import told_markdown
from ringtrace.casework.ranking import suspects
from ringtrace.data_schema import tables
from ringtrace.findings import Finding, Member

AGAINST: Final = "against"
PROOF: Final = "proof"
"""Anchors of the sections that the top refers to."""
FIRST_ROLES: Final = ("holder", "collector", "organiser", "reseller", "seller", "provider")
"""Roles of whoever stands in the middle, named first."""
_CARD_KINDS: Final = frozenset({"borrowed_card_ring"})
_PLACES: Final = frozenset({"Pharmacy", "Hospital"})
_COLON: Final = {"zh": "：", "en": ": "}
_NAMED: Final = 3  # people, places and files named here; the sections below name all


def show_facts(desk: Desk, finding: Finding) -> None:
    """Level, money, people, time and score at one glance."""
    language = desk.language
    with st.container(horizontal=True):
        st.metric(desk.say("app.column.level"), level_sign(desk, finding.level), border=True)
        st.metric(
            desk.say("app.column.amount"),
            markdown(money(finding.amount, language)),
            border=True,
            help=desk.say("app.overview.amount.help"),
        )
        concerned = "app.glance.people" if finding.level == "explained" else "app.column.people"
        st.metric(desk.say(concerned), suspects(finding), border=True)
        st.metric(desk.say("app.column.first"), markdown(day(finding.first_time, language)), border=True)
        st.metric(desk.say("app.column.last"), markdown(day(finding.last_time, language)), border=True)
        st.metric(
            desk.say("app.column.score"), f"{finding.score:.2f}", border=True, help=desk.say("app.finding.score.help")
        )


def show_answers(desk: Desk, finding: Finding) -> None:
    """Who stands in the middle, where, what speaks against it and where the proof is, a line each."""
    names = Names.of(desk, [(member.label, member.id) for member in finding.members])
    answers = [
        (":material/person_pin:", *_who(desk, finding, names)),
        (":material/location_on:", desk.say("app.glance.where"), _where(desk, finding, names)),
        (":material/balance:", desk.say("app.finding.against"), f"{_against(desk, finding)} [↓](#{AGAINST})"),
        (":material/folder_open:", desk.say("app.finding.proof"), f"{_proof(desk, finding)} [↓](#{PROOF})"),
    ]
    with st.container(border=True):
        st.markdown(
            "  \n".join(f"{icon} **{asked}**{_COLON[desk.language]}{said}" for icon, asked, said in answers if said)
        )


def _who(desk: Desk, finding: Finding, names: Names) -> tuple[str, str]:
    """The question and its answer: those of the first roles, else the most involved."""
    suspected = sorted((each for each in finding.members if each.suspected), key=lambda each: (-each.weight, each.id))
    chief = [each for each in suspected if each.role in FIRST_ROLES]
    if finding.level == "explained":  # nobody is suspected: neither a role nor a holder is to be named
        return desk.say("app.glance.there"), _list(desk, suspected, names)
    asked = desk.say("app.glance.cards" if finding.kind in _CARD_KINDS else "app.glance.who")
    if chief:
        return asked, _list(desk, chief, names, with_role=True)
    if finding.kind in _CARD_KINDS:
        return asked, desk.say("app.glance.no_holder", people=_list(desk, suspected, names))
    return asked, _list(desk, suspected, names, with_role=True)


def _list(desk: Desk, members: Sequence[Member], names: Names, *, with_role: bool = False) -> str:
    told = []
    for member in members[:_NAMED]:
        name, key = names.name(member.label, member.id), names.key(member.label, member.id)
        called = f"**{markdown(name)}** {markdown(key)}" if name else f"**{markdown(key)}**"
        told.append(
            f"{markdown(desk.term('role', member.role))}{_COLON[desk.language]}{called}" if with_role else called
        )
    return _joined(desk, told, len(members))


def _joined(desk: Desk, told: Sequence[str], number: int) -> str:
    mark = "、" if desk.language == "zh" else ", "
    more = f" {desk.say('app.glance.more', number=number - len(told))}" if number > len(told) else ""
    return mark.join(told) + more


def _where(desk: Desk, finding: Finding, names: Names) -> str:
    """The places by name, unless the answer before has named them all."""
    places = sorted(
        {(each.label, each.id): each for each in finding.members if each.label in _PLACES}.values(),
        key=lambda each: (not each.suspected, -each.weight, each.id),
    )
    if all(each.suspected and each.role in FIRST_ROLES for each in places[:_NAMED]):
        return ""
    return _joined(desk, [markdown(names.caption(each.label, each.id)) for each in places[:_NAMED]], len(places))


def _against(desk: Desk, finding: Finding) -> str:
    """How many innocent explanations were looked into, and those of them that hold in full or in part, in words."""
    checks = finding.counter_evidence
    if not checks:
        return desk.say("app.finding.no_checks")
    number = Counter(each.outcome for each in checks)
    holding = [each for outcome in ("explains", "partly") for each in checks if each.outcome == outcome]
    looked_into = len(checks) - number["unknown"]
    told = []
    if looked_into:
        told.append(desk.say("app.glance.checked" if holding else "app.glance.checked.none", number=looked_into))
    told += [
        f"**{desk.term('outcome', each.outcome)}** – {told_markdown(desk, finding, each.message)}"
        for each in holding[:_NAMED]
    ]
    if len(holding) > _NAMED:
        told.append(desk.say("app.glance.more", number=len(holding) - _NAMED))
    if number["unknown"]:
        told.append(desk.say("app.glance.unchecked", number=number["unknown"]))
    return ("" if desk.language == "zh" else " ").join(told)


def _proof(desk: Desk, finding: Finding) -> str:
    """How many rows of which tables, in which files."""
    rows = Counter(ref.table for ref in finding.evidence)
    files = sorted({ref.file for ref in finding.evidence if ref.file})
    counted = [f"{number:,} × {tables()[table].label(desk.language)}" for table, number in rows.most_common()]
    told = _joined(desk, [markdown(each) for each in counted], len(counted))
    if files:
        told += f" ({_joined(desk, [markdown(visible(each, 60)) for each in files[:_NAMED]], len(files))})"
    return told
