"""The registers: persons, cards, institutions, practitioners, drugs."""

from __future__ import annotations

import numpy as np
import pyarrow as pa

from ringtrace.simulate.people import SURNAME_WEIGHTS, full_name
from ringtrace.simulate.places import DOCTORS
from ringtrace.simulate.sampling import Bools, Ints, choose, group_ordinal, stream
from ringtrace.simulate.writer import Writer, labels, numbers

DISTRICTS = ("331002", "331003", "331004", "331021", "331022", "331081", "420106")
"""Districts of the city; the last one stands for people insured in another province."""
LONGITUDE, LATITUDE, DEGREES_A_KM = 121.42, 28.65, 0.009
ID_WEIGHTS = np.array([7, 9, 10, 5, 8, 4, 2, 1, 6, 3, 7, 9, 10, 5, 8, 4, 2])


def id_numbers(region: Ints, birth_day: Ints, male: Bools, skip: Ints) -> list[str]:
    """18-digit ID numbers (GB 11643): region, birth date, a sequence number that is odd for men, check character.

    `skip` are a few sequence numbers left out, since the register knows more people than the insurance.
    """
    date = birth_day.astype("datetime64[D]")
    year = date.astype("datetime64[Y]").astype(np.int64) + 1970
    month = date.astype("datetime64[M]").astype(np.int64) % 12 + 1
    day = (date - date.astype("datetime64[M]")).astype(np.int64) + 1
    ordinal = group_ordinal(region, birth_day, male.astype(np.int64))
    sequence = ((ordinal * 5 + skip) * 2 + male) % 1000
    areas = np.array([int(code) for code in DISTRICTS])[region]
    body = (((areas * 10_000 + year) * 100 + month) * 100 + day) * 1000 + sequence
    digits = (body[:, None] // 10 ** np.arange(16, -1, -1)) % 10
    check = np.array(list("10X98765432"))[(digits @ ID_WEIGHTS) % 11]
    return [f"{number:017d}{letter}" for number, letter in zip(body.tolist(), check.tolist(), strict=True)]


def write_people(writer: Writer) -> tuple[int, list[str]]:
    """Persons and cards; gives the number of persons, and the ID numbers by person (they serve as credentials too)."""
    town, people = writer.town, writer.town.people
    rng = stream(town.seed, "registers")
    n = len(people)
    certificates = id_numbers(people.region, people.birth_day, people.male, rng.integers(0, 5, n))
    distinct, index = np.unique((people.surname * 1_000_000 + people.given) * 2 + people.male, return_inverse=True)
    names = [full_name(v // 2_000_000, v // 2 % 1_000_000, v % 2 == 1) for v in distinct.tolist()]
    unlisted = rng.random(n) < 0.05  # no telephone on file
    person = pa.table(
        {
            "number": people.number,
            "psn_name": labels(names, index),
            "certno": certificates,
            "gend": labels(("2", "1"), people.male),
            "brdy": pa.array(people.birth_day.astype("datetime64[D]")),
            "phone": numbers(np.where(unlisted, -1, people.number[people.phone])),
            "household": people.household,
            "place": people.community + 1,
            "dwelling": rng.integers(0, 2**30, int(people.household.max()) + 1)[people.household],
            "employer": numbers(people.employer),
            "account": people.number[people.account],
            "region": labels(DISTRICTS, people.region),
            "dies": numbers(people.dies),
            "home": numbers(people.care_home),
            "electronic": people.electronic,
            "shares": numbers(np.where(people.shares_with < 0, -1, people.number[people.shares_with])),
        }
    )
    count = writer.write(
        "persons",
        """
        SELECT psn(number) AS psn_no, psn_name, certno, gend, brdy,
            '1' || ['38', '39', '57', '58', '86'][1 + phone % 5] || scatter(phone, 8, 48271, 99999989) AS tel,
            CASE WHEN home IS NULL THEN '和平街道第' || place || '社区' || (dwelling % 60 + 1) || '幢'
                || (dwelling // 60 % 4 + 1)
                || '单元' || (dwelling // 240 % 18 + 1) || '0' || (dwelling // 4320 % 4 + 1) || '室'
                ELSE '第' || (home + 1) || '养老院' END AS addr,
            'HH' || scatter(household, 9, 7907, 999999937) AS hh_no, 'E' || scatter(employer, 7, 6007,
            9999991) AS emp_no,
            '6217' || scatter(account, 12, 48611, 999999999989) AS bank_acct, region AS insu_admdvs,
            CAST(moment(dies) AS DATE) AS die_date, 'CARE' || scatter(home, 4, 601, 9973) AS care_inst
        FROM person ORDER BY number
        """,
        person=person,
    )
    writer.write(
        "cards",
        """
        SELECT card(kind, number, certno) AS mdtrt_cert_no, psn(number) AS psn_no, '0' || kind AS mdtrt_cert_type,
            DATE '2015-03-01' + CAST(number * 37 % 3300 AS INTEGER) AS iss_date,
            CASE WHEN kind = 1 THEN psn(shares) END AS share_psn_no
        FROM person, (VALUES (1), (2), (3)) AS kinds(kind)
        WHERE kind <> 1 OR electronic OR shares IS NOT NULL ORDER BY number, kind
        """,
        person=person,
    )
    return count, certificates


def write_places(writer: Writer) -> int:
    """Institutions and practitioners; gives the number of institutions."""
    town, places = writer.town, writer.town.places
    rng = stream(town.seed, "institution register")
    n = len(places)
    brands = ("康民", "益寿堂", "百草", "仁和", "同心", "瑞安", "惠民", "济世", "永春", "德善", "安泰", "广济")
    names = []
    for number in range(n):
        if number < places.pharmacies:
            chain = int(places.chain[number])
            brand = brands[chain % len(brands)] if chain >= 0 else brands[number * 5 % len(brands)]
            branch = f"第{number + 1}分店" if chain >= 0 else f"({number + 1})"
            names.append(f"{brand}{'特药' if places.special[number] else ''}大药房{branch}")
        elif number < places.pharmacies + places.clinics:
            names.append(f"第{number - places.pharmacies + 1}社区卫生服务中心")
        else:
            names.append(f"市第{number - places.pharmacies - places.clinics + 1}人民医院")
    owners = _strangers(writer, "owners", n)
    institution = pa.table(
        {
            "fixmedins_code": writer.place_codes,
            "fixmedins_name": names,
            "fixmedins_type": np.where(np.arange(n) < places.pharmacies, "2", "1"),
            "addr": [
                f"和平街道第{c + 1}社区{k}号"
                for c, k in zip(places.community.tolist(), rng.integers(1, 300, n), strict=True)
            ],
            "admdvs": labels(DISTRICTS, town.people.district[places.community]),
            "lon": np.round(LONGITUDE + places.x * DEGREES_A_KM, 6),
            "lat": np.round(LATITUDE + places.y * DEGREES_A_KM, 6),
            "legrep_name": owners[0],
            "legrep_certno": owners[1],
            "open_date": pa.array((town.start_day - rng.integers(200, 7000, n)).astype("datetime64[D]")),
            "bank_acct": [f"3310{number:015d}" for number in rng.integers(0, 10**15, n).tolist()],
            "open_hour": places.opens,
            "close_hour": places.posted,
        }
    )
    count = writer.write("institutions", "SELECT * FROM institution ORDER BY fixmedins_code", institution=institution)
    seat = np.repeat(np.arange(n), places.doctors)
    departments = ("全科", "内科", "心血管内科", "内分泌科", "肿瘤科", "肾内科", "呼吸内科", "神经内科", "外科", "儿科")
    doctors = _strangers(writer, "doctors", len(seat))
    practitioner = pa.table(
        {
            "dr_code": writer.doctor_codes,
            "dr_name": doctors[0],
            "fixmedins_code": labels(writer.place_codes, seat),
            "dept_name": labels(
                departments, np.where(places.doctors[seat] == DOCTORS["clinic"], 0, rng.integers(1, 10, len(seat)))
            ),
            "certno": doctors[1],
        }
    )
    writer.write("practitioners", "SELECT * FROM practitioner ORDER BY dr_code", practitioner=practitioner)
    return count


def _strangers(writer: Writer, what: str, n: int) -> tuple[list[str], list[str]]:
    """Names and ID numbers of people who are not among the insured."""
    rng = stream(writer.town.seed, what)
    male = rng.random(n) < 0.6
    birth = writer.town.start_day - rng.integers(9_500, 21_000, n)
    surnames, given = (
        choose(rng, SURNAME_WEIGHTS, n).tolist(),
        (rng.integers(0, 38, n) * 1000 + rng.integers(0, 38, n)).tolist(),
    )
    names = [full_name(s, g, bool(m)) for s, g, m in zip(surnames, given, male.tolist(), strict=True)]
    # The insured use the low sequence numbers of a day; these start above them.
    skip = rng.integers(0, 5, n) + 300
    return names, id_numbers(rng.integers(0, 6, n), birth, male, skip)


def write_drugs(writer: Writer) -> int:
    """drugs, services included; gives the number of rows."""
    goods = writer.town.goods
    drug = pa.table(
        {
            "med_list_codg": list(goods.code),
            "drug_genname": list(goods.name),
            "atc_code": [code or None for code in goods.atc],
            "spec": list(goods.spec),
            "pack_ddd": pa.array(goods.pack_ddd, mask=goods.pack_ddd == 0),
            "ceiling": np.ceil(goods.price * 1.2 / 100).astype(np.int64) * 100,
            "rx_flag": labels(("0", "1"), goods.rx),
            "lmt_gend": labels(("1", "2"), goods.sex - 1),
            "key_mon_flag": labels(("0", "1"), goods.key_monitored),
        }
    )
    return writer.write(
        "drugs", "SELECT * EXCLUDE (ceiling), yuan(ceiling) AS pric_uplmt FROM drug ORDER BY med_list_codg", drug=drug
    )
