"""The configs that are measured."""

from __future__ import annotations

import time

import furu

WIDTH = 100
"""Nodes in a layer of a graph."""

PARENTS = 3
"""Edges to the layer below, for each node."""


class Small(furu.Furu[int]):
    """A few plain fields and a number as result."""

    seed: int
    lr: float = 1e-3
    name: str = "small"

    def _create(self) -> int:
        return self.seed


class Slow(furu.Furu[int]):
    """Takes half a second."""

    seed: int

    def _create(self) -> int:
        time.sleep(0.5)
        return self.seed


class Ladder(furu.Furu[int]):
    """A rung; both nodes of a rung hold both nodes of the one below, so paths double and nodes don't."""

    level: int
    side: str
    left: Ladder | None = None
    right: Ladder | None = None

    def _create(self) -> int:
        return self.level


class Layered(furu.Furu[int]):
    """A no-op node of a graph in layers."""

    layer: int
    index: int
    parents: tuple[Layered, ...] = ()

    def _create(self) -> int:
        return self.index


def ladder(levels: int) -> Ladder:
    """The top of a new ladder, no hash of which is known."""
    left = right = None
    for level in range(levels):
        below = {"left": left, "right": right}
        left, right = Ladder(level=level, side="left", **below), Ladder(level=level, side="right", **below)
    return Ladder(level=levels, side="top", left=left, right=right)


def edges(count: int) -> dict[tuple[int, int], tuple[tuple[int, int], ...]]:
    """The graph that all engines get: (layer, index) -> parents, layer by layer."""
    return {
        (layer, index): tuple((layer - 1, (index + step) % WIDTH) for step in range(PARENTS)) if layer else ()
        for layer in range(count // WIDTH)
        for index in range(WIDTH)
    }


def layered(count: int) -> list[Layered]:
    """The same graph as configs, none of which is hashed yet."""
    made: dict[tuple[int, int], Layered] = {}
    for (layer, index), parents in edges(count).items():
        made[layer, index] = Layered(layer=layer, index=index, parents=tuple(made[each] for each in parents))
    return list(made.values())
