"""Credentials used far from the bed in which their owner lies."""

from __future__ import annotations

from typing import Final

import duckdb

from ringtrace.detectors.claims.travel import FAR_KM, Leap, shortest_minutes
from ringtrace.detectors.geography import great_circle_km

USES_AT_HOME: Final = 3
"""Uses at other times from which a person's home is told."""


def used_far_from_bed(tables: duckdb.DuckDBPyConnection) -> list[Leap]:
    """Uses of the credential of a stay `FAR_KM` or more from it, on two inner days of one stay or more.

    A leave of absence allows no such way and back twice. Families at home buy for a patient who lies far away, so the
    hospital must be the one near home: most of the person's uses at other times lie nearer to it than to the far place.
    Needs `standing` (see `travel.timed_uses`) and the institutions' coordinates; a place without them is
    never far.
    """
    km = great_circle_km
    rows = tables.execute(
        f"""
        WITH beds AS (
            SELECT setl_id, card, psn_no, place, opened, closed FROM standing
            WHERE med_type = '21' AND card IS NOT NULL AND NOT by_hand AND date_diff('day', opened, closed) >= 3
        ), away AS (
            SELECT k.setl_id AS stay, k.place AS here, k.opened AS began, k.closed AS ended, e.*, {km("h", "f")} AS km
            FROM beds k JOIN standing e ON e.card = k.card AND e.psn_no = k.psn_no AND e.place <> k.place
            JOIN institutions h ON h.fixmedins_code = k.place JOIN institutions f ON f.fixmedins_code = e.place
            WHERE NOT e.by_hand AND e.med_type IS DISTINCT FROM '21' AND h.lon + h.lat + f.lon + f.lat IS NOT NULL
              AND least(CAST(e.t AS DATE), coalesce(CAST(e.opened AS DATE), CAST(e.t AS DATE))) > CAST(k.opened AS DATE)
              AND CAST(e.t AS DATE) < CAST(k.closed AS DATE) AND {km("h", "f")} >= $far
        ), homes AS (
            SELECT a.setl_id, count(*) AS uses, count(*) FILTER ({km("h", "n")} < {km("f", "n")}) AS near
            FROM away a JOIN standing o ON o.psn_no = a.psn_no AND (o.t < a.began OR o.t > a.ended)
            JOIN institutions h ON h.fixmedins_code = a.here JOIN institutions f ON f.fixmedins_code = a.place
            JOIN institutions n ON n.fixmedins_code = o.place WHERE n.lon + n.lat IS NOT NULL GROUP BY 1
        )
        SELECT a.card, a.psn_no, coalesce(a.card_type = '01', false), c.share_psn_no IS NOT NULL, a.stay, a.setl_id,
               a.here, a.place, a.hospital, a.t, a.km, {shortest_minutes("a.km")}
        FROM away a JOIN homes USING (setl_id) LEFT JOIN cards c ON c.mdtrt_cert_no = a.card
        WHERE near >= $home AND near > 0.5 * uses
        QUALIFY max(CAST(a.t AS DATE)) OVER (PARTITION BY a.stay) > min(CAST(a.t AS DATE)) OVER (PARTITION BY a.stay)
        ORDER BY a.card, a.t, a.setl_id
        """,
        {"far": FAR_KM, "home": USES_AT_HOME},
    ).fetchall()
    return [
        Leap(
            card, owner, electronic, shared, stay, use, (here, there), (True, hospital), (t, t), far, needed, True, True
        )
        for card, owner, electronic, shared, stay, use, here, there, hospital, t, far, needed in rows
    ]
