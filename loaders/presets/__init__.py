"""The kinds of deliveries that RingTrace knows; the first that recognises a folder takes it, `contract` last."""

from __future__ import annotations

from typing import Final

from ringtrace.loaders.preset import Preset
from ringtrace.loaders.presets.contract import CONTRACT

PRESETS: Final[tuple[Preset, ...]] = (CONTRACT,)
