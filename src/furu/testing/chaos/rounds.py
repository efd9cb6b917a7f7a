"""One round: a fresh store, workers that fill it, tormented or not, and what they left."""

from __future__ import annotations

import os
import random
import sys
from dataclasses import dataclass
from typing import Final

from furu import clock
from furu.testing.chaos.evidence import Round, read_notes, read_store
from furu.testing.chaos.torment import Pace, Torment
from furu.testing.chaos.worker import NOTES

LEASE_SEC: Final = 5.0
STOPS_SEC: Final = (0.3, 2.0, 8.0)
"""The longest is past the lease."""
_UNSET: Final = frozenset({"FURU_MAX_WAIT_SECS"})
"""Of the user's settings: who is stopped for a while makes others wait."""
_LOOK_SEC: Final = 0.05
_SHORTEST_STORM_SEC: Final = 3.0
_PATIENCE_SEC: Final = 60.0
_PATIENCE_FACTOR: Final = 20


@dataclass(frozen=True)
class Order:
    """What is asked for.

    Attributes:
        targets: the command's arguments that name configs.
        workers: how many processes.
        seed: of kills, stops and orders.
    """

    targets: tuple[str, ...]
    workers: int
    seed: int


def run_calm(directory: str, order: Order) -> Round:
    """A round in which nothing is done to the workers."""
    return _Round(directory, order).run(None, 0.0, _PATIENCE_SEC * _PATIENCE_FACTOR)


def run_storm(directory: str, order: Order, number: int, calm_sec: float) -> Round:
    """A round of kills and stops, for a few times as long as a calm one takes; then all may finish."""
    pause_sec = min(1.0, max(0.05, calm_sec / 20))
    pace = Pace((pause_sec / 2, pause_sec * 1.5), kill_share=0.3, stop_share=0.15, stops_sec=STOPS_SEC)
    storm_sec = max(_SHORTEST_STORM_SEC, 2 * calm_sec)
    patience_sec = max(_PATIENCE_SEC, _PATIENCE_FACTOR * calm_sec)
    chance = random.Random(f"{order.seed} {number}")  # noqa: S311 -- a schedule, not a secret
    return _Round(directory, order).run((pace, chance), storm_sec, patience_sec)


class _Round:
    def __init__(self, directory: str, order: Order) -> None:
        self.directory = directory
        self.order = order
        self.store, self.notes = f"{directory}/store", f"{directory}/notes"
        os.makedirs(self.notes)

    def run(self, storm: tuple[Pace, random.Random] | None, storm_sec: float, patience_sec: float) -> Round:
        """Start the workers, torment them, wait for them, and read what they left."""
        began = clock.monotonic()
        pace, chance = storm or (Pace((_LOOK_SEC, _LOOK_SEC), 0.0, 0.0, ()), random.Random(0))  # noqa: S311 -- unused
        torment = Torment(self._start, self.order.workers, pace, chance)
        try:
            while not torment.is_over and clock.monotonic() < began + storm_sec:
                torment.blow()
            torment.wake()
            deadline = clock.monotonic() + patience_sec
            while not torment.is_over and clock.monotonic() < deadline:
                clock.sleep(_LOOK_SEC)
                torment.reap()
        finally:
            stuck = torment.kill_all()
        found = Round(clock.monotonic() - began, torment.kills, torment.stops, is_stuck=bool(stuck))
        read_notes(self.notes, found)
        found.broken = [code for code in torment.deaths if code != 1 or not found.errors]
        for store in (self.store, f"{self.directory}/version-controlled"):
            found.artifacts.update(read_store(store))
        return found

    def _start(self, number: int) -> int:
        """Start a worker in a process group of its own; its pid."""
        settings = {
            "FURU_PATH": self.store,
            "FURU_VERSION_CONTROLLED_PATH": f"{self.directory}/version-controlled",
            "FURU_SUBMITIT_PATH": f"{self.directory}/submitit",
            "FURU_LEASE_SECS": str(LEASE_SEC),
            "FURU_HEARTBEAT_SECS": str(LEASE_SEC / 5),
            "FURU_FSYNC": "0",
            "FURU_RECORD_GIT": "ignore",
            "FURU_ALWAYS_RERUN": "",
            "FURU_RETRY_FAILED": "1",
            NOTES: self.notes,
        }
        command = ["-m", "furu.testing.chaos.worker", str(number), str(self.order.seed), *self.order.targets]
        environment = {**os.environ, **settings}
        flags = os.O_WRONLY | os.O_CREAT | os.O_APPEND
        return os.posix_spawn(
            sys.executable,
            [sys.executable, *command],
            {name: value for name, value in environment.items() if name not in _UNSET},
            file_actions=[
                (os.POSIX_SPAWN_OPEN, 1, f"{self.directory}/output", flags, 0o644),
                (os.POSIX_SPAWN_DUP2, 1, 2),
            ],
            setpgroup=0,
        )
