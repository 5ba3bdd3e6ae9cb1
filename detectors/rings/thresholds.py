"""What the search for rings goes by, declared once and shown on each finding."""

from __future__ import annotations

from dataclasses import dataclass, replace


@dataclass(frozen=True, slots=True)
class RingThresholds:
    """What the search goes by; each finding shows these values.

    `window` seconds are "together", and in a second search for unhurried sessions `session` seconds are, where no more
    than `session_crowd` others come in that time; `hop` seconds between two places make one run; `false_discovery` is
    the rate for pairs, and `weak_pair` the p-value of pairs that count only in a triangle; `group_error` the chance of
    a group, `growth_error` that of a wrong member in it; `share` the least attendance of a member; `resolution` the
    density of a community; visits amid more than `max_crowd` others make no pairs.
    """

    window: int = 900
    session: int = 7200
    session_crowd: int = 100
    hop: int = 3600
    min_days: int = 3
    false_discovery: float = 0.05
    weak_pair: float = 1e-3
    group_error: float = 1e-3
    growth_error: float = 0.05
    share: float = 0.25
    resolution: float = 0.3
    max_crowd: int = 200
    max_size: int = 200

    def unhurried(self) -> RingThresholds:
        """These thresholds with a session for a window."""
        return replace(self, window=self.session, hop=max(self.hop, self.session), max_crowd=self.session_crowd)
