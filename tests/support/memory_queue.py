"""A queue of a pool in memory, for tests of what stands on either side of one; the contract suite runs on it too."""

from __future__ import annotations

import threading
from typing import TYPE_CHECKING

from furu.execution.pool.queue import Claim, TaskEnd, TaskName, WorkerRecord, WorkerSight

if TYPE_CHECKING:
    from collections.abc import Callable


class MemoryQueue:
    """Implements `Queue`.

    Attributes:
        outcomes: what workers said of each task, in order.
    """

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._todo: dict[str, dict[TaskName, str]] = {}
        self._claimed: dict[str, dict[TaskName, str]] = {}
        self._ended: dict[TaskName, str] = {}
        self._records: dict[str, WorkerRecord] = {}
        self._beats: dict[str, int] = {}
        self._left: set[str] = set()
        self._dismissed: set[str] = set()
        self._is_closed = False
        self.outcomes: list[tuple[TaskName, str]] = []

    def put(self, name: TaskName, spec_key: str, payload: str) -> None:
        with self._lock:
            self._todo.setdefault(spec_key, {})[name] = payload

    def withdraw(self, name: TaskName, spec_key: str) -> bool:
        with self._lock:
            return self._todo.get(spec_key, {}).pop(name, None) is not None

    def ends(self) -> list[TaskEnd]:
        with self._lock:
            found, self._ended = self._ended, {}
            return [TaskEnd(name, found[name]) for name in sorted(found)]

    def claims(self) -> dict[str, list[TaskName]]:
        with self._lock:
            return {worker: sorted(tasks) for worker, tasks in self._claimed.items() if tasks}

    def revoke(self, worker: str, name: TaskName) -> bool:
        with self._lock:
            return self._claimed.get(worker, {}).pop(name, None) is not None

    def workers(self) -> list[WorkerSight]:
        with self._lock:
            return [
                WorkerSight(record, 0 if worker in self._left else self._beats[worker], worker in self._left)
                for worker, record in sorted(self._records.items())
            ]

    def dismiss(self, worker: str) -> None:
        self._dismissed.add(worker)

    def close(self) -> None:
        self._is_closed = True

    def enter(self, record: WorkerRecord) -> None:
        with self._lock:
            self._records[record.worker] = record
            self._beats[record.worker] = 1

    def beat(self, worker: str) -> None:
        with self._lock:
            self._beats[worker] += 1

    def shall_leave(self, worker: str) -> bool:
        return self._is_closed or worker in self._dismissed

    def claim(self, worker: str, spec_key: str, accepts: Callable[[TaskName], bool]) -> Claim | None:
        with self._lock:
            todo = self._todo.get(spec_key, {})
            for name in sorted(todo):
                if accepts(name):
                    payload = self._claimed.setdefault(worker, {})[name] = todo.pop(name)
                    return Claim(name, payload)
            return None

    def give_back(self, worker: str, spec_key: str, name: TaskName) -> None:
        with self._lock:
            if (payload := self._claimed.get(worker, {}).pop(name, None)) is not None:
                self._todo.setdefault(spec_key, {})[name] = payload

    def end(self, worker: str, name: TaskName, outcome: str, end: str) -> None:
        with self._lock:
            if self._claimed.get(worker, {}).pop(name, None) is not None:
                self._ended[name] = end
                self.outcomes.append((name, outcome))

    def leave(self, worker: str) -> None:
        with self._lock:
            self._left.add(worker)
