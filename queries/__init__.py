"""The saved queries: Cypher with typed parameters, a meaning, a legal basis and expected rows; and what runs them."""

from ringtrace.queries.checking import CATEGORIES
from ringtrace.queries.library import Library
from ringtrace.queries.parameter import Parameter
from ringtrace.queries.query import SavedQuery
from ringtrace.queries.runner import Answer, Suggestion, draw, population, run, run_text, suggest

__all__ = [
    "CATEGORIES",
    "Answer",
    "Library",
    "Parameter",
    "SavedQuery",
    "Suggestion",
    "draw",
    "population",
    "run",
    "run_text",
    "suggest",
]
