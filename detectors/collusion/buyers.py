"""What a pharmacy's buyers show: short drugs, a home far away, no other sign of the illness they buy for."""

from __future__ import annotations

import duckdb

from ringtrace.detectors.geography import great_circle_km


def buyer_signals(tables: duckdb.DuckDBPyConnection) -> None:
    """Make the temporary table `till_buyers`: `pair` (shop and buyer), `km`, and `short`, `far`, `no_illness`.

    `short` is 1 where half of the person's visits there hold a drug that the shop claims beyond its stock.

    `km` is the distance from the shop to the centre of the person's visits elsewhere (two at least; great circle on the
    coordinates known). `far` is 1 beyond both 5 km and the city's 95th percentile of such distances. With no
    coordinates, it is 1 where the insured region differs from the shop's and fewer than one in ten of its buyers do.

    `no_illness` is 1 where most of what the person spends at the shop is on substances (first five characters of the
    ATC code) that the person never gets anywhere else, nor has any diagnosis that goes with them; only substances
    for which most of their buyers do show such a sign are asked about. A diagnosis (first three characters of
    ICD-10) goes with a substance where the two meet in medical institutions at least five times and three times as
    often as by chance.
    """
    tables.execute("""
        CREATE TEMP TABLE IF NOT EXISTS till_pairs AS
        SELECT pair, any_value(shop) AS shop, any_value(buyer) AS buyer FROM till_base GROUP BY 1
    """)
    _distances(tables)
    _illnesses(tables)
    tables.execute("""
        CREATE TEMP TABLE IF NOT EXISTS till_buyers AS
        WITH short_share AS (
            SELECT pair, avg(short) AS share FROM till_visits GROUP BY 1
        ), far_limit AS (SELECT greatest(5, quantile_cont(km, 0.95)) AS km FROM till_distances
        ), people AS (SELECT hash(psn_no) AS buyer, insu_admdvs AS home FROM persons WHERE insu_admdvs IS NOT NULL
        ), places AS (SELECT hash(fixmedins_code) AS shop, admdvs AS region FROM institutions WHERE admdvs IS NOT NULL
        ), regions AS (
            SELECT p.pair, p.shop, q.home <> i.region AS away
            FROM till_pairs p JOIN places i ON i.shop = p.shop JOIN people q ON q.buyer = p.buyer
        ), region_share AS (SELECT shop, avg(CAST(away AS INTEGER)) AS share FROM regions GROUP BY 1
        ), outsiders AS (
            SELECT r.pair, r.away AND s.share < 0.1 AS far FROM regions r JOIN region_share s ON s.shop = r.shop
        )
        SELECT p.pair, d.km, CAST(h.share >= 0.5 AS INTEGER) AS short,
               CAST(coalesce(d.km > f.km, o.far) AS INTEGER) AS far, CAST(i.unexplained AS INTEGER) AS no_illness
        FROM till_pairs p CROSS JOIN far_limit f
        LEFT JOIN short_share h ON h.pair = p.pair
        LEFT JOIN till_distances d ON d.pair = p.pair
        LEFT JOIN outsiders o ON o.pair = p.pair
        LEFT JOIN till_illnesses i ON i.pair = p.pair
    """)


def _distances(tables: duckdb.DuckDBPyConnection) -> None:
    """`till_distances`: `pair` and `km` from the shop to where else the person goes."""
    tables.execute(f"""
        CREATE TEMP TABLE IF NOT EXISTS till_distances AS
        WITH places AS (
            SELECT hash(fixmedins_code) AS shop, lon, lat FROM institutions WHERE lon IS NOT NULL AND lat IS NOT NULL
        ), visits AS (
            SELECT pair, any_value(buyer) AS buyer, any_value(shop) AS shop, count(*) AS n FROM (
                SELECT hash(fixmedins_code, psn_no) AS pair, hash(psn_no) AS buyer, hash(fixmedins_code) AS shop
                FROM settlements WHERE refd_setl_flag IS DISTINCT FROM '1') GROUP BY 1
        ), stays AS (
            SELECT v.pair, v.buyer, v.n, i.lon, i.lat FROM visits v JOIN places i ON i.shop = v.shop
        ), centre AS (
            SELECT buyer, sum(n) AS n, sum(n * lon) AS lon, sum(n * lat) AS lat FROM stays GROUP BY 1
        ), elsewhere AS (
            SELECT s.pair, (c.lon - s.n * s.lon) / (c.n - s.n) AS lon, (c.lat - s.n * s.lat) / (c.n - s.n) AS lat
            FROM stays s JOIN centre c ON c.buyer = s.buyer SEMI JOIN till_pairs p ON p.pair = s.pair
            WHERE c.n - s.n >= 2
        )
        SELECT s.pair, {great_circle_km("s", "e")} AS km FROM elsewhere e JOIN stays s ON s.pair = e.pair
    """)


def _illnesses(tables: duckdb.DuckDBPyConnection) -> None:
    """`till_illnesses`: `pair` and whether most of what the person spends there is `unexplained`."""
    tables.execute("""
        CREATE TEMP TABLE IF NOT EXISTS till_illnesses AS
        WITH substances AS (
            SELECT med_list_codg, hash(left(atc_code, 5)) AS substance FROM drugs WHERE length(atc_code) >= 5
        ), uses AS (  -- a person's one substance at one place; `use` is the person's substance anywhere
            SELECT pair, substance, any_value(buyer) AS buyer, any_value(shop) AS shop, sum(amount) AS amount,
                   hash(any_value(buyer), substance) AS use
            FROM (SELECT hash(l.place, l.psn_no) AS pair, hash(l.psn_no) AS buyer, l.shop, d.substance, l.amount
                  FROM sale_lines l JOIN substances d ON d.med_list_codg = l.drug) GROUP BY 1, 2
        ), spread AS (SELECT use FROM uses GROUP BY 1 HAVING count(*) > 1
        ), diagnosed AS (
            SELECT DISTINCT hash(psn_no) AS buyer, hash(fixmedins_code) AS shop, left(dise_codg, 3) AS illness
            FROM settlements WHERE dise_codg IS NOT NULL
        ), cases AS (SELECT hash(setl_id) AS visit, left(dise_codg, 3) AS illness FROM settlements
                     WHERE dise_codg IS NOT NULL
        ), met AS (
            SELECT s.illness, d.substance, count(*) AS n
            FROM sale_lines l JOIN cases s ON s.visit = l.visit JOIN substances d ON d.med_list_codg = l.drug
            WHERE NOT l.retail GROUP BY 1, 2
        ), goes_with AS (
            SELECT illness, substance FROM met
            QUALIFY n >= 5 AND n * sum(n) OVER () >= 3.0 * sum(n) OVER (PARTITION BY illness)
                               * sum(n) OVER (PARTITION BY substance)
        ), shown AS (
            SELECT DISTINCT u.pair, u.substance FROM uses u
            JOIN goes_with g ON g.substance = u.substance
            JOIN diagnosed x ON x.buyer = u.buyer AND x.illness = g.illness AND x.shop <> u.shop
        ), signs AS (
            SELECT u.pair, u.substance, u.amount, u.use IN (FROM spread) OR s.pair IS NOT NULL AS sign
            FROM uses u LEFT JOIN shown s ON s.pair = u.pair AND s.substance = u.substance
        ), asked AS (
            SELECT substance FROM signs GROUP BY 1 HAVING count(*) >= 20 AND avg(CAST(sign AS INTEGER)) >= 0.5
        )
        SELECT pair, coalesce(sum(amount) FILTER (WHERE NOT sign), 0) > 0.5 * sum(amount) AS unexplained
        FROM signs SEMI JOIN asked USING (substance) GROUP BY 1
    """)
