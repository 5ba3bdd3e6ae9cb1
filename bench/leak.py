"""Does the simulator give its schemes away?

A classifier on marginals alone must not tell ring members, and no single rule may tell any scheme.

    python bench/leak.py [--persons 60000] [--seeds 11 12 13] [--difficulty medium hard] [--json FILE]

Marginals are what one person (or shop) shows without looking at anybody else: counts, amounts, hours, products, ids.
The classifier (gradient boosting) learns on all cities but one and is judged on that one. Limits: AUC 0.75 on ring
members; F1 0.4 for each rule "marginal above (or below) a threshold", the threshold chosen on the same data, which
favours the rule. Exits with status 1 if a limit is passed.
"""

from __future__ import annotations

import argparse
import json
import os
import sys
import tempfile
from dataclasses import asdict, dataclass
from pathlib import Path

import duckdb
import numpy as np
import pandas as pd
from sklearn.ensemble import HistGradientBoostingClassifier
from sklearn.metrics import roc_auc_score

from ringtrace.simulate import simulate
from ringtrace.simulate.planting import CityDifficulty

AUC_LIMIT = 0.75
F1_LIMIT = 0.40

PERSON_MARGINALS = """
WITH item AS (
    SELECT setl_id, count(*) AS lines, sum(CAST(cnt AS DOUBLE)) AS packs,
    count(*) FILTER (drug_trac_codg IS NULL) AS uncoded,
        max(CAST(pric AS DOUBLE)) AS dearest
    FROM settlement_items WHERE med_list_codg LIKE 'X%' GROUP BY ALL
), visit AS (
    SELECT s.*, item.*, CAST(setl_time AS TIMESTAMP) AS stamp FROM settlements s LEFT JOIN item USING (setl_id)
), per AS (
    SELECT psn_no, count(*) AS visits, count(*) FILTER (med_type = '41') AS pharmacy_visits,
        count(DISTINCT fixmedins_code) AS places, count(DISTINCT fixmedins_code) FILTER (med_type = '41') AS shops,
        sum(CAST(medfee_sumamt AS DOUBLE)) AS amount,
        avg(CAST(medfee_sumamt AS DOUBLE)) FILTER (med_type = '41') AS basket,
        sum(CAST(acct_pay AS DOUBLE)) AS account, sum(lines) AS lines, sum(packs) AS packs,
        avg(uncoded / lines) AS uncoded,
        max(dearest) AS dearest, avg(hour(stamp)) AS hour, stddev(hour(stamp)) AS hour_spread,
        avg(dayofweek(stamp)) AS weekday,
        stddev(dayofyear(stamp)) AS season, count(DISTINCT mdtrt_cert_type) AS credentials,
        avg(CAST(mdtrt_cert_type AS INT)) AS credential,
        count(DISTINCT dise_codg) AS diseases, count(*) FILTER (dise_codg IS NULL) AS no_disease,
        avg(CAST(right(setl_id, 9) AS BIGINT)) AS id_order, count(*) FILTER (refd_setl_flag = '1') AS refunds,
        max(visits_a_day) AS busiest_day
    FROM visit JOIN (SELECT psn_no, max(n) AS visits_a_day FROM (
        SELECT psn_no, CAST(setl_time AS DATE), count(*) AS n FROM settlements GROUP BY ALL) GROUP BY 1) USING (psn_no)
    GROUP BY psn_no
)
SELECT p.psn_no AS id, CAST(gend AS INT) AS gend, year(CAST(brdy AS DATE)) AS born, tel IS NULL AS no_tel,
emp_no IS NULL AS no_emp,
    die_date IS NOT NULL AS died, CAST(right(p.psn_no, 8) AS BIGINT) AS id_number, CAST(insu_admdvs AS INT) AS region,
    per.* EXCLUDE (psn_no)
FROM persons p JOIN per USING (psn_no)
"""

SHOP_MARGINALS = """
WITH item AS (
    SELECT fixmedins_code, count(*) FILTER (drug_trac_codg IS NULL) / count(*) AS uncoded,
    avg(CAST(cnt AS DOUBLE)) AS packs,
        sum(CAST(cnt AS DOUBLE)) AS sold
    FROM settlement_items JOIN settlements USING (setl_id) WHERE med_type = '41' AND med_list_codg LIKE 'X%' GROUP BY 1
), bought AS (
    SELECT fixmedins_code, sum(CAST(cnt AS DOUBLE)) FILTER (chg_type IN ('initial', 'purchase',
    'transfer_in')) AS bought,
        count(*) FILTER (chg_type = 'purchase'
            AND drug_trac_codg IS NULL) / count(*) FILTER (chg_type = 'purchase') AS plain_purchases,
        sum(CAST(cnt AS DOUBLE)) FILTER (chg_type = 'sale') AS left_ledger
    FROM inventory GROUP BY 1
), visit AS (
    SELECT fixmedins_code, count(*) AS visits, count(DISTINCT psn_no) AS customers,
    avg(CAST(medfee_sumamt AS DOUBLE)) AS basket,
        count(*) FILTER (hour(stamp) + minute(stamp) / 60 >= CAST(close_hour AS DOUBLE)
            OR hour(stamp) < floor(CAST(open_hour AS DOUBLE))) / count(*) AS outside,
        count(*) FILTER (mdtrt_cert_type = '01') / count(*) AS electronic,
        count(*) FILTER (month(stamp) = 12) / count(*) AS december,
        sum(CAST(acct_pay AS DOUBLE)) / sum(CAST(medfee_sumamt AS DOUBLE)) AS account,
        1 - count(DISTINCT medfee_sumamt) / count(*) AS equal_totals
    FROM (SELECT *, CAST(setl_time AS TIMESTAMP) AS stamp FROM settlements WHERE med_type = '41')
        JOIN institutions USING (fixmedins_code)
    GROUP BY 1
)
SELECT fixmedins_code AS id, visit.* EXCLUDE (fixmedins_code), uncoded, packs, sold / bought AS sold_bought,
left_ledger / bought AS ledger,
    plain_purchases, visits / customers AS loyalty
FROM visit JOIN item USING (fixmedins_code) JOIN bought USING (fixmedins_code)
"""


@dataclass(frozen=True, slots=True)
class Leaks:
    """What gives schemes away at one difficulty: `auc` city by city; `rules` as name → (F1, words) of the best rule."""

    difficulty: str
    auc: list[float]
    rules: dict[str, tuple[float, str]]


def marginals(folder: Path) -> tuple[pd.DataFrame, pd.DataFrame, pd.DataFrame]:
    """Marginals of persons and of shops (`id` and numbers), and the truth's members with their kind."""
    database = duckdb.connect()
    for table in ("persons", "settlements", "settlement_items", "inventory", "institutions"):
        database.execute(f"CREATE VIEW {table} AS FROM read_csv('{folder}/{table}.csv', all_varchar = true)")
    members = database.execute(
        f"""
        SELECT members.*, schemes.kind FROM read_csv('{folder}/truth/members.csv', all_varchar = true) AS members
        JOIN read_csv('{folder}/truth/schemes.csv', all_varchar = true) AS schemes USING (group_id)
        """
    ).df()
    return database.execute(PERSON_MARGINALS).df(), database.execute(SHOP_MARGINALS).df(), members


def best_rule(frame: pd.DataFrame, guilty: np.ndarray) -> tuple[float, str]:
    """F1 and words of the best single threshold on any column."""
    best = (0.0, "-")
    for column in frame.columns.drop("id"):
        values = frame[column].astype(float).fillna(frame[column].astype(float).median()).to_numpy()
        for sign, word in ((1, "high"), (-1, "low")):
            order = np.argsort(-sign * values, kind="stable")
            # Equal values stand on one side of the threshold together.
            last = np.append(np.diff(values[order]) != 0, True)
            hits = np.cumsum(guilty[order])
            f1 = (2 * hits / (np.arange(1, len(order) + 1) + guilty.sum()))[last]
            best = max(best, (float(f1.max()), f"{word} {column}"))
    return best


def measure(persons: int, seeds: list[int], difficulty: CityDifficulty, scratch: Path) -> Leaks:
    """AUC of the classifier on ring members, city by city, and the best single rule for each kind of scheme."""
    cities = []
    for seed in seeds:
        folder = scratch / f"{difficulty}-{seed}"
        simulate(folder, persons=persons, seed=seed, difficulty=difficulty)
        cities.append(marginals(folder))
    aucs = []
    for left_out in range(len(seeds)):
        train = pd.concat(
            [city[0].assign(y=_of(city, "borrowed_card_ring")) for n, city in enumerate(cities) if n != left_out]
        )
        test = cities[left_out][0].assign(y=_of(cities[left_out], "borrowed_card_ring"))
        features = train.columns.drop(["id", "y"])
        model = HistGradientBoostingClassifier(
            max_iter=150, learning_rate=0.06, class_weight="balanced", random_state=0
        )
        model.fit(train[features].astype(float), train["y"])
        aucs.append(float(roc_auc_score(test["y"], model.predict_proba(test[features].astype(float))[:, 1])))
    rules = {}
    for kind in ("borrowed_card_ring", "pharmacy_collusion", "drug_resale"):
        found = [best_rule(city[0], _of(city, kind)) for city in cities]
        rules[f"{kind}: patients"] = (float(np.mean([f1 for f1, _ in found])), found[0][1])
        if kind != "borrowed_card_ring":
            pooled = pd.concat([city[1] for city in cities])
            rules[f"{kind}: shops"] = best_rule(
                pooled, np.concatenate([_of(city, kind, shops=True) for city in cities])
            )
    return Leaks(difficulty, aucs, rules)


def _of(city: tuple[pd.DataFrame, pd.DataFrame, pd.DataFrame], kind: str, *, shops: bool = False) -> np.ndarray:
    frame, members = city[1] if shops else city[0], city[2]
    return frame["id"].isin(members.loc[members["kind"] == kind, "id"]).to_numpy().astype(int)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--persons", type=int, default=60_000)
    parser.add_argument("--seeds", type=int, nargs="+", default=[11, 12, 13])
    parser.add_argument("--difficulty", nargs="+", default=["medium", "hard"])
    parser.add_argument("--json", type=Path)
    given = parser.parse_args()
    print(f"{given.persons} persons a city, seeds {given.seeds}, {os.cpu_count()} cores")
    results, leaks = [], False
    for difficulty in given.difficulty:
        with tempfile.TemporaryDirectory() as scratch:
            result = measure(given.persons, given.seeds, difficulty, Path(scratch))
        results.append(result)
        mean = float(np.mean(result.auc))
        leaks |= mean > AUC_LIMIT
        print(f"\n{difficulty}\n{'what':34} {'value':>6} {'limit':>6}")
        by_city = f"by city {np.round(result.auc, 3)}"
        print(f"{'ring members, AUC of marginals':34} {mean:6.3f} {AUC_LIMIT:6.2f}   {by_city}")
        for name, (f1, words) in result.rules.items():
            leaks |= f1 > F1_LIMIT
            print(f"{name + ', best rule F1':34} {f1:6.3f} {F1_LIMIT:6.2f}   {words}")
    if given.json:
        given.json.write_text(json.dumps([asdict(result) for result in results], indent=1))
    sys.exit(1 if leaks else 0)


if __name__ == "__main__":
    main()
