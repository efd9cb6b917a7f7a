"""Tasks and workers of pools by short names."""

from __future__ import annotations

from furu.execution.pool.queue import TaskName, WorkerRecord


def task(number: int, need_sec: int = 0) -> TaskName:
    """The task with this number."""
    return TaskName(number, f"{number:032x}", need_sec)


def worker(
    name: str, *, ticket: str = "", spec_key: str = "default", job_id: str = "", restarts: int = 0
) -> WorkerRecord:
    """A worker on this machine."""
    return WorkerRecord(name, ticket or f"t{name}", spec_key, job_id, restarts, "here", 1, 0.0)
