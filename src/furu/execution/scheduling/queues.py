"""What may start now, and how much of it: one queue and one limit per spec key, one limit for all."""

from __future__ import annotations

import sys
from collections.abc import Mapping
from heapq import heapify, heappop, heappush, heapreplace

Free = int | Mapping[str, int] | None
"""What a backend has room for now: in all, per spec key (a missing key has none), or anything (None)."""

_UNLIMITED = sys.maxsize


class _Lane:
    __slots__ = ("heap", "limit", "room", "running")

    def __init__(self, limit: int) -> None:
        self.heap: list[tuple[int, str]] = []
        self.limit = limit
        self.running = 0
        self.room = 0


class ReadyQueues:
    """Ready nodes by spec key; those with the lowest order number leave first, whatever their key."""

    def __init__(self, *, max_running: int | None, limits: Mapping[str, int]) -> None:
        self._max_running = _UNLIMITED if max_running is None else max_running
        self._limits = limits
        self._lanes: dict[str, _Lane] = {}
        self.running = 0

    def push(self, spec_key: str, order: int, node: str) -> None:
        """`node` is ready; no other one has the number `order`."""
        lane = self._lanes.get(spec_key)
        if lane is None:
            lane = self._lanes[spec_key] = _Lane(self._limits.get(spec_key, _UNLIMITED))
        heappush(lane.heap, (order, node))

    def pop(self, free: Free = None) -> list[str]:
        """The nodes to start now; they count as running until `release`."""
        left = self._max_running - self.running
        if isinstance(free, int):
            left = min(left, free)
        if left <= 0:
            return []
        # The head of each lane that has room. Order numbers differ, so lanes are never compared.
        heads = [(lane.heap[0][0], lane) for key, lane in self._lanes.items() if _make_room(key, lane, free)]
        heapify(heads)
        taken: list[str] = []
        while heads and len(taken) < left:
            lane = heads[0][1]
            taken.append(heappop(lane.heap)[1])
            lane.running += 1
            lane.room -= 1
            if lane.heap and lane.room:
                heapreplace(heads, (lane.heap[0][0], lane))
            else:
                heappop(heads)
        self.running += len(taken)
        return taken

    def release(self, spec_key: str) -> None:
        """A node of this key does not run any more."""
        self._lanes[spec_key].running -= 1
        self.running -= 1

    def has_room(self) -> bool:
        """True if `pop()` would give something."""
        return self.running < self._max_running and any(_make_room(*each, None) for each in self._lanes.items())

    def backlog(self) -> dict[str, int]:
        """How many nodes are ready, for each spec key that has some."""
        return {key: len(lane.heap) for key, lane in self._lanes.items() if lane.heap}


def _make_room(key: str, lane: _Lane, free: Free) -> bool:
    """Note how many of this lane may start; True if at least one does."""
    lane.room = lane.limit - lane.running
    if isinstance(free, Mapping):
        lane.room = min(lane.room, free.get(key, 0))
    return bool(lane.heap) and lane.room > 0
