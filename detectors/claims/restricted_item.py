"""Restricted items: drugs for one sex, settled for a person of the other."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from math import log
from typing import ClassVar

import duckdb
from scipy.stats import binom

from ringtrace.detectors.detector import Context, Draft, Gap
from ringtrace.detectors.packs.sales import net_sale_lines
from ringtrace.detectors.scoring import LEAD_SCORE, ORANGE, logistic
from ringtrace.findings import Check, EvidenceRef, Level, Member, Message, Reason, Value


@dataclass(frozen=True, slots=True)
class Thresholds:
    """`fewest_lines`, `fewest_people`: at one place, for a finding.
    `again`: lines at the place from which a person is named: one may be a spouse's, or unknown to the card's owner.
    `one_drug`: part of the lines that one substance may make up; beyond it doctors may mean it (tamsulosin for women's
    stones, letrozole for men) or families fetch it, and the finding stays yellow; unless hardly anybody else's do.
    `meant_at`: other places at which somebody of the other sex comes back for that substance, from which on it is
    taken to be meant.
    `highest_p`: chance at the rate of all other places, after Bonferroni over places.
    `prior_lines`: weight, in lines, of an assumed half case elsewhere.
    """

    fewest_lines: int = 5
    fewest_people: int = 3
    again: int = 2
    one_drug: float = 0.9
    meant_at: int = 3
    highest_p: float = 0.01
    prior_lines: float = 100.0


@dataclass(frozen=True, slots=True)
class _Line:
    key: str
    person: str
    drug: str
    substance: str
    retail: bool
    time: datetime
    relative: bool  # somebody of the fitting sex in the same household


class RestrictedItem:
    """A place's share of sex-restricted lines that went to the other sex, against the share at all other places.

    Binomial upper tail, Bonferroni over places. Lines for people whose ID number or whose own history contradicts the
    recorded sex are taken off: there the register is wrong. One line here and there is a spouse's medicine on the wrong
    card and makes no finding. Who settled such drugs there again is named; others only appear. Nearly everyone has a
    relative of the other sex, but families and doctors keep to one drug: what covers for other goods is anything, or
    one drug that nobody of that sex comes back for elsewhere, as use beyond the label and errands have no one place.
    """

    kind: ClassVar[str] = "restricted_item"
    version: ClassVar[str] = "3"

    def __init__(self, thresholds: Thresholds | None = None) -> None:
        self.thresholds = thresholds or Thresholds()

    def detect(self, tables: duckdb.DuckDBPyConnection, context: Context) -> Iterable[Draft]:
        net_sale_lines(tables)
        counted = tables.execute("""
            SELECT (SELECT count(*) FROM drugs WHERE lmt_gend IN ('1', '2')),
                   (SELECT count(*) FROM persons WHERE gend IN ('1', '2'))
        """).fetchall()
        if not all(counted[0]):
            context.gaps.append(Gap(self.kind, Message("claims.gap.no_sex")))
            return
        total, wrong, registers = self._lines(tables)
        again = self._again(tables)
        every = sum(total.values())
        seen = {place: len(lines) for place, lines in wrong.items()}
        for place, lines in sorted(wrong.items()):
            rate = (sum(seen.values()) - seen[place] + 0.5) / (every - total[place] + self.thresholds.prior_lines)
            p_value = min(1.0, len(total) * float(binom.sf(len(lines) - 1, total[place], min(1.0, rate))))
            people = {line.person for line in lines}
            if (
                len(lines) >= self.thresholds.fewest_lines
                and len(people) >= self.thresholds.fewest_people
                and p_value <= self.thresholds.highest_p
            ):
                yield self._draft(place, lines, total[place], rate * total[place], p_value, registers, again)

    def _lines(self, tables: duckdb.DuckDBPyConnection) -> tuple[dict[str, int], dict[str, list[_Line]], int]:
        """Restricted lines a place, those that went to the other sex, and how many a wrong register explains."""
        tables.execute("""
            CREATE OR REPLACE TEMP TABLE restricted AS
            SELECT l.key, l.place, l.psn_no, l.drug, coalesce(left(d.atc_code, 7), d.drug_genname, l.drug) AS substance,
                   l.retail, l.t, d.lmt_gend AS fits, p.gend, p.hh_no,
                   p.gend <> d.lmt_gend AS wrong,
                   length(p.certno) = 18 AND (CASE WHEN ascii(substr(p.certno, 17, 1)) % 2 = 1 THEN '1' ELSE '2' END)
                   <> p.gend AS contradicted
            FROM sale_lines l JOIN drugs d ON d.med_list_codg = l.drug JOIN persons p ON p.psn_no = l.psn_no
            WHERE d.lmt_gend IN ('1', '2') AND p.gend IN ('1', '2')
        """)
        # Two or more restricted drugs over time, all for the other sex and none for the recorded one.
        tables.execute("""
            CREATE OR REPLACE TEMP TABLE doubtful AS
            SELECT psn_no FROM restricted GROUP BY 1
            HAVING bool_or(contradicted)
                OR (bool_and(wrong) AND count(DISTINCT drug) >= 2 AND count(DISTINCT place) >= 2)
        """)
        total = dict(tables.execute("SELECT place, count(*) FROM restricted GROUP BY 1").fetchall())
        rows = tables.execute("""
            SELECT r.place, r.key, r.psn_no, r.drug, r.substance, r.retail, r.t,
                   EXISTS (SELECT 1 FROM persons f WHERE f.hh_no = r.hh_no AND f.gend = r.fits)
            FROM restricted r ANTI JOIN doubtful USING (psn_no) WHERE r.wrong ORDER BY r.place, r.t, r.key
        """).fetchall()
        found: dict[str, list[_Line]] = defaultdict(list)
        for place, *line in rows:
            found[place].append(_Line(*line))
        registers = tables.execute("SELECT count(*) FROM restricted SEMI JOIN doubtful USING (psn_no) WHERE wrong")
        return total, found, int(registers.fetchall()[0][0])

    def _again(self, tables: duckdb.DuckDBPyConnection) -> dict[str, set[str]]:
        """Of each substance: the places at which somebody of the other sex came back for it."""
        found: dict[str, set[str]] = defaultdict(set)
        for substance, place in tables.execute(
            "SELECT DISTINCT substance, place FROM (SELECT substance, place FROM restricted ANTI JOIN doubtful "
            "USING (psn_no) WHERE wrong GROUP BY substance, place, psn_no HAVING count(DISTINCT CAST(t AS DATE)) >= ?)",
            [self.thresholds.again],
        ).fetchall():
            found[substance].add(place)
        return found

    def _draft(
        self,
        place: str,
        lines: Sequence[_Line],
        total: int,
        expected: float,
        p_value: float,
        registers: int,
        again: Mapping[str, set[str]],
    ) -> Draft:
        relatives = sum(line.relative for line in lines)
        people = sorted({line.person for line in lines})
        score = restricted_score(len(lines), expected, relatives / len(lines))
        ((substance, most),) = Counter(line.substance for line in lines).most_common(1)
        one_drug, elsewhere = most / len(lines), len(again[substance] - {place})
        meant = one_drug > self.thresholds.one_drug and elsewhere >= self.thresholds.meant_at
        if meant:
            score = min(score, LEAD_SCORE)
        level: Level = "orange" if score >= ORANGE else "yellow"
        often = Counter(line.person for line in lines)
        values: dict[str, Value] = {
            "place": place, "n": len(lines), "total": total, "people": len(people), "expected": round(expected, 2),
            "relatives": relatives, "registers": registers, "share": round(one_drug, 3),
            "elsewhere": elsewhere,
        }  # fmt: skip
        return Draft(
            anchors=(place,),
            level=level,
            score=score,
            title=Message("claims.sex.title", values),
            summary=Message("claims.sex.summary", values),
            first_time=min(line.time for line in lines),
            last_time=max(line.time for line in lines),
            members=(
                Member("Pharmacy" if lines[0].retail else "Hospital", place, "provider"),
                *(
                    Member("Patient", person, *(("card_holder", 0.5) if repeated else ("witness", 0.3)))
                    for person, repeated in ((each, often[each] >= self.thresholds.again) for each in people)
                ),
                *(Member("Drug", drug, "drug") for drug in sorted({line.drug for line in lines})),
            ),
            reasons=(
                Reason("other_sex", Message("claims.sex.reason", values), len(lines), round(expected, 3),
                       p_value=p_value),
            ),
            counter_evidence=(
                Check("one_drug", "partly" if meant else "does_not_explain",
                      Message("claims.sex.check.one_drug", values), round(one_drug, 3), self.thresholds.one_drug),
                Check("relative", "partly" if relatives else "does_not_explain",
                      Message("claims.sex.check.relative", values), relatives),
                Check("wrong_register", "partly" if registers else "does_not_explain",
                      Message("claims.sex.check.wrong_register", values), registers),
            ),
            evidence=tuple(EvidenceRef("settlement_items", line.key) for line in lines),
        )  # fmt: skip


def restricted_score(lines: int, expected: float, relatives: float) -> float:
    """Logit = −1 + 0.9·ln(1 + lines beyond chance) − 0.3·share of lines with a relative of the fitting sex."""
    return logistic(-1.0 + 0.9 * log(1 + max(0.0, lines - expected)) - 0.3 * relatives)
