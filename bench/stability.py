"""What must not matter: other names for the same things, other places' records, one more month.

    .venv/bin/python bench/stability.py --seeds 1 2 --persons 20000

On hard cities of tuning seeds, each compared with its own findings at orange and above as detected alone:

- renamed: people, cards, places, settlements, staff and tills have other ids, and rows come in another order.
- elsewhere: a city without schemes stands beside it, in another province, sharing nothing but the list of drugs. Its
  people change what is usual, and so scores; they should not change much.
- a month more: eleven months are loaded and searched, then the twelfth arrives. Compared are the eleven months'
  findings with those of the whole year: each should keep its id.

Prints how many findings name the same suspects, keep their level and their id, and how far scores move; writes
bench/out/stability.json.
"""

from __future__ import annotations

import argparse
import json
import tempfile
from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from statistics import median
from typing import Final

import duckdb
from quality import OUT, city
from scoring import ACTED_ON

from ringtrace.detectors import detect
from ringtrace.findings import Finding
from ringtrace.loaders import load_folder
from ringtrace.workspace import Workspace

IDS: Final = [
    "psn_no", "mdtrt_cert_no", "share_psn_no", "fixmedins_code", "care_inst", "setl_id", "mdtrt_id", "init_setl_id",
    "pos_no", "dr_code", "bilg_dr_code", "chfpdr_code", "hh_no", "emp_no", "tel", "bank_acct", "invono", "tip_id",
    "subj_id",
]  # fmt: skip
RENAMED: Final = {name: f"'R' || reverse({name})" for name in IDS}
ELSEWHERE: Final = {name: f"'Z' || {name}" for name in IDS} | {
    "addr": "'外省' || addr",
    "insu_admdvs": "'65' || substr(insu_admdvs, 3)",
    "admdvs": "'65' || substr(admdvs, 3)",
    "lon": "lon::DOUBLE - 30",
    "drug_trac_codg": r"regexp_replace(drug_trac_codg, '(^|\|)8', '\19', 'g')",
}
LAST_MONTH: Final = "2025-12-01"


@dataclass(frozen=True, slots=True)
class Outcome:
    """What became of one finding when what should not matter had changed; `moved` is how far its score went."""

    same_suspects: bool
    same_level: bool
    same_id: bool
    moved: float | None


def rewritten(data: Path, table: str, changes: Mapping[str, str]) -> str:
    """SELECT of a table of `data` with the `changes` to its columns; empty cells stay empty."""
    source = f"read_csv('{data / table}.csv', all_varchar = true)"
    with duckdb.connect() as connection:
        present = [row[0] for row in connection.execute(f"DESCRIBE FROM {source}").fetchall()]
    wanted = ", ".join(
        f"CASE WHEN {name} IS NOT NULL THEN {changes[name]} END AS {name}" for name in present if name in changes
    )
    return f"SELECT * REPLACE ({wanted}) FROM {source}" if wanted else f"SELECT * FROM {source}"


def until(data: Path, table: str, sign: str) -> str:
    """SELECT of a table's rows before (`<`) or from (`>=`) the last month on; registers are whole both times."""
    every = rewritten(data, table, {})
    if table == "settlement_items":
        return f"{every} WHERE setl_id IN (SELECT setl_id FROM ({until(data, 'settlements', sign)}))"
    column = {"settlements": "setl_time", "inventory": "chg_time"}.get(table)
    return f"{every} WHERE {column} {sign} '{LAST_MONTH}'" if column else every


def written(selects: Mapping[str, str], out: Path) -> Path:
    """The new folder `out` with one CSV file for each of `selects`."""
    out.mkdir()
    with duckdb.connect() as connection:
        for table, select in selects.items():
            connection.execute(f"COPY ({select}) TO '{out / table}.csv' (HEADER)")
    return out


def searched(workspace: Workspace, delivery: Path) -> list[Finding]:
    """Findings at orange and above once the delivery is loaded too."""
    load_folder(delivery, workspace)
    return [each for each in detect(workspace).findings if each.level in ACTED_ON]


def suspects(finding: Finding, *, renamed: bool = False) -> tuple[str, frozenset[str]]:
    """Kind and suspected members; with `renamed`, under the names that they had before."""
    named = [member.id for member in finding.members if member.suspected]
    return finding.kind, frozenset(each.removeprefix("R")[::-1] if renamed else each for each in named)


def compared(before: Iterable[Finding], after: Sequence[Finding], *, renamed: bool = False) -> list[Outcome]:
    again = {suspects(each, renamed=renamed): each for each in after}
    ids = {each.finding_id for each in after}
    outcomes = []
    for each in before:
        now = again.get(suspects(each))
        moved = None if now is None else abs(now.score - each.score)
        same_level = now is not None and now.level == each.level
        outcomes.append(Outcome(now is not None, same_level, each.finding_id in ids, moved))
    return outcomes


def measured(persons: int, seed: int, scratch: Path) -> dict[str, list[Outcome]]:
    """The three comparisons in the city of one seed."""
    city(persons, seed, "hard")
    city(persons, seed, "hard", schemes=False)
    own, other = (OUT / f"city-{persons}-{name}-{seed}" / "data" for name in ("hard", "clean"))
    tables = sorted(path.stem for path in own.glob("*.csv"))

    def fresh(name: str) -> Workspace:
        return Workspace(scratch / f"workspace-{name}", create=True)

    alone = searched(fresh("alone"), own)
    shuffled = {
        each: f"SELECT * FROM ({rewritten(own, each, RENAMED)}) row_of ORDER BY hash(row_of)" for each in tables
    }
    beside = {
        each: f"{rewritten(own, each, {})} UNION ALL BY NAME {rewritten(other, each, ELSEWHERE)}" for each in tables
    } | {"drugs": rewritten(own, "drugs", {})}
    growing = fresh("growing")
    eleven = searched(growing, written({each: until(own, each, "<") for each in tables}, scratch / "eleven"))
    twelve = searched(growing, written({each: until(own, each, ">=") for each in tables}, scratch / "twelfth"))
    return {
        "renamed": compared(alone, searched(fresh("renamed"), written(shuffled, scratch / "renamed")), renamed=True),
        "elsewhere": compared(alone, searched(fresh("elsewhere"), written(beside, scratch / "elsewhere"))),
        "a month more": compared(eleven, twelve),
    }


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--seeds", type=int, nargs="+", default=[1, 2])
    parser.add_argument("--persons", type=int, default=20_000)
    options = parser.parse_args()
    if any(seed >= 1000 for seed in options.seeds):
        parser.error("seeds from 1000 on are for bench/quality.py")
    total: dict[str, list[Outcome]] = defaultdict(list)
    for seed in options.seeds:
        with tempfile.TemporaryDirectory(dir=OUT) as scratch:
            for name, outcomes in measured(options.persons, seed, Path(scratch)).items():
                total[name] += outcomes
    print(
        f"{'':14}{'findings':>9}{'suspects':>9}{'level':>7}{'id':>5}{'score moved: median':>21}{'90 %':>7}{'most':>7}"
    )
    for name, outcomes in total.items():
        moved = sorted(each.moved for each in outcomes if each.moved is not None)
        same = [sum(getattr(each, what) for each in outcomes) for what in ("same_suspects", "same_level", "same_id")]
        print(
            f"{name:14}{len(outcomes):9}{same[0]:9}{same[1]:7}{same[2]:5}"
            f"{median(moved):21.4f}{moved[int(0.9 * len(moved))]:7.3f}{moved[-1]:7.3f}"
        )
    (OUT / "stability.json").write_text(
        json.dumps({name: [asdict(each) for each in outcomes] for name, outcomes in total.items()}, indent=1), "utf-8"
    )


if __name__ == "__main__":
    main()
