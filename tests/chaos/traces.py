"""What each process of a storm writes down: one append-only file of its own, a JSON object in each line.

    {"at": 12.3, "thread": "MainThread", "what": "get", "node": "Leaf/3", "base": "data/..."}

`at` is the kernel's monotonic clock, the same for all processes of this machine. A step is written before it is tried
and when it is done, so that a process that dies in between leaves a step of which nobody knows whether it happened.
"""

from __future__ import annotations

import json
import os
import threading
import time
from pathlib import Path
from typing import Any


class Trace:
    """The file of this process; a forked child goes on in a file of its own."""

    def __init__(self, directory: str, name: str, **facts: Any) -> None:
        self._directory = directory
        self._facts = facts
        self._guard = threading.Lock()
        self._open(name, forked_from=None)

    def _open(self, name: str, forked_from: str | None) -> None:
        self._pid = os.getpid()
        self.name = f"{name}-{self._pid}-{time.monotonic_ns()}"
        path = f"{self._directory}/{self.name}.jsonl"
        self._descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_APPEND, 0o666)
        self.note("hello", pid=self._pid, forked_from=forked_from, **self._facts)

    def note(self, what: str, **facts: Any) -> None:
        """One event, whole: a single write."""
        if os.getpid() != self._pid:
            self._open("child", forked_from=self.name)
        event = {"at": time.monotonic(), "thread": threading.current_thread().name, "what": what, **facts}
        os.write(self._descriptor, f"{json.dumps(event)}\n".encode())


def read(directory: str) -> dict[str, list[dict[str, Any]]]:
    """All traces by name; a line that its writer's death cut off is left out."""
    return {
        path.stem: [json.loads(line) for line in path.read_text().splitlines(keepends=True) if line.endswith("\n")]
        for path in sorted(Path(directory).glob("*.jsonl"))
    }
