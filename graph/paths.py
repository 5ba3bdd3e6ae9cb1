"""Paths: shortest and next-shortest in a graph, and paths in time over contacts."""

from __future__ import annotations

from collections import deque
from collections.abc import Collection, Hashable, Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from itertools import groupby
from typing import Generic, Literal, TypeVar

import igraph

Key = TypeVar("Key", bound=Hashable)


def simple_paths(
    graph: igraph.Graph, start: int, end: int, *, k: int = 1, weights: str | None = None, directed: bool = False
) -> list[list[int]]:
    """The `k` shortest paths without a repeated vertex, shortest first, as vertex numbers; fewer if there are fewer.

    Parallel edges count once: a path is told by its vertices. Length is the number of edges, or the sum of `weights`.
    Yen's algorithm: k times V shortest-path searches at worst.

    References
    ----------
    Yen (1971), "Finding the K shortest loopless paths in a network", Management Science 17.
    """
    mode = "out" if directed else "all"
    simple = graph.copy()
    combine = {weights: "min"} if weights else None
    simple.simplify(multiple=True, loops=True, combine_edges=combine)
    if start == end:
        return [[start]]
    if simple.distances(start, end, mode=mode)[0][0] == float("inf"):
        return []
    return [list(path) for path in simple.get_k_shortest_paths(start, to=end, k=k, weights=weights, mode=mode)]


@dataclass(frozen=True, slots=True)
class Contact(Generic[Key]):
    """Something that passed from `source` to `target` at `time`; `ref` names the row that says so."""

    source: Key
    target: Key
    time: datetime
    ref: str = ""


Optimum = Literal["fewest_hops", "earliest_arrival"]


def path_in_time(
    contacts: Iterable[Contact[Key]],
    sources: Collection[Key],
    targets: Collection[Key],
    *,
    begin: datetime | None = None,
    end: datetime | None = None,
    longest_gap: timedelta | None = None,
    optimum: Optimum = "fewest_hops",
) -> list[Contact[Key]]:
    """The best time-respecting path from any of `sources` to any of `targets`; empty if there is none.

    Each hop is strictly later than the one before, and by no more than `longest_gap`; all lie within `begin`–`end`
    (both included). `fewest_hops` breaks ties by earlier arrival, `earliest_arrival` by fewer hops.

    A pack, or a kind of drug, may pass the same hands twice when the gap bound makes it wait there, so this is a walk
    in the sense of graph theory; asking for no repeated node makes the problem NP-hard once gaps are bounded (Casteigts
    et al. 2021), and would not be truer. One sweep over the contacts in order of time; each node keeps the arrivals
    that may still go on, best first: O(m log m) for m contacts.

    References
    ----------
    Casteigts, Himmel, Molter, Zschoche (2021), "Finding temporal paths under waiting time constraints",
    Algorithmica 83.
    Wu et al. (2014), "Path problems in temporal graphs", PVLDB 7.
    """
    first, wanted = set(sources), set(targets)
    ordered = sorted(
        (each for each in contacts if (begin is None or each.time >= begin) and (end is None or each.time <= end)),
        key=lambda each: (each.time, each.ref),
    )
    hops: list[int | None] = [None] * len(ordered)
    before: list[int | None] = [None] * len(ordered)
    arrivals: dict[Key, deque[int]] = {}
    best: tuple[float, float, int] | None = None
    places = range(len(ordered))
    for _, together in groupby(places, key=lambda place: ordered[place].time):
        now = list(together)
        for place in now:
            contact = ordered[place]
            previous = _arrival(arrivals.get(contact.source), contact.time, ordered, longest_gap)
            if contact.source in first:
                hops[place] = 1
            elif previous is not None:
                hops[place], before[place] = (hops[previous] or 0) + 1, previous
        # Contacts of one moment cannot follow each other, so their arrivals count from the next moment on.
        for place in now:
            count = hops[place]
            if count is None:
                continue
            _arrive(arrivals.setdefault(ordered[place].target, deque()), place, hops)
            if ordered[place].target in wanted:
                moment = ordered[place].time.timestamp()
                rank = (count, moment, place) if optimum == "fewest_hops" else (moment, count, place)
                best = min(best, rank) if best is not None else rank
    return _trace(ordered, before, best[2]) if best is not None else []


def _arrival(
    waiting: deque[int] | None, time: datetime, ordered: Sequence[Contact[Key]], longest_gap: timedelta | None
) -> int | None:
    """The arrival with fewest hops that may still go on at `time`; arrivals that waited too long are dropped."""
    if waiting is None:
        return None
    while waiting and longest_gap is not None and time - ordered[waiting[0]].time > longest_gap:
        waiting.popleft()
    return waiting[0] if waiting else None


def _arrive(waiting: deque[int], place: int, hops: Sequence[int | None]) -> None:
    """Add an arrival and drop those it makes useless: earlier ones that took more hops.

    So hops grow along the queue while times do, and its head is always the one to go on from.
    """
    while waiting and (hops[waiting[-1]] or 0) >= (hops[place] or 0):
        waiting.pop()
    waiting.append(place)


def _trace(ordered: Sequence[Contact[Key]], before: Sequence[int | None], last: int) -> list[Contact[Key]]:
    found = []
    place: int | None = last
    while place is not None:
        found.append(ordered[place])
        place = before[place]
    return found[::-1]
