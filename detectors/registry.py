"""The detectors in the order they run: one line each. Resale stands before collusion, which leaves its sales out."""

from __future__ import annotations

from typing import Final

from ringtrace.detectors.borrowed_card_ring import BorrowedCardRing
from ringtrace.detectors.detector import Detector
from ringtrace.detectors.drug_resale import DrugResale
from ringtrace.detectors.pharmacy_collusion import PharmacyCollusion
from ringtrace.detectors.stock_imbalance import StockImbalance
from ringtrace.detectors.trace_code_reuse import TraceCodeReuse

DETECTORS: Final[tuple[Detector, ...]] = (
    BorrowedCardRing(),
    TraceCodeReuse(),
    DrugResale(),
    PharmacyCollusion(),
    StockImbalance(),
)  # fmt: skip

NEEDS: Final[dict[str, tuple[str, ...]]] = {"pharmacy_collusion": ("drug_resale",)}
"""Kinds whose drafts another kind reads: they run too when only that one is asked for."""
