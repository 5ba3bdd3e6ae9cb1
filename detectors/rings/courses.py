"""Drugs that people take for good, bought once: who needs a statin comes back for it, a borrowed card does not.

For each substance, n = number of settlements in which a person got it, over a sample of all people: F(n) = share of its
takers with at most n. A member who got the substance in a joint run, and n times in all, scores −ln F(n) less its mean
over the takers, E[−ln F]. What is bought once by most (a cough syrup) so says nothing, whoever buys it; a chronic
patient has a large n. The group's figure is the mean over (member, substance), times the square root of their number:
about a standard normal deviation if members take drugs as others do (cf. Fisher's combination of p-values). One member
with many such drugs must not speak for all: it is at most Σ x / √(Σ x²) over the members' sums x, which is √members
where all are alike and 1 where one has it all (the statistic of a sign-flip test).

The courses themselves (`gather_courses`) serve `supply` too: a scan of all lines is what costs.
"""

from __future__ import annotations

from typing import Final

import duckdb

from ringtrace.detectors.arrays import fetch_number

PEOPLE: Final = 50_000
"""People in the sample; their substances' F then has a standard error below 0.01 for all but rare drugs."""
LEAST_TAKERS: Final = 20
"""Takers in the sample below which a substance says nothing."""


def gather_courses(tables: duckdb.DuckDBPyConnection) -> None:
    """course(psn_no, drug, sampled, member, n, doses, days): who took what, of the groups' goods.

    Of members and of a sample of all people; `n` settlements with `doses` defined daily doses in all, the last one
    `days` after the first. Needs `ring_item` and `substance` of `baskets` and the tables of `ring_tables`.
    """
    every = max(1, fetch_number(tables, "SELECT count(*) FROM visit_person") // PEOPLE)
    tables.execute(
        """
        CREATE OR REPLACE TEMP TABLE course AS
        WITH asked AS (
            SELECT psn_no, person % $every = 0 AS sampled, psn_no IN (SELECT psn_no FROM ring_member) AS member
            FROM visit_person
        ), purchase AS (
            SELECT a.psn_no, a.sampled, a.member, coalesce(d.drug, i.med_list_codg) AS drug, s.setl_id,
                any_value(s.setl_time) AS t, sum(i.cnt * d.pack_ddd) AS doses
            FROM asked a JOIN settlements s USING (psn_no) JOIN settlement_items i USING (setl_id)
            LEFT JOIN substance d USING (med_list_codg)
            WHERE (a.sampled OR a.member) AND coalesce(s.refd_setl_flag, '0') <> '1'
                AND coalesce(d.drug, i.med_list_codg) IN (SELECT drug FROM ring_item)
            GROUP BY ALL
        )
        SELECT psn_no, drug, sampled, member, count(*) AS n, CAST(sum(doses) AS DOUBLE) AS doses,
            (epoch(max(t)) - epoch(min(t))) / 86400 AS days
        FROM purchase GROUP BY ALL
        """,
        {"every": every},
    )


def read_one_off(tables: duckdb.DuckDBPyConnection) -> dict[int, float]:
    """The figure by ring, from `course` and `ring_item`; groups whose substances have too few takers are absent."""
    rows = tables.execute(
        """
        WITH steps AS (
            SELECT drug, n, count(*) AS takers FROM course WHERE sampled GROUP BY ALL
        ), cumulated AS (
            SELECT drug, n, takers, sum(takers) OVER (PARTITION BY drug) AS whole,
                (sum(takers) OVER (PARTITION BY drug ORDER BY n) + 0.5)
                    / (sum(takers) OVER (PARTITION BY drug) + 1) AS f
            FROM steps
        ), usual AS (
            SELECT drug, any_value(whole) AS whole, sum(-ln(least(f, 1)) * takers) / any_value(whole) AS mean
            FROM cumulated GROUP BY drug HAVING any_value(whole) >= $least
        ), wanted AS (
            SELECT DISTINCT r.ring, r.psn_no, r.drug, t.n
            FROM ring_item r JOIN course t ON t.psn_no = r.psn_no AND t.drug = r.drug
        ), scored AS (
            SELECT w.ring, w.psn_no, -ln(least(1, coalesce(max(c.f), 0.5 / (any_value(u.whole) + 1))))
                - any_value(u.mean) AS odd
            FROM wanted w JOIN usual u USING (drug) LEFT JOIN cumulated c ON c.drug = w.drug AND c.n <= w.n
            GROUP BY w.ring, w.psn_no, w.drug
        ), by_person AS (
            SELECT ring, sum(odd) AS odd, count(*) AS n FROM scored GROUP BY ring, psn_no
        )
        SELECT ring, sum(odd) / sqrt(greatest(sum(n), CASE WHEN sum(odd) > 0 THEN sum(odd * odd) ELSE 0 END))
        FROM by_person GROUP BY ring
        """,
        {"least": LEAST_TAKERS},
    ).fetchall()
    return {ring: float(value) for ring, value in rows}
