"""What the goods of the joint runs are to their owners: a course of their own, or more than one body takes.

Who lends a card gets nothing for it that a doctor ordered; who is ill gets the same few drugs again, as many doses as
there are days. Doses are defined daily doses (WHO; `drugs.pack_ddd` times packs), all purchases of the owner counted,
in the runs and outside. With n purchases in d days a course lasts d · n / (n − 1) days: the last pack is still in use.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

import duckdb

LIFT: Final = 5.0
"""Times its share in all visits that a place sells of the goods for which it is special: a town has two or three."""
PURCHASES: Final = 4
"""Purchases from which the pace of a course is told."""
TWICE: Final = 1.5
"""Times a body's pace from which it cannot be one body's course: a double dose is rare, a second supply is double."""
FEW_GOODS: Final = 5.0
"""Effective number of substances up to which people come for one kind of goods."""
DRAWS: Final = 10
"""Draws after an earlier one from which the share of early ones says something."""
LEAST_TAKERS: Final = 20
"""Takers in the sample below which a defined daily dose a day is taken as usual."""
OVERSUPPLIED: Final = 0.3
"""Share of what was got at a pace that no body takes, from which medicines of their own explain nothing."""
TWICE_AN_HOUR: Final = 0.3
"""Share of what was got that was got at a second place in the same run, too: the first may once have had too little."""


@dataclass(frozen=True, slots=True)
class Supply:
    """Of one group's goods in its runs; None where packs' doses are not known or nothing was bought often enough.

    variety
        effective number of substances, 1 / Σ share² of the lines.
    special, usual_share
        mean over the substances of the runs' places' share in all sales of it; those places' share in all visits.
    pace
        doses a day, median over (member, substance).
    oversupply
        (member, substance) taken more than `TWICE` as fast as a body takes it (a dose a day, or what is usual, if that
        is more), over all of which the pace can be told, or over the members, if these are more.
    early
        share of the draws in a run, after an earlier run's draw of the same substance, made while half of that one's
        doses or more are still to be taken, at a dose a day or what is usual; None with fewer than `DRAWS` such draws.
    twice
        share of (member, substance, run) that was got at two places in one and the same run.
    """

    variety: float | None = None
    special: float | None = None
    usual_share: float | None = None
    pace: float | None = None
    oversupply: float | None = None
    early: float | None = None
    twice: float = 0.0

    @property
    def special_place(self) -> bool:
        """Whether these goods are sold there and hardly elsewhere: half of all, or a fifth and `LIFT` its share."""
        return (self.special or 0.0) >= 0.5 or (self.special or 0.0) >= max(0.2, LIFT * (self.usual_share or 1.0))

    @property
    def few_goods(self) -> bool:
        """Whether people come for one kind of goods, or for nothing that is known: `FEW_GOODS` substances at most."""
        return (self.variety or 0.0) <= FEW_GOODS

    @property
    def oversupplied(self) -> bool:
        """Whether many take more than a body takes: `OVERSUPPLIED` of them."""
        return (self.oversupply or 0.0) >= OVERSUPPLIED

    @property
    def drawn_twice(self) -> bool:
        """Whether they get the same drug at a second place within the hour: `TWICE_AN_HOUR` of all that they get."""
        return self.twice >= TWICE_AN_HOUR


NO_SUPPLY: Final = Supply()


def read_supply(tables: duckdb.DuckDBPyConnection) -> dict[int, Supply]:
    """The supply by ring; needs `ring_item` and `substance` of `baskets`, `course` and the tables of `ring_tables`."""
    rows = tables.execute(
        """
        WITH lines AS (SELECT ring, drug, count(*) AS n FROM ring_item GROUP BY ALL),
        variety AS (SELECT ring, CAST(sum(n) AS DOUBLE) * sum(n) / sum(n * n) AS variety FROM lines GROUP BY ring),
        sold AS (
            SELECT coalesce(d.drug, i.med_list_codg) AS drug, s.fixmedins_code, count(*) AS n
            FROM settlement_items i JOIN settlements s USING (setl_id) LEFT JOIN substance d USING (med_list_codg)
            WHERE coalesce(s.refd_setl_flag, '0') <> '1'
                AND coalesce(d.drug, i.med_list_codg) IN (SELECT drug FROM lines)
            GROUP BY ALL
        ),
        everywhere AS (SELECT drug, sum(n) AS n FROM sold GROUP BY drug),
        here AS (SELECT DISTINCT ring, fixmedins_code FROM ring_visit),
        special AS (
            SELECT ring, avg(share) AS special FROM (
                SELECT l.ring, l.drug, sum(s.n) / any_value(e.n) AS share
                FROM lines l JOIN here h USING (ring) JOIN sold s ON s.drug = l.drug
                    AND s.fixmedins_code = h.fixmedins_code
                JOIN everywhere e ON e.drug = l.drug GROUP BY ALL
            ) GROUP BY ring
        ), size AS (
            SELECT ring, sum(p.n) / (SELECT sum(n) FROM visit_place) AS usual_share
            FROM here JOIN visit_place p USING (fixmedins_code) GROUP BY ring
        ), paced AS (
            SELECT psn_no, drug, sampled, doses / greatest(30, days * n / (n - 1)) AS pace
            FROM course WHERE n >= $purchases AND doses IS NOT NULL
        ), usual AS (
            SELECT drug, median(pace) AS pace FROM paced WHERE sampled GROUP BY drug HAVING count(*) >= $least
        ), paces AS (
            SELECT w.ring, median(c.pace) AS pace,
                count(*) FILTER (c.pace > $twice * greatest(1, coalesce(u.pace, 1)))
                    / greatest(count(*), any_value(m.members)) AS oversupply
            FROM (SELECT DISTINCT ring, psn_no, drug FROM ring_item) w
            JOIN paced c ON c.psn_no = w.psn_no AND c.drug = w.drug
            JOIN (SELECT ring, count(*) AS members FROM ring_member GROUP BY ring) m ON m.ring = w.ring
            LEFT JOIN usual u ON u.drug = w.drug GROUP BY w.ring
        ), drawn AS (
            SELECT ring, psn_no, drug, run, min(t) AS t, sum(doses) AS doses FROM ring_item
            WHERE doses IS NOT NULL GROUP BY ring, psn_no, drug, run
        ), again AS (
            SELECT ring, drug, t - lag(t) OVER (PARTITION BY ring, psn_no, drug ORDER BY t) AS apart,
                lag(doses) OVER (PARTITION BY ring, psn_no, drug ORDER BY t) AS doses
            FROM drawn
        ), early AS (
            SELECT a.ring,
                avg(CASE WHEN a.apart / 86400 * greatest(1, coalesce(u.pace, 1)) < a.doses / 2 THEN 1.0 ELSE 0.0 END)
                    AS early
            FROM again a LEFT JOIN usual u ON u.drug = a.drug
            WHERE a.apart IS NOT NULL GROUP BY a.ring HAVING count(*) >= $draws
        ), twice AS (
            SELECT ring, avg(CASE WHEN places >= 2 THEN 1.0 ELSE 0.0 END) AS twice FROM (
                SELECT ring, count(DISTINCT fixmedins_code) AS places
                FROM ring_item GROUP BY ring, run, psn_no, drug
            ) GROUP BY ring
        )
        SELECT ring, variety, special, usual_share, pace, oversupply, early, twice
        FROM variety LEFT JOIN special USING (ring) LEFT JOIN size USING (ring) LEFT JOIN paces USING (ring)
        LEFT JOIN early USING (ring) JOIN twice USING (ring)
        """,
        {"purchases": PURCHASES, "least": LEAST_TAKERS, "twice": TWICE, "draws": DRAWS},
    ).fetchall()
    return {ring: Supply(*values) for ring, *values in rows}
