"""Tables that a page hands over as files: an address each, which holds as long as the browser's session.

Streamlit's own deferred downloads are forgotten whenever a run of any session ends while the page of this one is being
drawn anew; a button that is pressed then fails. Here the address stays the same from run to run and gives the table as
the page last drew it.
"""

from __future__ import annotations

import hashlib
import secrets
from collections import OrderedDict
from collections.abc import Callable
from functools import partial
from typing import Final, Literal, get_args
from weakref import WeakValueDictionary

import streamlit as st

Form = Literal["csv", "xlsx"]
ADDRESS: Final = "/table/"
"""Where a browser fetches a file; the session's word, the table's mark and the file's name follow."""
KINDS: Final[dict[Form, str]] = {
    "csv": "text/csv; charset=utf-8",
    "xlsx": "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet",
}
_STATE: Final = "shelf"
_KEPT: Final = 16  # tables of a session; no page shows as many


class _Shelf:
    """The tables of one session under a word that only its browser knows; gone with the session."""

    def __init__(self) -> None:
        self.word = secrets.token_urlsafe(16)
        self.tables: OrderedDict[str, Callable[[Form], bytes]] = OrderedDict()


_shelves: Final[WeakValueDictionary[str, _Shelf]] = WeakValueDictionary()


def show_links(name: str, write: Callable[[Form], bytes], *, key: str) -> None:
    """Links that hand a table over, a file `ringtrace-NAME` in each form; `write` is called once one is followed."""
    shelf: _Shelf = st.session_state.setdefault(_STATE, _Shelf())
    _shelves[shelf.word] = shelf
    mark = hashlib.sha256(key.encode()).hexdigest()[:12]
    shelf.tables[mark] = write
    shelf.tables.move_to_end(mark)
    while len(shelf.tables) > _KEPT:
        shelf.tables.popitem(last=False)
    links = " ".join(
        f'<a href="{ADDRESS}{shelf.word}/{mark}/ringtrace-{name}.{form}" download>'
        f'<span aria-hidden="true">↓</span> {form.upper()}</a>'
        for form in get_args(Form)
    )
    st.html(f'<div class="files">{links}</div>')


def asked_for(path: str) -> tuple[Form, Callable[[], bytes]] | None:
    """The form of the file at the address `path`, and what writes it; None if no session has such a table."""
    word, _, rest = path.removeprefix(ADDRESS).partition("/")
    mark, _, name = rest.partition("/")
    shelf = _shelves.get(word)
    write = shelf.tables.get(mark) if shelf else None
    form = next((form for form in get_args(Form) if name.endswith(f".{form}")), None)
    return (form, partial(write, form)) if write and form else None
