"""Ghost patients: claims for the dead, for people who were elsewhere, and for beds in which nobody was cared for."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import ClassVar

import duckdb

from ringtrace.detectors.claims.after_death import DeathThresholds, settled_after_death
from ringtrace.detectors.claims.empty_stays import StayThresholds, empty_stays
from ringtrace.detectors.detector import Context, Draft


@dataclass(frozen=True)
class Thresholds(DeathThresholds, StayThresholds):
    """Those of `after_death` and of `empty_stays`."""


class GhostPatient:
    """A draft a dead person whose credential is used on, and a draft a hospital with empty stays.

    A sign of one person's death in a stay that the hospital's finding cites is told there only.

    The dead: a settlement counts if it lies more than the days of grace after the death, unless the care began before
    the death, it was claimed by hand, or the register is in doubt.

    Stays: the number of a hospital's stays during which the patient was served elsewhere, or had no line of care, is
    compared with the binomial chance at the pooled rate of the other hospitals that do not stand out themselves (two
    signals have a rate of their own, see `empty_stays`), one test a signal, Bonferroni over hospitals and signals.
    Assumes that hospitals keep records equally well; where one alone delivers no lines, its stays stand out for that
    reason, so `no_care` alone never makes a red finding.
    """

    kind: ClassVar[str] = "ghost_patient"
    version: ClassVar[str] = "2"

    def __init__(self, thresholds: Thresholds | None = None) -> None:
        self.thresholds = thresholds or Thresholds()

    def detect(self, tables: duckdb.DuckDBPyConnection, context: Context) -> Iterable[Draft]:
        stays = list(empty_stays(tables, context, self.kind, self.thresholds))
        told = {key for draft in stays if draft.accuses for key in _settlements(draft)}
        for draft in settled_after_death(tables, context, self.kind, self.thresholds):
            if draft.accuses or not _settlements(draft) <= told:  # else the hospital's finding says it, and more
                yield draft
        yield from stays


def _settlements(draft: Draft) -> set[str]:
    return {row.key for row in draft.evidence if row.table == "settlements"}
