"""Which shops are branches of one owner: such shops move stock, and their tills share codes, with no ill intent."""

from __future__ import annotations

import re
from collections import defaultdict
from typing import Final

import duckdb

LARGEST_SHARE: Final = 0.1
"""A name stem shared by more than this part of all places (and more than five) is an ordinary word, not a chain."""


def sister_branches(tables: duckdb.DuckDBPyConnection) -> dict[str, frozenset[str]]:
    """Place → the other places of its owner, for places that have any.

    One owner shows in the same legal representative's ID number, the same bank account, the same name apart from its
    branch part, or two or more transfers that leave one ledger and enter the other (same drug and count, within three
    days).
    """
    rows = tables.execute(
        "SELECT fixmedins_code, legrep_certno, bank_acct, fixmedins_name FROM institutions ORDER BY 1"
    ).fetchall()
    owned: dict[tuple[str, str], set[str]] = defaultdict(set)
    for code, certno, account, name in rows:
        signs = [("certno", certno), ("account", account), *(("name", stem) for stem in _stems(name))]
        for sign, value in signs:
            if value:
                owned[sign, value].add(code)
    groups = [
        group for (sign, _), group in owned.items() if sign != "name" or len(group) <= max(5, LARGEST_SHARE * len(rows))
    ]
    groups += [{a, b} for a, b in _transferring(tables)]
    sisters: dict[str, set[str]] = defaultdict(set)
    for group in groups:
        for code in group:
            sisters[code] |= group - {code}
    return {code: frozenset(others) for code, others in sisters.items() if others}


def _transferring(tables: duckdb.DuckDBPyConnection) -> list[tuple[str, str]]:
    rows: list[tuple[str, str]] = tables.execute("""
        SELECT o.fixmedins_code, i.fixmedins_code
        FROM inventory o JOIN inventory i
          ON i.med_list_codg = o.med_list_codg AND i.cnt = o.cnt AND i.fixmedins_code <> o.fixmedins_code
         AND CAST(i.chg_time AS DATE) - CAST(o.chg_time AS DATE) BETWEEN 0 AND 3
        WHERE o.chg_type = 'transfer_out' AND i.chg_type = 'transfer_in'
        GROUP BY 1, 2 HAVING count(DISTINCT (o.med_list_codg, o.chg_time)) >= 2 ORDER BY 1, 2
    """).fetchall()
    return rows


def _stems(name: str | None) -> set[str]:
    """A chain's name without what tells its branches apart: brackets, numbers, the word for branch.

    How much of `康寿堂翠湾分店` names the branch cannot be told from one name; each reading is a stem, and the true one
    is shared. A stem of three characters is a brand only if the name says that it is a branch.
    """
    if not name:
        return set()
    bare = re.sub(r"[（(\[【].*?[)）\]】]", "", name).strip()
    if branch := re.fullmatch(r"(.+?)(.{2,4})分店", bare):
        whole = branch.group(1) + branch.group(2)
        return {stem for part in (2, 3, 4) if len(stem := whole[:-part]) >= 3}
    least = 3 if re.search(r"店[)）\]】]", name) else 4
    bare = re.sub(r"第?[\d一二三四五六七八九十百]+(号|分)?店|\d+|#|\b([Bb]ranch|[Ss]tore|No\.?)", "", bare).strip()
    return {bare} if bare != name and len(bare) >= least else set()
