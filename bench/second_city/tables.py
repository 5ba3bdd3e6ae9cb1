"""The delivery: contract tables and truth files as CSV."""

from __future__ import annotations

import csv
from collections.abc import Mapping, Sequence
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.csv as arrow_csv
from numpy.typing import ArrayLike

from second_city import names
from second_city.arrays import DAY, Ints
from second_city.city import Care, City
from second_city.medicines import ICD
from second_city.money import Money
from second_city.people import YEAR

NEW_YEAR = np.datetime64(f"{YEAR}-01-01T00:00:00", "s")
OPTIONS = arrow_csv.WriteOptions(quoting_style="needed")


def write(path: Path, columns: Mapping[str, ArrayLike | pa.Array]) -> None:
    """One table as CSV."""
    arrow_csv.write_csv(pa.table(dict(columns)), path, OPTIONS)


def codes(values: Sequence[str], picks: Ints) -> pa.Array:
    """`values[pick]`, null where a pick is negative."""
    return pa.array(list(values), pa.string()).take(pa.array(picks, mask=picks < 0))


def yuan(cents: Ints) -> pa.Array:
    """Cents as exact yuan."""
    return pa.array(cents / 100).cast(pa.decimal128(14, 2))


def moment(seconds: Ints, clock: bool = True) -> pa.Array:
    """Seconds of the year as times (or dates only); null below zero."""
    times = NEW_YEAR + seconds.astype("timedelta64[s]")
    return pa.array(times if clock else times.astype("datetime64[D]"), mask=seconds < 0)


def padded(numbers: Ints, width: int) -> pa.Array:
    """Numbers with leading zeros."""
    return pc.utf8_lpad(pa.array(numbers).cast(pa.string()), width, "0")


def join(*parts: pa.Array | str) -> pa.Array:
    """Texts end to end; null if any is."""
    return pc.binary_join_element_wise(*parts, "")


def settlement_ids(city: City, alive: Ints) -> pa.Array:
    """An id per visit of the city (null for those that did not take place): place, date, running number of the day."""
    visits = city.visits
    order = alive[np.lexsort((alive, visits["time"][alive], visits["place"][alive]))]
    place, day = visits["place"][order], visits["time"][order] // DAY
    new = np.r_[True, (place[1:] != place[:-1]) | (day[1:] != day[:-1])]
    running = np.arange(len(order)) - np.maximum.accumulate(np.where(new, np.arange(len(order)), 0)) + 1
    number, date = np.full(visits.rows, -1), visits["time"] // DAY
    number[order] = running
    text = join(codes(names.place_codes(city), visits["place"]), codes(names.dates(), date), padded(number.clip(0), 5))
    return pc.if_else(pa.array(number > 0), text, pa.scalar(None, pa.string()))


def write_settlements(city: City, money: Money, folder: Path, alive: Ints, ids: pa.Array) -> None:
    """settlements.csv in the order of a platform's export: by time."""
    visits, rng = city.visits, city.rng
    order = alive[np.argsort(visits["time"][alive], kind="stable")]
    clock = city.profile.clock
    place, refund = visits["place"][order], visits["refund_of"][order]
    tills = np.where(visits["till"][order] >= 0, visits["till"][order], rng.integers(0, 1000, len(order)))
    till = tills % city.places.tills[place]
    kind = np.where(
        visits["credential"][order] > 0, visits["credential"][order], names.habitual_credential(city, order)
    )
    sign = np.where(refund >= 0, -1, 1)
    doctor = names.doctor_of(city, order)
    shop_sale = visits["care"][order] == Care.PHARMACY  # where a diagnosis is rarely written
    illness = np.where(shop_sale & (names.scrambled(order, 41) % 10 < 6), -1, visits["illness"][order])
    write(
        folder / "settlements.csv",
        {
            "setl_id": ids.take(pa.array(order)),
            "mdtrt_id": join("M", padded(np.arange(len(order)) * 3 + 41, 9)),
            "psn_no": codes(names.person_codes(city), visits["person"][order]),
            "mdtrt_cert_no": names.credentials(city, visits["person"][order], kind),
            "mdtrt_cert_type": codes(["", "01", "02", "03"], kind),
            "fixmedins_code": codes(names.place_codes(city), place),
            "pos_no": join("T", pa.array(till + 1).cast(pa.string())),
            "med_type": pa.array(visits["care"][order]),
            "begntime": moment(visits["begin"][order], clock),
            "endtime": moment(visits["end"][order], clock),
            "setl_time": moment(visits["time"][order], clock),
            "dise_codg": codes(list(ICD.values()), illness),
            "chfpdr_code": codes(names.doctor_codes(city), doctor),
            "medfee_sumamt": yuan(sign * money.total[order]),
            "fund_pay_sumamt": yuan(sign * money.fund[order]),
            "acct_pay": yuan(sign * money.account[order]),
            "acct_mulaid_pay": yuan(sign * money.shared[order]),
            "cash_payamt": yuan(sign * money.cash[order]),
            "manl_reim_flag": pa.array(visits["by_hand"][order]).cast(pa.string()),
            "invono": pc.if_else(
                pa.array(visits["by_hand"][order] > 0),
                join("E34", padded(np.arange(len(order)), 9)),
                pa.scalar(None, pa.string()),
            ),
            "refd_setl_flag": pa.array((refund >= 0).astype(np.int64)).cast(pa.string()),
            "init_setl_id": ids.take(pa.array(refund, mask=refund < 0)),
        },
    )


def write_items(city: City, money: Money, folder: Path, lines: Ints, ids: pa.Array, traced: pa.Array) -> None:
    """settlement_items.csv; `traced` holds the codes of each line in `lines`, by visit time."""
    visit = city.lines["visit"][lines]
    new = np.r_[True, visit[1:] != visit[:-1]]
    number = np.arange(len(lines)) - np.maximum.accumulate(np.where(new, np.arange(len(lines)), 0)) + 1
    sign = np.where(city.visits["refund_of"][visit] >= 0, -1, 1)
    columns: dict[str, ArrayLike | pa.Array] = {
        "setl_id": ids.take(pa.array(visit)),
        "feedetl_sn": pa.array(number).cast(pa.string()),
        "med_list_codg": codes(city.medicines.code, city.lines["drug"][lines]),
        "cnt": pa.array(sign * city.lines["count"][lines]),
        "pric": yuan(money.price[lines]),
        "det_item_fee_sumamt": yuan(sign * money.amount[lines]),
        "trdn_flag": pa.array(city.lines["split"][lines]).cast(pa.string()),
        "fee_ocur_time": moment(city.visits["time"][visit], city.profile.clock),
    }
    if city.profile.trace_codes:
        columns["drug_trac_codg"] = traced
    write(folder / "settlement_items.csv", columns)


def active_members(city: City, alive: Ints) -> list[tuple[str, str, int, str]]:
    """Members of schemes; a person counts who took part, in a ring at least twice (a card used once shows nothing)."""
    scheme, person = city.visits["scheme"][alive], city.visits["person"][alive]
    keys, times = np.unique(scheme * city.people.count + person, return_counts=True)
    part = dict(zip(keys.tolist(), times.tolist(), strict=True))
    kinds = {group: kind for group, kind, _, _ in city.truth.schemes}
    least = {group: 2 if kind == "borrowed_card_ring" else 1 for group, kind in kinds.items()}
    return [
        row
        for row in city.truth.members
        if row[1] != "Patient" or part.get(int(row[0][1:]) * city.people.count + row[2], 0) >= least[row[0]]
    ]


def write_truth(city: City, folder: Path, alive: Ints, ids: pa.Array) -> None:
    """schemes.csv, members.csv, innocent_groups.csv; and acts.csv, the settlements that a scheme made."""
    folder.mkdir(parents=True, exist_ok=True)
    person, place = names.person_codes(city), names.place_codes(city)

    def rows(path: str, header: list[str], content: list[list[str]]) -> None:
        with (folder / path).open("w", encoding="utf-8", newline="") as stream:
            csv.writer(stream, lineterminator="\n").writerows([header, *content])

    def name(label: str, number: int) -> tuple[str, str]:
        """Medical institutions bear their own label."""
        if label == "Patient":
            return label, person[number]
        return ("Pharmacy" if names.is_pharmacy(city, number) else "Hospital"), place[number]

    truth = city.truth
    rows("schemes.csv", ["group_id", "kind", "difficulty", "habit"], [list(each) for each in truth.schemes])
    members = sorted(
        {(group, *name(label, number), role) for group, label, number, role in active_members(city, alive)}
    )
    rows("members.csv", ["group_id", "label", "id", "role"], [list(each) for each in members])
    groups = sorted({(group, kind, *name(label, number)) for group, kind, label, number in truth.innocent})
    rows("innocent_groups.csv", ["group_id", "kind", "label", "id"], [list(each) for each in groups])
    acts = alive[city.visits["scheme"][alive] > 0]
    acts = acts[np.lexsort((acts, city.visits["scheme"][acts]))]
    group = codes([each for each, *_ in truth.schemes], city.visits["scheme"][acts] - 1)
    write(folder / "acts.csv", {"group_id": group, "setl_id": ids.take(pa.array(acts))})
