"""What a group's cards buy in its joint runs, against their owners' other purchases and the places' usual baskets.

People who shop together buy each for themselves: the same person buys the same again, and what they take in company
they take alone too. Cards in one hand buy what that hand wants: the baskets resemble each other and not their owners.
All figures compare within the group or with the same places, so that no drug and no price counts for itself.
"""

from __future__ import annotations

from dataclasses import dataclass
from math import log, log2
from typing import Final

import duckdb

from ringtrace.detectors.arrays import fetch_arrays, fetch_number
from ringtrace.detectors.rings.courses import gather_courses, read_one_off
from ringtrace.detectors.rings.kits import NO_KIT, Kit, read_kits
from ringtrace.detectors.rings.supply import NO_SUPPLY, Supply, read_supply

USUAL: Final = 3.0
"""Those who come for small things only buy the shelf's goods up to this many times as often as all who come."""
SAMPLE: Final = 2_000_000
"""Settlements from which the places' usual baskets are taken; more would not change a share in its third digit."""
PRIOR: Final = 20.0
"""Pairs of lines at the places' own likeness that are added to each likeness, so that few lines say little; and lines
at a group's own shares that are added to what others buy where it meets, so that few others say little."""
EACH_OWN: Final = 3.0
"""Times as alike as two members' lines from which a person's lines begin to be a course and no part of a list."""
PRIOR_HITS: Final = 5.0
"""Like pairs, as many as expected, added before one person's likeness is told from two members': 6 of 11 say little."""


@dataclass(frozen=True, slots=True)
class Likeness:
    """Chance that two of a group's `lines` name the same drug: of one person in two runs (`own`), of two persons
    (`cross`), and of two buyers at the places where the runs were (`usual`, towards which the others are shrunk).
    `personal` is how far the goods are each person's own, 0–1: 0 where one person's lines are no more alike than two
    members' lines, so that any card gets anything of one list, 1 from twice as alike on (`PRIOR_HITS` expected pairs
    are added at the latter).
    """

    lines: int
    own: float
    cross: float
    usual: float
    personal: float

    @property
    def each_own(self) -> float:
        """How far every card gets goods of its own, 0–1: a person's lines three times as alike as two members' lines
        or less, and six times or more. Whoever buys on others' cards by one list gives the list's goods to them all.
        """
        return min(max(log2(self.own / self.cross / EACH_OWN), 0.0), 1.0)

    @property
    def constancy(self) -> float:
        """Log of how much more alike a person's lines in different runs are than two members' lines."""
        return log(self.own / self.cross)


@dataclass(frozen=True, slots=True)
class Baskets:
    """Of one group, over its joint runs; None where the delivery does not say.

    likeness
        how alike the lines are.
    need_own, need_cross
        share of (person, drug) in the runs that the person also bought or was given outside them, and the same
        asked of another member instead; None with fewer than five that could be asked.
    amount_shift
        mean of (log amount − the place's mean) / the place's standard deviation over the runs' settlements.
    foreign_value
        yuan a visit, over the places' mean visit, for drugs that the owner never gets outside the runs and at least
        two others of the group get in them, as far as they are sought: beyond `USUAL` times their share in what others
        buy at the places, and as far as the owner does not come back for the drug more than the others take it (a
        chronic patient does).
    foreign_share
        the money for these drugs, as far as they are sought, over all that the runs' goods cost; however often the
        owner comes back for them in the runs, as it is for the list and not for the owner that they come back.
    one_off
        how much more than other takers members fail to come back for what they got in the runs (see `ring_courses`).
    supply
        how many kinds of goods, how fast they are taken, and whether their place is special for them.
    kit
        whether all take one basket, and how many others do.
    """

    likeness: Likeness | None = None
    need_own: float | None = None
    need_cross: float | None = None
    amount_shift: float = 0.0
    foreign_value: float | None = None
    foreign_share: float = 0.0
    one_off: float | None = None
    supply: Supply = NO_SUPPLY
    kit: Kit = NO_KIT

    @property
    def personal(self) -> float:
        """How far coming back for the goods speaks of the owners' need, 0–1 (`Likeness.personal`).

        Of a few kinds of goods it cannot be asked whose they are: who come for one thing are alike for that.
        """
        if self.likeness is None or self.supply.few_goods:
            return 1.0
        return self.likeness.personal


def read_baskets(tables: duckdb.DuckDBPyConnection, rings: int) -> list[Baskets]:
    """The baskets of each group, in order, from the tables of `build_ring_tables`."""
    _gather(tables)
    likeness, needs, shifts = _likeness(tables), _needs(tables), _amount_shift(tables)
    _gather_foreign(tables)
    foreign = _foreign(tables)
    gather_courses(tables)
    one_off, supply, kits = read_one_off(tables), read_supply(tables), read_kits(tables)
    for name in ("substance", "ring_item", "solo_item", "place_drug", "foreign_good", "course"):
        tables.execute(f"DROP TABLE {name}")
    return [
        Baskets(
            likeness=likeness.get(ring),
            need_own=needs.get(ring, (None, None))[0],
            need_cross=needs.get(ring, (None, None))[1],
            amount_shift=shifts.get(ring, 0.0),
            foreign_value=foreign.get(ring, (None, 0.0))[0],
            foreign_share=foreign.get(ring, (None, 0.0))[1],
            one_off=one_off.get(ring),
            supply=supply.get(ring, NO_SUPPLY),
            kit=kits.get(ring, NO_KIT),
        )
        for ring in range(rings)
    ]


def _gather(tables: duckdb.DuckDBPyConnection) -> None:
    """ring_item(ring, run, psn_no, place, drug, fee, t, doses, sampled), solo_item(psn_no, drug) and
    place_drug(place, drug, n).

    `doses` are defined daily doses, NULL where the pack's are not known; `solo_item` is of members; `place_drug` is of
    a sample of all settlements, in which a line of the group is that is `sampled`.
    """
    every = max(1, fetch_number(tables, "SELECT count(*) FROM settlements") // SAMPLE)
    # The maker does not matter to who wants a drug: its substance (ATC) or generic name is the drug, where known.
    tables.execute(
        """
        CREATE OR REPLACE TEMP TABLE substance AS
        SELECT med_list_codg, any_value(coalesce(atc_code, drug_genname, med_list_codg)) AS drug,
            any_value(pack_ddd) AS pack_ddd
        FROM drugs GROUP BY ALL
        """
    )
    tables.execute(
        """
        CREATE OR REPLACE TEMP TABLE ring_item AS
        SELECT r.ring, r.run, r.psn_no, r.fixmedins_code, coalesce(d.drug, i.med_list_codg) AS drug,
            i.det_item_fee_sumamt AS fee, r.t, CAST(i.cnt * d.pack_ddd AS DOUBLE) AS doses,
            CAST(r.t AS BIGINT) // 60 % $every = 0 AS sampled
        FROM ring_visit r JOIN settlement_items i USING (setl_id) LEFT JOIN substance d USING (med_list_codg)
        """,
        {"every": every},
    )
    tables.execute(
        """
        CREATE OR REPLACE TEMP TABLE solo_item AS
        SELECT DISTINCT s.psn_no, coalesce(d.drug, i.med_list_codg) AS drug
        FROM solo_visit s JOIN settlement_items i USING (setl_id) LEFT JOIN substance d USING (med_list_codg)
        """
    )
    tables.execute(
        """
        CREATE OR REPLACE TEMP TABLE place_drug AS
        SELECT s.fixmedins_code, coalesce(d.drug, i.med_list_codg) AS drug, count(*) AS n
        FROM settlements s JOIN settlement_items i USING (setl_id) LEFT JOIN substance d USING (med_list_codg)
        WHERE s.fixmedins_code IN (SELECT fixmedins_code FROM ring_visit)
            AND CAST(epoch(s.setl_time) AS BIGINT) // 60 % $every = 0
        GROUP BY ALL
        """,
        {"every": every},
    )


def _likeness(tables: duckdb.DuckDBPyConnection) -> dict[int, Likeness]:
    rows = fetch_arrays(
        tables,
        """
        WITH cell AS (SELECT ring, psn_no, run, drug, count(*) AS n FROM ring_item GROUP BY ALL),
        by_drug AS (SELECT ring, drug, sum(n) AS n FROM cell GROUP BY ALL),
        by_person_drug AS (SELECT ring, psn_no, drug, sum(n) AS n FROM cell GROUP BY ALL),
        by_person AS (SELECT ring, psn_no, sum(n) AS n FROM cell GROUP BY ALL),
        by_person_run AS (SELECT ring, psn_no, run, sum(n) AS n FROM cell GROUP BY ALL),
        place_likeness AS (
            SELECT fixmedins_code, sum(n * n) / (sum(n) * sum(n)) AS likeness
            FROM place_drug GROUP BY ALL
        ), usual AS (
            SELECT ring, avg(likeness) AS likeness
            FROM ring_item JOIN place_likeness USING (fixmedins_code) GROUP BY ALL
        ),
        a AS (SELECT ring, sum(n) AS lines, sum(n) * sum(n) AS total FROM by_drug GROUP BY ALL),
        b AS (SELECT ring, sum(n * n) AS same_drug FROM by_drug GROUP BY ALL),
        c AS (SELECT ring, sum(n * n) AS same_both FROM by_person_drug GROUP BY ALL),
        d AS (SELECT ring, sum(n * n) AS same_person FROM by_person GROUP BY ALL),
        e AS (SELECT ring, sum(n * n) AS same_all FROM cell GROUP BY ALL),
        f AS (SELECT ring, sum(n * n) AS same_visit FROM by_person_run GROUP BY ALL)
        SELECT ring, CAST(lines AS BIGINT) AS lines, CAST(likeness AS DOUBLE) AS usual,
            CAST(same_drug - same_both AS DOUBLE) AS cross_hits, CAST(total - same_person AS DOUBLE) AS cross_pairs,
            CAST(same_both - same_all AS DOUBLE) AS own_hits, CAST(same_person - same_visit AS DOUBLE) AS own_pairs
        FROM a JOIN b USING (ring) JOIN c USING (ring) JOIN d USING (ring) JOIN e USING (ring) JOIN f USING (ring)
        JOIN usual USING (ring)
        ORDER BY ring
        """,
    )
    found: dict[int, Likeness] = {}
    for place, ring in enumerate(rows["ring"].tolist()):
        usual = float(rows["usual"][place])
        prior = PRIOR * usual
        cross = float(rows["cross_hits"][place]) / max(float(rows["cross_pairs"][place]), 1.0)
        twice = (float(rows["own_hits"][place]) + 2 * PRIOR_HITS) / (
            cross * float(rows["own_pairs"][place]) + PRIOR_HITS
        )
        found[int(ring)] = Likeness(
            lines=int(rows["lines"][place]),
            own=(float(rows["own_hits"][place]) + prior) / (float(rows["own_pairs"][place]) + PRIOR),
            cross=(float(rows["cross_hits"][place]) + prior) / (float(rows["cross_pairs"][place]) + PRIOR),
            usual=usual,
            personal=min(max(log(twice) / log(2), 0.0), 1.0),
        )
    return found


def _needs(tables: duckdb.DuckDBPyConnection) -> dict[int, tuple[float, float]]:
    rows = tables.execute(
        """
        WITH wanted AS (
            SELECT DISTINCT ring, psn_no, drug FROM ring_item WHERE psn_no IN (SELECT psn_no FROM solo_item)
        ), asked AS (
            SELECT DISTINCT m.ring, m.psn_no FROM ring_member m WHERE m.psn_no IN (SELECT psn_no FROM solo_item)
        ), own AS (
            SELECT w.ring, count(*) AS asked, count(s.drug) AS met
            FROM wanted w LEFT JOIN solo_item s USING (psn_no, drug) GROUP BY ALL
        ), other AS (
            SELECT w.ring, count(*) AS asked, count(s.drug) AS met
            FROM wanted w JOIN asked a ON a.ring = w.ring AND a.psn_no <> w.psn_no
            LEFT JOIN solo_item s ON s.psn_no = a.psn_no AND s.drug = w.drug GROUP BY ALL
        )
        SELECT own.ring, own.met / own.asked, other.met / other.asked
        FROM own JOIN other USING (ring) WHERE own.asked >= 5
        """
    ).fetchall()
    return {ring: (float(own), float(other)) for ring, own, other in rows}


def _amount_shift(tables: duckdb.DuckDBPyConnection) -> dict[int, float]:
    rows = tables.execute(
        """
        WITH place AS (
            SELECT fixmedins_code, avg(ln(medfee_sumamt + 1)) AS mean, stddev_samp(ln(medfee_sumamt + 1)) AS deviation
            FROM settlements
            WHERE fixmedins_code IN (SELECT fixmedins_code FROM ring_visit) AND medfee_sumamt >= 0
            GROUP BY ALL
        )
        SELECT ring, avg((ln(medfee_sumamt + 1) - mean) / deviation)
        FROM ring_visit JOIN place USING (fixmedins_code) WHERE deviation > 0 GROUP BY ALL
        """
    ).fetchall()
    return {ring: float(shift) for ring, shift in rows}


def _gather_foreign(tables: duckdb.DuckDBPyConnection) -> None:
    """foreign_good(ring, psn_no, drug, fee, sought, share): got in the runs and never by the owner outside them.

    `sought` is how far the group seeks the drug beyond what others at the places buy, 0–1; `share` how far it is the
    group and not the owner (`Baskets.foreign_value`). The group's own lines are no part of what is usual there: at a
    small shop they may be most of a drug's sales. `PRIOR` lines at the group's own shares are added to the others', so
    that a place where hardly anybody else buys tells nothing of what is usual.
    """
    tables.execute(
        """
        CREATE OR REPLACE TEMP TABLE foreign_good AS
        WITH shared AS (
            SELECT ring, drug FROM ring_item GROUP BY ALL HAVING count(DISTINCT psn_no) >= 3
        ), lines AS (
            SELECT ring, count(*) AS n FROM ring_item GROUP BY ALL
        ), sold AS (
            SELECT place.ring, d.drug, sum(d.n) AS n
            FROM (SELECT DISTINCT ring, fixmedins_code FROM ring_visit) place JOIN place_drug d USING (fixmedins_code)
            GROUP BY ALL
        ), to_others AS (
            SELECT s.ring, s.drug, greatest(s.n - coalesce(own.n, 0), 0) AS n
            FROM sold s LEFT JOIN (
                SELECT ring, drug, count(*) AS n FROM ring_item WHERE sampled GROUP BY ALL
            ) own ON own.ring = s.ring AND own.drug = s.drug
        ), to_all_others AS (
            SELECT ring, sum(n) AS n FROM to_others GROUP BY ring
        ), sought AS (
            SELECT s.ring, s.drug, greatest(0, 1 - $usual * (
                coalesce(any_value(o.n), 0) * any_value(l.n) / count(*) + $prior
            ) / (coalesce(any_value(a.n), 0) + $prior)) AS excess
            FROM shared s JOIN ring_item i USING (ring, drug) JOIN lines l USING (ring)
            LEFT JOIN to_others o ON o.ring = s.ring AND o.drug = s.drug LEFT JOIN to_all_others a ON a.ring = s.ring
            GROUP BY s.ring, s.drug
        ), cell AS (
            SELECT ring, psn_no, drug, count(*) AS n, sum(fee) AS fee FROM ring_item GROUP BY ALL
        ), mixed AS (
            SELECT *, sum(n) OVER (PARTITION BY ring, psn_no) AS own, sum(n) OVER (PARTITION BY ring, drug) AS of_drug,
                sum(n) OVER (PARTITION BY ring) AS whole
            FROM cell
        )
        SELECT ring, psn_no, drug, fee,
            excess AS sought,
            excess * least(1, (of_drug - n) / (whole - own) / nullif((n - 1) / (own - 1), 0)) AS share
        FROM mixed JOIN sought USING (ring, drug)
        WHERE own < whole AND (psn_no, drug) NOT IN (SELECT (psn_no, drug) FROM solo_item)
        """,
        {"usual": USUAL, "prior": PRIOR},
    )


def _foreign(tables: duckdb.DuckDBPyConnection) -> dict[int, tuple[float, float]]:
    """Money for foreign goods: over the places' mean visit, and over all that the runs' goods cost."""
    rows = tables.execute(
        """
        WITH place AS (
            SELECT fixmedins_code, avg(medfee_sumamt) AS mean FROM settlements
            WHERE fixmedins_code IN (SELECT fixmedins_code FROM ring_visit) AND medfee_sumamt >= 0
            GROUP BY ALL
        ), visits AS (
            SELECT ring, sum(p.mean) AS usual FROM ring_visit JOIN place p USING (fixmedins_code) GROUP BY ALL
        ), foreign_lines AS (
            SELECT ring, sum(fee * share) AS fee, sum(fee * sought) AS sought FROM foreign_good GROUP BY ALL
        ), whole AS (
            SELECT ring, sum(fee) AS paid FROM ring_item GROUP BY ALL
        )
        SELECT ring, coalesce(f.fee, 0) / usual, coalesce(f.sought / nullif(paid, 0), 0)
        FROM visits JOIN whole USING (ring) LEFT JOIN foreign_lines f USING (ring) WHERE usual > 0
        """
    ).fetchall()
    return {ring: (float(value), float(share)) for ring, value, share in rows}
