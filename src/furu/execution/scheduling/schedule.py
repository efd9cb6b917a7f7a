"""The one scheduler behind every backend: told what happened and when, it says what to start.

    Schedule
      take(now)                     -> what to start
      finished(hash, outcome, now)  an attempt of ours ended: done, retried, requeued, given up
      external_done / _failed / _gone    so did somebody else's
      wake_at / awaits_external     what to wait for, besides the running ones
      is_finished, report           the end

It knows no clock, thread, process or file. Each event costs O(log n) and the edges it resolves, never a look at
the whole graph; only `external_gone` walks what its node still needs.
"""

from __future__ import annotations

from heapq import heappop, heappush
from typing import TYPE_CHECKING, Final

from furu.execution.scheduling.arguments import check_count, check_limits, check_on_error, check_window_size
from furu.execution.scheduling.frontier import Frontier, pending
from furu.execution.scheduling.outcomes import (
    NO_ATTEMPT,
    TERMINAL,
    Event,
    Failure,
    Outcome,
    RunReport,
    ScheduleMisuse,
    Start,
    Status,
    Verdict,
    next_status,
)
from furu.execution.scheduling.queues import ReadyQueues
from furu.execution.scheduling.retries import RetryPolicy

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping
    from collections.abc import Set as AbstractSet

    from furu.execution.scheduling.arguments import OnError, WindowSize
    from furu.execution.scheduling.frontier import Task
    from furu.execution.scheduling.outcomes import Node
    from furu.execution.scheduling.queues import Free

_SUCCEEDED: Final = Verdict(Status.SUCCEEDED)


class Schedule:
    """One run over a graph: which nodes may start, and what each end means for the others.

    Nodes start when their dependencies are done, their root is in the window, and limits leave room; among
    those, earlier roots first, and within a root depth first, so that few results are needed at a time.

    `on_error="stop"`: after the first final failure nothing starts any more; what runs may finish. `"continue"`:
    all that can be finished is; a protocol failure is then the failure of that node like any other.
    """

    def __init__(
        self,
        nodes: Iterable[Node],
        *,
        roots: Iterable[str],
        done: AbstractSet[str] = frozenset(),
        window_size: WindowSize = "bfs",
        max_running: int | None = None,
        limits: Mapping[str, int] | None = None,
        retries: RetryPolicy | None = None,
        on_error: OnError = "stop",
    ) -> None:
        """Take the graph, check it and put it in order.

        Args:
            nodes: what is not done yet; those that no root needs are never started nor reported.
            roots: hashes of what the run is for, in order; duplicates and done ones are left out.
            done: hashes that `roots` and dependencies may name although no node has them: nothing to do for these.
            window_size: how many roots may be open at once: `"dfs"` one, `"bfs"` all, or a number.
            max_running: how many nodes may run at once; None for no limit.
            limits: the same for single spec keys.
            retries: budgets and backoff; by default no retry of failed computations.
            on_error: `"stop"` or `"continue"`.

        Raises:
            FuruArgumentError: an argument is not what it accepts.
            FuruDependencyCycle: the nodes depend on each other in a ring.
            GraphMisuse: a hash is given twice, or named and neither given nor done.
        """
        size = check_window_size(window_size)
        self._on_error = check_on_error(on_error)
        self._retries = retries or RetryPolicy()
        self._queues = ReadyQueues(
            max_running=None if max_running is None else check_count(max_running, "max_running"),
            limits=check_limits(limits),
        )
        self._due: list[tuple[float, int, str]] = []
        self._awaited: dict[str, None] = {}
        self._succeeded: list[str] = []
        self._failed: dict[str, Failure] = {}
        self._is_stopped = False
        self._frontier = Frontier()
        for node in nodes:
            self._frontier.add(node, done)
        for task in self._frontier.walk((root for root in roots if root not in done), size):
            self._make_ready(task)
        self._roll()

    @property
    def is_finished(self) -> bool:
        """True when nothing runs and nothing will be started or awaited any more."""
        return not self._queues.running and (self._is_stopped or not self._frontier.unsettled)

    @property
    def is_stopped(self) -> bool:
        """True after `stop()` or, with `on_error="stop"`, after a final failure: nothing starts any more."""
        return self._is_stopped

    @property
    def running(self) -> int:
        """How many nodes run."""
        return self._queues.running

    @property
    def open_roots(self) -> list[str]:
        """The roots that are worked on, in order."""
        return self._frontier.open_roots

    def status(self, node: str) -> Status:
        """What state `node` is in."""
        return self._task(node).status

    @property
    def can_start(self) -> bool:
        """True if `take` would give something to a backend with room for anything."""
        return not self._is_stopped and self._queues.has_room()

    def backlog(self) -> dict[str, int]:
        """How many nodes could start if there were room, for each spec key that has some."""
        return {} if self._is_stopped else self._queues.backlog()

    def awaits_external(self) -> tuple[str, ...]:
        """Nodes that somebody else computes and that are worth looking at now; a copy, so ask once per poll."""
        return () if self._is_stopped else tuple(self._awaited)

    def wake_at(self) -> float | None:
        """When the next pause is over, on the clock of `now`; None when no node pauses."""
        return self._due[0][0] if self._due else None

    def take(self, now: float, free: Free = None) -> list[Start]:
        """What to start now; it counts as running until `finished` is told of it.

        Args:
            now: seconds on any clock that does not go back; the same one for all calls.
            free: what the backend has room for: a number in all, a number per spec key (a missing key has
                none), or None for all that the limits allow.
        """
        while self._due and self._due[0][0] <= now:
            self._move(self._frontier.tasks[heappop(self._due)[2]], Event.DUE)
        if self._is_stopped:
            return []
        starts = []
        for node in self._queues.pop(free):
            task = self._frontier.tasks[node]
            task.status = next_status(node, task.status, Event.TAKEN)
            task.attempts += 1
            starts.append(Start(node, task.attempts, task.spec_key, task.after))
        return starts

    def finished(self, node: str, outcome: Outcome, now: float, *, error: object = None) -> Verdict:
        """The attempt that `take` asked for has ended.

        Args:
            node: its hash.
            outcome: how it ended.
            now: seconds on the clock of `take`.
            error: what to report with a failure: an exception, a text.

        Raises:
            ScheduleMisuse: the node is unknown or does not run.
        """
        task = self._task(node)
        times = 1 if task.ends is None else task.ends.get(outcome, 0) + 1
        decision = self._retries.decide(outcome, times, is_stopping=self._is_stopped)
        task.status = next_status(node, task.status, decision.event)
        self._queues.release(task.spec_key)
        if task.status is Status.SUCCEEDED:
            return self._succeed(task)
        if outcome in NO_ATTEMPT:
            task.attempts -= 1
        else:
            task.after = outcome
            task.error = error
            task.ends = {**(task.ends or {}), outcome: times}
        if task.status is Status.FAILED:
            return self._fail(task, decision.because)
        due_at = None
        if task.status is Status.DELAYED:
            due_at = now + decision.wait_sec
            heappush(self._due, (due_at, task.order, node))
        self._offer(task)
        return Verdict(task.status, decision.because, due_at)

    def external_done(self, node: str) -> Verdict:
        """Somebody else has computed `node`.

        Raises:
            ScheduleMisuse: the node is unknown or not somebody else's.
        """
        return self._succeed(self._hear_of_owner(node, Event.OWNER_FINISHED))

    def external_failed(self, node: str, *, error: object = None) -> Verdict:
        """Somebody else failed to compute `node`, and it is not to be tried again.

        Raises:
            ScheduleMisuse: the node is unknown or not somebody else's.
        """
        task = self._hear_of_owner(node, Event.OWNER_FAILED)
        task.after = Outcome.COMPUTE_FAILED
        task.error = error
        return self._fail(task, "another owner failed")

    def external_gone(self, node: str, nodes: Iterable[Node] = (), done: AbstractSet[str] = frozenset()) -> Verdict:
        """Somebody else has given up `node` without a result: it is ours now.

        Args:
            node: its hash.
            nodes: what a new plan says it needs, itself included: a plan does not look behind what is being
                computed. Of nodes that the schedule knows, only `node` itself gets new dependencies.
            done: hashes that dependencies may name although no node has them.

        Raises:
            ScheduleMisuse: the node is unknown or not somebody else's.
            FuruDependencyCycle: what it needs needs `node`.
        """
        task = self._hear_of_owner(node, Event.OWNER_GONE)
        task.is_external = False
        deps = task.deps
        for new in nodes:
            if new.hash == node:
                deps = pending(new.deps, done)
            elif new.hash not in self._frontier.tasks:
                self._frontier.add(new, done)
        found = self._frontier.again(task, deps)
        for each in found.opened:
            self._offer(each)
        for each in found.ready:
            self._make_ready(each)
        skipped = _skip(found.lost)
        self._roll()
        return Verdict(task.status, "the other owner is gone", None, skipped)

    def stop(self) -> None:
        """Start nothing any more; what runs may finish. Nodes that pause have failed, and stay so."""
        self._is_stopped = True
        pausing, self._due = self._due, []
        for _, _, node in sorted(pausing):
            task = self._frontier.tasks[node]
            task.status = next_status(node, task.status, Event.STOPPED)
            self._fail(task, f"{task.after}, and the run stops")

    def report(self) -> RunReport:
        """What became of every node so far."""
        left = [task for task in self._frontier.tasks.values() if task.root >= 0 and task.status not in TERMINAL]
        left.sort(key=lambda task: task.order)
        return RunReport(
            succeeded=tuple(self._succeeded),
            failed=dict(self._failed),
            skipped=self._frontier.causes(),
            unstarted=tuple(task.node for task in left),
        )

    def _task(self, node: str) -> Task:
        try:
            return self._frontier.tasks[node]
        except KeyError:
            raise ScheduleMisuse(f"{node} is not in this schedule") from None

    def _hear_of_owner(self, node: str, event: Event) -> Task:
        task = self._task(node)
        task.status = next_status(node, task.status, event)
        self._awaited.pop(node, None)
        return task

    def _make_ready(self, task: Task) -> None:
        """Dependencies of `task` do not hold it up any more."""
        self._move(task, Event.FOUND_EXTERNAL if task.is_external else Event.DEPS_DONE)

    def _move(self, task: Task, event: Event) -> None:
        task.status = next_status(task.node, task.status, event)
        if task.is_open:
            self._offer(task)

    def _offer(self, task: Task) -> None:
        """Put an open node where `take` or a poll finds it."""
        if task.status is Status.READY:
            self._queues.push(task.spec_key, task.order, task.node)
        elif task.status is Status.EXTERNAL:
            self._awaited[task.node] = None

    def _roll(self) -> None:
        for task in self._frontier.roll():
            self._offer(task)

    def _succeed(self, task: Task) -> Verdict:
        self._succeeded.append(task.node)
        for found in self._frontier.succeeded(task):
            self._make_ready(found)
        self._roll()
        return _SUCCEEDED

    def _fail(self, task: Task, because: str) -> Verdict:
        self._failed[task.node] = Failure(task.after or Outcome.COMPUTE_FAILED, task.error, task.attempts, because)
        skipped = _skip(self._frontier.failed(task))
        if self._on_error == "stop":
            self.stop()
        self._roll()
        return Verdict(Status.FAILED, because, None, skipped)


def _skip(tasks: list[Task]) -> tuple[str, ...]:
    for task in tasks:
        task.status = next_status(task.node, task.status, Event.DEP_FAILED)
    return tuple(task.node for task in tasks)
