"""What a pharmacy's buyers show: short drugs, a home far away, no other sign of the illness they buy for."""

from __future__ import annotations

import duckdb


def buyer_signals(tables: duckdb.DuckDBPyConnection) -> None:
    """Make the temporary table `till_buyers`: `pair`, `place`, `psn_no`, `km`, and `short`, `far`, `no_illness`.

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
        CREATE TEMP TABLE IF NOT EXISTS till_buyers AS
        WITH pairs AS (
            SELECT pair, place, psn_no FROM till_names
        ), short_share AS (
            SELECT pair, avg(short) AS share FROM till_visits GROUP BY 1
        ), stays AS (
            SELECT s.psn_no, s.fixmedins_code AS place, count(*) AS n, any_value(i.lon) AS lon, any_value(i.lat) AS lat
            FROM settlements s JOIN institutions i USING (fixmedins_code)
            WHERE s.refd_setl_flag IS DISTINCT FROM '1' AND i.lon IS NOT NULL AND i.lat IS NOT NULL GROUP BY 1, 2
        ), centre AS (
            SELECT psn_no, sum(n) AS n, sum(n * lon) AS lon, sum(n * lat) AS lat FROM stays GROUP BY 1
        ), elsewhere AS (
            SELECT p.place, p.psn_no, c.n - s.n AS n, (c.lon - s.n * s.lon) / (c.n - s.n) AS lon0,
                   (c.lat - s.n * s.lat) / (c.n - s.n) AS lat0, s.lon, s.lat
            FROM pairs p JOIN centre c USING (psn_no) JOIN stays s ON s.psn_no = p.psn_no AND s.place = p.place
            WHERE c.n - s.n >= 2
        ), distances AS (
            SELECT place, psn_no, 6371 * 2 * asin(sqrt(least(1, pow(sin(radians(lat - lat0) / 2), 2)
                   + cos(radians(lat)) * cos(radians(lat0)) * pow(sin(radians(lon - lon0) / 2), 2)))) AS km
            FROM elsewhere
        ), far_limit AS (SELECT greatest(5, quantile_cont(km, 0.95)) AS km FROM distances
        ), regions AS (
            SELECT p.place, p.psn_no, q.insu_admdvs <> i.admdvs AS away
            FROM pairs p JOIN persons q USING (psn_no) JOIN institutions i ON i.fixmedins_code = p.place
        ), region_share AS (SELECT place, avg(CAST(away AS INTEGER)) AS share FROM regions GROUP BY 1
        ), uses AS (
            SELECT l.psn_no, l.place, left(d.atc_code, 5) AS substance, sum(l.amount) AS amount
            FROM sale_lines l JOIN drugs d ON d.med_list_codg = l.drug WHERE length(d.atc_code) >= 5 GROUP BY 1, 2, 3
        ), places_of AS (
            SELECT psn_no, substance, count(*) AS places FROM uses GROUP BY 1, 2
        ), diagnosed AS (
            SELECT DISTINCT psn_no, fixmedins_code AS place, left(dise_codg, 3) AS illness FROM settlements
            WHERE dise_codg IS NOT NULL
        ), met AS (
            SELECT left(s.dise_codg, 3) AS illness, left(d.atc_code, 5) AS substance, count(*) AS n
            FROM sale_lines l JOIN settlements s ON s.setl_id = l.setl_id JOIN drugs d ON d.med_list_codg = l.drug
            WHERE NOT l.retail AND s.dise_codg IS NOT NULL AND length(d.atc_code) >= 5 GROUP BY 1, 2
        ), goes_with AS (
            SELECT illness, substance FROM met
            QUALIFY n >= 5 AND n * sum(n) OVER () >= 3.0 * sum(n) OVER (PARTITION BY illness)
                               * sum(n) OVER (PARTITION BY substance)
        ), shown AS (
            SELECT DISTINCT u.psn_no, u.place, u.substance FROM uses u
            JOIN goes_with g ON g.substance = u.substance
            JOIN diagnosed x ON x.psn_no = u.psn_no AND x.illness = g.illness AND x.place <> u.place
        ), signs AS (
            SELECT u.psn_no, u.place, u.substance, u.amount, o.places > 1 OR s.psn_no IS NOT NULL AS sign
            FROM uses u JOIN places_of o ON o.psn_no = u.psn_no AND o.substance = u.substance
            LEFT JOIN shown s ON s.psn_no = u.psn_no AND s.place = u.place AND s.substance = u.substance
        ), asked AS (
            SELECT substance FROM signs GROUP BY 1 HAVING count(*) >= 20 AND avg(CAST(sign AS INTEGER)) >= 0.5
        ), illness AS (
            SELECT psn_no, place, sum(amount) FILTER (WHERE NOT sign) > 0.5 * sum(amount) AS unexplained
            FROM signs SEMI JOIN asked USING (substance) GROUP BY 1, 2
        )
        SELECT p.pair, p.place, p.psn_no, d.km, CAST(h.share >= 0.5 AS INTEGER) AS short,
               CAST(coalesce(d.km > f.km, r.away AND s.share < 0.1) AS INTEGER) AS far,
               CAST(coalesce(i.unexplained, false) AS INTEGER) + if(i.psn_no IS NULL, NULL, 0) AS no_illness
        FROM pairs p CROSS JOIN far_limit f
        LEFT JOIN short_share h ON h.pair = p.pair
        LEFT JOIN distances d ON d.place = p.place AND d.psn_no = p.psn_no
        LEFT JOIN regions r ON r.place = p.place AND r.psn_no = p.psn_no
        LEFT JOIN region_share s ON s.place = p.place
        LEFT JOIN illness i ON i.place = p.place AND i.psn_no = p.psn_no
    """)
