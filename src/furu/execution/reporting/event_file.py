"""A file of events: what one process saw of a run, a JSON object a line, on disk soon after it happened."""

from __future__ import annotations

import json
import os
import threading
from typing import TYPE_CHECKING, Any, Final

from furu.storage.atomic import DISK

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from furu.storage.atomic import Disk

FLUSH_SEC: Final = 0.25
"""How long an event may be in memory only: what a crash loses."""

_JSON: Final = json.JSONEncoder(separators=(",", ":"))


class EventFile:
    """Takes events from any thread, and writes them in batches of whole lines.

    add       -> memory; the first event of a batch wakes the writer, so an idle run wakes nobody
    _write       the writer, a thread: waits FLUSH_SEC for more, then appends them all at once
    close        writes the rest
    """

    def __init__(
        self, path: str, header: Mapping[str, Any], *, on_error: Callable[[OSError], None], disk: Disk = DISK
    ) -> None:
        """Nothing is written before the first event.

        Args:
            path: the file, which nobody else writes; its directory exists.
            header: its first line.
            on_error: told when the file can't be written, once; all that follows is dropped then.
            disk: for tests.
        """
        self._path = path
        self._on_error = on_error
        self._disk = disk
        self._header: tuple[str, ...] = (_JSON.encode(header),)
        self._lines: list[str] = []
        self._changed = threading.Condition()
        self._writing = threading.Lock()  # held while a batch is appended, so that batches stay in order
        self._is_closed = False
        self._is_broken = False
        self._pid = os.getpid()
        self._writer = threading.Thread(target=self._write, name="furu-events", daemon=True)
        self._writer.start()

    def add(self, at: float, kind: str, **facts: Any) -> None:
        """Take an event; about 4 us.

        Args:
            at: when, in seconds since the epoch.
            kind: what happened, in a word or two.
            facts: JSON-able.
        """
        line = _JSON.encode({"at": round(at, 3), "event": kind, **facts})
        with self._changed:
            self._lines.append(line)
            if len(self._lines) == 1:
                self._changed.notify()

    def flush(self) -> None:
        """Append what there is."""
        if os.getpid() != self._pid:  # a forked child has copies of the parent's events
            return
        with self._writing:
            with self._changed:
                lines, self._lines = self._lines, []
            if not lines or self._is_broken:
                return
            try:
                self._disk.append(self._path, "\n".join([*self._header, *lines, ""]).encode("ascii"))
                self._header = ()
            except OSError as error:
                # What is there may end with half a line; anything after it would be read as its other half.
                self._is_broken = True
                self._on_error(error)

    def close(self) -> None:
        """Append the rest; the file takes no more events."""
        with self._changed:
            self._is_closed = True
            self._changed.notify()
        self.flush()
        self._writer.join()

    def _write(self) -> None:
        while True:
            with self._changed:
                self._changed.wait_for(lambda: self._lines or self._is_closed)
                self._changed.wait_for(lambda: self._is_closed, FLUSH_SEC)
                if self._is_closed:
                    return
            self.flush()
