"""What worker processes print while something draws on their terminal.

A line that a process writes straight to the terminal would tear a live view. So where `sys.stdout` or `sys.stderr` of
the driver stands in for the terminal, its workers write into a pipe, and what comes out goes through the stand-in.
Elsewhere they write where the driver writes.
"""

from __future__ import annotations

import codecs
import multiprocessing
import os
import sys
import threading
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from collections.abc import Mapping
    from multiprocessing.connection import Connection

_DESCRIPTORS: Final = {"stdout": 1, "stderr": 2}
_READ_BYTES: Final = 1 << 16
_PATIENCE_SEC: Final = 1.0


class WorkerOutput:
    """The driver's half.

    Attributes:
        far_ends: what a worker is to write to, by file descriptor; hand it to `write_there` in the worker.
    """

    def __init__(self) -> None:
        self.far_ends: dict[int, Connection] = {}
        self._threads: list[threading.Thread] = []
        for name, descriptor in _DESCRIPTORS.items():
            if _is_stand_in(name):
                near_end, self.far_ends[descriptor] = multiprocessing.Pipe(duplex=False)
                thread = threading.Thread(target=_relay, args=(near_end, name), name=f"furu-{name}", daemon=True)
                thread.start()
                self._threads.append(thread)

    def close(self) -> None:
        """Print the rest, when all workers have ended; not for long, since a child of theirs may live on."""
        for far_end in self.far_ends.values():
            far_end.close()
        for thread in self._threads:
            thread.join(_PATIENCE_SEC)


def write_there(far_ends: Mapping[int, Connection]) -> None:
    """The worker's half: from now on this process and its children write to `far_ends`."""
    for descriptor, far_end in far_ends.items():
        os.dup2(far_end.fileno(), descriptor)
        far_end.close()


def _is_stand_in(name: str) -> bool:
    stream, own = getattr(sys, name), getattr(sys, f"__{name}__")
    return stream is not None and own is not None and stream is not own and not own.closed and bool(own.isatty())


def _relay(near_end: Connection, name: str) -> None:
    decoder = codecs.getincrementaldecoder("utf-8")(errors="replace")
    with near_end:
        while content := os.read(near_end.fileno(), _READ_BYTES):
            try:
                getattr(sys, name).write(decoder.decode(content))
            except (OSError, ValueError):  # the terminal is gone; workers must not block on a full pipe
                continue
