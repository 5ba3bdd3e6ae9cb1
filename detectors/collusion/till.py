"""When and how visits were paid: odd hours, surges, runs of e-credentials, odd totals, drained accounts."""

from __future__ import annotations

from typing import Final

import duckdb

SLOT: Final = 900
"""Seconds over which visits are counted for a surge."""

SLOTS: Final = 86_400 // SLOT
"""Slots in a day."""

EVEN: Final = 10
"""Yuan of which an agreed sum is a multiple, as hardly any sum of prices is."""

UPLOADED: Final = "1 HOUR"
"""After the end of the care: a counter settles while the client waits. A till that was offline hands its day's claims
in together, and the hour and the crowd are the upload's."""


def till_base(tables: duckdb.DuckDBPyConnection) -> None:
    """Make the temporary tables `till_base` (one row a visit to a pharmacy, or to a clinic for medicines),
    `till_beside` and `till_names`.

    `till_base`: `visit`, `shop`, `buyer`, `pair` (hashes, as in `sale_lines`), `retail`, `t`, `day`, `total`,
    `acct_pay` (yuan), `e_credential`, `uploaded` (settled so long after the care ended that the time is that of an
    upload, `UPLOADED`). `till_beside`, of visits with an e-credential or another buyer within a minute: `visit`,
    `shop`, `t`, `e_credential`, `seconds` to the nearest other buyer in the shop, and `fresh`, 1 where another kind of
    credential or more than a quarter of an hour lies before it. `till_names`: `place`, `psn_no`, `retail` of a `pair`.
    """
    tables.execute(f"""
        CREATE TEMP TABLE IF NOT EXISTS till_base AS
        WITH medicines AS (SELECT med_list_codg FROM drugs WHERE atc_code IS NOT NULL
        ), sold AS (
            SELECT visit, bool_or(retail) AS retail FROM sale_lines
            WHERE retail OR (outpatient AND drug IN (FROM medicines)) GROUP BY 1
        )
        SELECT hash(s.setl_id) AS visit, hash(s.fixmedins_code) AS shop, hash(s.psn_no) AS buyer,
               hash(s.fixmedins_code, s.psn_no) AS pair, s.setl_time AS t, CAST(s.setl_time AS DATE) AS day,
               CAST(s.medfee_sumamt AS DOUBLE) AS total, CAST(s.acct_pay AS DOUBLE) AS acct_pay,
               s.mdtrt_cert_type = '01' AS e_credential, l.retail,
               coalesce(s.endtime <> date_trunc('day', s.endtime) AND s.setl_time - s.endtime > INTERVAL {UPLOADED},
                        false) AS uploaded
        FROM settlements s JOIN sold l ON l.visit = hash(s.setl_id);

        CREATE TEMP TABLE IF NOT EXISTS till_beside AS
        SELECT visit, shop, t, e_credential,
               least(CASE WHEN lag(pair) OVER w <> pair THEN epoch(t) - epoch(lag(t) OVER w) END,
                     CASE WHEN lead(pair) OVER w <> pair THEN epoch(lead(t) OVER w) - epoch(t) END) AS seconds,
               CAST(coalesce(lag(e_credential) OVER w IS DISTINCT FROM e_credential
                    OR t - lag(t) OVER w > INTERVAL 15 MINUTE, true) AS INTEGER) AS fresh
        FROM till_base WINDOW w AS (PARTITION BY shop ORDER BY t, visit) QUALIFY e_credential OR seconds <= 60;

        CREATE TEMP TABLE IF NOT EXISTS till_names AS
        WITH once AS (SELECT pair, min(visit) AS visit, bool_or(retail) AS retail FROM till_base GROUP BY 1)
        SELECT o.pair, s.fixmedins_code AS place, s.psn_no, o.retail
        FROM settlements s JOIN once o ON o.visit = hash(s.setl_id);
    """)


def odd_visits(tables: duckdb.DuckDBPyConnection, *, hours: bool) -> None:
    """Make a temporary table of the visits that show each signal: `till_closed`, `till_bursts`, `till_surges`,
    `till_runs`, `till_repeats` and `till_filled` (both with `again`), `till_drains`; and `timed_shops`, whose opening
    hours are known or can be seen.

    `hours` says whether times have an hour at all. Few visits show any of these signals, so that each is searched for
    where it can be, and the visits then join small lists.
    """
    _closed(tables, hours=hours)
    tables.execute(f"""
        CREATE TEMP TABLE IF NOT EXISTS till_bursts AS
        WITH hour_now AS (SELECT shop, date_trunc('hour', t) AS at, count(*) AS n FROM till_base GROUP BY 1, 2)
        SELECT b.visit FROM till_beside b
        JOIN till_hours h ON h.shop = b.shop AND h.hour = hour(b.t)
        JOIN hour_now now ON now.shop = b.shop AND now.at = date_trunc('hour', b.t)
        WHERE {hours} AND b.seconds <= 60
          AND 1 - exp(-2 * b.seconds * greatest(h.n / h.days, now.n - 2) / 3600) <= 0.05;

        CREATE TEMP TABLE IF NOT EXISTS till_slots AS
        SELECT shop, CAST(floor(epoch(t) / {SLOT}) AS INTEGER) AS slot, CAST(count(*) AS INTEGER) AS n
        FROM till_base WHERE {hours} GROUP BY 1, 2;
        CREATE TEMP TABLE IF NOT EXISTS till_surges AS
        WITH days AS (SELECT shop, slot // {SLOTS} AS day, sum(n) AS n, count(*) AS slots FROM till_slots GROUP BY 1, 2
        ), opened AS (SELECT shop, count(*) AS days FROM days GROUP BY 1
        ), busy AS (
            SELECT s.shop, s.slot, any_value(s.n) AS n, sum(b.n) AS near
            FROM till_slots s JOIN till_slots b ON b.shop = s.shop AND b.slot BETWEEN s.slot - 2 AND s.slot + 2
            WHERE s.n >= 6 GROUP BY 1, 2
        ), crowded AS (  -- beyond the hour's own footfall and beyond that day's, by the bound e^-(n ln(n/m) - n + m)
            SELECT s.shop, s.slot, s.n, greatest(h.n / o.days * {SLOT} / 3600,
                                                 greatest(d.n - s.near, 0) / greatest(d.slots - 1, 12)) AS m
            FROM busy s JOIN days d ON d.shop = s.shop AND d.day = s.slot // {SLOTS} JOIN opened o ON o.shop = s.shop
            JOIN till_hours h ON h.shop = s.shop AND h.hour = s.slot * {SLOT} // 3600 % 24
        ), surges AS (
            SELECT shop, slot FROM crowded WHERE n > m AND n * ln(n / greatest(m, 0.1)) - n + m >= 12
        )
        SELECT b.visit FROM till_base b
        SEMI JOIN surges g ON g.shop = b.shop AND g.slot = CAST(floor(epoch(b.t) / {SLOT}) AS INTEGER);

        CREATE TEMP TABLE IF NOT EXISTS till_runs AS
        WITH shares AS (SELECT shop, avg(CAST(e_credential AS INTEGER)) AS share FROM till_base GROUP BY 1
        ), numbered AS (
            SELECT visit, shop, sum(fresh) OVER (PARTITION BY shop ORDER BY t, visit ROWS UNBOUNDED PRECEDING) AS run
            FROM till_beside WHERE {hours} AND e_credential
        ), runs AS (
            SELECT shop, run, count(*) AS length FROM numbered GROUP BY 1, 2 HAVING count(*) >= 4
        ), rare AS (
            SELECT r.shop, r.run FROM runs r JOIN shares s ON s.shop = r.shop
            WHERE r.length * pow(s.share, r.length) <= 0.02
        )
        SELECT b.visit FROM numbered b SEMI JOIN rare r ON r.shop = b.shop AND r.run = b.run;

        CREATE TEMP TABLE IF NOT EXISTS till_drains AS
        WITH late AS (
            SELECT visit, shop, buyer, total FROM till_base
            WHERE 100 * month(t) + dayofmonth(t) >= 1116 AND acct_pay >= 0.9 * total AND total > 0
        ), usual AS (
            SELECT buyer, median(total) AS total, count(*) AS n FROM till_base
            WHERE buyer IN (SELECT buyer FROM late) GROUP BY 1
        ), shop_usual AS (SELECT shop, median(total) AS total FROM till_base GROUP BY 1)
        SELECT l.visit FROM late l JOIN usual p ON p.buyer = l.buyer JOIN shop_usual u ON u.shop = l.shop
        WHERE l.total >= 2.5 * if(p.n >= 4, p.total, u.total);
    """)
    _repeats(tables)
    _filled(tables)


def _closed(tables: duckdb.DuckDBPyConnection, *, hours: bool) -> None:
    """`till_hours`: of each shop and hour of day the visits `n`, the days with any, and those of the shop in all;
    `till_closed` and `timed_shops` from it and the declared hours.
    """
    tables.execute(f"""
        CREATE TEMP TABLE IF NOT EXISTS till_hours AS
        SELECT shop, hour(t) AS hour, count(*) AS n, sum(count(*)) OVER (PARTITION BY shop) AS all_hours,
               count(DISTINCT day) AS days
        FROM till_base GROUP BY 1, 2;

        CREATE TEMP TABLE IF NOT EXISTS declared_hours AS
        SELECT hash(fixmedins_code) AS shop, open_hour, close_hour FROM institutions
        WHERE {hours} AND open_hour IS NOT NULL AND close_hour IS NOT NULL;
        CREATE TEMP TABLE IF NOT EXISTS timed_shops AS
        SELECT shop FROM declared_hours UNION SELECT shop FROM till_hours WHERE {hours} AND all_hours >= 200;

        CREATE TEMP TABLE IF NOT EXISTS till_closed AS
        WITH clocks AS (SELECT visit, shop, hour(t) + minute(t) / 60.0 AS clock FROM till_base)
        SELECT b.visit FROM clocks b JOIN declared_hours i ON i.shop = b.shop
        WHERE CASE WHEN i.close_hour >= i.open_hour
                   THEN b.clock NOT BETWEEN i.open_hour - 0.25 AND i.close_hour + 0.25
                   ELSE b.clock BETWEEN i.close_hour + 0.25 AND i.open_hour - 0.25 END
        UNION ALL
        SELECT b.visit FROM till_base b JOIN till_hours h ON h.shop = b.shop AND h.hour = hour(b.t)
        WHERE {hours} AND h.all_hours >= 200 AND h.n < 0.25 / 24 * h.all_hours
          AND b.shop NOT IN (SELECT shop FROM declared_hours)
    """)


def _repeats(tables: duckdb.DuckDBPyConnection) -> None:
    """`till_repeats`: visits whose total repeats, and whether the person had paid it there on an earlier day."""
    tables.execute("""
        CREATE TEMP TABLE IF NOT EXISTS till_repeats AS
        WITH by_shop AS (
            SELECT shop, total, count(*) AS n, floor(2 * log2(greatest(total, 1))) AS band, bool_or(retail) AS retail
            FROM till_base GROUP BY 1, 2
        ), shops AS (SELECT shop, sum(n) AS n, bool_or(retail) AS retail FROM by_shop GROUP BY 1
        ), in_city AS (SELECT total, sum(n) AS n, sum(sum(n)) OVER () AS all_n FROM by_shop GROUP BY 1
        ), ranked AS (  -- the part of a shop's visits that share a total, by size of the total, in the whole city
            SELECT s.retail, p.band, p.n / s.n AS share, sum(p.n) AS visits
            FROM by_shop p JOIN shops s ON s.shop = p.shop GROUP BY 1, 2, 3
        ), spread AS (
            SELECT retail, band, min(share) AS usual FROM (
                SELECT retail, band, share, sum(visits) OVER (PARTITION BY retail, band ORDER BY share) AS below,
                       sum(visits) OVER (PARTITION BY retail, band) AS visits
                FROM ranked) WHERE below >= 0.98 * visits GROUP BY 1, 2
        ), shared AS (
            SELECT b.shop, b.total, count(DISTINCT b.pair) AS people FROM till_base b
            SEMI JOIN (FROM by_shop WHERE n >= 6) p ON p.shop = b.shop AND p.total = b.total GROUP BY 1, 2
        ), all_year AS (
            SELECT c.shop, c.total FROM shared c JOIN shops s ON s.shop = c.shop
            JOIN spread u ON u.retail = s.retail AND u.band = floor(2 * log2(greatest(c.total, 1)))
            WHERE c.people >= 6 AND c.people / s.n > u.usual
        ), busy AS (
            SELECT shop, day, total, count(*) AS n FROM till_base GROUP BY 1, 2, 3 HAVING count(*) >= 3
        ), day_all AS (
            SELECT shop, day, count(*) AS n FROM till_base WHERE shop IN (SELECT shop FROM busy) GROUP BY 1, 2
        ), expected AS (
            SELECT d.*, a.n * greatest((p.n - d.n + 1) / (s.n - d.n + 20.0),
                                       (c.n - p.n) / (c.all_n - s.n + 20.0)) AS by_day
            FROM busy d JOIN by_shop p ON p.shop = d.shop AND p.total = d.total
            JOIN in_city c ON c.total = d.total JOIN shops s ON s.shop = d.shop
            JOIN day_all a ON a.shop = d.shop AND a.day = d.day
        ), found AS (
            SELECT b.visit, b.pair, b.total, b.day FROM till_base b
            SEMI JOIN all_year y ON y.shop = b.shop AND y.total = b.total
            UNION
            SELECT b.visit, b.pair, b.total, b.day FROM till_base b
            SEMI JOIN (FROM expected WHERE n >= by_day + 4 * sqrt(by_day) + 2) e
              ON e.shop = b.shop AND e.day = b.day AND e.total = b.total
        ), before AS (
            SELECT b.pair, b.total, min(b.day) AS first FROM till_base b
            SEMI JOIN found f ON f.pair = b.pair AND f.total = b.total GROUP BY 1, 2
        )
        SELECT f.visit, e.first < f.day AS again FROM found f JOIN before e ON e.pair = f.pair AND e.total = f.total
    """)


def _filled(tables: duckdb.DuckDBPyConnection) -> None:
    """`till_filled`: visits whose lines, not all of them even, add up to a multiple of `EVEN` yuan, and whether the
    shop had sold the same basket for it on an earlier day.

    Prices have fen, so that a multiple of ten yuan comes about once in a few hundred baskets, and one line's price may
    be such a number itself. Who is told "five hundred a month" fills the basket until it is.
    """
    tables.execute(f"""
        CREATE TEMP TABLE IF NOT EXISTS till_filled AS
        WITH even AS (
            SELECT visit, shop, pair, day, total FROM till_base
            WHERE total > 0 AND round(100 * total) % {100 * EVEN} = 0
        ), baskets AS (
            SELECT e.visit, any_value(e.shop) AS shop, any_value(e.day) AS day,
                   hash(any_value(e.total), bit_xor(hash(l.drug, l.cnt))) AS basket
            FROM even e JOIN sale_lines l ON l.visit = e.visit
            GROUP BY 1 HAVING bool_or(round(100 * l.amount) % {100 * EVEN} <> 0)
        )
        SELECT visit, day > min(day) OVER (PARTITION BY shop, basket) AS again FROM baskets
    """)
