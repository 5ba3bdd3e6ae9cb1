"""The detectors in the order they run, one line each.

Resale stands before collusion, which leaves its sales out, and collusion before substitution: a phantom sale may borrow
the code of a pack sold before.
"""

from __future__ import annotations

from typing import Final

from ringtrace.detectors.claims.cloned_card import ClonedCard
from ringtrace.detectors.claims.double_reimbursement import DoubleReimbursement
from ringtrace.detectors.claims.ghost_patient import GhostPatient
from ringtrace.detectors.claims.overuse import Overuse
from ringtrace.detectors.claims.restricted_item import RestrictedItem
from ringtrace.detectors.claims.tips import TipLead
from ringtrace.detectors.collusion.pharmacy_collusion import PharmacyCollusion
from ringtrace.detectors.detector import Detector
from ringtrace.detectors.packs.drug_resale import DrugResale
from ringtrace.detectors.packs.stock_imbalance import StockImbalance
from ringtrace.detectors.packs.trace_code_reuse import TraceCodeReuse
from ringtrace.detectors.rings.borrowed_card_ring import BorrowedCardRing

DETECTORS: Final[tuple[Detector, ...]] = (
    DrugResale(),
    PharmacyCollusion(),
    BorrowedCardRing(),
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
    "borrowed_card_ring": ("drug_resale", "pharmacy_collusion"),
    "trace_code_reuse": ("drug_resale", "pharmacy_collusion"),
    "stock_imbalance": ("drug_resale", "pharmacy_collusion"),
    "cloned_card": ("drug_resale", "pharmacy_collusion", "borrowed_card_ring"),
    "overuse": ("drug_resale",),
    "tip_lead": tuple(each.kind for each in DETECTORS if each.kind != "tip_lead"),
}
"""Kinds whose drafts another kind reads: they run too when only that one is asked for."""
