"""A worker of a pool: `python -m furu.execution.pool.worker`, or `serve` in a process of submitit's.

    serve
        enter → claim a task of our key → compute its node → end it, until
        idle for too long, dismissed, the pool is over, or a signal → leave

A worker outlives its controller: it finishes what is queued, and goes on for a new controller that adopts the pool.
"""

from __future__ import annotations

import argparse
import contextlib
import json
import logging
import os
import sys
import threading
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from furu import clock, logs
from furu.errors import FuruCorruptRecord
from furu.execution.payload import run_payload
from furu.execution.pool.queue import FileQueue, WorkerRecord
from furu.execution.pool.records import AdoptionRecord
from furu.execution.scheduling.outcomes import Outcome
from furu.execution.slurm.script import SIGNAL_DELAY_SEC
from furu.execution.slurm.signals import scheduler_signals
from furu.execution.slurm.time_limit import time_left
from furu.execution.worker import NodeEnd
from furu.lifecycle.lease import THIS_PROCESS
from furu.lifecycle.schedulers import own_facts
from furu.lifecycle.signals import computing, shielded
from furu.lifecycle.waiting import chance, nap_sec
from furu.storage.pool_layout import PoolPaths
from furu.storage.records import parse

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from furu.execution.pool.queue import Claim, Queue, TaskName

_LOG: Final = logging.getLogger("furu")
_SHORTEST_NAP_SEC: Final = 0.001
_LONGEST_NAP_SEC: Final = 1.0


@dataclass(frozen=True, kw_only=True)
class WorkerOrders:
    """What a worker is told when it is submitted.

    Attributes:
        pool: directory of the pool.
        spec_key: the resources that it has.
        ticket: names its seat.
        idle_timeout_sec: how long to wait for a task before it leaves.
        beat_sec: pause between two heartbeats.
    """

    pool: str
    spec_key: str
    ticket: str
    idle_timeout_sec: float
    beat_sec: float

    def to_argv(self) -> list[str]:
        """The words after `python -m furu.execution.pool.worker`."""
        return [f"--{name.replace('_', '-')}={value}" for name, value in vars(self).items()]


def serve(orders: WorkerOrders) -> None:
    """Work until there is nothing to do.

    Raises:
        FuruTerminated, FuruInterrupted: a signal ended it, after what it had was given back or recorded as preempted.
    """
    pool: str | None = orders.pool
    with scheduler_signals(), computing():
        while pool is not None:
            queue = FileQueue(PoolPaths(pool), THIS_PROCESS.disk)
            worker = Worker(queue, orders, _who(orders), adopted_by=_reader_of_adoption(pool, orders.spec_key))
            pool = worker.run()


class Worker:
    """One worker on one queue.

    Attributes:
        me: its record.
    """

    def __init__(
        self,
        queue: Queue,
        orders: WorkerOrders,
        me: WorkerRecord,
        *,
        adopted_by: Callable[[], str | None] = lambda: None,
        run: Callable[[str], str] = run_payload,
        now: Callable[[], float] = clock.monotonic,
        sleep: Callable[[float], None] = clock.sleep,
        left_sec: Callable[[], float | None] = time_left,
    ) -> None:
        """Begin with nothing yet.

        Args:
            queue: where tasks come from.
            orders: what we were told.
            me: who we are.
            adopted_by: the directory of the pool that has taken this one over; `""` when it can't use us.
            run: what to do with a payload.
            now: seconds of a clock that never goes back.
            sleep: lets time pass.
            left_sec: seconds until the job's time limit; None where there is none.
        """
        self.me = me
        self._queue = queue
        self._orders = orders
        self._adopted_by = adopted_by
        self._run = run
        self._now = now
        self._sleep = sleep
        self._left_sec = left_sec
        self._is_fresh = True
        self._has_refused = False
        self._unbegun: Claim | None = None

    def run(self) -> str | None:
        """Work; the directory of the pool to go on with, or None."""
        self._queue.enter(self.me)
        with _Pulse(self._beat, self._orders.beat_sec):
            try:
                return self._work()
            finally:
                with shielded():
                    if self._unbegun is not None:
                        self._queue.give_back(self.me.worker, self._orders.spec_key, self._unbegun.name)
                    self._queue.leave(self.me.worker)

    def _work(self) -> str | None:
        idle_since = self._now()
        while True:
            with shielded():
                self._has_refused = False
                claim = self._unbegun = self._queue.claim(self.me.worker, self._orders.spec_key, self._accepts)
            if claim is not None:
                self._serve(claim)
                idle_since = self._now()
                continue
            adopter = self._adopted_by()
            if adopter is not None:
                return adopter or None
            idle_sec = self._now() - idle_since
            # Tasks that need more time than we have left want a fresh worker in our place.
            if idle_sec >= self._orders.idle_timeout_sec or self._has_refused:
                return None
            if self._queue.shall_leave(self.me.worker):
                return None
            left_sec = self._orders.idle_timeout_sec - idle_sec
            self._sleep(max(_SHORTEST_NAP_SEC, min(nap_sec(idle_sec, _LONGEST_NAP_SEC, chance()), left_sec)))

    def _serve(self, claim: Claim) -> None:
        began = self._now()
        self._unbegun = None
        try:
            end = self._run(claim.payload)
        except BaseException as error:
            # `sys.exit()` of the user's ends the node; a signal ended the attempt as preempted, and ends us too.
            node_end = NodeEnd.of_error(error, self._now() - began)
            end = json.dumps(node_end.to_json())
            if node_end.outcome is Outcome.PREEMPTED:
                with shielded():
                    self._queue.end(self.me.worker, claim.name, node_end.outcome, end)
                raise
        with shielded():
            self._queue.end(self.me.worker, claim.name, json.loads(end)["outcome"], end)
        self._is_fresh = False

    def _accepts(self, name: TaskName) -> bool:
        """Whether there is time for it. The first task is always taken: no other worker would have more time."""
        if self._is_fresh or not name.need_sec:
            return True
        left_sec = self._left_sec()
        # What counts is when Slurm warns us: then the attempt ends.
        if left_sec is None or left_sec >= name.need_sec + SIGNAL_DELAY_SEC:
            return True
        self._has_refused = True
        return False

    def _beat(self) -> None:
        try:
            self._queue.beat(self.me.worker)
        except OSError as error:
            _LOG.warning("worker %s could not beat: %s", self.me.worker, error)


class _Pulse:
    """A thread that beats inside of a block."""

    def __init__(self, beat: Callable[[], None], every_sec: float) -> None:
        self._beat = beat
        self._every_sec = every_sec
        self._is_over = threading.Event()
        self._thread = threading.Thread(target=self._run, name="furu-pulse", daemon=True)

    def __enter__(self) -> None:
        self._thread.start()

    def __exit__(self, *error: object) -> None:
        self._is_over.set()
        self._thread.join()

    def _run(self) -> None:
        while not self._is_over.wait(self._every_sec):
            self._beat()


def _who(orders: WorkerOrders) -> WorkerRecord:
    """This process, or this thread, as a worker."""
    me = THIS_PROCESS.identity()
    job = own_facts() or {}
    return WorkerRecord(
        worker=f"{orders.ticket}-{os.urandom(4).hex()}",
        ticket=orders.ticket,
        spec_key=orders.spec_key,
        job_id=job.get("job_id", ""),
        restarts=int(job.get("restart_count", "0")),
        host=me.host,
        pid=me.pid,
        at=clock.unix(),
    )


def _reader_of_adoption(pool: str, spec_key: str) -> Callable[[], str | None]:
    path = PoolPaths(pool).adopted

    def adopted_by() -> str | None:
        content = THIS_PROCESS.disk.read(path)
        if content is None:
            return None
        with contextlib.suppress(FuruCorruptRecord):
            record = parse(AdoptionRecord, content, path)
            return record.pool if spec_key in record.spec_keys else ""
        return ""

    return adopted_by


def main(arguments: Sequence[str]) -> int:
    """The program of a batch job.

    Returns:
        0.

    Raises:
        SystemExit: 143, after a signal.
    """
    parser = argparse.ArgumentParser(prog="python -m furu.execution.pool.worker", description=__doc__)
    parser.add_argument("--pool", required=True)
    parser.add_argument("--spec-key", required=True)
    parser.add_argument("--ticket", required=True)
    parser.add_argument("--idle-timeout-sec", type=float, required=True)
    parser.add_argument("--beat-sec", type=float, required=True)
    logs.console()
    serve(WorkerOrders(**vars(parser.parse_args(arguments))))
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
