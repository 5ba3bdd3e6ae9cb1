"""The registers of a delivery: persons, cards, institutions, practitioners, drugs and tips."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from second_city import names
from second_city.arrays import Ints
from second_city.city import City
from second_city.people import GIVEN, SURNAMES, YEAR
from second_city.places import Kind
from second_city.tables import NEW_YEAR, codes, join, padded, write

WEIGHTS = (7, 9, 10, 5, 8, 4, 2, 1, 6, 3, 7, 9, 10, 5, 8, 4, 2)
TITLES = {
    Kind.PHARMACY: "大药房", Kind.HOSPITAL: "医院", Kind.CENTRE: "卫生服务中心", Kind.CLINIC: "诊所",
    Kind.VILLAGE_ROOM: "卫生室", Kind.SPECIAL: "特药药房",
}  # fmt: skip
BRANDS = ("康佰", "百姓缘", "益民堂", "同济", "仁和春", "众生")


def id_numbers(city: City) -> list[str]:
    """18-digit ID numbers with their check digit; the sequence tells the sex."""
    people = city.people
    birth = (np.datetime64("1970-01-01") + people.birth).astype("datetime64[D]").astype(str)
    sequence = names.scrambled(np.arange(people.count), 2) % 499 * 2 + people.male
    result = []
    for day, number in zip(birth, sequence, strict=True):
        body = f"{names.REGION}{day.replace('-', '')}{number:03d}"
        result.append(body + "10X98765432"[sum(int(a) * b for a, b in zip(body, WEIGHTS, strict=True)) % 11])
    return result


def full_names(city: City) -> list[str]:
    """Family name and one or two further characters."""
    two = len(GIVEN) ** 2
    return [
        SURNAMES[family] + GIVEN[given % len(GIVEN)] + (GIVEN[given // len(GIVEN) % len(GIVEN)] if given < two else "")
        for family, given in zip(city.people.surname.tolist(), city.people.given.tolist(), strict=True)
    ]


def days(numbers: Ints, until: int) -> pa.Array:
    """Days of the year as dates; null from `until` on."""
    return pa.array(NEW_YEAR.astype("datetime64[D]") + numbers, mask=numbers >= until)


def write_registers(city: City, folder: Path) -> None:
    """All registers that the profile delivers."""
    tables = {
        "persons": write_persons, "cards": write_cards, "institutions": write_institutions,
        "practitioners": write_practitioners, "drugs": write_drugs, "tips": write_tips,
    }  # fmt: skip
    for name, writer in tables.items():
        if name not in city.profile.absent:
            writer(city, folder / f"{name}.csv")


def write_persons(city: City, path: Path) -> None:
    """The insured, in the order of their numbers."""
    people = city.people
    order = np.argsort(names.scrambled(np.arange(people.count), 3))
    columns = {
        "psn_no": pa.array(names.person_codes(city)),
        "psn_name": pa.array(full_names(city)),
        "certno": pa.array(id_numbers(city)),
        "gend": pa.array(np.where(people.male, 1, 2)).cast(pa.string()),
        "brdy": pa.array(np.datetime64("1970-01-01") + people.birth),
        "tel": pa.array(people.phone, mask=names.scrambled(np.arange(people.count), 9) % 25 == 0).cast(pa.string()),
        "addr": pa.array(names.addresses(city)),
        "hh_no": join("HH", padded(names.scrambled(people.household, 4), 9)),
        "emp_no": pc.if_else(
            pa.array(people.employer >= 0),
            join("E", padded(people.employer.clip(0) * 7 + 10031, 6)),
            pa.scalar(None, pa.string()),
        ),
        "bank_acct": join("6228", padded(names.scrambled(people.household, 6), 12)),
        "insu_admdvs": pa.array([names.REGION] * people.count),
        "die_date": days(people.death, 365),
        "care_inst": pc.if_else(
            pa.array(people.care_home >= 0),
            join("CH", padded(people.care_home.clip(0), 4)),
            pa.scalar(None, pa.string()),
        ),
    }
    write(path, {name: column.take(pa.array(order)) for name, column in columns.items()})


def write_cards(city: City, path: Path) -> None:
    """Every credential that was used, and every person's social-security card."""
    visits, people = city.visits, city.people.count
    alive = np.flatnonzero(visits["dropped"] == 0)
    kind = np.where(
        visits["credential"][alive] > 0, visits["credential"][alive], names.habitual_credential(city, alive)
    )
    used = np.unique(np.r_[visits["person"][alive] * 4 + kind, np.arange(people) * 4 + 3])
    person, kind = used // 4, used % 4
    share = city.sharing[person]
    write(
        path,
        {
            "mdtrt_cert_no": names.credentials(city, person, kind),
            "psn_no": codes(names.person_codes(city), person),
            "mdtrt_cert_type": codes(["", "01", "02", "03"], kind),
            "iss_date": days(-(names.scrambled(used, 14) % 3000), 1),
            "share_psn_no": codes(names.person_codes(city), np.where(kind == 1, share, -1)),
        },
    )


def place_name(city: City, place: int) -> str:
    """Brand and number of a branch, or where the place is, and what it is."""
    chain, title = int(city.places.chain[place]), TITLES[Kind(city.places.kind[place])]
    if chain >= 0:
        return f"{BRANDS[chain % len(BRANDS)]}{title}{place}店"
    area = names.area_names(city)[int(city.places.area[place])]
    return area.removeprefix("颍南县").removeprefix("城关镇") + title


def write_institutions(city: City, path: Path) -> None:
    """Places; chains share their legal representative."""
    places = city.places
    areas, rows = names.area_names(city), range(len(places.kind))
    owner = np.where(places.chain >= 0, places.chain, 100 + np.arange(len(places.kind)))
    write(
        path,
        {
            "fixmedins_code": pa.array(names.place_codes(city)),
            "fixmedins_name": pa.array([place_name(city, row) for row in rows]),
            "fixmedins_type": pa.array(["2" if names.is_pharmacy(city, row) else "1" for row in rows]),
            "addr": pa.array([f"{areas[places.area[row]]}{row * 3 + 1}号" for row in rows]),
            "admdvs": pa.array([names.REGION] * len(places.kind)),
            "lon": pa.array((115.62 + places.x / 93).round(6)),
            "lat": pa.array((32.93 + places.y / 111).round(6)),
            "legrep_name": pa.array([SURNAMES[each % 40] + GIVEN[each * 7 % 50] for each in owner.tolist()]),
            "open_date": pa.array(NEW_YEAR.astype("datetime64[D]") + places.opened),
            "bank_acct": join("6217", padded(names.scrambled(owner, 16), 12)),
            "open_hour": pa.array(places.opens),
            "close_hour": pa.array(places.closes),
        },
    )  # fmt: skip


def write_practitioners(city: City, path: Path) -> None:
    """Those who sign at each place."""
    number = names.doctors_at(city)
    place = np.repeat(np.arange(len(number)), number)
    nth = np.arange(len(place)) - np.repeat(np.cumsum(number) - number, number)
    doctor = place * 12 + nth
    pharmacist = np.isin(city.places.kind[place], [Kind.PHARMACY, Kind.SPECIAL])
    write(
        path,
        {
            "dr_code": codes(names.doctor_codes(city), doctor),
            "dr_name": pa.array([SURNAMES[each * 13 % 50] + GIVEN[each * 29 % 50] for each in doctor.tolist()]),
            "fixmedins_code": codes(names.place_codes(city), place),
            "dept_name": codes([*names.DEPARTMENTS, "药师"], np.where(pharmacist, 8, nth % 8)),
        },
    )


def write_drugs(city: City, path: Path) -> None:
    """The list of medicines.csv and the services (no ATC code, no daily dose)."""
    drugs = city.medicines
    stocked = drugs.stocked == 1
    write(
        path,
        {
            "med_list_codg": pa.array(drugs.code),
            "drug_genname": pa.array(drugs.name),
            "atc_code": pa.array([each or None for each in drugs.atc]),
            "spec": pa.array([each or None for each in drugs.spec]),
            "pack_ddd": pa.array(drugs.pack_ddd, mask=~stocked),
            "pric_uplmt": pa.array(np.rint(drugs.price * 1.35) / 100),
            "rx_flag": pa.array(drugs.prescription.astype(str)),
            "lmt_gend": pa.array([each or None for each in [*drugs.sex, *[""] * (len(drugs.name) - len(drugs.sex))]]),
        },
    )


def write_tips(city: City, path: Path) -> None:
    """Letters of the public: half hit a scheme, half come from a quarrel."""
    rng = city.rng
    people = sorted({number for _, label, number, _ in city.truth.members if label == "Patient"})
    right = rng.choice(people, min(4, len(people)), replace=False) if people else np.zeros(0, np.int64)
    subject = np.r_[right, rng.integers(0, city.people.count, 5)].astype(np.int64)
    times = rng.integers(100 * 86400, 364 * 86400, len(subject))
    write(
        path,
        {
            "tip_id": join("TS", pa.array([f"{YEAR}{number:04d}" for number in range(1, len(subject) + 1)])),
            "tip_time": pa.array(NEW_YEAR + times.astype("timedelta64[s]")),
            "subj_type": pa.array(["person"] * len(subject)),
            "subj_id": codes(names.person_codes(city), subject),
            "content": pa.array(["听说有人拿别人的医保卡买药"] * len(subject)),
        },
    )
