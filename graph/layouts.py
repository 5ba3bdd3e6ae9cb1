"""Where nodes stand on the canvas: seeded positions, and places for newcomers that move nobody.

Positions are in canvas pixels, y downwards; `SPACING` is the least distance between two nodes.
"""

from __future__ import annotations

import math
import random
from collections.abc import Hashable, Iterable, Iterator, Mapping, Sequence
from typing import Final, TypeVar

import igraph

from ringtrace.graph.communities import components, seeded

Key = TypeVar("Key", bound=Hashable)
Point = tuple[float, float]

SPACING: Final = 90.0
_GOLDEN_ANGLE: Final = math.pi * (3 - math.sqrt(5))
_DENSE: Final = 300
"""Points of a spiral that are tried one by one; farther out, every `stride`-th: in a first picture no gap is seen."""


def layout(graph: igraph.Graph, *, seed: int = 0, weights: str | None = None) -> list[Point]:
    """A position for each vertex, the same for the same graph and seed.

    Each connected component is drawn by Kamada–Kawai (up to 100 vertices) or Fruchterman–Reingold from seeded starting
    points, scaled so that neighbours stand `SPACING` apart in the median; components are packed in rows, largest first.

    References
    ----------
    Kamada, Kawai (1989), "An algorithm for drawing general undirected graphs", Inf. Process. Lett. 31.
    Fruchterman, Reingold (1991), "Graph drawing by force-directed placement", Softw. Pract. Exp. 21.
    """
    placed: list[Point] = [(0.0, 0.0)] * graph.vcount()
    boxes: list[tuple[list[int], list[Point]]] = []
    for part in components(graph):
        boxes.append((part, _spread(_draw(graph.induced_subgraph(part), seed, weights))))
    width = max(SPACING * 4, math.sqrt(sum(_extent(points)[0] * _extent(points)[1] for _, points in boxes)) * 1.2)
    left = top = row = 0.0
    for part, points in boxes:
        across, down = _extent(points)
        if left and left + across > width:
            left, top, row = 0.0, top + row, 0.0
        west, north = min(x for x, _ in points), min(y for _, y in points)
        for vertex, (x, y) in zip(part, points, strict=True):
            placed[vertex] = (round(left + x - west, 2), round(top + y - north, 2))
        left, row = left + across, max(row, down)
    return placed


def _extent(points: Sequence[Point]) -> tuple[float, float]:
    xs, ys = [x for x, _ in points], [y for _, y in points]
    return max(xs) - min(xs) + 2 * SPACING, max(ys) - min(ys) + 2 * SPACING


def _draw(graph: igraph.Graph, seed: int, weights: str | None) -> list[Point]:
    if graph.vcount() == 1:
        return [(0.0, 0.0)]
    generator = random.Random(seed)
    start = [(generator.uniform(-1, 1), generator.uniform(-1, 1)) for _ in range(graph.vcount())]
    with seeded(seed):
        if graph.vcount() <= 100:
            drawn = graph.layout_kamada_kawai(seed=start)
        else:
            # Each round compares all pairs: the same patience for 2,000 vertices as for 500 would take seconds.
            rounds = min(300, 150_000 // graph.vcount())
            drawn = graph.layout_fruchterman_reingold(weights=weights, seed=start, niter=rounds, grid="nogrid")
    scaled = [(float(x), float(y)) for x, y in drawn]
    lengths = sorted(math.dist(scaled[edge.source], scaled[edge.target]) for edge in graph.es)
    factor = SPACING * 1.5 / (lengths[len(lengths) // 2] or 1.0)
    # A hub's neighbours lie close on their circle: widen the picture for them, lest `_spread` scatters it.
    nearest = sorted(min(math.dist(one, other) for other in scaled if other is not one) for one in scaled[:200])
    crowded = nearest[len(nearest) // 10] or 1.0
    factor = min(max(factor, SPACING * 1.05 / crowded), factor * 1.8)
    return [(x * factor, y * factor) for x, y in scaled]


def _spread(points: Sequence[Point]) -> list[Point]:
    """The same picture with nobody on top of another: whoever is too close goes to the next free place."""
    grid = _Grid(stride=4)
    return [grid.settle(point) for point in points]


def place_new(
    standing: Mapping[Key, Point],
    new: Iterable[Key],
    links: Iterable[tuple[Key, Key]],
    *,
    parent: Key | None = None,
) -> dict[Key, Point]:
    """Places for `new` nodes near those of `standing` that they are linked to; nobody who stands is moved.

    A newcomer goes to the first free place on a spiral around the middle of its standing neighbours; if it has none,
    around `parent`, or else beside everything. Each keeps `SPACING` from all others. Newcomers come in the order of
    their keys and the standing ones are only read, so that the answer depends on nothing else.
    """
    grid = _Grid()
    for point in standing.values():
        grid.take(point)
    around: dict[Key, list[Point]] = {}
    for one, other in links:
        for newcomer, neighbour in ((one, other), (other, one)):
            if neighbour in standing and newcomer not in standing:
                around.setdefault(newcomer, []).append(standing[neighbour])
    outside = (max((x for x, _ in standing.values()), default=-SPACING) + 2 * SPACING, 0.0)
    home = standing.get(parent, outside) if parent is not None else outside
    placed: dict[Key, Point] = {}
    for key in sorted(set(new) - standing.keys()):  # type: ignore[type-var]
        points = sorted(around.get(key, [home]))
        middle = (sum(x for x, _ in points) / len(points), sum(y for _, y in points) / len(points))
        placed[key] = grid.settle(middle)
    return placed


def _spiral(middle: Point, stride: int) -> Iterator[Point]:
    """Points around `middle`, evenly dense and ever farther out, like the seeds of a sunflower."""
    number = 0
    while True:
        radius, angle = SPACING * 0.6 * math.sqrt(number), number * _GOLDEN_ANGLE
        yield round(middle[0] + radius * math.cos(angle), 2), round(middle[1] + radius * math.sin(angle), 2)
        number += 1 if number < _DENSE else stride


class _Grid:
    """Who stands where, by cells of `SPACING`: whether a place is free takes nine cells and not all nodes."""

    def __init__(self, stride: int = 1) -> None:
        self._stride = stride
        self._cells: dict[tuple[int, int], list[Point]] = {}
        self._tried: dict[Point, Iterator[Point]] = {}

    @staticmethod
    def _cell(point: Point) -> tuple[int, int]:
        return math.floor(point[0] / SPACING), math.floor(point[1] / SPACING)

    def free(self, point: Point) -> bool:
        column, row = self._cell(point)
        return all(
            math.dist(point, other) >= SPACING
            for x in (column - 1, column, column + 1)
            for y in (row - 1, row, row + 1)
            for other in self._cells.get((x, y), ())
        )

    def take(self, point: Point) -> None:
        self._cells.setdefault(self._cell(point), []).append(point)

    def settle(self, wanted: Point) -> Point:
        """Take the first free place around `wanted`, and say which."""
        # A place once taken is never free again: a thousand newcomers around one hub go on where the last one stopped.
        found = next(
            point for point in self._tried.setdefault(wanted, _spiral(wanted, self._stride)) if self.free(point)
        )
        self.take(found)
        return found
