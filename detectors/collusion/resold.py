"""What resale accounts for: sales that it claims, and leads that must not take feigned sales away from collusion."""

from __future__ import annotations

from collections.abc import Sequence

import duckdb

from ringtrace.detectors.detector import Draft


def leave_out_resale(tables: duckdb.DuckDBPyConnection, found: Sequence[Draft]) -> None:
    """Take off the visits that resale has claimed, and those at its outlets that sold the same drugs without a pack,
    or others most of whose sales lack one (resold too, but too few of them to stand out among the rest).

    An outlet's untraced sales of resold goods look like phantom sales: no code, no purchase. They are not. A mere lead
    (yellow) claims nothing, since its outlet may as well have feigned these sales: what buyers, hours and totals say
    decides, and the checks ask whether all packs lack a code. The leads stand in `resale_leads` (`place`, `drug`)
    for them.
    """
    named = sorted({pair for draft in found if draft.level != "explained" for pair in _outlets(draft)})
    tables.execute(
        "CREATE OR REPLACE TEMP TABLE resale_leads AS SELECT unnest(?) AS place, unnest(?) AS drug",
        [[place for place, _ in named], [drug for _, drug in named]],
    )
    certain = [draft for draft in found if draft.accuses]
    claimed = {row.key for draft in certain for row in draft.evidence if row.table == "settlement_items"}
    sold = {(place, drug) for draft in certain for place, drug in _outlets(draft)}
    places, drugs = [place for place, _ in sorted(sold)], [drug for _, drug in sorted(sold)]
    tables.execute("CREATE OR REPLACE TEMP TABLE claimed_lines AS SELECT unnest(?) AS key", [sorted(claimed)])
    tables.execute(
        "CREATE OR REPLACE TEMP TABLE resold AS SELECT unnest(?) AS place, unnest(?) AS drug", [places, drugs]
    )
    tables.execute(
        """
        INSERT INTO resold SELECT place, drug FROM scannable_lines WHERE list_contains(?, place) GROUP BY 1, 2
        HAVING count(*) FILTER (WHERE bare) >= greatest(5, 0.5 * count(*))
        """,
        [sorted({place for place, _ in sold})],
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
