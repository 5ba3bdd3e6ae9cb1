"""How many schemes of each kind a city has, and how well each hides."""

from __future__ import annotations

from typing import Literal

from ringtrace.simulate import lesser_schemes as lesser
from ringtrace.simulate.claims_by_hand import double_reimbursement, honest_claims
from ringtrace.simulate.collusion import plant_collusion
from ringtrace.simulate.gatherings import Scene
from ringtrace.simulate.resale import plant_resale
from ringtrace.simulate.rings import plant_rings
from ringtrace.simulate.truth import Difficulty

CityDifficulty = Literal["easy", "medium", "hard", "mixed"]
PERSONS_PER_RING = 6_000
PERSONS_PER_SHOP_SCHEME = 12_000
PERSONS_PER_LESSER_SCHEME = 20_000


def plant(scene: Scene, difficulty: CityDifficulty) -> None:
    """Add the schemes to the log; "mixed" draws the difficulty of each."""

    def levels(one_per: int) -> list[Difficulty]:
        n = max(1, round(len(scene.town.people) / one_per))
        return [_level(scene, difficulty) for _ in range(n)]

    plant_rings(scene, levels(PERSONS_PER_RING))
    plant_resale(scene, levels(PERSONS_PER_SHOP_SCHEME))
    plant_collusion(scene, levels(PERSONS_PER_SHOP_SCHEME))
    for scheme in (
        lesser.ghost_stays, lesser.cloned_card, lesser.substitution, double_reimbursement, lesser.overuse,
        lesser.restricted_items,
    ):  # fmt: skip
        for level in levels(PERSONS_PER_LESSER_SCHEME):
            scheme(scene, level)


def plant_twins(scene: Scene) -> None:
    """The honest twins of the lesser schemes, in every city."""
    for _ in range(max(1, len(scene.town.people) // PERSONS_PER_LESSER_SCHEME)):
        lesser.shared_credential(scene)
        lesser.stuck_scanner(scene)
    honest_claims(scene)
    lesser.wrong_card(scene)


def _level(scene: Scene, difficulty: CityDifficulty) -> Difficulty:
    if difficulty == "mixed":
        return ("easy", "medium", "hard")[int(scene.rng.integers(0, 3))]
    return difficulty
