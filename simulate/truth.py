"""Who really did what: the planted schemes and the innocent groups that look like them."""

from __future__ import annotations

import csv
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from pathlib import Path
from typing import Literal

import numpy as np

from ringtrace.simulate.sampling import Ints
from ringtrace.simulate.stock import Table
from ringtrace.simulate.writer import Writer

Difficulty = Literal["easy", "medium", "hard"]
Label = Literal["Patient", "Pharmacy", "Hospital", "Doctor"]


@dataclass(slots=True)
class Group:
    """A scheme or an innocent group; `members` are (label, index, role), the index being that of the array."""

    number: int
    kind: str
    difficulty: Difficulty | None
    habits: str
    members: list[tuple[Label, int, str]] = field(default_factory=list)

    @property
    def guilty(self) -> bool:
        return self.difficulty is not None

    def add(self, label: Label, indices: Ints | list[int], role: str) -> None:
        self.members += [(label, int(index), role) for index in indices]

    def indices(self, label: Label) -> list[int]:
        return [index for own, index, _ in self.members if own == label]


@dataclass(slots=True)
class Truth:
    """All groups; their numbers are those in the visits' `group` column."""

    groups: list[Group] = field(default_factory=list)
    forgers: dict[int, float] = field(default_factory=dict)  # group → share of its sales of nothing covered by paper
    reserved: set[int] = field(default_factory=set)  # persons who belong to a scheme already
    taken: set[int] = field(default_factory=set)  # institutions that belong to a scheme already

    def scheme(self, kind: str, difficulty: Difficulty, habits: str) -> Group:
        self.groups.append(Group(len(self.groups), kind, difficulty, habits))
        return self.groups[-1]

    def scheme_at(self, kind: str, label: Label, index: int) -> Group | None:
        """The scheme of this kind that an institution or person has a part in already."""
        return next((each for each in self.groups if each.kind == kind and index in each.indices(label)), None)

    def innocent(self, kind: str) -> Group:
        self.groups.append(Group(len(self.groups), kind, None, ""))
        return self.groups[-1]

    def write(self, writer: Writer, visits: Table) -> None:
        """Write truth/schemes.csv, members.csv and innocent_groups.csv, beside the tables and never among them.

        schemes: group_id, kind (a finding's kind), difficulty, habits, first_time, last_time of what the scheme did;
        members: group_id, label, id, role; innocent_groups: group_id, kind, label, id.
        """
        folder = writer.out / "truth"
        folder.mkdir(exist_ok=True)
        start = datetime(1970, 1, 1) + timedelta(days=writer.town.start_day)
        grouped = visits["group"] >= 0
        group, time = visits["group"][grouped], visits["time"][grouped]
        first = np.full(len(self.groups), np.iinfo(np.int64).max)
        last = np.full(len(self.groups), -1)
        np.minimum.at(first, group, time)
        np.maximum.at(last, group, time)
        schemes, members, innocent = [], [], []
        called = self._ids(writer)
        accomplices = {(label, index) for each in self.groups if each.guilty for label, index, _ in each.members}
        for each in self.groups:
            if not each.guilty and any(
                member[0] == "Pharmacy" and member[:2] in accomplices for member in each.members
            ):
                continue  # a shop with an honest quirk that is in a scheme all the same
            identity = f"{'S' if each.guilty else 'I'}{each.number:05d}"
            ids = [called[member[:2]] for member in each.members]
            if each.difficulty is not None:
                seen = last[each.number] >= 0  # a scheme of prices or purchases alone has no visit
                span = (first[each.number], last[each.number]) if seen else ()
                moments = [str(start + timedelta(seconds=int(at))) for at in span] or ["", ""]
                schemes.append([identity, each.kind, each.difficulty, each.habits, *moments])
                members += [
                    [identity, label, key, role] for (label, _, role), key in zip(each.members, ids, strict=True)
                ]
            else:
                innocent += [
                    [identity, each.kind, label, key] for (label, _, _), key in zip(each.members, ids, strict=True)
                ]
        _write(folder / "schemes.csv", ["group_id", "kind", "difficulty", "habits", "first_time", "last_time"], schemes)
        _write(folder / "members.csv", ["group_id", "label", "id", "role"], members)
        _write(folder / "innocent_groups.csv", ["group_id", "kind", "label", "id"], innocent)

    def _ids(self, writer: Writer) -> dict[tuple[Label, int], str]:
        """What each member is called in the tables."""
        members = {member[:2] for group in self.groups for member in group.members}
        persons = sorted(index for label, index in members if label == "Patient")
        called: dict[tuple[Label, int], str] = {
            (label, index): (writer.doctor_codes if label == "Doctor" else writer.place_codes)[index]
            for label, index in members
            if label != "Patient"
        }
        known = writer.psn(np.array(persons, dtype=np.int64)) if persons else []
        return called | {("Patient", index): psn for index, psn in zip(persons, known, strict=True)}


def _write(path: Path, header: list[str], rows: list[list[str]]) -> None:
    with path.open("w", encoding="utf-8", newline="") as stream:
        csv.writer(stream).writerows([header, *rows])
