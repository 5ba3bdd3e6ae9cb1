"""Findings leave the workspace as an evidence folder that anyone can check: `export` writes it, `verify` checks it."""

from __future__ import annotations

from ringtrace.evidence.exporter import ExportReport, export
from ringtrace.evidence.verifier import VerifyReport, verify

__all__ = ["ExportReport", "VerifyReport", "export", "verify"]
