"""The file names of a pool of workers; see `furu.execution.pool.queue`.

    <runs>/open-pools/<run id>      a pool that is not over
    <runs>/<run id>/pool/
        pool.json                   whose it is; its mtime is the controller's beat
        seats.jsonl                 the workers that were asked for
        adopted.json                the pool that has taken this one over
        over                        workers shall leave
        todo/<spec key>/<task>      waits for a worker
        claimed/<worker>/<task>     a worker has it
        ended/<task>.<outcome>      how it ended
        workers/<worker>.json       a worker; its mtime is its beat
        workers/<worker>.left       it has left
        workers/<worker>.dismissed  it shall leave

`<runs>` is `<root>/runs`, or where the user wants pools to be.
"""

from __future__ import annotations

from urllib.parse import quote


class PoolPaths:
    """The names inside a pool's directory."""

    __slots__ = ("base",)

    def __init__(self, base: str) -> None:
        self.base = base

    @property
    def record(self) -> str:
        return self.base + "/pool.json"

    @property
    def seats(self) -> str:
        return self.base + "/seats.jsonl"

    @property
    def adopted(self) -> str:
        return self.base + "/adopted.json"

    @property
    def over(self) -> str:
        return self.base + "/over"

    @property
    def todo(self) -> str:
        return self.base + "/todo"

    @property
    def withdrawn(self) -> str:
        """Where `todo` goes when another pool takes over."""
        return self.base + "/withdrawn"

    @property
    def claimed(self) -> str:
        return self.base + "/claimed"

    @property
    def ended(self) -> str:
        return self.base + "/ended"

    @property
    def workers(self) -> str:
        return self.base + "/workers"

    def todo_of(self, spec_key: str) -> str:
        return f"{self.base}/todo/{file_name_of(spec_key)}"

    def claimed_by(self, worker: str) -> str:
        return f"{self.base}/claimed/{worker}"

    def worker(self, worker: str) -> str:
        return f"{self.base}/workers/{worker}.json"

    def left(self, worker: str) -> str:
        return f"{self.base}/workers/{worker}.left"

    def dismissed(self, worker: str) -> str:
        return f"{self.base}/workers/{worker}.dismissed"


def pool_of(run_directory: str) -> PoolPaths:
    """The pool of a run."""
    return PoolPaths(f"{run_directory}/pool")


def open_pool(runs: str, run_id: str) -> str:
    """The mark of a pool that is not over; `run_id` may be empty for the directory of all of them."""
    return f"{runs}/open-pools/{run_id}".rstrip("/")


def file_name_of(spec_key: str) -> str:
    """A spec key as one name in a directory, whatever is in it."""
    name = quote(spec_key, safe="")
    return "%2E" + name[1:] if name.startswith(".") else name
