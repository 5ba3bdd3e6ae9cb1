"""How the cards are presented in the joint runs, against how their owners present them elsewhere.

Everybody has a habit: one holds out the phone (e-credential), another the plastic card. Friends who go together keep
to theirs, each of them. Cards in one hand are presented as that hand can: plastic cards without their owners' phones,
or photographed codes without the cards. So within each member and kind of place (pharmacy, medical institution), uses
in the runs are compared with the owner's other uses, and all members' comparisons are added up by Cochran's and
Mantel's and Haenszel's test (Cochran 1954; Mantel and Haenszel 1959, J. Natl. Cancer Inst. 22:719): given how often a
member used the phone in all, the runs have a hypergeometric share of it. Who always uses the one says nothing, nor do
runs at places where nearly all do (`BOTH`): there the terminal may read nothing else.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

import duckdb

PHONE: Final = "01"
"""Kind of credential that is on the owner's phone; the others are cards."""
BOTH: Final = 0.1
"""Share of a place's uses by phone, and by card, from which its terminals read both."""
SHIFT: Final = 0.1
"""Difference of the shares of uses by phone below which the runs are like their owners' other uses."""
CHANCE: Final = 2.0
"""Deviation of the test up to which chance may have it, and after as much again hardly any more."""


@dataclass(frozen=True, slots=True)
class Credentials:
    """Of one group: the `share` of uses in the runs that were by phone, the share `expected` by the same owners' other
    uses at the same kind of place, and the test's `deviation` (about standard normal where owners come themselves).
    """

    share: float = 0.0
    expected: float = 0.0
    deviation: float = 0.0

    @property
    def one_hand(self) -> float:
        """How far the cards are presented otherwise than their owners do it, 0–1."""
        if abs(self.share - self.expected) < SHIFT:
            return 0.0
        return min(max((abs(self.deviation) - CHANCE) / CHANCE, 0.0), 1.0)


NOT_TOLD: Final = Credentials()


def read_credentials(tables: duckdb.DuckDBPyConnection) -> dict[int, Credentials]:
    """The credentials by ring, from `ring_visit` and `solo_visit`; groups of which it cannot be told are absent."""
    rows = tables.execute(
        """
        WITH both_read AS (
            SELECT fixmedins_code FROM settlements
            WHERE fixmedins_code IN (SELECT fixmedins_code FROM ring_visit) AND mdtrt_cert_type IS NOT NULL
            GROUP BY fixmedins_code
            HAVING avg(CAST(mdtrt_cert_type = $phone AS DOUBLE)) BETWEEN $both AND 1 - $both
        ), used AS (
            SELECT ring, psn_no, setl_id, fixmedins_code, true AS in_run
            FROM ring_visit JOIN both_read USING (fixmedins_code)
            UNION ALL
            SELECT m.ring, m.psn_no, v.setl_id, v.fixmedins_code, false
            FROM ring_member m JOIN solo_visit v USING (psn_no) WHERE NOT v.stay
        ), stratum AS (
            SELECT ring, u.psn_no, coalesce(i.fixmedins_type, '?') AS kind, CAST(count(*) AS DOUBLE) AS n,
                CAST(count(*) FILTER (in_run) AS DOUBLE) AS runs,
                CAST(count(*) FILTER (s.mdtrt_cert_type = $phone) AS DOUBLE) AS phone,
                CAST(count(*) FILTER (in_run AND s.mdtrt_cert_type = $phone) AS DOUBLE) AS by_phone
            FROM used u JOIN settlements s USING (setl_id)
            LEFT JOIN institutions i ON i.fixmedins_code = u.fixmedins_code
            WHERE s.mdtrt_cert_type IS NOT NULL GROUP BY ALL
            HAVING runs > 0 AND runs < n
        ), added AS (
            SELECT ring, sum(by_phone) / sum(runs) AS share,
                sum(runs * (phone - by_phone) / (n - runs)) / sum(runs) AS expected,
                sum(by_phone - runs * phone / n) AS excess,
                sum(runs * (n - runs) * phone * (n - phone) / (n * n * (n - 1))) AS variance
            FROM stratum GROUP BY ring
        )
        SELECT ring, share, expected, excess / sqrt(variance) FROM added WHERE variance > 0
        """,
        {"phone": PHONE, "both": BOTH},
    ).fetchall()
    return {ring: Credentials(*values) for ring, *values in rows}
