"""A kit: do all of a group take one and the same basket, and do others at the place take it too?

A shop's offer (three tonics and a tin of vitamins for one price, the health station's winter packs) is taken home by
whoever comes, in the very same composition; what is in it is foreign to its buyers and sought by all of them, as
borrowed cards' goods are. What a collector's list and an offer do not share is the rest of the shop's customers: an
offer stands for everybody. So the basket counts with its numbers of packs, and its other buyers are counted.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

import duckdb

ALIKE: Final = 0.8
"""Share of pairs from which the group is said to take one basket: somebody always adds a cough syrup."""


@dataclass(frozen=True, slots=True)
class Kit:
    """Of one group's baskets in its runs.

    same
        chance that two members' baskets of one run are the same goods in the same numbers, two kinds of goods at least.
    others
        people not of the group who took the group's commonest such basket at the same place, at any time; 0 where
        `same` is below `ALIKE`.
    """

    same: float = 0.0
    others: int = 0


NO_KIT: Final = Kit()


def read_kits(tables: duckdb.DuckDBPyConnection) -> dict[int, Kit]:
    """The kit by ring, from the tables of `ring_tables`; groups without item lines are absent."""
    tables.execute(
        """
        CREATE OR REPLACE TEMP TABLE ring_basket AS
        SELECT v.ring, v.run, v.psn_no, v.fixmedins_code, v.setl_id, min(i.med_list_codg) AS first_good,
            list(hash(i.med_list_codg, i.cnt) ORDER BY i.med_list_codg, i.cnt) AS basket,
            count(DISTINCT i.med_list_codg) AS kinds
        FROM ring_visit v JOIN settlement_items i USING (setl_id)
        GROUP BY v.ring, v.run, v.psn_no, v.fixmedins_code, v.setl_id
        """
    )
    tables.execute(
        """
        CREATE OR REPLACE TEMP TABLE ring_same AS
        WITH basket AS (
            SELECT ring, run, basket, count(DISTINCT psn_no) AS n, max(kinds) AS kinds FROM ring_basket GROUP BY ALL
        ), run AS (
            SELECT ring, run, sum(CASE WHEN kinds >= 2 THEN n * (n - 1) ELSE 0 END) AS alike,
                sum(n) * (sum(n) - 1) AS pairs
            FROM basket GROUP BY ALL
        )
        SELECT ring, CAST(sum(alike) AS DOUBLE) / nullif(CAST(sum(pairs) AS DOUBLE), 0) AS same FROM run GROUP BY ring
        """
    )
    same = {ring: float(share or 0.0) for ring, share in tables.execute("SELECT ring, same FROM ring_same").fetchall()}
    others = _others(tables) if max(same.values(), default=0.0) >= ALIKE else {}
    tables.execute("DROP TABLE ring_basket")
    tables.execute("DROP TABLE ring_same")
    return {ring: Kit(share, others.get(ring, 0)) for ring, share in same.items()}


def _others(tables: duckdb.DuckDBPyConnection) -> dict[int, int]:
    """People outside each group of one basket who took that basket where the group does."""
    return dict(
        tables.execute(
            """
            WITH kit AS (
                SELECT ring, fixmedins_code, basket, min(first_good) AS first_good FROM ring_basket
                WHERE kinds >= 2 AND ring IN (SELECT ring FROM ring_same WHERE same >= $alike)
                GROUP BY ring, fixmedins_code, basket
                QUALIFY row_number() OVER (PARTITION BY ring ORDER BY count(*) DESC, fixmedins_code, basket) = 1
            ), near AS (
                SELECT DISTINCT k.ring, s.psn_no, s.setl_id
                FROM kit k JOIN settlements s ON s.fixmedins_code = k.fixmedins_code
                JOIN settlement_items i ON i.setl_id = s.setl_id AND i.med_list_codg = k.first_good
                WHERE coalesce(s.refd_setl_flag, '0') <> '1'
                    AND (k.ring, s.psn_no) NOT IN (SELECT (ring, psn_no) FROM ring_member)
            ), taken AS (
                SELECT n.ring, n.psn_no, list(hash(i.med_list_codg, i.cnt) ORDER BY i.med_list_codg, i.cnt) AS basket
                FROM near n JOIN settlement_items i USING (setl_id) GROUP BY n.ring, n.psn_no, n.setl_id
            )
            SELECT t.ring, count(DISTINCT t.psn_no) FROM taken t JOIN kit k ON k.ring = t.ring AND k.basket = t.basket
            GROUP BY t.ring
            """,
            {"alike": ALIKE},
        ).fetchall()
    )
