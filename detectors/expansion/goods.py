"""What passed between people and shops: packs sold twice, and sales that a shop's stock cannot cover.

Packs. A trace code that one person got and that was sold again elsewhere is a step from that person to the outlet, and
back from the outlet to whoever it came from, unless `packs.trace_codes` finds it returned, split, mistyped or the
shop's own. Codes are repeated by error too: λ = n / 2000 for n codes of the person, half a repeat in a thousand sales.
With k packs seen, the strength is 1 − max(λ, 0.6) / k.

Sales without a pack. k of a buyer's n lines at a pharmacy lack stock or the trace code that is due there, against the
rate r of its other buyers: X ~ Binomial(n, r), and Benjamini–Hochberg keeps those of whom at most `ERROR` are chance.
Those kept are taken out of r, and the rest asked again. The strength is 1 − n · r / k. A careless shop has a high r and
links nobody. Where half of a buyer's such lines are drugs that lack a pack whoever buys them there (`SHORT` of the
others' lines), the goods excuse a part of it: an outlet's customers know nothing of where its packs came from.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Final

import duckdb
import numpy as np
from scipy import stats

from ringtrace.detectors.expansion.lead import Link, Node
from ringtrace.detectors.packs.branches import sister_branches
from ringtrace.detectors.packs.ledger import stock_cover
from ringtrace.detectors.packs.sales import scannable_lines
from ringtrace.detectors.packs.trace_codes import Step, repeated_packs
from ringtrace.detectors.peers import benjamini_hochberg
from ringtrace.findings import Check, EvidenceRef, Label, Message, Value
from ringtrace.workspace import Workspace

ERROR: Final = 0.05
"""Part of a shop's links that may be chance (Benjamini–Hochberg)."""
FEWEST_LINES: Final = 3
"""Lines of a buyer without a pack below which nothing is said."""
ERROR_RATE: Final = 1 / 2000
"""Repeats by error for each coded pack of a person."""
LEAST_CHANCE: Final = 0.6
"""Packs that chance is taken to give at least: one pack alone is a weak link, however clean the scanning."""
SHORT: Final = 0.2
"""Part of the other buyers' lines of a drug without a pack from which the drug, and not the buyer, is unusual."""
ROUNDS: Final = 8
"""Those who stand out are taken from the rate that the others are held against, so often at most."""
MOST_SHOPS: Final = 20
"""Pharmacies whose stock is gone through at once; of more, those with most visits of the people asked about."""


def pack_links(workspace: Workspace, people: Sequence[str], places: Sequence[str]) -> list[Link]:
    """Links by packs: person → outlet that sold on what they got, outlet → person it came from or place it went to."""
    with workspace.connect() as tables:
        _narrow_to_codes(tables, people, places)
        steps = [step for step in repeated_packs(tables) if step.explanation is None and step.elsewhere]
        coded = _coded(tables, sorted({step.first.person for step in steps}))
        sisters = sister_branches(tables)
    grouped: dict[tuple[Node, Node, str], list[Step]] = defaultdict(list)
    for step in steps:
        source, outlet = Node("Patient", step.first.person), _place(step.second.place, step.second.retail)
        if step.first.person in people:
            grouped[source, outlet, "pack_out"].append(step)
        if step.second.place in places:
            grouped[outlet, source, "pack_in"].append(step)
        if step.first.place in places:
            grouped[_place(step.first.place, step.first.retail), outlet, "pack_on"].append(step)
    links = []
    for (via, to, kind), own in sorted(grouped.items(), key=lambda each: each[0]):
        packs = len({step.code for step in own})
        chance = ERROR_RATE * sum(coded[person] for person in {step.first.person for step in own})
        values: dict[str, Value] = {"from": via.id, "n": packs, "chance": round(chance, 3)}
        in_chain = sum(step.first.place in sisters.get(step.second.place, ()) for step in own)
        branch = Check(
            "sister_branch", "partly", Message("expansion.innocent.sister_branch", {"n": in_chain}), in_chain
        )
        keys = sorted({key for step in own for key in (step.first.key, step.second.key)})
        links.append(
            Link(
                via=via,
                to=to,
                pattern="packs",
                strength=1 - max(chance, LEAST_CHANCE) / max(packs, 1),
                message=Message(f"expansion.because.{kind}", values),
                evidence=tuple(EvidenceRef("settlement_items", key) for key in keys),
                excusable=False,
                checks=(branch,) if 2 * in_chain >= len(own) else (),
            )
        )
    return links


def _place(place: str, retail: bool) -> Node:
    label: Label = "Pharmacy" if retail else "Hospital"
    return Node(label, place)


def _narrow_to_codes(tables: duckdb.DuckDBPyConnection, people: Sequence[str], places: Sequence[str]) -> None:
    """Let this connection see only settlements that share a trace code with the given people or places."""
    tables.execute(
        """
        CREATE TEMP TABLE asked_code AS
        SELECT DISTINCT trim(unnest(string_split(drug_trac_codg, '|'))) AS code
        FROM settlement_items JOIN settlements USING (setl_id)
        WHERE drug_trac_codg IS NOT NULL
            AND (list_contains($people, psn_no) OR list_contains($places, fixmedins_code))
        """,
        {"people": list(people), "places": list(places)},
    )
    tables.execute(
        """
        CREATE TEMP TABLE linked_setl AS
        SELECT DISTINCT setl_id FROM (
            SELECT setl_id, trim(unnest(string_split(drug_trac_codg, '|'))) AS code FROM settlement_items
            WHERE drug_trac_codg IS NOT NULL
        ) SEMI JOIN asked_code USING (code)
        """
    )
    linked = "IN (SELECT setl_id FROM linked_setl)"
    _see_only(tables, "settlement_items", f"setl_id {linked}")
    _see_only(tables, "settlements", f"setl_id {linked} OR init_setl_id {linked}")


def _coded(tables: duckdb.DuckDBPyConnection, people: Sequence[str]) -> dict[str, int]:
    """Lines with a trace code of each person, counted over all settlements."""
    main = _whole(tables)
    rows = tables.execute(
        f"""
        SELECT psn_no, count(*) FROM {main}.settlements JOIN {main}.settlement_items USING (setl_id)
        WHERE drug_trac_codg IS NOT NULL AND list_contains(?, psn_no) GROUP BY ALL
        """,
        [list(people)],
    ).fetchall()
    return dict(rows)


def _whole(tables: duckdb.DuckDBPyConnection) -> str:
    """Where the workspace's own views are, also those that a temporary table hides."""
    return f"{tables.execute('SELECT current_database()').fetchall()[0][0]}.main"


def _see_only(tables: duckdb.DuckDBPyConnection, table: str, condition: str) -> None:
    """Hide the view `table` behind a temporary table of the rows that meet `condition`: a temporary name goes first."""
    tables.execute(f"CREATE TEMP TABLE {table} AS SELECT * FROM {_whole(tables)}.{table} WHERE {condition}")


def uncovered_links(workspace: Workspace, people: Sequence[str], places: Sequence[str]) -> list[Link]:
    """Links by sales without a pack: person → pharmacy where theirs stand out, pharmacy → buyers who do."""
    with workspace.connect() as tables:
        shops = _shops(tables, people, places)
        if not shops:
            return []
        tables.execute("CREATE TEMP TABLE asked_shop AS SELECT unnest(?) AS fixmedins_code", [shops])
        _see_only(tables, "inventory", "fixmedins_code IN (SELECT fixmedins_code FROM asked_shop)")
        _see_only(tables, "settlements", "fixmedins_code IN (SELECT fixmedins_code FROM asked_shop)")
        _see_only(tables, "settlement_items", "setl_id IN (SELECT setl_id FROM settlements)")
        stock_cover(tables)
        scannable_lines(tables)
        rows = tables.execute(
            """
            WITH odd AS (
                SELECT line FROM stock_lines WHERE uncovered > 0 UNION SELECT line FROM scannable_lines WHERE bare
            ), told AS (
                SELECT line FROM stock_lines UNION SELECT line FROM scannable_lines
            ), asked AS (
                SELECT l.place, l.psn_no, l.drug, l.key, o.line IS NOT NULL AS odd
                FROM sale_lines l SEMI JOIN told USING (line) LEFT JOIN odd o USING (line) WHERE l.retail
            )
            SELECT place, psn_no, drug, count(*), count(*) FILTER (odd), list(key) FILTER (odd) FROM asked
            GROUP BY ALL ORDER BY ALL
            """
        ).fetchall()
    by_shop: dict[str, dict[str, list[_Bought]]] = defaultdict(lambda: defaultdict(list))
    for place, person, drug, lines, bare, keys in rows:
        by_shop[place][person].append(_Bought(drug, lines, bare, tuple(keys or ())))
    return [
        link
        for place, buyers in by_shop.items()
        for link in _standing_out(place, buyers, from_place=place in places)
        if place in places or link.via.id in people
    ]


@dataclass(frozen=True, slots=True)
class _Bought:
    """Lines of a drug that somebody got at a shop, how many lack stock or a code, and the keys of these."""

    drug: str
    lines: int
    bare: int
    keys: tuple[str, ...]


def _standing_out(place: str, buyers: Mapping[str, Sequence[_Bought]], *, from_place: bool) -> list[Link]:
    """Links of a shop with those of its buyers whose lines lack packs more often than the other buyers' do."""
    lines = {person: sum(each.lines for each in bought) for person, bought in buyers.items()}
    bare = {person: sum(each.bare for each in bought) for person, bought in buyers.items()}
    asked = [person for person, count in bare.items() if count > 0]
    unusual, rate = set[str](), dict[str, float]()
    for _ in range(ROUNDS):
        rest = buyers.keys() - unusual
        rest_lines, rest_bare = sum(lines[person] for person in rest), sum(bare[person] for person in rest)
        for person in buyers:
            own = (lines[person], bare[person]) if person in rest else (0, 0)
            rate[person] = (rest_bare - own[1] + 0.5) / (rest_lines - own[0] + 50)
        p_value = [stats.binom.sf(bare[each] - 1, lines[each], rate[each]) for each in asked]
        found = {each for each, odd in zip(asked, benjamini_hochberg(np.array(p_value), ERROR), strict=True) if odd}
        if found <= unusual:
            break
        unusual |= found
    drug_lines, drug_bare = Counter[str](), Counter[str]()
    for bought in buyers.values():
        for each in bought:
            drug_lines[each.drug] += each.lines
            drug_bare[each.drug] += each.bare
    links = []
    for person in sorted(each for each in unusual if bare[each] >= FEWEST_LINES):
        short = {
            each.drug
            for each in buyers[person]
            if drug_bare[each.drug] - each.bare >= SHORT * (drug_lines[each.drug] - each.lines + 2)
        }
        by_goods = sum(each.bare for each in buyers[person] if each.drug in short)
        goods = Check("goods", "partly", Message("expansion.innocent.goods", {"n": by_goods}), by_goods)
        shop, buyer = Node("Pharmacy", place), Node("Patient", person)
        expected = lines[person] * rate[person]
        values: dict[str, Value] = {"person": person, "place": place, "n": bare[person], "lines": lines[person]}
        links.append(
            Link(
                via=shop if from_place else buyer,
                to=buyer if from_place else shop,
                pattern="uncovered",
                strength=max(0.0, 1 - expected / bare[person]),
                message=Message("expansion.because.uncovered", values | {"chance": round(expected, 2)}),
                evidence=tuple(
                    EvidenceRef("settlement_items", key)
                    for key in sorted(key for b in buyers[person] for key in b.keys)
                ),
                excusable=False,
                checks=(goods,) if by_goods >= 0.5 * bare[person] else (),
            )
        )
    return links


def _shops(tables: duckdb.DuckDBPyConnection, people: Sequence[str], places: Sequence[str]) -> list[str]:
    rows = tables.execute(
        """
        SELECT fixmedins_code FROM settlements WHERE list_contains($people, psn_no) AND med_type = '41'
        GROUP BY ALL HAVING count(*) >= $least ORDER BY count(*) DESC, fixmedins_code LIMIT $most
        """,
        {"people": list(people), "least": FEWEST_LINES, "most": MOST_SHOPS},
    ).fetchall()
    return sorted({*places, *(place for (place,) in rows)})
