"""The disk of a storm: every step that changes something is traced, and some go wrong."""

from __future__ import annotations

import errno
import itertools
import os
import random
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

from furu.storage.atomic import Disk
from tests.support.disks import ABSENT, Call, NumberedDisk

if TYPE_CHECKING:
    from collections.abc import Callable

    from tests.chaos.traces import Trace

ERRNOS: Final = tuple(getattr(errno, name) for name in "EIO ENOSPC EDQUOT EACCES EINTR ENOLCK ESTALE ETIMEDOUT".split())
READS: Final = frozenset({*ABSENT, "sync_file"})
LATE: Final = frozenset({"rename", "link", "make_directory", "unlink"})
"""Where a network filesystem may report an error for what happened."""
JUMPS_SEC: Final = (0.5, 2.0, 20.0)


@dataclass(frozen=True)
class Weather:
    """How often what goes wrong, at each call.

    Attributes:
        error: an error instead of the effect.
        late: an error after the effect.
        slow: the call takes up to 50 ms.
        jump: this process's clock leaps forward, as after a suspend.
    """

    error: float = 0.0
    late: float = 0.0
    slow: float = 0.0
    jump: float = 0.0


class StormDisk(NumberedDisk):
    """The real disk below `top`, in bad weather."""

    def __init__(self, top: str, trace: Trace, weather: Weather, chance: random.Random) -> None:
        super().__init__()
        self.top = top
        self.trace = trace
        self.weather = weather
        self.chance = chance
        self._numbers = itertools.count(1)
        self._ahead_sec = 0.0

    def now(self) -> float:
        return super().now() + self._ahead_sec

    def sleep(self, seconds: float) -> None:
        if self.chance.random() < self.weather.jump:
            jump_sec = self.chance.choice(JUMPS_SEC)
            self._ahead_sec += jump_sec
            self.trace.note("jump", sec=jump_sec)
        super().sleep(seconds)

    def _number(self, name: str, arguments: tuple[Any, ...]) -> Call:
        return Call(next(self._numbers), name, arguments)

    def perform(self, call: Call, effect: Callable[[], Any]) -> Any:
        if self.chance.random() < self.weather.slow:
            Disk.sleep(self, self.chance.uniform(0, 0.05))
        number = self._draw_error(call)
        if call.name in READS:
            if number:
                self.trace.note("failing", name=call.name, errno=number)
                raise OSError(number, f"injected: {os.strerror(number)}")
            return effect()
        paths = [self._relative(path) for path in call.arguments if isinstance(path, str)]
        self.trace.note("call", id=call.number, name=call.name, paths=paths)
        is_late = number and call.name in LATE and self.chance.random() < self.weather.late
        if number and not is_late:
            self._done(call, has_effect=False, number=number, is_injected=True)
            raise OSError(number, f"injected: {os.strerror(number)}")
        try:
            result = effect()
        except OSError as error:
            self._done(call, has_effect=False, number=error.errno, is_injected=False)
            raise
        self._done(call, has_effect=True, number=number, is_injected=bool(number))
        if number:
            raise OSError(number, f"injected, but done: {os.strerror(number)}")
        return result

    def _draw_error(self, call: Call) -> int:
        if self.chance.random() >= self.weather.error:
            return 0
        number = self.chance.choice(ERRNOS)
        # To a reader ESTALE says "not there", which would be a lie that no filesystem tells of a listing.
        return errno.EIO if number == errno.ESTALE and call.name in READS else number

    def _done(self, call: Call, *, has_effect: bool, number: int | None, is_injected: bool) -> None:
        self.trace.note("done", id=call.number, effect=has_effect, errno=number or 0, is_injected=is_injected)

    def _relative(self, path: str) -> str:
        return path.removeprefix(f"{self.top}/") if path.startswith(f"{self.top}/") else path
