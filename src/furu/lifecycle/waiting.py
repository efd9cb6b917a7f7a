"""Waiting for another owner: how long to nap, and the queue of threads of one process."""

from __future__ import annotations

import random
import threading
from contextlib import contextmanager
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from collections.abc import Iterator

STALE_LOOKUP_TRIES: Final = 400
STALE_LOOKUP_NAP_SEC: Final = 0.05
"""How often, and how long apart, to look up a name that a listing shows and a cache says is not there."""

_SHARE: Final = 0.05
_SHORTEST_SEC: Final = 0.001
_JITTER: Final = 0.3


def nap_sec(waited_sec: float, longest_sec: float, chance: float) -> float:
    """How long to sleep before looking again: a twentieth of the time waited so far.

    So a waiter is late by about 5 % of what it waited, whether that was a second or an hour, up to `longest_sec`.

    Args:
        waited_sec: since the wait began.
        longest_sec: upper bound of the nap.
        chance: in [0, 1); spreads waiters over +-30 %, so that they don't all knock at once.
    """
    nap = min(longest_sec, max(_SHORTEST_SEC, waited_sec * _SHARE))
    return nap * (1 - _JITTER + 2 * _JITTER * chance)


def chance() -> float:
    """A number in [0, 1) for `nap_sec`."""
    return random.random()  # noqa: S311 -- spreads load, guards nothing


class Flights:
    """Lets one thread of this process at a time compute a key; the others sleep until it is through, unpolled."""

    def __init__(self) -> None:
        self._guard = threading.Lock()
        self._flights: dict[str, tuple[threading.Lock, list[int]]] = {}

    @contextmanager
    def turn(self, key: str, timeout_sec: float | None) -> Iterator[bool]:
        """Hold the turn for `key`; yields False when it did not come within `timeout_sec` (None: for ever)."""
        with self._guard:
            flight = lock, waiters = self._flights.setdefault(key, (threading.Lock(), [0]))
            waiters[0] += 1
        is_ours = False
        try:
            is_ours = lock.acquire(
                timeout=-1 if timeout_sec is None else min(max(0.0, timeout_sec), threading.TIMEOUT_MAX)
            )
            yield is_ours
        finally:
            if is_ours:
                lock.release()
            with self._guard:
                waiters[0] -= 1
                if not waiters[0] and self._flights.get(key) is flight:
                    del self._flights[key]

    def forget(self, key: str) -> None:
        """Whoever has the turn for `key` will never be through: the next one to come needs not wait for it."""
        with self._guard:
            self._flights.pop(key, None)

    def forget_all(self) -> None:
        """In a forked child: the threads that held turns are the parent's."""
        self.__init__()  # type: ignore[misc]
