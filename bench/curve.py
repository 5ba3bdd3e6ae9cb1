"""How small and how rare may a ring be and still be found: recall by number of cards × meetings a year.

    .venv/bin/python bench/curve.py --seeds 31 32 33 34 35 36 37 38 --persons 20000

Plants rings of each size and number of meetings among unrelated adults of a simulated city without schemes, `--rings`
of them per cell and city, and prints for each cell the share of rings found (half of their members or more, in one
finding of mostly such people) and the share of members named, at orange and above. A finding about the shop counts: its
till repeats the list's totals, and where it names a ring's people the ring's own finding stays a lead. More than one
ring a cell crowds the city: several share a shop, whose finding names them as one.

A ring here: cards of one shop's customers and of strangers, each missing a third of the meetings, used within twenty
minutes at one shop on days and hours that somebody chooses; three baskets in ten come from a short list, the others are
what its owner or anybody buys there; the owners go on using their cards as before. Writes bench/out/curve.json.
"""

from __future__ import annotations

import argparse
import json
from pathlib import Path

import duckdb
import numpy as np
import pandas as pd
from quality import OUT, city

from ringtrace.detectors import detect
from ringtrace.findings import Finding
from ringtrace.loaders import load_folder
from ringtrace.workspace import Workspace

SIZES = (3, 5, 8, 12, 20)
MEETINGS = (4, 6, 8, 12, 24)
ATTENDANCE = 2 / 3
MINUTES = 20
SOUGHT = 0.3
REGULARS = 0.4

Ring = tuple[int, int, frozenset[str]]
"""Cards, meetings, owners."""


def plant(data: Path, out: Path, rings: int, seed: int) -> list[Ring]:
    """Write to `out` the city in `data` with `rings` rings a cell more, and return them."""
    rng = np.random.default_rng(seed)
    tables = duckdb.connect()
    for name in ("settlements", "settlement_items", "persons"):
        tables.execute(f"CREATE VIEW {name} AS FROM read_csv('{data / name}.csv', all_varchar = true)")
    sales = tables.execute("FROM settlements WHERE med_type = '41' AND refd_setl_flag = '0'").df()
    adults = tables.execute(
        "SELECT psn_no FROM persons WHERE brdy < '2000' AND die_date IS NULL "
        "AND psn_no IN (SELECT psn_no FROM settlements WHERE med_type = '41' AND refd_setl_flag = '0') ORDER BY psn_no"
    ).fetchall()
    free = [str(person) for person in rng.permutation([person for (person,) in adults])]
    first = sales["setl_time"].min()[:10]
    by_shop = {str(shop): rows for shop, rows in sales.groupby("fixmedins_code") if len(rows) > 1000}
    own = {str(person): rows for person, rows in sales.groupby("psn_no")}
    cards = sales.drop_duplicates("psn_no").set_index("psn_no")[["mdtrt_cert_no", "mdtrt_cert_type"]]
    planted: list[Ring] = []
    visits = []
    for size in SIZES:
        for meetings in MEETINGS:
            for _ in range(rings):
                shop = by_shop[str(rng.choice(sorted(by_shop)))]
                unused = set(free)
                regulars = [each for each in shop["psn_no"].unique()[:400] if each in unused]
                chosen = [str(each) for each in rng.permutation(regulars)[: round(size * REGULARS)]]
                chosen += [each for each in free[:100] if each not in chosen][: size - len(chosen)]
                taken = set(chosen)
                free = [each for each in free if each not in taken]
                planted.append((size, meetings, frozenset(chosen)))
                visits.append(_visits(rng, chosen, meetings, shop, own, first))
    rows = pd.concat(visits, ignore_index=True)
    rows[["mdtrt_cert_no", "mdtrt_cert_type"]] = cards.loc[rows["psn_no"]].to_numpy()
    rows["copied"] = rows["setl_id"]
    rows["setl_id"] = [f"planted{number:08d}" for number in range(len(rows))]
    rows["mdtrt_id"] = rows["setl_id"]
    rows["begntime"] = rows["endtime"] = rows["setl_time"]
    rows["invono"] = rows["dise_codg"] = None
    out.mkdir(parents=True, exist_ok=True)
    for name in ("persons", "cards", "institutions", "drugs"):
        (out / f"{name}.csv").write_bytes((data / f"{name}.csv").read_bytes())
    tables.register("planted", rows)
    for name, wanted in (
        ("settlements", "FROM settlements UNION ALL BY NAME SELECT * EXCLUDE (copied) FROM planted"),
        (
            "settlement_items",
            "FROM settlement_items UNION ALL BY NAME SELECT i.* REPLACE (p.setl_id AS setl_id, "
            "p.setl_time AS fee_ocur_time, left(i.drug_trac_codg, 7) || '9' || right(p.setl_id, 8) "
            "|| lpad(i.feedetl_sn, 4, '0') AS drug_trac_codg) "
            "FROM planted p JOIN settlement_items i ON i.setl_id = p.copied",
        ),
    ):
        tables.execute(f"COPY ({wanted}) TO '{out / name}.csv' (HEADER)")
    return planted


def _visits(
    rng: np.random.Generator,
    cards: list[str],
    meetings: int,
    shop: pd.DataFrame,
    own: dict[str, pd.DataFrame],
    first: str,
) -> pd.DataFrame:
    """Settlements of one ring: rows of that shop's own sales, with the ring's people and times."""
    sought = shop.iloc[rng.integers(len(shop), size=5)]
    days = rng.choice(360, meetings, replace=False)
    parts = []
    for day in days:
        begin = pd.Timestamp(first) + pd.Timedelta(days=int(day), seconds=int(rng.integers(9 * 3600, 19 * 3600)))
        for card in rng.permutation(cards):
            if rng.random() >= ATTENDANCE:
                continue
            mine = own[card]
            choice = rng.random()
            source = sought if choice < SOUGHT else mine if choice < (1 + SOUGHT) / 2 else shop
            row = source.iloc[[int(rng.integers(len(source)))]].copy()
            row["psn_no"] = card
            row["fixmedins_code"] = shop["fixmedins_code"].iloc[0]
            row["pos_no"] = shop["pos_no"].iloc[0]
            row["setl_time"] = str((begin + pd.Timedelta(seconds=int(rng.integers(60 * MINUTES)))).floor("s"))
            parts.append(row)
    return pd.concat(parts)


def recall(findings: tuple[Finding, ...], planted: list[Ring]) -> dict[tuple[int, int], tuple[int, int, int, int]]:
    """By cell: rings found, rings, members named, members."""
    suspected = [
        {member.id for member in finding.members if member.label == "Patient" and member.suspected}
        for finding in findings
        if finding.level in ("red", "orange")
    ]
    cells: dict[tuple[int, int], tuple[int, int, int, int]] = {}
    for size, meetings, owners in planted:
        best = max((named for named in suspected if 2 * len(named & owners) >= len(named)), default=set[str](),
                   key=lambda named: len(named & owners))  # fmt: skip
        named = len(best & owners)
        before = cells.get((size, meetings), (0, 0, 0, 0))
        now = (int(2 * named >= size), 1, named, size)
        cells[size, meetings] = tuple(a + b for a, b in zip(before, now, strict=True))  # type: ignore[assignment]
    return cells


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--seeds", type=int, nargs="+", default=list(range(31, 39)))
    parser.add_argument("--persons", type=int, default=20_000)
    parser.add_argument("--rings", type=int, default=1, help="rings of each kind in a city")
    options = parser.parse_args()
    total = {(size, meetings): np.zeros(4, dtype=int) for size in SIZES for meetings in MEETINGS}
    for seed in options.seeds:
        city(options.persons, seed, "medium", schemes=False)
        folder = OUT / f"curve-{options.persons}-{seed}-{options.rings}"
        planted = plant(OUT / f"city-{options.persons}-clean-{seed}" / "data", folder / "data", options.rings, seed)
        workspace = Workspace(folder / "workspace", create=True)
        load_folder(folder / "data", workspace)
        findings = detect(workspace, kinds=["borrowed_card_ring", "pharmacy_collusion"]).findings
        for cell, counts in recall(findings, planted).items():
            total[cell] += counts
    print(f"rings found / members named, at orange and above; {len(options.seeds) * options.rings} rings a cell")
    print("cards \\ meetings" + "".join(f"{meetings:>14}" for meetings in MEETINGS))
    for size in SIZES:
        cells = [total[size, meetings] for meetings in MEETINGS]
        print(f"{size:>16}" + "".join(f"{c[0] / c[1]:>8.2f}/{c[2] / c[3]:5.2f}" for c in cells))
    rows = [
        {
            "cards": size,
            "meetings": meetings,
            "found": int(c[0]),
            "rings": int(c[1]),
            "named": int(c[2]),
            "members": int(c[3]),
        }
        for (size, meetings), c in total.items()
    ]
    (OUT / "curve.json").write_text(json.dumps(rows, indent=1), "utf-8")


if __name__ == "__main__":
    main()
