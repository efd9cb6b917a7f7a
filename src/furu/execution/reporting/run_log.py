"""The record of a run, below `<root>/runs/<run id>/`: what it found to do, and what happened.

    plan.json                    who, where, when, and every node of the plan, a line each
    events-<host>-<pid>.jsonl    see `furu.execution.reporting.event_file`

`furu.execution.reporting.run_record` reads it. A run that finds everything done leaves none.
"""

from __future__ import annotations

import json
import logging
from typing import TYPE_CHECKING, Any, Final

from furu import clock
from furu.config import settings
from furu.errors import text_of
from furu.execution.plan import Status
from furu.execution.reporting.event_file import EventFile
from furu.execution.reporting.reporter import Reporter
from furu.execution.reporting.run_record import EventKind
from furu.lifecycle.compute import record_environment
from furu.lifecycle.lease import THIS_PROCESS
from furu.storage.layout import RootPaths
from furu.storage.metadata import known_environment
from furu.storage.records import VERSION

if TYPE_CHECKING:
    from collections.abc import Callable

    from furu.execution.plan import DependencyPlan, PlanNode
    from furu.execution.scheduling.outcomes import RunReport, Start, Verdict
    from furu.execution.worker import NodeEnd
    from furu.lifecycle.lease import Participant
    from furu.storage.layout import RunPaths

_LOG: Final = logging.getLogger("furu")
_ERROR_CHARS: Final = 2000
_JSON: Final = json.JSONEncoder(separators=(",", ":"))


class RunLog(Reporter):
    """Writes the record of one run. A directory that can't be written costs the record, never the run."""

    def __init__(self, now: Callable[[], float] = clock.unix, participant: Participant = THIS_PROCESS) -> None:
        """Write nothing yet.

        Args:
            now: gives the present moment, in seconds since the epoch.
            participant: whose disk and identity to use.
        """
        self._now = now
        self._me = participant
        self._run_id = ""
        self._plan: DependencyPlan | None = None
        self._planned: dict[str, PlanNode] = {}
        self._events: EventFile | None = None

    def run_started(self, run_id: str, plan: DependencyPlan) -> None:
        if all(node.status is Status.DONE for node in plan.nodes.values()):
            return
        self._run_id, self._plan, self._planned = run_id, plan, plan.nodes
        now = self._now()
        me = self._me.identity()
        try:
            paths = write_plan(run_id, plan, at=now, participant=self._me)
        except OSError as error:
            self._warn(error)
            return
        self._events = EventFile(
            paths.events(me.host, me.pid),
            {"v": VERSION, "run": run_id, "process": vars(me)},
            on_error=self._warn,
            disk=self._me.disk,
        )
        self._events.add(now, EventKind.RUN_STARTED)

    def node_started(self, start: Start) -> None:
        if self._events is not None:
            self._events.add(self._now(), EventKind.NODE_STARTED, node=start.hash, attempt=start.attempt)

    def node_ended(self, start: Start, end: NodeEnd, verdict: Verdict) -> None:
        if self._events is not None:
            self._events.add(
                self._now(),
                EventKind.NODE_ENDED,
                node=start.hash,
                attempt=start.attempt,
                outcome=end.outcome,
                wall_sec=round(end.wall_sec, 6),
                is_computed=end.is_computed,
                **_facts_of(verdict),
                **(_facts_of_error(end.error_type, end.error_text) if end.error_text or end.error_type else {}),
            )

    def owner_ended(self, furu_hash: str, verdict: Verdict) -> None:
        if self._events is None or self._plan is None:
            return
        now = self._now()
        if self._plan.nodes is not self._planned:
            for added in self._plan.nodes.keys() - self._planned.keys():
                self._events.add(now, EventKind.NODE_ADDED, node=added, **_facts_of_node(self._plan.nodes[added]))
            self._planned = self._plan.nodes
        self._events.add(now, EventKind.OWNER_ENDED, node=furu_hash, **_facts_of(verdict))

    def run_ended(self, report: RunReport, error: BaseException | None) -> None:
        if self._events is not None:
            self._events.add(
                self._now(),
                EventKind.RUN_ENDED,
                succeeded=len(report.succeeded),
                failed=len(report.failed),
                skipped=len(report.skipped),
                unstarted=len(report.unstarted),
                **(_facts_of_error(type(error).__qualname__, text_of(error)) if error is not None else {}),
            )
            self._events.close()

    def _warn(self, error: OSError) -> None:
        _LOG.warning("run %s goes on without a record: %s", self._run_id, error)


def write_plan(run_id: str, plan: DependencyPlan, *, at: float, participant: Participant) -> RunPaths:
    """Write plan.json of a run that begins `at`, in seconds since the epoch; the run's paths."""
    current = settings()
    paths = RootPaths(str(current.path)).run(run_id)
    # Some facts for a reader at once, and the name of the rest.
    record = known_environment(current).record
    facts = {
        "run": run_id,
        "at": at,
        "process": vars(participant.identity()),
        "argv": record["argv"],
        "cwd": record["cwd"],
        "environment": record_environment(current, participant, str(current.path)),
    }
    participant.disk.make_directories(paths.base)
    participant.disk.replace(paths.plan, render_plan(plan, facts), suffix=participant.new_token())
    return paths


def render_plan(plan: DependencyPlan, facts: dict[str, Any]) -> bytes:
    """The bytes of plan.json: one JSON object, with a line for each node."""
    header = {"v": VERSION, **facts, "roots": [root.furu_hash for root in plan.roots]}
    nodes = [f'"{furu_hash}":{_JSON.encode(_facts_of_node(node))}' for furu_hash, node in plan.nodes.items()]
    lines = ",\n".join(nodes)
    return f'{_JSON.encode(header)[:-1]},"nodes":{{\n{lines}\n}}}}\n'.encode("ascii")


def _facts_of_node(node: PlanNode) -> dict[str, Any]:
    cls = type(node.obj)
    return {
        "class": cls.__name__,
        "namespace": cls.__furu_class__.namespace,
        "status": node.status.value,
        "because": node.because,
        "spec_key": node.spec_key,
        "deps_pending": node.deps_pending,
    }


def _facts_of(verdict: Verdict) -> dict[str, Any]:
    facts: dict[str, Any] = {"status": verdict.status}
    if verdict.because:
        facts["because"] = verdict.because
    if verdict.skipped:
        facts["skipped"] = verdict.skipped
    return facts


def _facts_of_error(name: str, text: str) -> dict[str, str]:
    return {"error_type": name, "error_text": text[:_ERROR_CHARS]}
