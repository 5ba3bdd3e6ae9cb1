"""Cities for the detectors of single claims: each plants one clear case, with knobs that turn it into a near miss."""

from __future__ import annotations

from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

from factories.city import START, City
from ringtrace.detectors import DetectionReport, detect
from ringtrace.findings import Finding
from ringtrace.texts import LANGUAGES

SUSPECTED = ("red", "orange")


def run(folder: Path, city: City, kind: str, **options: int) -> tuple[list[Finding], list[str]]:
    """Findings of the kind and the keys of its gaps."""
    report: DetectionReport = detect(city.workspace(folder, **options), kinds=[kind])
    for finding in report.findings:
        for language in LANGUAGES:
            finding.to_contract(language)
    gaps = [gap.message.key for gap in report.gaps]
    return [finding for finding in report.findings if finding.kind == kind], gaps


def at(day: int, hour: int = 10, minute: int = 0) -> datetime:
    return START + timedelta(days=day, hours=hour, minutes=minute)


def outcomes(finding: Finding) -> dict[str, str]:
    return {check.code: check.outcome for check in finding.counter_evidence}


def town_with_dead(**columns: object) -> City:
    city = City()
    city.shop("S1")
    city.shop("H1", hospital=True)
    city.person("dead", die_date="2025-02-01", **columns)
    city.person("alive")
    city.visit("dead", "S1", "2025-01-10 09:00")
    return city


def hospitals(ghosts: int, *, with_items: bool = True, elsewhere: str = "H9") -> City:
    """Four hospitals of forty stays each; `ghosts` of H0's patients are outpatients elsewhere in mid-stay."""
    city = City()
    for name in ("H0", "H1", "H2", "H3", "H9"):
        city.shop(name, hospital=True)
    city.shop("S9")
    for number in range(160):
        home, person = f"H{number // 40}", f"p{number:03d}"
        begin = at(number % 100)
        items = [{"med_list_codg": "D1", "fee": 900}] if with_items else []
        city.visit(person, home, begin + timedelta(days=6), items=items, total=900, med_type="21",
                   begntime=str(begin), endtime=str(begin + timedelta(days=6)))  # fmt: skip
        if number < ghosts:
            kind = "11" if elsewhere.startswith("H") else "41"
            city.visit(person, elsewhere, begin + timedelta(days=3), med_type=kind)
    return city


# About 258 km apart.
HANGZHOU: dict[str, Any] = {"lon": 120.16, "lat": 30.27}
WENZHOU: dict[str, Any] = {"lon": 120.70, "lat": 28.00}


def leaping(days: int, *, minutes: int = 30, places: tuple[str, str] = ("A", "B"), **columns: Any) -> City:
    city = City()
    city.shop("A", admdvs="330106", **HANGZHOU)
    city.shop("B", admdvs="330302", **WENZHOU)
    for number in range(days):
        city.visit("p", places[0], at(10 * number), **columns)
        city.visit("p", places[1], at(10 * number) + timedelta(minutes=minutes), **columns)
    return city


def billed_twice(bills: int = 2, *, second: dict[str, Any] | None = None, invoice: str | None = "INV{}") -> City:
    city = City()
    city.shop("H1", hospital=True)
    for number in range(bills):
        paper = invoice.format(10000 + number) if invoice else None
        columns: dict[str, Any] = {"invono": paper, "med_type": "11"}
        city.visit("p", "H1", at(number), total=1000, fund_pay_sumamt=700, cash_payamt=300, **columns)
        by_hand = {"total": 1000, "fund_pay_sumamt": 700, "manl_reim_flag": "1", **columns} | (second or {})
        city.visit("p", "H1", at(number + 20), **by_hand)
    return city


def drawing(rate: int, places: int = 6, *, days: int = 88, **drug: object) -> City:
    """`p` draws a 10-DDD pack `rate` times every ten days, at `places` places in turn; forty others one each time."""
    city = City()
    city.drug("D1", pack_ddd=10, drug_genname="x", **drug)
    for number in range(days // 10 * rate):
        moment = at(number // rate * 10, 9) + timedelta(minutes=7 * (number % rate))
        city.visit("p", f"S{number % places}", moment, items=[{"med_list_codg": "D1", "cnt": 1, "fee": 50}])
    for other in range(40):
        for number in range(days // 10):
            city.visit(f"o{other}", "S0", at(number * 10, 11, other), items=[{"med_list_codg": "D1", "fee": 50}])
    return city


def busy(disease: str) -> City:
    city = City()
    for number in range(60):
        city.visit("p", f"H{number % 4}", at(number), dise_codg=disease, med_type="11")
    for other in range(60):
        for number in range(2 + other % 5):
            city.visit(f"o{other}", "H1", at(7 * number, 11), med_type="11")
    return city


def treated(disease: str, *, weekly: int = 5, weeks: int = 30) -> City:
    """`p` is treated at a clinic on `weekly` days of each week; thirty others for as long, thrice a week."""
    city = City()
    city.shop("H1", hospital=True)
    for week in range(weeks):
        for day in range(weekly):
            city.visit("p", "H1", at(7 * week + day), dise_codg=disease, med_type="11")
        for other in range(30):
            for day in (0, 2, 4):
                city.visit(f"o{other}", "H1", at(7 * week + day, 14), dise_codg="M54.5", med_type="11")
    return city


def wrong_sex(lines: int, *, drugs: int = 1, again: int = 1, meant_at: int = 0, **person: str) -> City:
    """Women's drugs at five hospitals, and `lines` of `drugs` of them for men at the first, `again` lines a man.

    At `meant_at` of the others a man comes back for the first of these drugs.
    """
    city = City()
    city.shop("H0", hospital=True)
    city.drug("W", lmt_gend="2")
    for number in range(300):
        city.person(f"w{number}", gend="2")
        city.visit(f"w{number}", f"H{number % 5}", at(number % 90), items=[{"med_list_codg": "W"}])
    for number in range(drugs):
        city.drug(f"W{number}", lmt_gend="2", atc_code=f"G02CX0{number}")
    for number in range(lines):
        if number % again == 0:
            city.person(f"m{number // again}", gend="1", **person)
        city.visit(f"m{number // again}", "H0", at(number), items=[{"med_list_codg": f"W{number % drugs}"}])
    for number in range(meant_at):
        city.person(f"other{number}", gend="1")
        for day in (10, 40):
            city.visit(f"other{number}", f"H{number + 1}", at(day), items=[{"med_list_codg": "W0"}])
    return city
