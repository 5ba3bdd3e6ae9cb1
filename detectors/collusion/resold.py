"""What resale accounts for: sales that it claims, and leads that must not take feigned sales away from collusion."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

import duckdb

from ringtrace.detectors.collusion.checks import WALK_INS
from ringtrace.detectors.detector import Draft
from ringtrace.workspace import has_rows

FEWEST_MEMBERS: Final = 5
"""People who come again and again, from which they may be a closed circle."""


def leave_out_resale(tables: duckdb.DuckDBPyConnection, found: Sequence[Draft]) -> None:
    """Take off the visits that resale has claimed, and those at its outlets that sold the same drugs without a pack,
    or others most of whose sales lack one (resold too, but too few of them to stand out among the rest).

    An outlet's untraced sales of resold goods look like phantom sales: no code, no purchase. They are not. A mere lead
    (yellow) claims nothing where nobody scans, nor where the codes that lack go with the buyers and not with the drugs,
    nor where a closed circle buys these goods; all leads stand in `resale_leads` (`place`, `drug`) for the checks.
    """
    named = sorted({pair for draft in found if draft.level != "explained" for pair in _outlets(draft)})
    tables.execute(
        "CREATE OR REPLACE TEMP TABLE resale_leads AS SELECT unnest(?) AS place, unnest(?) AS drug",
        [[place for place, _ in named], [drug for _, drug in named]],
    )
    leads = has_rows(tables, "scanned_drugs")
    certain = [
        draft
        for draft in found
        if draft.level in ("red", "orange")
        or (
            draft.level == "yellow"
            and leads
            and not goes_with_buyers(tables, draft)
            and not closed_circle(tables, draft)
        )
    ]
    claimed = {row.key for draft in certain for row in draft.evidence if row.table == "settlement_items"}
    sold = {(place, drug) for draft in certain for place, drug in _outlets(draft)}
    places, drugs = [place for place, _ in sorted(sold)], [drug for _, drug in sorted(sold)]
    tables.execute("CREATE OR REPLACE TEMP TABLE claimed_lines AS SELECT unnest(?) AS key", [sorted(claimed)])
    tables.execute(
        "CREATE OR REPLACE TEMP TABLE resold AS SELECT unnest(?) AS place, unnest(?) AS drug", [places, drugs]
    )
    suspected = sorted({place for draft in certain if draft.level != "yellow" for place, _ in _outlets(draft)})
    tables.execute(
        """
        INSERT INTO resold SELECT place, drug FROM scannable_lines WHERE list_contains(?, place) GROUP BY 1, 2
        HAVING count(*) FILTER (WHERE bare) >= greatest(5, 0.5 * count(*))
        """,
        [suspected],
    )
    tables.execute("""
        DELETE FROM till_visits WHERE visit IN (
            SELECT l.visit FROM sale_lines l SEMI JOIN claimed_lines c ON hash(c.key) = l.line
            UNION ALL
            SELECT l.visit FROM sale_lines l SEMI JOIN resold r ON r.place = l.place AND r.drug = l.drug
            WHERE l.codes IS NULL)
    """)


def _outlets(draft: Draft) -> list[tuple[str, str]]:
    """Every outlet with every drug of a resale finding."""
    drugs = [each.id for each in draft.members if each.label == "Drug"]
    return [(place.id, drug) for place in draft.members if place.role == "reseller" for drug in drugs]


def goes_with_buyers(tables: duckdb.DuckDBPyConnection, draft: Draft) -> bool:
    """Do the missing codes of a resale lead go with the buyers? Resold goods lack codes whoever buys them.

    Of people who bought these drugs more than once: is a sale at least twice as likely to lack its code when another
    sale to the same person lacks one, as when it has one? Ten sales beside one that has its code must tell.
    """
    outlets = _outlets(draft)
    row = tables.execute(
        """
        WITH buyers AS (
            SELECT l.psn_no, count(*) AS n, count(*) FILTER (WHERE l.bare) AS bare FROM scannable_lines l
            JOIN (SELECT unnest(?) AS place, unnest(?) AS drug) o ON o.place = l.place AND o.drug = l.drug
            GROUP BY l.place, l.psn_no
        )
        SELECT sum(bare * (bare - 1)), sum(bare * (n - 1)), sum((n - bare) * bare), sum((n - bare) * (n - 1))
        FROM buyers
        """,
        [[place for place, _ in outlets], [drug for _, drug in outlets]],
    ).fetchone()
    both, beside_bare, one, beside_coded = (float(each or 0) for each in row) if row else (0.0, 0.0, 0.0, 0.0)
    return min(beside_bare, beside_coded) >= 10 and both / beside_bare >= 2 * one / beside_coded


def closed_circle(tables: duckdb.DuckDBPyConnection, draft: Draft) -> bool:
    """Do only the same few people buy what the lead is about? Who sells resold goods sells them to whoever asks.

    Most buyers of most goods of a pharmacy come for them once or twice. Where below `WALK_INS` of those who bought
    these goods without a code did, and at least `FEWEST_MEMBERS` did so more often, there are no walk-in customers.
    """
    outlets = _outlets(draft)
    row = tables.execute(
        """
        WITH buyers AS (
            SELECT l.psn_no, count(DISTINCT l.visit) AS n FROM scannable_lines l
            JOIN (SELECT unnest(?) AS place, unnest(?) AS drug) o ON o.place = l.place AND o.drug = l.drug
            WHERE l.bare GROUP BY l.place, l.psn_no
        )
        SELECT count(*), count(*) FILTER (WHERE n > 2) FROM buyers
        """,
        [[place for place, _ in outlets], [drug for _, drug in outlets]],
    ).fetchone()
    buyers, members = row if row else (0, 0)
    return bool(members >= FEWEST_MEMBERS and buyers - members < WALK_INS * buyers)
