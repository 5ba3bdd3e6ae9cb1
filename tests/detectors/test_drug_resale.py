"""Resold packs are found; whatever brings a code back innocently is not, and says so on the finding."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from factories.city import City

from ringtrace.detectors.detector import Context, Draft
from ringtrace.detectors.packs.branches import sister_branches
from ringtrace.detectors.packs.drug_resale import DrugResale

HOSPITAL, OUTLET = "H1", "S2"


def code(number: int) -> str:
    return f"8100001{number * 7919:013d}"


def item(pack: str, **columns: Any) -> dict[str, Any]:
    return {"med_list_codg": "D1", "drug_trac_codg": pack, "fee": 50} | columns


def town() -> City:
    """A hospital and two shops with a thousand coded sales that repeat nowhere, and ledgers that name the packs."""
    city = City()
    city.shop(HOSPITAL, hospital=True)
    for place in ("S1", OUTLET):
        city.shop(place)
        city.stock(place, "D1", "purchase", "2025-01-01", 500, drug_trac_codg=code(9_000_000))
    for number in range(1000):
        city.visit(f"o{number}", ("S1", OUTLET, HOSPITAL)[number % 3], f"2025-05-{number % 28 + 1:02d} 09:00",
                   items=[item(code(5000 + number))])  # fmt: skip
    return city


def resold(city: City, packs: int = 8, **second: Any) -> City:
    """`packs` packs of four patients, bought at the hospital in February and sold at the outlet in March."""
    for number in range(packs):
        first, later = f"2025-02-{number + 1:02d} 09:00", f"2025-03-{number + 1:02d} 10:00"
        city.visit(f"p{number % 4}", HOSPITAL, first, items=[item(code(number))], setl_id=f"f{number}")
        city.visit(f"q{number}", OUTLET, later, items=[item(code(number), **second)])
    return city


def drafts(city: City, folder: Path, *, shuffle: int | None = None) -> tuple[list[Draft], Context]:
    context = Context()
    with city.workspace(folder, shuffle=shuffle).connect() as tables:
        return list(DrugResale().detect(tables, context)), context


def accused(found: list[Draft]) -> set[str]:
    return {member.id for draft in found if draft.level != "explained" for member in draft.members if member.suspected}


@pytest.mark.positive
def test_packs_sold_again_name_outlet_and_sources(tmp_path: Path) -> None:
    (draft,), _ = drafts(resold(town()), tmp_path)
    roles = {(member.id, member.role) for member in draft.members if member.label in ("Patient", "Pharmacy")}
    assert roles == (
        {(OUTLET, "reseller")} | {(f"p{n}", "source") for n in range(4)} | {(f"q{n}", "buyer") for n in range(8)}
    )
    assert draft.level in ("red", "orange")
    assert draft.reasons[0].value == 8
    assert draft.reasons[0].p_value is not None
    assert draft.reasons[0].p_value < 1e-6
    assert len(draft.evidence) == 16
    assert str(draft.first_time)[:10] == "2025-02-01"
    assert str(draft.last_time)[:10] == "2025-03-08"


def test_order_of_rows_changes_nothing(tmp_path: Path) -> None:
    assert drafts(resold(town()), tmp_path / "a")[0] == drafts(resold(town()), tmp_path / "b", shuffle=3)[0]


def test_a_single_pack_is_only_a_lead(tmp_path: Path) -> None:
    found, _ = drafts(resold(town(), packs=1), tmp_path)
    assert [draft.level for draft in found] == ["yellow"]


@pytest.mark.near_miss
def test_refunded_packs_may_be_sold_anew(tmp_path: Path) -> None:
    city = resold(town())
    for number in range(8):
        city.visit(f"p{number % 4}", HOSPITAL, f"2025-02-{number + 2:02d} 09:00", total=-50, refd_setl_flag="1",
                   init_setl_id=f"f{number}", items=[item(code(number), cnt=-1, fee=-50)])  # fmt: skip
    assert accused(drafts(city, tmp_path)[0]) == set()


def test_packs_returned_in_the_ledger_may_be_sold_anew(tmp_path: Path) -> None:
    city = resold(town())
    for number in range(8):
        city.stock(HOSPITAL, "D1", "sale_return", f"2025-02-{number + 2:02d} 08:00", 1, drug_trac_codg=code(number))
    assert accused(drafts(city, tmp_path)[0]) == set()


def test_split_packs_serve_several_people(tmp_path: Path) -> None:
    assert accused(drafts(resold(town(), trdn_flag="1"), tmp_path)[0]) == set()


@pytest.mark.parametrize("chg_type", ["purchase", "transfer_in", "initial"])
def test_own_packs_are_no_resale(tmp_path: Path, chg_type: str) -> None:
    city = resold(town())
    city.stock(OUTLET, "D1", chg_type, "2025-02-20", 8, drug_trac_codg="|".join(code(number) for number in range(8)))
    assert accused(drafts(city, tmp_path)[0]) == set()


@pytest.mark.parametrize(
    ("case", "sources"),
    [
        pytest.param("a supplier of such packs", 4, marks=pytest.mark.positive),
        pytest.param("three packs", 0, marks=pytest.mark.near_miss),
        pytest.param("a wholesaler's few", 0, marks=pytest.mark.near_miss),
        pytest.param("given back to the wholesaler", 0, marks=pytest.mark.near_miss),
        pytest.param("before their first sale", 0, marks=pytest.mark.near_miss),
    ],
)
def test_purchases_of_packs_that_patients_had_bought_explain_nothing(tmp_path: Path, case: str, sources: int) -> None:
    """No supplier has what a patient was sold, unless it came back; one whose deliveries are such packs is made up."""
    packs = 3 if case == "three packs" else 8
    city = resold(town(), packs)
    day = "2025-01-20" if case == "before their first sale" else "2025-02-20"
    for number in range(packs):
        city.stock(OUTLET, "D1", "purchase", day, 1, drug_trac_codg=code(number), spler_name="Shell")
        if case == "given back to the wholesaler":
            city.stock(HOSPITAL, "D1", "purchase_return", "2025-02-15", 1, drug_trac_codg=code(number))
    if case == "a wholesaler's few":
        city.stock(OUTLET, "D1", "purchase", "2025-01-05", 200, spler_name="Shell")
    found, _ = drafts(city, tmp_path)
    assert accused(found) == ({OUTLET, *(f"p{number}" for number in range(4))} if sources else set())
    if sources:
        (draft,) = found
        assert draft.title.key == "pharmacy.resale.bought_back.title"
        (reason,) = (each for each in draft.reasons if each.code == "bought_back")
        assert (reason.value, reason.message.values["suppliers"]) == (8, "Shell")
        assert sum(row.table == "inventory" for row in draft.evidence) == 8


def test_a_slip_of_the_hand_is_no_resale(tmp_path: Path) -> None:
    city = resold(town())
    for number in range(8):
        own = code(number)[:-1] + str((int(code(number)[-1]) + 1) % 10)
        city.stock(OUTLET, "D1", "purchase", "2025-02-20", 1, drug_trac_codg=own)
    assert accused(drafts(city, tmp_path)[0]) == set()


def test_a_code_used_everywhere_is_no_pack(tmp_path: Path) -> None:
    city = town()
    for number in range(40):
        city.visit(
            f"x{number}", f"S{number % 8}", f"2025-06-{number % 28 + 1:02d} 10:00", items=[item("99999999999999999999")]
        )
    assert accused(drafts(city, tmp_path)[0]) == set()


def test_a_code_scanned_twice_in_one_settlement_is_one_sale(tmp_path: Path) -> None:
    city = town()
    for number in range(8):
        city.visit(
            f"q{number}", OUTLET, f"2025-03-{number + 1:02d} 10:00", items=[item(code(number)), item(code(number))]
        )
    assert drafts(city, tmp_path)[0] == []


def _each_pack_comes_again(city: City) -> None:
    """Eight packs, each drawn by somebody else and sold once more at the outlet a month later."""
    for number in range(8):
        city.visit(f"p{number}", "S1", f"2025-02-{number + 1:02d} 09:00", items=[item(code(number))])
        city.visit(f"q{number}", OUTLET, f"2025-03-{number + 1:02d} 10:00", items=[item(code(number))])


@pytest.mark.near_miss
def test_one_pack_each_of_as_many_people_accuses_none_of_them(tmp_path: Path) -> None:
    city = town()
    _each_pack_comes_again(city)
    (draft,), _ = drafts(city, tmp_path)
    assert draft.level == "yellow"
    assert {check.code: check.outcome for check in draft.counter_evidence}["one_pack_each"] == "partly"
    assert not any(member.suspected for member in draft.members if member.label == "Patient")


@pytest.mark.parametrize(
    ("names", "sisters"),
    [
        (("康寿堂翠湾分店", "康寿堂东岸分店"), True),
        (("益民大药房南城分店", "益民大药房第3分店"), True),
        (("康寿堂(东门店)", "康寿堂（西门店）"), True),
        (("康寿堂翠湾分店", "福寿堂翠湾分店"), False),
        (("康寿药店", "福寿药店"), False),
    ],
)
def test_branches_are_known_by_their_chain_s_name(tmp_path: Path, names: tuple[str, str], sisters: bool) -> None:
    city = town()
    for row, name in zip(city.rows["institutions"][1:], names, strict=True):
        row["fixmedins_name"] = name
    with city.workspace(tmp_path).connect() as tables:
        assert bool(sister_branches(tables)) == sisters


@pytest.mark.parametrize("sign", ["legrep_certno", "bank_acct", "fixmedins_name"])
def test_a_sister_branch_explains_its_codes(tmp_path: Path, sign: str) -> None:
    city = town()
    value = {"legrep_certno": "110101199001010015", "bank_acct": "6222", "fixmedins_name": "康泰大药房（{}店）"}[sign]
    for row, branch in zip(city.rows["institutions"][1:], ("东门", "西门"), strict=True):
        row[sign] = value.format(branch)
    _each_pack_comes_again(city)
    (draft,), _ = drafts(city, tmp_path)
    assert draft.level == "explained"
    assert {check.code: check.outcome for check in draft.counter_evidence}["sister_branch"] == "explains"
    assert not any(member.suspected for member in draft.members if member.label in ("Patient", "Pharmacy"))


def test_a_till_that_names_packs_before_their_owner_sells_them(tmp_path: Path) -> None:
    """Half of the outlet's uses come before the owner's sale: no pack can travel back in time."""
    city = town()
    city.stock("S1", "D1", "purchase", "2025-01-02", 12, drug_trac_codg="|".join(code(number) for number in range(12)))
    for number in range(12):
        early, late = ("S1", OUTLET) if number % 2 else (OUTLET, "S1")
        city.visit(f"p{number}", early, f"2025-02-{number + 1:02d} 09:00", items=[item(code(number))])
        city.visit(f"q{number}", late, f"2025-03-{number + 1:02d} 10:00", items=[item(code(number))])
    assert accused(drafts(city, tmp_path)[0]) == set()


def test_a_chain_of_three_hops_is_one_finding(tmp_path: Path) -> None:
    """`c` hands on four packs of the first outlet; the buyers of single packs may never have seen them."""
    city = town()
    city.shop("S3")
    for number in range(8):
        middle = "c" if number < 4 else f"q{number}"
        city.visit(f"p{number % 4}", HOSPITAL, f"2025-02-{number + 1:02d} 09:00", items=[item(code(number))])
        city.visit(middle, OUTLET, f"2025-03-{number + 1:02d} 10:00", items=[item(code(number))])
        city.visit(f"z{number}", "S3", f"2025-04-{number + 1:02d} 10:00", items=[item(code(number))])
    (draft,), _ = drafts(city, tmp_path)
    roles = {member.id: member.role for member in draft.members}
    assert (roles[OUTLET], roles["S3"]) == ("reseller", "reseller")
    assert (roles["c"], roles["q5"], roles["z1"], roles["p0"]) == ("collector", "witness", "buyer", "source")


@pytest.mark.parametrize(
    ("bought", "role"),
    [
        pytest.param(False, "witness", marks=pytest.mark.near_miss),
        pytest.param(True, "source", marks=pytest.mark.positive),
    ],
)
def test_a_customer_of_an_outlet_that_trades_with_the_next(tmp_path: Path, bought: bool, role: str) -> None:
    """`q10` to `q12` had one pack of the first outlet that left no code before, and which the next sold again: they
    may never have seen it, unless the first outlet had truly bought it.
    """
    city = town()
    city.shop("S3")
    if bought:
        packs = "|".join(code(number) for number in (10, 11, 12))
        city.stock(OUTLET, "D1", "purchase", "2025-01-02", 3, drug_trac_codg=packs)
    for number in range(13):
        if number < 10:
            city.visit(f"p{number % 3}", HOSPITAL, f"2025-02-{number + 1:02d} 09:00", items=[item(code(number))])
        city.visit(f"q{number}", OUTLET, f"2025-03-{number + 1:02d} 10:00", items=[item(code(number))])
        if not 2 <= number < 10:
            city.visit(f"z{number}", "S3", f"2025-04-{number + 1:02d} 10:00", items=[item(code(number))])
    (draft,), _ = drafts(city, tmp_path)
    roles = {member.id: member.role for member in draft.members}
    assert (roles["p0"], roles["q1"], roles["q10"], roles["q12"]) == ("source", "witness", role, role)


@pytest.mark.parametrize(
    ("sales", "accused_there"),
    [pytest.param(1, False, marks=pytest.mark.near_miss), pytest.param(2, True, marks=pytest.mark.positive)],
)
def test_one_sale_of_two_packs_makes_no_outlet_of_the_sources_ring(
    tmp_path: Path, sales: int, *, accused_there: bool
) -> None:
    """Two packs of two sources went over another counter: at once to one customer, or on two days."""
    city = resold(town())
    for number in (100, 101):
        city.visit(f"p{number % 4}", HOSPITAL, "2025-02-20 09:00", items=[item(code(number))])
    for sale in range(sales):
        packs = [item(code(number)) for number in (100, 101)[sale:][: 3 - sales]]
        city.visit(f"z{sale}", "S1", f"2025-03-2{sale} 10:00", items=packs)
    found, _ = drafts(city, tmp_path)
    outlets = [{member.id for member in draft.members if member.role == "reseller"} for draft in found if draft.accuses]
    assert outlets == [{OUTLET, "S1"} if accused_there else {OUTLET}]


def test_without_codes_or_lines_it_says_so(tmp_path: Path) -> None:
    city = town()
    city.rows["settlement_items"] = [row | {"drug_trac_codg": None} for row in city.rows["settlement_items"]]
    found, context = drafts(city, tmp_path / "a")
    assert (found, [gap.message.key for gap in context.gaps]) == ([], ["pharmacy.gap.no_codes_resale"])
    city.rows["settlement_items"] = []
    found, context = drafts(city, tmp_path / "b")
    assert (found, [gap.message.key for gap in context.gaps]) == ([], ["pharmacy.gap.no_items"])


def test_without_a_ledger_it_still_finds_and_says_what_that_costs(tmp_path: Path) -> None:
    city = resold(town())
    city.rows["inventory"] = []
    (draft,), context = drafts(city, tmp_path)
    assert [gap.message.key for gap in context.gaps] == ["pharmacy.gap.no_inventory_resale"]
    assert {check.code: check.outcome for check in draft.counter_evidence}["ledger_codes"] == "unknown"
