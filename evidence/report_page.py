"""The report to read and print: who, what, since when, how much, what speaks against it, where the proof is."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from decimal import Decimal
from functools import cache
from importlib import resources
from typing import Any, Final

import jinja2

from ringtrace import __version__
from ringtrace.data_schema import tables
from ringtrace.data_schema.graph import graph_schema
from ringtrace.evidence.material import Material, Row
from ringtrace.evidence.shown import role_name, shown, term
from ringtrace.findings import BYSTANDER_ROLES, EvidenceRef, Finding, Member, Reason, Value
from ringtrace.texts import Language, text

MOST_ROWS: Final = 300
"""Rows of each finding in the report; source_records.csv holds all of them."""

_INTEREST: Final = ("Pharmacy", "Hospital", "Doctor", "Patient", "Card", "Drug", "Pack")
MOST_BYSTANDERS: Final = 20
"""People in each finding's list who are not suspected; findings.jsonl holds all of them."""

_NAMES: Final = {
    "Patient": ("persons", "psn_name"),
    "Doctor": ("practitioners", "dr_name"),
    "Pharmacy": ("institutions", "fixmedins_name"),
    "Hospital": ("institutions", "fixmedins_name"),
    "Drug": ("drugs", "drug_genname"),
}


def report(material: Material, language: Language, *, masked: bool) -> str:
    """The page as HTML; every value of the data is escaped, and nothing is fetched."""
    lookup = {name: material.by_key(name) for name in material.rows}

    def t(key: str, **values: object) -> str:
        return text(key, language, **values)

    return _template().render(
        language=language,
        t=t,
        made=datetime.now().strftime("%Y-%m-%d %H:%M"),
        version=__version__,
        masked=masked,
        findings=[_finding(finding, lookup, language) for finding in material.findings],
    )


@cache
def _template() -> jinja2.Template:
    environment = jinja2.Environment(autoescape=True, undefined=jinja2.StrictUndefined, trim_blocks=True)
    return environment.from_string(resources.files(__package__).joinpath("report.html").read_text("utf-8"))


def _finding(finding: Finding, lookup: dict[str, dict[str, Row]], language: Language) -> dict[str, Any]:
    members = _in_order_of_interest(finding.members)
    return {
        "finding_id": finding.finding_id,
        "title": shown(finding.title.render(language), 300),
        "summary": shown(finding.summary.render(language), 2000),
        "level": finding.level,
        "level_name": term("level", finding.level, language),
        "kind_name": term("kind", finding.kind, language),
        "score": f"{finding.score:.2f}",
        "amount": _money(finding.amount),
        "period": " – ".join(_moment(each) for each in (finding.first_time, finding.last_time) if each) or "–",
        "members": [_member(each, lookup, language) for each in members],
        "more_members": len(finding.members) - len(members),
        "reasons": [_reason(each, language) for each in finding.reasons],
        "checks": [
            {
                "text": shown(each.message.render(language), 1000),
                "outcome": term("outcome", each.outcome, language),
            }
            for each in finding.counter_evidence
        ],
        "row_count": f"{len(finding.evidence):,}",
        "rows": sorted(
            (_row(each, lookup, language) for each in finding.evidence[:MOST_ROWS]),
            key=lambda row: (row["time"], row["key"]),
        ),
        "more_rows": max(0, len(finding.evidence) - MOST_ROWS),
    }


def _in_order_of_interest(members: Sequence[Member]) -> list[Member]:
    """Suspected people and institutions, then goods, then a few of those who only appear."""
    ranked = sorted(members, key=lambda each: (_INTEREST.index(each.label), -each.weight, each.id))
    involved = [each for each in ranked if each.role not in BYSTANDER_ROLES]
    return involved[:MOST_ROWS] + [each for each in ranked if each.role in BYSTANDER_ROLES][:MOST_BYSTANDERS]


def _member(member: Member, lookup: dict[str, dict[str, Row]], language: Language) -> dict[str, str]:
    table, column = _NAMES.get(member.label, ("", ""))
    record = lookup.get(table, {}).get(member.id, {})
    return {
        "role": role_name(member.role, language),
        "name": shown(record.get(column)) or "–",
        "label": graph_schema().nodes[member.label].label(language),
        "id": shown(member.id),
        "weight": f"{member.weight:.0%}",
    }


def _reason(reason: Reason, language: Language) -> dict[str, str | None]:
    strength = "–"
    if reason.p_value is not None:
        strength = f"p = {reason.p_value:.2g}"
    elif reason.ratio is not None:
        strength = f"× {reason.ratio:,.1f}"
    return {
        "text": shown(reason.message.render(language), 1000),
        "value": _value(reason.value),
        "expected": _value(reason.expected),
        "strength": strength,
        "rule_ref": reason.rule_ref,
    }


def _row(ref: EvidenceRef, lookup: dict[str, dict[str, Row]], language: Language) -> dict[str, str]:
    row = lookup[ref.table].get(ref.key, {})
    # An item has no time and place of its own: its settlement has.
    context = lookup["settlements"].get(row.get("setl_id", ""), {}) | {
        name: value for name, value in row.items() if value is not None
    }
    time = context.get(tables()[ref.table].time or "", context.get("setl_time"))
    place = lookup["institutions"].get(context.get("fixmedins_code", ""), {})
    amount = row.get("det_item_fee_sumamt", row.get("medfee_sumamt"))
    return {
        "time": _moment(time) if isinstance(time, datetime) else "",
        "table": tables()[ref.table].label(language),
        "key": shown(ref.key, 80),
        "place": shown(place.get("fixmedins_name") or context.get("fixmedins_code"), 80),
        "amount": "" if amount is None else _money(amount),
        "source": f"{shown(ref.file, 80)} : {ref.row}" if ref.row is not None else "–",
    }


def _value(value: Value) -> str:
    if value is None:
        return "–"
    if isinstance(value, float):
        return f"{value:,.2f}" if abs(value) >= 0.01 or value == 0 else f"{value:.2g}"
    return f"{value:,}" if isinstance(value, int) and not isinstance(value, bool) else shown(value, 200)


def _money(amount: Decimal) -> str:
    return f"¥{amount:,.2f}"


def _moment(moment: datetime) -> str:
    """To the minute; a time of midnight sharp is a day without a time."""
    return moment.strftime("%Y-%m-%d" if (moment.hour, moment.minute, moment.second) == (0, 0, 0) else "%Y-%m-%d %H:%M")
