"""One call of an executor: plan, schedule and reporters, and what their end means for the caller.

Run
begin()                  tell the reporters
tasks(free)           -> nodes to start now
finished(start, end)     how one ended
due_owners()          -> nodes to look after that somebody else computes
  look_at(node)       -> what became of one of them
  heed(sights)           act on it
wake_at()             -> when something will be due by itself
finish()                 report, and raise what the caller must hear
"""

from __future__ import annotations

import logging
import multiprocessing
import os
import random
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final, NamedTuple

from furu import clock, logs
from furu.config import settings
from furu.errors import FuruComputeError, FuruError
from furu.execution.owners import FuruFailedDependencies, OwnerWatch
from furu.execution.plan import DependencyPlan, Status, build_plan
from furu.execution.scheduling.arguments import check_limits, check_on_error, check_seconds, check_window_size
from furu.execution.scheduling.outcomes import Failure, Node, Outcome, RunReport, Start
from furu.execution.scheduling.retries import RetryPolicy, exponential_backoff
from furu.execution.scheduling.schedule import Schedule
from furu.execution.worker import NodeEnd
from furu.lifecycle.computable import artifact_paths, node_name

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping

    from furu.core.furu import Furu
    from furu.execution.owners import Sight
    from furu.execution.reporting.reporter import Reporter
    from furu.execution.scheduling.arguments import OnError, WindowSize
    from furu.execution.scheduling.outcomes import Verdict
    from furu.execution.scheduling.queues import Free

_LOG: Final = logging.getLogger("furu")
_FIRST_RETRY_SEC: Final = 0.1
_LISTED_FAILURES: Final = 20
# What is said of a node that no exception and no engine said anything about.
_WORDS: Final[Mapping[Outcome, str]] = {
    **{outcome: outcome.value for outcome in Outcome},
    Outcome.INVALID: "_validate() does not accept the result that was just computed",
}


class FuruRunError(FuruComputeError):
    """A run finished what it could, and not everything could be.

    Attributes:
        failed: `Class(hash)` of each failed node, with the reason.
        skipped: `Class(hash)` of each node that could not run, with the failed ones it needs.
    """

    def __init__(self, *, failed: Mapping[str, str], skipped: Mapping[str, tuple[str, ...]]) -> None:
        self.failed = dict(failed)
        self.skipped = dict(skipped)
        nodes, were = ("node" if len(failed) == 1 else "nodes"), ("was" if len(skipped) == 1 else "were")
        lines = [f"{len(failed)} {nodes} failed, {len(skipped)} {were} skipped because of that"]
        lines += [f"  failed {node}: {reason}" for node, reason in list(failed.items())[:_LISTED_FAILURES]]
        lines += [
            f"  skipped {node}: needs {', '.join(causes)}" for node, causes in list(skipped.items())[:_LISTED_FAILURES]
        ]
        left_out = max(0, len(failed) - _LISTED_FAILURES) + max(0, len(skipped) - _LISTED_FAILURES)
        lines += [f"  and {left_out} more; all are in this error's .failed and .skipped"] if left_out else []
        super().__init__("\n".join(lines))


class FuruUnguardedScript(FuruError, RuntimeError):
    """An executor was called by a script that a process it had spawned was only just importing."""

    def __init__(self) -> None:
        super().__init__(
            "an executor is called at the top level of the main script, which each spawned worker process imports anew",
            hints=['put the call below `if __name__ == "__main__":`'],
        )


class Task(NamedTuple):
    """A node that shall be started.

    Attributes:
        start: the schedule's command.
        obj: the config.
    """

    start: Start
    obj: Furu[Any]


class Run:
    """The state of one run. Not thread-safe: whoever shares it holds a lock, but for `look_at`."""

    def __init__(
        self,
        roots: Iterable[Furu[Any]],
        *,
        window_size: WindowSize,
        max_running: int | None,
        limits: Mapping[str, int] | None,
        on_error: OnError,
        poll_interval_sec: float,
        reporter: Reporter,
        check: Callable[[DependencyPlan], None] = lambda _: None,
    ) -> None:
        """Plan, let the backend `check` the plan, and get ready; nothing has been started then.

        Raises:
            FuruArgumentError: an argument is not what it accepts.
            FuruFailedDependencies: nodes failed before and `FURU_RETRY_FAILED` is off.
            FuruUnguardedScript: this process is only just importing the script that calls an executor.
        """
        check_window_size(window_size)
        check_limits(limits)
        check_on_error(on_error)
        self._poll_interval_sec = check_seconds(poll_interval_sec, "poll_interval_sec")
        refuse_unguarded()
        current = settings()
        logs.console()
        self.plan: DependencyPlan = build_plan(roots)
        self.run_id = new_run_id()
        self._reporter = reporter
        self._owners = OwnerWatch()
        self._next_poll: float = 0.0
        self._check = check
        check(self.plan)
        failed = [node.name for node in self.plan.with_status(Status.FAILED)]
        if failed:
            raise FuruFailedDependencies(failed)
        self.schedule = Schedule(
            schedule_nodes(self.plan),
            roots=[root.furu_hash for root in self.plan.roots],
            done={furu_hash for furu_hash, node in self.plan.nodes.items() if node.status is Status.DONE},
            window_size=window_size,
            max_running=max_running,
            limits=limits,
            retries=RetryPolicy(
                max_retries=current.max_compute_retries if current.retry_failed else 0,
                backoff=exponential_backoff(first_sec=_FIRST_RETRY_SEC, jitter=random.random),
            ),
            on_error=on_error,
        )

    def begin(self) -> None:
        """Tell the reporters; `finish` or `interrupted` must follow, whatever happens, for a view is open from here."""
        self._reporter.run_started(self.run_id, self.plan)

    @property
    def is_finished(self) -> bool:
        return self.schedule.is_finished

    def tasks(self, free: Free) -> list[Task]:
        """Nodes to start now, as far as there is room."""
        starts = self.schedule.take(clock.monotonic(), free)
        for start in starts:
            self._reporter.node_started(start)
        return [Task(start, self.plan.nodes[start.hash].obj) for start in starts]

    def finished(self, start: Start, end: NodeEnd) -> None:
        """A node that was started has ended."""
        verdict = self.schedule.finished(start.hash, end.outcome, clock.monotonic(), error=end)
        self._reporter.node_ended(start, end, verdict)

    def wake_at(self) -> float | None:
        """When something will be due by itself, on the clock of `clock.monotonic`; None when nothing will."""
        moments = [self.schedule.wake_at(), self._next_poll if self.schedule.awaits_external() else None]
        return min((moment for moment in moments if moment is not None), default=None)

    def due_owners(self) -> tuple[str, ...]:
        """The nodes that somebody else computes, when a poll interval is over; else none."""
        now = clock.monotonic()
        if now < self._next_poll or not (awaited := self.schedule.awaits_external()):
            return ()
        self._next_poll = now + self._poll_interval_sec
        return awaited

    def look_at(self, furu_hash: str) -> Sight | None:
        """What became of such a node; None while its owner is at work. Needs no lock."""
        return self._owners.look_at(self.plan.nodes[furu_hash].obj)

    def heed(self, sights: Iterable[Sight | None]) -> None:
        """Act on what `look_at` saw; None is nothing new."""
        for sight in sights:
            if sight is not None:
                self._reporter.owner_ended(sight.hash, self._owner_ended(sight))

    def _owner_ended(self, sight: Sight) -> Verdict:
        if sight.plan is None:
            return self.schedule.external_failed(sight.hash, error=sight.error)
        found = sight.plan.nodes
        if found[sight.hash].status is Status.DONE:
            return self.schedule.external_done(sight.hash)
        self._check(sight.plan)  # its nodes may be new to us
        # A new dict, since a reporter may be looking at the old one.
        self.plan.nodes = {**self.plan.nodes, **{each: found[each] for each in found.keys() - self.plan.nodes.keys()}}
        return self.schedule.external_gone(sight.hash, schedule_nodes(sight.plan))

    def interrupted(self, error: BaseException) -> None:
        """The run ends before its time: say what is done and how to go on; `error` goes on by itself."""
        self.schedule.stop()
        report = self.schedule.report()
        done = {furu_hash for furu_hash, node in self.plan.nodes.items() if node.status is Status.DONE}
        _LOG.warning(
            "run %s was interrupted: %d of %d nodes are done; run the same again to compute the rest",
            self.run_id,
            len(done.union(report.succeeded)),
            len(self.plan.nodes),
        )
        self._reporter.run_ended(report, error)

    def finish(self) -> None:
        """The end: tell the reporters, then the caller.

        Raises:
            FuruProtocolError: as raised by the node, where a rule of executor mode was broken.
            FuruComputeError: a node failed for good; names class, hash, directory and the original error.
            FuruRunError: with `on_error="continue"`, all failed and skipped nodes.
        """
        report = self.schedule.report()
        self._reporter.run_ended(report, None)
        if report.failed:
            raise self._failure(report)

    def _failure(self, report: RunReport) -> BaseException:
        if self.schedule.is_stopped:
            furu_hash, failure = next(iter(report.failed.items()))
            return self._node_error(furu_hash, failure)
        names = {furu_hash: node.name for furu_hash, node in self.plan.nodes.items()}
        return FuruRunError(
            failed={names[furu_hash]: _reason(failure) for furu_hash, failure in report.failed.items()},
            skipped={names[each]: tuple(names[cause] for cause in causes) for each, causes in report.skipped.items()},
        )

    def _node_error(self, furu_hash: str, failure: Failure) -> BaseException:
        obj = self.plan.nodes[furu_hash].obj
        end = failure.error
        if isinstance(end, FuruError):
            return end
        if failure.outcome is Outcome.PROTOCOL_FAILED and isinstance(end, NodeEnd) and end.error is not None:
            return end.error
        furu_dir = Path(artifact_paths(obj).base)
        error = FuruComputeError(
            f"{node_name(obj)} in {furu_dir} failed: {_reason(failure)}",
            node=node_name(obj),
            furu_dir=furu_dir,
            state_path=furu_dir / "attempts",
            hints=["its log is below the directory; run again to compute what is missing"],
        )
        if isinstance(end, NodeEnd):
            error.__cause__ = end.error
            if end.error is None and end.error_traceback:
                error.add_note(f"in the worker:\n{end.error_traceback}")
        return error


def schedule_nodes(plan: DependencyPlan) -> list[Node]:
    """What the schedule must know of a plan: the nodes that are not done."""
    return [
        Node(furu_hash, node.deps_pending, node.spec_key, node.status is Status.IN_PROGRESS)
        for furu_hash, node in plan.nodes.items()
        if node.status in (Status.TODO, Status.IN_PROGRESS)
    ]


def new_run_id() -> str:
    """A name for a run that sorts by time and never comes twice."""
    stamp = clock.isoformat(clock.unix())[:19].replace(":", "").replace("-", "")
    return f"{stamp}-{os.urandom(4).hex()}"


def refuse_unguarded() -> None:
    """Refuse to run while a spawned process imports its parent's script: it would do the parent's work again.

    Raises:
        FuruUnguardedScript: it does so now.
    """
    if getattr(multiprocessing.current_process(), "_inheriting", False):
        raise FuruUnguardedScript


def _reason(failure: Failure) -> str:
    end = failure.error
    what = str(end or "")
    if isinstance(end, NodeEnd):
        what = f"{end.error_type}: {end.error_text}" if end.error_type else end.error_text or _WORDS[end.outcome]
    return f"{what} ({failure.because})" if failure.because else what
