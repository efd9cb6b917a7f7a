"""What a run shows and keeps.

    default_reporter()    the record (`furu.execution.reporting.run_log`) and the progress
    Progress              counts, says what fails, and shows the rest in a view

A view is a live one on a terminal if rich is installed, else lines: one at the start, one at the end, and at most one
every ten seconds between them. Progress is news of level INFO: `FURU_LOG_LEVEL=WARNING` leaves only failures, `ERROR`
only those that are final. An application that has set up logging itself gets lines through its own handlers, from the
logger "furu.runs". A run that finds everything done says nothing.
"""

from __future__ import annotations

import contextlib
import logging
import os
import sys
import threading
from importlib.util import find_spec
from typing import TYPE_CHECKING, Any, Final, Protocol

from furu import clock, config, logs
from furu.execution.cost import typical_sec
from furu.execution.plan import DependencyPlan, Status
from furu.execution.reporting.progress_text import (
    describe_end,
    describe_progress,
    describe_start,
    first_line,
    label_node,
)
from furu.execution.reporting.reporter import Reporter, Reporters
from furu.execution.reporting.run_log import RunLog
from furu.execution.reporting.tally import State, Tally
from furu.execution.scheduling.outcomes import Outcome
from furu.execution.scheduling.outcomes import Status as NodeStatus
from furu.lifecycle.computable import artifact_paths

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

    from furu.core.furu import Furu
    from furu.execution.plan import PlanNode
    from furu.execution.reporting.tally import Snapshot
    from furu.execution.scheduling.outcomes import RunReport, Start, Verdict
    from furu.execution.worker import NodeEnd

LINE_SEC: Final = 10.0
"""The least time between two lines that say how far a run is."""

_FOUND: Final = {
    Status.DONE: State.DONE,
    Status.TODO: State.WAITING,
    Status.IN_PROGRESS: State.ELSEWHERE,
    Status.FAILED: State.FAILED,
}


def default_reporter() -> Reporter:
    """The record below `<root>/runs/`, and progress on stderr.

    For a debugger in `_create()`, set `FURU_LOG_LEVEL=WARNING`: a live view would be drawn over its prompt.
    """
    return Reporters(RunLog(), Progress())


class View(Protocol):
    """Where it is seen how far a run is."""

    def changed(self, now: float) -> None:
        """Something has ended, at `now`."""

    def close(self) -> None:
        """The run is over."""


class Progress(Reporter):
    """The progress of one run."""

    def __init__(
        self,
        choose_view: Callable[[str, Callable[[], Snapshot], float], View | None] | None = None,
        now: Callable[[], float] = clock.monotonic,
    ) -> None:
        """Begin to count time, and show nothing yet.

        Args:
            choose_view: opens a view when the run begins, given its name, what takes a snapshot and the present moment;
                None for none.
            now: gives the present moment, in seconds.
        """
        self._choose_view = choose_view or open_view
        self._now = now
        self._run_id = ""
        self._plan = DependencyPlan([])
        self._counted: dict[str, PlanNode] = {}
        self._tally = Tally(self._namespace_of, now())
        self._lock = threading.Lock()  # a live view takes snapshots in a thread of its own
        self._typical_sec = _TypicalSec()
        self._shown = contextlib.ExitStack()
        self._view: View | None = None

    def run_started(self, run_id: str, plan: DependencyPlan) -> None:
        if all(node.status is Status.DONE for node in plan.nodes.values()):
            return
        self._run_id, self._plan = run_id, plan
        self._count_new()
        self._view = self._choose_view(run_id, self.snapshot, self._now())
        if self._view is not None:
            self._shown.enter_context(logs.hushed())
            self._shown.callback(self._view.close)

    def node_started(self, start: Start) -> None:
        with self._lock:
            self._tally.started(start.hash, self._now())

    def node_ended(self, start: Start, end: NodeEnd, verdict: Verdict) -> None:
        now = self._now()
        with self._lock:
            self._tally.ended(
                start.hash, verdict.status, verdict.skipped, now, end.wall_sec if end.is_computed else None
            )
        if end.outcome not in (Outcome.SUCCEEDED, Outcome.LEASED_ELSEWHERE):
            self._say_failure(self._plan.nodes[start.hash], end, verdict)
        if self._view is not None:
            self._view.changed(now)

    def owner_ended(self, furu_hash: str, verdict: Verdict) -> None:
        self._count_new()
        with self._lock:
            self._tally.owner_ended(furu_hash, verdict.status, verdict.skipped)
        if self._view is not None:
            self._view.changed(self._now())

    def run_ended(self, report: RunReport, error: BaseException | None) -> None:
        self._shown.close()
        # Whoever ends a run before its time says so itself.
        if self._view is not None and error is None:
            logs.RUNS.info("%s", describe_end(self._run_id, self._tally.snapshot(self._now(), {}), report))

    def snapshot(self) -> Snapshot:
        """How far it is now; may read a few files, to learn how long nodes of a class took before."""
        with self._lock:
            unknown = self._tally.unknown()
        # Without the lock: a store on a network is slow, and events go on meanwhile.
        self._typical_sec.learn_one(unknown)
        with self._lock:
            return self._tally.snapshot(self._now(), self._typical_sec.known)

    def _namespace_of(self, furu_hash: str) -> str:
        return self._plan.nodes[furu_hash].obj.__furu_class__.namespace

    def _count_new(self) -> None:
        """Count the nodes in that came into the plan since last time; a plan that grows gets a new dict."""
        nodes = self._plan.nodes
        if nodes is self._counted:
            return
        new = [node for furu_hash, node in nodes.items() if furu_hash not in self._counted]
        self._counted = nodes
        self._typical_sec.meet(node.obj for node in new)
        with self._lock:
            self._tally.expect((node.obj.__furu_class__.namespace, _FOUND[node.status]) for node in new)

    def _say_failure(self, node: PlanNode, end: NodeEnd, verdict: Verdict) -> None:
        what = first_line(f"{end.error_type}: {end.error_text}" if end.error_type else end.error_text or end.outcome)
        if verdict.status is NodeStatus.FAILED:
            logs.RUNS.error("%s failed: %s; see %s", node.name, what, artifact_paths(node.obj).base)
        else:
            logs.RUNS.warning("%s is tried again (%s): %s", node.name, verdict.because, what)
        with self._lock:
            self._tally.last_error = f"{label_node(type(node.obj).__name__, node.obj.furu_hash)}: {what}"


class _TypicalSec:
    """How long nodes of each class took before, by what is stored: a few files are read, of classes that are asked for.

    Attributes:
        known: by namespace, in seconds; None where nothing is stored.
    """

    def __init__(self) -> None:
        self.known: dict[str, float | None] = {}
        self._examples: dict[str, Furu[Any]] = {}

    def meet(self, objs: Iterable[Furu[Any]]) -> None:
        """Get to know classes by their nodes."""
        for obj in objs:
            self._examples.setdefault(obj.__furu_class__.namespace, obj)

    def learn_one(self, namespaces: Iterable[str]) -> None:
        """Read what is stored of the first of these classes that has not been read yet."""
        new = next((namespace for namespace in namespaces if namespace not in self.known), None)
        if new is not None:
            self.known[new] = None
            with contextlib.suppress(OSError):  # an estimate can do without
                self.known[new] = typical_sec([self._examples[new]])


class Lines:
    """A view in lines of the log."""

    def __init__(self, run_id: str, snapshot: Callable[[], Snapshot], now: float) -> None:
        self._run_id = run_id
        self._snapshot = snapshot
        self._next_at = now + LINE_SEC

    def changed(self, now: float) -> None:
        if now >= self._next_at:
            self._next_at = now + LINE_SEC
            logs.RUNS.info("%s", describe_progress(self._run_id, self._snapshot()))

    def close(self) -> None:
        """Nothing: the run itself has the last word."""


def open_view(run_id: str, snapshot: Callable[[], Snapshot], now: float) -> View | None:
    """The view that fits where stderr leads; None where nobody wants to hear of progress."""
    if not _has_listener():
        return None
    if logs.has_console() and _is_terminal():
        # Imported here: it needs rich, which is optional and takes a tenth of a second to load.
        from furu.execution.reporting.live_view import open_live_view

        view = open_live_view(run_id, snapshot)
        if view is not None:
            return view
    logs.RUNS.info("%s", describe_start(run_id, snapshot()))
    return Lines(run_id, snapshot, now)


def _has_listener() -> bool:
    if logs.has_console():
        return logging.getLevelNamesMapping()[config.log_level()] <= logging.INFO
    return logs.RUNS.isEnabledFor(logging.INFO)


def _is_terminal() -> bool:
    """Whether stderr is one on which lines can be drawn over, and rich is there to do it."""
    has_cursor = os.environ.get("TERM", "dumb") not in ("dumb", "unknown")
    return has_cursor and sys.stderr is not None and sys.stderr.isatty() and find_spec("rich") is not None
