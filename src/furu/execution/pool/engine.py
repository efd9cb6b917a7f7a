"""The engine (see `furu.execution.drive`) behind a pool of workers that read tasks from a queue.

    start      a task into the queue
    wait       what ended, each look → every poll interval: tend
    tend       beat → look at the workers → give up what dead ones had → ask for workers, or let some go

A task of a dead worker is given up only when the artifact's lease is free too, and then counts as a lost worker, of
which the schedule forgives a few. So nothing is requeued here: the schedule starts the node again, as another task.
"""

from __future__ import annotations

import dataclasses
import json
import logging
from collections import Counter
from typing import TYPE_CHECKING, Any, Final, NamedTuple

from furu import clock
from furu.errors import FuruProtocolError
from furu.execution.pool.adopt import FuruPoolTaken
from furu.execution.pool.queue import TaskName
from furu.execution.scheduling.outcomes import Outcome
from furu.execution.slurm_spec import FuruMissingSpec
from furu.execution.worker import NodeEnd
from furu.lifecycle.artifact import Artifact
from furu.lifecycle.computable import artifact_paths, node_name
from furu.lifecycle.lease import THIS_PROCESS
from furu.lifecycle.published import find_published
from furu.lifecycle.signals import shielded
from furu.lifecycle.waiting import chance, nap_sec
from furu.storage.layout import Ending

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from furu.execution.payload import PayloadWriter
    from furu.execution.pool.adopt import PoolFiles
    from furu.execution.pool.queue import Queue
    from furu.execution.pool.runtimes import Runtimes
    from furu.execution.pool.staff import Staff
    from furu.execution.run import Task
    from furu.execution.scheduling.outcomes import Start

_LOG: Final = logging.getLogger("furu")
_MOST_QUEUED: Final = 1000
"""Tasks of one spec key that are queued at once; workers list them, so more would only cost."""

_SHORTEST_NAP_SEC: Final = 0.02
_PATIENCE_SEC: Final = 3.0


class FuruSilentWorker(FuruProtocolError):
    """A task was claimed, more than once, by workers that never showed a heartbeat: a failure of the pool's protocol.

    Attributes:
        node: `Class(hash)`.
        worker: the last one.
    """

    def __init__(self, *, node: str, worker: str) -> None:
        hints = ["do workers see the same directories as the controller?"]
        super().__init__(f"protocol failure: worker {worker} claimed {node} and never showed a heartbeat", hints=hints)
        self.node = node
        self.worker = worker


class _Held(NamedTuple):
    """A task that the queue, or a worker, has."""

    name: TaskName
    task: Task
    began: float
    began_ns: int


class PoolEngine:
    """Drives one pool."""

    def __init__(
        self,
        *,
        queue: Queue,
        files: PoolFiles,
        staff: Staff,
        writer: PayloadWriter,
        runtimes: Runtimes,
        specs: Mapping[str, Any],
        backlog: Callable[[], Mapping[str, int]],
        poll_interval_sec: float,
        heartbeat_grace_sec: float,
        now: Callable[[], float] = clock.monotonic,
        sleep: Callable[[float], None] = clock.sleep,
    ) -> None:
        """Take over a queue that is prepared.

        Args:
            queue: where workers find tasks.
            files: what the pool says of itself.
            staff: gets workers.
            writer: makes payloads.
            runtimes: how long nodes take.
            specs: the spec keys there are workers for.
            backlog: ready nodes that we have not been given yet, by spec key.
            poll_interval_sec: how often to tend.
            heartbeat_grace_sec: how long a worker may have a task and show no heartbeat.
            now: seconds of a clock that never goes back.
            sleep: lets time pass.
        """
        self._queue = queue
        self._files = files
        self._staff = staff
        self._writer = writer
        self._runtimes = runtimes
        self._specs = specs
        self._backlog = backlog
        self._poll_interval_sec = poll_interval_sec
        self._grace_sec = heartbeat_grace_sec
        self._now = now
        self._sleep = sleep
        self._number = 0
        self._held: dict[TaskName, _Held] = {}
        self._by_key: Counter[str] = Counter()
        self._taken_back: list[tuple[Start, NodeEnd]] = []
        self._artifacts: dict[TaskName, Artifact] = {}
        self._unseen: dict[tuple[str, TaskName], float] = {}
        self._silent: Counter[str] = Counter()
        self._tend_at = now()
        self._heard_at = now()
        self._is_broken = False
        self._is_taken = False

    # ---------------------------------------------------------------- what the driver calls

    def free(self) -> dict[str, int]:
        return {key: _MOST_QUEUED - self._by_key[key] for key in self._specs}

    def start(self, task: Task) -> None:
        self._number += 1
        name = TaskName(self._number, task.start.hash, self._runtimes.need_sec(task.obj))
        # Workers write into files of their own, not below the driver's live view.
        payload = {**json.loads(self._writer.payload(task)), "is_hushed": False}
        if not self._by_key[task.start.spec_key]:
            self._tend_at = self._now()
        self._held[name] = _Held(name, task, self._now(), clock.unix_ns())
        self._by_key[task.start.spec_key] += 1
        self._queue.put(name, task.start.spec_key, json.dumps(payload))

    def wait(self, timeout_sec: float | None) -> list[tuple[Start, NodeEnd]]:
        until = None if timeout_sec is None else self._now() + timeout_sec
        while True:
            with shielded():
                ends = self._collect()
                if not ends and self._now() >= self._tend_at:
                    ends = self._tend()
            now = self._now()
            if ends:
                self._heard_at = now
                return ends
            if until is not None and now >= until:
                return []
            nap = max(_SHORTEST_NAP_SEC, nap_sec(now - self._heard_at, self._poll_interval_sec, chance()))
            moments = [now + nap, max(now, self._tend_at), *([until] if until is not None else [])]
            self._sleep(max(0.0, min(moments) - now))

    def take_back(self) -> None:
        if self._taken_back or not self._held:
            return
        claimed = {name for names in self._queue.claims().values() for name in names}
        for name, held in list(self._held.items()):
            if name not in claimed and self._queue.withdraw(name, held.task.start.spec_key):
                self._taken_back.append((held.task.start, self._end(held, Outcome.NOT_STARTED, "it was taken back")))
                self._drop(name)

    def close(self) -> None:
        """The end: let everybody go. After an interruption workers stay and finish what is queued."""
        if self._is_taken:
            self._files.let_go()
            return
        if self._held and not self._is_broken:
            self._files.let_go()
            _LOG.warning(
                "run %s: its workers finish what is queued, and leave; the same call again goes on with them, "
                "`scancel %s` ends them",
                self._files.record.run_id,
                " ".join(self._staff.roster.open_job_ids()),
            )
            return
        for name, held in self._held.items():
            self._queue.withdraw(name, held.task.start.spec_key)
        self._queue.close()
        self._staff.dismiss_all()
        self._files.close()
        self._await_leaving()

    # ---------------------------------------------------------------- what ended

    def _collect(self) -> list[tuple[Start, NodeEnd]]:
        ends, self._taken_back = self._taken_back, []
        for name, text in self._queue.ends():
            held = self._drop(name)
            if held is not None:  # else it was given up before, and its worker woke up
                end = self._checked(held, text)
                if end.is_computed and end.outcome is Outcome.SUCCEEDED:
                    self._runtimes.add(held.task.obj, end.wall_sec)
                ends.append((held.task.start, end))
        return ends

    def _checked(self, held: _Held, text: str) -> NodeEnd:
        """What a worker says, unless it says that something is done which is not."""
        try:
            end = NodeEnd.from_json(json.loads(text))
        except (KeyError, TypeError, ValueError) as error:
            return self._end(held, Outcome.WORKER_LOST, f"its worker left no report: {error!r}")
        if end.outcome is Outcome.SUCCEEDED and not _is_done(held.task.obj):
            return self._end(held, Outcome.WORKER_LOST, "its worker says that it is done, but nothing is published")
        return end

    def _end(self, held: _Held, outcome: Outcome, text: str) -> NodeEnd:
        return NodeEnd(outcome, self._now() - held.began, error_text=text)

    def _drop(self, name: TaskName) -> _Held | None:
        held = self._held.pop(name, None)
        if held is not None:
            self._by_key[held.task.start.spec_key] -= 1
            self._artifacts.pop(name, None)
        return held

    # ---------------------------------------------------------------- now and then

    def _tend(self) -> list[tuple[Start, NodeEnd]]:
        self._tend_at = self._now() + max(_SHORTEST_NAP_SEC, self._poll_interval_sec)
        try:
            self._files.beat()
            self._staff.look(self._queue, self._poll_interval_sec)
            claims = self._queue.claims()
            ends, stuck = self._look_after(claims)
            demand = {key: self._by_key[key] - stuck[key] for key in self._specs if self._by_key[key] > stuck[key]}
            self._refuse_unknown_keys()
            self._staff.adjust(self._queue, demand, claims.keys())
        except FuruPoolTaken:
            self._is_taken = True
            raise
        except BaseException:
            self._is_broken = True
            raise
        return ends

    def _refuse_unknown_keys(self) -> None:
        """What an owner left behind may need resources that the first plan did not."""
        unknown = self._backlog().keys() - self._specs.keys()
        if unknown:
            raise FuruMissingSpec(missing=dict.fromkeys(sorted(unknown), ()), known=self._specs)

    def _look_after(self, claims: Mapping[str, list[TaskName]]) -> tuple[list[tuple[Start, NodeEnd]], Counter[str]]:
        """Ends of tasks whose workers are gone; and how many of each key still wait for their lease to be free."""
        ends: list[tuple[Start, NodeEnd]] = []
        stuck: Counter[str] = Counter()
        now = self._now()
        roster = self._staff.roster
        for worker, names in claims.items():
            why = roster.why_gone(worker, now) if roster.knows(worker) else self._silence(worker, names, now)
            if why is None:
                continue
            for name in names:
                held = self._held.get(name)
                if held is None:  # of a task that was given up before
                    self._queue.revoke(worker, name)
                elif (end := self._fate(held, worker, why)) is None:
                    stuck[held.task.start.spec_key] += 1
                elif self._queue.revoke(worker, name):
                    self._drop(name)
                    ends.append((held.task.start, end))
        return ends, stuck

    def _silence(self, worker: str, names: list[TaskName], now: float) -> str | None:
        since = min(self._unseen.setdefault((worker, name), now) for name in names)
        return f"no heartbeat at all for {now - since:.0f} s" if now - since > self._grace_sec else None

    def _fate(self, held: _Held, worker: str, why: str) -> NodeEnd | None:
        """How the task of a worker that is gone ended; None while its lease is not free."""
        obj = held.task.obj
        artifact = self._artifacts.setdefault(held.name, Artifact(artifact_paths(obj), THIS_PROCESS))
        holder = artifact.holder()
        roster = self._staff.roster
        if holder is not None and not holder.is_stuck:
            record = roster.record(worker) if roster.knows(worker) else None
            owner = holder.owner
            if owner is None or record is None or (owner.host, owner.pid) == (record.host, record.pid):
                return None
            return self._end(held, Outcome.LEASED_ELSEWHERE, f"{owner.process} computes it")
        text = f"worker {worker} is gone: {why}"
        newest = artifact.newest_ended()
        if newest is not None and newest.ending is Ending.PREEMPTED and newest.token >= f"{held.began_ns:020d}":
            return self._end(held, Outcome.PREEMPTED, text)
        end = self._end(held, Outcome.WORKER_LOST, text)
        if roster.knows(worker):
            return end
        self._silent[obj.furu_hash] += 1
        if self._silent[obj.furu_hash] == 1:
            return end
        error = FuruSilentWorker(node=node_name(obj), worker=worker)
        return dataclasses.replace(NodeEnd.of_error(error, end.wall_sec))

    def _await_leaving(self) -> None:
        """Idle workers look soon; not for long, since some may be busy with what nobody waits for any more."""
        began = self._now()
        while self._now() - began < _PATIENCE_SEC:
            sights = self._queue.workers()
            self._staff.roster.look(sights, self._now())
            if all(sight.has_left or self._staff.roster.why_gone(sight.record.worker, self._now()) for sight in sights):
                return
            self._sleep(_SHORTEST_NAP_SEC)


def _is_done(obj: Any) -> bool:
    """Whether the artifact is published, by a fresh listing; an alias counts."""
    paths = artifact_paths(obj)
    return Artifact(paths, THIS_PROCESS).lock.is_published() or find_published(paths, THIS_PROCESS.disk) is not None
