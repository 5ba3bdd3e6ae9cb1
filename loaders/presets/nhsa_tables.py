"""The platform's three tables: how each is told from a file's name or headers, and which of its columns are read."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Final, Literal, Self

from ringtrace.data_schema import TABLE_NAMES
from ringtrace.loaders.preset import Delivery, SourceGroup

Kind = Literal["setl_d", "fee_list_d", "mdtrt_d"]

SHOWN_BY: Final[dict[Kind, tuple[tuple[str, ...], ...]]] = {
    "fee_list_d": (("bkkp_sn", "setl_id"), ("bkkp_sn", "mdtrt_id")),
    "setl_d": (("setl_id", "clr_optins"), ("setl_id", "acct_mulaid_pay"), ("setl_id", "manl_reim_rea")),
    "mdtrt_d": (("mdtrt_id", "ipt_otp_no"), ("mdtrt_id", "dscg_maindiag_code"), ("mdtrt_id", "medrcdno")),
}
"""Headers that tell a table whatever its file is called: such as no other table of the platform or contract has."""

_PERSON: Final = (
    "psn_no", "psn_cert_type", "certno", "psn_name", "gend", "brdy", "tel", "addr", "hh_no", "emp_no", "bank_acct",
    "insu_admdvs", "die_date", "care_inst",
)  # fmt: skip
_INSTITUTION: Final = ("fixmedins_code", "fixmedins_name", "fixmedins_type", "fix_blng_admdvs")
_ROW: Final = ("mdtrt_id", "med_type", "dise_codg", "dise_no", "chfpdr_code", "vali_flag", "updt_time")

VISIT: Final = (
    *_PERSON, *_INSTITUTION, *_ROW, "begntime", "endtime", "chfpdr_name", "adm_dept_name", "dscg_maindiag_code",
)  # fmt: skip
JOINED_TO_SETTLEMENTS: Final = (*_ROW, "begntime", "endtime", "dscg_maindiag_code")
"""Columns of a visit that its settlements take over; few, since all visits are sorted to find the newest of each."""

SETTLEMENT: Final = (
    *_PERSON, *_INSTITUTION, *_ROW, "setl_id", "init_setl_id", "begntime", "endtime", "begndate", "enddate",
    "setl_time", "mdtrt_cert_type", "mdtrt_cert_no", "pos_no", "medfee_sumamt", "fund_pay_sumamt", "acct_pay",
    "cash_payamt", "acct_mulaid_pay", "refd_setl_flag", "invono", "manl_reim_rea", "manl_reim_flag",
)  # fmt: skip
SETTLEMENT_NEEDS: Final = ("setl_id", "psn_no", "fixmedins_code", "setl_time", "medfee_sumamt")
CHARGE_NEEDS: Final = (
    ("bkkp_sn", "feedetl_sn"), ("setl_id", "mdtrt_id"), ("med_list_codg", "hilist_code", "medins_list_codg"), ("cnt",),
    ("det_item_fee_sumamt",),
)  # fmt: skip
"""Columns without which nothing can be made of a table; one of several is enough."""

CHARGE: Final = (
    "bkkp_sn", "feedetl_sn", "setl_id", "mdtrt_id", "fixmedins_code", "med_list_codg", "hilist_code", "hilist_name",
    "medins_list_codg", "medins_list_name", "prodname", "spec", "pric_uplmt_amt", "cnt", "pric", "det_item_fee_sumamt",
    "drug_trac_codg", "drugtracinfo", "drugtracinfo.drug_trac_codg", "bilg_dr_code", "bilg_dr_name", "bilg_dept_name",
    "trdn_flag", "fee_ocur_time", "vali_flag",
)  # fmt: skip


def kind_of(group: SourceGroup) -> Kind | None:
    """Which of the three tables a group is: by its name first (`2025-03_SETL_D`), else by its headers."""
    if group.role in TABLE_NAMES:
        return None
    for kind in SHOWN_BY:
        if re.search(rf"(?<![a-z]){kind}(?![a-z])", group.role):
            return kind
    for kind, signatures in SHOWN_BY.items():
        if any(group.has(*signature) for signature in signatures):
            return kind
    return None


@dataclass(frozen=True, slots=True)
class Platform:
    """The groups of a delivery that are platform tables; each table may have come under several names."""

    settlements: list[SourceGroup]
    charges: list[SourceGroup]
    visits: list[SourceGroup]

    @classmethod
    def of(cls, delivery: Delivery) -> Self:
        """Sort the groups of `delivery` by kind."""

        def such(kind: Kind) -> list[SourceGroup]:
            return [group for group in delivery.values() if kind_of(group) == kind]

        return cls(settlements=such("setl_d"), charges=such("fee_list_d"), visits=such("mdtrt_d"))
