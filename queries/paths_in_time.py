"""Goods through time: who passed a pack to whom, in an order that the clock allows, on either engine.

A pack's trace code tells its way: an outlet settles it to a patient; later another outlet has it again, by its stock
ledger or by a settlement of its own. Between two such sightings the pack went from that patient to that outlet. A path
is a row of such hand-overs, each later than the one before; it follows one pack, or with `any_pack` any goods that
pass the same hands.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from itertools import groupby
from time import perf_counter
from typing import Any, Final, Literal

from ringtrace.data_schema.graph import graph_schema
from ringtrace.errors import RingTraceError
from ringtrace.graph.paths import Contact, Optimum, path_in_time
from ringtrace.graph.store import DEFAULT_TIMEOUT, GraphStore, NodeRef, Rows
from ringtrace.queries.runner import Answer

OUTLET: Final = "outlet"
"""Instead of a node: any institution."""

PACKS_AT_A_TIME: Final = 2_000
MOST_SIGHTINGS: Final = 1_000_000
_INSTITUTIONS: Final = ("Pharmacy", "Hospital")
_MOMENT: Final = timedelta(microseconds=1)

# A patient hands over only what an outlet has again after it was sold: sold twice, or entered into a ledger later.
_SOLD_AGAIN: Final = (
    "MATCH (k:Pack)-[:SOLD_IN]->(s:Settlement) WHERE s.refd_setl_flag IS NULL OR s.refd_setl_flag <> '1' "
    "WITH k, count(DISTINCT s) AS sales WHERE sales > 1 RETURN k.id AS pack ORDER BY pack"
)
_BOOKED_AGAIN: Final = (
    "MATCH (k:Pack)-[:SOLD_IN]->(s:Settlement) WHERE s.refd_setl_flag IS NULL OR s.refd_setl_flag <> '1' "
    "WITH k, min(s.setl_time) AS sold MATCH (k)-[b:BOOKED_AT]->(:{i}) WHERE b.time > sold "
    "AND b.movement IN ['purchase', 'transfer_in', 'initial', 'count_gain'] RETURN DISTINCT k.id AS pack ORDER BY pack"
)
_SALES_TO: Final = (
    "UNWIND $patients AS person MATCH (p:Patient {id: person})-[:SETTLED]->(s:Settlement)<-[:SOLD_IN]-(k:Pack) "
    "WHERE (s.refd_setl_flag IS NULL OR s.refd_setl_flag <> '1') WITH k, s, p "
    "MATCH (s)-[:AT]->(i:{i}) RETURN k.id, s.setl_time, i.id, p.id, s.id"
)
_SALES: Final = (
    "UNWIND $packs AS code MATCH (k:Pack {id: code})-[:SOLD_IN]->(s:Settlement)-[:AT]->(i:{i}) "
    "WHERE (s.refd_setl_flag IS NULL OR s.refd_setl_flag <> '1') "
    "MATCH (p:Patient)-[:SETTLED]->(s) RETURN k.id, s.setl_time, i.id, p.id, s.id"
)
_BOOKINGS: Final = (
    "UNWIND $packs AS code MATCH (k:Pack {id: code})-[b:BOOKED_AT]->(i:{i}) "
    "WHERE b.movement IN ['purchase', 'transfer_in', 'initial', 'count_gain'] RETURN k.id, b.time, i.id"
)


@dataclass(frozen=True, slots=True, order=True)
class Sighting:
    """A pack at an outlet: settled to `patient` in `settlement`, or entered into the ledger where these are empty."""

    pack: str
    time: datetime
    outlet: NodeRef
    patient: str = ""
    settlement: str = ""


def node_named(given: str) -> NodeRef:
    """`Patient:123` as a node.

    Raises
    ------
    RingTraceError
        If it is not of that form, or the label does not exist.
    """
    label, separator, key = given.partition(":")
    labels = sorted(graph_schema().nodes)
    if not separator or not key or label not in labels:
        raise RingTraceError.of("queries.path.node", given=given, labels=", ".join(labels))
    return NodeRef(label, key)


def find_path(
    store: GraphStore,
    start: NodeRef,
    end: NodeRef | Literal["outlet"] = OUTLET,
    *,
    direction: Literal["forward", "back"] = "forward",
    begin: datetime | None = None,
    until: datetime | None = None,
    longest_gap: timedelta | None = None,
    optimum: Optimum = "fewest_hops",
    pack: str | None = None,
    any_pack: bool = False,
    timeout: float = DEFAULT_TIMEOUT,
) -> Answer:
    """The best path of goods from `start` to `end`, or back from `start` to where they came from.

    Parameters
    ----------
    start, end:
        A patient, pharmacy or hospital; for `end` also any institution (`OUTLET`), other than `start`.
    begin, until:
        Hand-overs outside this window (both ends included) do not count.
    longest_gap:
        The longest time between two hand-overs.
    pack:
        Only the pack of this trace code.
    any_pack:
        Let the path go on with another pack at the same hands; otherwise it follows one pack.

    Returns
    -------
    Answer
        One row a hand-over: `step, time, source_label, source, target_label, target, pack, settlement`; no row if there
        is no such path.

    Raises
    ------
    RingTraceError
        If a node does not exist, or there are more than `MOST_SIGHTINGS` sightings.
    """
    began = perf_counter()
    for ref in (start, end):
        if isinstance(ref, NodeRef) and store.node(ref) is None:
            raise RingTraceError.of("queries.path.absent", node=f"{ref.label}:{ref.id}")
    if any_pack and pack is None:
        found = _sightings_of_any(store, start, end, timeout)
    else:
        found = sightings(store, [pack] if pack is not None else _packs(store, start, end, timeout), timeout=timeout)
    contacts = list(hand_overs(found, any_pack=any_pack))
    near, far = _standing(contacts, start), _standing(contacts, end, other_than=start)
    sources, targets = (near, far) if direction == "forward" else (far, near)
    path = path_in_time(contacts, sources, targets, begin=begin, end=until, longest_gap=longest_gap, optimum=optimum)
    rows = tuple(
        (step, _shown(each.time), each.source[1].label, each.source[1].id, each.target[1].label, each.target[1].id,
         *each.ref.split("\x1f"))
        for step, each in enumerate(path, start=1)
    )  # fmt: skip
    columns = ("step", "time", "source_label", "source", "target_label", "target", "pack", "settlement")
    asked = {"from": f"{start.label}:{start.id}", "to": end if isinstance(end, str) else f"{end.label}:{end.id}"}
    return Answer("", asked, Rows(columns, rows, False, perf_counter() - began))


def draw_path(store: GraphStore, path: Answer) -> Answer:
    """The same path for drawing: its people, outlets, packs and settlements, with what joins them in the graph."""
    refs: dict[NodeRef, None] = {}
    for _, _, source_label, source, target_label, target, pack, settlement in path.rows.rows:
        ends = [NodeRef(source_label, source), NodeRef(target_label, target), NodeRef("Pack", pack)]
        refs |= dict.fromkeys(ends + ([NodeRef("Settlement", settlement)] if settlement else []))
    row = (store.nodes(refs), store.between(refs, ["SOLD_IN", "SETTLED", "AT", "BOOKED_AT"]))
    return Answer("", path.parameters, Rows(("nodes", "relationships"), (row,), False, path.rows.seconds))


def sightings(store: GraphStore, packs: Sequence[str], *, timeout: float = DEFAULT_TIMEOUT) -> list[Sighting]:
    """Every sale (refunds aside) and every ledger entry that brought one of `packs` to an outlet, in order of time."""
    found: list[Sighting] = []
    for place in range(0, len(packs), PACKS_AT_A_TIME):
        chunk = list(packs[place : place + PACKS_AT_A_TIME])
        for label in _INSTITUTIONS:
            for pack, time, outlet, patient, settlement in _rows(store, _SALES, label, timeout, packs=chunk):
                found.append(Sighting(pack, time, NodeRef(label, outlet), patient, settlement))
            for pack, time, outlet in _rows(store, _BOOKINGS, label, timeout, packs=chunk):
                found.append(Sighting(pack, time, NodeRef(label, outlet)))
        if len(found) > MOST_SIGHTINGS:
            raise RingTraceError.of("queries.path.too_many", n=MOST_SIGHTINGS)
    return sorted(each for each in found if each.time is not None)


Party = tuple[str, NodeRef]
"""A pack and whose hands it is in; with any pack, the pack is empty."""


def hand_overs(found: Iterable[Sighting], *, any_pack: bool = False) -> Iterator[Contact[Party]]:
    """Who gave each pack to whom, and when.

    A sale is outlet → patient at its time. A later sighting at another outlet is patient → outlet; if nothing but that
    outlet's own sale tells of it, the pack came at the latest just before, and that is the time given.
    """
    for pack, of_pack in groupby(sorted(found), key=lambda each: each.pack):
        goods = "" if any_pack else pack
        holder: tuple[NodeRef, NodeRef] | None = None  # the patient, and the outlet that sold to them
        for each in of_pack:
            if holder is not None and each.outlet != holder[1]:
                time = each.time - _MOMENT if each.settlement else each.time
                ref = f"{pack}\x1f{each.settlement}"
                yield Contact((goods, holder[0]), (goods, each.outlet), time, ref)
                holder = None
            if each.settlement:
                patient = NodeRef("Patient", each.patient)
                yield Contact((goods, each.outlet), (goods, patient), each.time, f"{pack}\x1f{each.settlement}")
                holder = patient, each.outlet


def _packs(store: GraphStore, start: NodeRef, end: NodeRef | Literal["outlet"], timeout: float) -> list[str]:
    """The codes that both ends ever held."""
    held = [_held(store, ref, timeout) for ref in (start, end) if isinstance(ref, NodeRef)]
    return sorted(set.intersection(*held))


def _sightings_of_any(
    store: GraphStore, start: NodeRef, end: NodeRef | Literal["outlet"], timeout: float
) -> list[Sighting]:
    """What a path over any packs can be made of: the few packs that came back, and every sale to who had those.

    A sale to anyone else leads nowhere, unless that patient is an end of the path.
    """
    codes = {code for (code,) in _rows(store, _SOLD_AGAIN, "", timeout)}
    for label in _INSTITUTIONS:
        codes.update(code for (code,) in _rows(store, _BOOKED_AGAIN, label, timeout))
    found = set(sightings(store, sorted(codes), timeout=timeout))
    patients = {each.patient for each in found if each.patient}
    patients |= {ref.id for ref in (start, end) if isinstance(ref, NodeRef) and ref.label == "Patient"}
    for label in _INSTITUTIONS:
        for code, time, outlet, patient, settlement in _rows(
            store, _SALES_TO, label, timeout, patients=sorted(patients)
        ):
            found.add(Sighting(code, time, NodeRef(label, outlet), patient, settlement))
    return sorted(each for each in found if each.time is not None)


def _held(store: GraphStore, ref: NodeRef, timeout: float) -> set[str]:
    if ref.label == "Patient":
        texts = ["MATCH (p:Patient {id: $id})-[:SETTLED]->(:Settlement)<-[:SOLD_IN]-(k:Pack) RETURN DISTINCT k.id"]
    elif ref.label in _INSTITUTIONS:
        texts = [
            "MATCH (i:{i})<-[:AT]-(:Settlement)<-[:SOLD_IN]-(k:Pack) WHERE i.id = $id RETURN DISTINCT k.id",
            "MATCH (i:{i})<-[:BOOKED_AT]-(k:Pack) WHERE i.id = $id RETURN DISTINCT k.id",
        ]
    else:
        raise RingTraceError.of("queries.path.label", label=ref.label)
    return {code for each in texts for (code,) in _rows(store, each, ref.label, timeout, id=ref.id)}


def _rows(store: GraphStore, text: str, label: str, timeout: float, **parameters: Any) -> tuple[tuple[Any, ...], ...]:
    # Labels cannot be parameters; these come from the two constants above.
    rows = store.run_cypher(text.replace("{i}", label), parameters, row_limit=MOST_SIGHTINGS, timeout=timeout)
    if rows.truncated:
        raise RingTraceError.of("queries.path.too_many", n=MOST_SIGHTINGS)
    return rows.rows


def _shown(time: datetime) -> datetime:
    """A hand-over told by the sale that followed it is shown with that sale's time."""
    return time + _MOMENT if time.microsecond == 999_999 else time


def _standing(
    contacts: Iterable[Contact[Party]], ref: NodeRef | Literal["outlet"], *, other_than: NodeRef | None = None
) -> set[Party]:
    """The parties that a node stands for: itself with each pack that it held."""
    parties = {party for each in contacts for party in (each.source, each.target)}
    if isinstance(ref, NodeRef):
        return {party for party in parties if party[1] == ref}
    return {party for party in parties if party[1].label in _INSTITUTIONS and party[1] != other_than}
