"""Tables in, findings out: `detect` runs the detectors and stores what they found; `expand` goes on from known ids."""

from __future__ import annotations

from ringtrace.detectors.expansion import Lead, expand
from ringtrace.detectors.registry import DETECTORS
from ringtrace.detectors.runner import DetectionReport, complete, detect, read_gaps

__all__ = ["DETECTORS", "DetectionReport", "Lead", "complete", "detect", "expand", "read_gaps"]
