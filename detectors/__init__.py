"""Tables in, findings out: `detect` runs the detectors and stores what they found in the workspace."""

from __future__ import annotations

from ringtrace.detectors.registry import DETECTORS
from ringtrace.detectors.runner import DetectionReport, complete, detect, read_gaps

__all__ = ["DETECTORS", "DetectionReport", "complete", "detect", "read_gaps"]
