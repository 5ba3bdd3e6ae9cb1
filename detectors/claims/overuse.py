"""Overuse: more of a drug than a body takes, drawn at several places; and visits far beyond those of one's peers."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime
from math import log
from typing import ClassVar

import duckdb
import numpy as np
from numpy.typing import NDArray

from ringtrace.detectors.claims.frequent_visits import VisitThresholds, frequent_visits
from ringtrace.detectors.claims.unending_care import CareThresholds, unending_care
from ringtrace.detectors.detector import Context, Draft, Gap
from ringtrace.detectors.packs.sales import net_sale_lines
from ringtrace.detectors.rings.ties import CROWDED
from ringtrace.detectors.scoring import LEAD_SCORE, ORANGE, logistic
from ringtrace.findings import Check, EvidenceRef, Member, Message, Reason, Value
from ringtrace.workspace import has_rows

ADDED_UP = "N05"
"""ATC: sleeping pills, sedatives and their kin. Who goes from doctor to doctor for them takes what each one gives."""


@dataclass(frozen=True)
class Thresholds(VisitThresholds, CareThresholds):
    """`window_days`: days within which the fullest supply is sought; `least_days` it is spread over at the least.
    `most_ddd`: defined daily doses a day beyond which no body is supplied.
    `peer_quantile`, `over_peers`: and beyond so many times what the heaviest of the peers draw.
    `fewest_places`: institutions over which it was drawn.
    `least_score`: score below which a supply makes no finding.
    `fewest_peers`: those who draw the substance from which peers count.
    `most_relatives`: of the household who may need the same drug and never get it on their own card: both parents.
    """

    window_days: int = 180
    least_days: int = 90
    most_ddd: float = 3.0
    peer_quantile: float = 0.95
    over_peers: float = 1.5
    fewest_places: int = 3
    fewest_peers: int = 30
    most_relatives: int = 2
    least_score: float = 0.4


@dataclass(frozen=True, slots=True)
class _Supply:
    pair: int
    substance: str
    ddd: float
    packs: float
    since: datetime
    until: datetime
    days: int
    places: int
    spread: float
    draws: int
    relatives: int
    residents: int
    counter: bool  # sold over the counter, without prescription
    limit: float
    peers: int


class Overuse:
    """Supply = sum of packs × DDD a pack over the fullest half-year, per day and per person who may take it.

    The WHO's defined daily dose is the average maintenance dose of an adult (WHO Collaborating Centre for Drug
    Statistics Methodology); some need several times it, so the limit is a multiple of it and of the heaviest peers,
    whichever is higher. Packs of one substance (seven characters of the ATC code) add up over makers and institutions.
    Where no substance among sleeping pills and sedatives is too much by itself, all of them add up (`ADDED_UP`).
    Who buys for others has a usual shop; who sells on goes where nobody knows what the last one gave. So the supply
    counts by how evenly it is spread over institutions: their effective number, (Σ doses)² / Σ doses². And by how often
    it was drawn: a large pack or a trip's reserve is one draw, and who cannot get enough is back the next week. What
    needs no prescription (calcium, vitamins) is bought for others and hoarded, and stays a lead. Refunds and split
    packs are taken off; members of the household who draw none of that substance, and all residents of the
    person's care home, may be supplied on the same card.
    """

    kind: ClassVar[str] = "overuse"
    version: ClassVar[str] = "4"

    def __init__(self, thresholds: Thresholds | None = None) -> None:
        self.thresholds = thresholds or Thresholds()

    def detect(self, tables: duckdb.DuckDBPyConnection, context: Context) -> Iterable[Draft]:
        unending = list(unending_care(tables, self.thresholds))
        yield from unending
        named = {draft.anchors for draft in unending}
        yield from (draft for draft in frequent_visits(tables, self.thresholds) if draft.anchors not in named)
        net_sale_lines(tables)
        self._fullest_windows(tables)
        drawn = tables.execute("SELECT substance, ddd FROM fullest").fetchnumpy()
        if not len(drawn["substance"]):
            context.gaps.append(Gap(self.kind, Message("claims.gap.no_ddd")))
            return
        if not has_rows(tables, "persons"):
            context.gaps.append(Gap(self.kind, Message("claims.gap.no_persons_overuse")))
        limits = self._limits(np.asarray(drawn["substance"], dtype=str), np.asarray(drawn["ddd"], dtype=float))
        rows = tables.execute(
            """
            WITH most AS (
                SELECT f.*, l.psn_no FROM fullest f
                JOIN (SELECT pair, any_value(psn_no) AS psn_no FROM heavy_draws GROUP BY 1) l ON l.pair = f.pair
                WHERE f.ddd > $most AND f.places >= $places
            ), family AS (  -- those who did not get the same themselves; a household of hundreds is a placeholder's
                SELECT f.pair, count(*) AS relatives FROM most f
                JOIN persons o ON o.psn_no = f.psn_no
                JOIN persons m ON m.hh_no = o.hh_no AND m.psn_no <> o.psn_no
                LEFT JOIN fullest g ON g.pair = hash(m.psn_no, f.substance)
                WHERE g.pair IS NULL GROUP BY f.pair
            ), home AS (
                SELECT f.pair, count(*) AS residents FROM most f
                JOIN persons o ON o.psn_no = f.psn_no
                JOIN persons m ON m.care_inst = o.care_inst AND m.psn_no <> o.psn_no GROUP BY f.pair
            )
            SELECT f.psn_no, f.pair, f.substance, f.ddd, f.packs, f.since, f.until, f.days, f.places, f.spread, f.draws,
                   if(a.relatives < $crowd, a.relatives, 0), coalesce(h.residents, 0), coalesce(c.counter, false)
            FROM most f LEFT JOIN family a ON a.pair = f.pair LEFT JOIN home h ON h.pair = f.pair
            LEFT JOIN (
                SELECT h.pair, bool_and(d.rx_flag = '0') AS counter FROM heavy_draws h
                JOIN sale_lines l ON l.line = h.line JOIN drugs d ON d.med_list_codg = l.drug
                WHERE h.pair IN (SELECT pair FROM most) GROUP BY 1
            ) c ON c.pair = f.pair
            ORDER BY f.psn_no, round(f.ddd, 6) DESC, f.substance
            """,
            {
                "most": self.thresholds.most_ddd,
                "places": self.thresholds.fewest_places,
                "crowd": CROWDED["hh_no"],
            },
        ).fetchall()
        people: dict[str, list[_Supply]] = defaultdict(list)
        for person, *row in rows:
            supply = _Supply(*[*row, *limits[row[1]]])
            # Rows come with the largest supply first, and the group's is no smaller than that of its substances.
            if supply.ddd > supply.limit and self._score(supply) >= self.thresholds.least_score:
                people[person] = [
                    each for each in people[person] if each.substance != supply.substance[: len(ADDED_UP)]
                ]
                people[person].append(supply)
        leading = context.accused("drug_resale")  # it tells where their packs went
        for person, supplies in people.items():
            yield self._draft(tables, person, sorted(supplies, key=self._score, reverse=True), person in leading)

    def _score(self, supply: _Supply) -> float:
        score = overuse_score(supply.ddd / supply.limit, supply.spread, supply.draws, shared=self._shared(supply))
        lead = supply.counter or (supply.residents and self._shared(supply))
        return min(score, LEAD_SCORE) if lead else score

    def _shared(self, supply: _Supply) -> bool:
        others = min(supply.relatives, self.thresholds.most_relatives) + supply.residents
        return others > 0 and supply.ddd / (1 + others) <= self.thresholds.most_ddd / 2

    def _fullest_windows(self, tables: duckdb.DuckDBPyConnection) -> None:
        """Make `heavy_draws`, the lines of people who got more of a substance than `least_days` doses, and `fullest`.

        `fullest`: per `pair` (hash of person and `substance`) the window with most supply: `ddd` a day, `packs`,
        `since`, `until`, `days` that it is spread over, `places`, their effective number `spread`, and `draws`,
        the days on which it was drawn, each place's by itself.
        """
        least, days = self.thresholds.least_days, self.thresholds.window_days
        tables.execute(f"""
            CREATE OR REPLACE TEMP TABLE dosed AS
            SELECT med_list_codg AS drug, coalesce(left(atc_code, 7), med_list_codg) AS substance, pack_ddd
            FROM drugs WHERE pack_ddd > 0
            UNION ALL SELECT med_list_codg, left(atc_code, {len(ADDED_UP)}), pack_ddd
            FROM drugs WHERE pack_ddd > 0 AND starts_with(atc_code, '{ADDED_UP}');
            CREATE OR REPLACE TEMP TABLE heavy_draws AS
            WITH heavy AS (  -- who has no {least} doses in all has none in a window
                SELECT hash(l.psn_no, d.substance) AS pair FROM sale_lines l JOIN dosed d ON d.drug = l.drug
                WHERE NOT l.split GROUP BY 1 HAVING sum(l.cnt * d.pack_ddd) > {least}
            )
            SELECT hash(l.psn_no, d.substance) AS pair, l.psn_no, d.substance, l.line, l.shop, l.t, l.cnt AS packs,
                   CAST(l.cnt * d.pack_ddd AS DOUBLE) AS doses
            FROM sale_lines l JOIN dosed d ON d.drug = l.drug
            WHERE NOT l.split AND hash(l.psn_no, d.substance) IN (FROM heavy);
            CREATE OR REPLACE TEMP TABLE fullest AS
            WITH windows AS (
                SELECT pair, t AS since, sum(doses) OVER w AS doses FROM heavy_draws
                WINDOW w AS (PARTITION BY pair ORDER BY t
                             RANGE BETWEEN CURRENT ROW AND INTERVAL {days} DAYS FOLLOWING)
            ), best AS (
                -- Rounded, for equal windows would else win by the last digit, which the order of a sum decides.
                SELECT pair, arg_max(since, (round(doses, 6), since)) AS since FROM windows
                GROUP BY 1 HAVING max(doses) > {least}
            ), by_place AS (
                SELECT pair, shop, any_value(substance) AS substance, sum(doses) AS doses, sum(packs) AS packs,
                       count(DISTINCT CAST(t AS DATE)) AS draws, min(t) AS since, max(t) AS until
                FROM heavy_draws l JOIN best USING (pair)
                WHERE l.t BETWEEN best.since AND best.since + INTERVAL {days} DAYS GROUP BY 1, 2
            ), summed AS (
                SELECT pair, any_value(substance) AS substance, sum(packs) AS packs, sum(doses) AS doses,
                       min(since) AS since, max(until) AS until, CAST(sum(draws) AS INTEGER) AS draws,
                       count(*) AS places, sum(doses) ** 2 / sum(doses ** 2) AS spread
                FROM by_place GROUP BY 1
            )
            SELECT pair, substance, doses / days AS ddd, packs, since, until, days, places, spread, draws FROM (
                SELECT *, greatest({least}, date_diff('day', since, until)) AS days FROM summed)
            WHERE doses > days
        """)

    def _limits(self, substances: NDArray[np.str_], ddd: NDArray[np.float64]) -> dict[str, tuple[float, int]]:
        """Limit (DDD a day) of each substance and its peers: those who draw more than one DDD a day of it."""
        found: dict[str, tuple[float, int]] = {}
        for substance in np.unique(substances):
            own = ddd[substances == substance]
            heavy = (
                float(np.quantile(own, self.thresholds.peer_quantile))
                if len(own) >= self.thresholds.fewest_peers
                else 0.0
            )
            found[str(substance)] = (max(self.thresholds.most_ddd, self.thresholds.over_peers * heavy), len(own))
        return found

    def _draft(
        self, tables: duckdb.DuckDBPyConnection, person: str, supplies: Sequence[_Supply], reseller: bool
    ) -> Draft:
        worst = supplies[0]
        lines = dict.fromkeys(  # a line may be of a substance and of the group that is added up
            line
            for each in supplies
            for line in tables.execute(
                "SELECT l.key, l.place, l.retail, l.drug FROM heavy_draws h JOIN sale_lines l ON l.line = h.line "
                "WHERE h.pair = ? AND h.t BETWEEN ? AND ? ORDER BY l.t, l.key",
                [each.pair, each.since, each.until],
            ).fetchall()
        )
        score, shared = self._score(worst), self._shared(worst)
        if reseller:  # the finding on where the packs went explains it better
            score = min(score, LEAD_SCORE)
        values: dict[str, Value] = {
            "person": person, "drug": worst.substance, "ddd": round(worst.ddd, 1), "limit": round(worst.limit, 1),
            "packs": round(worst.packs, 1), "places": worst.places, "relatives": worst.relatives,
            "residents": worst.residents, "peers": worst.peers,
            "spread": round(worst.spread, 1), "draws": worst.draws, "monthly": round(worst.days / 30),
            "days": worst.days, "others": len(supplies) - 1,
        }  # fmt: skip
        kinds = {place: retail for _, place, retail, _ in lines}
        return Draft(
            anchors=(person, "supply"),
            level="orange" if score >= ORANGE else "yellow",
            score=score,
            title=Message("claims.ddd.title", values),
            summary=Message("claims.ddd.summary", values),
            first_time=min(each.since for each in supplies),
            last_time=max(each.until for each in supplies),
            members=(
                Member("Patient", person, "overuser"),
                *(Member("Drug", drug, "drug") for drug in sorted({drug for *_, drug in lines})),
                *(Member("Pharmacy" if kinds[place] else "Hospital", place, "witness") for place in sorted(kinds)),
            ),
            reasons=(
                Reason("too_much", Message("claims.ddd.reason", values), round(worst.ddd, 2), 1.0,
                       ratio=round(worst.ddd, 2)),
                Reason("beyond_peers", Message("claims.ddd.peers", values), round(worst.ddd, 2), round(worst.limit, 2),
                       ratio=round(worst.ddd / worst.limit, 2)),
                Reason("several_places", Message("claims.ddd.places", values), round(worst.spread, 1), 1),
                Reason("many_draws", Message("claims.ddd.draws", values), worst.draws, values["monthly"]),
            ),
            counter_evidence=(
                Check("household", "partly" if shared and worst.relatives else "does_not_explain",
                      Message("claims.ddd.check.household", values), worst.relatives),
                Check("care_home", "partly" if shared and worst.residents else "does_not_explain",
                      Message("claims.ddd.check.care_home", values), worst.residents),
                Check("over_the_counter", "partly" if worst.counter else "does_not_explain",
                      Message("claims.ddd.check.over_the_counter", values)),
                Check("high_dose", "does_not_explain" if worst.peers >= self.thresholds.fewest_peers else "unknown",
                      Message("claims.ddd.check.high_dose", values), round(worst.ddd, 2), round(worst.limit, 2)),
                Check("resale", "partly" if reseller else "does_not_explain",
                      Message("claims.ddd.check.resale" if reseller else "claims.ddd.check.no_resale", values)),
            ),
            evidence=tuple(EvidenceRef("settlement_items", key) for key, *_ in lines),
        )  # fmt: skip


def overuse_score(over_limit: float, spread: float, draws: int, *, shared: bool) -> float:
    """Logit = −0.8 + 2·ln(supply / limit) + 3.7·ln(places / 4) + 3.5·ln(draws / 20) − 0.5 if others may share

    the supply; at most 0.85. `spread` is the effective number of places.
    """
    logit = -0.8 + 2.0 * log(over_limit) + 3.7 * log(spread / 4) + 3.5 * log(draws / 20) - 0.5 * shared
    return min(0.85, logistic(logit))
