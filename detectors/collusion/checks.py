"""Innocent explanations of a pharmacy's oddities, each a named check whose outcome stands on the finding."""

from __future__ import annotations

from typing import Final

import duckdb
import numpy as np
from numpy.typing import NDArray

from ringtrace.detectors.collusion.evidence import GOODS, KEPT, Evidence
from ringtrace.detectors.collusion.goods import cited_goods, resold_goods, same_goods
from ringtrace.detectors.collusion.shops import Shop
from ringtrace.detectors.collusion.signals import VISIT_SIGNALS
from ringtrace.findings import Check, Message, Outcome, Value

SPECIAL: Final = 5.0
"""Times the price of the city's middle drug from which a prescription drug is one for which people travel."""

RETURNS: Final = 4.0
"""Expected feigned visits of the average accused from which they come back for them, and do not only shop there."""

STRAY_PART: Final = 0.1
"""Missing codes are stray beside codes that repeat while they are worth up to this part of these."""


def innocent_checks(
    tables: duckdb.DuckDBPyConnection,
    shop: Shop,
    evidence: Evidence,
    cited: NDArray[np.int64],
    chosen: NDArray[np.int64],
) -> tuple[Check, ...]:
    """Careless ledger, careless scanning, night shop, fixed-price kit, one household, goods without packs for all,
    a special-drug pharmacy, resold goods for those who need them, passers-by, customers of a kept code.
    """
    goods = cited_goods(tables, shop, cited, chosen)
    return (
        _everywhere(shop, cited, "unrecorded", "careless_ledger"),
        _everywhere(shop, cited, "uncoded", "careless_scanning"),
        _everywhere(shop, cited, "off_hours", "night_shop"),
        _kit(tables, shop, cited),
        _household(tables, shop, chosen),
        same_goods(goods, evidence),
        special_drugs(tables, shop, evidence, chosen),
        resold_goods(tables, shop, evidence, cited, goods),
        passers_by(shop, evidence),
        kept_code(shop, evidence, chosen),
    )


def _everywhere(shop: Shop, cited: NDArray[np.int64], signal: str, code: str) -> Check:
    """Does the signal belong to the shop as a whole? Then it is as common on the visits that are not cited."""
    column = shop.visits[:, VISIT_SIGNALS.index(signal)]
    here, others = column[cited], np.delete(column, cited)
    here, others = here[~np.isnan(here)], others[~np.isnan(others)]
    if not len(here) or not len(others):
        return Check(code, "unknown", Message(f"pharmacy.check.{code}.unknown"))
    seen, usual = float(here.mean()), float(others.mean())
    outcome: Outcome = "partly" if usual >= 0.2 and usual >= 0.4 * seen else "does_not_explain"
    return Check(
        code,
        outcome,
        Message(f"pharmacy.check.{code}", {"seen": seen, "usual": usual}),
        round(seen, 4),
        round(usual, 4),
    )


def _kit(tables: duckdb.DuckDBPyConnection, shop: Shop, cited: NDArray[np.int64]) -> Check:
    """Of the cited visits whose total repeats, the part that the shop sells all year as one and the same basket."""
    row = tables.execute(
        """
        WITH baskets AS (
            SELECT visit, bit_xor(hash(drug, cnt)) AS basket FROM sale_lines WHERE shop = hash($place) GROUP BY 1
        ), kits AS (
            SELECT total FROM till_numbered v JOIN baskets g USING (visit) WHERE shop = hash($place)
            GROUP BY total HAVING count(*) >= 10 AND count(DISTINCT basket) <= 0.2 * count(*)
               AND count(DISTINCT date_trunc('month', t)) >= 4 AND count(DISTINCT pair) >= 0.6 * count(*)
        )
        SELECT avg(CAST(total IN (FROM kits) AS INTEGER)) FROM till_numbered
        WHERE repeated = 1 AND list_contains($rows, row)
        """,
        {"place": shop.place, "rows": shop.rows[cited].tolist()},
    ).fetchone()
    share = float(row[0] or 0.0) if row else 0.0
    outcome: Outcome = "partly" if share >= 0.3 else "does_not_explain"
    return Check("fixed_price_kit", outcome, Message("pharmacy.check.kit", {"share": share}), round(share, 4))


def _household(tables: duckdb.DuckDBPyConnection, shop: Shop, chosen: NDArray[np.int64]) -> Check:
    """Are these buyers one family? Relatives come together, pay together and share habits."""
    people = [shop.people[index] for index in chosen]
    row = tables.execute(
        "SELECT count(hh_no), count(DISTINCT hh_no) FROM persons WHERE list_contains(?, psn_no)", [people]
    ).fetchone()
    known, households = row if row else (0, 0)
    if not known:
        return Check("one_household", "unknown", Message("pharmacy.check.household.unknown"))
    outcome: Outcome = "partly" if households <= max(1, known // 3) else "does_not_explain"
    return Check(
        "one_household",
        outcome,
        Message("pharmacy.check.household", {"buyers": len(people), "households": households}),
        households,
        None,
    )


def special_drugs(
    tables: duckdb.DuckDBPyConnection, shop: Shop, evidence: Evidence, chosen: NDArray[np.int64]
) -> Check:
    """Is this a pharmacy for special drugs (DTP), and are its buyers patients who fetch their own course there?

    Such a shop has few clients from far away, each with one dear drug on prescription at regular intervals. It
    explains where half of the spending of these buyers is on such drugs, seven in ten of them keep to one substance at
    even intervals (three purchases, deviation of the gaps at most half their mean), and no sign says that goods were
    missing.
    """
    row = tables.execute(
        """
        WITH prices AS (
            SELECT drug, sum(amount) / sum(cnt) AS price FROM sale_lines WHERE retail AND NOT split GROUP BY 1
        ), usual AS (SELECT median(price) AS price FROM prices
        ), mine AS (
            SELECT l.psn_no, left(d.atc_code, 5) AS substance, CAST(l.t AS DATE) AS day, l.amount,
                   p.price >= $special * u.price AND d.rx_flag IS DISTINCT FROM '0' AS special
            FROM sale_lines l JOIN drugs d ON d.med_list_codg = l.drug JOIN prices p ON p.drug = l.drug
            CROSS JOIN usual u
            WHERE l.shop = hash($place) AND list_contains($people, l.psn_no)
        ), days AS (SELECT psn_no, substance, day, sum(amount) AS amount FROM mine WHERE special GROUP BY 1, 2, 3
        ), gaps AS (
            SELECT *, date_diff('day', lag(day) OVER (PARTITION BY psn_no, substance ORDER BY day), day) AS gap
            FROM days
        ), courses AS (
            SELECT psn_no, substance FROM gaps GROUP BY 1, 2
            HAVING count(*) >= 3 AND coalesce(stddev_samp(gap), 0) <= 0.5 * avg(gap)
               AND sum(amount) >= 0.8 * (SELECT sum(amount) FROM mine m WHERE m.psn_no = gaps.psn_no)
        )
        SELECT sum(amount) FILTER (WHERE special) / sum(amount), (SELECT count(DISTINCT psn_no) FROM courses) FROM mine
        """,
        {"place": shop.place, "people": [shop.people[index] for index in chosen], "special": SPECIAL},
    ).fetchone()
    share, courses = (float(row[0] or 0.0), int(row[1])) if row else (0.0, 0)
    special = share >= 0.5 and courses >= 0.7 * len(chosen)
    outcome: Outcome = "does_not_explain"
    if special:
        outcome = "partly" if evidence.spoken & set(GOODS) else "explains"
    # Rounded, for sums over threads end in another last digit each time.
    values: dict[str, Value] = {"share": round(share, 4), "courses": courses, "buyers": len(chosen)}
    return Check("special_drugs", outcome, Message("pharmacy.check.special", values), courses, len(chosen))


def passers_by(shop: Shop, evidence: Evidence) -> Check:
    """Do the packs that neither scanner nor books know follow people at all?

    Who lends a card does so again: the excess belongs to a circle that returns with it. Goods bought outside the books,
    or sold by a till for a sister branch, go to whoever asks for them, most of whom come once. It explains where fewer
    than `FOLLOWS` of the buyers whom the mixture holds likely to collude come again, no code repeats (customers
    who got a borrowed pack came once too), and signals that depend neither on goods nor on the shop's own hours do not
    reach the penalty: a shop that stays open on some evenings, and books late, does so whoever comes; one that books
    rice and oil as medicine does it to people without the illness, who need not know. Among many passers-by a few come
    twice by chance, and these would be named.
    """
    number, again = shop.likely_and_again
    of_people = evidence.beyond_goods - sum(evidence.nats.get(name, 0.0) for name in ("off_hours", "no_illness"))
    goods = not evidence.spoken & {"reused", "lent"} and of_people < evidence.penalty
    return Check(
        "passers_by",
        "explains" if goods and shop.passed_by else "does_not_explain",
        Message("pharmacy.check.passers_by", {"likely": number, "again": again}),
        again,
        number,
    )


def kept_code(shop: Shop, evidence: Evidence, chosen: NDArray[np.int64]) -> Check:
    """Is it the shop that scans one kept code for other goods (substitution), whoever buys them?

    Then the code repeats, the drug it belongs to is bought by people without the illness, leaves no shelf and no book,
    and now and then no code is scanned at all; nothing else speaks, and customers come for such goods as they come for
    any, a few times a year. Who lends a card comes back for it. It explains where nothing but that speaks (`KEPT`,
    sales that are not booked, missing codes up to `STRAY_PART` of the repeats) and the accused owe fewer than `RETURNS`
    visits on average. `trace_code_reuse` tells of the shop.
    """
    nats = evidence.nats
    repeats = nats.get("reused", 0.0) + nats.get("lent", 0.0)
    alone = repeats > 0 and evidence.spoken <= KEPT | {"unrecorded", "uncoded"}
    stray = nats.get("uncoded", 0.0) <= STRAY_PART * repeats
    owed = shop.owed[chosen]
    each = float(owed.mean()) if len(owed) else 0.0
    return Check(
        "kept_code",
        "explains" if alone and stray and each < RETURNS else "does_not_explain",
        Message("pharmacy.check.kept_code", {"buyers": len(chosen), "each": each}),
        round(each, 2),
        RETURNS,
    )
