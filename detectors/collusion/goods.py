"""Whether missing codes and stock belong to the goods, whoever buys them, or follow certain buyers."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

import duckdb
import numpy as np
from numpy.typing import NDArray
from scipy.stats import poisson

from ringtrace.detectors.collusion.evidence import Evidence
from ringtrace.detectors.collusion.mixture import LIKELY
from ringtrace.detectors.collusion.shops import Shop
from ringtrace.findings import Check, Message, Outcome

MAIN: Final = 0.05
"""Part of the cited lines without a code that a drug makes up, for what others get of it to matter."""

MOST: Final = 0.5
"""Part of the cited lines without a code that such drugs make up together."""

FEW: Final = 3
"""Drugs that a shop may have come by in some other way; codes missing on more are no matter of one source."""

WALK_INS: Final = 0.3
"""Part of the buyers of a good who come for it once or twice at most: below it, a closed circle buys."""

OTHERS: Final = 0.5
"""Other buyers of the same drugs beside the accused from which they tell of the goods; fewer may be clients who came
once."""

LEFT: Final = 0.2
"""The same where a few drugs are in question, most of whose buyers are accused: not many others can be left."""

BY_CHANCE: Final = 1e-3
"""Poisson chance of so many lines without a code, from which other buyers lack them too."""


@dataclass(frozen=True, slots=True)
class CitedGoods:
    """The drugs that make up the cited lines without a code (`MAIN` each): `drugs` their number, `part` what they make
    up together, `share` the accused among all their buyers, `walk_ins` the part of buyers who got them once or twice.

    `accused`: part of the lines of them of the `number` accused that lacks a code. `people`: their other buyers.
    Pairs of lines and lines without a code: `unlikely` of buyers of these drugs whom the mixture does not hold likely,
    `others` of all but the accused, `usual` of unlikely buyers on other drugs. Only lines where a code is due.
    """

    number: int
    drugs: int
    part: float | None
    share: float | None
    walk_ins: float | None
    accused: float | None
    people: int
    unlikely: tuple[int, int]
    others: tuple[int, int]
    usual: tuple[int, int]

    @property
    def usual_rate(self) -> float:
        """Part of the shop's other lines that lacks a code; half a line of fifty more, since they may be few."""
        return (self.usual[1] + 0.5) / (self.usual[0] + 50)

    @property
    def others_rate(self) -> float:
        """Part of the other buyers' lines of these drugs that lacks a code."""
        return self.others[1] / max(1, self.others[0])

    @property
    def few(self) -> bool:
        """Whether a few drugs are in question, and the accused are half of all who buy them."""
        return 0 < self.drugs <= FEW and self.share is not None and self.share >= 0.5

    @property
    def follows_people(self) -> bool:
        """Whether other buyers of the very drugs, enough to tell, have codes: packs do not choose who gets them."""
        return self.people >= OTHERS * self.number and self.others_rate < 0.5 * (self.accused or 0.0)


def cited_goods(
    tables: duckdb.DuckDBPyConnection, shop: Shop, cited: NDArray[np.int64], chosen: NDArray[np.int64]
) -> CitedGoods:
    """What is known of the drugs on the cited visits that lack codes, and of who else buys them here."""
    row = tables.execute(
        """
        WITH mine AS (
            SELECT v.row, l.psn_no, l.drug, l.bare, list_contains($people, psn_no) AS chosen,
                   list_contains($likely, psn_no) AS likely
            FROM till_numbered v JOIN scannable_lines l USING (visit) WHERE v.shop = hash($place)
        ), drugs AS (
            SELECT drug, count(*) / sum(count(*)) OVER () AS share FROM mine WHERE bare AND list_contains($rows, row)
            GROUP BY 1 QUALIFY share >= $main
        ), asked AS (SELECT *, drug IN (SELECT drug FROM drugs) AS cited FROM mine
        ), buyers AS (
            SELECT any_value(chosen) AS chosen, count(DISTINCT row) AS n FROM asked WHERE cited GROUP BY psn_no
        )
        SELECT count(*) FILTER (WHERE cited AND NOT likely), count(*) FILTER (WHERE cited AND NOT likely AND bare),
               count(*) FILTER (WHERE NOT cited AND NOT likely),
               count(*) FILTER (WHERE NOT cited AND NOT likely AND bare),
               count(*) FILTER (WHERE cited AND NOT chosen), count(*) FILTER (WHERE cited AND NOT chosen AND bare),
               (SELECT count(*) FROM buyers WHERE NOT chosen),
               avg(CAST(bare AS INTEGER)) FILTER (WHERE cited AND chosen),
               (SELECT count(*) FROM drugs), (SELECT sum(share) FROM drugs),
               (SELECT avg(CAST(chosen AS INTEGER)) FROM buyers), (SELECT avg(CAST(n <= 2 AS INTEGER)) FROM buyers)
        FROM asked
        """,
        {
            "place": shop.place,
            "rows": shop.rows[cited].tolist(),
            "people": [shop.people[index] for index in chosen],
            "likely": [shop.people[index] for index in np.union1d(chosen, np.flatnonzero(shop.fit.buyer >= LIKELY))],
            "main": MAIN,
        },
    ).fetchone()
    assert row is not None
    lines, bare, other_lines, other_bare, all_lines, all_bare, people, accused, drugs, part, share, walk_ins = row
    return CitedGoods(
        number=len(chosen),
        drugs=drugs,
        part=part,
        share=share,
        walk_ins=walk_ins,
        accused=accused,
        people=people,
        unlikely=(lines, bare),
        others=(all_lines, all_bare),
        usual=(other_lines, other_bare),
    )


def same_goods(goods: CitedGoods, evidence: Evidence) -> Check:
    """Do these drugs lack trace codes whoever buys them here? Then it is the goods and not these buyers.

    Among the shop's other buyers, those not held likely to collude, the part of lines without a code is compared with
    the rest of the assortment; it explains at five times the rest, five in a hundred, and beyond Poisson chance. It
    also explains where all others, likely ones too, lack codes half as often as the accused. Both ask for half as many
    other buyers as are accused (`OTHERS`).

    Of a few drugs (`FEW`) half of whose buyers are accused, hardly anybody else may be left. There it explains where a
    fifth as many others are (`LEFT`) who lack codes a third as often as the accused, twice as often as on the rest, and
    beyond chance: an outlet's chronic patients all come back for what it bought outside the books. And it explains
    where nobody is left to ask, unless the buyers are a closed circle, who all come for the goods again and again.

    These drugs must make up half of the cited lines without a code, since of codes that are missing all over the
    assortment a few drugs tell nothing; and signals that have nothing to do with goods must not reach the penalty: no
    goods bring people at odd hours or in one crowd. A missing illness is none of them, as who books other things under
    a few drugs' names does so for whoever buys.
    """
    everyone = goods.few and goods.walk_ins is not None and goods.walk_ins >= WALK_INS
    if not goods.others[0] and not everyone:
        return Check("same_goods", "unknown", Message("pharmacy.check.goods.unknown"))
    usual, whoever, accused = goods.usual_rate, goods.others_rate, goods.accused or 1.0
    lines, bare = goods.others if whoever >= 0.5 * accused else goods.unlikely
    rate = bare / max(1, lines)
    enough = goods.people >= OTHERS * goods.number and rate >= max(0.05, 5 * usual) and _beyond(lines, bare, usual)
    alike = whoever >= max(0.05, 2 * usual, accused / 3) and _beyond(*goods.others, usual)
    left = goods.few and goods.people >= LEFT * goods.number and alike
    beyond = evidence.beyond_goods - evidence.nats.get("no_illness", 0.0)
    theirs = goods.part is not None and goods.part >= MOST and beyond < evidence.penalty
    outcome: Outcome = "explains" if theirs and (everyone or enough or left) else "does_not_explain"
    seen = whoever if left else rate
    return Check(
        "same_goods",
        outcome,
        Message("pharmacy.check.goods", {"seen": seen, "usual": usual}),
        round(seen, 4),
        round(usual, 4),
    )


def _beyond(lines: int, bare: int, usual: float) -> bool:
    return float(poisson.sf(bare - 1, lines * usual)) < BY_CHANCE


def resold_goods(
    tables: duckdb.DuckDBPyConnection, shop: Shop, evidence: Evidence, cited: NDArray[np.int64], goods: CitedGoods
) -> Check:
    """Do goods bought outside the books account for what is missing, and do the buyers need what they bought?

    Packs from elsewhere come without codes and stock, and reach people who take the drug. It explains where half of the
    cited visits hold goods of a lead of resale, or where nothing but missing codes and short stock speaks; the buyers
    show the illness as others do, and signals that have nothing to do with goods do not reach the penalty. It does not
    where other buyers of the same drugs have codes (`CitedGoods.follows_people`): nobody sorts packs by customer.
    """
    row = tables.execute(
        """
        SELECT count(DISTINCT n.visit) FROM till_numbered n JOIN sale_lines l ON l.visit = n.visit
        JOIN resale_leads r ON r.place = l.place AND r.drug = l.drug
        WHERE l.codes IS NULL AND n.shop = hash($place) AND list_contains($rows, n.row)
        """,
        {"place": shop.place, "rows": shop.rows[cited].tolist()},
    ).fetchone()
    share = (row[0] if row else 0) / len(cited)
    alone = evidence.spoken <= {"uncoded", "short"}
    beyond = evidence.beyond_goods + evidence.nats.get("unrecorded", 0.0)
    needed = "no_illness" not in evidence.spoken and beyond < evidence.penalty
    explains = (share >= 0.5 or alone) and needed and not goods.follows_people
    outcome: Outcome = "explains" if explains else "does_not_explain"
    return Check("resold_goods", outcome, Message("pharmacy.check.resold", {"share": share}), round(share, 4))
