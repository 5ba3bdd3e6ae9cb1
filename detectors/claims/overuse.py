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
from ringtrace.detectors.detector import Context, Draft, Gap
from ringtrace.detectors.packs.sales import net_sale_lines
from ringtrace.detectors.rings.ties import CROWDED
from ringtrace.detectors.scoring import ORANGE, logistic
from ringtrace.findings import Check, EvidenceRef, Member, Message, Reason, Value
from ringtrace.workspace import has_rows


@dataclass(frozen=True)
class Thresholds(VisitThresholds):
    """`window_days`: days over which supply is compared with need.
    `most_ddd`: defined daily doses a day beyond which no body is supplied.
    `peer_quantile`, `over_peers`: and beyond so many times what the heaviest of the peers draw.
    `fewest_places`: institutions over which it was drawn.
    `least_score`: score below which a supply makes no finding.
    `fewest_peers`: buyers of the drug from which peers count.
    """

    window_days: int = 90
    most_ddd: float = 3.0
    peer_quantile: float = 0.95
    over_peers: float = 1.5
    fewest_places: int = 3
    fewest_peers: int = 30
    least_score: float = 0.4


@dataclass(frozen=True, slots=True)
class _Supply:
    drug: str
    ddd: float
    packs: float
    since: datetime
    until: datetime
    places: int
    relatives: int
    residents: int
    limit: float
    peers: int


class Overuse:
    """Supply = sum of packs × DDD a pack over the fullest window, per day and per person who may take it.

    The WHO's defined daily dose is the average maintenance dose of an adult (WHO Collaborating Centre for Drug
    Statistics Methodology); some need twice it, so the limit is a multiple of it and of the heaviest peers, whichever
    is higher. Refunds and split packs are taken off; members of the household who draw none of that drug, and all
    residents of the person's care home, may be supplied on the same card.
    """

    kind: ClassVar[str] = "overuse"
    version: ClassVar[str] = "1"

    def __init__(self, thresholds: Thresholds | None = None) -> None:
        self.thresholds = thresholds or Thresholds()

    def detect(self, tables: duckdb.DuckDBPyConnection, context: Context) -> Iterable[Draft]:
        yield from frequent_visits(tables, self.thresholds)
        net_sale_lines(tables)
        self._fullest_windows(tables)
        drawn = tables.execute("SELECT drug, ddd FROM fullest").fetchnumpy()
        if not len(drawn["drug"]):
            context.gaps.append(Gap(self.kind, Message("claims.gap.no_ddd")))
            return
        if not has_rows(tables, "persons"):
            context.gaps.append(Gap(self.kind, Message("claims.gap.no_persons_overuse")))
        limits = self._limits(np.asarray(drawn["drug"], dtype=str), np.asarray(drawn["ddd"], dtype=float))
        rows = tables.execute(
            """
            SELECT f.psn_no, f.drug, f.ddd, f.packs, f.since, f.until, f.places,
                   (SELECT count(*) FROM persons m JOIN persons o ON o.hh_no = m.hh_no
                    WHERE o.psn_no = f.psn_no AND m.psn_no <> f.psn_no
                      AND NOT EXISTS (SELECT 1 FROM fullest g WHERE g.psn_no = m.psn_no AND g.drug = f.drug)),
                   (SELECT count(*) FROM persons m JOIN persons o ON o.care_inst = m.care_inst
                    WHERE o.psn_no = f.psn_no AND m.psn_no <> f.psn_no)
            FROM fullest f WHERE f.ddd > ? AND f.places >= ? ORDER BY f.psn_no, f.ddd DESC, f.drug
            """,
            [self.thresholds.most_ddd, self.thresholds.fewest_places],
        ).fetchall()
        people: dict[str, list[_Supply]] = defaultdict(list)
        for person, drug, ddd, packs, since, until, places, relatives, residents in rows:
            limit, peers = limits[drug]
            # A household of hundreds is a placeholder in the register, and nobody's family.
            family = relatives if relatives < CROWDED["hh_no"] else 0
            supply = _Supply(drug, ddd, packs, since, until, places, family, residents, limit, peers)
            if ddd > limit and self._score(supply) >= self.thresholds.least_score:
                people[person].append(supply)
        for person, supplies in people.items():
            yield self._draft(tables, person, sorted(supplies, key=self._score, reverse=True))

    def _score(self, supply: _Supply) -> float:
        return overuse_score(supply.ddd / supply.limit, supply.places, shared=self._shared(supply))

    def _shared(self, supply: _Supply) -> bool:
        others = supply.relatives + supply.residents
        return others > 0 and supply.ddd / (1 + others) <= self.thresholds.most_ddd / 2

    def _fullest_windows(self, tables: duckdb.DuckDBPyConnection) -> None:
        """Make `fullest`: of each person and drug the window with most supply: DDD a day, packs, days, places."""
        days = self.thresholds.window_days
        tables.execute(f"""
            CREATE OR REPLACE TEMP TABLE fullest AS
            WITH dosed AS (SELECT med_list_codg AS drug, pack_ddd FROM drugs WHERE pack_ddd > 0
            ), heavy AS (  -- who has no {days} doses in all has none in a window
                SELECT hash(l.psn_no, l.drug) AS pair FROM sale_lines l JOIN dosed d ON d.drug = l.drug
                WHERE NOT l.split GROUP BY 1 HAVING sum(l.cnt * d.pack_ddd) > {days}
            ), bought AS (
                SELECT l.psn_no, l.drug, l.t, l.place, l.cnt AS packs, l.cnt * d.pack_ddd AS ddd
                FROM sale_lines l JOIN dosed d ON d.drug = l.drug
                WHERE NOT l.split AND hash(l.psn_no, l.drug) IN (FROM heavy)
            ), windows AS (
                SELECT psn_no, drug, t AS since, max(t) OVER w AS until, sum(ddd) OVER w AS ddd,
                       sum(packs) OVER w AS packs
                FROM bought
                WINDOW w AS (PARTITION BY psn_no, drug ORDER BY t
                             RANGE BETWEEN CURRENT ROW AND INTERVAL {days} DAYS FOLLOWING)
            ), best AS (
                SELECT psn_no, drug,
                       arg_max({{'since': since, 'until': until, 'ddd': ddd, 'packs': packs}}, (ddd, since)) AS b
                FROM windows GROUP BY ALL
            )
            SELECT best.psn_no, best.drug, b.since, b.until, b.ddd / {days} AS ddd, b.packs,
                   (SELECT count(DISTINCT place) FROM bought x WHERE x.psn_no = best.psn_no AND x.drug = best.drug
                    AND x.t BETWEEN b.since AND b.until) AS places
            FROM best WHERE b.ddd > {days}
        """)

    def _limits(self, drugs: NDArray[np.str_], ddd: NDArray[np.float64]) -> dict[str, tuple[float, int]]:
        """Limit (DDD a day) of each drug and the number of its peers: those who draw more than one DDD a day of it."""
        found: dict[str, tuple[float, int]] = {}
        for drug in np.unique(drugs):
            own = ddd[drugs == drug]
            heavy = (
                float(np.quantile(own, self.thresholds.peer_quantile))
                if len(own) >= self.thresholds.fewest_peers
                else 0.0
            )
            found[str(drug)] = (max(self.thresholds.most_ddd, self.thresholds.over_peers * heavy), len(own))
        return found

    def _draft(self, tables: duckdb.DuckDBPyConnection, person: str, supplies: Sequence[_Supply]) -> Draft:
        worst = supplies[0]
        lines = [
            line
            for each in supplies
            for line in tables.execute(
                "SELECT key, place, retail FROM sale_lines "
                "WHERE psn_no = ? AND drug = ? AND t BETWEEN ? AND ? AND NOT split ORDER BY t, key",
                [person, each.drug, each.since, each.until],
            ).fetchall()
        ]
        score, shared = self._score(worst), self._shared(worst)
        values: dict[str, Value] = {
            "person": person, "drug": worst.drug, "ddd": round(worst.ddd, 1), "limit": round(worst.limit, 1),
            "packs": round(worst.packs, 1), "places": worst.places, "relatives": worst.relatives,
            "residents": worst.residents, "peers": worst.peers,
            "days": self.thresholds.window_days, "others": len(supplies) - 1,
        }  # fmt: skip
        kinds = {place: retail for _, place, retail in lines}
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
                *(Member("Drug", drug, "drug") for drug in sorted(each.drug for each in supplies)),
                *(Member("Pharmacy" if kinds[place] else "Hospital", place, "witness") for place in sorted(kinds)),
            ),
            reasons=(
                Reason("too_much", Message("claims.ddd.reason", values), round(worst.ddd, 2), 1.0,
                       ratio=round(worst.ddd, 2)),
                Reason("beyond_peers", Message("claims.ddd.peers", values), round(worst.ddd, 2), round(worst.limit, 2),
                       ratio=round(worst.ddd / worst.limit, 2)),
                Reason("several_places", Message("claims.ddd.places", values), worst.places, 1),
            ),
            counter_evidence=(
                Check("household", "partly" if shared and worst.relatives else "does_not_explain",
                      Message("claims.ddd.check.household", values), worst.relatives),
                Check("care_home", "partly" if shared and worst.residents else "does_not_explain",
                      Message("claims.ddd.check.care_home", values), worst.residents),
                Check("high_dose", "does_not_explain" if worst.peers >= self.thresholds.fewest_peers else "unknown",
                      Message("claims.ddd.check.high_dose", values), round(worst.ddd, 2), round(worst.limit, 2)),
            ),
            evidence=tuple(EvidenceRef("settlement_items", key) for key, _, _ in lines),
        )  # fmt: skip


def overuse_score(over_limit: float, places: int, *, shared: bool) -> float:
    """Logit = −1.6 + 1.2·ln(supply / limit) + 1.3·ln(places / 2) − 1.5 if others may share; at most 0.85."""
    return min(0.85, logistic(-1.6 + 1.2 * log(over_limit) + 1.3 * log(places / 2) - 1.5 * shared))
