"""Where saved queries are kept: those that come with RingTrace, and a user's own in the workspace's `queries/` folder.

A user's query is a YAML file of the same form. Saving writes the file whole or not at all, and raises its revision; the
revision that it replaces is kept beside it (`queries/earlier/KEY.1.yaml`), since a finding may have been based on it.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from functools import cache
from importlib import resources
from pathlib import Path
from typing import Any, Final

import yaml
from filelock import FileLock

from ringtrace.errors import RingTraceError
from ringtrace.queries.checking import CATEGORIES
from ringtrace.queries.query import SavedQuery
from ringtrace.workspace import Workspace, write_atomic

_KEY: Final = re.compile(r"[\w-]+")


class Library:
    """The saved queries that a workspace can run; without a workspace, those that come with RingTrace."""

    def __init__(self, workspace: Workspace | None = None) -> None:
        self._folder = workspace.path / "queries" if workspace is not None else None
        self._own: dict[str, SavedQuery] = {}
        self.broken: list[RingTraceError] = []
        """Files of the workspace that are no saved query; the others are there all the same."""
        for file in sorted(self._folder.glob("*.yaml")) if self._folder else ():
            try:
                self._own[file.stem] = SavedQuery.read(file.stem, file.read_text("utf-8"))
            except RingTraceError as error:
                self.broken.append(error)
            except UnicodeDecodeError as error:
                self.broken.append(RingTraceError.of("queries.broken", key=file.stem, problem=str(error)))

    def __iter__(self) -> Iterator[SavedQuery]:
        """All queries, ours first, by category and name."""
        yield from prebuilt().values()
        yield from sorted(self._own.values(), key=lambda each: (each.category, each.name))

    def __len__(self) -> int:
        return len(prebuilt()) + len(self._own)

    def __getitem__(self, wanted: str) -> SavedQuery:
        """The query of this key, guid, or name in either language.

        Raises
        ------
        RingTraceError
            If there is none; the hint names those that sound alike.
        """
        every = list(self)
        for each in every:
            if wanted in (each.key, each.guid, each.name, each.title("zh")):
                return each
        words = [word for word in re.split(r"[\W_]+", wanted.lower()) if len(word) > 1]
        alike = [each.key for each in every if any(word in f"{each.key} {each.name}".lower() for word in words)]
        raise RingTraceError.of("queries.unknown", name=wanted, alike=", ".join(alike[:6]) or "–")

    def offered(self, label: str) -> list[SavedQuery]:
        """The queries that are offered on a node of `label`."""
        return [each for each in self if label in each.applies_to]

    def save(self, key: str, raw: dict[str, Any]) -> SavedQuery:
        """Keep a user's own query under `key`, as the next revision if there is one already.

        Raises
        ------
        RingTraceError
            If it is no saved query, or `key` is one of ours or cannot be a file's name.
        """
        if self._folder is None or not _KEY.fullmatch(key) or key in prebuilt():
            raise RingTraceError.of("queries.bad_key", key=key)
        self._folder.mkdir(parents=True, exist_ok=True)
        with FileLock(self._folder / ".lock"):
            file = self._folder / f"{key}.yaml"
            content = raw | {"prebuilt": False, "revision": 1}
            if file.exists():
                before = file.read_text("utf-8")
                revision = int((yaml.safe_load(before) or {}).get("revision", 1))
                content["revision"] = revision + 1
            query = SavedQuery.of(key, content)
            if file.exists():
                write_atomic(self._folder / "earlier" / f"{key}.{revision}.yaml", before)
            write_atomic(file, dumped(content))
        self._own[key] = query
        return query

    def path(self, key: str) -> Path | None:
        """The file of a user's own query."""
        return self._folder / f"{key}.yaml" if self._folder and key in self._own else None


@cache
def prebuilt() -> dict[str, SavedQuery]:
    """The queries that come with RingTrace, by key, in the order of their categories."""
    found = [
        SavedQuery.read(file.name.removesuffix(".yaml"), file.read_text("utf-8"))
        for file in resources.files(__package__).joinpath("saved").iterdir()
        if file.name.endswith(".yaml")
    ]
    found.sort(key=lambda each: (CATEGORIES.index(each.category), each.name))
    return {each.key: each for each in found}


class _Dumper(yaml.SafeDumper):
    """Cypher in block style, as a person writes it."""


def _text(dumper: yaml.SafeDumper, value: str) -> yaml.ScalarNode:
    return dumper.represent_scalar("tag:yaml.org,2002:str", value, style="|" if "\n" in value else None)


_Dumper.add_representer(str, _text)


def dumped(raw: dict[str, Any]) -> str:
    """A saved query as the text of its file."""
    return yaml.dump(raw, Dumper=_Dumper, allow_unicode=True, sort_keys=False, width=118)
