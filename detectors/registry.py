"""The detectors in the order they run, one line each.

Resale stands before collusion, which leaves its sales out, and collusion before substitution: a phantom sale may borrow
the code of a pack sold before.
"""

from __future__ import annotations

from typing import Final

from ringtrace.detectors.borrowed_card_ring import BorrowedCardRing
from ringtrace.detectors.cloned_card import ClonedCard
from ringtrace.detectors.detector import Detector
from ringtrace.detectors.double_reimbursement import DoubleReimbursement
from ringtrace.detectors.drug_resale import DrugResale
from ringtrace.detectors.ghost_patient import GhostPatient
from ringtrace.detectors.overuse import Overuse
from ringtrace.detectors.pharmacy_collusion import PharmacyCollusion
from ringtrace.detectors.restricted_item import RestrictedItem
from ringtrace.detectors.stock_imbalance import StockImbalance
from ringtrace.detectors.tips import TipLead
from ringtrace.detectors.trace_code_reuse import TraceCodeReuse

DETECTORS: Final[tuple[Detector, ...]] = (
    BorrowedCardRing(),
    DrugResale(),
    PharmacyCollusion(),
    TraceCodeReuse(),
    StockImbalance(),
    GhostPatient(),
    ClonedCard(),
    DoubleReimbursement(),
    Overuse(),
    RestrictedItem(),
    TipLead(),
)  # fmt: skip

NEEDS: Final[dict[str, tuple[str, ...]]] = {
    "pharmacy_collusion": ("drug_resale",),
    "trace_code_reuse": ("drug_resale", "pharmacy_collusion"),
    "tip_lead": tuple(each.kind for each in DETECTORS if each.kind != "tip_lead"),
}
"""Kinds whose drafts another kind reads: they run too when only that one is asked for."""
