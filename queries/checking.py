"""What is wrong with a saved query: found when it is read, not when it gives a wrong or an empty answer."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from ringtrace.data_schema.graph import graph_schema
from ringtrace.queries.cypher_text import columns, used_parameters
from ringtrace.queries.legal_basis import legal_bases
from ringtrace.queries.parameter import Parameter
from ringtrace.queries.values import KINDS
from ringtrace.texts import catalogue

if TYPE_CHECKING:
    from ringtrace.queries.query import SavedQuery

TEXTS: Final = ("query", "visual_query", "count_query")

CATEGORIES: Final = (
    "identity_cards", "co_visits_rings", "pharmacies_collusion", "drugs_trace_codes", "chains_in_time", "doctors",
    "stays_ghosts", "regions", "money", "tips_known", "data_quality",
)  # fmt: skip
"""Categories of our own queries, in the order in which they are listed; `queries.category.*` has their names."""


def problems(query: SavedQuery) -> list[str]:
    """Each slip of a declaration, in words; none where it can be used."""
    found: list[str] = []
    declared = {each.name for each in query.parameters}
    if len(declared) != len(query.parameters):
        found.append("a parameter is declared twice")
    ours = {each for text in (query.ladybug or {}).values() for each in used_parameters(text)}
    used = {each for text in query.texts.values() for each in used_parameters(text)} | ours
    found += [f"${name} is used and not declared under `parameters`" for name in sorted(used - declared)]
    found += [f"parameter {name} is declared and not used" for name in sorted(declared - used)]
    found += [
        f"ladybug.{which} stands for a text that is absent" for which in (query.ladybug or {}).keys() - query.texts
    ]
    labels = set(graph_schema().nodes)
    for each in query.parameters:
        found += _parameter_problems(each, declared, labels)
    found += [f"applies_to: {label} is no label" for label in query.applies_to if label not in labels]
    anchored = {label for each in query.parameters if each.kind in ("id", "ids") for label in each.labels}
    found += [f"applies_to: no parameter names a {label}" for label in query.applies_to if label not in anchored]
    given = columns(query.texts["query"])
    found += [f"identity_fields: {field} is no column" for field in query.identity_fields if field not in given]
    if query.prebuilt:
        found += _ours_problems(query)
    return found


def _parameter_problems(parameter: Parameter, declared: set[str], labels: set[str]) -> list[str]:
    found = [f"{parameter.name}: {label} is no label" for label in parameter.labels if label not in labels]
    if parameter.kind not in KINDS:
        found.append(f"{parameter.name}: type {parameter.kind} is not one of {', '.join(KINDS)}")
    if parameter.kind in ("id", "ids") and not parameter.labels:
        found.append(f"{parameter.name}: an {parameter.kind} names the `label` of its nodes")
    if parameter.default is not None:
        try:
            parameter.value(parameter.default)
        except ValueError as error:
            found.append(f"{parameter.name}: default {parameter.default!r} is not {error}")
    read = used_parameters(parameter.suggest) if parameter.suggest else set()
    if read != set(parameter.depends_on):
        found.append(f"{parameter.name}: depends_on {sorted(parameter.depends_on)}, but suggest reads {sorted(read)}")
    if unknown := set(parameter.depends_on) - declared:
        found.append(f"{parameter.name}: depends_on names {sorted(unknown)}, which are no parameters")
    return found


def _ours_problems(query: SavedQuery) -> list[str]:
    """What a query that comes with RingTrace must also have; a user's own may be as short as they like."""
    found = [] if query.category in CATEGORIES else [f"category {query.category} is not one of {', '.join(CATEGORIES)}"]
    needed = ("zh", "identity_fields", "innocent_explanations", "verification_steps", "tests")
    found += [f"{name} is missing" for name in needed if not getattr(query, name)]
    found += [f"{which} is missing" for which in TEXTS if which not in query.texts]
    if not query.applies_to and any(each.kind == "id" for each in query.parameters):
        found.append("applies_to is missing, though a parameter names a node")
    known = catalogue()
    for group, keys in (("innocent", query.innocent_explanations), ("verify", query.verification_steps)):
        found += [
            f"queries.{group}.{key} is not in the catalogue" for key in keys if f"queries.{group}.{key}" not in known
        ]
    found += [f"legal_basis: {key} is not in legal_basis.yaml" for key in query.legal_basis if key not in legal_bases()]
    found += [
        f"column {name} has no queries.column.{name} in the catalogue"
        for name in columns(query.texts["query"])
        if f"queries.column.{name}" not in known
    ]
    return found
