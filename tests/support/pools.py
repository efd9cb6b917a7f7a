"""A Slurm for tests of pools: it plays along whenever it is asked, and its workers are threads, or real processes."""

from __future__ import annotations

import re
import shlex
import threading
import time
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

from furu.execution.pool import worker as pool_worker
from furu.execution.slurm.client import FuruSlurmError
from furu.execution.slurm.fake import FakeSlurm, run_script
from furu.execution.slurm_pool import run_slurm_pool
from furu.execution.slurm_spec import SlurmSpec
from furu.storage.pool_layout import PoolPaths

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator

    from furu.core.furu import Furu
    from furu.execution.slurm.client import JobRequest, Slurm
    from furu.execution.slurm.fake_job import FakeJob
    from furu.execution.slurm.jobs import JobFacts
    from furu.execution.slurm_pool import SlurmPoolResult

SPECS = {"default": SlurmSpec(), "gpu": SlurmSpec(partition="gpu", gpus=1)}
QUICK = {"idle_timeout_sec": 1.0, "poll_interval_sec": 0.05, "stale_running_sec": 2.0, "heartbeat_grace_sec": 1.0}
_COMMAND = re.compile(r"exec (?P<words>.*?)(?: ;;)?$", re.MULTILINE)
_ACTIVE = ("PENDING", "RUNNING")


class ThreadJob:
    """A job whose program runs in a thread of this process."""

    def __init__(self, main: Callable[[list[str]], object], arguments: list[str]) -> None:
        self._code: int | None = None
        self._main = main
        self.thread = threading.Thread(target=self._run, args=(arguments,), name="pool worker", daemon=True)
        self.thread.start()

    def _run(self, arguments: list[str]) -> None:
        try:
            self._main(arguments)
        except BaseException:
            self._code = 1
            raise
        self._code = 0

    def poll(self) -> int | None:
        return self._code if not self.thread.is_alive() else None

    def terminate(self) -> None:
        """Nobody can end a thread; it leaves when the queue is closed."""


def arguments_of(job: FakeJob) -> list[str]:
    """What the worker in this job is told."""
    commands = [match["words"] for match in _COMMAND.finditer(job.script)]
    index = int(job.job_id.partition("_")[2] or 0)
    words = shlex.split(commands[index if len(commands) > 1 else 0])
    return words[words.index("furu.execution.pool.worker") + 1 :]


def in_thread(job: FakeJob) -> ThreadJob:
    """A body for jobs."""
    return ThreadJob(pool_worker.main, arguments_of(job))


class LiveSlurm(FakeSlurm):
    """Starts what can start whenever it is talked to.

    Attributes:
        most_live: the most jobs that were there at once.
        asked: how often it was asked about jobs.
    """

    def __init__(self, body: Callable[[FakeJob], Any] = in_thread, **more: Any) -> None:
        super().__init__(now=time.monotonic, body=body, **more)
        self.most_live = 0
        self.asked = 0

    def submit(self, request: JobRequest) -> str:
        job_id = super().submit(request)
        self.step()
        self.most_live = max(self.most_live, len(self.live()))
        return job_id

    def jobs(self, job_ids: Iterable[str]) -> dict[str, JobFacts]:
        self.asked += 1
        self.step()
        return super().jobs(job_ids)

    def live(self) -> list[str]:
        """Ids of the jobs that wait or run."""
        return [job_id for job_id in self.job_ids() if self.job(job_id).state in _ACTIVE]

    def end_all(self) -> None:
        """So that no process outlives a test."""
        self.cancel(self.live())


class Thief:
    """A body whose workers take tasks, one after the other, and are never heard of.

    Attributes:
        count: how many they took.
    """

    def __init__(self) -> None:
        self.count = 0

    def __call__(self, job: FakeJob) -> ThreadJob:
        return ThreadJob(self._steal, arguments_of(job))

    def _steal(self, arguments: list[str]) -> None:
        pool = PoolPaths(dict(word.removeprefix("--").split("=", 1) for word in arguments)["pool"])
        for _ in range(3000):
            if Path(pool.over).exists():
                return
            for task in Path(pool.todo, "default").glob("????????-*-0"):
                self.count += 1
                place = Path(pool.claimed_by(f"thief{self.count}"))
                place.mkdir()
                task.rename(place / task.name)
            threading.Event().wait(0.01)


class DeafSlurm(LiveSlurm):
    """Queues jobs, and its answers are lost."""

    def submit(self, request: JobRequest) -> str:
        super().submit(request)
        raise FuruSlurmError(command=["sbatch"], exit_code=None, stderr="no answer within 30 s")


def pool(roots: Iterable[Furu[Any]], slurm: Slurm | None, **more: Any) -> SlurmPoolResult:
    """`run_slurm_pool` that wastes no time."""
    return run_slurm_pool(roots, slurm=slurm, **{"specs": SPECS, **QUICK, **more})


@contextmanager
def running(*arguments: Any, **more: Any) -> Iterator[None]:
    """The same in a thread; it has ended when the block has."""
    thread = threading.Thread(target=pool, args=arguments, kwargs=more)
    thread.start()
    try:
        yield
    finally:
        thread.join(60)
        assert not thread.is_alive()


def in_process(**more: Any) -> LiveSlurm:
    """Workers in interpreters of their own."""
    return LiveSlurm(run_script, **more)
