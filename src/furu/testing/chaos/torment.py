"""Killing, stopping and waking processes at random, each with all that it has started."""

from __future__ import annotations

import contextlib
import os
import signal
from dataclasses import dataclass
from typing import TYPE_CHECKING

from furu import clock

if TYPE_CHECKING:
    import random
    from collections.abc import Callable, Sequence


@dataclass(frozen=True)
class Pace:
    """How often what happens.

    Attributes:
        pause_sec: shortest and longest time between two blows.
        kill_share: of the blows, how many kill.
        stop_share: how many stop; the rest do nothing.
        stops_sec: for how long a process may be stopped; one of these.
    """

    pause_sec: tuple[float, float]
    kill_share: float
    stop_share: float
    stops_sec: Sequence[float]


class Torment:
    """Keeps a number of workers alive while it kills and stops them.

    Every worker leads a process group of its own, and signals go to the group: what `_create()` has started shares
    the fate of who started it, as it does when a machine or a job dies.

    Attributes:
        kills, stops: how many there were.
        deaths: exit codes of workers that ended by themselves and with an error.
    """

    def __init__(
        self,
        start: Callable[[int], int],
        workers: int,
        pace: Pace,
        chance: random.Random,
        note: Callable[[str, int], None] = lambda _what, _pid: None,
    ) -> None:
        """`start(number)` starts worker `number`, leader of its own process group, and gives its pid.

        `note(what, pid)` hears "kill", "killed", "stop", "stopped", "wake", "woken", "ended <code>".
        """
        self.kills = self.stops = 0
        self.deaths: list[int] = []
        self._start = start
        self._pace = pace
        self._chance = chance
        self._note = note
        self._pids = {number: start(number) for number in range(workers)}
        self._wakes: dict[int, float] = {}

    @property
    def is_over(self) -> bool:
        """Whether every worker has ended by itself."""
        return not self._pids

    def blow(self) -> None:
        """Wait a little, then let one thing happen to one worker."""
        clock.sleep(self._chance.uniform(*self._pace.pause_sec))
        self.wake(is_due_only=True)
        self.reap()
        if not self._pids:
            return
        number, what = self._chance.choice(list(self._pids)), self._chance.random()
        if what < self._pace.kill_share:
            self._kill(number)
            self._pids[number] = self._start(number)
        elif what < self._pace.kill_share + self._pace.stop_share and number not in self._wakes:
            self._signal(self._pids[number], signal.SIGSTOP, "stop", "stopped")
            self._wakes[number] = clock.monotonic() + self._chance.choice(self._pace.stops_sec)
            self.stops += 1

    def wake(self, *, is_due_only: bool = False) -> None:
        """Let the stopped go on."""
        for number, at in list(self._wakes.items()):
            if not is_due_only or clock.monotonic() >= at:
                del self._wakes[number]
                self._signal(self._pids[number], signal.SIGCONT, "wake", "woken")

    def reap(self) -> None:
        """Note who has ended by itself."""
        for number, pid in list(self._pids.items()):
            ended, status = os.waitpid(pid, os.WNOHANG)
            if ended:
                code = os.waitstatus_to_exitcode(status)
                self._note(f"ended {code}", pid)
                self._wakes.pop(number, None)
                del self._pids[number]
                if code:
                    self.deaths.append(code)

    def kill_all(self) -> list[int]:
        """End whoever is left; their pids."""
        left = list(self._pids.values())
        for number in list(self._pids):
            self._kill(number)
            del self._pids[number]
        self.kills -= len(left)
        return left

    def _kill(self, number: int) -> None:
        pid = self._pids[number]
        self._wakes.pop(number, None)
        self._signal(pid, signal.SIGKILL, "kill", "")
        os.waitpid(pid, 0)
        self._note("killed", pid)
        self.kills += 1

    def _signal(self, pid: int, number: signal.Signals, before: str, after: str) -> None:
        self._note(before, pid)
        with contextlib.suppress(ProcessLookupError):  # ended by itself, and not reaped yet: nothing to do it to
            os.killpg(pid, number)
        if after:
            self._note(after, pid)
