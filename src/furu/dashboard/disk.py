"""What the artifacts take on disk, measured in the background: every file is looked at, which takes its time."""

from __future__ import annotations

import threading
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from furu import clock
from furu.errors import FuruError
from furu.index.database import opened
from furu.index.edges import all_edges
from furu.index.search import query
from furu.storage.scan import bytes_below

if TYPE_CHECKING:
    from collections.abc import Sequence

BIGGEST: Final = 50
MEASURE_AFTER_SEC: Final = 600.0

_PROGRESS_EVERY: Final = 50


@dataclass(frozen=True)
class Sized:
    """An artifact, or all of a class.

    Attributes:
        reference: `<namespace>/<hash>`, or the namespace.
        size: in bytes, as blocks on disk.
        artifacts: how many it stands for.
        unused: bytes of artifacts that no stored one depends on.
        at: when it was made last, in seconds since the epoch.
    """

    reference: str
    size: int
    artifacts: int
    unused: int
    at: float


@dataclass(frozen=True)
class Usage:
    """What a measurement found.

    Attributes:
        classes: the largest first.
        biggest: artifacts, the largest first.
        size: of all, in bytes.
        artifacts: how many there are.
        at: when it was taken, in seconds since the epoch.
        took_sec: how long that took.
    """

    classes: tuple[Sized, ...]
    biggest: tuple[Sized, ...]
    size: int
    artifacts: int
    at: float
    took_sec: float


@dataclass(frozen=True)
class DiskState:
    """What is known at the moment.

    Attributes:
        usage: the last measurement.
        measured: artifacts that the one under way has looked at; None when there is none.
        expected: how many it has to look at.
        problem: why the last one came to nothing.
    """

    usage: Usage | None = None
    measured: int | None = None
    expected: int = 0
    problem: str | None = None


class Disk:
    """Measures when somebody looks and the last measurement is old.

    Args:
        roots: of the store.
    """

    def __init__(self, roots: Sequence[str]) -> None:
        self._roots = roots
        self._state = DiskState()
        self._lock = threading.Lock()
        self._is_stopped = False

    def look(self, *, again: bool = False) -> DiskState:
        """What is known; begins to measure if that is old, or `again` if it was not just begun."""
        with self._lock:
            state = self._state
            age = clock.unix() - state.usage.at if state.usage else None
            is_due = age is None or age > MEASURE_AFTER_SEC or again
            if state.measured is None and is_due:
                self._state = state = DiskState(state.usage, 0)
                threading.Thread(target=self._measure, name="furu-dashboard-disk", daemon=True).start()
            return state

    def stop(self) -> None:
        """Give up what is under way."""
        self._is_stopped = True

    def _measure(self) -> None:
        before = self._state.usage
        try:
            usage = self._measured(before)
        except (FuruError, OSError) as error:
            self._state = DiskState(before, problem=str(error))
        else:
            self._state = DiskState(usage if usage is not None else before)

    def _measured(self, before: Usage | None) -> Usage | None:
        began = clock.monotonic()
        rows = query(roots=self._roots, is_fresh=False)
        with opened(self._roots) as connection:
            used = {child for _, child in all_edges(connection)}
        found: list[Sized] = []
        for number, row in enumerate(rows):
            if self._is_stopped:
                return None
            if number % _PROGRESS_EVERY == 0:
                self._state = DiskState(before, number, len(rows))
            size = bytes_below(str(row.directory))
            found.append(Sized(row.reference, size, 1, 0 if row.reference in used else size, row.at))
        return summed(found, at=clock.unix(), took_sec=clock.monotonic() - began)


def summed(found: Sequence[Sized], *, at: float, took_sec: float) -> Usage:
    """Artifacts by class, and the biggest ones."""
    classes: dict[str, Sized] = {}
    for each in found:
        name = each.reference.rpartition("/")[0]
        so_far = classes.get(name, Sized(name, 0, 0, 0, 0.0))
        classes[name] = Sized(
            name,
            so_far.size + each.size,
            so_far.artifacts + 1,
            so_far.unused + each.unused,
            max(so_far.at, each.at),
        )
    return Usage(
        classes=tuple(sorted(classes.values(), key=lambda each: (-each.size, each.reference))),
        biggest=tuple(sorted(found, key=lambda each: (-each.size, each.reference))[:BIGGEST]),
        size=sum(each.size for each in found),
        artifacts=len(found),
        at=at,
        took_sec=took_sec,
    )
