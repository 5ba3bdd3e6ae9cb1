"""Seed expansion: from people, cards or institutions that are known to those who share their pattern, hop by hop."""

from __future__ import annotations

from ringtrace.detectors.expansion.lead import Lead, Node
from ringtrace.detectors.expansion.search import expand

__all__ = ["Lead", "Node", "expand"]
