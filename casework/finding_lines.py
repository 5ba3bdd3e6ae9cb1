"""The rows that a finding cites, with what they say, and the uses of its cards in time."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import timedelta
from typing import Final

import duckdb
import pandas as pd

from ringtrace.data_schema import tables
from ringtrace.findings import Finding

_LINEAGE: Final = ("file", "row", "sha256")


def cited_rows(connection: duckdb.DuckDBPyConnection, finding: Finding, limit: int = 5_000) -> dict[str, pd.DataFrame]:
    """The cited rows by canonical table, in time order: the table's columns that hold a value, then where each stands.

    The last columns are `file`, `row` (1-based data row) and `sha256` of the source row. At most `limit` rows a table.
    """
    cited: dict[str, list[tuple[str, str | None, int | None, str | None]]] = {}
    for ref in finding.evidence:
        cited.setdefault(ref.table, []).append((ref.key, ref.file, ref.row, ref.sha256))
    frames = {}
    for name in tables():
        if name not in cited:
            continue
        table = tables()[name]
        rows = cited[name][:limit]
        columns = ", ".join(f"t.{column.name}" for column in table.columns)
        order = f"t.{table.time}, cited.key" if table.time else "cited.key"
        frame = connection.execute(
            f"""
            WITH cited AS (
              SELECT unnest($keys) AS key, unnest($files) AS file, unnest($rows) AS row, unnest($hashes) AS sha256
            )
            SELECT {columns}, cited.file, cited.row, cited.sha256
            FROM {name} AS t JOIN cited ON {table.key_sql("t")} = cited.key
            {"WHERE t.setl_id IN (SELECT unnest($settlements))" if name == "settlement_items" else ""}
            ORDER BY {order}
            """,
            ({"settlements": _settlements_of_items([row[0] for row in rows])} if name == "settlement_items" else {})
            | {
                "keys": [row[0] for row in rows],
                "files": [row[1] or "" for row in rows],
                "rows": [row[2] for row in rows],
                "hashes": [row[3] or "" for row in rows],
            },
        ).df()
        filled = [column for column in frame.columns if column in _LINEAGE or frame[column].notna().any()]
        frames[name] = frame[filled]
    return frames


def card_uses(
    connection: duckdb.DuckDBPyConnection, finding: Finding, max_rows: int = 5_000
) -> tuple[pd.DataFrame, bool]:
    """Every settlement of the finding's suspected people within its time, for drawing swim-lanes.

    Columns: `card` (credential, or the person where none was recorded), `person`, `time`, `place` (code), `place_name`,
    `amount` (yuan), `setl_id`, `cited` (whether the finding cites it). The flag says whether rows were left out: cited
    ones are kept first.
    """
    people = sorted({member.id for member in finding.members if member.suspected and member.label == "Patient"})
    cards = sorted({member.id for member in finding.members if member.suspected and member.label == "Card"})
    frame = connection.execute(
        f"""
        WITH cited AS (SELECT DISTINCT unnest($cited) AS setl_id)
        SELECT coalesce(s.mdtrt_cert_no, s.psn_no) AS card, s.psn_no AS person, s.setl_time AS time,
               s.fixmedins_code AS place, coalesce(i.fixmedins_name, s.fixmedins_code) AS place_name,
               CAST(s.medfee_sumamt AS DOUBLE) AS amount, s.setl_id, cited.setl_id IS NOT NULL AS cited
        FROM settlements AS s
        LEFT JOIN cited USING (setl_id)
        LEFT JOIN institutions AS i USING (fixmedins_code)
        WHERE cited.setl_id IS NOT NULL
           OR ((s.psn_no IN (SELECT unnest($people)) OR s.mdtrt_cert_no IN (SELECT unnest($cards)))
               AND s.setl_time BETWEEN $first AND $last)
        ORDER BY cited DESC, s.setl_time, s.setl_id LIMIT {int(max_rows) + 1}
        """,
        {
            "cited": _cited_settlements(finding),
            "people": people,
            "cards": cards,
            "first": finding.first_time,
            "last": finding.last_time,
        },
    ).df()
    return frame.iloc[:max_rows], len(frame) > max_rows


def cited_places(connection: duckdb.DuckDBPyConnection, finding: Finding, limit: int = 6) -> list[str]:
    """Codes of the institutions of the cited settlements, those with most of them first."""
    rows = connection.execute(
        "SELECT fixmedins_code FROM settlements WHERE setl_id IN (SELECT unnest($cited))"
        f" GROUP BY fixmedins_code ORDER BY count(*) DESC, fixmedins_code LIMIT {int(limit)}",
        {"cited": _cited_settlements(finding)},
    ).fetchall()
    return [code for (code,) in rows]


def meetings(uses: pd.DataFrame, gap: timedelta = timedelta(hours=1)) -> pd.DataFrame:
    """Occasions at which several cards were used: cited uses that follow each other within `gap`, whatever the place.

    `uses` as `card_uses` gives it. Columns: `first`, `last` (times), `cards` (how many different ones), `places` (their
    names); most cards first. Occasions with one card are left out.
    """
    cited = uses[uses["cited"]].sort_values("time")
    number = (cited["time"].diff() > gap).cumsum()
    found = cited.groupby(number).agg(
        first=("time", "min"), last=("time", "max"), cards=("card", "nunique"), places=("place_name", _names)
    )
    together = found[found["cards"] > 1]
    return together.sort_values(["cards", "first"], ascending=[False, True], ignore_index=True)


def pack_routes(
    connection: duckdb.DuckDBPyConnection, finding: Finding, lines: pd.DataFrame, max_packs: int = 60
) -> pd.DataFrame:
    """Every recorded sale of the trace codes that cited lines share, for drawing the route of each pack.

    `lines` are the cited rows of `settlement_items` as `cited_rows` gives them. Columns: `pack` (trace code), `time`,
    `place` (code), `place_name`, `person`, `drug_name`, `setl_id`, `cited`. Packs with the most sales come first,
    `max_packs` at most; a code that was sold once has no route and is left out.
    """
    if "drug_trac_codg" not in lines:
        return pd.DataFrame()
    coded = lines.dropna(subset=["med_list_codg", "drug_trac_codg"])
    pairs = {
        (drug, pack)
        for drug, codes in zip(coded["med_list_codg"], coded["drug_trac_codg"], strict=True)
        for pack in codes.split("|")
    }
    key = tables()["settlement_items"].key_sql("i")
    # Keys and codes are taken apart only in the few rows that can hold one: both cost more than reading the table.
    return connection.execute(
        f"""
        WITH cited AS (SELECT DISTINCT unnest($cited) AS key),
        codes AS (SELECT unnest($drugs) AS med_list_codg, unnest($packs) AS pack),
        coded AS (
          SELECT i.* FROM settlement_items AS i
          WHERE i.drug_trac_codg IN (SELECT pack FROM codes)
             OR (contains(i.drug_trac_codg, '|') AND i.med_list_codg IN (SELECT med_list_codg FROM codes))
        ),
        split AS (
          SELECT i.med_list_codg, i.setl_id, {key} AS key, unnest(string_split(i.drug_trac_codg, '|')) AS pack
          FROM coded AS i
        ),
        sold AS (SELECT DISTINCT split.* FROM split JOIN codes USING (med_list_codg, pack)),
        routed AS (SELECT pack, count(*) AS sales FROM sold GROUP BY pack HAVING count(*) > 1
                   ORDER BY sales DESC, pack LIMIT {int(max_packs)})
        SELECT sold.pack, s.setl_time AS time, s.fixmedins_code AS place,
               coalesce(place.fixmedins_name, s.fixmedins_code) AS place_name, s.psn_no AS person,
               coalesce(drug.drug_genname, sold.med_list_codg) AS drug_name, s.setl_id,
               sold.key IN (SELECT key FROM cited) AS cited
        FROM sold JOIN routed USING (pack) JOIN settlements AS s USING (setl_id)
        LEFT JOIN institutions AS place USING (fixmedins_code)
        LEFT JOIN drugs AS drug USING (med_list_codg)
        ORDER BY routed.sales DESC, sold.pack, s.setl_time, s.setl_id, sold.key
        """,
        {
            "cited": [ref.key for ref in finding.evidence if ref.table == "settlement_items"],
            "drugs": [drug for drug, _ in pairs],
            "packs": [pack for _, pack in pairs],
        },
    ).df()


def _names(values: pd.Series) -> str:
    return ", ".join(sorted({str(value) for value in values}))


def _cited_settlements(finding: Finding) -> list[str]:
    """The settlements that a finding cites, and those whose lines it cites."""
    of_items = _settlements_of_items([ref.key for ref in finding.evidence if ref.table == "settlement_items"])
    return [*(ref.key for ref in finding.evidence if ref.table == "settlements"), *of_items]


def _settlements_of_items(keys: Sequence[str]) -> list[str]:
    return [key.rsplit("|", 1)[0] for key in keys]
