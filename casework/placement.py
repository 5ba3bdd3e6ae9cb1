"""Where nodes stand on the canvas: the first picture by a seeded layout, every later node in a free place near its parent.

Positions are canvas units; two nodes keep `SPACING` apart. Nothing here moves a node that already stands.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping, Sequence
from typing import Final

import igraph

from ringtrace.graph.store import NodeRef

Spot = tuple[float, float]
SPACING: Final = 90.0


class Ground:
    """Occupied places on a grid, so that the next free one is found without asking every node."""

    def __init__(self, spots: Iterable[Spot]) -> None:
        self._cells: dict[tuple[int, int], list[Spot]] = {}
        self._sum_x = self._sum_y = 0.0
        self._number = 0
        for spot in spots:
            self.take(spot)

    def take(self, spot: Spot) -> None:
        """Mark a place as occupied."""
        self._cells.setdefault(_cell(spot), []).append(spot)
        self._sum_x += spot[0]
        self._sum_y += spot[1]
        self._number += 1

    def is_free(self, spot: Spot) -> bool:
        """Whether nothing stands within `SPACING` of the place."""
        column, row = _cell(spot)
        return all(
            math.dist(spot, other) >= SPACING * 0.98
            for i in (column - 1, column, column + 1)
            for j in (row - 1, row, row + 1)
            for other in self._cells.get((i, j), ())
        )

    def centre(self) -> Spot:
        """The middle of everything that stands."""
        return (self._sum_x / self._number, self._sum_y / self._number) if self._number else (0.0, 0.0)


def _cell(spot: Spot) -> tuple[int, int]:
    return math.floor(spot[0] / SPACING), math.floor(spot[1] / SPACING)


def place_near(parent: Spot, count: int, ground: Ground) -> list[Spot]:
    """`count` free places on rings around `parent`, nearest first, those that face away from the crowd before others.

    The places are taken on `ground`.
    """
    centre = ground.centre()
    outward = math.atan2(parent[1] - centre[1], parent[0] - centre[0]) if math.dist(parent, centre) > 1 else 0.0
    found: list[Spot] = []
    ring = 1
    while len(found) < count:
        ring += 1
        radius = ring * SPACING * 0.8
        steps = max(6, math.floor(2 * math.pi * radius / (SPACING * 1.05)))
        for step in range(steps):
            side = (step + 1) // 2 * (1 if step % 2 else -1)
            angle = outward + side * 2 * math.pi / steps
            spot = (round(parent[0] + radius * math.cos(angle), 1), round(parent[1] + radius * math.sin(angle), 1))
            if ground.is_free(spot):
                ground.take(spot)
                found.append(spot)
                if len(found) == count:
                    break
    return found


def first_layout(refs: Sequence[NodeRef], links: Iterable[tuple[NodeRef, NodeRef]]) -> Mapping[NodeRef, Spot]:
    """Places of a first picture: Kamada and Kawai's springs (1989) from a circle, then moved apart where they overlap.

    The same nodes and links give the same picture in any order of links.
    """
    if not refs:
        return {}
    number = {ref: position for position, ref in enumerate(refs)}
    edges = sorted({tuple(sorted((number[a], number[b]))) for a, b in links if a in number and b in number and a != b})
    graph = igraph.Graph(n=len(refs), edges=edges)
    placed: dict[NodeRef, Spot] = {}
    ground = Ground(())
    left = 0.0
    for part in sorted(graph.connected_components(), key=lambda members: (-len(members), members)):
        piece = graph.induced_subgraph(part)
        spots = _springs(piece)
        width = max(x for x, _ in spots) - min(x for x, _ in spots)
        shift = left - min(x for x, _ in spots)
        for vertex, (x, y) in zip(part, spots, strict=True):
            wanted = (round(x + shift, 1), round(y, 1))
            if ground.is_free(wanted):
                ground.take(wanted)
                placed[refs[vertex]] = wanted
            else:
                placed[refs[vertex]] = place_near(wanted, 1, ground)[0]
        left += width + 2 * SPACING
    return placed


def _springs(piece: igraph.Graph) -> list[Spot]:
    if piece.vcount() == 1:
        return [(0.0, 0.0)]
    layout = piece.layout_kamada_kawai(seed=piece.layout_circle(), maxiter=50 * piece.vcount())
    scale = SPACING * 1.7
    return [(x * scale, y * scale) for x, y in layout.coords]
