"""The records of what happened: settlements, their items, and the ledger."""

from __future__ import annotations

import numpy as np
import pyarrow as pa

from ringtrace.simulate.ledger import KINDS
from ringtrace.simulate.payment import Bills
from ringtrace.simulate.records import Care
from ringtrace.simulate.sampling import DAY, Ints, stream
from ringtrace.simulate.stock import NO_PACK, UNITS_IN_PACK, Stock, Table
from ringtrace.simulate.writer import Writer, labels, numbers

SETL = "'3310' || strftime(moment(time), '%y%m%d') || lpad(CAST(row AS VARCHAR), 9, '0')"


def write_settlements(writer: Writer, visits: Table, bills: Bills, certificates: list[str]) -> int:
    """settlements, in order of time; gives the number of rows."""
    town, people = writer.town, writer.town.people
    rng = stream(town.seed, "settlements")
    n = len(visits["person"])
    person, place, time = visits["person"], visits["place"], visits["time"]
    usual = np.where(rng.random(n) < 0.88, people.usual_card[person], 3)
    usual = np.where((usual == 1) & ~people.electronic[person], 3, usual)
    kind = np.where(visits["card"] > 0, visits["card"], usual)
    kind = np.where((kind == 1) & ~people.electronic[person] & (people.shares_with[person] < 0), 3, kind)
    till = np.where(visits["till"] >= 0, visits["till"], (rng.random(n) * town.places.tills[place]).astype(np.int64))
    till = till % town.places.tills[place] + 1
    begin = np.where(
        visits["begin"] >= 0, visits["begin"], time - rng.integers(20, 5400, n) * ~town.places.is_pharmacy(place) - 20
    )
    back, stay = visits["refunds"], visits["same_stay"]
    for column in (kind, till):
        column[:] = np.where(back >= 0, column[back], column)
    row = np.arange(n)
    settlement = pa.table(
        {
            "row": row,
            "time": time,
            "number": people.number[person],
            "certno": labels(certificates, person),
            "kind": kind,
            "fixmedins_code": labels(writer.place_codes, place),
            "pos_no": labels([f"{number:02d}" for number in range(40)], till),
            "med_type": visits["care"].astype(np.int64),
            "begin": begin,
            "ends": _ends(writer, visits),
            "dise_codg": labels(town.goods.icd, visits["disease"]),
            "chfpdr_code": labels(writer.doctor_codes, visits["doctor"]),
            "total": bills.total,
            "fund": bills.fund,
            "account": bills.account,
            "cash": bills.cash,
            "manual": (visits["manual"] > 0).astype(np.int64),
            "invoice": np.where((stay >= 0) & (visits["manual"] < 2), stay, row),
            "visit": np.where(stay >= 0, stay, np.where(back >= 0, back, row)),
            "back": numbers(back),
            "back_time": np.where(back >= 0, time[back], 0),
        }
    )
    return writer.write(
        "settlements",
        f"""
        SELECT {SETL} AS setl_id, 'M3310' || lpad(CAST(visit AS VARCHAR), 10, '0') AS mdtrt_id, psn(number) AS psn_no,
            CASE WHEN manual = 0 THEN card(kind, number, certno) END AS mdtrt_cert_no,
            CASE WHEN manual = 0 THEN '0' || kind END AS mdtrt_cert_type, fixmedins_code,
            CASE WHEN manual = 0 THEN pos_no END AS pos_no, CAST(med_type AS VARCHAR) AS med_type,
            moment(begin) AS begntime, moment(ends) AS endtime, moment(time) AS setl_time, dise_codg, chfpdr_code,
            yuan(total) AS medfee_sumamt, yuan(fund) AS fund_pay_sumamt, yuan(account) AS acct_pay,
            yuan(cash) AS cash_payamt,
            CAST(manual AS VARCHAR) AS manl_reim_flag, '0331' || scatter(invoice, 10, 68111, 9999999967) AS invono,
            CASE WHEN back IS NULL THEN '0' ELSE '1' END AS refd_setl_flag,
            CASE WHEN back IS NOT NULL THEN '3310' || strftime(moment(back_time),
            '%y%m%d') || lpad(CAST(back AS VARCHAR), 9, '0') END
                AS init_setl_id
        FROM settlement
        """,
        settlement=settlement,
    )


def _ends(writer: Writer, visits: Table) -> Ints:
    """When visits ended: a stay that is billed again ended when the first bill says, one that ended in death then."""
    stay, dies = visits["same_stay"], writer.town.people.dies[visits["person"]]
    ends: Ints = np.where(stay >= 0, visits["time"][stay], visits["time"])
    died = (visits["care"] == Care.INPATIENT) & (dies > visits["begin"]) & (dies < ends) & (visits["begin"] >= 0)
    by_hand = (visits["manual"] == 1) & (stay < 0)
    ends = np.where(by_hand, np.minimum(ends, visits["begin"] + 12 * DAY), ends)
    return np.where(died, dies, ends)


def write_items(writer: Writer, visits: Table, items: Table, bills: Bills, stock: Stock) -> int:
    """settlement_items, in the order of their settlements; gives the number of rows."""
    town = writer.town
    visit = items["visit"]
    item = pa.table(
        {
            "row": visit,
            "time": visits["time"][visit],
            "line": np.arange(len(visit)) - np.searchsorted(visit, np.arange(len(visits["time"])))[visit] + 1,
            "med_list_codg": labels(town.goods.code, items["product"]),
            "count": items["count"].astype(np.int64),
            "price": bills.price,
            "amount": bills.amount,
            "prefix": labels(writer.trace_prefixes, items["product"]),
            "pack": stock.first,
            "n": np.where(stock.seen == 1, 0, np.where(items["split"] == 1, 1, np.abs(items["count"]))).astype(
                np.int64
            ),
            "slip": stock.seen == 2,
            "doctor": labels(writer.doctor_codes, visits["doctor"][visit]),
            "split": items["split"].astype(np.int64),
            "occurs": np.where(visits["begin"][visit] >= 0, visits["begin"][visit] + 7200, visits["time"][visit]),
        }
    )
    return writer.write(
        "settlement_items",
        f"""
        SELECT {SETL} AS setl_id, CAST(line AS VARCHAR) AS feedetl_sn, med_list_codg, count AS cnt, yuan(price) AS pric,
            yuan(amount) AS det_item_fee_sumamt,
            CASE WHEN n = 0 THEN NULL WHEN slip THEN {_slip("trace(prefix, pack)")}
                WHEN n = 1 THEN trace(prefix, pack) ELSE trace_codes(prefix, pack, n) END AS drug_trac_codg,
            doctor AS bilg_dr_code, CAST(split AS VARCHAR) AS trdn_flag, moment(occurs) AS fee_ocur_time
        FROM item
        """,
        item=item,
    )


def _slip(code: str) -> str:
    """SQL for a code typed by hand with one digit wrong."""
    return f"left({code}, 15) || (CAST(substr({code}, 16, 1) AS INTEGER) + 1 + pack % 8) % 10 || right({code}, 4)"


def write_ledger(writer: Writer, ledger: Table) -> int:
    """inventory, in order of time; gives the number of rows."""
    town = writer.town
    rng = stream(town.seed, "suppliers")
    suppliers = [
        f"{name}医药有限公司"
        for name in ("华东", "国泰", "民生", "恒通", "天和", "九鼎", "长江", "百川", "康达", "正源")
    ]
    place = ledger["place"]
    usual = rng.integers(0, len(suppliers), (len(town.places), 3))
    incoming = np.isin(
        ledger["kind"], [KINDS.index("initial"), KINDS.index("purchase"), KINDS.index("purchase_return")]
    )
    supplier: Ints = usual[place, (ledger["lot"] + 1) % 3]
    movement = pa.table(
        {
            "fixmedins_code": labels(writer.place_codes, place),
            "med_list_codg": labels(town.goods.code, ledger["product"]),
            "chg_type": labels(KINDS, ledger["kind"]),
            "time": ledger["time"].astype(np.int64),
            "count": ledger["count"].astype(np.int64),
            "units": ledger["units"].astype(np.int64),
            "price": np.round(town.goods.price[ledger["product"]] * 0.82).astype(np.int64),
            "prefix": labels(writer.trace_prefixes, ledger["product"]),
            "pack": numbers(ledger["first"]),
            "lot": numbers(ledger["lot"]),
            "supplier": labels(suppliers, np.where(incoming, supplier, -1)),
            "invoice": numbers(np.where(incoming, place.astype(np.int64) * 400 + ledger["time"] // 86_400, -1)),
        }
    )
    if NO_PACK != -1:
        raise AssertionError("`numbers` takes -1 for an empty field")
    return writer.write(
        "inventory",
        f"""
        SELECT fixmedins_code, med_list_codg, chg_type, moment(time) AS chg_time,
            CASE WHEN units = 1 THEN CAST(round(count / {UNITS_IN_PACK}, 4) AS DECIMAL(18, 4)) ELSE count END AS cnt,
            yuan(price) AS pric, 'L' || scatter(lot, 8, 91193, 99999989) AS manu_lotnum, supplier AS spler_name,
            'INV' || scatter(invoice, 10, 40009, 9999999967) AS invono,
            CASE WHEN pack IS NOT NULL THEN trace_codes(prefix, pack,
            CASE WHEN units = 1 THEN 1 ELSE count END) END AS drug_trac_codg
        FROM movement
        """,
        movement=movement,
    )
