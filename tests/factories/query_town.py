"""The demo town of the saved queries: some forty people, and one of everything that a query looks for, each told here.

Every row that a query's `tests` expects follows from a line below, so that a wrong expectation can be seen by reading.
Times are in 2025; patients p… are ordinary people.
"""

from __future__ import annotations

from datetime import datetime
from decimal import Decimal
from pathlib import Path

from factories.city import City
from ringtrace.findings import EvidenceRef, Finding, Member, Message, Reason, save_findings
from ringtrace.graph import build_graph
from ringtrace.workspace import Workspace

KANGNING, RENXIN, BIANJING, XINGLIN = "Y1", "Y2", "Y3", "Y4"  # retail pharmacies
FIRST, SECOND = "H1", "H2"  # hospitals
HERE, THERE = "330100", "330200"


def item(drug: str, fee: float, *, cnt: int = 1, codes: str | None = None, split: bool = False) -> dict[str, object]:
    made: dict[str, object] = {"med_list_codg": drug, "cnt": cnt, "fee": fee}
    return made | ({"drug_trac_codg": codes} if codes else {}) | ({"trdn_flag": "1"} if split else {})


def town() -> City:
    city = City()
    _places(city)
    _drugs(city)
    _ordinary_people(city)
    _ring(city)
    _family(city)
    _shared_marks(city)
    _collusion(city)
    _resale(city)
    _overuse(city)
    _doctors(city)
    _stays(city)
    _regions(city)
    _money(city)
    _tips(city)
    _flaws(city)
    return city


def query_town(folder: Path) -> Workspace:
    """The town as a workspace with its two findings and its graph."""
    workspace = town().workspace(folder)
    save_findings(workspace, findings())
    build_graph(workspace)
    return workspace


def _places(city: City) -> None:
    """Four shops, two hospitals. Y1 and Y2 are paid to one account; Y3 lies in another region; Y4 is far from Y1."""
    city.person("boss", psn_name="钱老板", certno="330101197001010011", hh_no="hboss", insu_admdvs=HERE)
    city.shop(KANGNING, fixmedins_name="康宁大药房", addr="文三路1号", admdvs=HERE, lon=120.10, lat=30.20,
              bank_acct="ACC1", legrep_certno="330101197001010011", open_hour=8, close_hour=20)  # fmt: skip
    city.shop(RENXIN, fixmedins_name="仁心药店", addr="文三路2号", admdvs=HERE, lon=120.11, lat=30.20,
              bank_acct="ACC1", legrep_certno="330101197001010011", open_hour=8, close_hour=21)  # fmt: skip
    city.shop(BIANJING, fixmedins_name="便民药房", addr="江北路9号", admdvs=THERE, lon=121.50, lat=29.80, open_hour=0,
              close_hour=24)  # fmt: skip
    city.shop(XINGLIN, fixmedins_name="杏林药房", addr="滨江路5号", admdvs=HERE, lon=120.60, lat=30.25)
    city.shop(FIRST, hospital=True, fixmedins_name="第一医院", addr="解放路1号", admdvs=HERE, lon=120.12, lat=30.21)
    city.shop(SECOND, hospital=True, fixmedins_name="第二医院", addr="江北路1号", admdvs=THERE, lon=121.52, lat=29.81)


def _drugs(city: City) -> None:
    city.drug("D1", drug_genname="阿托伐他汀", spec="20mg*7", pack_ddd=7, pric_uplmt=60)
    city.drug(
        "D2", drug_genname="奥希替尼", spec="80mg*30", pack_ddd=30, pric_uplmt=6000, key_mon_flag="1", rx_flag="1"
    )
    city.drug("D3", drug_genname="维生素C", spec="100片", pric_uplmt=10)
    city.drug("D4", drug_genname="益母草颗粒", spec="10袋", pack_ddd=5, lmt_gend="2")
    city.drug("D5", drug_genname="胰岛素", spec="3ml", pack_ddd=10, pric_uplmt=90)


def _ordinary_people(city: City) -> None:
    """p1–p6 buy a little, alone, at their own shop, and own one card each."""
    for number in range(1, 7):
        name = city.person(f"p{number}", psn_name=f"常人{number}", gend="1" if number % 2 else "2", hh_no=f"hp{number}",
                           tel=f"1380000000{number}", addr=f"学院路{number}号", insu_admdvs=HERE)  # fmt: skip
        city.add("cards", mdtrt_cert_no=f"Cp{number}", psn_no=name, mdtrt_cert_type="03", iss_date="2020-01-01")
        for month in (1, 4):
            city.visit(name, (KANGNING, RENXIN)[number % 2], f"2025-{month:02d}-{number:02d} 09:{number:02d}:00",
                       pos_no="T9", items=[item("D5", 80.0)])  # fmt: skip


def _ring(city: City) -> None:
    """r1–r4, of four households, at Y1's terminal T1 within three minutes, on the 5th of March, April, May and June."""
    for number in range(1, 5):
        name = city.person(f"r{number}", psn_name=f"环员{number}", gend="1", hh_no=f"hr{number}",
                           tel=f"1390000000{number}", addr=f"古墩路{number}号", insu_admdvs=HERE)  # fmt: skip
        city.add("cards", mdtrt_cert_no=f"Cr{number}", psn_no=name, mdtrt_cert_type="03", iss_date="2020-01-01")
        for month in (3, 4, 5, 6):
            city.visit(name, KANGNING, f"2025-{month:02d}-05 10:0{number - 1}:00", pos_no="T1",
                       acct_pay="50.00", items=[item("D1", 50.0)])  # fmt: skip
    # r2's card is also used honestly; and once ten minutes later, fifty kilometres away.
    city.visit("r2", XINGLIN, "2025-03-05 10:11:00", items=[item("D5", 80.0)])
    # r4's card is presented for x1, a stranger.
    city.person("x1", psn_name="外地人", hh_no="hx1", insu_admdvs=THERE)
    city.visit("x1", KANGNING, "2025-03-08 11:00:00", mdtrt_cert_no="Cr4", items=[item("D1", 50.0)])
    # r3's card was cancelled at the end of April; its uses in May and June came later.
    city.rows["cards"][-2]["cancel_date"] = "2025-04-30"


def _family(city: City) -> None:
    """f1 and f2 share a household and f1's card, as a family account; they shop together three times."""
    for number in (1, 2):
        city.person(f"f{number}", psn_name=f"家人{number}", gend=str(number), hh_no="hf", tel="13700000001",
                    addr="保俶路1号", insu_admdvs=HERE)  # fmt: skip
    city.add("cards", mdtrt_cert_no="Cf1", psn_no="f1", mdtrt_cert_type="03", share_psn_no="f2")
    for month in (3, 4, 5):
        city.visit("f1", KANGNING, f"2025-{month:02d}-12 09:00:00", pos_no="T1", items=[item("D5", 80.0)])
        city.visit("f2", KANGNING, f"2025-{month:02d}-12 09:02:00", pos_no="T1", mdtrt_cert_no="Cf1",
                   items=[item("D3", 12.0)])  # fmt: skip


def _shared_marks(city: City) -> None:
    """m1–m3, of three households, have one telephone, one address and one account for reimbursement."""
    for number in (1, 2, 3):
        city.person(f"m{number}", psn_name=f"共号{number}", hh_no=f"hm{number}", tel="13600000000", addr="共享路1号",
                    bank_acct="ACC9", insu_admdvs=HERE)  # fmt: skip
    # The shop's representative has the same telephone as nobody, and buys in the shop himself.
    city.visit("boss", KANGNING, "2025-04-20 10:00:00", items=[item("D2", 5000.0)])


def _collusion(city: City) -> None:
    """Y2 rings up 814.80 yuan five times on 20 December for q1–q5, from accounts, without codes, and at 23 o'clock."""
    for number in range(1, 6):
        name = city.person(f"q{number}", psn_name=f"套刷{number}", hh_no=f"hq{number}", insu_admdvs=HERE)
        city.visit(name, RENXIN, f"2025-12-20 {18 + number}:00:00", acct_pay="814.80",
                   items=[item("D1", 814.80, cnt=14)])  # fmt: skip
    # Y2 bought 10 packs of D1 and sold 70; it never bought D5, and sold three packs; Y1 bought what it sold.
    city.stock(RENXIN, "D1", "purchase", "2025-01-02 08:00:00", 10, pric=30, spler_name="华东医药")
    city.stock(KANGNING, "D1", "purchase", "2025-01-02 08:00:00", 100, pric=30, spler_name="华东医药")
    city.stock(KANGNING, "D5", "purchase", "2025-01-02 08:00:00", 100, pric=50, spler_name="华东医药")
    city.stock(KANGNING, "D3", "purchase", "2025-01-02 08:00:00", 100, pric=5, spler_name="江北商贸")


def _resale(city: City) -> None:
    """s1 draws D2 at Y1, s1's packs turn up at Y3; what a refund, a split pack and a return explain is beside it."""
    for number in (1, 2, 3):
        city.person(f"s{number}", psn_name=f"购药人{number}", hh_no=f"hs{number}", insu_admdvs=HERE)
    city.stock(
        KANGNING, "D2", "purchase", "2025-02-20 08:00:00", 1, pric=4000, spler_name="华东医药", drug_trac_codg="K1"
    )
    city.stock(
        KANGNING, "D2", "purchase", "2025-02-20 08:00:00", 1, pric=4000, spler_name="华东医药", drug_trac_codg="K2"
    )
    # K1: Y1 → s1 → Y3 → s2.
    city.visit("s1", KANGNING, "2025-03-01 09:00:00", setl_id="k1a", items=[item("D2", 5000.0, codes="K1")])
    city.visit("s2", BIANJING, "2025-03-20 15:00:00", setl_id="k1b", items=[item("D2", 5000.0, codes="K1")])
    # K2: Y1 → s1 → Y3 → s3 → Y4 → p1: sold three times at three places.
    city.visit("s1", KANGNING, "2025-03-02 09:00:00", setl_id="k2a", items=[item("D2", 5000.0, codes="K2")])
    city.visit("s3", BIANJING, "2025-03-21 15:00:00", setl_id="k2b", items=[item("D2", 5000.0, codes="K2")])
    city.visit("p1", XINGLIN, "2025-04-10 09:00:00", setl_id="k2c", items=[item("D2", 5000.0, codes="K2")])
    # K3: twice at Y2: substitution, not resale.
    city.visit("p3", RENXIN, "2025-05-01 10:00:00", setl_id="k3a", items=[item("D5", 80.0, codes="K3")])
    city.visit("p5", RENXIN, "2025-05-02 10:00:00", setl_id="k3b", items=[item("D5", 80.0, codes="K3")])
    # K4: sold, refunded, sold again at the same shop: no resale.
    city.visit("p2", KANGNING, "2025-05-03 10:00:00", setl_id="k4a", items=[item("D5", 80.0, codes="K4")])
    city.visit("p2", KANGNING, "2025-05-03 11:00:00", setl_id="k4r", refd_setl_flag="1", init_setl_id="k4a",
               items=[item("D5", -80.0, cnt=-1, codes="K4")])  # fmt: skip
    city.visit("p4", KANGNING, "2025-05-04 10:00:00", setl_id="k4b", items=[item("D5", 80.0, codes="K4")])
    # K5: sold to s1 at Y1, three weeks later in Y3's ledger as a purchase from an unknown dealer.
    city.visit("s1", KANGNING, "2025-03-05 09:00:00", setl_id="k5a", items=[item("D2", 5000.0, codes="K5")])
    city.stock(
        BIANJING, "D2", "purchase", "2025-03-26 08:00:00", 1, pric=2000, spler_name="江北商贸", drug_trac_codg="K5"
    )
    # K6: sent back to the supplier by Y2, bought by Y1: an honest second life.
    city.stock(RENXIN, "D5", "purchase_return", "2025-02-01 08:00:00", 1, pric=50, drug_trac_codg="K6")
    city.stock(
        KANGNING, "D5", "purchase", "2025-02-10 08:00:00", 1, pric=50, spler_name="华东医药", drug_trac_codg="K6"
    )


def _overuse(city: City) -> None:
    """o1 draws 30 packs of D5 (300 doses) at three shops in 20 days; a man gets D4, for women; D3 sells too dear."""
    city.person("o1", psn_name="超量人", gend="1", hh_no="ho1", insu_admdvs=HERE)
    for day, shop in ((1, KANGNING), (10, RENXIN), (20, XINGLIN)):
        city.visit("o1", shop, f"2025-07-{day:02d} 10:00:00", items=[item("D5", 800.0, cnt=10)])
    city.visit("o1", XINGLIN, "2025-08-01 10:00:00", items=[item("D4", 30.0)])
    city.visit("p6", XINGLIN, "2025-08-02 10:00:00", items=[item("D3", 45.0, cnt=3)])


def _doctors(city: City) -> None:
    """w1 treats himself; w1 and w2 share three patients; w2, of H1, also settles at H2, and sees 25 people in a day."""
    city.add("practitioners", dr_code="w1", dr_name="王医师", fixmedins_code=FIRST, dept_name="心内科",
             certno="330101198001010022")  # fmt: skip
    city.add("practitioners", dr_code="w2", dr_name="李医师", fixmedins_code=FIRST, dept_name="肿瘤科",
             certno="330101198201010033")  # fmt: skip
    city.person("wp", psn_name="王医师", certno="330101198001010022", hh_no="hwp", insu_admdvs=HERE)
    city.visit("wp", FIRST, "2025-04-01 08:30:00", med_type="11", chfpdr_code="w1", items=[item("D2", 5500.0)])
    for number in (1, 2, 3):
        for doctor in ("w1", "w2"):
            city.visit(f"s{number}", FIRST, f"2025-02-1{number} {9 if doctor == 'w1' else 10}:00:00", med_type="14",
                       chfpdr_code=doctor, items=[item("D2", 5500.0)])  # fmt: skip
    city.visit("p1", SECOND, "2025-06-01 09:00:00", med_type="11", chfpdr_code="w2", total=30.0)
    for number in range(25):
        city.visit(f"n{number:02d}", FIRST, f"2025-09-09 {8 + number // 4:02d}:{number % 4 * 15:02d}:00", med_type="11",
                   chfpdr_code="w2", total=20.0)  # fmt: skip


def _stays(city: City) -> None:
    """g1 buys during a stay, and lies in two places at once; g2's stay has no item; g3 is dead; c1–c3 live in care."""
    for number in (1, 2):
        city.person(f"g{number}", psn_name=f"住院人{number}", hh_no=f"hg{number}", insu_admdvs=HERE)
    city.person("g3", psn_name="已故人", hh_no="hg3", insu_admdvs=HERE, die_date="2025-01-31")
    _stay(city, "g1", FIRST, "2025-02-01", "2025-02-10")
    city.visit("g1", RENXIN, "2025-02-05 10:00:00", items=[item("D5", 80.0)])
    _stay(city, "g1", SECOND, "2025-02-08", "2025-02-12")
    _stay(city, "g1", FIRST, "2025-02-20", "2025-02-25")
    city.visit("g2", SECOND, "2025-03-10 16:00:00", med_type="21", begntime="2025-03-05 08:00:00",
               endtime="2025-03-10 15:00:00", total=3000.0)  # fmt: skip
    city.visit("g3", KANGNING, "2025-03-03 10:30:00", items=[item("D5", 80.0)])
    for number in (1, 2, 3):
        city.person(f"c{number}", psn_name=f"老人{number}", hh_no=f"hc{number}", care_inst="夕阳红", insu_admdvs=HERE)
        city.visit(f"c{number}", XINGLIN, f"2025-10-10 09:{10 * number}:00", items=[item("D5", 80.0)])


def _stay(city: City, person: str, hospital: str, first: str, last: str) -> None:
    city.visit(person, hospital, f"{last} 16:00:00", med_type="21", begntime=f"{first} 08:00:00",
               endtime=f"{last} 15:00:00", fund_pay_sumamt="2000.00", items=[item("D5", 2500.0)])  # fmt: skip


def _regions(city: City) -> None:
    """t1–t3, insured elsewhere, buy at Y1; s2 and s3, insured here, bought at Y3 there."""
    for number in (1, 2, 3):
        city.person(f"t{number}", psn_name=f"异地人{number}", hh_no=f"ht{number}", insu_admdvs=THERE)
        city.visit(f"t{number}", KANGNING, f"2025-11-0{number} 12:00:00", fund_pay_sumamt="60.00",
                   items=[item("D5", 80.0)])  # fmt: skip


def _money(city: City) -> None:
    """m1's visit is settled by card and claimed again by hand with the same total; m2's claim by hand stands alone."""
    city.visit("m1", FIRST, "2025-05-10 09:00:00", med_type="11", total=1234.56, fund_pay_sumamt="1000.00")
    city.visit("m1", FIRST, "2025-05-20 09:00:00", med_type="11", total=1234.56, manl_reim_flag="1",
               fund_pay_sumamt="1000.00")  # fmt: skip
    city.visit("m2", SECOND, "2025-05-21 09:00:00", med_type="11", total=800.0, manl_reim_flag="1",
               fund_pay_sumamt="600.00")  # fmt: skip


def _tips(city: City) -> None:
    city.add("tips", tip_id="j1", tip_time="2025-06-10", subj_type="institution", subj_id=KANGNING, content="替人刷卡")
    city.add("tips", tip_id="j2", tip_time="2025-06-11", subj_type="person", subj_id="s1", content="倒卖抗癌药")
    city.add("tips", tip_id="j3", tip_time="2025-06-12", subj_type="person", subj_id="m1", content="重复报销")
    city.add("tips", tip_id="j4", tip_time="2025-06-13", subj_type="practitioner", subj_id="w2", content="虚开处方")


def _flaws(city: City) -> None:
    """Two numbers for one person, a card of two people, a settlement without card, a pack of two drugs."""
    for name in ("d1", "d2"):
        city.person(name, psn_name="重号人", certno="330101199001010044", hh_no="hd", insu_admdvs=HERE)
    city.add("cards", mdtrt_cert_no="Cdd", psn_no="d1", mdtrt_cert_type="03")
    city.visit("d1", XINGLIN, "2025-06-20 10:00:00", mdtrt_cert_no=None, items=[item("D5", 80.0, codes="K7")])
    city.visit("d2", XINGLIN, "2025-06-21 10:00:00", mdtrt_cert_no="Cdd", items=[item("D3", 9.0, codes="K7")])


def findings() -> list[Finding]:
    """A ring of r1–r4 at Y1, and a resale of s1 through Y3 that also names r4 and Y1."""
    ring = [
        Member("Patient", "r1", "holder"),
        *(Member("Patient", f"r{each}", "card_holder", 0.9) for each in (2, 3, 4)),
    ]
    resale = [
        Member("Patient", "s1", "collector"),
        Member("Patient", "r4", "source", 0.5),
        Member("Patient", "s2", "buyer"),
        Member("Pharmacy", BIANJING, "reseller"),
        Member("Pharmacy", KANGNING, "seller"),
    ]
    return [
        _finding(
            "ring-1", "borrowed_card_ring", "red", 0.95, "800.00", [*ring, Member("Pharmacy", KANGNING, "place")], []
        ),
        _finding("resale-1", "drug_resale", "orange", 0.80, "10000.00", resale, ["k1a", "k1b"]),
    ]


def _finding(
    name: str, kind: str, level: str, score: float, amount: str, members: list[Member], cited: list[str]
) -> Finding:
    said = Message("app.page.finding")
    return Finding(
        name, kind, level, score, said, said, Decimal(amount), datetime(2025, 3, 1), datetime(2025, 6, 5),  # type: ignore[arg-type]
        tuple(members), (Reason("seen", said, 1, 0),), (), tuple(EvidenceRef("settlements", each) for each in cited),
        kind, "1", {},
    )  # fmt: skip
