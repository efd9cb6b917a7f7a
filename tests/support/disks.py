"""Disks whose calls are numbered, so that one of them can go wrong: `FaultyDisk(at=7, fault=Fault("kill"))`."""

from __future__ import annotations

import errno
import os
import signal
import threading
from contextlib import contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final, Literal

from furu.lifecycle.lease import THIS_PROCESS
from furu.storage.atomic import GONE, Disk

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

ABSENT: Final[dict[str, Any]] = {"list_directory": [], "read": None, "read_beaten": None, "is_real_directory": None}
"""The calls that answer so where nothing is, instead of raising."""
PRIMITIVES: Final = (
    *ABSENT,
    "append",
    "beat",
    "link",
    "make_directory",
    "remove_directory",
    "remove_tree",
    "rename",
    "sync_file",
    "unlink",
    "write_new",
)


@dataclass(frozen=True)
class Call:
    """One call of a disk: the how-manieth, and what."""

    number: int
    name: str
    arguments: tuple[Any, ...]

    def __str__(self) -> str:
        paths = (argument for argument in self.arguments if isinstance(argument, str))
        return f"{self.number} {self.name} {' '.join('/'.join(path.split('/')[-2:]) for path in paths)}"


class NumberedDisk(Disk):
    """The real disk, with a place to stand before and after each call."""

    def __init__(self) -> None:
        self.calls: list[Call] = []
        self._guard = threading.Lock()

    def before(self, call: Call) -> None:
        """Called before `call` has an effect; may raise."""

    def after(self, call: Call) -> None:
        """Called when `call` had its effect; may raise."""

    def perform(self, call: Call, effect: Callable[[], Any]) -> Any:
        """Do it."""
        self.before(call)
        result = effect()
        self.after(call)
        return result

    def _number(self, name: str, arguments: tuple[Any, ...]) -> Call:
        with self._guard:
            call = Call(len(self.calls) + 1, name, arguments)
            self.calls.append(call)
        return call


def _numbered(name: str) -> Callable[..., Any]:
    real = getattr(Disk, name)

    def method(self: NumberedDisk, *arguments: Any, **keywords: Any) -> Any:
        call = self._number(name, arguments)
        return self.perform(call, lambda: real(self, *arguments, **keywords))

    return method


for _name in PRIMITIVES:
    setattr(NumberedDisk, _name, _numbered(_name))


@dataclass(frozen=True)
class Fault:
    """What goes wrong.

    Attributes:
        kind: "kill" the process before the call; "tear" it in the middle of a write; raise an "error" instead of the
            effect; "half": raise it in the middle of a write; "late": raise it after the effect; "signal": send
            one to ourselves.
        number: the errno, or the signal.
    """

    kind: Literal["kill", "tear", "error", "half", "late", "signal"]
    number: int = 0

    @property
    def error(self) -> OSError:
        return OSError(self.number, os.strerror(self.number))

    def __str__(self) -> str:
        return f"{self.kind} {errno.errorcode.get(self.number, '') if self.kind != 'signal' else self.number}".strip()


class FaultyDisk(NumberedDisk):
    """One call goes wrong, or all from one on."""

    def __init__(self, at: int, fault: Fault, *, for_ever: bool = False, only: Callable[[Call], bool] | None = None):
        super().__init__()
        self.at = at
        self.fault = fault
        self.for_ever = for_ever
        self.only = only
        self.struck: Call | None = None

    def _strikes(self, call: Call) -> bool:
        if self.only is not None:
            return self.only(call)
        return call.number >= self.at if self.for_ever else call.number == self.at

    def sleep(self, seconds: float) -> None:
        """What fails for ever is as broken after a nap, so none is needed."""
        super().sleep(0.0 if self.for_ever else seconds)

    def perform(self, call: Call, effect: Callable[[], Any]) -> Any:
        if not self._strikes(call):
            return effect()
        self.struck = call
        kind = self.fault.kind
        if kind == "signal":
            signal.raise_signal(self.fault.number)
            return effect()
        if kind in ("tear", "half") and call.name == "write_new":
            path, content = call.arguments[:2]
            Disk.write_new(self, path, content[: len(content) // 2])
        if kind in ("kill", "tear"):
            os.kill(os.getpid(), signal.SIGKILL)
        if kind == "late":
            effect()
        elif self.fault.number in GONE and call.name in ABSENT:
            return ABSENT[call.name]  # what the real call makes of such an error
        raise self.fault.error


class TimedDisk(Disk):
    """The real disk.

    Attributes:
        slept_sec: how long it was told to wait, all in all.
    """

    def __init__(self) -> None:
        self.slept_sec = 0.0

    def sleep(self, seconds: float) -> None:
        self.slept_sec += seconds
        super().sleep(seconds)


@contextmanager
def working_through(disk: Disk) -> Iterator[None]:
    """`get()` of this process uses `disk`."""
    before, THIS_PROCESS.disk = THIS_PROCESS.disk, disk
    try:
        yield
    finally:
        THIS_PROCESS.disk = before
