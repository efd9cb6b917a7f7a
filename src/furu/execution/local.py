"""`run_local`: a graph on the threads, or the processes, of this machine."""

from __future__ import annotations

import contextlib
import queue
import threading
from typing import TYPE_CHECKING, Any, Final, Literal

from furu import clock
from furu.execution.drive import drive
from furu.execution.processes import ProcessWorkers
from furu.execution.reporting.progress import default_reporter
from furu.execution.run import Run, Task
from furu.execution.scheduling.arguments import FuruArgumentValueError, check_count
from furu.execution.worker import NodeEnd, run_node
from furu.lifecycle.computable import artifact_paths
from furu.lifecycle.lease import THIS_PROCESS
from furu.lifecycle.signals import computing, shielded

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from furu.core.furu import Furu
    from furu.execution.reporting.reporter import Reporter
    from furu.execution.scheduling.arguments import OnError, WindowSize

WorkerKind = Literal["thread", "process"]
_KINDS: Final[tuple[WorkerKind, ...]] = ("thread", "process")


def run_local(
    roots: Iterable[Furu[Any]],
    *,
    max_workers: int = 8,
    window_size: WindowSize = "bfs",
    poll_interval_sec: float = 0.25,
    workers: WorkerKind = "thread",
    limits: Mapping[str, int] | None = None,
    on_error: OnError = "stop",
    reporter: Reporter | None = None,
) -> None:
    """Compute everything that `roots` need and that isn't there, dependencies first, each once.

    Args:
        roots: configs; `[]` is fine.
        max_workers: how many nodes run at once; 1 is the way to debug.
        window_size: `"bfs"` works on all roots, `"dfs"` on one at a time, a number on that many.
        poll_interval_sec: how often to look after nodes that somebody else computes; nothing else is polled.
        workers: `"thread"`, or `"process"` for Python code that holds the interpreter lock. Processes are spawned: a
            script that calls this needs `if __name__ == "__main__":`.
        limits: how many nodes of a spec key run at once, such as `{"gpu": 1}`.
        on_error: `"stop"` starts nothing after the first failure; `"continue"` finishes what can be finished.
        reporter: hears what happens; by default a live view, or lines where there is no terminal, and the record below
            `<root>/runs/`.

    Raises:
        FuruArgumentError: (a `TypeError` or a `ValueError`) an argument is not what it accepts.
        FuruUnguardedScript: (a `RuntimeError`) a spawned process imports the script that calls this.
        FuruWorkerError: (a `RuntimeError`) worker processes can't start.
        FuruFailedDependencies: (a `RuntimeError`) nodes failed before and `FURU_RETRY_FAILED` is off.
        FuruStaleOwner: (a `RuntimeError`) the same, and another owner shows no sign of life.
        FuruMissingArtifact: a node asked for an artifact it had not declared.
        FuruComputeError: a node failed, also after `FURU_MAX_COMPUTE_RETRIES` retries.
        FuruRunError: with `on_error="continue"`: all failed and all skipped nodes.
    """
    max_workers = check_count(max_workers, "max_workers")
    if workers not in _KINDS:
        raise FuruArgumentValueError(argument="workers", value=workers, accepts=" or ".join(map(repr, _KINDS)))
    run = Run(
        roots,
        window_size=window_size,
        max_running=max_workers,
        limits=limits,
        on_error=on_error,
        poll_interval_sec=poll_interval_sec,
        reporter=reporter or default_reporter(),
    )
    if workers == "process":
        drive(run, ProcessWorkers(run.run_id, max_workers))
    else:
        _Threads(run, max_workers).run_all()


class _Threads:
    """Worker threads that take their next node from the run themselves, so that none waits for a driver.

    run_all, in the caller's thread: starts the first, looks after other owners and pauses, and sleeps otherwise
    _work, in each worker: take -> call another worker if there is more -> compute -> report, until nothing is left
    """

    def __init__(self, run: Run, max_workers: int) -> None:
        self._run = run
        self._max_workers = max_workers
        self._has_work = threading.Condition(threading.Lock())
        # For the caller's thread: a signal may strike while it waits here, where it holds no lock.
        self._news: queue.SimpleQueue[None] = queue.SimpleQueue()
        self._threads: list[threading.Thread] = []
        self._idle = 0
        self._is_over = False
        self._running: dict[str, str] = {}  # directories of the nodes that run, by hash
        self._broken: BaseException | None = None

    def run_all(self) -> None:
        """Run everything; raises as `Run.finish` says."""
        try:
            with computing():
                with shielded():
                    self._run.begin()
                while self._look_after_all():
                    self._sleep()
        except BaseException as error:
            self._give_up(error)
            raise
        with self._has_work:
            self._let_go()
        for thread in self._threads:
            thread.join()
        self._run.finish()

    def _look_after_all(self) -> bool:
        """Do what is due by itself; whether there is anything left to wait for."""
        with shielded(), self._has_work:
            due = self._run.due_owners()
        # Without the lock: a store on a network is slow, and workers go on meanwhile.
        sights = [self._run.look_at(furu_hash) for furu_hash in due]
        with shielded(), self._has_work:
            self._run.heed(sights)
            if self._broken is not None:
                raise self._broken
            self._run.tasks(0)  # takes none, but makes those ready whose pause is over
            self._call_worker()
            return not self._run.is_finished

    def _sleep(self) -> None:
        """Until a worker has news, or something is due."""
        with shielded(), self._has_work:
            wake_at = self._run.wake_at()
        pause_sec = None if wake_at is None else min(max(0.0, wake_at - clock.monotonic()), threading.TIMEOUT_MAX)
        with contextlib.suppress(queue.Empty):
            self._news.get(timeout=pause_sec)

    def _give_up(self, error: BaseException) -> None:
        with self._has_work:
            self._let_go()
            # The threads can't be stopped; without a lease they can't do harm, and others can go on at once.
            THIS_PROCESS.preempt(set(self._running.values()))
            self._run.interrupted(error)

    def _let_go(self) -> None:
        self._is_over = True
        self._has_work.notify_all()

    def _call_worker(self) -> None:
        """See to it that one worker more, idle or new, looks for a node; it calls the next one in its turn."""
        if not self._run.schedule.can_start:
            return
        if self._idle:
            self._has_work.notify()
        elif len(self._threads) < self._max_workers:
            # A daemon: a computation that can't be stopped must not keep an interrupted process alive.
            thread = threading.Thread(target=self._work, name=f"furu-worker-{len(self._threads) + 1}", daemon=True)
            self._threads.append(thread)
            thread.start()

    def _work(self) -> None:
        try:
            task = self._next(None)
            while task is not None:
                task = self._next((task, _compute(task)))
        except BaseException as error:  # noqa: BLE001 -- handed to the caller's thread
            self._broken = error
            self._news.put(None)

    def _next(self, ended: tuple[Task, NodeEnd] | None) -> Task | None:
        """Report what ended and take the next node, in one go; None when there is none for ever."""
        with self._has_work:
            if ended is not None and not self._is_over:
                self._report(*ended)
            while not self._is_over:
                tasks = self._run.tasks(1)
                if tasks:
                    self._running[tasks[0].start.hash] = artifact_paths(tasks[0].obj).base
                    self._call_worker()
                    return tasks[0]
                self._idle += 1
                self._has_work.wait()
                self._idle -= 1
            return None

    def _report(self, task: Task, end: NodeEnd) -> None:
        self._running.pop(task.start.hash, None)
        before = self._run.wake_at()
        self._run.finished(task.start, end)
        wake_at = self._run.wake_at()
        if self._run.is_finished or (wake_at is not None and (before is None or wake_at < before)):
            self._news.put(None)


def _compute(task: Task) -> NodeEnd:
    try:
        return run_node(task.obj, spec_key=task.start.spec_key, backend="local")
    except BaseException as error:  # noqa: BLE001 -- whatever user code raises ends its node, not the worker
        return NodeEnd.of_error(error, wall_sec=0.0)
