"""Keeps the index up to date while somebody looks, and tells those who listen that it has changed.

Watcher
  look       a request: the index is fresh enough, or is made so while it waits a moment
  listen     an open page: called when something changed
  _run       a thread: refreshes while somebody looked lately, sleeps until somebody does otherwise
"""

from __future__ import annotations

import contextlib
import threading
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Final

from furu import clock
from furu.index.database import opened
from furu.index.refresh import tick
from furu.index.search import counts

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence

_PAUSE_SEC: Final = 1.0
_PAUSE_FACTOR: Final = 4
"""The pause is at least so many times what a refresh took: looking must not be what the disk does most."""

_STALE_SEC: Final = 5.0
_PATIENCE_SEC: Final = 2.0
_IDLE_SEC: Final = 60.0


@dataclass(frozen=True)
class Known:
    """What the watcher knows of the index.

    Attributes:
        version: of the index: another number whenever what is stored has changed.
        counts: artifacts by status.
        refreshed_at: when the last refresh ended, in seconds since the epoch; None before the first.
        walked_at: when all artifacts were looked at last, in seconds since the epoch.
        took_sec: how long it took.
        problem: why the index can't be kept up to date; None when it can.
    """

    version: int = -1
    counts: dict[str, int] = field(default_factory=dict)
    refreshed_at: float | None = None
    walked_at: float = 0.0
    took_sec: float = 0.0
    problem: str | None = None


class Watcher:
    """Refreshes the index of a store.

    Args:
        roots: of the store.
    """

    def __init__(self, roots: Sequence[str]) -> None:
        self._roots = list(roots)
        self._changed = threading.Condition()
        self._known = Known()
        self._listeners: list[Callable[[Known], None]] = []
        self._looked_at = self._refreshed = clock.monotonic()
        self._wake = threading.Event()
        self._is_closed = False
        self._thread: threading.Thread | None = None

    @property
    def known(self) -> Known:
        """What was known last."""
        return self._known

    def start(self) -> None:
        """Begin to watch."""
        self._thread = threading.Thread(target=self._run, name="furu-dashboard-index", daemon=True)
        self._thread.start()

    @property
    def is_closed(self) -> bool:
        """Nothing will change any more, so there is nothing to listen for."""
        return self._is_closed

    def close(self) -> None:
        """Have whoever listens go, and the thread end when it can."""
        self._is_closed = True
        self._wake.set()
        with self._changed:
            self._changed.notify_all()
            listeners = list(self._listeners)
        for listener in listeners:
            listener(self._known)

    def stop(self) -> None:
        """End the thread; a refresh that has begun is finished."""
        self.close()
        if self._thread is not None:
            self._thread.join()

    def look(self) -> Known:
        """Say that somebody looks; after a time in which nobody did, wait a moment for the index to catch up."""
        now = clock.monotonic()
        with self._changed:
            last, self._looked_at = self._refreshed, now
            allowed_sec = _STALE_SEC + 2 * _PAUSE_FACTOR * self._known.took_sec
            is_fresh = self._known.refreshed_at is not None and now - last < allowed_sec
            if not is_fresh:
                self._wake.set()
                self._changed.wait_for(lambda: self._refreshed > now or self._is_closed, _PATIENCE_SEC)
            return self._known

    @contextlib.contextmanager
    def listen(self, listener: Callable[[Known], None]) -> Iterator[None]:
        """Have `listener` called from the watching thread whenever something changed."""
        with self._changed:
            self._listeners.append(listener)
        self._wake.set()
        try:
            yield
        finally:
            with self._changed:
                self._listeners.remove(listener)
                self._looked_at = clock.monotonic()

    def _run(self) -> None:
        while not self._is_closed:
            self._wake.clear()
            self._refresh()
            pause = max(_PAUSE_SEC, _PAUSE_FACTOR * self._known.took_sec)
            with self._changed:
                is_watched = bool(self._listeners) or clock.monotonic() - self._looked_at < _IDLE_SEC
            self._wake.wait(pause if is_watched else None)

    def _refresh(self) -> None:
        began = clock.monotonic()
        try:
            known = self._refreshed_index()
        except Exception as error:  # noqa: BLE001 -- a thread that dies would leave all pages as they are, without a word
            known = replace(self._known, problem=str(error) or repr(error), refreshed_at=clock.unix())
        known = replace(known, took_sec=clock.monotonic() - began)
        with self._changed:
            is_other = known.version != self._known.version or known.problem != self._known.problem
            # Whoever asked while it ran is not answered by it: it may have passed what they want to see.
            self._known, self._refreshed = known, began
            self._changed.notify_all()
            listeners = list(self._listeners) if is_other else []
        for listener in listeners:
            listener(known)

    def _refreshed_index(self) -> Known:
        with opened(self._roots) as connection:
            done = tick(connection, self._roots)
        if done.version == self._known.version and self._known.problem is None:
            return replace(self._known, refreshed_at=clock.unix(), walked_at=done.walked_at)
        return Known(done.version, counts(roots=self._roots), clock.unix(), done.walked_at)
