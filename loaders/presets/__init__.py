"""The kinds of deliveries that RingTrace knows; the first that recognises a folder takes it, `contract` last."""

from __future__ import annotations

from typing import Final

from ringtrace.loaders.preset import Preset
from ringtrace.loaders.presets.arcos import ARCOS
from ringtrace.loaders.presets.contract import CONTRACT
from ringtrace.loaders.presets.nhsa import NHSA
from ringtrace.loaders.presets.synthea import SYNTHEA

PRESETS: Final[tuple[Preset, ...]] = (NHSA, SYNTHEA, ARCOS, CONTRACT)
