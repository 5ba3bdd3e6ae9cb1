"""Seed expansion: known members lead to the rest of their ring or chain, honest people lead to nobody."""

from __future__ import annotations

import json
from datetime import timedelta
from pathlib import Path

import numpy as np
import pytest
from factories.city import START, City
from factories.stocked import StockedCity
from typer.testing import CliRunner

from ringtrace.cli import app
from ringtrace.detectors import Lead, expand
from ringtrace.detectors.expansion.search import FOLLOWED
from ringtrace.errors import RingTraceError
from ringtrace.workspace import Workspace

RING = [f"r{number}" for number in range(8)]


def meet(city: City, names: list[str], *, seed: int, meetings: int, attendance: float) -> None:
    """Meetings at S1 on scattered days and hours, in which each takes part with the chance `attendance`."""
    rng = np.random.default_rng(seed)
    for day in rng.choice(180, meetings, replace=False):
        begin = START + timedelta(days=int(day), seconds=int(rng.integers(9 * 3600, 19 * 3600)))
        for place, name in enumerate(name for name in names if rng.random() < attendance):
            city.visit(name, "S1", begin + timedelta(seconds=70 * place))


def town(seed: int) -> City:
    city = City()
    for shop in ("S1", "S2", "S3"):
        city.shop(shop)
    for name in city.background(seed=seed, persons=300):
        city.person(name, hh_no=f"h{name}")
    return city


def ringed(seed: int) -> City:
    """A ring of eight strangers with twelve meetings, each at six in ten of them; they also shop for themselves."""
    city = town(seed)
    for name in RING:
        city.person(name, hh_no=f"h{name}")
    meet(city, RING, seed=seed, meetings=12, attendance=0.6)
    rng = np.random.default_rng(seed + 1000)
    for name in RING:
        for _ in range(6):
            city.visit(
                name, "S1", START + timedelta(days=int(rng.integers(180)), seconds=int(rng.integers(30_000, 70_000)))
            )
    return city


def followed(leads: tuple[Lead, ...]) -> set[str]:
    return {lead.id for lead in leads if lead.score >= FOLLOWED}


@pytest.mark.positive
@pytest.mark.parametrize("seed", [1, 2])
def test_one_member_leads_to_the_rest_of_the_ring(tmp_path: Path, seed: int) -> None:
    workspace = ringed(seed).workspace(tmp_path)
    recalls = []
    for name in RING[::3]:
        leads = expand(workspace, [name], hops=3)
        best = sorted(leads, key=lambda lead: -lead.score)[: len(RING) - 1]
        recalls.append(len({lead.id for lead in best} & set(RING)) / (len(RING) - 1))
        assert followed(leads) <= set(RING), f"{name} leads to strangers"
    assert np.mean(recalls) >= 0.8, f"recall at the ring's size, by member: {recalls}"


def test_two_members_see_what_one_cannot(tmp_path: Path) -> None:
    workspace = ringed(4).workspace(tmp_path)
    leads = expand(workspace, ["r0", "r1"], hops=1)
    words = [message.key for lead in leads for message in lead.because]
    assert "expansion.because.occasions" in words
    assert followed(leads) <= set(RING)


def test_honest_people_lead_to_nobody(tmp_path: Path) -> None:
    workspace = town(7).workspace(tmp_path)
    found = {name: followed(expand(workspace, [name])) for name in (f"b{number:05d}" for number in range(0, 300, 50))}
    assert not any(found.values()), found


@pytest.mark.near_miss
def test_a_family_is_shown_with_what_excuses_it_and_not_followed(tmp_path: Path) -> None:
    city = town(8)
    family = ["f0", "f1", "f2"]
    for name in family:
        city.person(name, hh_no="hf", addr="Elm Road 5", tel="1300")
    meet(city, family, seed=8, meetings=12, attendance=1.0)
    leads = expand(city.workspace(tmp_path), ["f0"])
    assert {lead.id for lead in leads} == {"f1", "f2"}
    assert all("household" in {check.code for check in lead.innocent} for lead in leads)
    assert not followed(leads)


def test_neighbours_who_keep_their_own_hours_are_no_link(tmp_path: Path) -> None:
    city = town(9)
    for name in ("n0", "n1"):
        for week in range(25):
            city.visit(name, "S1", START + timedelta(days=7 * week, hours=8, minutes=5 * int(name[1])))
    assert not followed(expand(city.workspace(tmp_path), ["n0"]))


def test_a_crowd_is_no_link(tmp_path: Path) -> None:
    city = town(10)
    for day in range(0, 60, 6):
        for number in range(260):
            city.visit(f"c{number}", "S1", START + timedelta(days=day, hours=9, seconds=3 * number))
    assert not followed(expand(city.workspace(tmp_path), ["c7"]))


def test_times_only_to_the_day_still_lead_on(tmp_path: Path) -> None:
    city = ringed(11)
    for row in city.rows["settlements"]:
        row["setl_time"] = row["setl_time"][:10]
    leads = expand(city.workspace(tmp_path), ["r0", "r1", "r2"])
    assert len(followed(leads) & set(RING)) >= 3
    assert followed(leads) <= set(RING)


def test_order_of_rows_changes_nothing(tmp_path: Path) -> None:
    city = ringed(5)
    plain, shuffled = city.workspace(tmp_path / "a"), city.workspace(tmp_path / "b", shuffle=5)
    assert expand(plain, ["r0", "r3"]) == expand(shuffled, ["r3", "r0"])


def test_a_source_leads_to_the_outlet_and_on_to_the_other_sources(tmp_path: Path) -> None:
    city = town(12)
    city.shop("H1", hospital=True)
    city.shop("OUT")
    for number, name in enumerate(("s0", "s1", "s2") * 4):
        item = [{"med_list_codg": "D1", "drug_trac_codg": f"8100001{number:013d}", "fee": 90}]
        city.visit(name, "H1", START + timedelta(days=3 * number, hours=9), items=item, med_type="11")
        city.visit(f"b{number:05d}", "OUT", START + timedelta(days=3 * number + 9, hours=15), items=item)
    leads = {lead.id: lead for lead in expand(city.workspace(tmp_path), ["s0"])}
    assert set(leads) == {"OUT", "s1", "s2"}
    assert (leads["OUT"].hop, leads["OUT"].label, leads["s1"].hop) == (1, "Pharmacy", 2)
    assert {row.table for row in leads["OUT"].evidence} == {"settlement_items"}
    assert len(leads["OUT"].evidence) == 8


def test_a_chain_whose_tills_share_codes_is_excused(tmp_path: Path) -> None:
    city = town(16)
    for shop in ("B1", "B2"):
        city.shop(shop, legrep_certno="110")
    for number in range(6):
        item = [{"med_list_codg": "D1", "drug_trac_codg": f"8100002{number:013d}", "fee": 20}]
        city.visit(f"b{number:05d}", "B1", START + timedelta(days=number, hours=9), items=item)
        city.visit(f"b{number + 50:05d}", "B2", START + timedelta(days=number + 20, hours=9), items=item)
    leads = expand(city.workspace(tmp_path), ["B2"])
    assert leads
    assert {check.code for lead in leads for check in lead.innocent} == {"sister_branch"}
    assert not followed(leads)


def test_a_pharmacy_leads_to_the_buyers_whose_sales_lack_packs(tmp_path: Path) -> None:
    stocked = StockedCity(1, shops=4)
    crew = stocked.people["S0"][:8]
    for name in crew:
        for _ in range(7):
            stocked.sell(name, "S0", stocked.moment(), origin="phantom")
    leads = expand(stocked.build().workspace(tmp_path), ["S0"], hops=1)
    assert followed(leads) <= set(crew)
    assert len(followed(leads)) >= 6


def test_a_phone_and_an_account_in_common_are_told(tmp_path: Path) -> None:
    city = town(13)
    for name in ("x", "y"):
        city.person(name, hh_no=f"h{name}", tel="139", bank_acct="6222")
        city.visit(name, "S1", START)
    (lead,) = expand(city.workspace(tmp_path), ["x"])
    assert {message.key for message in lead.because} == {"expansion.because.tel", "expansion.because.bank_acct"}


def test_a_card_stands_for_its_users(tmp_path: Path) -> None:
    city = town(14)
    for person, day in (("x", 1), ("y", 2)):
        city.visit(person, "S1", START + timedelta(days=day), mdtrt_cert_no="K9")
    workspace = city.workspace(tmp_path)
    assert expand(workspace, ["K9"]) == ()
    (lead,) = expand(workspace, ["x"])
    assert (lead.id, lead.because[0].key) == ("y", "expansion.because.card")


@pytest.mark.parametrize("ids", [["nobody"], ["b00001", "nobody"], []])
def test_an_id_that_nobody_has_is_an_error(tmp_path: Path, ids: list[str]) -> None:
    with pytest.raises(RingTraceError, match=r"nobody|No id"):
        expand(town(15).workspace(tmp_path), ids)


@pytest.fixture(scope="module")
def workspace(tmp_path_factory: pytest.TempPathFactory) -> Workspace:
    return ringed(6).workspace(tmp_path_factory.mktemp("ringed"))


def test_the_command_writes_every_form(workspace: Workspace, tmp_path: Path) -> None:
    asked = ["expand", "--from", "r0", "-w", str(workspace.path)]
    table = CliRunner().invoke(app, asked)
    assert table.exit_code == 0, table.output
    lines = CliRunner().invoke(app, [*asked, "--format", "jsonl"]).stdout.splitlines()
    leads = [json.loads(line) for line in lines if line.startswith("{")]
    assert {lead["id"] for lead in leads} <= set(RING)
    assert all(lead["because"] and lead["evidence"] and 0 < lead["score"] <= 1 for lead in leads)
    for form in ("csv", "xlsx", "jsonl"):
        done = CliRunner().invoke(app, [*asked, "--format", form, "--out", str(tmp_path / f"leads.{form}")])
        assert done.exit_code == 0, done.output
        assert (tmp_path / f"leads.{form}").stat().st_size > 100
    assert isinstance(CliRunner().invoke(app, [*asked, "--format", "xlsx"]).exception, RingTraceError)
