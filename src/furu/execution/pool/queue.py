"""The queue between a pool's controller and its workers: names in directories, moved by rename.

    controller    put → ends … claims, workers → revoke what a dead worker had → close
    worker        enter → claim → end, over and over → leave

It is a hint, and never the truth: whether a node is done says its artifact, and who may compute it says the lease. So
a task that comes twice costs a look at the artifact, and nothing here needs a lock. `FileQueue` is the only class that
knows the files; `furu.storage.pool_layout` names them.
"""

from __future__ import annotations

import json
import re
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final, NamedTuple, Protocol, Self

from furu.storage.atomic import GONE
from furu.storage.numbers import Moment, ProcessId  # noqa: TC001 -- pydantic reads the annotations
from furu.storage.records import VERSION, parse_own

if TYPE_CHECKING:
    from collections.abc import Callable

    from furu.storage.atomic import Disk
    from furu.storage.pool_layout import PoolPaths

_TASK: Final = re.compile(r"(?P<number>[0-9]{8})-(?P<hash>[0-9a-f]{32})-(?P<need>[0-9]{1,12})")
_OUTCOME: Final = re.compile(r"[a-z-]+")
_FACTS: Final = "json"
_TRIES_OF_OLD_LISTING: Final = 64
"""How many names that a worker saw a while ago may turn out to be taken, before it looks anew."""


class TaskName(NamedTuple):
    """What a task is called: everything that must be known of it without reading it.

    Attributes:
        number: of all tasks of the run; lower ones are claimed first, and none comes twice.
        furu_hash: its node.
        need_sec: how long such nodes may take, in whole seconds; 0 when that is not known.
    """

    number: int
    furu_hash: str
    need_sec: int = 0

    def __str__(self) -> str:
        return f"{self.number:08d}-{self.furu_hash}-{self.need_sec}"

    @classmethod
    def parse(cls, text: str) -> Self | None:
        """The name; None for a file that is no task (half written, say)."""
        match = _TASK.fullmatch(text)
        return cls(int(match["number"]), match["hash"], int(match["need"])) if match else None


@dataclass(frozen=True)
class WorkerRecord:
    """Who a worker is.

    Attributes:
        worker: its name; another life of the same job has another one.
        ticket: the seat that it takes, as the controller knows it.
        spec_key: the resources it has.
        job_id: of the batch job; empty outside of one.
        restarts: how often that job had been put back into the queue.
        host, pid: its process.
        at: when it entered, in seconds since the epoch.
    """

    worker: str
    ticket: str
    spec_key: str
    job_id: str
    restarts: int
    host: str
    pid: ProcessId
    at: Moment


class Claim(NamedTuple):
    """A task that a worker has, and what it is to do."""

    name: TaskName
    payload: str


class TaskEnd(NamedTuple):
    """A task that has ended, and the `NodeEnd` as JSON; empty if that was lost."""

    name: TaskName
    end: str


class WorkerSight(NamedTuple):
    """What the controller sees of a worker.

    Attributes:
        beat: a number that changes with each heartbeat; never compared with a clock.
        has_left: it said that it went.
    """

    record: WorkerRecord
    beat: float
    has_left: bool


class Queue(Protocol):
    """What controller and workers want of a queue; `FileQueue` keeps it in files.

    A task is in one place at a time: waiting, claimed by one worker, ended; or it was taken out by `ends`, `withdraw`
    or `revoke`. Whatever of these is called at once, exactly one gets it.
    """

    def put(self, name: TaskName, spec_key: str, payload: str) -> None:
        """Let a worker of this key have it. A name must not come twice."""

    def withdraw(self, name: TaskName, spec_key: str) -> bool:
        """Take back a task; False if a worker has, or had, it."""

    def ends(self) -> list[TaskEnd]:
        """Take out what has ended, in the order of the numbers."""

    def claims(self) -> dict[str, list[TaskName]]:
        """What each worker has, by name of the worker."""

    def revoke(self, worker: str, name: TaskName) -> bool:
        """Take a task from a worker; False if it has ended it meanwhile."""

    def workers(self) -> list[WorkerSight]:
        """All that ever entered."""

    def dismiss(self, worker: str) -> None:
        """Let it leave when it is idle."""

    def close(self) -> None:
        """Let all workers leave when they are idle."""

    def enter(self, record: WorkerRecord) -> None:
        """A worker begins."""

    def beat(self, worker: str) -> None:
        """It lives."""

    def shall_leave(self, worker: str) -> bool:
        """Whether it was dismissed, or the queue closed."""

    def claim(self, worker: str, spec_key: str, accepts: Callable[[TaskName], bool]) -> Claim | None:
        """Give a worker the first task of exactly this key that it accepts."""

    def give_back(self, worker: str, spec_key: str, name: TaskName) -> None:
        """It did not begin with the task."""

    def end(self, worker: str, name: TaskName, outcome: str, end: str) -> None:
        """It is through with the task."""

    def leave(self, worker: str) -> None:
        """It goes, and has no task."""


class FileQueue:
    """A queue in files, for one controller and any number of workers on any hosts that see them."""

    def __init__(self, paths: PoolPaths, disk: Disk) -> None:
        self.paths = paths
        self._disk = disk
        self._listed: list[TaskName] = []  # what a worker saw when it last listed, the next one last
        self._records: dict[str, WorkerRecord] = {}

    # ---------------------------------------------------------------- the controller's half

    def prepare(self, spec_keys: list[str]) -> None:
        """Make the directories."""
        names = [self.paths.todo_of(key) for key in spec_keys]
        for path in (*names, self.paths.claimed, self.paths.ended, self.paths.workers):
            self._disk.make_directories(path)

    def put(self, name: TaskName, spec_key: str, payload: str) -> None:
        path = f"{self.paths.todo_of(spec_key)}/{name}"
        self._disk.replace(path, payload.encode(), suffix="put")

    def withdraw(self, name: TaskName, spec_key: str) -> bool:
        return self._unlink(f"{self.paths.todo_of(spec_key)}/{name}")

    def ends(self) -> list[TaskEnd]:
        found = []
        for text in sorted(self._disk.list_directory(self.paths.ended)):
            stem, _, kind = text.partition(".")
            name = TaskName.parse(stem)
            if name is None or not _OUTCOME.fullmatch(kind) or kind == _FACTS:
                continue
            facts = f"{self.paths.ended}/{name}.{_FACTS}"
            content = self._disk.read(facts)
            if self._unlink(f"{self.paths.ended}/{text}"):
                self._unlink(facts)
                found.append(TaskEnd(name, (content or b"").decode(errors="replace")))
        return found

    def claims(self) -> dict[str, list[TaskName]]:
        found = {}
        for worker in self._disk.list_directory(self.paths.claimed):
            names = self._tasks(self.paths.claimed_by(worker))
            if names:
                found[worker] = names
        return found

    def revoke(self, worker: str, name: TaskName) -> bool:
        return self._unlink(f"{self.paths.claimed_by(worker)}/{name}")

    def workers(self) -> list[WorkerSight]:
        sights = []
        for text in sorted(self._disk.list_directory(self.paths.workers)):
            worker, _, kind = text.partition(".")
            if kind not in ("json", "left"):
                continue
            path = self.paths.worker(worker) if kind == "json" else self.paths.left(worker)
            if kind == "left" and worker in self._records:
                sights.append(WorkerSight(self._records[worker], 0.0, has_left=True))
                continue
            found = self._disk.read_beaten(path)
            if found is None:  # it is just leaving
                continue
            if worker not in self._records:
                self._records[worker] = parse_own(WorkerRecord, found.content, path, "worker")
            sights.append(WorkerSight(self._records[worker], found.mtime, has_left=kind == "left"))
        return sights

    def dismiss(self, worker: str) -> None:
        self._disk.replace(self.paths.dismissed(worker), b"", suffix="new")

    def close(self) -> None:
        self._disk.replace(self.paths.over, b"", suffix="new")

    # ---------------------------------------------------------------- a worker's half

    def enter(self, record: WorkerRecord) -> None:
        self._disk.make_directories(self.paths.claimed_by(record.worker))
        content = json.dumps({"v": VERSION, **vars(record)}).encode()
        self._disk.replace(self.paths.worker(record.worker), content, suffix="new")

    def beat(self, worker: str) -> None:
        self._disk.beat(self.paths.worker(worker))

    def shall_leave(self, worker: str) -> bool:
        return self._disk.read(self.paths.over) is not None or self._disk.read(self.paths.dismissed(worker)) is not None

    def claim(self, worker: str, spec_key: str, accepts: Callable[[TaskName], bool]) -> Claim | None:
        todo, own = self.paths.todo_of(spec_key), self.paths.claimed_by(worker)
        is_fresh = False
        tries = _TRIES_OF_OLD_LISTING
        while True:
            while self._listed and tries:
                name = self._listed.pop()
                if not accepts(name):
                    continue
                tries -= 1
                if self._rename(f"{todo}/{name}", f"{own}/{name}"):
                    content = self._disk.read(f"{own}/{name}")
                    if content is not None:
                        return Claim(name, content.decode(errors="replace"))
            if is_fresh:
                return None
            self._listed = sorted(self._tasks(todo), reverse=True)
            is_fresh, tries = True, len(self._listed)

    def give_back(self, worker: str, spec_key: str, name: TaskName) -> None:
        self._rename(f"{self.paths.claimed_by(worker)}/{name}", f"{self.paths.todo_of(spec_key)}/{name}")

    def end(self, worker: str, name: TaskName, outcome: str, end: str) -> None:
        facts = f"{self.paths.ended}/{name}.{_FACTS}"
        self._disk.replace(facts, end.encode(), suffix=worker)
        # This is the end: it can't happen after `revoke`, nor `revoke` after it.
        target = f"{self.paths.ended}/{name}.{outcome.replace(' ', '-')}"
        if not self._rename(f"{self.paths.claimed_by(worker)}/{name}", target):
            self._unlink(facts)

    def leave(self, worker: str) -> None:
        self._rename(self.paths.worker(worker), self.paths.left(worker))

    # ---------------------------------------------------------------- both

    def _tasks(self, directory: str) -> list[TaskName]:
        names = (TaskName.parse(text) for text in self._disk.list_directory(directory))
        return [name for name in names if name is not None]

    def _rename(self, source: str, target: str) -> bool:
        try:
            self._disk.rename(source, target)
        except OSError as error:
            if error.errno in GONE:
                return False
            raise
        return True

    def _unlink(self, path: str) -> bool:
        try:
            self._disk.unlink(path)
        except OSError as error:
            if error.errno in GONE:
                return False
            raise
        return True
