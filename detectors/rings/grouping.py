"""From validated pairs to groups: communities first, then growth by testing everyone's attendance at the joint runs.

Communities are sought with Leiden under the constant Potts model (Traag et al. 2019, doi:10.1038/s41598-019-41695-z):
a group is kept together where the share of its pairs that are validated exceeds `resolution`, whatever the size of
the graph. Growth then asks of every person seen at a group's joint runs how many of these runs chance would have
given: a run whose place saw c visits in that time has expected attendance c · n_s / V_s of a person with n_s of the
V_s visits of the place. Persons with too many are added, members with too few leave, until nothing changes. A person
may belong to several groups.
"""

from __future__ import annotations

import random
from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass
from math import log10

import igraph
import numpy as np
from scipy import special

from ringtrace.detectors.arrays import Floats, Ints, distinct_pairs
from ringtrace.detectors.rings.co_visits import PairTest
from ringtrace.detectors.rings.footfall import Footfall
from ringtrace.detectors.rings.joint_runs import JointRuns, find_runs
from ringtrace.detectors.rings.thresholds import RingThresholds

ROUNDS = 8
"""Most groups are stable after three rounds of growth; a group that still swings then is taken as it stands."""

MOST_OF = 0.9
"""Share of one group's members in another from which the one adds nothing to the other."""
HANDFUL = 6
"""Size up to which a group's occasions of two may count as its runs."""


@dataclass(frozen=True, slots=True)
class Group:
    """Persons who attend the same runs; `attended`, `expected` (runs) and `p_value` are parallel to `persons`.

    `window` is what counted as "together", in seconds.
    """

    persons: Ints
    runs: JointRuns
    attended: Ints
    expected: Floats
    p_value: Floats
    window: int


def communities(pairs: PairTest, *, resolution: float, seed: int = 1) -> list[Ints]:
    """Groups of at least three persons among the validated pairs, largest first."""
    if not len(pairs.left):
        return []
    persons, flat = np.unique(np.concatenate([pairs.left, pairs.right]), return_inverse=True)
    half = len(pairs.left)
    graph = igraph.Graph(n=len(persons), edges=np.stack([flat[:half], flat[half:]], axis=1))
    graph.es["stands"] = (pairs.validated | pairs.recurring).tolist()
    _prune(graph)
    # igraph takes its random numbers from Python's generator; a fixed seed makes the partition repeatable.
    igraph.set_random_number_generator(random.Random(seed))
    found = graph.community_leiden("CPM", resolution=resolution, n_iterations=-1)
    groups = [persons[np.array(members)].astype(np.int64) for members in found if len(members) >= 3]
    return sorted(groups, key=lambda each: (-len(each), each.tolist()))


def _prune(graph: igraph.Graph) -> None:
    """Remove weak pairs that are part of no triangle: three who all met each other is already a pattern, two is not."""
    triangles = np.array(graph.list_triangles(), dtype=np.int64).reshape(-1, 3)
    sides = np.concatenate([triangles[:, [0, 1]], triangles[:, [1, 2]], triangles[:, [0, 2]]])
    supported = np.zeros(graph.ecount(), dtype=bool)
    if len(sides):
        supported[graph.get_eids(pairs=sides.tolist())] = True
    weak = ~(supported | np.array(graph.es["stands"], dtype=bool))
    graph.delete_edges(np.flatnonzero(weak).tolist())


def grow(footfall: Footfall, start: Ints, limits: RingThresholds) -> Group | None:
    """The group that the community `start` grows or shrinks to, or None if less than three persons remain.

    A run is an occasion of three, and of two where the group is three. A handful, whose members often miss one, has few
    of these; occasions of two are tried as well, and of the two groups the less likely one by chance is taken. If there
    is neither, growth begins from all who were with the handful twice (`_company`): not before, since the company of a
    card that two rings share is both.
    Growth that such cards led away from half of the start, to the other ring, is taken back: the group is then whoever
    attends the start's own occasions.
    """
    found = [_grow(footfall, start, limits, handful=3)]
    if len(start) <= HANDFUL:
        found.append(_grow(footfall, start, limits, handful=HANDFUL))
        if not any(found) and len(company := _company(footfall, start, limits)) > len(start):
            found.append(_grow(footfall, company, limits, handful=3))
    likely = min((each for each in found if each), key=lambda each: log_chance(footfall, each), default=None)
    if likely is None or _keeps_half(likely, start):
        return likely
    anchored = _grow(footfall, start, limits, handful=3, rounds=1)
    return anchored if anchored is not None and _keeps_half(anchored, start) else likely


def shared_places(one: Group, other: Group) -> float:
    """Share of either group's occasions that lie at the other's places, whichever is the smaller."""
    here, there = one.runs.place, other.runs.place
    return float(min(np.isin(here, there).mean(), np.isin(there, here).mean()))


def _keeps_half(group: Group, start: Ints) -> bool:
    return 2 * len(np.intersect1d(group.persons, start)) >= len(start)


def _company(footfall: Footfall, start: Ints, limits: RingThresholds) -> Ints:
    """`start` with everyone who came to two of its occasions, and of theirs in turn, more often than footfall gives.

    Of eight cards that meet eight times by threes and fours, any three meet twice: whoever is to attend three of a
    trio's occasions does not. What is found so is only where growth begins.
    """
    members = np.sort(start)
    for _ in range(ROUNDS):
        runs = runs_of(footfall, members, limits, HANDFUL)
        if not runs.count:
            break
        around = attendance(footfall, runs, limits, least=2)
        joined = np.union1d(members, around.persons)
        if len(joined) == len(members) or len(joined) > limits.max_size:
            break
        members = joined
    return members


def _grow(
    footfall: Footfall, start: Ints, limits: RingThresholds, *, handful: int, rounds: int = ROUNDS
) -> Group | None:
    members = np.sort(start)
    seen: set[bytes] = set()
    group: Group | None = None
    for _ in range(rounds):
        runs = runs_of(footfall, members, limits, handful)
        if runs.count < limits.min_days:
            return None
        group = attendance(footfall, runs, limits)
        if not 3 <= len(group.persons) <= limits.max_size:
            return None
        if np.array_equal(group.persons, members) or group.persons.tobytes() in seen:
            break
        seen.add(group.persons.tobytes())
        members = group.persons
    if group is None or log_chance(footfall, group) > log10(limits.group_error):
        return None
    return group


def runs_of(footfall: Footfall, members: Ints, limits: RingThresholds, handful: int = 3) -> JointRuns:
    """Their occasions of at least three, or of two if they are a `handful` at most."""
    least = 2 if len(members) <= handful else 3
    return find_runs(footfall, members, window=limits.window, hop=limits.hop, least=least)


def attendance(
    footfall: Footfall, runs: JointRuns, limits: RingThresholds, among: Ints | None = None, *, least: int | None = None
) -> Group:
    """Who (of the persons `among`, if given) attends these runs more often than footfall gives, and `least` times."""
    half = limits.window // 2
    rows, piece = footfall.between(runs.place, runs.begin - half, runs.end + half)
    crowd = np.bincount(piece, minlength=len(runs.place))
    came, _ = distinct_pairs(footfall.person[rows], runs.run[piece])
    seen, attended = np.unique(came, return_counts=True)
    tested = len(seen)
    enough = attended >= max(limits.min_days if least is None else least, limits.share * runs.count)
    if among is not None:
        enough &= np.isin(seen, among)
    seen, attended = seen[enough], attended[enough]
    places, where = np.unique(runs.place, return_inverse=True)
    exposure = np.bincount(where, weights=crowd) / footfall.place_visits[places]
    expected = np.zeros(len(seen))
    for number, person in enumerate(seen):
        own = footfall.place[footfall.by_person[footfall.person_start[person] : footfall.person_start[person + 1]]]
        at = np.searchsorted(places, own)
        at[at == len(places)] = 0
        expected[number] = float(exposure[at][places[at] == own].sum())
    p_value = special.gammainc(attended, expected)  # the Poisson law's P(X ≥ attended)
    kept = p_value * tested < limits.growth_error
    return Group(seen[kept], runs, attended[kept], expected[kept], p_value[kept], limits.window)


def log_chance(footfall: Footfall, group: Group) -> float:
    """log10 of the chance that any set of this size, of all who come to these places, attends as much by accident.

    The first member makes the runs, the others attend them: Σ log10 p over all but the best attender, plus log10 of
    the number of sets C(n, m) that there are among the n visitors of the places (union bound, so never too small).
    """
    visitors = int(footfall.place_persons[np.unique(group.runs.place)].sum())
    size = len(group.persons)
    sets = (
        special.gammaln(visitors + 1) - special.gammaln(size + 1) - special.gammaln(max(visitors - size, 0) + 1)
    ) / np.log(10)
    attendance = np.sort(np.log10(np.maximum(group.p_value, 1e-300)))
    return float(attendance[1:].sum() + sets)


def distinct(groups: Sequence[Group]) -> list[Group]:
    """Each group once: of two that share half of their members (Jaccard) the one with more attendance stays."""
    ordered = sorted(groups, key=lambda each: (-int(each.attended.sum()), each.persons.tolist()))
    kept: list[Group] = []
    holders: dict[int, list[int]] = {}
    for group in ordered:
        own = set(group.persons.tolist())
        rivals = {place for person in own for place in holders.get(person, ())}
        if any(
            len(own & set(kept[place].persons.tolist())) >= 0.5 * len(own | set(kept[place].persons.tolist()))
            for place in rivals
        ):
            continue
        for person in own:
            holders.setdefault(person, []).append(len(kept))
        kept.append(group)
    return kept


def join_halves(footfall: Footfall, groups: Sequence[Group], limits: RingThresholds) -> list[Group]:
    """Groups whose runs are mostly the same occasions become one, if they then grow to one that holds them all.

    A ring whose members often miss a meeting falls into two communities; each finds the same runs.
    """
    at: dict[tuple[int, int], set[int]] = defaultdict(set)
    hours: list[set[tuple[int, int]]] = []
    for number, group in enumerate(groups):
        pieces = zip(group.runs.place.tolist(), (group.runs.begin // 3600).tolist(), strict=True)
        hours.append(set(pieces))
        for hour in hours[number]:
            at[hour].add(number)
    joined: dict[int, Group] = dict(enumerate(groups))
    for number in range(len(groups)):
        shared: dict[int, int] = defaultdict(int)
        for place, began in hours[number]:
            for other in at[place, began] | at.get((place, began + 1), set()) | at.get((place, began - 1), set()):
                shared[other] += 1
        for other, count in sorted(shared.items()):
            if other <= number or number not in joined or other not in joined:
                continue
            if count < 0.5 * min(len(hours[number]), len(hours[other])):
                continue
            together = np.union1d(joined[number].persons, joined[other].persons)
            grown = grow(footfall, together, limits)
            if grown is not None and len(np.intersect1d(grown.persons, together)) >= 0.8 * len(together):
                joined[number] = grown
                del joined[other]
    return list(joined.values())


def narrowest(within_minutes: Sequence[Group], unhurried: Sequence[Group]) -> list[Group]:
    """Of groups found with a narrow and a wide window: the narrow one where it has most members of the wide one.

    A wide window lets in people who merely come on the same mornings; but a narrow one may see only a fragment of a
    group whose sessions take hours, and such fragments go.
    """
    narrow = [set(group.persons.tolist()) for group in within_minutes]
    wide = [set(group.persons.tolist()) for group in unhurried]
    told = [any(len(own & other) >= MOST_OF * len(own) for other in narrow) for own in wide]
    left = [own for own, done in zip(wide, told, strict=True) if not done]
    fragment = [any(len(own & other) >= MOST_OF * len(own) for other in left) for own in narrow]
    return [
        *(group for group, part in zip(within_minutes, fragment, strict=True) if not part),
        *(group for group, done in zip(unhurried, told, strict=True) if not done),
    ]
