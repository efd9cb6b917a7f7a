"""Workers in processes of their own, for Python code that holds the interpreter lock.

Each worker is spawned, not forked, gets one node at a time through a pipe, and answers how it ended. A worker that
dies costs the node it had one attempt; another is started in its place.
"""

from __future__ import annotations

import contextlib
import json
import multiprocessing
import multiprocessing.connection
import os
import signal
import threading
from multiprocessing import resource_tracker
from typing import TYPE_CHECKING, Any, Final

from furu import clock
from furu.errors import FuruError
from furu.execution.payload import PayloadWriter, run_payload
from furu.execution.reporting.worker_output import WorkerOutput, write_there
from furu.execution.scheduling.outcomes import Outcome
from furu.execution.worker import NodeEnd
from furu.lifecycle.signals import in_batch_job, shielded, terminate_this_process

if TYPE_CHECKING:
    from collections.abc import Mapping
    from multiprocessing.connection import Connection
    from multiprocessing.context import SpawnProcess

    from furu.execution.run import Task
    from furu.execution.scheduling.outcomes import Start

_READY: Final = b""
_PATIENCE_SEC: Final = 5.0
_LOOK_SEC: Final = 0.005


class FuruWorkerError(FuruError, RuntimeError):
    """A worker process ended before it could begin to work, and so would the next one.

    Attributes:
        exit_code: of the process.
    """

    def __init__(self, *, exit_code: int | None) -> None:
        self.exit_code = exit_code
        hints = [
            "its stderr, above, says why",
            'workers import the main script: what it runs belongs below `if __name__ == "__main__":`',
        ]
        super().__init__(f"a worker process ended with exit code {exit_code} while it started", hints=hints)


class _Worker:
    """One process, and the node it has."""

    def __init__(self, output: WorkerOutput) -> None:
        context = multiprocessing.get_context("spawn")
        self.connection, far_end = context.Pipe()
        far_lifeline, self._lifeline = context.Pipe(duplex=False)
        # No daemon, since those may have no children, and `_create()` may want some.
        args = (far_end, far_lifeline, output.far_ends)
        self.process: SpawnProcess = context.Process(target=_serve, args=args, daemon=False)
        # Ctrl-C reaches it too, and while it starts it would answer with a traceback. The mask is inherited.
        resource_tracker.ensure_running()  # starting it lifts the mask
        before = signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGINT})
        try:
            self.process.start()
        finally:
            signal.pthread_sigmask(signal.SIG_SETMASK, before)
        far_end.close()
        far_lifeline.close()
        self.is_ready = False
        self.start: Start | None = None
        self.began = 0.0

    def give(self, task: Task, payload: str) -> None:
        self.connection.send_bytes(payload.encode())
        self.start, self.began = task.start, clock.monotonic()

    def take_end(self) -> NodeEnd | None:
        """How its node ended; None when it only says that it has started. A closed pipe means that it is gone.

        Raises:
            FuruWorkerError: it could not start.
        """
        try:
            answer = self.connection.recv_bytes()
        except (EOFError, OSError):
            self.end()
            exit_code = self.process.exitcode
            if not self.is_ready and exit_code is not None and exit_code > 0:
                raise FuruWorkerError(exit_code=exit_code) from None
            text = f"the worker process {self.process.pid} ended with exit code {exit_code}"
            return NodeEnd(Outcome.WORKER_LOST, clock.monotonic() - self.began, error_text=text)
        if answer == _READY:
            self.is_ready = True
            return None
        return NodeEnd.from_json(json.loads(answer))

    def interrupt(self) -> None:
        """Let it stop what it does."""
        self._lifeline.close()

    def end(self, timeout_sec: float = _PATIENCE_SEC) -> None:
        """Wait for its end, but not for long: code of the user's may hold it up."""
        self.connection.close()
        deadline = clock.monotonic() + timeout_sec
        # Not `join(timeout)`, which waits until children that the process has forked are gone, too.
        while self.process.is_alive() and clock.monotonic() < deadline:
            clock.sleep(_LOOK_SEC)
        self._lifeline.close()
        if self.process.is_alive():
            self.process.kill()
        self.process.join()


class ProcessWorkers:
    """An engine (see `furu.execution.drive`) of up to `max_workers` processes, started as they are needed."""

    def __init__(self, run_id: str, max_workers: int) -> None:
        self._writer = PayloadWriter(run_id, "process")
        self._max_workers = max_workers
        self._idle: list[_Worker] = []
        self._busy: dict[Any, _Worker] = {}  # by connection
        self._output: WorkerOutput | None = None

    def free(self) -> int:
        return self._max_workers - len(self._busy)

    def start(self, task: Task) -> None:
        payload = self._writer.payload(task)
        while True:
            worker = self._idle.pop() if self._idle else self._new_worker()
            # Busy first: whatever happens now, `close` must find it.
            self._busy[worker.connection] = worker
            try:
                worker.give(task, payload)
            except ConnectionError as error:  # died while it was idle
                del self._busy[worker.connection]
                worker.end()
                if not worker.is_ready:
                    raise FuruWorkerError(exit_code=worker.process.exitcode) from error
            else:
                return

    def wait(self, timeout_sec: float | None) -> list[tuple[Start, NodeEnd]]:
        ended = multiprocessing.connection.wait(list(self._busy), timeout_sec)
        ends = []
        with shielded():
            for connection in ended:
                worker = self._busy[connection]
                end = worker.take_end()
                if end is None or worker.start is None:
                    continue
                ends.append((worker.start, end))
                del self._busy[connection]
                if not worker.connection.closed:
                    self._idle.append(worker)
        return ends

    def take_back(self) -> None:
        """Nothing waits: a node is given to a worker that begins with it at once."""

    def close(self) -> None:
        """Let idle workers go, and interrupt busy ones: their attempts end as preempted."""
        for worker in self._busy.values():
            worker.interrupt()
        for worker in self._idle:
            worker.connection.close()
        deadline = clock.monotonic() + _PATIENCE_SEC
        for worker in (*self._idle, *self._busy.values()):
            worker.end(max(0.0, deadline - clock.monotonic()))
        self._idle, self._busy = [], {}
        if self._output is not None:
            self._output.close()

    def _new_worker(self) -> _Worker:
        # Made with the first one: by then a view, if there is one, has replaced sys.stderr.
        self._output = self._output or WorkerOutput()
        return _Worker(self._output)


def _serve(connection: Connection, lifeline: Connection, far_ends: Mapping[int, Connection]) -> None:
    """What a worker process does; ends when the driver closes the pipe or is gone."""
    write_there(far_ends)
    # A forked child that outlives this process would keep the pipe open, and the driver waiting.
    os.register_at_fork(after_in_child=connection.close)
    threading.Thread(target=_end_with, args=(lifeline,), name="furu-lifeline", daemon=True).start()
    # A gone driver, or Ctrl-C while idle: nobody wants to hear of it.
    with contextlib.suppress(EOFError, OSError, KeyboardInterrupt), in_batch_job():
        signal.pthread_sigmask(signal.SIG_UNBLOCK, {signal.SIGINT})
        connection.send_bytes(_READY)
        while True:
            payload: bytes = connection.recv_bytes()
            connection.send_bytes(run_payload(payload.decode()).encode())


def _end_with(lifeline: Connection) -> None:
    """Stop when the driver lets go of the other end, by its own will or with its death.

    It may be the second time: Ctrl-C in a terminal and batch systems send a signal to the whole group.
    """
    with contextlib.suppress(EOFError, OSError):
        lifeline.recv_bytes()
    terminate_this_process()
