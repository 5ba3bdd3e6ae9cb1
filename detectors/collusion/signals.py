"""What each pharmacy visit shows: the signals that pharmacy collusion adds up, one row a visit.

Every signal is 1, 0, or NULL where it cannot be known: no ledger, no opening hours, times to the day. NULL weighs
nothing either way.
"""

from __future__ import annotations

from typing import Final

import duckdb

from ringtrace.detectors.packs.ledger import stock_cover
from ringtrace.detectors.packs.sales import scannable_lines, times_have_hours
from ringtrace.detectors.packs.trace_codes import repeated_packs

VISIT_SIGNALS: Final = ("unrecorded", "uncoded", "reused", "off_hours", "burst", "run", "repeated", "drain")
PERSON_SIGNALS: Final = ("short", "far", "no_illness")

FAMILIES: Final[dict[str, tuple[str, ...]]] = {
    "ledger": ("unrecorded", "short"),
    "codes": ("uncoded", "reused"),
    "till": ("off_hours", "run", "repeated"),
    "money": ("drain",),
    "buyers": ("far", "no_illness"),
}
"""Signals that share a cause. Joint evidence must come from two families at least, since one cause may be innocent."""


def collusion_signals(tables: duckdb.DuckDBPyConnection) -> None:
    """Make the temporary table `till_visits`: `visit`, `shop`, `pair` (shop and buyer), `t`, `total`, and the signals.

    The first three are hashes, as in `sale_lines`; `till_names` gives `place` and `psn_no` of a `pair`.

    `short` stands there too, for `collusion_buyers`: it holds a drug of which the shop claims more than its stock could
    cover (`ledger`). It belongs to the drug, and chronic patients buy the same drug every month, so that it counts once
    a buyer.

    unrecorded   none of its packs is among the sales that the shop's own ledger records for that drug and day
    uncoded      none of its lines has a trace code, in a month when the shop scans and for drugs that are scanned
    reused       a code of it had been sold before at this shop, with nothing to explain it (`trace_codes`)
    off_hours    outside the declared opening hours (a quarter of an hour's grace); undeclared hours: at an hour of day
                 that holds less than a quarter of one hour's even share of the shop's visits
    burst        within a minute of another person's visit at that terminal, rarer than 1 in 20 at that hour's footfall
    run          in an unbroken run of e-credentials that the shop's share of them makes rarer than 1 in 50
    repeated     its total repeats that day beyond what the rest of the year and the other shops' totals make likely; or
                 six people or more paid it here, a part of the shop's visits that only one in fifty visits with a total
                 of that size reaches in the city (each shop has its own prices, so other shops' totals do not compare).
                 NULL where the person paid it there on an earlier day: the same medicine every month says nothing
    drain        in the last six weeks of a year, nine tenths from the personal account, and 2.5 times the person's own
                 usual total
    """
    stock_cover(tables)
    scannable_lines(tables)
    reused = [step.second.key for step in repeated_packs(tables) if step.explanation is None and not step.elsewhere]
    tables.execute("CREATE OR REPLACE TEMP TABLE reused_lines AS SELECT hash(unnest(?)) AS line", [sorted(set(reused))])
    hours = "true" if times_have_hours(tables) else "false"
    tables.execute("""
        CREATE TEMP TABLE IF NOT EXISTS till_base AS
        SELECT hash(s.setl_id) AS visit, hash(s.fixmedins_code) AS shop, hash(s.psn_no) AS buyer,
               hash(s.fixmedins_code, s.psn_no) AS pair, hash(s.pos_no) AS terminal, s.setl_time AS t,
               CAST(s.setl_time AS DATE) AS day, CAST(s.medfee_sumamt AS DOUBLE) AS total,
               CAST(s.acct_pay AS DOUBLE) AS acct_pay, s.mdtrt_cert_type = '01' AS e_credential
        FROM settlements s
        SEMI JOIN (FROM sale_lines WHERE retail) l ON l.visit = hash(s.setl_id);

        CREATE TEMP TABLE IF NOT EXISTS till_names AS
        SELECT DISTINCT hash(s.fixmedins_code, s.psn_no) AS pair, s.fixmedins_code AS place, s.psn_no
        FROM settlements s SEMI JOIN till_base b ON b.visit = hash(s.setl_id);

        -- What the shops' own ledgers record as sold: by day, by minute, and in which months for which goods at all.
        CREATE TEMP TABLE IF NOT EXISTS ledger_sales AS
        SELECT hash(fixmedins_code, med_list_codg) AS goods, CAST(chg_time AS DATE) AS day,
               CAST(sum(cnt) AS DOUBLE) AS recorded
        FROM inventory WHERE chg_type = 'sale' GROUP BY 1, 2;
        CREATE TEMP TABLE IF NOT EXISTS ledger_minutes AS
        SELECT DISTINCT hash(fixmedins_code, med_list_codg) AS goods, date_trunc('minute', chg_time) AS minute
        FROM inventory WHERE chg_type = 'sale' AND chg_time <> date_trunc('day', chg_time);
        CREATE TEMP TABLE IF NOT EXISTS ledger_months AS
        SELECT DISTINCT goods, date_trunc('month', day) AS month FROM ledger_sales;

        CREATE TEMP TABLE IF NOT EXISTS recorded_lines AS
        WITH kept AS (
            SELECT l.line, l.goods, l.cnt, CAST(l.t AS DATE) AS day, m.minute IS NOT NULL AS matched
            FROM sale_lines l
            SEMI JOIN ledger_months k ON k.goods = l.goods AND k.month = date_trunc('month', l.t)
            LEFT JOIN ledger_minutes m ON m.goods = l.goods AND m.minute = date_trunc('minute', l.t)
            WHERE l.retail
        ), sums AS (
            SELECT goods, day, sum(cnt) AS claimed, coalesce(sum(cnt) FILTER (WHERE matched), 0) AS matched
            FROM kept GROUP BY 1, 2
        )
        SELECT k.line, NOT k.matched
               AND coalesce(s.recorded, 0) - d.matched < 0.5 * (d.claimed - d.matched) AS unrecorded
        FROM kept k JOIN sums d ON d.goods = k.goods AND d.day = k.day
        LEFT JOIN ledger_sales s ON s.goods = k.goods AND s.day = k.day;

        CREATE TEMP TABLE IF NOT EXISTS till_goods AS
        WITH short AS (
            SELECT hash(place, drug) AS goods, uncovered >= greatest(3, 0.1 * sold) AS short FROM stock_balance
        )
        SELECT l.visit, min(CAST(r.unrecorded AS INTEGER)) AS unrecorded, max(CAST(b.short AS INTEGER)) AS short,
               CASE WHEN bool_or(reused.line IS NOT NULL) THEN NULL ELSE min(CAST(c.bare AS INTEGER)) END AS uncoded,
               max(CASE WHEN l.codes IS NOT NULL THEN CAST(reused.line IS NOT NULL AS INTEGER) END) AS reused,
               bit_xor(hash(l.drug, l.cnt)) AS basket
        FROM sale_lines l
        LEFT JOIN recorded_lines r ON r.line = l.line
        LEFT JOIN reused_lines reused ON reused.line = l.line
        LEFT JOIN short b ON b.goods = l.goods
        LEFT JOIN scannable_lines c ON c.line = l.line
        WHERE l.retail GROUP BY l.visit
    """)
    tables.execute(f"""
        CREATE TEMP TABLE IF NOT EXISTS till_totals AS
        WITH by_day AS (
            SELECT shop, day, total, count(*) AS n FROM till_base GROUP BY 1, 2, 3
        ), by_shop AS (
            SELECT shop, total, count(*) AS n, count(DISTINCT pair) AS people,
                   sum(count(*)) OVER (PARTITION BY shop) AS place_n, floor(2 * log2(greatest(total, 1))) AS band
            FROM till_base GROUP BY 1, 2
        ), in_city AS (SELECT total, sum(n) AS n, sum(sum(n)) OVER () AS all_n FROM by_shop GROUP BY 1
        ), day_all AS (SELECT shop, day, sum(n) AS n FROM by_day GROUP BY 1, 2
        ), spread AS (  -- the part of a shop's visits that share a total, by size of the total, in the whole city
            SELECT p.band, quantile_cont(p.people / p.place_n, 0.98) AS usual
            FROM by_shop p JOIN till_base b ON b.shop = p.shop AND b.total = p.total GROUP BY 1
        ), expected AS (
            SELECT d.shop, d.day, d.total, d.n, p.people, p.people / p.place_n AS share, s.usual,
                   da.n * greatest((p.n - d.n + 1) / (p.place_n - d.n + 20.0),
                                   (c.n - p.n) / (c.all_n - p.place_n + 20.0)) AS by_day
            FROM by_day d
            JOIN by_shop p ON p.shop = d.shop AND p.total = d.total
            JOIN in_city c ON c.total = d.total
            JOIN day_all da ON da.shop = d.shop AND da.day = d.day
            JOIN spread s ON s.band = p.band
        )
        SELECT shop, day, total,
               (n >= 3 AND n >= by_day + 4 * sqrt(by_day) + 2) OR (people >= 6 AND share > usual) AS repeated
        FROM expected;

        CREATE TEMP TABLE IF NOT EXISTS till_visits AS
        WITH hour_share AS (
            SELECT shop, hour(t) AS hour, count(*) AS n, sum(count(*)) OVER (PARTITION BY shop) AS all_hours,
                   count(DISTINCT day) AS days
            FROM till_base GROUP BY 1, 2
        ), hour_now AS (
            SELECT shop, date_trunc('hour', t) AS at, count(*) AS n FROM till_base GROUP BY 1, 2
        ), usual AS (SELECT buyer, median(total) AS total, count(*) AS n FROM till_base GROUP BY 1
        ), shop_usual AS (
            SELECT shop, median(total) AS total, avg(CAST(e_credential AS INTEGER)) AS e_share
            FROM till_base GROUP BY 1
        ), near AS (
            SELECT *, least(
                       CASE WHEN lag(pair) OVER w <> pair THEN epoch(t) - epoch(lag(t) OVER w) END,
                       CASE WHEN lead(pair) OVER w <> pair THEN epoch(lead(t) OVER w) - epoch(t) END) AS seconds,
                   coalesce(min(day) OVER (PARTITION BY pair, total) < day, false) AS again
            FROM till_base WINDOW w AS (PARTITION BY shop, terminal ORDER BY t, visit)
        ), breaks AS (
            SELECT visit, shop, t, e_credential,
                   CAST(coalesce(lag(e_credential) OVER w IS DISTINCT FROM e_credential
                        OR t - lag(t) OVER w > INTERVAL 15 MINUTE, true) AS INTEGER) AS fresh
            FROM till_base WINDOW w AS (PARTITION BY shop ORDER BY t, visit)
        ), numbered AS (
            SELECT *, sum(fresh) OVER (PARTITION BY shop ORDER BY t, visit ROWS UNBOUNDED PRECEDING) AS run
            FROM breaks
        ), run_lengths AS (
            SELECT visit, e_credential, count(*) OVER (PARTITION BY shop, run) AS length FROM numbered
        )
        SELECT b.visit, b.shop, b.pair, b.t, b.total,
               g.unrecorded, g.uncoded, g.reused, g.short,
               CASE WHEN NOT {hours} THEN NULL
                    WHEN i.open_hour IS NOT NULL AND i.close_hour IS NOT NULL THEN CAST(
                        CASE WHEN i.close_hour >= i.open_hour
                             THEN hour(b.t) + minute(b.t) / 60.0 NOT BETWEEN i.open_hour - 0.25 AND i.close_hour + 0.25
                             ELSE hour(b.t) + minute(b.t) / 60.0 BETWEEN i.close_hour + 0.25 AND i.open_hour - 0.25 END
                        AS INTEGER)
                    WHEN h.all_hours >= 200 THEN CAST(h.n < 0.25 / 24 * h.all_hours AS INTEGER) END AS off_hours,
               CASE WHEN {hours} THEN CAST(coalesce(b.seconds <= 60
                    AND 1 - exp(-2 * b.seconds * greatest(h.n / h.days, now.n - 2) / 3600) <= 0.05, false)
                    AS INTEGER) END AS burst,
               CASE WHEN {hours} THEN CAST(r.e_credential AND r.length >= 4
                    AND r.length * pow(u.e_share, r.length) <= 0.02 AS INTEGER) END AS run,
               CASE WHEN b.again THEN NULL ELSE CAST(x.repeated AS INTEGER) END AS repeated,
               CASE WHEN b.acct_pay IS NULL THEN NULL
                    ELSE CAST(strftime(b.t, '%m%d') >= '1116' AND b.acct_pay >= 0.9 * b.total AND b.total > 0
                         AND b.total >= 2.5 * if(p.n >= 4, p.total, u.total) AS INTEGER) END AS drain
        FROM near b
        LEFT JOIN till_goods g ON g.visit = b.visit
        LEFT JOIN till_totals x ON x.shop = b.shop AND x.day = b.day AND x.total = b.total
        LEFT JOIN (SELECT hash(fixmedins_code) AS shop, open_hour, close_hour FROM institutions) i ON i.shop = b.shop
        JOIN hour_share h ON h.shop = b.shop AND h.hour = hour(b.t)
        JOIN hour_now now ON now.shop = b.shop AND now.at = date_trunc('hour', b.t)
        JOIN usual p ON p.buyer = b.buyer
        JOIN shop_usual u ON u.shop = b.shop
        JOIN run_lengths r ON r.visit = b.visit
    """)
